/* SPDX-License-Identifier: MIT */
/* stack.h - stacks: mapped lazily, guarded, pooled, given back
 *
 * Stacks of the default size are carved from regions of 64, so that a hundred thousand of them are a few mappings (the
 * kernel allows 65,530). Only pages that were touched are memory. The lowest page of each is a guard:
 * MADV_GUARD_INSTALL where the kernel has it (6.13), else mprotect while mappings last, else none but a look at the
 * lowest word when the stack is given back.
 *
 * A stack is one struct coro at the top of its memory, with room behind it for what the owner wants beside (the actor's
 * self), so that a suspended body touches one page. Recycled last in, first out. stack_pool_trim gives pages of idle
 * stacks back to the kernel. One thread at a time.
 *
 * Pools of several threads meet at a depot: who has nothing to do leaves idle stacks there, and who needs one takes a
 * batch before it makes new ones. The memory of all is then the depot's. */
#ifndef CORO_STACK_H
#define CORO_STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "coro/switch.h"

#define STACK_SIZE_DEFAULT (256u * 1024u)
#define STACK_SIZE_MIN (16u * 1024u)
#define STACK_GUARD 4096u
#define STACK_KEPT 1024 /* idle stacks that stack_pool_trim leaves alone, and that a depot holds */
#define STACK_BATCH 64u /* taken from a depot at a time; what an idle pool keeps for itself */

enum stack_kind { STACK_POOLED, STACK_OWN_SIZE, STACK_THREAD };

/* An array of mappings of REGION_STACKS stacks each. */
struct stack_regions {
    void **at;
    size_t len, cap;
};

struct stack_depot {
    pthread_mutex_t lock;
    struct coro **idle;
    size_t idle_len, idle_cap;
    struct stack_regions regions;
    size_t stack_size;
};

struct stack_pool {
    struct coro **idle; /* an array used as a stack */
    size_t idle_len, idle_cap;
    void **bare; /* tops of stacks without memory: never used, or trimmed */
    size_t bare_len, bare_cap;
    struct stack_regions regions; /* without a depot */
    struct stack_depot *depot;    /* NULL: alone */
    size_t stacks;                /* idle, bare and in use, those of their own size not counted */
    size_t stack_size;            /* bytes of each, guard included */
    size_t room;                  /* bytes at the top for struct coro and what lies behind it */
    size_t in_use;
    size_t guards_mprotected;
    void (*entry)(void *coro);
};

/* room: at least sizeof(struct coro); rounded up to 64. entry: where each stack starts. */
void stack_pool_init(struct stack_pool *p, size_t stack_size, size_t room, void (*entry)(void *coro));
void stack_pool_fini(struct stack_pool *p); /* unmaps everything that is its own; none may be in use */

/* All pools that join have one stack size, join before their first stack, and are gone before the depot is. */
void stack_depot_init(struct stack_depot *d);
void stack_depot_fini(struct stack_depot *d);
void stack_pool_join(struct stack_pool *p, struct stack_depot *d);

/* Leaves idle stacks at the depot, those that were idle the longest, as far as it wants some; a batch stays. */
void stack_pool_give(struct stack_pool *p);

/* A prepared stack; what lies behind its struct coro is zeroed when the stack is fresh and as it was left when it is
 * recycled (*fresh says which). NULL: no memory. */
struct coro *stack_get(struct stack_pool *p, bool *fresh);

/* A stack of another size, always fresh. */
struct coro *stack_get_sized(struct stack_pool *p, size_t size);

/* Gives a stack back. Its contents are gone; may be called while still running on it, if nothing else gets a stack
 * before the switch away. */
void stack_put(struct stack_pool *p, struct coro *c);

/* The same for one that was abandoned in the middle of calls. */
void stack_put_abandoned(struct stack_pool *p, struct coro *c);

/* Gives pages of at most n idle stacks beyond STACK_KEPT back to the kernel; returns how many are still beyond. */
size_t stack_pool_trim(struct stack_pool *p, size_t n);

/* Makes c stand for the calling thread's own stack. */
void stack_adopt_thread(struct coro *c);

/* Without a guard the lowest usable word tells: false if a stack without a guard has come that far, which is as good as
 * over its end. */
bool stack_is_intact(const struct coro *c);

/* Whether addr is in c's guard, or just below. */
bool stack_is_overrun(const struct coro *c, const void *addr);

#endif
