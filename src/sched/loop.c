/* SPDX-License-Identifier: MIT */
/* loop.c - the loop: what runs next, on which stack, and what happens in between
 *
 * Every stack starts here, as a loop. A loop takes what is ready and calls it: a cell's turn is a function call on the
 * loop's own stack, a suspended stack is switched to. When a turn suspends, its stack stays with it, and the loop goes
 * on elsewhere: on the one that was parked, or on a new one. When a suspended turn returns, it returns into the loop
 * that called it, and that stack is a loop again. So no state of the loop lives in its locals, and:
 *
 * The switch to a suspended stack stands in loop() itself, inlined: the processor predicts returns by a stack of its
 * own, and a call between the loop and the switch would make every return behind the switch a mispredicted one (four an
 * ask, 40 ns).
 *
 * Invariant: exactly one stack runs; at most one other is parked as w->idle_loop; all others belong to suspended turns,
 * or are in the pool. */
#include <stdlib.h>

#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/end.h"
#include "actor/suspend.h"
#include "actor/table.h"
#include "actor/turn.h"
#include "base/clock.h"
#include "sched/compact.h"
#include "sched/sched.h"
#include "sched/shuffle.h"

#define TIMERS_A_PASS 4096   /* then the actors they woke have their turn */
#define LINGER_FIRST_NS 2000 /* before anything else is looked at, since answers from other workers come soon */
#define LINGER_LAST_NS 20000 /* before the worker sleeps: half of what it takes to be woken */
#define TRIM_A_PASS 64       /* idle stacks given back before the worker goes to sleep */

/* ---- the run queue ---- */

static void queue_stack_batch(struct worker *w)
{
    if (w->batch_head == NULL)
        return;
    bool several = w->batch_head != w->batch_tail;
    w->batch_tail->next = w->front_head;
    if (w->front_head == NULL)
        w->front_tail = w->batch_tail;
    w->front_head = w->batch_head;
    w->batch_head = w->batch_tail = NULL;
    if (several && __builtin_expect(atomic_load_explicit(&w->world->hungry, memory_order_relaxed) != 0, 0))
        share_offer(w);
}

/* Everybody in front goes behind those who have waited longest. */
static void queue_join(struct worker *w)
{
    queue_stack_batch(w);
    if (w->front_head == NULL)
        return;
    if (w->fifo_tail != NULL)
        w->fifo_tail->next = w->front_head;
    else
        w->fifo_head = w->front_head;
    w->fifo_tail = w->front_tail;
    w->front_head = w->front_tail = NULL;
}

/* The slice is over. */
static void queue_rotate(struct worker *w)
{
    queue_join(w);
    w->slice_left = SLICE_TURNS;
}

static inline struct runnable *queue_pop(struct worker *w)
{
    if (__builtin_expect(w->shuffle != NULL, 0))
        shuffle_batch(w);
    struct runnable *r = w->batch_head;
    if (r != NULL && r == w->batch_tail) { /* a batch of one is in front already */
        w->batch_head = w->batch_tail = NULL;
        w->slice_left--;
        r->flags &= ~(uint32_t) CELL_LINKED;
        return r;
    }
    queue_stack_batch(w);
    r = w->front_head;
    if (r != NULL) {
        w->front_head = r->next;
        if (w->front_head == NULL)
            w->front_tail = NULL;
    } else {
        r = w->fifo_head;
        if (r == NULL)
            return NULL;
        w->fifo_head = r->next;
        if (w->fifo_head == NULL)
            w->fifo_tail = NULL;
    }
    w->slice_left--;
    r->flags &= ~(uint32_t) CELL_LINKED;
    return r;
}

/* ---- stacks ---- */

static struct tr_self *self_of(struct runnable *r)
{
    return list_entry(r, struct tr_self, run);
}

static struct tr_self *loop_new(struct worker *w)
{
    bool fresh;
    struct coro *c = stack_get(&w->stacks, &fresh);
    if (c == NULL)
        return NULL;
    struct tr_self *self = self_of_coro(c);
    self_init(self, w, fresh);
    return self;
}

static struct tr_self *loop_take(struct worker *w)
{
    struct tr_self *loop = w->idle_loop;
    w->idle_loop = NULL;
    return loop != NULL ? loop : loop_new(w);
}

/* Goes on with a suspended stack; this one is parked, or given back if another is parked already. Returns
 * self, as self_switch does. */
static inline __attribute__((always_inline)) struct tr_self *loop_resume(struct tr_self *self, struct tr_self *to)
{
    struct worker *w = self->worker;
    if (w->idle_loop == NULL && self->coro.kind == STACK_POOLED)
        w->idle_loop = self;
    else if (self->coro.kind == STACK_POOLED)
        stack_put(&w->stacks, &self->coro);
    else
        w->leaving = self;
    return self_switch(self, to);
}

/* ---- what can be ready ---- */

static inline void turn_begins(struct worker *w, struct cell *c)
{
    atomic_store_explicit(&w->running, c, memory_order_relaxed);
    atomic_store_explicit(&w->turns, atomic_load_explicit(&w->turns, memory_order_relaxed) + 1, memory_order_release);
}

/* The same where a suspended stack goes on. */
static inline void turn_begins_again(struct worker *w, struct cell *c)
{
    turn_begins(w, c);
    if (__builtin_expect((c->run.flags & CELL_TRACED) != 0, 0))
        debug_turn_begins(w, c);
}

/* A cell whose stack is to be larger than the loop's: the turn is begun on one of its own. */
static void run_on_big_stack(struct tr_self *self, struct cell *c)
{
    struct worker *w = self->worker;
    struct coro *coro = stack_get_sized(&w->stacks, c->ext->stack_size);
    if (coro == NULL) {
        end_mark(w, c, TR_ENOMEM, NULL);
        turn_run(self, c);
        return;
    }
    struct tr_self *big = self_of_coro(coro);
    self_init(big, w, true);
    big->first = c;
    (void) loop_resume(self, big);
}

/* A turn on a stack that has no guard page (an old kernel, and more stacks than it has mappings for): the only sign of
 * an overrun is the lowest word. */
__attribute__((noinline)) static void run_unguarded(struct tr_self *self, struct cell *c)
{
    char text[CELL_TEXT_MAX];
    (void) cell_text(c, text);
    turn_run(self, c);
    if (stack_is_intact(&self->coro))
        return;
    log_line(&self->worker->world->log, TR_LOG_ERROR,
             "%s ran over its stack of %zu KiB, and over what lay below; give it more with stack_size", text,
             (self->coro.size + STACK_GUARD) / 1024);
    abort(); /* someone else's memory is broken: there is nothing to go on with */
}

/* What ended while it stood in the queue, or is watched. True: there is nothing to run. */
__attribute__((cold, noinline)) static bool run_cell_rare(struct worker *w, struct cell *c)
{
    if (!(c->run.flags & CELL_LIVE)) {
        if (c->run.flags & CELL_ZOMBIE)
            cell_free(&w->cells, c);
        return true;
    }
    if (!(c->run.flags & CELL_BUSY))
        debug_turn_begins(w, c);
    return false;
}

__attribute__((noinline)) static void run_cell_odd(struct tr_self *self, struct cell *c)
{
    struct worker *w = self->worker;
    if (__builtin_expect((c->run.flags & (CELL_LIVE | CELL_TRACED)) != CELL_LIVE, 0) && run_cell_rare(w, c))
        return;
    if (c->run.flags &
        CELL_BUSY) /* it began to end while it stood in the queue, and its end waits on a stack of its own */
        return;
    turn_begins(w, c);
    if ((c->run.flags & CELL_BIG_STACK) && self->coro.kind == STACK_POOLED)
        run_on_big_stack(self, c);
    else if (__builtin_expect(!self->coro.guarded, 0))
        run_unguarded(self, c);
    else
        turn_run(self, c);
}

/* Of a behaviour that has started all that its turn has to look at beside its mailbox. */
#define CELL_TURN_ODD (CELL_TRACED | CELL_BUSY | CELL_BIG_STACK | CELL_END | CELL_CANCELED)

static inline void run_cell(struct worker *w, struct tr_self *self, struct cell *c)
{
    if (__builtin_expect((c->run.flags & (CELL_LIVE | CELL_STARTED | CELL_TURN_ODD)) == (CELL_LIVE | CELL_STARTED) &&
                             self->coro.guarded,
                         1)) {
        turn_begins(w, c);
        turn_run_plain(self, c);
    } else {
        run_cell_odd(self, c);
    }
}

static inline __attribute__((always_inline)) struct tr_self *run_stack(struct worker *w, struct tr_self *self,
                                                                       struct tr_self *to)
{
    to->run.flags &= ~(uint32_t) CELL_QUEUED;
    if (to->run.flags & SELF_DEAD) {
        if (to->cell == NULL) /* its actor has ended; else its end still has to look at it, and then gives it back */
            stack_put_abandoned(&w->stacks, &to->coro);
        return self;
    }
    turn_begins_again(w, to->cell);
    return loop_resume(self, to);
}

/* ---- phases ---- */

void worker_refresh(struct worker *w)
{
    if (!w->world->opts.virtual_clock)
        w->now = clock_monotonic_ns();
}

static void stop_if_wanted(struct sched *s)
{
    struct worker *w = &s->worker;
    if (atomic_load_explicit(&s->crew->stop_wanted, memory_order_acquire) && !s->stopping) {
        s->stopping = true;
        atomic_store_explicit(&w->world->stopping, true, memory_order_relaxed);
        s->stop_deadline = clock_after_ms(w->now, w->world->opts.stop_grace_ms);
        owner_cancel_children(w, &w->root, s->crew->stop_reason);
    }
    if (w->now < s->stop_deadline || w->root.count == 0)
        return;
    s->stop_deadline = INT64_MAX;
    world_grace_over(w->world);
    char text[CELL_TEXT_MAX];
    for (const struct cell *c = w->root.first; c != NULL; c = c->sibling_next)
        log_line(&w->world->log, TR_LOG_ERROR, "%s did not end within %lld ms of the stop: killed",
                 cell_text_any(w, c, text), (long long) w->world->opts.stop_grace_ms);
    owner_kill_children(w, &w->root, "the node's stop_grace_ms was over");
}

int64_t sched_next_wake(const struct sched *s)
{
    int64_t timer = heap_min(&s->worker.timers);
    if (s->worker.root.count == 0) /* the others' grace is none of its own */
        return timer;
    return timer < s->stop_deadline ? timer : s->stop_deadline;
}

#define ATTENTION_CHEAP (unsigned) (ATTENTION_MAIL | ATTENTION_SHARE) /* no system call, no clock */

/* What other threads have handed over, or want, and nothing else: this is all that a message from another worker costs
 * here. */
static void attend_mail(struct worker *w)
{
    unsigned why = atomic_fetch_and(&w->attention, ~ATTENTION_CHEAP);
    (void) post_drain(w);
    if (why & ATTENTION_SHARE) {
        queue_stack_batch(w);
        share_out(w);
    }
}

/* Whether the loop is to look up from its queue. */
static inline bool must_look_up(const struct worker *w)
{
    unsigned why = atomic_load_explicit(&w->attention, memory_order_relaxed);
    if (__builtin_expect(why == 0 && w->slice_left != 0, 1))
        return false;
    return w->slice_left == 0 || (why & ~ATTENTION_LAZY) != 0 || w->slice_left % ATTENTION_EVERY == 0;
}

/* Everything that is not a turn. */
static void attend(struct sched *s)
{
    struct worker *w = &s->worker;
    if (w->traced_turn != 0)
        debug_turn_ends(w);
    queue_rotate(w);
    unsigned why = atomic_exchange(&w->attention, 0);
    poll_pass(w, &s->poller, false, INT64_MAX);
    worker_refresh(w);
    (void) post_drain(w);
    if (why & ATTENTION_ROB)
        share_rob(w);
    stop_if_wanted(s);
    if (timer_run_due(w, TIMERS_A_PASS))
        atomic_fetch_or_explicit(&w->attention, ATTENTION_TICK, memory_order_relaxed);
    compact_look(w);
    share_out(w);
    if (w->shuffle != NULL)
        shuffle_each(w);
}

/* Nothing to do: sleeps until there is. What comes between the last look and the sleep is seen here, or wakes. */
static void loop_sleep(struct sched *s)
{
    struct worker *w = &s->worker;
    if (w->traced_turn != 0)
        debug_turn_ends(w);
    if (w->world->workers > 1) {
        compact_pause(w);
        share_ask(w);
        (void) share_linger(w, LINGER_LAST_NS);
    }
    atomic_store(&w->asleep, 1);
    if (atomic_load(&w->attention) == 0) {
        atomic_store_explicit(&w->running, NULL, memory_order_relaxed);
        poll_pass(w, &s->poller, true, w->world->opts.virtual_clock ? INT64_MAX : sched_next_wake(s));
    }
    atomic_store(&w->asleep, 0);
    ticker_worker_wakes(&s->crew->ticker);
    if (w->world->workers > 1) {
        worker_refresh(w);
        compact_restart(w);
    }
    attend(s);
    if (worker_has_ready(w)) /* else what woke it was not for its actors, and it is as hungry as before */
        share_fed(w);
}

/* Nothing is ready and nothing can be but by the clock: a virtual one jumps. False: nothing to jump to. */
static bool clock_jump(struct sched *s)
{
    struct worker *w = &s->worker;
    int64_t next = sched_next_wake(s);
    if (!w->world->opts.virtual_clock || s->mode != LOOP_RUN || w->fd_waits > 0 || w->errands_due > 0 ||
        next == INT64_MAX)
        return false;
    if (next > w->now)
        w->now = next;
    return true;
}

bool sched_is_done(const struct sched *s)
{
    return world_live(s->worker.world) == 0;
}

static bool must_leave(struct sched *s, bool ready)
{
    struct worker *w = &s->worker;
    if (s->mode == LOOP_RUN && w->index > 0)
        return atomic_load(&s->crew->leave);
    if (s->mode == LOOP_RUN)
        return !ready && sched_is_done(s);
    return !ready || (s->mode == LOOP_STEP && w->now >= s->step_until && w->turns != s->step_turns);
}

/* Back to the thread that called sched_run; this stack is parked as the loop to go on with. */
static void loop_leave(struct tr_self *self)
{
    struct worker *w = self->worker;
    if (w->idle_loop == NULL)
        w->idle_loop = self;
    else
        stack_put(&w->stacks, &self->coro);
    coro_switch(&self->coro, &w->thread);
    worker_arrive(w, self);
}

/* Attention was called, or the slice is over. */
static void loop_look_up(struct tr_self *self)
{
    struct worker *w = self->worker;
    struct sched *s = sched_of(w);
    unsigned why = atomic_load_explicit(&w->attention, memory_order_relaxed);
    if (w->slice_left > 0 && s->mode == LOOP_RUN && (why & ~ATTENTION_CHEAP) == 0) {
        attend_mail(w);
        return;
    }
    attend(s);
    if (must_leave(s, worker_has_ready(self->worker)))
        loop_leave(self);
}

/* Nothing is ready: look at the world once, give memory back, and leave or sleep. */
static void loop_idle(struct tr_self *self)
{
    struct worker *w = self->worker;
    struct sched *s = sched_of(w);
    if (s->mode == LOOP_RUN && w->world->workers > 1 && share_linger(w, LINGER_FIRST_NS)) {
        loop_look_up(self);
        if (worker_has_ready(w))
            share_fed(w);
        return;
    }
    attend(s);
    if (worker_has_ready(w)) {
        share_fed(w);
        return;
    }
    if (must_leave(s, false)) {
        loop_leave(self);
        return;
    }
    if (clock_jump(s)) {
        attend(s);
        return;
    }
    if (w->index > 0 && sched_is_done(s)) /* the first worker decides; it may be asleep */
        worker_nudge(w->world->worker[0], ATTENTION_MAIL);
    stack_pool_give(&w->stacks);
    if (stack_pool_trim(&w->stacks, TRIM_A_PASS) == 0)
        loop_sleep(s);
}

static void loop(struct tr_self *self)
{
    for (;;) {
        struct worker *w = self->worker;
        if (must_look_up(w))
            loop_look_up(self);
        struct runnable *r = queue_pop(w);
        if (r == NULL)
            loop_idle(self);
        else if (r->flags & CELL_IS)
            run_cell(w, self, cell_of(r));
        else
            self = run_stack(w, self, self_of(r));
    }
}

void loop_entry(void *coro)
{
    struct tr_self *self = self_of_coro(coro);
    coro_entered(&self->coro);
    worker_arrive(self->worker, self);
    struct cell *first = self->first;
    if (first != NULL) { /* a stack of its own size is for one turn, and never a loop */
        self->first = NULL;
        turn_run(self, first);
        (void) loop_resume(self, loop_take(self->worker));
    }
    loop(self);
}

/* ---- suspending ---- */

/* Lets others at the cell, or not: a body keeps it, a handler does unless its row is reentrant. */
static void cell_suspend(struct tr_self *self, struct cell *c)
{
    struct worker *w = self->worker;
    cell_stack_push(w, c, self);
    if (c->table == NULL || (self->run.flags & (SELF_HELD | SELF_LET_GO)))
        return;
    c->run.flags &= ~(uint32_t) CELL_QUEUED;
    if (self->row != NULL && (self->row->flags & TR_REENTRANT) && !(self->run.flags & SELF_ENDING)) {
        self->run.flags |= SELF_LET_GO;
        if (c->head != NULL || (c->run.flags & (CELL_THEN | CELL_END | CELL_CANCELED)))
            worker_ready(w, &c->run);
    } else {
        self->run.flags |= SELF_HELD;
        c->run.flags |= CELL_BUSY;
    }
}

/* The next in the queue, if it is a suspended stack that can be switched to without a loop in between. */
static struct tr_self *next_stack(struct worker *w)
{
    if (w->shuffle != NULL || must_look_up(w))
        return NULL;
    struct runnable *r = w->batch_head != NULL ? w->batch_head : w->front_head;
    if (r == NULL || (r->flags & (CELL_IS | SELF_DEAD)))
        return NULL;
    (void) queue_pop(w);
    r->flags &= ~(uint32_t) CELL_QUEUED;
    struct tr_self *to = self_of(r);
    turn_begins_again(w, to->cell);
    return to;
}

tr_err worker_suspend_inside(struct tr_self *self)
{
    struct worker *w = self->worker;
    struct cell *c = self->cell;
    if (w->idle_loop == NULL) { /* before anything is changed: next_stack may find none */
        w->idle_loop = loop_new(w);
        if (w->idle_loop == NULL)
            return TR_ENOMEM;
    }
    cell_suspend(self, c);
    struct tr_self *to = next_stack(w);
    if (to == NULL) {
        to = w->idle_loop;
        w->idle_loop = NULL;
    }
    if (to != self) /* it may have been woken already */
        self = self_switch(self, to);
    cell_stack_remove(c, self);
    return TR_OK;
}

tr_err worker_suspend(struct tr_self *self)
{
    struct gate *gate = &self->worker->gate;
    unsigned depth = gate_suspend(gate);
    tr_err err = worker_suspend_inside(self);
    gate_resume(gate, depth);
    return err;
}

tr_err worker_yield(struct tr_self *self)
{
    struct worker *w = self->worker;
    if (w->idle_loop == NULL &&
        (w->idle_loop = loop_new(w)) == NULL) /* first: the queue must not give out one that runs */
        return TR_ENOMEM;
    unsigned depth = gate_suspend(&w->gate);
    queue_join(w); /* or a slice that ends now would put those in front behind this one */
    if (!(self->run.flags & CELL_QUEUED))
        worker_ready_last(w, &self->run);
    self->wait.kind = WAIT_YIELD;
    tr_err err = worker_suspend(self);
    self->wait.kind = WAIT_NONE;
    gate_resume(&w->gate, depth);
    return err;
}

void worker_abandon(struct tr_self *self)
{
    struct worker *w = self->worker;
    struct cell *c = self->cell;
    (void) gate_suspend(&w->gate);
    struct tr_self *to = loop_take(w);
    if (to == NULL)
        log_line(&w->world->log, TR_LOG_ERROR, "out of memory for the stack on which a failed actor is to end");
    while (to == NULL) /* nothing can be undone from here; wait for memory rather than take the process down */
        to = loop_new(w);
    self->next_stack = c->stacks;
    c->stacks = self;
    self->run.flags = (self->run.flags | SELF_DEAD) & ~(uint32_t) (SELF_HELD | SELF_LET_GO | SELF_ENDING);
    self->wait.kind = WAIT_NONE;
    w->call_self = NULL; /* it may have been inside of tr_call */
    c->run.flags &= ~(uint32_t) (CELL_BUSY | CELL_WANTS_MAIL);
    if (!(c->run.flags & CELL_LINKED))
        worker_ready(w, &c->run);
    coro_switch(&self->coro, &to->coro);
    __builtin_unreachable();
}

int worker_call(struct tr_self *self, int (*fn)(void *arg), void *arg)
{
    struct worker *w = self->worker;
    if (w->call_self != NULL) /* inside of one: the thread's stack is this one */
        return fn(arg);
    w->call_fn = fn;
    w->call_arg = arg;
    w->call_self = self;
    coro_switch(&self->coro, &w->thread);
    w->call_self = NULL;
    return w->call_result;
}
