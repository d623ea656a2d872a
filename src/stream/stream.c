/* SPDX-License-Identifier: MIT */
/* stream.c - making streams, closing them, looking at them */
#include "stream/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actor/error.h"
#include "base/alloc.h"
#include "stream/quota.h"

static void stream_destroy(struct port *p)
{
    struct stream *s = stream_of(p);
    if (s->quota != NULL)
        quota_leave(s);
    if (!p->lent)
        close(port_fd(p));
    if (s->layer != NULL && s->layer->destroy != NULL)
        s->layer->destroy(s->layer_state);
    buffer_free(&s->in);
    buffer_free(&s->out);
    mem_free(s->why);
    mem_free(s);
}

tr_err stream_new(struct worker *w, struct cell *c, int fd, unsigned flags, bool is_socket, struct stream **out)
{
    struct stream *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return TR_ENOMEM;
    port_init(&s->port, fd, PORT_STREAM, stream_destroy);
    s->port.hook.ready = stream_ready;
    s->port.hook.taken = stream_taken;
    s->port.is_socket = is_socket;
    s->port.lent = flags & TR_STREAM_LENT;
    s->out_max = STREAM_QUEUE_MAX;
    tr_err err = port_attach(w, c, &s->port);
    if (err != TR_OK) {
        mem_free(s);
        return err;
    }
    *out = s;
    return TR_OK;
}

/* ---- opening ---- */

static tr_err open_error(struct tr_self *self, tr_err err, const char *what)
{
    if (err == TR_EBUSY)
        return error_set(self, err, "open", "%s is waited for, or is a stream already", what);
    return error_set(self, err, "open", "out of memory");
}

tr_err tr_stream_open(tr_self *self, int fd, unsigned flags, tr_stream *stream)
{
    struct stat st;
    struct stream *s;
    if (!self_is_current(self))
        return TR_ESTATE;
    int mode = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
    if (mode < 0 || fstat(fd, &st) != 0 || (flags & ~(unsigned) TR_STREAM_LENT) != 0)
        return error_set(self, TR_EINVAL, "open", "descriptor %d, flags %#x", fd, flags);
    bool lent = flags & TR_STREAM_LENT;
    tr_err err = stream_new(self->worker, self->cell, fd, flags, S_ISSOCK(st.st_mode), &s);
    if (err != TR_OK)
        return open_error(self, err, "the descriptor");
    s->blocking = !S_ISSOCK(st.st_mode) && !(mode & O_NONBLOCK);
    if (s->blocking && !lent && fcntl(fd, F_SETFL, mode | O_NONBLOCK) == 0)
        s->blocking = false;
    *stream = (tr_stream){ s->port.hook.id };
    return TR_OK;
}

/* Both or none. */
static tr_err open_two(tr_self *self, const int fd[2], bool is_socket, tr_stream *first, tr_stream *second)
{
    struct stream *a, *b;
    tr_err err = stream_new(self->worker, self->cell, fd[0], 0, is_socket, &a);
    if (err != TR_OK) {
        close(fd[0]);
        close(fd[1]);
        return open_error(self, err, "the descriptor");
    }
    err = stream_new(self->worker, self->cell, fd[1], 0, is_socket, &b);
    if (err != TR_OK) {
        port_close(&a->port);
        close(fd[1]);
        return open_error(self, err, "the descriptor");
    }
    *first = (tr_stream){ a->port.hook.id };
    *second = (tr_stream){ b->port.hook.id };
    return TR_OK;
}

tr_err tr_stream_pipe(tr_self *self, tr_stream *reader, tr_stream *writer)
{
    int fd[2];
    if (!self_is_current(self))
        return TR_ESTATE;
    if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) != 0)
        return port_error(self, TR_EIO, errno, "pipe");
    return open_two(self, fd, false, reader, writer);
}

tr_err tr_stream_pair(tr_self *self, tr_stream ends[2])
{
    int fd[2];
    if (!self_is_current(self))
        return TR_ESTATE;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) != 0)
        return port_error(self, TR_EIO, errno, "socketpair");
    return open_two(self, fd, true, &ends[0], &ends[1]);
}

/* ---- closing ---- */

void tr_stream_close(tr_self *self, tr_stream stream)
{
    struct port *p = self_is_current(self) ? port_find(self, stream.id, PORT_STREAM) : NULL;
    if (p == NULL)
        return;
    struct stream *s = stream_of(p);
    if (s->layer != NULL && s->out_err == TR_OK)
        (void) stream_push(s, NULL, 0, true);
    (void) stream_flush(s);
    if (p->cell != self->cell)
        stream_once_closed(s);
    port_close(p);
}

void tr_stream_abort(tr_self *self, tr_stream stream)
{
    struct port *p = self_is_current(self) ? port_find(self, stream.id, PORT_STREAM) : NULL;
    if (p == NULL)
        return;
    stream_reset(stream_of(p));
    if (p->cell != self->cell)
        stream_once_closed(stream_of(p));
    port_close(p);
}

void stream_reset(const struct stream *s)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    if (s->port.is_socket) /* of a Unix socket it means nothing */
        (void) setsockopt(port_fd(&s->port), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

tr_err tr_stream_drain(tr_self *self, tr_stream stream)
{
    struct port *p;
    tr_err err = port_get(self, stream.id, PORT_STREAM, "drain", &p);
    if (err == TR_OK)
        stream_drain(stream_of(p));
    return err;
}

/* ---- looking ---- */

static tr_err final_error(struct tr_self *self, tr_err err, int number, const char *why, const char *phase)
{
    if (number != 0)
        return port_error(self, err, number, phase);
    if (why != NULL)
        return error_set(self, err, phase, "%s", why);
    return error_set(self, err, phase, "%s", err == TR_ECLOSED ? "the end of the stream" : tr_err_text(err));
}

tr_err stream_in_error(struct tr_self *self, const struct stream *s, const char *phase)
{
    return final_error(self, s->in_err, s->in_errno, s->why, phase);
}

tr_err stream_out_error(struct tr_self *self, const struct stream *s, const char *phase)
{
    return final_error(self, s->out_err, s->out_errno, s->why, phase);
}

tr_err tr_stream_info(tr_self *self, tr_stream stream, tr_stream_status *status)
{
    struct port *p;
    tr_err err = port_get(self, stream.id, PORT_STREAM, "info", &p);
    if (err != TR_OK)
        return err;
    if (status->size < sizeof *status)
        return error_set(self, TR_EINVAL, "info", "status.size is not set");
    const struct stream *s = stream_of(p);
    *status = (tr_stream_status){ .size = status->size,
                                  .owner = cell_addr(p->cell),
                                  .received = s->received,
                                  .written = s->written,
                                  .buffered = s->in.len,
                                  .queued = s->out.len };
    return TR_OK;
}
