/* SPDX-License-Identifier: MIT */
/* overflow.h - an actor that ran over its stack is named before the process ends */
#ifndef NODE_OVERFLOW_H
#define NODE_OVERFLOW_H

#include <signal.h>
#include <stdbool.h>

struct overflow_watch {
    struct sigaction before;
    stack_t stack_before;
    void *stack;
    bool active;
};

/* Catches SIGSEGV on this thread's alternate stack; whatever is no overrun goes to the handler that was there before.
 * Without memory: does nothing. */
void overflow_watch_begin(struct overflow_watch *watch);
void overflow_watch_end(struct overflow_watch *watch);

#endif
