/* SPDX-License-Identifier: MIT */
/* cancel.c - whether a self is cancelled, why, and what every suspending call does about it */
#include "actor/cancel.h"

#include <stdio.h>
#include <string.h>

#include "actor/ask.h"
#include "actor/cell_ext.h"
#include "actor/end.h"
#include "actor/error.h"
#include "actor/probe.h"
#include "actor/remote.h"
#include "actor/scope_kernel.h"
#include "actor/signal.h"
#include "base/alloc.h"
#include "base/clock.h"

#define IGNORED_YIELD 16      /* cancelled calls in a row, after which each one yields */
#define IGNORED_REPORT 100000 /* then it is reported and killed */

bool self_is_canceled_slow(const struct tr_self *self)
{
    if (self->run.flags & SELF_ENDING)
        return false;
    for (const struct scope *s = self->scope; s != NULL; s = s->outer) {
        if (s->canceled)
            return true;
        if (s->shield)
            return false;
    }
    return (self->cell->run.flags & CELL_CANCELED) || (self->run.flags & SELF_ASKER_GONE);
}

const char *self_cancel_reason(const struct tr_self *self)
{
    for (const struct scope *s = self->scope; s != NULL; s = s->outer) {
        if (s->canceled)
            return s->reason;
        if (s->shield)
            return "";
    }
    if ((self->cell->run.flags & CELL_CANCELED) && self->cell->ext != NULL && self->cell->ext->cancel_reason != NULL)
        return self->cell->ext->cancel_reason;
    if (self->run.flags & SELF_ASKER_GONE)
        return "the asker gave up";
    return self->cell->run.flags & CELL_CANCELED ? "cancelled" : "";
}

/* A cancelled actor that called again instead of returning. */
static void cancel_ignored(struct tr_self *self, const char *phase)
{
    struct world *world = self->worker->world;
    char text[CELL_TEXT_MAX];
    self->ignored++;
    if (self->ignored < IGNORED_YIELD)
        return;
    if (self->ignored < IGNORED_REPORT) {
        (void) worker_yield(self);
        return;
    }
    log_line(&world->log, TR_LOG_ERROR, "%s was cancelled (%s), ignores it, and called %s %u times since: killed",
             cell_text(self->cell, text), self_cancel_reason(self), phase, self->ignored);
    debug_log_stack(world, TR_LOG_ERROR);
    self->cell->run.flags |= CELL_KILLED;
    end_self(self, TR_EKILLED, NULL);
}

tr_err self_enter_slow(struct tr_self *self, const char *phase)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    cancel_ignored(self, phase);
    return error_set(self, TR_ECANCELED, phase, "cancelled: %s", self_cancel_reason(self));
}

void self_timed_out(struct worker *w, struct tr_self *self)
{
    self->run.flags |= SELF_TIMED_OUT;
    worker_wake(w, self);
}

static void self_timer_fire(struct worker *w, struct timer *t, int64_t now)
{
    (void) now;
    self_timed_out(w, list_entry(t, struct tr_self, timer));
}

tr_err self_wait_begin(struct tr_self *self, int64_t deadline)
{
    self->run.flags &= ~(uint32_t) (SELF_WOKEN | SELF_TIMED_OUT);
    self->timer.fire = self_timer_fire;
    if (deadline != INT64_MAX && !timer_arm(self->worker, &self->timer, deadline))
        return error_set(self, TR_ENOMEM, "wait", "out of memory");
    return TR_OK;
}

void self_wait_end(struct tr_self *self)
{
    timer_disarm(self->worker, &self->timer);
    self->run.flags &= ~(uint32_t) (SELF_WOKEN | SELF_TIMED_OUT);
    self->wait.kind = WAIT_NONE;
}

tr_err self_wait_woken(struct tr_self *self, int64_t deadline)
{
    tr_err err = self_wait_begin(self, deadline);
    while (err == TR_OK && !(self->run.flags & SELF_WOKEN)) {
        if (probe_found(self))
            err = TR_EDEADLK;
        else if (self_is_canceled(self))
            err = TR_ECANCELED;
        else if (self->run.flags & SELF_TIMED_OUT)
            err = TR_ETIMEDOUT;
        else
            err = worker_suspend(self);
    }
    if (self->run.flags & SELF_WOKEN)
        err = self->woken_err;
    self_wait_end(self);
    return err;
}

void cell_wake_stacks(struct worker *w, struct cell *c)
{
    for (struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        if (s != w->self) {
            ask_wait_canceled(w, s);
            worker_wake(w, s);
        }
    c->run.flags &= ~(uint32_t) CELL_WANTS_MAIL;
}

static void cancel_here(struct worker *w, struct cell *c, const char *reason)
{
    if (c->run.flags & (CELL_CANCELED | CELL_CLOSED))
        return;
    c->run.flags |= CELL_CANCELED;
    struct cell_ext *ext = cell_ext_get(w, c);
    if (ext != NULL)
        ext->cancel_reason = mem_strdup(reason != NULL ? reason : "cancelled");
    cell_wake_stacks(w, c);
    if (!(c->run.flags & (CELL_QUEUED | CELL_BUSY)))
        worker_ready(w, &c->run);
}

/* Whether an actor that is ending is held up by code of its own. */
static bool is_in_fini(const struct cell *c)
{
    for (const struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        if (!(s->run.flags & (SELF_ENDING | SELF_DEAD)))
            return true;
    return false;
}

static void kill_here(struct worker *w, struct cell *c, const char *reason)
{
    if (c->run.flags & CELL_KILLED)
        return;
    c->run.flags |= CELL_KILLED;
    if ((c->run.flags & CELL_CLOSED) && !is_in_fini(c)) { /* it is ending already: its waits look at the flag */
        cell_wake_stacks(w, c);
        return;
    }
    end_mark(w, c, TR_EKILLED,
             msg_error(&w->msgs, TR_EKILLED, reason != NULL ? reason : "killed", "kill", cell_label(c), NULL));
    end_abandon_stacks(w, c);
    if (!(c->run.flags & CELL_LINKED))
        worker_ready(w, &c->run);
}

/* What is done at the home of the actor: here at once, elsewhere when the signal arrives. */
typedef void order_fn(struct worker *w, struct cell *c, const char *reason);

static void order_arrive(struct worker *w, struct errand *e, order_fn *here)
{
    bool moved;
    struct signal *s = signal_of(e);
    struct cell *c = signal_target(w, s, &moved);
    if (moved)
        return;
    if (c != NULL && !(c->run.flags & CELL_INTERNAL))
        here(w, c, s->text);
    signal_free(w, s);
}

static void cancel_arrive(struct worker *w, struct errand *e)
{
    order_arrive(w, e, cancel_here);
}

static void kill_arrive(struct worker *w, struct errand *e)
{
    order_arrive(w, e, kill_here);
}

static tr_err order_give(struct worker *w, struct cell *c, uint64_t id, const char *reason, order_fn *here,
                         void (*arrive)(struct worker *w, struct errand *e))
{
    tr_err err = TR_OK;
    gate_enter(&w->gate);
    if (cell_is_ours(w, c, id)) {
        here(w, c, reason);
    } else {
        struct signal *s = signal_new(w, arrive, id, reason);
        err = s != NULL ? TR_OK : TR_ENOMEM;
        if (s != NULL)
            signal_send(w, s);
    }
    gate_leave(&w->gate);
    return err;
}

tr_err cell_cancel(struct worker *w, struct cell *c, uint64_t id, const char *reason)
{
    return order_give(w, c, id, reason, cancel_here, cancel_arrive);
}

tr_err cell_kill(struct worker *w, struct cell *c, uint64_t id, const char *reason)
{
    return order_give(w, c, id, reason, kill_here, kill_arrive);
}

/* One that ends elsewhere stays in the list, and in its slot, until this worker has been told. */
void owner_cancel_children(struct worker *w, struct owner *o, const char *reason)
{
    for (struct cell *c = o->first; c != NULL; c = c->sibling_next)
        if (cell_cancel(w, c, cell_id(c), reason) != TR_OK)
            remote_order(w->world, c, INBOX_CANCEL);
}

void owner_kill_children(struct worker *w, struct owner *o, const char *reason)
{
    for (struct cell *c = o->first; c != NULL; c = c->sibling_next)
        if (cell_kill(w, c, cell_id(c), reason) != TR_OK)
            remote_order(w->world, c, INBOX_KILL);
}

tr_err owner_wait(struct tr_self *self, struct owner *o, int64_t grace_deadline)
{
    struct worker *w = self->worker;
    tr_err err = TR_OK;
    self->wait = (struct wait){ .kind = WAIT_CHILDREN, .all = true, .deadline = INT64_MAX, .owner = o };
    o->waiter = self;
    bool deadlock = false;
    gate_enter(&w->gate);
    probe_note(self);
    if (self_wait_begin(self, o->count > 0 ? grace_deadline : INT64_MAX) != TR_OK)
        owner_kill_children(w, o, "out of memory for the grace of its owner");
    while (o->count > 0 && err == TR_OK) {
        if (self->cell->run.flags & CELL_KILLED) {
            owner_kill_children(w, o, "its owner was killed");
        } else if (self->run.flags & SELF_TIMED_OUT) {
            self->run.flags &= ~(uint32_t) SELF_TIMED_OUT;
            world_grace_over(w->world);
            owner_kill_children(w, o, "its owner's grace was over");
        }
        if (probe_found(self)) {
            self->run.flags &= ~(uint32_t) SELF_DEADLOCK;
            deadlock = true;
            if (o->scope != NULL)
                scope_cancel(w, o->scope, "waiting for its children would be a deadlock");
        }
        if (self_is_canceled(self) && o->scope != NULL && !o->scope->canceled)
            scope_cancel(w, o->scope, self_cancel_reason(self));
        err = worker_suspend(self);
    }
    o->waiter = NULL;
    probe_forget(self);
    gate_leave(&w->gate);
    self_wait_end(self);
    return err == TR_OK && deadlock ? TR_EDEADLK : err;
}

bool tr_is_canceled(tr_self *self)
{
    return self_is_canceled(self);
}

const char *tr_cancel_reason(tr_self *self)
{
    return self_is_canceled(self) ? self_cancel_reason(self) : "";
}
