/* SPDX-License-Identifier: MIT */
/* switch_x86_64.h - the switch for x86-64, System V calling convention
 *
 * Nothing is pushed, so neither the red zone nor the unwinder's idea of the frame is disturbed. endbr64 is the landing
 * pad that indirect branch tracking wants behind an indirect jump. */
#ifndef CORO_SWITCH_X86_64_H
#define CORO_SWITCH_X86_64_H

#include <stdint.h>

struct context {
    void *sp, *ip, *bp, *arg;
};

static inline struct context *context_switch(struct context *from, struct context *to)
{
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "movq %%rsp, 0(%[from])\n\t"
                     "movq %%rax, 8(%[from])\n\t"
                     "movq %%rbp, 16(%[from])\n\t"
                     "movq 0(%[to]), %%rsp\n\t"
                     "movq 8(%[to]), %%rax\n\t"
                     "movq 16(%[to]), %%rbp\n\t"
                     "jmpq *%%rax\n"
                     "1:\n\t"
                     "endbr64\n\t"
                     : [from] "+D"(from), [to] "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                       "xmm13", "xmm14", "xmm15", "memory", "cc");
    return to; /* rsi, as whoever came here left it */
}

/* Where every stack starts: rsi is the context that was switched to. No return address: an unwinder stops here. */
void context_start(void);

static inline void context_prepare(struct context *c, void *top, void (*entry)(void *), void *arg)
{
    c->sp = (void *) ((uintptr_t) top & ~(uintptr_t) 15);
    c->ip = (void *) (uintptr_t) context_start;
    c->bp = (void *) (uintptr_t) entry; /* context_start calls it, and clears the frame pointer */
    c->arg = arg;
}

#endif
