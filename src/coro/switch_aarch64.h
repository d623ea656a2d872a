/* SPDX-License-Identifier: MIT */
/* switch_aarch64.h - the switch for 64-bit ARM, AAPCS64
 *
 * x29 and the stack pointer are kept by hand; x18 may be the platform's and is left alone. bti j is the landing pad
 * that branch target identification wants behind an indirect jump (a hint: nothing on older machines). */
#ifndef CORO_SWITCH_AARCH64_H
#define CORO_SWITCH_AARCH64_H

#include <stdint.h>

struct context {
    void *sp, *ip, *bp, *arg;
};

static inline struct context *context_switch(struct context *from, struct context *to)
{
    register struct context *f __asm__("x0") = from;
    register struct context *t __asm__("x1") = to;
    __asm__ volatile("adr x9, 1f\n\t"
                     "mov x10, sp\n\t"
                     "stp x10, x9, [x0]\n\t"
                     "str x29, [x0, #16]\n\t"
                     "ldp x10, x16, [x1]\n\t"
                     "ldr x29, [x1, #16]\n\t"
                     "mov sp, x10\n\t"
                     "br x16\n"
                     "1:\n\t"
                     "hint #36\n\t" /* bti j */
                     : "+r"(f), "+r"(t)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
                       "x17", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1",
                       "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",
                       "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
                       "v31", "memory", "cc");
    return t; /* x1, as whoever came here left it */
}

/* Where every stack starts: x1 is the context that was switched to. No return address: an unwinder stops here. */
void context_start(void);

static inline void context_prepare(struct context *c, void *top, void (*entry)(void *), void *arg)
{
    c->sp = (void *) ((uintptr_t) top & ~(uintptr_t) 15);
    c->ip = (void *) (uintptr_t) context_start;
    c->bp = (void *) (uintptr_t) entry; /* context_start calls it, and clears the frame pointer */
    c->arg = arg;
}

#endif
