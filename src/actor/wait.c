/* SPDX-License-Identifier: MIT */
/* wait.c - waiting for different things at once: replies, mailbox, times, descriptors, ends */
#include "actor/wait.h"

#include <poll.h>

#include "actor/ask.h"
#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/deadlock.h"
#include "actor/ender.h"
#include "actor/error.h"
#include "actor/fd.h"
#include "actor/mail.h"
#include "actor/mailbox.h"
#include "base/alloc.h"
#include "base/clock.h"

/* What tr_wait has hung up elsewhere while it waits. */
struct wait_set {
    tr_wait_item *items;
    size_t n;
    struct ender *enders; /* by item; zero where there is none */
    bool *fd_waits;       /* by item: registered */
};

/* ---- is it done? ---- */

static void check_reply(struct tr_self *self, tr_wait_item *item)
{
    const struct ask *a = ask_of(self, item->pending);
    item->done = a != NULL && ask_state(a) == ASK_DONE;
    item->failed = item->done && a->err != TR_OK;
}

static void check_fd(tr_wait_item *item)
{
    struct pollfd p = { .fd = item->fd };
    p.events = (short) ((item->events & TR_READABLE ? POLLIN : 0) | (item->events & TR_WRITABLE ? POLLOUT : 0));
    if (poll(&p, 1, 0) <= 0)
        return;
    item->revents = (p.revents & (POLLIN | POLLHUP) ? TR_READABLE : 0u) | (p.revents & POLLOUT ? TR_WRITABLE : 0u) |
                    (p.revents & (POLLERR | POLLHUP | POLLNVAL) ? TR_FD_ERROR : 0u);
    item->done = item->revents != 0;
    item->failed = (item->revents & TR_FD_ERROR) != 0;
}

/* e: where self is told of it; NULL: not yet. */
static void check_end(struct tr_self *self, tr_wait_item *item, const struct ender *e)
{
    struct record *r = ender_record(self, item->actor.actor);
    bool told = e != NULL && e->told;
    item->done = r != NULL || told || cell_alive(self->worker, item->actor.actor) == NULL;
    item->failed = (told && e->failed) || (r != NULL && r->outcome != NULL && r->outcome->err != TR_OK);
}

static void check(struct tr_self *self, tr_wait_item *item, const struct ender *e)
{
    switch (item->kind) {
    case TR_WAIT_REPLY:
        check_reply(self, item);
        break;
    case TR_WAIT_MAILBOX:
        item->done = mail_is_there(self);
        break;
    case TR_WAIT_TIME:
        item->done = item->deadline <= tr_now(self);
        break;
    case TR_WAIT_FD:
        check_fd(item);
        break;
    case TR_WAIT_END:
        check_end(self, item, e);
        break;
    }
}

/* Whether it is enough. */
static bool look(struct tr_self *self, tr_wait_item *items, const struct ender *enders, size_t n, tr_wait_mode mode,
                 size_t *done)
{
    bool failed = false;
    *done = 0;
    for (size_t i = 0; i < n; i++) {
        if (!items[i].done)
            check(self, &items[i], enders != NULL ? &enders[i] : NULL);
        *done += items[i].done;
        failed = failed || (items[i].done && items[i].failed);
    }
    return *done == n || (mode == TR_WAIT_FIRST && *done > 0) || (mode == TR_WAIT_FAILED && failed);
}

/* ---- being told ---- */

static tr_err attach(struct tr_self *self, struct wait_set *set, size_t i)
{
    tr_err err = TR_OK;
    tr_wait_item *item = &set->items[i];
    struct worker *w = self->worker;
    if (item->done)
        return TR_OK;
    if (item->kind == TR_WAIT_REPLY) {
        ask_adopt(self, ask_of(self, item->pending));
    } else if (item->kind == TR_WAIT_END) {
        struct cell *c = cell_alive(w, item->actor.actor);
        if (c != NULL && !ender_begin(w, &set->enders[i], self, c, item->actor.actor, &err))
            error_set(self, err, "wait", "out of memory");
    } else if (item->kind == TR_WAIT_FD) {
        bool always;
        err = fd_wait_begin(self, item->fd, item->events, &always);
        set->fd_waits[i] = err == TR_OK && !always;
    }
    return err;
}

static void detach(struct tr_self *self, struct wait_set *set)
{
    struct worker *w = self->worker;
    for (size_t i = 0; i < set->n; i++) {
        tr_wait_item *item = &set->items[i];
        struct ask *a = item->kind == TR_WAIT_REPLY ? ask_of(self, item->pending) : NULL;
        if (a != NULL)
            ask_let_go(w, a);
        if (set->fd_waits[i])
            fd_forget_waiter(w, item->fd, self);
        if (set->enders[i].self != NULL) {
            item->done = item->done || set->enders[i].told;
            item->failed = item->failed || set->enders[i].failed;
            ender_forget(w, &set->enders[i]);
        }
    }
    mem_free(set->enders);
    mem_free(set->fd_waits);
}

void wait_items_forget(struct tr_self *self)
{
    detach(self, self->wait.set);
    self->wait.set = NULL;
}

static int64_t earliest(const tr_wait_item *items, size_t n, int64_t deadline)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].kind == TR_WAIT_TIME && !items[i].done && items[i].deadline < deadline)
            deadline = items[i].deadline;
    return deadline;
}

/* ---- the wait ---- */

static bool wants_mail(const tr_wait_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].kind == TR_WAIT_MAILBOX && !items[i].done)
            return true;
    return false;
}

/* One suspension: until something that is waited for may have come. */
static tr_err wait_once(struct tr_self *self, struct wait_set *set, int64_t deadline)
{
    uint32_t *flags = &self->cell->run.flags;
    tr_err err = self_wait_begin(self, earliest(set->items, set->n, deadline));
    if (err != TR_OK)
        return err;
    if (wants_mail(set->items, set->n))
        *flags |= CELL_WANTS_MAIL;
    err = worker_suspend(self);
    *flags &= ~(uint32_t) CELL_WANTS_MAIL;
    timer_disarm(self->worker, &self->timer);
    self->run.flags &= ~(uint32_t) (SELF_WOKEN | SELF_TIMED_OUT);
    return err;
}

static tr_err wait_in(struct tr_self *self, struct wait_set *set, tr_wait_mode mode, int64_t deadline, size_t *done)
{
    tr_err err = TR_OK;
    for (size_t i = 0; i < set->n && err == TR_OK; i++)
        err = attach(self, set, i);
    self->wait = (struct wait){ .kind = WAIT_ITEMS,
                                .all = mode != TR_WAIT_FIRST,
                                .n = (uint32_t) set->n,
                                .deadline = deadline,
                                .set = set,
                                .items = set->items };
    if (err == TR_OK)
        err = deadlock_check_items(self, set->items, set->n, mode != TR_WAIT_FIRST, deadline);
    while (err == TR_OK && !look(self, set->items, set->enders, set->n, mode, done)) {
        if (self_is_canceled(self))
            err = error_set(self, TR_ECANCELED, "wait", "cancelled: %s", self_cancel_reason(self));
        else if (deadline <= tr_now(self))
            break;
        else
            err = wait_once(self, set, deadline);
        for (size_t i = 0; i < set->n && err == TR_OK; i++)
            if (set->fd_waits[i] && !set->items[i].done) { /* a descriptor is reported once a registration */
                fd_forget_waiter(self->worker, set->items[i].fd, self);
                set->fd_waits[i] = false;
                err = attach(self, set, i);
            }
    }
    self->wait.kind = WAIT_NONE;
    return err;
}

static tr_err items_check(struct tr_self *self, tr_wait_item *items, size_t n)
{
    if (n == 0)
        return error_set(self, TR_EINVAL, "wait", "nothing to wait for");
    for (size_t i = 0; i < n; i++) {
        tr_wait_item *item = &items[i];
        item->done = item->failed = false;
        item->revents = 0;
        bool ok = item->kind >= TR_WAIT_REPLY && item->kind <= TR_WAIT_END;
        if (item->kind == TR_WAIT_REPLY)
            ok = ask_of(self, item->pending) != NULL;
        if (item->kind == TR_WAIT_MAILBOX)
            ok = self->cell->table == NULL;
        if (!ok)
            return error_set(self, TR_EINVAL, "wait",
                             "item %zu: no such kind, an ask that was collected, or a behaviour's mailbox", i);
    }
    return TR_OK;
}

/* In the gate: looking at the mailbox may make room in it. */
static tr_err wait_for_items(struct tr_self *self, tr_wait_item *items, size_t n, tr_wait_mode mode, int64_t timeout_ms,
                             size_t *count)
{
    if (look(self, items, NULL, n, mode, count) || timeout_ms == 0)
        return TR_OK;
    struct wait_set set = { items, n, mem_zalloc(n * sizeof(struct ender)), mem_zalloc(n * sizeof(bool)) };
    if (set.enders == NULL || set.fd_waits == NULL) {
        mem_free(set.enders);
        mem_free(set.fd_waits);
        return error_set(self, TR_ENOMEM, "wait", "out of memory");
    }
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms);
    tr_err err = wait_in(self, &set, mode, deadline, count);
    detach(self, &set);
    if (self->run.flags & CELL_LINKED) /* it answered itself while it looked (describe); the queue must not give out
                                          one that has ended */
        (void) worker_suspend(self);
    return err;
}

tr_err tr_wait(tr_self *self, tr_wait_item *items, size_t n, tr_wait_mode mode, int64_t timeout_ms, size_t *done)
{
    size_t count = 0;
    tr_err err = self_enter(self, "wait");
    if (err == TR_OK)
        err = items_check(self, items, n);
    if (err != TR_OK)
        return err;
    gate_enter(&self->worker->gate);
    err = wait_for_items(self, items, n, mode, timeout_ms, &count);
    gate_leave(&self->worker->gate);
    if (err == TR_OK && done != NULL)
        *done = count;
    return err;
}
