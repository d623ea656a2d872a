/* SPDX-License-Identifier: MIT */
/* alloc.c - the one door to the heap */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Relaxed everywhere: the counter orders nothing but itself, and a test that sets it knows what else runs. */
static atomic_uint_fast64_t alloc_count;
static atomic_uint_fast64_t alloc_fail_at;

static bool alloc_may_go_on(void)
{
    uint64_t i = atomic_fetch_add_explicit(&alloc_count, 1, memory_order_relaxed) + 1;
    return i != atomic_load_explicit(&alloc_fail_at, memory_order_relaxed);
}

void *mem_alloc(size_t size)
{
    return alloc_may_go_on() ? malloc(size > 0 ? size : 1) : NULL;
}

void *mem_zalloc(size_t size)
{
    return alloc_may_go_on() ? calloc(1, size > 0 ? size : 1) : NULL;
}

void *mem_alloc_aligned(size_t align, size_t size)
{
    void *p;
    if (!alloc_may_go_on() || posix_memalign(&p, align, size > 0 ? size : 1) != 0)
        return NULL;
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    return alloc_may_go_on() ? realloc(p, size > 0 ? size : 1) : NULL;
}

char *mem_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = mem_alloc(size);
    return copy != NULL ? memcpy(copy, s, size) : NULL;
}

void mem_free(void *p)
{
    free(p);
}

uint64_t mem_fail_at(uint64_t n)
{
    atomic_store_explicit(&alloc_fail_at, 0, memory_order_relaxed);
    uint64_t count = atomic_exchange_explicit(&alloc_count, 0, memory_order_relaxed);
    atomic_store_explicit(&alloc_fail_at, n, memory_order_relaxed);
    return count;
}
