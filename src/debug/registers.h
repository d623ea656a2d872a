/* SPDX-License-Identifier: MIT */
/* registers.h - where a stack stands, in what form it may come: three registers are enough to unwind from */
#ifndef DEBUG_REGISTERS_H
#define DEBUG_REGISTERS_H

#include <stdint.h>
#include <ucontext.h>

#include "coro/switch.h"

struct registers {
    uintptr_t ip, sp, bp;
};

#if defined(__x86_64__)
static inline struct registers registers_of_ucontext(const ucontext_t *uc)
{
    const greg_t *g = uc->uc_mcontext.gregs;
    return (struct registers){ (uintptr_t) g[REG_RIP], (uintptr_t) g[REG_RSP], (uintptr_t) g[REG_RBP] };
}
#elif defined(__aarch64__)
static inline struct registers registers_of_ucontext(const ucontext_t *uc)
{
    const mcontext_t *m = &uc->uc_mcontext;
    return (struct registers){ m->pc, m->sp, m->regs[29] };
}
#else
/* A machine whose registers we do not know: no stack is shown. */
static inline struct registers registers_of_ucontext(const ucontext_t *uc)
{
    (void) uc;
    return (struct registers){ 0, 0, 0 };
}
#endif

#if defined(TROUPE_UCONTEXT) || !(defined(__x86_64__) || defined(__aarch64__))
static inline struct registers registers_of_context(const struct context *c)
{
    return registers_of_ucontext(&c->uc);
}
#else
static inline struct registers registers_of_context(const struct context *c)
{
    return (struct registers){ (uintptr_t) c->ip, (uintptr_t) c->sp, (uintptr_t) c->bp };
}
#endif

#endif
