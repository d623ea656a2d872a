/* SPDX-License-Identifier: MIT */
/* worker.h - one thread's share of the runtime, as actors' code sees it
 *
 * The run queue has three parts. What a turn makes ready is collected in batch, in order. When the turn ends, the batch
 * is put in front of front: newest batch first, so that a tree of actors runs depth first and holds hundreds of stacks,
 * not a hundred thousand. After a slice (8,192 turns, or when attention is called, 1 ms) all of front goes behind fifo,
 * and the oldest has its turn. Yields go behind fifo at once.
 *
 * attention is set by the ticker every millisecond while this worker is awake, and by whoever hands something over from
 * another thread: it is the one word that the hot path looks at instead of clock, timers, descriptors and other
 * workers.
 *
 * Why it stands in this layer and not in sched/: docs/decisions/0004. */
#ifndef ACTOR_WORKER_H
#define ACTOR_WORKER_H

#include "actor/gate.h"
#include "actor/self.h"
#include "actor/world.h"

#define TURN_MESSAGES 100     /* handled in one turn of one actor */
#define SLICE_TURNS 8192      /* before the oldest ready actor has its turn */
#define SENDS_BEFORE_YIELD 64 /* by one body in one turn */
#define STATE_CLASSES 16      /* states of 16, 32, ... 256 bytes; larger ones are the heap's */

struct fd_table;

/* Why a worker is to look up from its run queue: bits of attention. */
enum attention {
    ATTENTION_TICK = 1,  /* a millisecond has passed */
    ATTENTION_MAIL = 2,  /* other threads have handed something over: announced, given, errands */
    ATTENTION_SHARE = 4, /* another worker has nothing to do */
    ATTENTION_ROB = 8,   /* victim is stuck: take what it cannot get to */
    ATTENTION_STOP = 16  /* the node is to stop, or this worker to leave */
};

/* What can wait until the next few turns are over: looked at between every ATTENTION_EVERY turns, and when the run
 * queue is empty. Looking at once would cost two transfers of a cache line for each message from another worker. */
#define ATTENTION_LAZY (unsigned) ATTENTION_MAIL
#define ATTENTION_EVERY 8

/* What a worker knows of its own talk with others; sched/compact.h. */
struct compact {
    int64_t since; /* the window: when it began, and worker.turns and worker.crossed then */
    uint64_t turns, crossed;
    int64_t keep_until, keep_ns; /* nothing is given away before; how long that was in all */
    int64_t turn_ns;             /* how long a turn took in the last window */
};

/* What other threads write lies on lines of its own, and the padding between them is what it costs.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct worker {
    /* hot: two lines */
    struct gate gate;          /* first: the same address, so one register */
    struct tr_self *self;      /* the stack that runs */
    struct tr_self *idle_loop; /* a parked loop, to go on with when self suspends */
    uint16_t index;            /* in world.worker */
    uint32_t slice_left;
    struct runnable *batch_head, *batch_tail;
    struct runnable *front_head, *front_tail;
    struct runnable *fifo_head, *fifo_tail;
    int64_t now;
    uint64_t messages;
    struct world *world;
    /* For the ticker: whose turn it is, and which turn. A slot may be looked at whatever becomes of its actor. */
    _Atomic(struct cell *) running;
    atomic_ullong turns;
    struct tr_self *leaving; /* a stack of its own size to be unmapped by whoever runs next */
    /* Written by other threads: lines of their own. */
    _Alignas(64) atomic_uint attention;
    atomic_uint asleep; /* 0: awake; in poll, or not entered: 1, and 2 once somebody has woken it */
    _Alignas(64) _Atomic(struct cell *) announced; /* cells at home here whose inbox has something, by announced_next */
    _Atomic(struct runnable *) given;              /* ready cells that another worker gave away, by next */
    _Atomic(struct errand *) errands;
    _Alignas(64) atomic_uint victim; /* ATTENTION_ROB: 1 + index of whom to rob */
    /* whom it answers for */
    struct owner root;                   /* owns what nobody else does, of the actors spawned here */
    struct owner internal;               /* owns the runtime's own actors; not part of a stop */
    atomic_uint_fast64_t spawned, ended; /* actors, the runtime's own not counted; written by this worker alone */
    uint64_t dead[TR_DEAD_REASONS];
    uint64_t moved;   /* actors that came here from others, or were gathered by others */
    uint64_t crossed; /* messages and answers that came from other workers */
    struct compact compact;
    struct cell_store cells;
    /* pools */
    struct msg_pool msgs;
    struct slab asks, exts, owners, scopes, ticks, watches, records, outcomes, errors, signals, tickets;
    struct slab states[STATE_CLASSES];
    struct stack_pool stacks;
    struct heap timers;
    struct random *shuffle; /* NULL; in tests: draws who is next among those who might be (sched/shuffle.h) */
    struct fd_table *fds;
    const struct tr_behaviour *last_behaviour; /* and its table: most spawns are like the one before */
    const struct table *last_table;
    uint64_t completions; /* numbers answers in the order in which they came */
    struct list far;      /* tr_self.far: who waits for something elsewhere; looked at by far_timer (probe.h) */
    uint64_t far_seq;
    struct timer far_timer;
    int64_t far_pause_ns;
    size_t timers_lazy; /* armed by timer_cover */
    size_t fd_waits;    /* suspended in tr_fd_wait, or watched: declared I/O */
    size_t errands_due; /* promised by other threads: a virtual clock waits for them as it does for descriptors */
    /* the thread's own stack: where the worker was entered, and where tr_call runs */
    struct coro thread;
    int (*call_fn)(void *arg);
    void *call_arg;
    int call_result;
    struct tr_self *call_self;
    uint64_t traced_turn; /* the actor whose turn an instrument was told of, and not yet of its end; 0: none */
};

/* A counter that this worker alone writes and all read. */
static inline void worker_count(atomic_uint_fast64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_release);
}

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

/* ---- other threads ---- */

/* Makes a worker look up if it is awake; a sleeping one does when something else wakes it. Thread: any. */
static inline void worker_note(struct worker *w, unsigned why)
{
    if (!(atomic_load(&w->attention) & why))
        atomic_fetch_or(&w->attention, why);
}

/* Makes a worker look up, and wakes it if it sleeps. Pairs with the sleeper, who says that it sleeps and then looks at
 * attention once more: one of the two sees the other. Thread: any, or a signal handler. */
void worker_wake_up(struct worker *w);

static inline void worker_nudge(struct worker *w, unsigned why)
{
    worker_note(w, why);
    unsigned sound = 1;
    if (atomic_load(&w->asleep) == 1 && atomic_compare_exchange_strong(&w->asleep, &sound, 2))
        worker_wake_up(w);
}

/* Whether a turn is to be cut short. */
static inline bool worker_is_called(const struct worker *w)
{
    return (atomic_load_explicit(&w->attention, memory_order_relaxed) & ~ATTENTION_LAZY) != 0;
}

static inline bool cell_is_here(const struct worker *w, const struct cell *c)
{
    return cell_home(c) == w->index;
}

/* Whether the slot has that actor, alive, at home here. In the gate.
 *
 * Another worker may give us an actor at any moment, also in the middle of a call: who is elsewhere at one look can be
 * here at the next, and be another by then. But nobody leaves while we are in the gate. So the home is read first, the
 * rest behind it; what is done to the cell itself hangs on this question alone, asked once; and in the other case what
 * is done must be right wherever it is (its inbox is). */
static inline bool cell_is_ours(const struct worker *w, const struct cell *c, uint64_t id)
{
    return cell_is_here(w, c) && cell_id(c) == id && (c->run.flags & CELL_LIVE);
}

/* The living actor with this address, if its home is here; else NULL. In the gate. */
static inline struct cell *cell_find(const struct worker *w, uint64_t id)
{
    struct cell *c = cell_slot(&w->world->cells, id);
    return c != NULL && cell_is_ours(w, c, id) ? c : NULL;
}

/* The slot of an actor that has not ended, as far as can be seen from here. In the gate; outside of it the slot may
 * have gone to another actor the next moment. */
static inline struct cell *cell_alive(const struct worker *w, uint64_t id)
{
    struct cell *c = cell_slot(&w->world->cells, id);
    bool here = c != NULL && cell_is_here(w, c);
    return c != NULL && cell_id(c) == id && (!here || (c->run.flags & CELL_LIVE)) ? c : NULL;
}

/* The same for who is not in the gate, and only wants to know. */
static inline struct cell *cell_seen_alive(struct worker *w, uint64_t id)
{
    gate_enter(&w->gate);
    struct cell *c = cell_alive(w, id);
    gate_leave(&w->gate);
    return c;
}

/* ---- time ---- */

static inline bool timer_cover(struct worker *w, struct timer *t, int64_t deadline_ns)
{
    return __builtin_expect(t->due <= deadline_ns, 1) || timer_cover_slow(w, t, deadline_ns);
}

/* Reads the clock into w->now (sched/loop.c), unless it is virtual. */
void worker_refresh(struct worker *w);

/* The time, at most a millisecond old: good enough for deadlines that are compared with each other. */
static inline int64_t worker_now(struct worker *w)
{
    if (atomic_load_explicit(&w->attention, memory_order_relaxed) & ATTENTION_TICK)
        worker_refresh(w);
    return w->now;
}

/* ---- waiting; sched/loop.c ---- */

/* Gives the worker to others until somebody wakes self. May return early: look again at what was waited for. Errors:
 * TR_ENOMEM (no stack for the loop to go on with; nothing happened). */
tr_err worker_suspend(struct tr_self *self);
tr_err worker_suspend_inside(struct tr_self *self); /* in the gate, at depth 1 */

/* Suspends at the end of the queue. */
tr_err worker_yield(struct tr_self *self);

/* Leaves self's stack for ever; its cell, marked CELL_END, takes care of the rest at its next turn. */
void worker_abandon(struct tr_self *self) __attribute__((noreturn));

/* Runs fn(arg) on the thread's own stack. */
int worker_call(struct tr_self *self, int (*fn)(void *arg), void *arg);

/* Seizes the gate of a worker that sleeps: nothing of its own runs until gate_release. False: it does not, or somebody
 * else is in. */
bool worker_seize_asleep(struct worker *w);

/* Takes an actor over whose worker sleeps, if nothing holds it there; sched/share.c. Whether it is here now. In the
 * gate. */
bool worker_pull(struct worker *w, struct cell *c);

/* Where talk prevails, an idle cell with something in its inbox goes to the worker of who sent it, if that has a lower
 * number and nothing holds the cell; sched/share.c. Whether it went. In the gate, between turns. */
bool worker_gather(struct worker *w, struct cell *c);

/* Whether actors are to stay, and to gather; sched/compact.h. */
static inline bool worker_keeps(const struct worker *w)
{
    return w->now < w->compact.keep_until;
}

/* A cell that nobody knows yet goes to another worker, where it has a turn if it is ready; sched/share.c. */
void worker_send_off(struct worker *w, struct cell *c, unsigned to, bool ready);

/* Hands e, whose run must be set, to a worker; sched/post.c. Thread: any. Does not fail, and does not block. */
void errand_post(struct worker *to, struct errand *e);

/* The same for what can wait until the worker is awake for another reason. */
void errand_leave(struct worker *to, struct errand *e);

/* Whether this self is the one that runs; self_is_current: and if not, debug mode says so. */
static inline bool self_is_running(const struct tr_self *self)
{
    return self != NULL && self->worker->self == self && self->cell != NULL;
}

static inline bool self_is_current(const struct tr_self *self)
{
    return __builtin_expect(self_is_running(self), 1) || debug_foreign_self(self);
}

#endif
