/* SPDX-License-Identifier: MIT */
/* read.c - calls that wait for input
 *
 * One loop for all of them: is what is wanted there, else read once, else wait until there is something to read.
 * Nothing is taken before all of it is there, so giving up is leaving. */
#include <string.h>

#include "actor/error.h"
#include "stream/stream.h"

static tr_err read_failed(struct tr_self *self, const struct stream *s, tr_err err, const struct want *want)
{
    if (err == TR_ETOOBIG)
        return error_set(self, err, "read", "%zu bytes came without a delimiter", want->max);
    if (s->in.len > 0 && err == TR_ECLOSED)
        return error_set(self, err, "read", "the stream ended %zu bytes into what was to be read", s->in.len);
    return stream_in_error(self, s, "read");
}

static tr_err read_begin(struct tr_self *self, tr_stream stream, struct stream **s)
{
    struct port *p;
    tr_err err = port_enter(self, stream.id, PORT_STREAM, "read", &p);
    if (err != TR_OK)
        return err;
    if (p->hook.reader != NULL || stream_of(p)->once.state != ONCE_OFF)
        return error_set(self, TR_EBUSY, "read", "another reads this stream, or it is active once");
    *s = stream_of(p);
    return TR_OK;
}

/* Nothing is there now. */
static tr_err read_wait(struct tr_self *self, struct stream **s, int64_t deadline)
{
    struct port *p = &(*s)->port;
    if (stream_is_drained(*s))
        return TR_OK;
    tr_err err = port_wait(self, &p, TR_READABLE, deadline, "read");
    *s = p != NULL ? stream_of(p) : NULL;
    return err;
}

/* Until what is wanted is in; direct: or some is there, where the reader wants it. *n: how many bytes. */
static tr_err read_until_there(struct tr_self *self, struct stream **s, struct want *want, int64_t timeout_ms,
                               void *direct, bool *is_direct, size_t *n)
{
    int64_t deadline = timeout_ms == 0 ? 0 : port_deadline(self, timeout_ms);
    tr_err err = TR_OK;
    for (;;) {
        enum look look = stream_look(*s, want, n, &err);
        if (look == LOOK_FAILED)
            return read_failed(self, *s, err, want);
        if (look == LOOK_DONE)
            return TR_OK;
        bool straight = direct != NULL && (*s)->in.len == 0 && (*s)->layer == NULL;
        enum fill fill = straight ? stream_fill_direct(*s, direct, want->max, n) : stream_fill(*s, want);
        if (straight && fill == FILL_GOT && *n > 0) {
            *is_direct = true;
            return TR_OK;
        }
        if (fill == FILL_NOMEM)
            return error_set(self, TR_ENOMEM, "read", "out of memory");
        if (fill == FILL_AGAIN && timeout_ms == 0 && !stream_is_drained(*s))
            return error_set(self, TR_ETIMEDOUT, "read", "nothing is there now");
        if (fill == FILL_AGAIN)
            err = read_wait(self, s, deadline);
        if (err != TR_OK)
            return err;
    }
}

static void take(struct stream *s, void *buf, size_t n)
{
    memcpy(buf, buffer_bytes(&s->in), n);
    buffer_take(&s->in, n);
    s->received += n;
}

tr_err tr_stream_read(tr_self *self, tr_stream stream, void *buf, size_t size, int64_t timeout_ms, size_t *len)
{
    struct stream *s;
    struct want want = { .min = 1, .max = size };
    bool direct = false;
    size_t n = 0;
    tr_err err = read_begin(self, stream, &s);
    if (err == TR_OK && (size == 0 || buf == NULL))
        return error_set(self, TR_EINVAL, "read", "no room to read into");
    if (err == TR_OK)
        err = read_until_there(self, &s, &want, timeout_ms, buf, &direct, &n);
    if (err != TR_OK)
        return err;
    if (direct)
        s->received += n;
    else
        take(s, buf, n);
    *len = n;
    return TR_OK;
}

tr_err tr_stream_read_exactly(tr_self *self, tr_stream stream, void *buf, size_t size, int64_t timeout_ms)
{
    struct stream *s;
    struct want want = { .min = size, .max = size };
    size_t n = 0;
    tr_err err = read_begin(self, stream, &s);
    if (err != TR_OK || size == 0)
        return err;
    err = read_until_there(self, &s, &want, timeout_ms, NULL, NULL, &n);
    if (err == TR_OK)
        take(s, buf, n);
    return err;
}

tr_err tr_stream_read_until(tr_self *self, tr_stream stream, const void *delim, size_t delim_len, void *buf,
                            size_t size, int64_t timeout_ms, size_t *len)
{
    struct stream *s;
    struct want want = { .max = size, .delim = delim, .delim_len = delim_len };
    size_t n = 0;
    tr_err err = read_begin(self, stream, &s);
    if (err == TR_OK && (delim == NULL || delim_len == 0))
        return error_set(self, TR_EINVAL, "read", "no delimiter");
    if (err == TR_OK)
        err = read_until_there(self, &s, &want, timeout_ms, NULL, NULL, &n);
    if (err != TR_OK)
        return err;
    take(s, buf, n);
    *len = n;
    return TR_OK;
}

tr_err tr_stream_read_line(tr_self *self, tr_stream stream, char *buf, size_t size, int64_t timeout_ms, size_t *len)
{
    size_t n = 0;
    tr_err err = tr_stream_read_until(self, stream, "\n", 1, buf, size, timeout_ms, &n);
    if (err != TR_OK)
        return err;
    n--;
    if (n > 0 && buf[n - 1] == '\r')
        n--;
    buf[n] = '\0';
    if (len != NULL)
        *len = n;
    return TR_OK;
}

tr_err tr_stream_layer_until(tr_self *self, tr_stream stream, bool (*is_ready)(const void *state), int64_t timeout_ms)
{
    struct stream *s;
    const struct want want = { .min = 1, .max = 1 };
    tr_err err = read_begin(self, stream, &s);
    if (err == TR_OK && s->layer == NULL)
        return error_set(self, TR_EINVAL, "read", "the stream has no layer");
    int64_t deadline = err == TR_OK ? port_deadline(self, timeout_ms) : 0;
    while (err == TR_OK && !is_ready(s->layer_state)) {
        if (s->in_err != TR_OK)
            return stream_in_error(self, s, "read");
        enum fill fill = stream_fill(s, &want);
        if (fill == FILL_NOMEM)
            return error_set(self, TR_ENOMEM, "read", "out of memory");
        if (fill == FILL_AGAIN)
            err = read_wait(self, &s, deadline);
    }
    return err;
}
