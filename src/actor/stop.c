/* SPDX-License-Identifier: MIT */
/* stop.c - requests to stop: seen by whoever looks, obeyed as far as they have got
 *
 * A request goes down the tree of owners at once, so that nobody has to pass it on. To those who wait it is the end of
 * the innermost part of them that said so (tr_until_stop): a cancel of that scope, and therefore felt in every
 * suspending call that there is. What lies outside of that scope goes on. */
#include "actor/stop.h"

#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/error.h"
#include "actor/mailbox.h"
#include "actor/signal.h"
#include "actor/table.h"
#include "base/alloc.h"
#include "base/clock.h"

#define STOP_REASON "asked to stop"
#define STOP_KILL_MS 5000 /* after the cancel of one that was asked to stop */

/* ---- one actor ---- */

void stop_scope_inside(struct worker *w, struct scope *s, const char *reason)
{
    if (s->canceled)
        return;
    s->stopped = true;
    s->cut_short = s->owner.count > 0;
    scope_cancel(w, s, reason);
}

static void stop_scopes(struct worker *w, struct scope *innermost, const char *reason)
{
    for (struct scope *s = innermost; s != NULL; s = s->outer)
        if (s->until_stop)
            stop_scope_inside(w, s, reason);
}

/* A behaviour has no scope open while it is idle: it is told by a message, if it has a row for it. */
static void stop_message(struct worker *w, struct cell *c, const char *reason)
{
    struct tr_msg *m;
    const tr_value values[] = { tr_str("stop"), tr_str(reason) };
    if (c->table == NULL || msg_build(&w->msgs, values, 2, true, &m, NULL) != TR_OK)
        return;
    const struct row *row = table_find(c->table, m);
    if (row == NULL || !signature_fits(&row->args, m)) {
        msg_unref(&w->msgs, m);
        return;
    }
    m->flags |= MSG_UNCOUNTED;
    mailbox_put(w, c, m);
}

/* ---- down the tree ---- */

static void stop_arrive(struct worker *w, struct errand *e);

/* Whether it is to be told here; one whose home is elsewhere is told there. */
static bool is_for_us(struct worker *w, struct cell *c, uint64_t id, const char *reason)
{
    if (cell_is_ours(w, c, id)) {
        struct cell_ext *ext = c->run.flags & (CELL_CLOSED | CELL_INTERNAL) ? NULL : cell_ext_get(w, c);
        return ext != NULL && !ext->stopping; /* without memory: a cancel will tell it */
    }
    struct signal *s = signal_new(w, stop_arrive, id, reason);
    if (s != NULL)
        signal_send(w, s);
    return false;
}

static void walk_push(struct worker *w, struct cell **walk, struct cell *c, uint64_t id, const char *reason)
{
    if (!is_for_us(w, c, id, reason))
        return;
    c->ext->stopping = true;
    c->ext->stop_next = *walk;
    *walk = c;
}

static void walk_push_owned(struct worker *w, struct cell **walk, const struct owner *o, const char *reason)
{
    for (struct cell *c = o->first; c != NULL; c = c->sibling_next)
        walk_push(w, walk, c, cell_id(c), reason);
}

static void stack_stop(struct worker *w, const struct tr_self *s, const char *reason, struct cell **walk)
{
    for (const struct scope *scope = s->scope; scope != NULL; scope = scope->outer)
        walk_push_owned(w, walk, &scope->owner, reason);
    stop_scopes(w, s->scope, reason);
}

/* Everyone on the list, and who is found below them. In the gate. */
static void walk_run(struct worker *w, struct cell *walk, const char *reason)
{
    while (walk != NULL) {
        struct cell *c = walk;
        walk = c->ext->stop_next;
        c->ext->stop_next = NULL;
        c->ext->stop_reason = mem_strdup(reason);
        if (c->owned != NULL)
            walk_push_owned(w, &walk, c->owned, reason);
        for (struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
            if (!(s->run.flags & SELF_DEAD))
                stack_stop(w, s, reason, &walk);
        if (w->self != NULL && w->self->cell == c)
            stack_stop(w, w->self, reason, &walk);
        stop_message(w, c, reason);
    }
}

/* In the gate; id is who is meant, since the slot of one elsewhere may become another's. */
static void stop_cell(struct worker *w, struct cell *c, uint64_t id, const char *reason)
{
    struct cell *walk = NULL;
    walk_push(w, &walk, c, id, reason);
    walk_run(w, walk, reason);
}

/* Runs at the home of the actor. */
static void stop_arrive(struct worker *w, struct errand *e)
{
    bool moved;
    struct signal *s = signal_of(e);
    struct cell *c = signal_target(w, s, &moved);
    if (moved)
        return;
    if (c != NULL)
        stop_cell(w, c, s->to, s->text != NULL ? s->text : STOP_REASON);
    signal_free(w, s);
}

tr_err tr_stop(tr_self *self, tr_addr who, const char *reason)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct worker *w = self->worker;
    gate_enter(&w->gate);
    struct cell *c = who.node == 0 ? cell_alive(w, who.actor) : NULL;
    if (c != NULL)
        stop_cell(w, c, who.actor, reason != NULL ? reason : STOP_REASON);
    gate_leave(&w->gate);
    return TR_OK;
}

tr_err tr_stop_wait(tr_self *self, tr_addr who, const char *reason, int64_t timeout_ms)
{
    size_t done;
    tr_err err = self_enter(self, "stop");
    if (err != TR_OK)
        return err;
    if (who.actor == cell_id(self->cell))
        return error_set(self, TR_EDEADLK, "stop", "an actor cannot wait for its own end");
    (void) tr_stop(self, who, reason);
    tr_wait_item end = { .kind = TR_WAIT_END, .actor = who };
    err = tr_wait(self, &end, 1, TR_WAIT_FIRST, timeout_ms, &done);
    if (err != TR_OK)
        return err;
    if (done > 0)
        return TR_OK;
    err = tr_cancel_wait(self, who, reason, STOP_KILL_MS);
    if (err == TR_OK)
        err = error_set(self, TR_ETIMEDOUT, "stop", "it did not stop within %lld ms, and was cancelled",
                        (long long) timeout_ms);
    return err;
}

/* ---- a scope ---- */

static void stop_time_over(struct worker *w, struct timer *t, int64_t now)
{
    (void) now;
    struct scope *s = list_entry(t, struct scope, stop);
    scope_cancel(w, s, "it was asked to stop, and had not when the time was over");
}

/* The scope, those that its body has opened inside of it, and what is in them. */
static void stop_body(struct worker *w, struct scope *s, const char *reason, struct cell **walk)
{
    for (struct scope *inner = s->self->scope; inner != NULL; inner = inner->outer) {
        walk_push_owned(w, walk, &inner->owner, reason);
        if (inner->until_stop)
            stop_scope_inside(w, inner, reason);
        if (inner == s)
            break;
    }
}

tr_err tr_scope_stop(tr_self *self, tr_scope *scope, int64_t grace_ms, const char *reason)
{
    struct scope *s = (struct scope *) scope;
    struct cell *walk = NULL;
    if (!self_is_current(self))
        return TR_ESTATE;
    struct worker *w = self->worker;
    if (s->self->worker != w)
        return error_set(self, TR_ESTATE, "stop", "that scope lives on another thread");
    if (s->canceled || s->stopping)
        return TR_OK;
    if (reason == NULL)
        reason = STOP_REASON;
    s->stop.fire = stop_time_over;
    if (grace_ms > 0 && !timer_arm(w, &s->stop, clock_after_ms(tr_now(self), grace_ms)))
        return error_set(self, TR_ENOMEM, "stop", "out of memory");
    s->stopping = true;
    snprintf(s->stop_reason, sizeof s->stop_reason, "%s", reason);
    gate_enter(&w->gate);
    stop_body(w, s, reason, &walk);
    walk_run(w, walk, reason);
    if (grace_ms == 0)
        scope_cancel(w, s, reason);
    gate_leave(&w->gate);
    return TR_OK;
}

/* ---- seeing it ---- */

/* The innermost one that was asked; NULL: none. */
static const struct scope *stopping_scope(const struct tr_self *self)
{
    for (const struct scope *s = self->scope; s != NULL; s = s->outer)
        if (s->stopping)
            return s;
    return NULL;
}

bool tr_is_stopping(tr_self *self)
{
    if (!self_is_current(self))
        return false;
    return (self->cell->ext != NULL && self->cell->ext->stopping) || stopping_scope(self) != NULL;
}

const char *tr_stop_reason(tr_self *self)
{
    if (!tr_is_stopping(self))
        return "";
    const struct scope *s = stopping_scope(self);
    if (s != NULL)
        return s->stop_reason;
    return self->cell->ext->stop_reason != NULL ? self->cell->ext->stop_reason : STOP_REASON;
}

tr_err tr_until_stop(tr_self *self, tr_body_fn *fn, void *arg)
{
    const tr_scope_opts opts = {
        .size = sizeof opts, .name = "tr_until_stop", .timeout_ms = TR_FOREVER, .until_stop = true
    };
    return scope_run_under(self, &opts, fn, arg);
}
