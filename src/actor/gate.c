/* SPDX-License-Identifier: MIT */
/* gate.c - the slow sides of a worker's gate */
#include "actor/gate.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS_BEFORE_YIELD 100
#define SEIZE_SPINS 2000 /* some 20 us: then the worker is at work in there, and not stuck outside */

static inline void pause_briefly(unsigned spins)
{
    if (spins % SPINS_BEFORE_YIELD == SPINS_BEFORE_YIELD - 1)
        sched_yield(); /* who is in may have lost its processor */
#if defined(__x86_64__)
    else
        __builtin_ia32_pause();
#endif
}

#if GATE_PLAIN

bool gate_prepare(void)
{
    return true;
}

void gate_wait(struct gate *g)
{
    for (unsigned spins = 0; atomic_exchange_explicit(&g->locked, true, memory_order_acquire); spins++)
        while (atomic_load_explicit(&g->locked, memory_order_relaxed))
            pause_briefly(spins++);
}

bool gate_seize(struct gate *g, bool asleep)
{
    (void) asleep;
    for (unsigned spins = 0; spins < SEIZE_SPINS; spins++) {
        if (!atomic_exchange_explicit(&g->locked, true, memory_order_acquire))
            return true;
        pause_briefly(spins);
    }
    return false;
}

void gate_release(struct gate *g)
{
    atomic_store_explicit(&g->locked, false, memory_order_release);
}

bool gate_is_left(const struct gate *g)
{
    (void) g; /* who has the lock is alone */
    return true;
}

#else

static atomic_bool membarrier_works;

static int membarrier(int command)
{
    return (int) syscall(__NR_membarrier, command, 0, 0);
}

bool gate_prepare(void)
{
    bool works = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
    atomic_store(&membarrier_works, works);
    return works;
}

void gate_wait(struct gate *g)
{
    do {
        atomic_store_explicit(&g->inside, 0, memory_order_release);
        for (unsigned spins = 0; atomic_load_explicit(&g->thief, memory_order_acquire); spins++)
            pause_briefly(spins);
        atomic_store_explicit(&g->inside, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
    } while (atomic_load_explicit(&g->thief, memory_order_acquire));
}

bool gate_seize(struct gate *g, bool asleep)
{
    bool nobody = false;
    if (!asleep && !atomic_load_explicit(&membarrier_works, memory_order_relaxed))
        return false;
    if (!atomic_compare_exchange_strong_explicit(&g->thief, &nobody, true, memory_order_seq_cst, memory_order_relaxed))
        return false;
    if (asleep)
        atomic_thread_fence(memory_order_seq_cst); /* pairs with the one in gate_enter_awake */
    else
        (void) membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    for (unsigned spins = 0; spins < (asleep ? 1 : SEIZE_SPINS); spins++) {
        if (atomic_load_explicit(&g->inside, memory_order_acquire) == 0)
            return true;
        pause_briefly(spins);
    }
    gate_release(g);
    return false;
}

void gate_release(struct gate *g)
{
    /* Release: pairs with the acquire of thief in gate_enter and gate_wait. */
    atomic_store_explicit(&g->thief, false, memory_order_release);
}

bool gate_is_left(const struct gate *g)
{
    return atomic_load_explicit(&g->inside, memory_order_acquire) == 0;
}

#endif
