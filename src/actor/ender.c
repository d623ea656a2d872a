/* SPDX-License-Identifier: MIT */
/* ender.c - waiting for an actor's end: join, cancel-and-wait, kill */
#include "actor/ender.h"

#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/deadlock.h"
#include "actor/end.h"
#include "actor/error.h"
#include "actor/probe.h"
#include "actor/scope_kernel.h"
#include "actor/signal.h"
#include "base/clock.h"

/* ---- being told ---- */

static void ender_settle(struct worker *w, struct ender *e, struct outcome *out, bool late)
{
    e->outcome = out;
    e->told = true;
    e->late = late;
    e->failed = out != NULL && out->err != TR_OK;
    e->self->woken_err = TR_OK;
    e->self->run.flags |= SELF_WOKEN;
    worker_wake(w, e->self);
}

/* Runs on the worker of one who waits for an actor elsewhere. */
static void end_told(struct worker *w, struct errand *errand)
{
    struct signal *s = signal_of(errand);
    struct ender *e = ticket_what(s->ref);
    if (e != NULL) {
        bool empty = s->err == TR_OK && s->result == NULL;
        struct outcome *out = empty ? NULL : outcome_new(w, s->err, s->result, s->error);
        s->result = s->error = NULL; /* they moved */
        e->ticket->what = NULL;
        ender_settle(w, e, out, s->late);
    }
    signal_free(w, s);
}

/* What is to be posted to where s came from. late: it had ended before it was asked, and nothing is known here of how.
 */
static struct errand *end_tell_elsewhere(struct signal *s, const struct outcome *out, bool late)
{
    s->late = late;
    s->err = out != NULL ? out->err : TR_OK;
    s->result = out != NULL && out->result != NULL ? msg_ref(out->result) : NULL;
    s->error = out != NULL && out->error != NULL ? msg_ref(out->error) : NULL;
    s->errand.run = end_told;
    return &s->errand;
}

void ender_post(struct errand *others)
{
    while (others != NULL) {
        struct errand *next = others->next;
        errand_post(signal_of(others)->ref.home, others);
        others = next;
    }
}

struct errand *ender_tell(struct worker *w, struct cell *c, struct outcome *out)
{
    struct list *l;
    struct errand *others = NULL;
    while ((l = list_pop(&c->ext->enders)) != NULL) {
        struct ender *e = list_entry(l, struct ender, link);
        if (e->self == NULL) {
            struct errand *other = end_tell_elsewhere(list_entry(e, struct signal, ender), out, false);
            other->next = others;
            others = other;
        } else {
            ender_settle(w, e, outcome_ref(out), false);
        }
    }
    return others;
}

/* ---- waiting for an actor elsewhere ---- */

/* Runs at the home of the actor. */
static void end_watch(struct worker *w, struct errand *errand)
{
    bool moved;
    struct signal *s = signal_of(errand);
    struct cell *c = signal_target(w, s, &moved);
    if (moved)
        return;
    struct cell_ext *ext = c != NULL ? cell_ext_get(w, c) : NULL;
    s->ender = (struct ender){ .self = NULL };
    list_init(&s->ender.link);
    if (ext != NULL)
        list_push(&ext->enders, &s->ender.link);
    else
        errand_post(s->ref.home, end_tell_elsewhere(s, NULL, true)); /* without memory: whoever joins looks again */
}

/* Runs at the home of the actor: one who waited has given up. */
static void end_unwatch(struct worker *w, struct errand *errand)
{
    bool moved;
    struct signal *s = signal_of(errand);
    struct cell *c = signal_target(w, s, &moved);
    if (moved)
        return;
    if (c != NULL && c->ext != NULL)
        list_each (l, &c->ext->enders) {
            struct ender *e = list_entry(l, struct ender, link);
            struct signal *watch = list_entry(e, struct signal, ender);
            if (e->self == NULL && watch->ref.ticket == s->ref.ticket && watch->ref.seq == s->ref.seq) {
                list_remove(&e->link);
                signal_free(w, watch);
                break;
            }
        }
    signal_free(w, s);
}

static bool begin_elsewhere(struct worker *w, struct ender *e, uint64_t id)
{
    struct signal *s = signal_new(w, end_watch, id, NULL);
    e->id = id;
    e->ticket = s != NULL ? ticket_open(w, e) : NULL;
    if (e->ticket == NULL) {
        if (s != NULL)
            signal_free(w, s);
        return false;
    }
    s->ref = ticket_ref(w, e->ticket);
    signal_send(w, s);
    return true;
}

static void forget_elsewhere(struct worker *w, struct ender *e)
{
    struct signal *s = e->told ? NULL : signal_new(w, end_unwatch, e->id, NULL);
    if (s != NULL) { /* without memory it is told all the same, and nobody listens */
        s->ref = ticket_ref(w, e->ticket);
        signal_send(w, s);
    }
    ticket_close(w, e->ticket);
    e->ticket = NULL;
}

bool ender_begin(struct worker *w, struct ender *e, struct tr_self *self, struct cell *c, uint64_t id, tr_err *err)
{
    *e = (struct ender){ .self = self };
    list_init(&e->link);
    gate_enter(&w->gate);
    bool here = cell_is_ours(w, c, id);
    struct cell_ext *ext = here ? cell_ext_get(w, c) : NULL;
    bool ok = here ? ext != NULL : begin_elsewhere(w, e, id);
    if (ext != NULL)
        list_push(&ext->enders, &e->link);
    gate_leave(&w->gate);
    if (!ok)
        *err = TR_ENOMEM;
    return ok;
}

void ender_forget(struct worker *w, struct ender *e)
{
    list_remove(&e->link);
    if (e->ticket != NULL)
        forget_elsewhere(w, e);
    outcome_unref(w, e->outcome);
    e->outcome = NULL;
}

struct record *ender_record(struct tr_self *self, uint64_t id)
{
    struct record *r = NULL;
    for (struct scope *s = self->scope; s != NULL && r == NULL; s = s->outer)
        r = owner_find(&s->owner, id);
    if (r == NULL && self->cell->owned != NULL)
        r = owner_find(self->cell->owned, id);
    return r;
}

/* ---- joining ---- */

static tr_err join_result(struct tr_self *self, const struct outcome *out, const tr_msg **result)
{
    struct worker *w = self->worker;
    if (self->reply != NULL)
        msg_unref(&w->msgs, self->reply);
    self->reply = NULL;
    if (out == NULL || out->err == TR_OK) {
        self->reply = out != NULL && out->result != NULL ? msg_ref(out->result) : NULL;
        if (result != NULL)
            *result = self->reply;
        return TR_OK;
    }
    return error_take(self, out->err, "join", out->error != NULL ? msg_ref(out->error) : NULL);
}

/* Suspends until c has ended, until deadline, or a cancel. *e holds its outcome. */
static tr_err wait_for_end(struct tr_self *self, struct cell *c, uint64_t id, int64_t deadline, struct ender *e,
                           const char *phase)
{
    tr_err err = deadlock_check(self, id, deadline, phase);
    if (err != TR_OK)
        return err;
    if (!ender_begin(self->worker, e, self, c, id, &err))
        return error_set(self, err, phase, "out of memory");
    self->wait = (struct wait){ .kind = WAIT_END, .deadline = deadline, .target = id, .ender = e };
    gate_enter(&self->worker->gate);
    probe_note(self);
    err = self_wait_woken(self, deadline);
    probe_forget(self);
    gate_leave(&self->worker->gate);
    if (err != TR_OK)
        ender_forget(self->worker, e);
    return err;
}

static void mark_seen(struct tr_self *self, uint64_t id)
{
    struct record *r = ender_record(self, id);
    if (r != NULL)
        record_seen(self->worker, r);
}

/* From the record of an ended child. */
static tr_err join_record(struct tr_self *self, struct record *r, const tr_msg **result)
{
    record_seen(self->worker, r);
    return join_result(self, r->outcome, result);
}

static tr_err join_nobody(struct tr_self *self, tr_addr who)
{
    char addr[TR_ADDR_TEXT_MAX];
    return error_set(self, TR_ENOPROC, "join", "%s has ended, and this actor holds no record of it",
                     tr_addr_text(who, addr));
}

tr_err tr_join(tr_self *self, tr_addr who, const tr_msg **result)
{
    struct ender e = { 0 };
    if (!self_is_current(self))
        return TR_ESTATE;
    struct record *r = ender_record(self, who.actor);
    if (r != NULL)
        return join_record(self, r, result);
    struct cell *c = cell_seen_alive(self->worker, who.actor);
    if (c == NULL)
        return join_nobody(self, who);
    tr_err err = self_enter(self, "join");
    if (err == TR_OK)
        err = wait_for_end(self, c, who.actor, INT64_MAX, &e, "join");
    if (err == TR_ECANCELED)
        return error_set(self, err, "join", "cancelled: %s", self_cancel_reason(self));
    if (err != TR_OK)
        return err;
    r = ender_record(self, who.actor); /* what its owner was told came before */
    if (r != NULL)
        err = join_record(self, r, result);
    else
        err = e.late ? join_nobody(self, who) : join_result(self, e.outcome, result);
    ender_forget(self->worker, &e);
    return err;
}

void tr_forget(tr_self *self, tr_addr who)
{
    struct record *r = self_is_current(self) ? ender_record(self, who.actor) : NULL;
    if (r != NULL)
        record_free(self->worker, r);
}

/* ---- cancelling others ---- */

/* In the gate. */
static struct cell *victim(struct tr_self *self, tr_addr who)
{
    struct cell *c = who.node == 0 ? cell_alive(self->worker, who.actor) : NULL;
    if (c == NULL || !cell_is_here(self->worker, c))
        return c; /* elsewhere it is looked at there */
    return !(c->run.flags & CELL_INTERNAL) ? c : NULL;
}

/* *c: its cell, NULL if there is nobody to cancel. */
static tr_err cancel_it(struct tr_self *self, tr_addr who, const char *reason, struct cell **c)
{
    struct worker *w = self->worker;
    gate_enter(&w->gate);
    *c = victim(self, who);
    tr_err err = *c != NULL && *c != self->cell ? cell_cancel(w, *c, who.actor, reason) : TR_OK;
    gate_leave(&w->gate);
    return err == TR_OK ? TR_OK : error_set(self, TR_ENOMEM, "cancel", "out of memory");
}

tr_err tr_cancel(tr_self *self, tr_addr who, const char *reason)
{
    struct cell *c;
    if (!self_is_current(self))
        return TR_ESTATE;
    tr_err err = cancel_it(self, who, reason, &c);
    return c == self->cell ? cell_cancel(self->worker, c, who.actor, reason) : err;
}

/* It did not end in time. */
static void kill_late(struct tr_self *self, tr_addr who, const char *reason, int64_t timeout_ms)
{
    char text[CELL_TEXT_MAX];
    struct worker *w = self->worker;
    gate_enter(&w->gate);
    struct cell *c = cell_alive(w, who.actor);
    if (c != NULL) {
        error_set(self, TR_ETIMEDOUT, "cancel", "%s did not end within %lld ms: killed", cell_text_any(w, c, text),
                  (long long) timeout_ms);
        (void) cell_kill(w, c, who.actor, reason);
    }
    gate_leave(&w->gate);
}

tr_err tr_cancel_wait(tr_self *self, tr_addr who, const char *reason, int64_t timeout_ms)
{
    struct ender e = { 0 };
    tr_err err = self_enter(self, "cancel");
    if (err != TR_OK)
        return err;
    struct cell *c;
    err = cancel_it(self, who, reason, &c);
    if (err != TR_OK || c == NULL)
        return err;
    if (c == self->cell)
        return error_set(self, TR_EDEADLK, "cancel", "an actor cannot wait for its own end");
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms);
    err = wait_for_end(self, c, who.actor, deadline, &e, "cancel");
    if (err == TR_OK) {
        mark_seen(self, who.actor);
        ender_forget(self->worker, &e);
    }
    if (err == TR_ETIMEDOUT)
        kill_late(self, who, reason, timeout_ms);
    return err;
}

tr_err tr_kill(tr_self *self, tr_addr who, const char *reason)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct worker *w = self->worker;
    gate_enter(&w->gate);
    struct cell *c = victim(self, who);
    tr_err err = c != NULL && c != self->cell ? cell_kill(w, c, who.actor, reason) : TR_OK;
    gate_leave(&w->gate);
    if (err != TR_OK)
        return error_set(self, err, "kill", "out of memory");
    if (c != self->cell)
        return TR_OK;
    c->run.flags |= CELL_KILLED;
    end_self(self, TR_EKILLED,
             msg_error(&self->worker->msgs, TR_EKILLED, reason != NULL ? reason : "killed by itself", "kill",
                       cell_label(c), NULL));
}
