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
#include "actor/suspend.h"
#include "actor/table.h"
#include "base/clock.h"
#include "message/small.h"

/* ---- the record ---- */

static void ask_timer_fire(struct worker *w, struct timer *t, int64_t now);

/* A record that is new, or was free before: there is none at hand. NULL: out of memory. */
__attribute__((noinline)) static struct ask *ask_make(struct worker *w)
{
    struct ask *a = slab_alloc(&w->asks);
    if (a != NULL && a->home == NULL) {
        a->home = w;
        a->timer.fire = ask_timer_fire;
        a->timer.due = TIMER_OFF;
    }
    return a;
}

/* It has no number yet: its deadline is not covered, and without memory never is. */
__attribute__((noinline)) static struct ask *ask_open_uncovered(struct worker *w, struct ask *a)
{
    if (timer_cover_slow(w, &a->timer, a->deadline))
        return a;
    slab_free(&w->asks, a);
    return NULL;
}

static inline struct ask *ask_open(struct worker *w, uint64_t asker, int64_t deadline, enum ask_limit limit,
                                   struct tr_self *waiter)
{
    struct ask *a = w->asks.free;
    if (__builtin_expect(a != NULL, 1))
        a = slab_alloc(&w->asks); /* one that was open before */
    else if ((a = ask_make(w)) == NULL)
        return NULL;
    a->waiter = waiter;
    a->asker = asker;
    /* Release: behind the number that ask_free has raised; pairs with the acquires in ask_read_deadline. */
    __atomic_store_n(&a->deadline, deadline, __ATOMIC_RELEASE);
    __atomic_store_n(&a->terms, ASK_TERMS(limit), __ATOMIC_RELEASE);
    if (__builtin_expect(a->timer.due > deadline, 0) && ask_open_uncovered(w, a) == NULL)
        return NULL;
    /* Release: who finds it open finds the above. */
    __atomic_store_n(&a->seq, a->seq + ASK_OPEN, __ATOMIC_RELEASE);
    return a;
}

/* The same of one that is done. */
static inline void ask_free_done(struct worker *w, struct ask *a)
{
    __atomic_store_n(&a->seq, a->seq + (ASK_STATES - ASK_DONE), __ATOMIC_RELAXED);
    slab_free(&w->asks, a);
}

static inline void ask_free(struct worker *w, struct ask *a)
{
    __atomic_store_n(&a->seq, (a->seq | (ASK_STATES - 1)) + 1, __ATOMIC_RELAXED);
    slab_free(&w->asks, a);
}

/* Who waits for many is woken once: by the last, or by the failure that makes the others needless. */
static void waiter_wake(struct worker *w, const struct ask *a)
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

void ask_wake_odd(struct worker *w, struct ask *a)
{
    a->order = w->completions++;
    if (a->then != NULL)
        then_wake(w, a);
    else if (a->waiter != NULL)
        waiter_wake(w, a);
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

/* Takes the deadline of the kept request; false: it is what it was. */
static bool under_moved(struct ask *a)
{
    int64_t deadline;
    enum ask_limit limit;
    if (ask_state(a) != ASK_OPEN || a->limit != ASK_LIMIT_KEPT || !ask_read_deadline(a->under, &deadline, &limit) ||
        deadline == a->deadline)
        return false;
    __atomic_store_n(&a->deadline, deadline, __ATOMIC_RELAXED);
    return true;
}

static void ask_timer_fire(struct worker *w, struct timer *t, int64_t now)
{
    struct ask *a = list_entry(t, struct ask, timer);
    if (ask_state(a) != ASK_OPEN)
        return;
    (void) under_moved(a);
    if (a->deadline > now)
        (void) timer_cover(w, t, a->deadline); /* cannot fail: the heap has just lost an entry */
    else if (!scope_will_tell(a))
        ask_expire(w, a);
}

void ask_cover(struct worker *w, struct ask *a)
{
    if (ask_state(a) == ASK_OPEN && !timer_cover(w, &a->timer, a->deadline))
        ask_expire(w, a);
}

void ask_renew(struct worker *w, struct ask *a)
{
    if (under_moved(a))
        ask_cover(w, a);
}

void ask_put_under(struct worker *w, struct ask *a, const struct tr_msg *kept)
{
    a->under = kept;
    __atomic_store_n(&a->limit, (uint8_t) ASK_LIMIT_KEPT, __ATOMIC_RELAXED);
    ask_renew(w, a);
}

void ask_let_go(struct worker *w, struct ask *a)
{
    a->waiter = NULL;
    ask_cover(w, a);
}

/* Between an answer and a cancel the first wins, whenever the asker runs: an answer that comes now is late. */
void ask_wait_canceled(struct worker *w, struct tr_self *self)
{
    struct ask *a = self->wait.kind == WAIT_ASK ? self->wait.ask : NULL;
    if (a == NULL || ask_state(a) != ASK_OPEN || !self_is_canceled(self))
        return;
    uint64_t seq = a->seq, holder = a->holder;
    ask_complete(w, a, TR_ECANCELED, NULL);
    note_asker_gone(w, a, seq, holder);
}

void ask_end(struct worker *w, struct ask *a)
{
    uint64_t seq = a->seq, holder = a->holder;
    bool open = ask_state(a) == ASK_OPEN;
    struct tr_msg *unread = open ? NULL : a->reply;
    a->then = NULL;
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
    if (c != NULL && !cell_is_here(w, c))
        (void) worker_pull(w, c);
    if (c != NULL && !cell_is_here(w, c))
        return c;
    c = node == 0 ? cell_find(w, actor) : NULL; /* it has been pulled, or given to us since the caller looked */
    if (c != NULL && !(c->run.flags & CELL_CLOSED))
        return c;
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

/* Who asks whom, by which record. to: the address that was asked; the slot of an actor elsewhere may be another's by
 * now. */
static inline void question_address(struct tr_msg *m, uint64_t from, uint64_t to, struct ask *a)
{
    m->from = (tr_addr){ 0, from };
    m->to = to;
    m->ask = a;
    m->ask_seq = a->seq;
    a->holder = to;
}

tr_err ask_prepare(struct tr_self *self, uint64_t to, int64_t timeout_ms, const tr_value *values, size_t n,
                   struct ask **ask, struct tr_msg **m)
{
    tr_err err;
    enum ask_limit limit;
    struct tr_msg *request = question_build(self, values, n, &err);
    if (request == NULL)
        return err;
    int64_t deadline = ask_deadline(self, self->worker, timeout_ms, &limit);
    struct ask *a = ask_open(self->worker, cell_id(self->cell), deadline, limit, NULL);
    if (a == NULL)
        return ask_no_memory(self, request);
    if (limit == ASK_LIMIT_SCOPE)
        own_note(self, a, timeout_ms);
    request->kind = MSG_ASK;
    request->flags |= MSG_OWED;
    question_address(request, a->asker, to, a);
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
    bool room = err == TR_OK && cell_is_ours(w, c, to) && mailbox_lets_in(c, m->size);
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

static inline void ask_wait_begin(struct tr_self *self, struct ask *a)
{
    self->wait.kind = WAIT_ASK;
    self->wait.deadline = a->deadline;
    self->wait.ask = a;
}

/* Suspends until it is done. In the gate, at depth 1. err: of the suspension before. Errors: TR_ECANCELED, TR_ENOMEM,
 * and then it is still open. */
__attribute__((noinline)) static tr_err ask_wait(struct tr_self *self, struct ask *a, tr_err err)
{
    while (ask_state(a) == ASK_OPEN && err == TR_OK) {
        if (probe_found(self))
            err = TR_EDEADLK;
        else if (self_is_canceled(self))
            err = error_set(self, TR_ECANCELED, "ask", "cancelled while it waited for the answer: %s",
                            self_cancel_reason(self));
        else
            err = worker_suspend_inside(self);
    }
    return ask_state(a) == ASK_DONE ? TR_OK : err;
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

static inline tr_err collect(struct tr_self *self, struct worker *w, struct ask *a, const tr_msg **reply)
{
    if (__builtin_expect(a->err != TR_OK, 0))
        return ask_failed(self, a);
    if (self->reply != NULL)
        small_unref(&w->msgs, self->reply);
    self->reply = a->reply;
    if (reply != NULL)
        *reply = a->reply;
    ask_free_done(w, a);
    return TR_OK;
}

tr_err ask_collect(struct tr_self *self, struct ask *a, const tr_msg **reply)
{
    return collect(self, self->worker, a, reply);
}

__attribute__((noinline)) static tr_err cycle_check(struct tr_self *self, const struct cell *c, int64_t timeout_ms)
{
    enum ask_limit limit;
    int64_t deadline = ask_deadline(self, self->worker, timeout_ms, &limit);
    return deadlock_check_slow(self, cell_id(c), limit == ASK_LIMIT_NONE ? INT64_MAX : deadline, "ask");
}

/* Waits, from user code, and takes the outcome. */
static tr_err ask_finish(struct tr_self *self, struct ask *a, const tr_msg **reply)
{
    struct worker *w = self->worker;
    gate_enter_from_user(&w->gate);
    probe_note(self);
    a->waiter = self;
    ask_wait_begin(self, a);
    tr_err err = ask_wait(self, a, TR_OK);
    self->wait.kind = WAIT_NONE;
    probe_forget(self);
    gate_leave_to_user(&w->gate);
    if (err == TR_OK)
        return collect(self, w, a, reply);
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
    if (c != NULL && cell_is_ours(self->worker, c, to.actor) && deadlock_is_possible(self, c) &&
        (err = cycle_check(self, c, timeout_ms)) != TR_OK)
        c = NULL;
    if (c == NULL) {
        gate_leave(gate);
        return err;
    }
    err = ask_to(self, c, to.actor, timeout_ms, values, n, &a);
    return err == TR_OK ? ask_finish(self, a, reply) : err;
}

/* Opens the ask behind m, which is to go to c by the shortest way, and puts it in. NULL: out of memory, and m is freed.
 */
static inline struct ask *ask_now(struct tr_self *self, struct worker *w, struct cell *c, uint64_t to,
                                  int64_t timeout_ms, struct tr_msg *m)
{
    enum ask_limit limit;
    uint64_t from = cell_id(self->cell);
    int64_t deadline = ask_deadline(self, w, timeout_ms, &limit);
    struct ask *a = ask_open(w, from, deadline, limit, self);
    if (__builtin_expect(a == NULL, 0)) {
        msg_unref_unsent(&w->msgs, m);
        return NULL;
    }
    if (__builtin_expect(limit == ASK_LIMIT_SCOPE, 0))
        own_note(self, a, timeout_ms);
    question_address(m, from, to, a);
    mailbox_count_usual(c, m);
    mailbox_link(w, c, m);
    return a;
}

__attribute__((noinline)) static tr_err ask_small_slow(struct tr_self *self, tr_addr to, int64_t timeout_ms,
                                                       const tr_msg **reply, const tr_small *small)
{
    struct small_values values;
    const tr_value *value = small_unpack(small, &values);
    return ask_slow(self, to, timeout_ms, reply, value, values.n);
}

tr_err tr_ask_small(tr_self *self, tr_addr to, int64_t timeout_ms, const tr_msg **reply, const tr_small *small)
{
    struct tr_msg *m = NULL;
    struct ask *a = NULL;
    tr_err err = self_enter(self, "ask");
    if (__builtin_expect(err != TR_OK, 0))
        return err;
    struct worker *w = self->worker;
    if (__builtin_expect(!gate_enter_at_once(&w->gate), 0))
        return ask_small_slow(self, to, timeout_ms, reply, small);
    struct cell *c = to.node == 0 ? cell_slot(&w->world->cells, to.actor) : NULL;
    if (__builtin_expect(c != NULL && mailbox_is_open(w, c, to.actor) && !deadlock_is_possible(self, c), 1))
        m = small_build(&w->msgs, small, MSG_ASK);
    if (__builtin_expect(m != NULL, 1))
        a = ask_now(self, w, c, to.actor, timeout_ms, m);
    if (__builtin_expect(a == NULL, 0)) {
        gate_leave_to_user(&w->gate);
        return ask_small_slow(self, to, timeout_ms, reply, small);
    }
    ask_wait_begin(self, a);
    err = worker_suspend_usual(&self, &w); /* nothing has run since self_enter: it is neither cancelled nor answered */
    a = self->wait.ask;
    if (__builtin_expect(err != TR_OK || ask_state(a) != ASK_DONE, 0))
        err = ask_wait(self, a, err);
    self->wait.kind = WAIT_NONE;
    gate_leave_to_user(&w->gate);
    if (__builtin_expect(err != TR_OK, 0)) {
        ask_end(w, a);
        return err;
    }
    return collect(self, w, a, reply);
}

tr_err tr_ask_values(tr_self *self, tr_addr to, int64_t timeout_ms, const tr_msg **reply, const tr_value *values,
                     size_t n)
{
    tr_small small;
    if (small_pack(values, n, &small))
        return tr_ask_small(self, to, timeout_ms, reply, &small);
    tr_err err = self_enter(self, "ask");
    return err == TR_OK ? ask_slow(self, to, timeout_ms, reply, values, n) : err;
}

/* ---- started asks and callbacks ---- */

struct ask *ask_of(struct tr_self *self, tr_pending pending)
{
    struct ask *a = pending.ask;
    if (a == NULL || !ask_is(a, pending.seq) || a->asker != cell_id(self->cell))
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
    if (ask_state(a) == ASK_OPEN) {
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
    if (ask_state(a) == ASK_DONE) /* it was refused while this actor waited for room */
        ask_wake_odd(self->worker, a);
    gate_leave(&self->worker->gate);
    return TR_OK;
}

static tr_err run_then(struct tr_self *self, struct ask *a)
{
    struct cell *c = self->cell;
    tr_reply_fn *then = a->then;
    void *ctx = a->ctx;
    const tr_msg *reply = NULL;
    a->then = NULL;
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
