/* SPDX-License-Identifier: MIT */
/* switch.h - from one stack to another
 *
 * A context is where a stack stopped: stack pointer, address to go on at, frame pointer. Everything else that must
 * survive is saved by the compiler, since the switch is inline and says that it clobbers all other registers. It ends
 * in a jump, not in a return: a return to an address that no call pushed is mispredicted, 9 ns each time.
 * Floating-point control words are not switched: an actor that changes the rounding mode must restore it before it
 * waits.
 *
 * The machine's part is one of the three headers below; which one, and which checker is told about fibers, is decided
 * here alone. */
#ifndef CORO_SWITCH_H
#define CORO_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coro/fiber.h"

#if defined(TROUPE_UCONTEXT)
#include "coro/switch_ucontext.h"
#elif defined(__x86_64__)
#include "coro/switch_x86_64.h"
#elif defined(__aarch64__)
#include "coro/switch_aarch64.h"
#else
#include "coro/switch_ucontext.h"
#endif

/* A stack with whoever runs on it. Lies at the top of its own memory, but for a thread's own stack. */
struct coro {
    struct context context; /* where it stopped; meaningless while it runs */
    struct fiber fiber;     /* what the checkers know of it; empty in a normal build */
    void *base;             /* lowest address that may be used, above the guard */
    size_t size;            /* from base to this struct */
    unsigned valgrind_id;
    uint8_t kind; /* enum stack_kind */
    bool guarded;
};

/* Leaves from, goes on where to stopped. Returns when somebody switches back to from; and returns that: whoever
 * switches back has it in a register, so that nothing need be kept in memory to know who one is. */
static inline struct coro *coro_switch(struct coro *from, struct coro *to)
{
    fiber_leave(&from->fiber, &to->fiber, to->base, to->size);
    struct coro *back = (struct coro *) (void *) context_switch(&from->context, &to->context); /* its first member */
    fiber_arrive(&back->fiber);
    return back;
}

/* Makes c start at entry(c) when it is switched to for the first time. entry must not return, and calls coro_entered
 * first. */
static inline void coro_prepare(struct coro *c, void (*entry)(void *coro))
{
    context_prepare(&c->context, (char *) c->base + c->size, entry, c);
}

static inline void coro_entered(struct coro *c)
{
    fiber_arrive(&c->fiber);
}

#endif
