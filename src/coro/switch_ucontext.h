/* SPDX-License-Identifier: MIT */
/* switch_ucontext.h - the switch for every other machine: swapcontext(3), forty times slower since it saves the signal
 * mask */
#ifndef CORO_SWITCH_UCONTEXT_H
#define CORO_SWITCH_UCONTEXT_H

#include <stdint.h>
#include <ucontext.h>

struct context {
    ucontext_t uc;
    void (*entry)(void *);
    void *arg;
};

void context_start_ucontext(unsigned high, unsigned low);

static inline struct context *context_switch(struct context *from, struct context *to)
{
    swapcontext(&from->uc, &to->uc);
    return from;
}

static inline void context_prepare(struct context *c, void *top, void (*entry)(void *), void *arg)
{
    uintptr_t p = (uintptr_t) c;
    getcontext(&c->uc);
    c->uc.uc_link = NULL;
    c->uc.uc_stack.ss_sp = (char *) top - 16384; /* makecontext only wants to know the top */
    c->uc.uc_stack.ss_size = 16384;
    c->entry = entry;
    c->arg = arg;
    makecontext(&c->uc, (void (*)(void))(uintptr_t) context_start_ucontext, 2, (unsigned) (p >> 32), (unsigned) p);
}

#endif
