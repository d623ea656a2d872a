/* SPDX-License-Identifier: MIT */
/* switch.c - the first instructions on a new stack */
#include "coro/switch.h"

#if defined(TROUPE_UCONTEXT) || !(defined(__x86_64__) || defined(__aarch64__))

void context_start_ucontext(unsigned high, unsigned low)
{
    struct context *c = (struct context *) (((uintptr_t) high << 32) | low);
    c->entry(c->arg);
    __builtin_trap();
}

#elif defined(__x86_64__)

/* rbp holds the entry function, 24(%rsi) its argument. Undefined rip: the end of every back trace. */
__asm__(".text\n\t"
        ".globl context_start\n\t"
        ".hidden context_start\n\t"
        ".type context_start, @function\n"
        "context_start:\n\t"
        ".cfi_startproc\n\t"
        ".cfi_undefined rip\n\t"
        "endbr64\n\t"
        "movq %rbp, %rax\n\t"
        "xorl %ebp, %ebp\n\t"
        "movq 24(%rsi), %rdi\n\t"
        "callq *%rax\n\t"
        "ud2\n\t"
        ".cfi_endproc\n\t"
        ".size context_start, . - context_start\n");

#else

__asm__(".text\n\t"
        ".globl context_start\n\t"
        ".hidden context_start\n\t"
        ".type context_start, %function\n"
        "context_start:\n\t"
        ".cfi_startproc\n\t"
        ".cfi_undefined x30\n\t"
        "hint #36\n\t" /* bti j */
        "mov x9, x29\n\t"
        "mov x29, #0\n\t"
        "mov x30, #0\n\t"
        "ldr x0, [x1, #24]\n\t"
        "blr x9\n\t"
        "brk #1\n\t"
        ".cfi_endproc\n\t"
        ".size context_start, . - context_start\n");

#endif
