/* SPDX-License-Identifier: MIT */
/* ask.c - a request under way, seen from the asker's side */
#include "actor/ask.h"

#include "actor/cancel.h"
#include "actor/deadletter.h"
#include "actor/deadlock.h"
#include "actor/error.h"
#include "actor/mailbox.h"
#include "actor/note.h"
#include "actor/probe.h"
#include "actor/remote.h"
#include "actor/scope_kernel.h"
#include "actor/table.h"
#include "base/clock.h"
#include "message/small.h"

/* ---- the record ---- */

static void ask_timer_fire(struct worker *w, struct timer *t, int64_t now);

static inline struct ask *ask_open(struct tr_self *self, int64_t deadline, enum ask_limit limit)
{
    struct worker *w = self->worker;
    struct ask *a = slab_alloc(&w->asks);
    if (a == NULL)
        return NULL;
    if (__builtin_expect(a->home == NULL, 0)) {
        a->home = w;
        a->timer.fire = ask_timer_fire;
    }
    a->reply = NULL;
    a->waiter = NULL;
    a->asker = cell_id(self->cell);
    /* Release: behind the number that ask_free has raised; pairs with the acquires in ask_read_deadline. */
    __atomic_store_n(&a->deadline, deadline, __ATOMIC_RELEASE);
    __atomic_store_n(&a->limit, (uint8_t) limit, __ATOMIC_RELEASE);
    ask_set_state(a, ASK_OPEN);
    a->then = NULL;
    if (!timer_cover(w, &a->timer, deadline)) {
        ask_set_state(a, ASK_FREE);
        slab_free(&w->asks, a);
        return NULL;
    }
    w->pending_asks++;
    return a;
}

static inline void ask_free(struct worker *w, struct ask *a)
{
    ask_set_state(a, ASK_FREE);
    __atomic_store_n(&a->seq, a->seq + 1, __ATOMIC_RELAXED);
    w->pending_asks--;
    slab_free(&w->asks, a);
}

/* Who waits for many is woken once: by the last, or by the failure that makes the others needless. */
static inline void waiter_wake(struct worker *w, const struct ask *a)
{
    struct wait *wait = &a->waiter->wait;
    if (wait->kind == WAIT_ASKS && wait->left > 0) {
        wait->left = a->err != TR_OK && wait->fail_fast ? 0 : wait->left - 1;
        if (wait->left > 0)
            return;
    }
    worker_wake(w, a->waiter);
}

static void then_wake(struct worker *w, struct ask *a)
{
    struct cell *c = cell_find(w, a->asker); /* open asks hold their actor here */
    list_remove(&a->link);
    list_push(&c->ext->thens_done, &a->link);
    c->run.flags |= CELL_THEN;
    if (!(c->run.flags & (CELL_QUEUED | CELL_BUSY)))
        worker_ready(w, &c->run);
    else if (c->run.flags & CELL_WANTS_MAIL)
        worker_wake(w, c->stacks);
}

static inline void ask_wake(struct worker *w, struct ask *a)
{
    a->order = w->completions++;
    if (__builtin_expect(a->then != NULL, 0))
        then_wake(w, a);
    else if (a->waiter != NULL)
        waiter_wake(w, a);
}

static inline void ask_complete(struct worker *w, struct ask *a, tr_err err, struct tr_msg *reply)
{
    ask_set_state(a, ASK_DONE);
    a->err = err;
    a->reply = reply;
    ask_wake(w, a);
}

/* Whether the asker waits in a call that the scope's own cancel ends, and the ask with it. An ask that was started may
 * have been taken out of its scope. */
static bool scope_will_tell(const struct ask *a)
{
    const struct tr_self *self = a->limit == ASK_LIMIT_SCOPE ? a->waiter : NULL;
    if (self == NULL || !(self->wait.kind == WAIT_ASK || self->wait.kind == WAIT_ASKS || self->wait.kind == WAIT_ITEMS))
        return false;
    const struct scope *s = self->scope;
    while (s != NULL && s->deadline > a->deadline)
        s = s->shield ? NULL : s->outer;
    return s != NULL;
}

static void ask_expire(struct worker *w, struct ask *a)
{
    uint64_t seq = a->seq, holder = a->holder;
    ask_complete(w, a, TR_ETIMEDOUT, NULL);
    note_asker_gone(w, a, seq, holder);
}

static void ask_timer_fire(struct worker *w, struct timer *t, int64_t now)
{
    struct ask *a = list_entry(t, struct ask, timer);
    if (a->state != ASK_OPEN || scope_will_tell(a))
        return;
    if (a->deadline > now) {
        (void) timer_cover(w, t, a->deadline); /* cannot fail: the heap has just lost an entry */
        return;
    }
    ask_expire(w, a);
}

void ask_let_go(struct worker *w, struct ask *a)
{
    a->waiter = NULL;
    if (a->state == ASK_OPEN && !timer_cover(w, &a->timer, a->deadline))
        ask_expire(w, a);
}

/* Between an answer and a cancel the first wins, whenever the asker runs: an answer that comes now is late. */
void ask_wait_canceled(struct worker *w, struct tr_self *self)
{
    struct ask *a = self->wait.kind == WAIT_ASK ? self->wait.ask : NULL;
    if (a == NULL || a->state != ASK_OPEN || !self_is_canceled(self))
        return;
    uint64_t seq = a->seq, holder = a->holder;
    ask_complete(w, a, TR_ECANCELED, NULL);
    note_asker_gone(w, a, seq, holder);
}

void ask_end(struct worker *w, struct ask *a)
{
    uint64_t seq = a->seq, holder = a->holder;
    bool open = a->state == ASK_OPEN;
    struct tr_msg *unread = a->reply;
    a->reply = NULL;
    ask_free(w, a);
    if (unread != NULL && (unread->flags & MSG_RETURN))
        reply_return(w, unread);
    else if (unread != NULL)
        msg_unref(&w->msgs, unread);
    if (open)
        note_asker_gone(w, a, seq, holder);
}

/* ---- asking ---- */

bool ask_read_deadline(const struct tr_msg *m, int64_t *deadline, enum ask_limit *limit)
{
    const struct ask *a = m->ask;
    if (!ask_is_owed(m))
        return false;
    *deadline = __atomic_load_n(&a->deadline, __ATOMIC_ACQUIRE);
    *limit = (enum ask_limit) __atomic_load_n(&a->limit, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&a->seq, __ATOMIC_RELAXED) == m->ask_seq;
}

/* The deadline without that of a scope; INT64_MAX: nobody set one. */
static int64_t deadline_outside(const struct tr_self *self, int64_t timeout_ms, int64_t now, enum ask_limit *limit)
{
    int64_t deadline = timeout_ms >= 0 ? clock_after_ms(now, timeout_ms) : INT64_MAX;
    int64_t theirs;
    enum ask_limit their_limit;
    *limit = timeout_ms >= 0 ? ASK_LIMIT_OWN : ASK_LIMIT_NONE;
    if (self->received != NULL && ask_read_deadline(self->received, &theirs, &their_limit) && theirs < deadline) {
        deadline = theirs;
        *limit = their_limit == ASK_LIMIT_NONE ? ASK_LIMIT_NONE : ASK_LIMIT_OWN;
    }
    return deadline;
}

/* What holds should the scope's deadline be moved. */
__attribute__((noinline)) static void own_note(struct tr_self *self, struct ask *a, int64_t timeout_ms)
{
    enum ask_limit limit;
    int64_t now = worker_now(self->worker);
    int64_t own = deadline_outside(self, timeout_ms, now, &limit);
    a->own = own == INT64_MAX ? now + ASK_TIMEOUT_NS : own;
    a->own_limit = (uint8_t) limit;
}

int64_t ask_deadline_slow(struct tr_self *self, int64_t timeout_ms, enum ask_limit *limit)
{
    int64_t now = worker_now(self->worker);
    int64_t deadline = deadline_outside(self, timeout_ms, now, limit);
    for (const struct scope *s = self->scope; s != NULL; s = s->outer) {
        if (s->deadline < deadline) {
            deadline = s->deadline;
            *limit = ASK_LIMIT_SCOPE;
        }
        if (s->shield)
            break;
    }
    return deadline == INT64_MAX ? now + ASK_TIMEOUT_NS : deadline;
}

struct cell *send_target_slow(struct tr_self *self, uint64_t node, uint64_t actor, const char *phase, tr_err *err)
{
    tr_addr to = { node, actor };
    char addr[TR_ADDR_TEXT_MAX];
    struct worker *w = self->worker;
    struct cell *c = node == 0 ? cell_at(&w->world->cells, actor) : NULL;
    if (c != NULL && !cell_is_here(w, c)) {
        (void) worker_pull(w, c);
        if (!cell_is_here(w, c))
            return c;
        c = cell_find(w, actor);
        if (c != NULL && !(c->run.flags & CELL_CLOSED))
            return c;
    }
    if (tr_addr_is_nil(to))
        *err = error_set(self, TR_EINVAL, phase, "the receiver is the nil address");
    else if (to.node != 0)
        *err = error_set(self, TR_ENOCONN, phase, "no link to the node of %s", tr_addr_text(to, addr));
    else
        *err = error_set(self, TR_ENOPROC, phase, "%s has ended, or never was", tr_addr_text(to, addr));
    return NULL;
}

/* The mailbox is full, or elsewhere. Owns: m is moved or freed. Out of the gate. */
__attribute__((noinline)) static tr_err ask_send_slow(struct tr_self *self, struct cell *c, struct tr_msg *m,
                                                      struct ask *a)
{
    self->run.flags |= SELF_USED;
    list_push(&self->asks, &a->link); /* should this actor end before it has run again */
    tr_err err = mailbox_send(self, c, &m, a->deadline, ask_patience(a), true);
    list_remove(&a->link);
    if (m != NULL)
        msg_unref_unsent(&self->worker->msgs, m);
    return err;
}

__attribute__((noinline)) static struct tr_msg *question_build(struct tr_self *self, const tr_value *values, size_t n,
                                                               tr_err *err)
{
    const char *why;
    struct tr_msg *m;
    *err = msg_build(&self->worker->msgs, values, n, true, &m, &why);
    if (*err == TR_OK)
        return m;
    error_set(self, *err, "ask", "%s", why);
    return NULL;
}

__attribute__((noinline)) static tr_err ask_no_memory(struct tr_self *self, struct tr_msg *m)
{
    msg_unref_unsent(&self->worker->msgs, m);
    return error_set(self, TR_ENOMEM, "ask", "out of memory");
}

/* to: the address that was asked; the slot of an actor elsewhere may be another's by now. */
static inline void question_address(struct tr_self *self, struct tr_msg *m, uint64_t to, struct ask *a)
{
    m->kind = MSG_ASK;
    m->from = cell_addr(self->cell);
    m->to = to;
    m->ask = a;
    m->ask_seq = a->seq;
    a->holder = m->to;
}

tr_err ask_prepare(struct tr_self *self, uint64_t to, int64_t timeout_ms, const tr_value *values, size_t n,
                   struct ask **ask, struct tr_msg **m)
{
    tr_err err;
    enum ask_limit limit;
    struct tr_msg *request = question_build(self, values, n, &err);
    if (request == NULL)
        return err;
    int64_t deadline = ask_deadline(self, timeout_ms, &limit);
    struct ask *a = ask_open(self, deadline, limit);
    if (a == NULL)
        return ask_no_memory(self, request);
    if (limit == ASK_LIMIT_SCOPE)
        own_note(self, a, timeout_ms);
    question_address(self, request, to, a);
    *ask = a;
    *m = request;
    return TR_OK;
}

/* Every way but the shortest. In the gate, and out of it when it returns: c may move as soon as that is left. */
static tr_err ask_to(struct tr_self *self, struct cell *c, uint64_t to, int64_t timeout_ms, const tr_value *values,
                     size_t n, struct ask **ask)
{
    struct tr_msg *m = NULL;
    struct worker *w = self->worker;
    tr_err err = ask_prepare(self, to, timeout_ms, values, n, ask, &m);
    bool room = err == TR_OK && cell_is_here(w, c) && mailbox_lets_in(c, m->size);
    if (room)
        mailbox_put(w, c, m);
    gate_leave(&w->gate);
    if (err != TR_OK || room)
        return err;
    err = ask_send_slow(self, c, m, *ask);
    if (err != TR_OK)
        ask_free(w, *ask);
    return err;
}

tr_err ask_begin(struct tr_self *self, tr_addr to, int64_t timeout_ms, const tr_value *values, size_t n,
                 struct ask **ask)
{
    tr_err err;
    gate_enter(&self->worker->gate);
    struct cell *c = send_target(self, to, "ask", &err);
    if (c != NULL)
        return ask_to(self, c, to.actor, timeout_ms, values, n, ask);
    gate_leave(&self->worker->gate);
    return err;
}

/* Suspends until it is done. In the gate, at depth 1. Errors: TR_ECANCELED, TR_ENOMEM, and then it is still open. */
static inline tr_err ask_wait(struct tr_self *self, struct ask *a)
{
    tr_err err = TR_OK;
    self->wait.kind = WAIT_ASK;
    self->wait.deadline = a->deadline;
    self->wait.ask = a;
    a->waiter = self;
    while (a->state == ASK_OPEN && err == TR_OK) {
        if (probe_found(self))
            err = TR_EDEADLK;
        else if (self_is_canceled(self))
            err = error_set(self, TR_ECANCELED, "ask", "cancelled while it waited for the answer: %s",
                            self_cancel_reason(self));
        else
            err = worker_suspend_inside(self);
    }
    a->waiter = NULL;
    self->wait.kind = WAIT_NONE;
    return a->state == ASK_DONE ? TR_OK : err;
}

__attribute__((noinline)) static tr_err ask_failed(struct tr_self *self, struct ask *a)
{
    char addr[TR_ADDR_TEXT_MAX];
    tr_addr who = { 0, a->holder };
    tr_err err = a->err;
    struct tr_msg *words = a->reply;
    a->reply = NULL;
    if (err == TR_ETIMEDOUT && words == NULL) {
        struct cell *c = cell_at(&self->worker->world->cells, a->holder);
        error_set(self, err, "ask", "no answer from %s %s before the deadline",
                  c != NULL ? cell_label_any(self->worker, c) : "actor", tr_addr_text(who, addr));
    } else if (err == TR_ECANCELED && words == NULL) {
        error_set(self, err, "ask", "cancelled while it waited for the answer: %s", self_cancel_reason(self));
    } else {
        error_take(self, err, "ask", words);
    }
    ask_end(self->worker, a);
    return err;
}

static inline tr_err collect(struct tr_self *self, struct ask *a, const tr_msg **reply)
{
    if (__builtin_expect(a->err != TR_OK, 0))
        return ask_failed(self, a);
    struct worker *w = self->worker;
    if (self->reply != NULL)
        small_unref(&w->msgs, self->reply);
    self->reply = a->reply;
    if (reply != NULL)
        *reply = a->reply;
    a->reply = NULL;
    ask_free(w, a);
    return TR_OK;
}

tr_err ask_collect(struct tr_self *self, struct ask *a, const tr_msg **reply)
{
    return collect(self, a, reply);
}

__attribute__((noinline)) static tr_err cycle_check(struct tr_self *self, const struct cell *c, int64_t timeout_ms)
{
    enum ask_limit limit;
    int64_t deadline = ask_deadline(self, timeout_ms, &limit);
    return deadlock_check_slow(self, cell_id(c), limit == ASK_LIMIT_NONE ? INT64_MAX : deadline, "ask");
}

/* Waits, from user code, and takes the outcome. */
static tr_err ask_finish(struct tr_self *self, struct ask *a, const tr_msg **reply)
{
    struct worker *w = self->worker;
    gate_enter_from_user(&w->gate);
    probe_note(self);
    tr_err err = ask_wait(self, a);
    probe_forget(self);
    gate_leave_to_user(&w->gate);
    if (err == TR_OK)
        return collect(self, a, reply);
    ask_end(w, a);
    return err;
}

__attribute__((noinline)) static tr_err ask_slow(struct tr_self *self, tr_addr to, int64_t timeout_ms,
                                                 const tr_msg **reply, const tr_value *values, size_t n)
{
    tr_err err;
    struct ask *a = NULL;
    struct gate *gate = &self->worker->gate;
    gate_enter(gate);
    struct cell *c = send_target(self, to, "ask", &err);
    if (c != NULL && cell_is_here(self->worker, c) && deadlock_is_possible(self, c) &&
        (err = cycle_check(self, c, timeout_ms)) != TR_OK)
        c = NULL;
    if (c == NULL) {
        gate_leave(gate);
        return err;
    }
    err = ask_to(self, c, to.actor, timeout_ms, values, n, &a);
    return err == TR_OK ? ask_finish(self, a, reply) : err;
}

tr_err tr_ask_values(tr_self *self, tr_addr to, int64_t timeout_ms, const tr_msg **reply, const tr_value *values,
                     size_t n)
{
    enum ask_limit limit;
    struct tr_msg *m = NULL;
    struct ask *a = NULL;
    tr_err err = self_enter(self, "ask");
    if (__builtin_expect(err != TR_OK, 0))
        return err;
    struct worker *w = self->worker;
    gate_enter_from_user(&w->gate);
    struct cell *c = to.node == 0 ? cell_at(&w->world->cells, to.actor) : NULL;
    if (__builtin_expect(c != NULL && mailbox_is_open(w, c) && !deadlock_is_possible(self, c), 1))
        m = small_tagged(&w->msgs, values, n, MSG_ASK);
    if (__builtin_expect(m != NULL, 1)) {
        int64_t deadline = ask_deadline(self, timeout_ms, &limit);
        a = ask_open(self, deadline, limit);
        if (__builtin_expect(a == NULL, 0))
            msg_unref_unsent(&w->msgs, m);
        else if (__builtin_expect(limit == ASK_LIMIT_SCOPE, 0))
            own_note(self, a, timeout_ms);
    }
    if (__builtin_expect(a == NULL, 0)) {
        gate_leave_to_user(&w->gate);
        return ask_slow(self, to, timeout_ms, reply, values, n);
    }
    question_address(self, m, to.actor, a);
    mailbox_count(c, m->size);
    mailbox_append(w, c, m);
    err = ask_wait(self, a);
    gate_leave_to_user(&w->gate);
    if (__builtin_expect(err != TR_OK, 0)) {
        ask_end(w, a);
        return err;
    }
    return collect(self, a, reply);
}

/* ---- answering ---- */

void reply_return(struct worker *w, struct tr_msg *reply)
{
    gate_enter(&w->gate);
    struct cell *c = cell_at(&w->world->cells, reply->from.actor);
    reply->kind = MSG_SEND;
    reply->flags = (uint8_t) ((reply->flags & ~MSG_RETURN) | MSG_UNCOUNTED);
    reply->to = reply->from.actor;
    reply->ask = NULL;
    reply->ask_seq = 0;
    if (c != NULL && !cell_is_here(w, c)) {
        reply->errand.run = NULL;
        remote_push(w->world, c, &reply->errand);
    } else if (c != NULL && (c->run.flags & (CELL_LIVE | CELL_CLOSED)) == CELL_LIVE) {
        mailbox_put(w, c, reply);
    } else {
        deadletter_note(w, TR_DEAD_LATE, reply, reply->to);
        msg_unref(&w->msgs, reply);
    }
    gate_leave(&w->gate);
}

__attribute__((noinline)) static void reply_is_late(struct worker *w, uint64_t to, struct tr_msg *reply)
{
    if (reply == NULL)
        return;
    if (reply->flags & MSG_RETURN) {
        reply_return(w, reply);
        return;
    }
    deadletter_note(w, TR_DEAD_LATE, reply, to);
    msg_unref(&w->msgs, reply);
}

void ask_settle(struct worker *w, struct ask *a, uint64_t seq, uint64_t to, tr_err err, struct tr_msg *reply)
{
    if (ask_is_open(a, seq))
        ask_complete(w, a, err, reply);
    else
        reply_is_late(w, to, reply);
}

static inline void ask_deliver(struct worker *w, struct tr_msg *m, tr_err err, struct tr_msg *reply)
{
    struct ask *a = m->ask;
    m->flags |= MSG_ANSWERED;
    if (__builtin_expect(a->home != w, 0)) {
        remote_answer(w, m, err, reply);
        return;
    }
    gate_enter(&w->gate);
    if (__builtin_expect(ask_is_open(a, m->ask_seq), 1))
        ask_complete(w, a, err, reply);
    else
        reply_is_late(w, m->from.actor, reply);
    gate_leave(&w->gate);
}

void ask_reply(struct worker *w, struct tr_msg *m, struct tr_msg *reply)
{
    struct ask *a = m->ask;
    if (__builtin_expect(a->home != w, 0)) {
        ask_deliver(w, m, TR_OK, reply);
        return;
    }
    m->flags |= MSG_ANSWERED;
    gate_enter_from_user(&w->gate);
    if (__builtin_expect(ask_is_open(a, m->ask_seq), 1))
        ask_complete(w, a, TR_OK, reply);
    else
        reply_is_late(w, m->from.actor, reply);
    gate_leave_to_user(&w->gate);
}

void ask_answer(struct worker *w, struct tr_msg *m, struct tr_msg *reply)
{
    ask_deliver(w, m, TR_OK, reply);
}

void ask_answer_error_msg(struct worker *w, struct tr_msg *m, tr_err err, struct tr_msg *error)
{
    ask_deliver(w, m, err, error);
}

void ask_answer_error(struct worker *w, struct tr_msg *m, tr_err err, const char *text, const char *phase,
                      const char *actor)
{
    if (!ask_is_owed(m)) {
        m->flags |= MSG_ANSWERED;
        return;
    }
    ask_deliver(w, m, err, msg_error(&w->msgs, err, text, phase, actor != NULL ? actor : "troupe", NULL));
}

bool tr_is_request(const tr_msg *m)
{
    return ask_is_owed(m);
}

bool tr_is_dead(const tr_msg *m)
{
    return m->kind == MSG_ASK && !(m->flags & MSG_ANSWERED) && !ask_is_owed(m);
}

/* ---- started asks and callbacks ---- */

struct ask *ask_of(struct tr_self *self, tr_pending pending)
{
    struct ask *a = pending.ask;
    if (a == NULL || a->seq != pending.seq || a->state == ASK_FREE || a->asker != cell_id(self->cell))
        return NULL;
    return a->waiter == NULL || a->waiter == self ? a : NULL; /* else another handler of this actor waits for it */
}

void ask_adopt(struct tr_self *self, struct ask *a)
{
    a->waiter = self;
    list_remove(&a->link);
    list_push(&self->asks, &a->link);
    self->run.flags |= SELF_USED;
}

tr_err tr_ask_start_values(tr_self *self, tr_addr to, int64_t timeout_ms, tr_pending *pending, const tr_value *values,
                           size_t n)
{
    struct ask *a = NULL;
    tr_err err = self_enter(self, "ask");
    if (err == TR_OK)
        err = ask_begin(self, to, timeout_ms, values, n, &a);
    if (err != TR_OK)
        return err;
    a->ctx = __builtin_return_address(0); /* for debug mode, should nobody collect it */
    list_push(&self->asks, &a->link);
    self->run.flags |= SELF_USED;
    pending->ask = a;
    pending->seq = a->seq;
    return TR_OK;
}

tr_err tr_await(tr_self *self, tr_pending pending, const tr_msg **reply)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct ask *a = ask_of(self, pending);
    if (a == NULL || a->then != NULL)
        return error_set(self, TR_ESTATE, "await", "this ask was collected before, or is another actor's");
    tr_err err = TR_OK;
    list_remove(&a->link); /* this call holds it now */
    if (a->state == ASK_OPEN) {
        err = self_enter(self, "await");
        if (err == TR_OK)
            err = deadlock_check(self, a->holder, ask_patience(a), "await");
        if (err == TR_OK)
            return ask_finish(self, a, reply);
    }
    if (err != TR_OK) {
        ask_end(self->worker, a);
        return err;
    }
    return ask_collect(self, a, reply);
}

void tr_ask_cancel(tr_self *self, tr_pending pending)
{
    struct ask *a = self_is_current(self) ? ask_of(self, pending) : NULL;
    if (a == NULL || a->then != NULL)
        return;
    list_remove(&a->link);
    ask_end(self->worker, a);
}

tr_err tr_ask_then_values(tr_self *self, tr_addr to, int64_t timeout_ms, tr_reply_fn *on_reply, void *ctx,
                          const tr_value *values, size_t n)
{
    struct ask *a = NULL;
    tr_err err = self_enter(self, "ask");
    if (err != TR_OK)
        return err;
    if (on_reply == NULL)
        return error_set(self, TR_EINVAL, "ask", "no function to call with the answer");
    struct cell_ext *ext = cell_ext_get(self->worker, self->cell);
    if (ext == NULL)
        return error_set(self, TR_ENOMEM, "ask", "out of memory");
    err = ask_begin(self, to, timeout_ms, values, n, &a);
    if (err != TR_OK)
        return err;
    a->then = on_reply;
    a->ctx = ctx;
    gate_enter(&self->worker->gate); /* beside a reentrant handler its actor is anybody's */
    list_push(&ext->thens, &a->link);
    if (a->state == ASK_DONE) /* it was refused while this actor waited for room */
        ask_wake(self->worker, a);
    gate_leave(&self->worker->gate);
    return TR_OK;
}

static tr_err run_then(struct tr_self *self, struct ask *a)
{
    struct cell *c = self->cell;
    tr_reply_fn *then = a->then;
    void *ctx = a->ctx;
    const tr_msg *reply = NULL;
    tr_err err = ask_collect(self, a, &reply);
    unsigned depth = gate_open(&self->worker->gate);
    err = then(self, c->table != NULL ? c->state : NULL, err, reply, ctx);
    gate_close(&self->worker->gate, depth);
    return err;
}

bool ask_run_thens(struct tr_self *self)
{
    struct cell *c = self->cell;
    struct list *done = &c->ext->thens_done;
    while (!list_is_empty(done)) {
        struct list *l = list_pop(done);
        if (run_then(self, list_entry(l, struct ask, link)) == TR_STOP)
            return false;
    }
    c->run.flags &= ~(uint32_t) CELL_THEN;
    return true;
}

static void ask_end_list(struct worker *w, struct list *asks)
{
    struct list *l;
    while ((l = list_pop(asks)) != NULL)
        ask_end(w, list_entry(l, struct ask, link));
}

void ask_end_started(struct tr_self *self)
{
    if (!(self->run.flags & SELF_ENDING)) /* actor_end has told, while the actor still had its name */
        debug_asks_left(self);
    ask_end_list(self->worker, &self->asks);
}

void ask_end_thens(struct worker *w, struct cell *c)
{
    if (c->ext == NULL)
        return;
    ask_end_list(w, &c->ext->thens);
    ask_end_list(w, &c->ext->thens_done);
}
