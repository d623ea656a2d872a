/* SPDX-License-Identifier: MIT */
/* thread_stack.h - the way off an actor's stack, for those who do not know whose they are on */
#ifndef DEBUG_THREAD_STACK_H
#define DEBUG_THREAD_STACK_H

#include "sched/sched.h"

/* Calls fn(arg), on the thread's own stack if this is a worker's thread. */
static inline int on_thread_stack(int (*fn)(void *arg), void *arg)
{
    struct worker *w = sched_current();
    return w != NULL && w->self != NULL ? worker_call(w->self, fn, arg) : fn(arg);
}

#endif
