/* SPDX-License-Identifier: MIT */
/* port.c - a descriptor that an actor owns */
#include "stream/port.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "actor/cancel.h"
#include "actor/error.h"
#include "base/clock.h"

#define CALLS_BEFORE_YIELD 100 /* that did not need to wait */

static atomic_uint_fast64_t ports_made; /* of the process, since a port may move to any worker */

static int64_t new_id(int fd)
{
    uint64_t n = atomic_fetch_add_explicit(&ports_made, 1, memory_order_relaxed) + 1;
    return (int64_t) (n & UINT32_MAX) << 31 | fd;
}

void port_renumber(struct port *p)
{
    p->hook.id = new_id(port_fd(p));
}

void port_init(struct port *p, int fd, enum port_kind kind, void (*destroy)(struct port *p))
{
    p->hook.id = new_id(fd);
    p->kind = kind;
    p->destroy = destroy;
}

static void port_release(struct worker *w, struct thing *t)
{
    (void) w;
    port_close(list_entry(t, struct port, thing));
}

static void port_retry_fire(struct worker *w, struct timer *t, int64_t now)
{
    struct port *p = list_entry(t, struct port, retry);
    (void) now;
    p->hook.ready(w, &p->hook, 0);
}

tr_err port_attach(struct worker *w, struct cell *c, struct port *p)
{
    struct cell_ext *ext = cell_ext_get(w, c);
    tr_err err = ext != NULL ? fd_hook_add(w, port_fd(p), &p->hook) : TR_ENOMEM;
    if (err != TR_OK)
        return err;
    gate_enter(&w->gate); /* what an idle actor holds is looked at by other workers: it may not move */
    p->worker = w;
    p->cell = c;
    p->thing.release = port_release;
    p->retry.fire = port_retry_fire;
    list_push(&ext->things, &p->thing.link);
    gate_leave(&w->gate);
    return TR_OK;
}

void port_detach(struct port *p)
{
    struct worker *w = p->worker;
    timer_disarm(w, &p->retry);
    gate_enter(&w->gate);
    fd_hook_remove(w, &p->hook);
    list_remove(&p->thing.link);
    gate_leave(&w->gate);
    p->worker = NULL;
    p->cell = NULL;
}

void port_close(struct port *p)
{
    port_detach(p);
    p->destroy(p);
}

void port_retry(struct port *p, int64_t ms)
{
    if (!timer_arm(p->worker, &p->retry,
                   p->worker->now + ms * NS_PER_MS)) /* then whenever there is something to read */
        (void) fd_hook_want(p->worker, &p->hook, TR_READABLE | TR_WRITABLE);
}

struct port *port_find(struct tr_self *self, int64_t id, enum port_kind kind)
{
    struct fd_hook *h = fd_hook_find(self->worker, id);
    return h != NULL && port_of_hook(h)->kind == kind ? port_of_hook(h) : NULL;
}

static tr_err port_is_gone(struct tr_self *self, const char *phase)
{
    return error_set(self, TR_ECLOSED, phase, "it is closed, or was given away");
}

tr_err port_get(struct tr_self *self, int64_t id, enum port_kind kind, const char *phase, struct port **p)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    *p = port_find(self, id, kind);
    return *p != NULL ? TR_OK : port_is_gone(self, phase);
}

/* As tr_recv does it: a body whose peer is always faster than it must not keep the others out. */
static tr_err port_is_fair(struct tr_self *self)
{
    struct worker *w = self->worker;
    if (++self->recvs < CALLS_BEFORE_YIELD && !worker_is_called(w))
        return TR_OK;
    self->recvs = 0;
    return worker_yield(self);
}

tr_err port_enter(struct tr_self *self, int64_t id, enum port_kind kind, const char *phase, struct port **p)
{
    tr_err err = self_enter(self, phase);
    if (err == TR_OK)
        err = port_is_fair(self);
    if (err == TR_OK && self_is_canceled(self))
        err = error_set(self, TR_ECANCELED, phase, "cancelled: %s", self_cancel_reason(self));
    return err == TR_OK ? port_get(self, id, kind, phase, p) : err;
}

static tr_err wait_error(struct tr_self *self, tr_err err, const char *phase)
{
    switch (err) {
    case TR_OK:
        return TR_OK;
    case TR_ETIMEDOUT:
        return error_set(self, err, phase, "nothing more came of it before the timeout");
    case TR_ECANCELED:
        return error_set(self, err, phase, "cancelled: %s", self_cancel_reason(self));
    default:
        return port_is_gone(self, phase);
    }
}

tr_err port_wait(struct tr_self *self, struct port **p, unsigned event, int64_t deadline, const char *phase)
{
    int64_t id = (*p)->hook.id;
    enum port_kind kind = (*p)->kind;
    unsigned revents;
    *(event == TR_READABLE ? &(*p)->hook.reader : &(*p)->hook.writer) = self;
    tr_err err = fd_wait_until(self, fd_of_id(id), event, deadline, &revents);
    *p = port_find(self, id, kind);
    if (*p == NULL)
        return port_is_gone(self, phase);
    *(event == TR_READABLE ? &(*p)->hook.reader : &(*p)->hook.writer) = NULL;
    return err == TR_ENOMEM || err == TR_EBUSY || err == TR_EIO ? err : wait_error(self, err, phase);
}

tr_err slot_wait(struct tr_self *self, struct tr_self **slot, int64_t deadline)
{
    *slot = self;
    self->wait = (struct wait){ .kind = WAIT_SLOT, .deadline = deadline, .slot = slot };
    tr_err err = self_wait_woken(self, deadline);
    if (err == TR_ECANCELED || err == TR_ETIMEDOUT || err == TR_ENOMEM)
        *slot = NULL; /* nobody woke it, so what slot lies in is still there */
    return err;
}

void slot_wake(struct tr_self **slot, tr_err err)
{
    struct tr_self *s = *slot;
    if (s == NULL)
        return;
    *slot = NULL;
    gate_enter(&s->worker->gate);
    s->woken_err = err;
    s->run.flags |= SELF_WOKEN;
    s->wait.kind = WAIT_NONE; /* the slot may be gone before it runs, or is abandoned */
    worker_wake(s->worker, s);
    gate_leave(&s->worker->gate);
}

int64_t port_deadline(struct tr_self *self, int64_t timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms);
}

tr_err port_error(struct tr_self *self, tr_err err, int number, const char *phase)
{
    return error_set(self, err, phase, "%s: %s", phase, strerror(number));
}
