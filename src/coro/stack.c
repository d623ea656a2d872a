/* SPDX-License-Identifier: MIT */
/* stack.c - stacks: mapped lazily, guarded, pooled, given back */
#include "coro/stack.h"

#include <string.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "coro/valgrind.h"

#define REGION_STACKS 64u
#define STACK_LOOP 4096u             /* bytes: more than the frames of a loop that is parked */
#define GUARDS_MPROTECTED_MAX 16384u /* two mappings each; half of the kernel's default limit */

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

void stack_pool_init(struct stack_pool *p, size_t stack_size, size_t room, void (*entry)(void *coro))
{
    memset(p, 0, sizeof *p);
    p->stack_size = round_up(stack_size < STACK_SIZE_MIN ? STACK_SIZE_MIN : stack_size, STACK_GUARD);
    p->room = round_up(room, 64);
    p->entry = entry;
}

/* Makes room in an array of pointers. False: out of memory. */
static bool array_reserve(void ***array, size_t *cap, size_t n)
{
    if (n <= *cap)
        return true;
    size_t cap_new = n < *cap * 2 ? *cap * 2 : n;
    void **bigger = mem_realloc(*array, cap_new * sizeof **array);
    if (bigger == NULL)
        return false;
    *array = bigger;
    *cap = cap_new;
    return true;
}

/* Appends to an array of pointers. False: out of memory. */
static bool array_push(void ***array, size_t *len, size_t *cap, void *item)
{
    if (!array_reserve(array, cap, *len + 1))
        return false;
    (*array)[(*len)++] = item;
    return true;
}

/* False: this stack has none. */
static bool guard_install(struct stack_pool *p, char *low)
{
    if (madvise(low, STACK_GUARD, MADV_GUARD_INSTALL) == 0)
        return true;
    if (p->guards_mprotected >= GUARDS_MPROTECTED_MAX || mprotect(low, STACK_GUARD, PROT_NONE) != 0)
        return false;
    p->guards_mprotected++;
    return true;
}

static void *map_anonymous(size_t size)
{
    void *m = sys_mmap(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK);
    if (m == MAP_FAILED)
        return NULL;
    (void) madvise(
        m, size, MADV_NOHUGEPAGE); /* one page of a stack must not become two megabytes; old kernels refuse, no harm */
    return m;
}

static bool regions_push(struct stack_regions *r, void *m)
{
    return array_push(&r->at, &r->len, &r->cap, m);
}

static void regions_fini(struct stack_regions *r, size_t stack_size)
{
    for (size_t i = 0; i < r->len; i++)
        munmap(r->at[i], stack_size * REGION_STACKS);
    mem_free(r->at);
}

/* Whoever unmaps it in the end. */
static bool region_keep(struct stack_pool *p, void *m)
{
    struct stack_depot *d = p->depot;
    if (d == NULL)
        return regions_push(&p->regions, m);
    pthread_mutex_lock(&d->lock);
    bool ok = regions_push(&d->regions, m);
    pthread_mutex_unlock(&d->lock);
    return ok;
}

/* Room for so many more stacks, idle or bare. */
static bool pool_reserve(struct stack_pool *p, size_t n)
{
    return array_reserve(&p->bare, &p->bare_cap, p->stacks + n) &&
           array_reserve((void ***) (void *) &p->idle, &p->idle_cap, p->stacks + n);
}

/* Maps a region and adds its stacks, bare, lowest address last out. */
static bool region_map(struct stack_pool *p)
{
    size_t size = p->stack_size * REGION_STACKS;
    if (!pool_reserve(p, REGION_STACKS))
        return false;
    char *m = map_anonymous(size);
    if (m == NULL)
        return false;
    if (!region_keep(p, m)) {
        munmap(m, size);
        return false;
    }
    for (size_t i = REGION_STACKS; i > 0; i--)
        p->bare[p->bare_len++] = m + i * p->stack_size;
    p->stacks += REGION_STACKS;
    return true;
}

static struct coro *stack_build(struct stack_pool *p, char *top, size_t size, enum stack_kind kind)
{
    struct coro *c = (struct coro *) (void *) (top - p->room);
    c->base = top - size + STACK_GUARD;
    c->size = (size_t) ((char *) c - (char *) c->base);
    c->kind = (uint8_t) kind;
    c->guarded = guard_install(p, top - size);
    fiber_create(&c->fiber);
    c->valgrind_id = valgrind_stack_register(c->base, c);
    coro_prepare(c, p->entry);
    return c;
}

/* ---- the depot ---- */

void stack_depot_init(struct stack_depot *d)
{
    memset(d, 0, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
}

void stack_pool_join(struct stack_pool *p, struct stack_depot *d)
{
    p->depot = d;
    d->stack_size = p->stack_size;
}

/* From the bottom: they have been idle the longest. */
void stack_pool_give(struct stack_pool *p)
{
    struct stack_depot *d = p->depot;
    if (d == NULL || p->idle_len <= 2 * STACK_BATCH)
        return;
    pthread_mutex_lock(&d->lock);
    size_t n = p->idle_len - STACK_BATCH, room = STACK_KEPT - d->idle_len;
    n = n < room ? n : room;
    if (n > 0 && array_reserve((void ***) (void *) &d->idle, &d->idle_cap, d->idle_len + n)) {
        memcpy(d->idle + d->idle_len, p->idle, n * sizeof(struct coro *));
        memmove(p->idle, p->idle + n, (p->idle_len - n) * sizeof(struct coro *));
        d->idle_len += n;
        p->idle_len -= n;
        p->stacks -= n;
    }
    pthread_mutex_unlock(&d->lock);
}

/* False: nothing was there. */
static bool depot_take(struct stack_pool *p)
{
    struct stack_depot *d = p->depot;
    if (d == NULL)
        return false;
    pthread_mutex_lock(&d->lock);
    size_t n = d->idle_len < STACK_BATCH ? d->idle_len : STACK_BATCH;
    if (n > 0 && !pool_reserve(p, n))
        n = 0;
    if (n > 0)
        memcpy(p->idle, d->idle + d->idle_len - n, n * sizeof(struct coro *));
    d->idle_len -= n;
    p->idle_len += n;
    p->stacks += n;
    pthread_mutex_unlock(&d->lock);
    return n > 0;
}

/* ---- one stack ---- */

struct coro *stack_get(struct stack_pool *p, bool *fresh)
{
    struct coro *c;
    if (p->idle_len > 0 || depot_take(p)) {
        c = p->idle[--p->idle_len];
        fiber_reuse(&c->fiber, c->base, c->size);
        coro_prepare(c, p->entry);
        *fresh = false;
    } else {
        if (p->bare_len == 0 && !region_map(p))
            return NULL;
        c = stack_build(p, p->bare[--p->bare_len], p->stack_size, STACK_POOLED);
        *fresh = true;
    }
    p->in_use++;
    return c;
}

struct coro *stack_get_sized(struct stack_pool *p, size_t size)
{
    size = round_up((size < STACK_SIZE_MIN ? STACK_SIZE_MIN : size) + STACK_GUARD, STACK_GUARD);
    char *m = map_anonymous(size);
    if (m == NULL)
        return NULL;
    p->in_use++;
    return stack_build(p, m + size, size, STACK_OWN_SIZE);
}

/* With a guard it is not looked at: even reading a page for the first time costs a fault. */
bool stack_is_intact(const struct coro *c)
{
    return c->guarded || *(volatile const uint64_t *) c->base == 0;
}

/* Its addresses may be those of a stack with another top soon: to the checkers nothing is to be left of the frames that
 * its last loop was in, which are at its top. */
static void stack_strip(struct coro *c)
{
    fiber_reuse(&c->fiber, (char *) c - STACK_LOOP, STACK_LOOP);
    valgrind_stack_deregister(c->valgrind_id);
    fiber_destroy(&c->fiber);
}

static void stack_unmap(struct coro *c, size_t room)
{
    char *low = (char *) c->base - STACK_GUARD;
    size_t size = STACK_GUARD + c->size + room;
    stack_strip(c);
    munmap(low, size);
}

void stack_put(struct stack_pool *p, struct coro *c)
{
    p->in_use--;
    if (c->kind == STACK_OWN_SIZE) {
        stack_unmap(c, p->room);
        return;
    }
    (void) array_push((void ***) (void *) &p->idle, &p->idle_len, &p->idle_cap,
                      c); /* there is room: region_map saw to it */
}

void stack_put_abandoned(struct stack_pool *p, struct coro *c)
{
    fiber_reset(&c->fiber, c->base, c->size);
    stack_put(p, c);
}

size_t stack_pool_trim(struct stack_pool *p, size_t n)
{
    while (p->idle_len > STACK_KEPT && n > 0) {
        struct coro *c = p->idle[p->idle_len - 1];
        char *top = (char *) c + p->room;
        if (!array_push(&p->bare, &p->bare_len, &p->bare_cap, top))
            break;
        p->idle_len--;
        n--;
        stack_strip(c);
        (void) madvise(top - p->stack_size + STACK_GUARD, p->stack_size - STACK_GUARD, MADV_DONTNEED);
    }
    return p->idle_len > STACK_KEPT ? p->idle_len - STACK_KEPT : 0;
}

void stack_pool_fini(struct stack_pool *p)
{
    for (size_t i = 0; i < p->idle_len; i++)
        stack_strip(p->idle[i]);
    regions_fini(&p->regions, p->stack_size);
    mem_free(p->idle);
    mem_free(p->bare);
    memset(p, 0, sizeof *p);
}

void stack_depot_fini(struct stack_depot *d)
{
    for (size_t i = 0; i < d->idle_len; i++)
        stack_strip(d->idle[i]);
    regions_fini(&d->regions, d->stack_size);
    mem_free(d->idle);
    pthread_mutex_destroy(&d->lock);
    memset(d, 0, sizeof *d);
}

void stack_adopt_thread(struct coro *c)
{
    pthread_attr_t attr;
    void *base = NULL;
    size_t size = 0;
    memset(c, 0, sizeof *c);
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &base, &size);
        pthread_attr_destroy(&attr);
    }
    c->base = base;
    c->size = size;
    c->kind = STACK_THREAD;
    fiber_adopt_thread(&c->fiber);
}

bool stack_is_overrun(const struct coro *c, const void *addr)
{
    const char *base = c->base;
    return c->kind != STACK_THREAD && (const char *) addr < base && (const char *) addr >= base - STACK_GUARD;
}
