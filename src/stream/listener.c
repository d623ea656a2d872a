/* SPDX-License-Identifier: MIT */
/* listener.c - a descriptor that connections come out of: making, taking, closing */
#include "stream/listener.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actor/error.h"
#include "base/alloc.h"

static void listener_destroy(struct port *p)
{
    struct listener *l = listener_of(p);
    struct stat st;
    close(port_fd(p));
    if (l->path != NULL && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
        (void) unlink(l->path);
    slot_wake(&l->waiter, TR_ECLOSED);
    l->quota->listener = NULL;
    quota_unref(l->quota);
    mem_free(l->path);
    mem_free(l);
}

/* ---- taking ---- */

/* What accept4's errno means. */
static enum accepted accept_errno(int number)
{
    switch (number) {
    case EAGAIN:
        return ACCEPT_NONE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ACCEPT_SHORT;
    default:
        return ACCEPT_FAILED;
    }
}

/* Errors of a connection that was gone before it was taken are not the listener's: accept(2) says to try again. */
static bool is_the_connections(int number)
{
    return number == EINTR || number == ECONNABORTED || number == EPROTO || number == ENETDOWN ||
           number == ENOPROTOOPT || number == EHOSTDOWN || number == ENONET || number == EHOSTUNREACH ||
           number == EOPNOTSUPP || number == ENETUNREACH || number == EPERM;
}

enum accepted listener_take(struct listener *l, struct cell *c, struct stream **s)
{
    int fd, one = 1;
    if (quota_wait(l->quota, l->conns_max))
        return ACCEPT_FULL;
    do
        fd = accept4(port_fd(&l->port), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && is_the_connections(errno));
    if (fd < 0)
        return accept_errno(errno);
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* a Unix socket has none */
    if (stream_new(l->port.worker, c, fd, 0, true, s) != TR_OK) {
        close(fd);
        return ACCEPT_SHORT;
    }
    quota_join(l->quota, *s);
    return ACCEPTED;
}

/* ---- by itself: once, and the end of draining ---- */

/* False: out of memory. */
static bool once_send(struct listener *l, const struct stream *s, tr_err err)
{
    const tr_value values[] = { tr_str(l->tag), tr_int(l->port.hook.id), tr_int(s != NULL ? s->port.hook.id : 0),
                                tr_int((int64_t) err) };
    if (l->port.cell->run.flags & CELL_CLOSED)
        return true;
    /* Good also when the listener is closed before it is seen: the connection is there. */
    return fd_hook_send(l->port.worker, l->port.cell, NULL, 0, values, l->state == LISTENER_OPEN ? 4 : 2);
}

/* A connection that nobody can be told of is closed: it is as if the memory had run out before. */
static void once_take(struct listener *l)
{
    struct stream *s = NULL;
    tr_err err = TR_OK;
    enum accepted got = listener_take(l, l->port.cell, &s);
    if (got == ACCEPT_NONE || got == ACCEPT_FULL) {
        (void) fd_hook_want(l->port.worker, &l->port.hook, got == ACCEPT_NONE ? TR_READABLE : 0);
        return;
    }
    (void) fd_hook_want(l->port.worker, &l->port.hook, 0);
    if (got == ACCEPT_FAILED)
        err = TR_EIO;
    if (got != ACCEPT_SHORT && once_send(l, s, err)) {
        l->asked = false;
        return;
    }
    if (s != NULL)
        port_close(&s->port);
    port_retry(&l->port, ACCEPT_RETRY_MS);
}

static void listener_ready(struct worker *w, struct fd_hook *h, unsigned revents)
{
    struct listener *l = listener_of(port_of_hook(h));
    (void) w;
    (void) revents;
    if (!l->asked)
        (void) fd_hook_want(w, h, 0);
    else if (l->state == LISTENER_OPEN)
        once_take(l);
    else if (quota_wait(l->quota, 1))
        return;
    else if (once_send(l, NULL, TR_OK))
        l->asked = false;
    else
        port_retry(&l->port, ACCEPT_RETRY_MS);
}

void listener_has_room(struct listener *l)
{
    slot_wake(&l->waiter, TR_OK);
    if (l->asked)
        listener_ready(l->port.worker, &l->port.hook, 0);
}

/* ---- making ---- */

tr_err listener_new(struct tr_self *self, int fd, const tr_listen_opts *opts, struct listener **out)
{
    struct listener *l = mem_zalloc(sizeof *l);
    struct quota *q = l != NULL ? quota_new(self->worker, l) : NULL;
    tr_err err = TR_ENOMEM;
    if (q != NULL) {
        port_init(&l->port, fd, PORT_LISTENER, listener_destroy);
        l->port.hook.ready = listener_ready;
        l->port.is_socket = true;
        l->quota = q;
        l->conns_max = opts != NULL && opts->conns_max > 0 ? opts->conns_max : UINT_MAX;
        err = port_attach(self->worker, self->cell, &l->port);
    }
    if (err != TR_OK) {
        if (q != NULL)
            quota_unref(q);
        mem_free(l);
        return error_set(self, err, "listen", "%s", tr_err_text(err));
    }
    *out = l;
    return TR_OK;
}

/* ---- stopping ---- */

void listener_drain(struct listener *l)
{
    l->state = LISTENER_DRAINING;
    l->quota->draining = true;
    (void) fd_hook_want(l->port.worker, &l->port.hook, 0);
    timer_disarm(l->port.worker, &l->port.retry);
    (void) shutdown(port_fd(&l->port), SHUT_RD); /* who comes now is refused, not left waiting */
    slot_wake(&l->waiter, TR_ECLOSED);
    if (l->port.hook.reader != NULL)
        fd_ready_again(l->port.worker, port_fd(&l->port));
    for (struct list *it = l->quota->conns.next, *next; it != &l->quota->conns; it = next) {
        next = it->next;
        stream_drain(list_entry(it, struct stream, conn));
    }
}

void listener_abort(struct listener *l)
{
    while (!list_is_empty(&l->quota->conns)) {
        struct stream *s = list_entry(l->quota->conns.next, struct stream, conn);
        stream_reset(s);
        stream_once_closed(s);
        port_close(&s->port);
    }
}

void listener_passive(struct listener *l, const struct cell *by)
{
    if (l->asked && l->port.cell != by)
        (void) once_send(l, NULL, TR_ECLOSED);
    l->asked = false;
}
