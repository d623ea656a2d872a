/* SPDX-License-Identifier: MIT */
/* accept.c - calls on a listener: the next connection, closing, stopping */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "actor/cancel.h"
#include "actor/error.h"
#include "base/clock.h"
#include "stream/listener.h"

static tr_err accept_check(struct tr_self *self, const struct listener *l)
{
    if (l->state == LISTENER_DRAINING)
        return error_set(self, TR_ECLOSED, "accept", "the listener is being stopped");
    if (l->waiter != NULL || l->port.hook.reader != NULL || l->asked)
        return error_set(self, TR_EBUSY, "accept", "another accepts from this listener, or it is active once");
    return TR_OK;
}

/* Waits for room, or for a descriptor that somebody closes. */
static tr_err accept_wait_room(struct tr_self *self, struct listener **l, enum accepted got, int64_t deadline)
{
    int64_t id = (*l)->port.hook.id;
    int64_t retry = clock_after_ms(tr_now(self), ACCEPT_RETRY_MS);
    bool is_retry = got == ACCEPT_SHORT && retry < deadline;
    tr_err err = slot_wait(self, &(*l)->waiter, is_retry ? retry : deadline);
    struct port *p = port_find(self, id, PORT_LISTENER);
    if (p == NULL)
        return error_set(self, TR_ECLOSED, "accept", "the listener was closed");
    *l = listener_of(p);
    if (err == TR_OK || (err == TR_ETIMEDOUT && is_retry))
        return TR_OK;
    if (err == TR_ECANCELED)
        return error_set(self, err, "accept", "cancelled: %s", self_cancel_reason(self));
    return error_set(self, err, "accept", "%s",
                     got == ACCEPT_FULL ? "as many connections as allowed are open" : tr_err_text(err));
}

static tr_err accept_wait(struct tr_self *self, struct listener **l, enum accepted got, int64_t timeout_ms,
                          int64_t deadline)
{
    if (got == ACCEPT_FAILED)
        return port_error(self, TR_EIO, errno, "accept");
    if (timeout_ms == 0)
        return error_set(self, TR_ETIMEDOUT, "accept", "no connection is there now");
    if (got != ACCEPT_NONE)
        return accept_wait_room(self, l, got, deadline);
    struct port *p = &(*l)->port;
    tr_err err = port_wait(self, &p, TR_READABLE, deadline, "accept");
    if (p != NULL)
        *l = listener_of(p);
    return err;
}

tr_err tr_listener_accept(tr_self *self, tr_listener listener, int64_t timeout_ms, tr_stream *stream)
{
    struct port *p;
    tr_err err = port_enter(self, listener.id, PORT_LISTENER, "accept", &p);
    if (err != TR_OK)
        return err;
    struct listener *l = listener_of(p);
    err = accept_check(self, l);
    int64_t deadline = port_deadline(self, timeout_ms);
    while (err == TR_OK) {
        struct stream *s;
        enum accepted got = listener_take(l, self->cell, &s);
        if (got == ACCEPTED) {
            *stream = (tr_stream){ s->port.hook.id };
            return TR_OK;
        }
        err = accept_wait(self, &l, got, timeout_ms, deadline);
        if (err == TR_OK && l->state == LISTENER_DRAINING)
            err = error_set(self, TR_ECLOSED, "accept", "the listener is being stopped");
    }
    return err;
}

/* ---- active once ---- */

static tr_err tag_set(struct tr_self *self, struct listener *l, const char *tag)
{
    size_t len = tag != NULL ? strlen(tag) : 0;
    if (len == 0 || len > STREAM_TAG_MAX)
        return error_set(self, TR_EINVAL, "once", "a tag of %zu bytes; 1 to %d", len, STREAM_TAG_MAX);
    if (l->port.cell != self->cell)
        return error_set(self, TR_ESTATE, "once", "the listener is another actor's");
    memcpy(l->tag, tag, len + 1);
    return TR_OK;
}

tr_err tr_listener_once(tr_self *self, tr_listener listener, const char *tag)
{
    struct port *p;
    tr_err err = port_get(self, listener.id, PORT_LISTENER, "once", &p);
    if (err == TR_OK)
        err = accept_check(self, listener_of(p));
    if (err == TR_OK)
        err = tag_set(self, listener_of(p), tag);
    if (err != TR_OK)
        return err;
    listener_of(p)->asked = true;
    p->hook.ready(self->worker, &p->hook, 0);
    return TR_OK;
}

/* ---- closing and stopping ---- */

void tr_listener_close(tr_self *self, tr_listener listener)
{
    struct port *p = self_is_current(self) ? port_find(self, listener.id, PORT_LISTENER) : NULL;
    if (p == NULL)
        return;
    listener_passive(listener_of(p), self->cell);
    port_close(p);
}

size_t tr_listener_count(tr_self *self, tr_listener listener)
{
    struct port *p = self_is_current(self) ? port_find(self, listener.id, PORT_LISTENER) : NULL;
    return p != NULL ? atomic_load_explicit(&listener_of(p)->quota->open, memory_order_relaxed) : 0;
}

/* Until no connection is open. *l is NULL if the listener was closed meanwhile. */
static tr_err wait_drained(struct tr_self *self, struct listener **l, int64_t deadline)
{
    int64_t id = (*l)->port.hook.id;
    tr_err err = TR_OK;
    while (err == TR_OK && *l != NULL && quota_wait((*l)->quota, 1)) {
        err = slot_wait(self, &(*l)->waiter, deadline);
        struct port *p = port_find(self, id, PORT_LISTENER);
        *l = p != NULL ? listener_of(p) : NULL;
    }
    return err;
}

tr_err tr_listener_stop(tr_self *self, tr_listener listener, int64_t drain_ms)
{
    struct port *p;
    tr_err err = port_get(self, listener.id, PORT_LISTENER, "stop", &p);
    if (err != TR_OK)
        return err;
    struct listener *l = listener_of(p);
    if (l->state == LISTENER_DRAINING && l->waiter != NULL)
        return error_set(self, TR_EBUSY, "stop", "another stops this listener");
    if (l->state == LISTENER_OPEN)
        listener_passive(l, self->cell);
    listener_drain(l);
    err = self_enter(self, "stop");
    if (err == TR_OK)
        err = wait_drained(self, &l, port_deadline(self, drain_ms));
    if (l == NULL)
        return error_set(self, TR_ECLOSED, "stop", "the listener was closed meanwhile");
    listener_abort(l);
    listener_passive(l, self->cell); /* who drained it before is owed the end of that */
    port_close(&l->port);
    if (err == TR_ETIMEDOUT)
        return error_set(self, err, "stop", "connections were open when the time to drain was over");
    if (err == TR_ECANCELED)
        return error_set(self, err, "stop", "cancelled: %s", self_cancel_reason(self));
    return err;
}

tr_err tr_listener_drain(tr_self *self, tr_listener listener, const char *tag)
{
    struct port *p;
    tr_err err = port_get(self, listener.id, PORT_LISTENER, "drain", &p);
    if (err == TR_OK)
        err = tag_set(self, listener_of(p), tag);
    if (err != TR_OK)
        return err;
    listener_drain(listener_of(p));
    listener_of(p)->asked = true;
    p->hook.ready(self->worker, &p->hook, 0);
    return TR_OK;
}
