/* SPDX-License-Identifier: MIT */
/* end.c - how an actor ends */
#include "actor/end.h"

#include "actor/ask.h"
#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/deadletter.h"
#include "actor/ender.h"
#include "actor/error.h"
#include "actor/fd.h"
#include "actor/mailbox.h"
#include "actor/offload.h"
#include "actor/probe.h"
#include "actor/registry.h"
#include "actor/scope_kernel.h"
#include "actor/start.h"
#include "actor/state.h"
#include "actor/table.h"
#include "actor/tick.h"
#include "actor/wait.h"
#include "base/clock.h"

void end_mark(struct worker *w, struct cell *c, tr_err err, struct tr_msg *error)
{
    bool first = !(c->run.flags & CELL_END);
    struct cell_ext *ext = first ? cell_ext_get(w, c) : NULL;
    if (first) {
        c->run.flags |= CELL_END;
        c->end_err = err;
    }
    if (ext != NULL)
        ext->end_error = error;
    else if (error != NULL) /* a second end changes nothing; a first one without memory has no words */
        msg_unref(&w->msgs, error);
}

struct tr_msg *end_error_take(struct cell *c)
{
    struct tr_msg *error = c->ext != NULL ? c->ext->end_error : NULL;
    if (error != NULL)
        c->ext->end_error = NULL;
    return error;
}

void end_self(struct tr_self *self, tr_err err, struct tr_msg *error)
{
    struct worker *w = self->worker;
    gate_enter(&w->gate);
    if (w->self->cell != NULL) /* a defer of an abandoned call has that call's self, which does not run any more */
        self = w->self;
    end_mark(w, self->cell, err, error);
    timer_disarm(w, &self->timer); /* a callback inside tr_recv_for: the call that armed it does not come back */
    end_abandon_stacks(w, self->cell);
    worker_abandon(self);
}

/* What other stacks of this actor wait for is undone, so that nothing points at them any more. */
static void stack_detach(struct worker *w, struct tr_self *s)
{
    timer_disarm(w, &s->timer);
    probe_forget(s);
    switch (s->wait.kind) {
    case WAIT_ASK:
        ask_end(w, s->wait.ask);
        break;
    case WAIT_ROOM:
        mailbox_forget_sender(w, s->wait.target, s->wait.sender);
        break;
    case WAIT_END:
        ender_forget(w, s->wait.ender);
        break;
    case WAIT_ITEMS:
        wait_items_forget(s);
        break;
    case WAIT_FD:
        fd_abandon_waiter(w, s->wait.fd, s);
        break;
    case WAIT_SLOT:
        *s->wait.slot = NULL;
        break;
    case WAIT_WORK:
        offload_forget(s->wait.work);
        break;
    case WAIT_CHILDREN:
        s->wait.owner->waiter = NULL;
        break;
    default:
        break;
    }
    s->wait.kind = WAIT_NONE;
}

void end_abandon_stacks(struct worker *w, struct cell *c)
{
    for (struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        if (!(s->run.flags & SELF_DEAD)) {
            stack_detach(w, s);
            s->run.flags |= SELF_DEAD;
        }
    c->run.flags &= ~(uint32_t) (CELL_BUSY | CELL_WANTS_MAIL);
}

/* ---- the steps, in their order ---- */

static void release_kept(struct worker *w, struct cell *c)
{
    while (c->ext != NULL && c->ext->kept != NULL) {
        struct tr_msg *m = c->ext->kept;
        kept_unlink(c, m);
        if (ask_is_owed(m))
            ask_answer_error(w, m, TR_EDOWN, "the receiver ended before it answered", tr_tag(m), cell_label(c));
        msg_unref(&w->msgs, m);
    }
}

static void close_mailbox(struct tr_self *self, struct cell *c, tr_err err)
{
    struct worker *w = self->worker;
    c->run.flags |= CELL_CLOSED;
    for (struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        if (s->run.flags & SELF_DEAD)
            call_release_message(s->worker, s, err == TR_OK ? TR_EDOWN : err);
    call_release_message(self->worker, self, err == TR_OK ? TR_OK : err);
    if (c->ext != NULL && c->ext->kept != NULL)
        debug_kept_left(w, c);
    release_kept(w, c);
    start_settle(w, c, err);
    mailbox_close(w, c);
}

static void release_sources(struct worker *w, struct cell *c)
{
    ask_end_thens(w, c);
    if (c->ext == NULL)
        return;
    registry_release(w, c);
    tick_release_all(w, c);
    fd_release_all(w, c);
}

static void end_the_owned(struct tr_self *self, struct cell *c)
{
    struct worker *w = self->worker;
    struct owner *o = c->owned;
    if (o == NULL)
        return;
    o->closing = true;
    if (o->count == 0)
        return;
    owner_cancel_children(w, o, "its owner ended");
    if (c->run.flags & CELL_KILLED)
        owner_kill_children(w, o, "its owner was killed");
    if (owner_wait(self, o, clock_after_ms(tr_now(self), w->world->opts.stop_grace_ms)) == TR_ENOMEM)
        owner_move_children(&w->root, o); /* out of memory for the wait */
}

/* What fini and defers have begun in an actor that is over: timers, names, children, messages kept, and those that
 * timers put into the closed mailbox. */
static void release_begun(struct tr_self *self, struct cell *c)
{
    if (c->ext == NULL && c->owned == NULL)
        return;
    release_sources(self->worker, c);
    release_kept(self->worker, c);
    mailbox_close(self->worker, c);
    end_the_owned(self, c);
}

/* Scopes of abandoned stacks cannot wait any more; their children become the actor's. */
static void dissolve_abandoned(struct tr_self *self, struct cell *c)
{
    for (struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        while ((s->run.flags & SELF_DEAD) && s->scope != NULL) {
            struct scope *scope = s->scope;
            s->scope = scope->outer;
            scope_dissolve(self->worker, scope, owner_of(self->worker, c));
        }
}

static void release_abandoned(struct worker *w, struct cell *c)
{
    while (c->stacks != NULL) {
        struct tr_self *s = c->stacks;
        call_release_rest(s); /* while it is on the list: a defer that fails begins the end anew */
        self_strip(s);
        c->stacks = s->next_stack;
        s->next_stack = NULL;
        s->cell = NULL;
        if (!(s->run.flags & CELL_QUEUED)) /* else the run queue gives it out once more */
            stack_put_abandoned(&w->stacks, &s->coro);
    }
}

static void free_state(struct worker *w, struct cell *c)
{
    if (c->owned != NULL) {
        owner_fini(w, c->owned);
        slab_free(&w->owners, c->owned);
        c->owned = NULL;
    }
    if (c->table != NULL)
        state_free(w, c->table, c->state);
    if (c->ext != NULL) {
        things_release(w, c);
        memory_free(&c->ext->memory);
    }
}

/* Those who joined it, or wait for it; *others: those on other workers, to be told when its owner has been. Returns
 * what that is to know. */
static struct outcome *tell(struct worker *w, struct cell *c, tr_err err, struct tr_msg *error, struct errand **others)
{
    struct outcome *out = NULL;
    struct tr_msg *result = NULL;
    if (c->ext != NULL) {
        result = c->ext->result;
        c->ext->result = NULL;
    }
    if (err != TR_OK || result != NULL)
        out = outcome_new(w, err, result, error);
    else if (error != NULL)
        msg_unref(&w->msgs, error);
    if (out != NULL && out->refs > 0 && c->ext != NULL)
        out->told = c->ext->start_told;
    *others = c->ext != NULL ? ender_tell(w, c, out) : NULL;
    return out;
}

static void call_fini(struct tr_self *self, struct cell *c, tr_err err)
{
    c->run.flags &= ~(uint32_t) CELL_STARTED;
    self->run.flags &= ~(uint32_t) SELF_ENDING;
    gate_leave(&self->worker->gate);
    c->table->def->fini(self, c->state, err);
    gate_enter(&self->worker->gate);
    while (self->scope != NULL)
        scope_close_left(self);
    self->run.flags |= SELF_ENDING;
}

/* ---- the slot ---- */

/* Runs on the worker of the owner: the slot is free now, and its own. */
static void slot_given(struct worker *w, struct errand *e)
{
    cell_free(&w->cells, list_entry(e, struct cell, errand));
}

/* Runs at home: the owner's worker has no use for the cell any more. The slot goes there, where the next child is
 * likely to be spawned: else one that only spawns and one that only ends would use up the table. */
static void slot_released(struct worker *w, struct errand *e)
{
    struct cell *c = list_entry(e, struct cell, errand);
    if (c->run.flags & CELL_LINKED) { /* it stands in the run queue still, which frees it */
        c->run.flags |= CELL_ZOMBIE;
        return;
    }
    c->errand.run = slot_given;
    struct worker *to = w->world->worker[c->run.owner_home];
    atomic_store_explicit(&c->run.home, to->index, memory_order_release);
    errand_leave(to, &c->errand);
}

/* Runs on the worker of the owner. */
static void child_ended(struct worker *w, struct errand *e)
{
    struct cell *c = list_entry(e, struct cell, errand);
    owner_child_ended(w, c, c->outcome);
    cell_lay_out(c); /* it has a record now: nobody finds it any more, though its slot is not free yet */
    c->errand.run = slot_released;
    errand_leave(w->world->worker[cell_home(c)], &c->errand);
}

/* The actor is over: its owner is told, and the slot goes back. No memory is needed for that: the cell itself is the
 * errand. */
static void cell_bury(struct worker *w, struct cell *c, struct outcome *out)
{
    uint32_t linked = c->run.flags & CELL_LINKED;
    if (c->run.owner_home != w->index) {
        c->run.flags = CELL_IS | linked;
        c->outcome = outcome_alone(w, out);
        c->errand.run = child_ended;
        errand_post(w->world->worker[c->run.owner_home], &c->errand);
        return;
    }
    owner_child_ended(w, c, out);
    if (linked) { /* it stands in the run queue, which frees it */
        cell_lay_out(c);
        c->run.flags = CELL_IS | CELL_LINKED | CELL_ZOMBIE;
    } else {
        cell_free(&w->cells, c);
    }
}

/* Its fini or a defer may fail: then this stack does not come back, the actor ends once more, without fini, and what it
 * first ended by stands, since that is marked. */
void actor_end(struct tr_self *self, tr_err err, struct tr_msg *error)
{
    struct worker *w = self->worker;
    struct cell *c = self->cell;
    bool started = c->run.flags & CELL_STARTED;
    uint32_t internal = c->run.flags & CELL_INTERNAL;
    err = err == TR_STOP ? TR_OK : err;
    if (err == TR_OK && !list_is_empty(&self->asks))
        debug_asks_left(self);
    self->run.flags = (self->run.flags | SELF_ENDING) & ~(uint32_t) (SELF_HELD | SELF_LET_GO);
    c->run.flags = (c->run.flags | CELL_QUEUED) & ~(uint32_t) (CELL_BUSY | CELL_END);
    if (err != TR_OK)
        end_mark(w, c, err, error);
    end_abandon_stacks(w, c);
    c->run.flags |= CELL_BUSY;
    close_mailbox(self, c, err);
    release_sources(w, c);
    call_release_scopes(self);
    dissolve_abandoned(self, c);
    end_the_owned(self, c);
    if (started && c->table != NULL && c->table->def->fini != NULL && !(c->run.flags & CELL_KILLED)) {
        call_fini(self, c, err);
        release_begun(self, c);
    }
    call_release_rest(self);
    release_abandoned(w, c);
    release_begun(self, c);
    free_state(w, c);
    if (c->run.flags & CELL_TRACED)
        debug_ended(w, c, err);
    struct errand *others;
    struct outcome *out = tell(w, c, err, end_error_take(c), &others);
    cell_ext_free(w, c);
    self->run.flags &= ~(uint32_t) (SELF_ENDING | SELF_HELD | SELF_LET_GO);
    self->cell = NULL;
    if (!internal)
        worker_count(&w->ended);
    cell_bury(w, c, out);
    ender_post(others);
}

void tr_fail(tr_self *self, tr_err err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tr_err code = err == TR_OK || err == TR_STOP ? TR_EFAILED : err;
    error_setv(self, code, "fail", fmt, args);
    va_end(args);
    end_self(self, code, error_message(self, code, "fail"));
}
