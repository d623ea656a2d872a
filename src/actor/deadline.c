/* SPDX-License-Identifier: MIT */
/* deadline.c - deadlines of scopes: seen, moved, and moved on from
 *
 * A scope's deadline is a timer that cancels it; what waits inside need not know it. Asks are the exception: their
 * callees inherit it, and one that was started may outlive its scope. So an ask under the deadline of a scope remembers
 * what it would have without (ask.own), and follows when that scope's moves. */
#include "actor/ask.h"
#include "actor/cancel.h"
#include "actor/error.h"
#include "actor/mailbox.h"
#include "actor/scope_kernel.h"

/* The earliest deadline of these scopes, up to the nearest shield, that one included. */
static int64_t chain_deadline(const struct scope *s)
{
    int64_t deadline = INT64_MAX;
    for (; s != NULL; s = s->shield ? NULL : s->outer)
        if (s->deadline < deadline)
            deadline = s->deadline;
    return deadline;
}

tr_time tr_deadline(tr_self *self)
{
    return chain_deadline(self->scope);
}

tr_time tr_scope_deadline(const tr_scope *scope)
{
    return ((const struct scope *) scope)->deadline;
}

/* ---- moving one ---- */

/* Its timer may be gone: it fired when the deadline of before came, and left the rest to the scope. */
static void ask_follow(struct worker *w, struct scope *s, struct ask *a, int64_t before)
{
    if (ask_state(a) != ASK_OPEN || a->limit != ASK_LIMIT_SCOPE || a->deadline != before)
        return;
    int64_t deadline = chain_deadline(s);
    bool is_own = a->own <= deadline;
    __atomic_store_n(&a->deadline, is_own ? a->own : deadline, __ATOMIC_RELAXED); /* read by callees elsewhere */
    __atomic_store_n(&a->limit, is_own ? a->own_limit : (uint8_t) ASK_LIMIT_SCOPE, __ATOMIC_RELAXED);
    ask_cover(w, a);
}

/* A message that waits for room: a request until its ask's deadline, which has followed; a plain one until what it
 * would have been given now. */
static void room_follow(struct worker *w, struct tr_self *self)
{
    enum ask_limit limit;
    if (self->wait.kind != WAIT_ROOM || (self->run.flags & SELF_WOKEN))
        return;
    const struct tr_msg *m = self->wait.sender->msg;
    bool is_request = m->kind == MSG_ASK;
    int64_t deadline = is_request ? m->ask->deadline : ask_deadline(self, w, TR_FOREVER, &limit);
    if (!is_request && limit == ASK_LIMIT_SCOPE) /* the scope will end it */
        timer_disarm(w, &self->timer);
    else if (!timer_arm(w, &self->timer, deadline))
        self_timed_out(w, self);
}

/* What the scope's body waits for, and would end with it. */
static void waits_follow(struct worker *w, struct scope *s, int64_t before)
{
    struct tr_self *self = s->self;
    list_each (l, &self->asks)
        ask_follow(w, s, list_entry(l, struct ask, link), before);
    if (self->wait.kind == WAIT_ASK)
        ask_follow(w, s, self->wait.ask, before);
    room_follow(w, self);
}

tr_err tr_scope_set_deadline(tr_self *self, tr_scope *scope, tr_time deadline)
{
    struct scope *s = (struct scope *) scope;
    if (!self_is_current(self))
        return TR_ESTATE;
    struct worker *w = self->worker;
    if (s->self->worker != w)
        return error_set(self, TR_ESTATE, "deadline", "that scope lives on another thread");
    if (s->canceled)
        return error_set(self, TR_ESTATE, "deadline", "that scope was cancelled, or its deadline has come: %s",
                         s->reason);
    if (s->shield && deadline == TR_NEVER)
        return error_set(self, TR_EINVAL, "deadline", "a shield needs a deadline, or nothing could ever stop it");
    int64_t before = s->deadline;
    if (deadline == INT64_MAX)
        timer_disarm(w, &s->timer);
    else if (!timer_arm(w, &s->timer, deadline))
        return error_set(self, TR_ENOMEM, "deadline", "out of memory");
    s->deadline = deadline;
    gate_enter(&w->gate);
    if (before != INT64_MAX)
        waits_follow(w, s, before);
    if (deadline <= tr_now(self)) {
        timer_disarm(w, &s->timer);
        scope_time_out(w, s);
    }
    gate_leave(&w->gate);
    return TR_OK;
}

/* ---- moving on ---- */

tr_err tr_move_on(tr_self *self, int64_t timeout_ms, tr_body_fn *fn, void *arg, bool *moved_on)
{
    bool moved = false;
    const tr_scope_opts opts = { .size = sizeof opts,
                                 .name = "tr_move_on",
                                 .timeout_ms = timeout_ms < 0 ? TR_FOREVER : timeout_ms,
                                 .moved_on = &moved };
    tr_err err = scope_run_under(self, &opts, fn, arg);
    if (err == TR_OK && moved_on != NULL)
        *moved_on = moved;
    return err;
}
