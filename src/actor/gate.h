/* SPDX-License-Identifier: MIT */
/* gate.h - who may touch a worker's actors and run queue: one thread at a time
 *
 * A worker is inside its own gate whenever the runtime's code runs on it, and outside while user code does (a handler,
 * a body) or while it sleeps. Outside, another thread may seize the gate: to take actors away from a worker that is
 * stuck in a handler, to pull an idle one over from a worker that sleeps, or to look at what is there. The worker that
 * comes back meanwhile waits for the moment that this takes.
 *
 * Entering is on the way of every message, so it must not cost a locked instruction (5 ns, a fifth of an ask). Two
 * implementations of one protocol:
 *
 * The asymmetric one (Dekker's, with the expensive half moved to the rare side). The worker writes inside, then reads
 * thief, with nothing but a compiler barrier between. The thief writes thief, makes every other thread of the process
 * execute a full barrier (membarrier(2), 1 to 13 us), then reads inside. Either the worker's write came before its
 * barrier, and the thief sees it and waits; or its read comes after, and it sees the thief. A worker that wakes from
 * its sleep comes in with a full barrier of its own, so a sleeping one is seized without the system call.
 *
 * The plain one is a spinlock. ThreadSanitizer understands it; where membarrier is not to be had (a sandbox) the
 * asymmetric one still works, but only sleeping workers can be seized.
 *
 * Entering nests. It does not matter which stack is on: the depth is the worker's. User code always runs at depth 0:
 * whatever calls it (a handler, a defer, a callback) leaves all the way. */
#ifndef ACTOR_GATE_H
#define ACTOR_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/sanitizer.h"

#if defined(TROUPE_PLAIN_GATE) || SANITIZER_THREAD
#define GATE_PLAIN 1
#else
#define GATE_PLAIN 0
#endif

struct gate {
#if GATE_PLAIN
    atomic_bool locked;
    unsigned depth;
#else
    atomic_uint inside; /* depth; written by its worker alone */
    atomic_bool thief;  /* another thread is in, or wants to */
#endif
};

/* Whether a worker that is awake can be seized. Called once a process before there is a second worker. */
bool gate_prepare(void);

/* The owner's side, where somebody else is in. */
void gate_wait(struct gate *g);

/* Of another worker. False: it is busy inside; try later. asleep: it sleeps, as far as the caller knows; then that must
 * be looked at again when this has returned true, and after it gate_is_left. */
bool gate_seize(struct gate *g, bool asleep);
void gate_release(struct gate *g);

/* Whether a worker that was seen to sleep, with its gate seized, is out. It may have come out of a handler when the
 * gate was seized without the system call, not have seen that, and be about to sleep, or to think better of it. */
bool gate_is_left(const struct gate *g);

#if GATE_PLAIN

static inline void gate_enter(struct gate *g)
{
    if (g->depth++ == 0)
        gate_wait(g);
}

static inline void gate_leave(struct gate *g)
{
    if (--g->depth == 0)
        atomic_store_explicit(&g->locked, false, memory_order_release);
}

static inline void gate_enter_from_user(struct gate *g)
{
    gate_enter(g);
}

static inline bool gate_enter_at_once(struct gate *g)
{
    if (atomic_exchange_explicit(&g->locked, true, memory_order_acquire))
        return false;
    g->depth = 1;
    return true;
}

static inline void gate_leave_to_user(struct gate *g)
{
    gate_leave(g);
}

/* Out of a sleep. */
static inline void gate_enter_awake(struct gate *g)
{
    gate_enter(g);
}

static inline unsigned gate_depth(const struct gate *g)
{
    return g->depth;
}

static inline void gate_depth_set(struct gate *g, unsigned depth)
{
    g->depth = depth;
}

#else

static inline unsigned gate_depth(const struct gate *g)
{
    return atomic_load_explicit(&g->inside, memory_order_relaxed);
}

static inline void gate_enter(struct gate *g)
{
    unsigned depth = gate_depth(g);
    atomic_store_explicit(&g->inside, depth + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* the thief's membarrier is the other half */
    if (__builtin_expect(atomic_load_explicit(&g->thief, memory_order_acquire), 0) && depth == 0)
        gate_wait(g);
}

static inline void gate_leave(struct gate *g)
{
    /* Release: pairs with the acquire in gate_seize, so that the thief sees what was done inside. */
    atomic_store_explicit(&g->inside, gate_depth(g) - 1, memory_order_release);
}

/* The same where the depth is known to be 0, and 1: between user code and the runtime, on the way of every message. */
static inline void gate_enter_from_user(struct gate *g)
{
    atomic_store_explicit(&g->inside, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(atomic_load_explicit(&g->thief, memory_order_acquire), 0))
        gate_wait(g);
}

static inline void gate_leave_to_user(struct gate *g)
{
    atomic_store_explicit(&g->inside, 0, memory_order_release);
}

/* As gate_enter_from_user, but false, and outside, where that would wait: who has a long way to go then calls nothing
 * on the short one, and saves no registers. */
static inline bool gate_enter_at_once(struct gate *g)
{
    atomic_store_explicit(&g->inside, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(!atomic_load_explicit(&g->thief, memory_order_acquire), 1))
        return true;
    gate_leave_to_user(g);
    return false;
}

/* Out of a sleep. */
static inline void gate_enter_awake(struct gate *g)
{
    atomic_store_explicit(&g->inside, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst); /* pairs with the one in gate_seize */
    if (atomic_load_explicit(&g->thief, memory_order_acquire))
        gate_wait(g);
}

static inline void gate_depth_set(struct gate *g, unsigned depth)
{
    atomic_store_explicit(&g->inside, depth, memory_order_relaxed);
}

#endif

/* Around a call of user code from whatever depth: returns it, to be put back. */
static inline unsigned gate_open(struct gate *g)
{
    unsigned depth = gate_depth(g);
    if (depth > 0) {
        gate_depth_set(g, 1);
        gate_leave(g);
    }
    return depth;
}

static inline void gate_close(struct gate *g, unsigned depth)
{
    if (depth > 0) {
        gate_enter(g);
        gate_depth_set(g, depth);
    }
}

/* A call that gives its stack up: whatever depth it is at, the loop goes on at one. Returns the depth to be put back.
 */
static inline unsigned gate_suspend(struct gate *g)
{
    unsigned depth = gate_depth(g);
    if (depth == 0)
        gate_enter(g);
    else
        gate_depth_set(g, 1);
    return depth;
}

static inline void gate_resume(struct gate *g, unsigned depth)
{
    if (depth == 0)
        gate_leave(g);
    else
        gate_depth_set(g, depth);
}

#endif
