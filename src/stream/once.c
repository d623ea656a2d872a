/* SPDX-License-Identifier: MIT */
/* once.c - what a stream does by itself: data as one message, and what is queued sent
 *
 * The set calls stream_ready when the descriptor is; it reads as far as the wish needs, and no further. */
#include <errno.h>
#include <string.h>

#include "actor/error.h"
#include "stream/stream.h"

#define FILLS_A_TURN 8 /* then others have their turn; the set calls again */
#define RETRY_MS 20    /* when memory was out */

static bool once_send(struct stream *s, size_t n, tr_err err)
{
    struct once *once = &s->once;
    const tr_value values[] = { tr_str(once->tag), tr_int(s->port.hook.id),
                                tr_bin(n > 0 ? buffer_bytes(&s->in) : "", n), tr_int((int64_t) err) };
    if (s->port.cell->run.flags & CELL_CLOSED) /* it is ending, and sees no more messages */
        return true;
    if (!fd_hook_send(s->port.worker, s->port.cell, &s->port.hook, once->number, values, 4))
        return false;
    once->len = n;
    once->state = ONCE_QUEUED;
    return true;
}

/* Fulfils the wish if it can be. False: memory was out, and it must be tried again. */
static bool once_try(struct stream *s)
{
    for (int i = 0; i < FILLS_A_TURN; i++) {
        size_t n = 0;
        tr_err err = TR_OK;
        enum look look = stream_look(s, &s->once.want, &n, &err);
        if (look != LOOK_MORE)
            return once_send(s, n, err);
        enum fill fill = stream_fill(s, &s->once.want);
        if (fill == FILL_NOMEM)
            return false;
        if (fill == FILL_AGAIN && !stream_is_drained(s))
            return true;
    }
    return true;
}

void stream_want(struct stream *s)
{
    unsigned events = s->once.state == ONCE_ASKED ? TR_READABLE : 0;
    if (s->out.len > 0)
        events |= TR_WRITABLE;
    if (events == s->port.hook.events)
        return;
    /* A file is always ready, so nobody is going to call: it has taken its turn, and has the next one after others. */
    if (fd_hook_want(s->port.worker, &s->port.hook, events) == EPERM && s->once.state == ONCE_ASKED)
        port_retry(&s->port, 0);
}

void stream_ready(struct worker *w, struct fd_hook *h, unsigned revents)
{
    struct stream *s = stream_of(port_of_hook(h));
    (void) w;
    (void) revents;
    if (s->out.len > 0)
        (void) stream_flush(s);
    if (s->once.state == ONCE_ASKED && !once_try(s)) {
        (void) fd_hook_want(s->port.worker, h, 0); /* or it would be called all the time */
        port_retry(&s->port, RETRY_MS);
        return;
    }
    stream_want(s);
}

bool stream_taken(struct worker *w, struct fd_hook *h, uint32_t number, bool take)
{
    struct stream *s = stream_of(port_of_hook(h));
    (void) w;
    if (s->once.state != ONCE_QUEUED || s->once.number != number)
        return false;
    if (take) {
        s->once.state = ONCE_OFF;
        s->once.number++;
        s->received += s->once.len;
        if (s->once.len > 0)
            buffer_take(&s->in, s->once.len);
    }
    return true;
}

void stream_passive(struct stream *s)
{
    s->once.state = ONCE_OFF;
    s->once.number++;
    stream_want(s);
}

void stream_once_closed(struct stream *s)
{
    const tr_value values[] = { tr_str(s->once.tag), tr_int(s->port.hook.id), tr_bin("", 0), tr_int(TR_ECLOSED) };
    if (s->once.state == ONCE_OFF || s->port.cell->run.flags & CELL_CLOSED)
        return;
    stream_passive(s); /* a message that is queued does not arrive: its stream is gone */
    (void) fd_hook_send(s->port.worker, s->port.cell, NULL, 0, values, 4);
}

void stream_drain(struct stream *s)
{
    s->draining = true;
    if (s->port.hook.reader != NULL || s->once.state == ONCE_ASKED)
        fd_ready_again(s->port.worker, port_fd(&s->port));
}

/* ---- asking ---- */

static tr_err once_check(struct tr_self *self, struct port *p, const char *tag)
{
    size_t len = tag != NULL ? strlen(tag) : 0;
    if (len == 0 || len > STREAM_TAG_MAX)
        return error_set(self, TR_EINVAL, "once", "a tag of %zu bytes; 1 to %d", len, STREAM_TAG_MAX);
    if (p->cell != self->cell)
        return error_set(self, TR_ESTATE, "once", "the stream is another actor's; let it be given");
    if (p->hook.reader != NULL || stream_of(p)->once.state != ONCE_OFF)
        return error_set(self, TR_EBUSY, "once", "asked already, or the stream is being read");
    return TR_OK;
}

static tr_err once_ask(struct tr_self *self, tr_stream stream, const struct want *want, const char *tag)
{
    struct port *p;
    tr_err err = port_get(self, stream.id, PORT_STREAM, "once", &p);
    if (err == TR_OK)
        err = once_check(self, p, tag);
    if (err != TR_OK)
        return err;
    if (want->max == 0 || (want->delim != NULL && (want->delim_len == 0 || want->delim_len > STREAM_DELIM_MAX)))
        return error_set(self, TR_EINVAL, "once", "nothing is wanted, or a delimiter of %zu bytes; 1 to %d",
                         want->delim_len, STREAM_DELIM_MAX);
    struct once *once = &stream_of(p)->once;
    once->state = ONCE_ASKED;
    once->want = *want;
    memcpy(once->tag, tag, strlen(tag) + 1);
    if (want->delim != NULL)
        once->want.delim = memcpy(once->delim, want->delim, want->delim_len);
    stream_ready(self->worker, &p->hook, 0); /* it may be there, and a file is never waited for */
    return TR_OK;
}

tr_err tr_stream_once(tr_self *self, tr_stream stream, const char *tag)
{
    const struct want want = { .min = 1, .max = STREAM_READ_MAX };
    return once_ask(self, stream, &want, tag);
}

tr_err tr_stream_once_until(tr_self *self, tr_stream stream, const void *delim, size_t delim_len, size_t max,
                            const char *tag)
{
    const struct want want = { .max = max, .delim = delim != NULL ? delim : "", .delim_len = delim_len };
    return once_ask(self, stream, &want, tag);
}

tr_err tr_stream_once_exactly(tr_self *self, tr_stream stream, size_t n, const char *tag)
{
    const struct want want = { .min = n, .max = n };
    return once_ask(self, stream, &want, tag);
}

tr_err tr_stream_passive(tr_self *self, tr_stream stream)
{
    struct port *p;
    tr_err err = port_get(self, stream.id, PORT_STREAM, "once", &p);
    if (err == TR_OK)
        stream_passive(stream_of(p));
    return err;
}
