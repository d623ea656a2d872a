/* SPDX-License-Identifier: MIT */
/* write.c - calls that send, with and without waiting for room */
#include <errno.h>
#include <sys/socket.h>

#include "actor/error.h"
#include "stream/stream.h"

static tr_err write_check(struct tr_self *self, const struct port *p)
{
    if (p->hook.writer != NULL)
        return error_set(self, TR_EBUSY, "write", "another writes to this stream");
    return TR_OK;
}

static tr_err write_wait(struct tr_self *self, struct stream **s, int64_t timeout_ms, int64_t deadline)
{
    struct port *p = &(*s)->port;
    if (timeout_ms == 0)
        return error_set(self, TR_ETIMEDOUT, "write", "there is no room now");
    tr_err err = port_wait(self, &p, TR_WRITABLE, deadline, "write");
    *s = p != NULL ? stream_of(p) : NULL;
    return err;
}

/* One step: what waits goes first. *n: how many of these bytes are taken care of. */
static enum flush write_step(struct stream *s, const char *data, size_t len, size_t *n, tr_err *err)
{
    *n = 0;
    enum flush flush = stream_flush(s);
    if (flush != FLUSH_DONE || len == 0)
        return flush;
    if (s->layer == NULL)
        return stream_send(s, data, len, n);
    size_t piece = len < STREAM_PIECE ? len : STREAM_PIECE;
    *err = stream_push(s, data, piece, false);
    if (*err != TR_OK)
        return FLUSH_FAILED;
    *n = piece;
    return stream_flush(s);
}

/* All of it, and whatever waited before it. */
static tr_err write_all(struct tr_self *self, struct stream **s, const char *data, size_t len, int64_t timeout_ms)
{
    int64_t deadline = timeout_ms == 0 ? 0 : port_deadline(self, timeout_ms);
    for (;;) {
        size_t n;
        tr_err err = TR_OK;
        enum flush flush = write_step(*s, data, len, &n, &err);
        data += n;
        len -= n;
        (*s)->written += n;
        if (flush == FLUSH_FAILED)
            return err == TR_ENOMEM ? error_set(self, err, "write", "out of memory")
                                    : stream_out_error(self, *s, "write");
        if (flush == FLUSH_DONE && len == 0)
            return TR_OK;
        if (flush == FLUSH_AGAIN)
            err = write_wait(self, s, timeout_ms, deadline);
        if (err != TR_OK)
            return err;
    }
}

tr_err tr_stream_write(tr_self *self, tr_stream stream, const void *data, size_t len, int64_t timeout_ms)
{
    struct port *p;
    tr_err err = port_enter(self, stream.id, PORT_STREAM, "write", &p);
    if (err == TR_OK)
        err = write_check(self, p);
    if (err != TR_OK)
        return err;
    struct stream *s = stream_of(p);
    if (s->finishing)
        return error_set(self, TR_ECLOSED, "write", "the stream was finished");
    if (s->out_err != TR_OK)
        return stream_out_error(self, s, "write");
    err = write_all(self, &s, data, len, timeout_ms);
    if (s != NULL)
        stream_want(s); /* what a layer left over goes out by itself */
    return err;
}

tr_err tr_stream_queue(tr_self *self, tr_stream stream, const void *data, size_t len)
{
    struct port *p;
    tr_err err = port_get(self, stream.id, PORT_STREAM, "write", &p);
    if (err == TR_OK)
        err = write_check(self, p);
    if (err != TR_OK)
        return err;
    struct stream *s = stream_of(p);
    size_t sent = 0;
    if (s->finishing)
        return error_set(self, TR_ECLOSED, "write", "the stream was finished");
    if (stream_flush(s) == FLUSH_DONE && s->layer == NULL && len > 0 && len <= s->out_max)
        (void) stream_send(s, data, len, &sent);
    if (s->out_err != TR_OK)
        return stream_out_error(self, s, "write");
    if (s->out.len > s->out_max || len > s->out_max - s->out.len)
        return error_set(self, TR_EFULL, "write", "%zu bytes wait already, of at most %zu: the peer reads too slowly",
                         s->out.len, s->out_max);
    for (const char *from = (const char *) data + sent, *end = (const char *) data + len; from < end && err == TR_OK;) {
        size_t piece = (size_t) (end - from) < STREAM_PIECE ? (size_t) (end - from) : STREAM_PIECE;
        err = stream_push(s, from, piece, false);
        from += piece;
    }
    if (err == TR_ENOMEM && (sent > 0 || s->layer != NULL))
        s->out_err = TR_ENOMEM; /* a part is out: what follows would not fit to it */
    if (err != TR_OK)
        return error_set(self, err, "write", "out of memory");
    s->written += len;
    if (s->layer != NULL)
        (void) stream_flush(s);
    stream_want(s);
    return TR_OK;
}

tr_err tr_stream_set_queue_max(tr_self *self, tr_stream stream, size_t bytes)
{
    struct port *p;
    tr_err err = port_get(self, stream.id, PORT_STREAM, "write", &p);
    if (err == TR_OK)
        stream_of(p)->out_max = bytes;
    return err;
}

static tr_err finish_now(struct tr_self *self, struct stream *s)
{
    s->out_err = TR_ECLOSED;
    if (shutdown(port_fd(&s->port), SHUT_WR) == 0 || errno == ENOTCONN)
        return TR_OK;
    return port_error(self, TR_EIO, errno, "finish");
}

tr_err tr_stream_finish(tr_self *self, tr_stream stream, int64_t timeout_ms)
{
    struct port *p;
    tr_err err = port_enter(self, stream.id, PORT_STREAM, "write", &p);
    if (err == TR_OK)
        err = write_check(self, p);
    if (err != TR_OK)
        return err;
    struct stream *s = stream_of(p);
    if (!p->is_socket)
        return error_set(self, TR_EINVAL, "write", "only a socket can be finished; close it");
    if (s->out_err == TR_OK && s->layer != NULL && !s->finishing)
        err = stream_push(s, NULL, 0, true);
    if (err != TR_OK)
        return stream_out_error(self, s, "write");
    s->finishing = true;
    err = write_all(self, &s, NULL, 0, timeout_ms);
    if (s == NULL)
        return err;
    stream_want(s);
    return err == TR_OK ? finish_now(self, s) : err;
}
