/* SPDX-License-Identifier: MIT */
/* worker.h - one thread's share of the runtime, as actors' code sees it
 *
 * The run queue has three parts. What a turn makes ready is collected in batch, in order. When the turn ends, the batch
 * is put in front of front: newest batch first, so that a tree of actors runs depth first and holds hundreds of stacks,
 * not a hundred thousand. After a slice (8,192 turns, or when attention is called, 1 ms) all of front goes behind fifo,
 * and the oldest has its turn. Yields go behind fifo at once.
 *
 * attention is set by the ticker every millisecond while this worker is awake (or by whoever posts from another
 * thread): it is the one word that the hot path looks at instead of clock, timers and descriptors.
 *
 * Why it stands in this layer and not in sched/: docs/decisions/0004. */
#ifndef ACTOR_WORKER_H
#define ACTOR_WORKER_H

#include "actor/self.h"
#include "actor/world.h"

#define TURN_MESSAGES 100     /* handled in one turn of one actor */
#define SLICE_TURNS 8192      /* before the oldest ready actor has its turn */
#define SENDS_BEFORE_YIELD 64 /* by one body in one turn */
#define STATE_CLASSES 16      /* states of 16, 32, ... 256 bytes; larger ones are the heap's */

struct fd_table;

struct worker {
    /* hot */
    struct tr_self *self;      /* the stack that runs */
    struct tr_self *idle_loop; /* a parked loop, to go on with when self suspends */
    struct runnable *batch_head, *batch_tail;
    struct runnable *front_head, *front_tail;
    struct runnable *fifo_head, *fifo_tail;
    atomic_uint attention;
    uint32_t slice_left;
    int64_t now;
    uint64_t turns;
    uint64_t messages;
    struct world *world;
    struct tr_self *leaving; /* a stack of its own size to be unmapped by whoever runs next */
    /* For the ticker's report: whose turn it is, in a form that stays good when the actor has gone. */
    atomic_ullong running_id;
    _Atomic(const struct table *) running_table;
    atomic_ullong turn_seq; /* likewise */
    /* pools */
    struct msg_pool msgs;
    struct slab asks, exts, owners, scopes, ticks, watches, records, outcomes, errors;
    struct slab states[STATE_CLASSES];
    struct stack_pool stacks;
    struct heap timers;
    struct random *shuffle; /* NULL; in tests: draws who is next among those who might be (sched/shuffle.h) */
    struct fd_table *fds;
    const struct tr_behaviour *last_behaviour; /* and its table: most spawns are like the one before */
    const struct table *last_table;
    uint64_t completions; /* numbers answers in the order in which they came */
    size_t timers_lazy;   /* armed by timer_cover */
    size_t pending_asks;
    size_t fd_waits;    /* suspended in tr_fd_wait, or watched: declared I/O */
    size_t errands_due; /* promised by other threads: a virtual clock waits for them as it does for descriptors */
    /* the thread's own stack: where the worker was entered, and where tr_call runs */
    struct coro thread;
    int (*call_fn)(void *arg);
    void *call_arg;
    int call_result;
    struct tr_self *call_self;
};

/* ---- the run queue ---- */

static inline void worker_ready(struct worker *w, struct runnable *r)
{
    r->flags |= CELL_QUEUED | CELL_LINKED;
    r->next = NULL;
    if (w->batch_tail != NULL)
        w->batch_tail->next = r;
    else
        w->batch_head = r;
    w->batch_tail = r;
}

/* Behind everything that is ready now. */
static inline void worker_ready_last(struct worker *w, struct runnable *r)
{
    r->flags |= CELL_QUEUED | CELL_LINKED;
    r->next = NULL;
    if (w->fifo_tail != NULL)
        w->fifo_tail->next = r;
    else
        w->fifo_head = r;
    w->fifo_tail = r;
}

static inline void worker_wake(struct worker *w, struct tr_self *s)
{
    if (!(s->run.flags & CELL_QUEUED))
        worker_ready(w, &s->run);
}

static inline bool worker_has_ready(const struct worker *w)
{
    return w->batch_head != NULL || w->front_head != NULL || w->fifo_head != NULL;
}

/* ---- time ---- */

static inline bool timer_cover(struct worker *w, struct timer *t, int64_t deadline_ns)
{
    if (heap_has(&t->node) && heap_key(&w->timers, &t->node) <= deadline_ns)
        return true;
    return timer_cover_slow(w, t, deadline_ns);
}

/* Reads the clock into w->now (sched/loop.c), unless it is virtual. */
void worker_refresh(struct worker *w);

/* The time, at most a millisecond old: good enough for deadlines that are compared with each other. */
static inline int64_t worker_now(struct worker *w)
{
    if (atomic_load_explicit(&w->attention, memory_order_relaxed) != 0)
        worker_refresh(w);
    return w->now;
}

/* ---- waiting; sched/loop.c ---- */

/* Gives the worker to others until somebody wakes self. May return early: look again at what was waited for. Errors:
 * TR_ENOMEM (no stack for the loop to go on with; nothing happened). */
tr_err worker_suspend(struct tr_self *self);

/* Suspends at the end of the queue. */
tr_err worker_yield(struct tr_self *self);

/* Leaves self's stack for ever; its cell, marked CELL_END, takes care of the rest at its next turn. */
void worker_abandon(struct tr_self *self) __attribute__((noreturn));

/* Runs fn(arg) on the thread's own stack. */
int worker_call(struct tr_self *self, int (*fn)(void *arg), void *arg);

/* Hands e, whose run must be set, to a worker; sched/post.c. Thread: any. Does not fail, and does not block. */
void errand_post(struct worker *to, struct errand *e);

/* Whether this self is the one that runs. */
static inline bool self_is_current(const struct tr_self *self)
{
    return self != NULL && self->worker->self == self && self->cell != NULL;
}

#endif
