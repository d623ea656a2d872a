/* SPDX-License-Identifier: MIT */
/* slab.c - objects of one size, recycled last in first out
 *
 * A chunk is one zeroed allocation: a pointer to the next chunk, then objects from the first aligned place on. Objects
 * are handed out from the front, so that pages nobody asked for stay untouched: calloc maps a large chunk and does not
 * write it.
 */
#include "base/slab.h"

#include <stdbool.h>

#include "base/alloc.h"

#define SLAB_LINE 64
#define NEVER (PTRDIFF_MIN / 2) /* give_at of one that stands alone */

struct slab_chunk {
    struct slab_chunk *next;
};

static size_t size_round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

void slab_init(struct slab *s, size_t object_size, size_t chunk_size)
{
    size_t size = size_round_up(object_size > 0 ? object_size : 1, 16);
    size_t room = SLAB_LINE + sizeof(struct slab_chunk);
    *s = (struct slab){ .size = size, .give_at = NEVER, .spare = -NEVER };
    s->chunk = chunk_size >= size + room ? chunk_size : size + room;
}

void slab_fini(struct slab *s)
{
    struct slab_chunk *c = s->chunks;
    while (c != NULL) {
        struct slab_chunk *next = c->next;
        mem_free(c);
        c = next;
    }
    *s = (struct slab){ .size = s->size, .chunk = s->chunk, .give_at = NEVER, .spare = -NEVER };
}

static bool slab_grow(struct slab *s)
{
    struct slab_chunk *c = mem_zalloc(s->chunk);
    if (c == NULL)
        return false;
    c->next = s->chunks;
    s->chunks = c;
    uintptr_t start = (uintptr_t) c;
    uintptr_t first = size_round_up(start + sizeof *c, SLAB_LINE);
    s->fresh = (char *) c + (first - start);
    s->fresh_end = (char *) c + s->chunk;
    return true;
}

/* ---- batches ---- */

#define FREE_MAX (2 * SLAB_BATCH) /* then one batch goes to the depot, and one stays for what comes next */

void depot_init(struct depot *d)
{
    *d = (struct depot){ .batch = NULL };
    pthread_mutex_init(&d->lock, NULL);
}

void depot_fini(struct depot *d)
{
    mem_free(d->batch);
    pthread_mutex_destroy(&d->lock);
}

/* What is free here is stock less live. */
static void stock_change(struct slab *s, ptrdiff_t n)
{
    ptrdiff_t live = slab_live(s);
    s->stock += n;
    if (s->depot == NULL)
        return;
    s->give_at = s->stock - FREE_MAX;
    s->spare = live - s->give_at;
}

void slab_join(struct slab *s, struct depot *d)
{
    s->depot = d;
    stock_change(s, 0);
}

static bool depot_push(struct depot *d, void *batch)
{
    bool ok = true;
    pthread_mutex_lock(&d->lock);
    if (d->len == d->cap) {
        size_t cap = d->cap > 0 ? d->cap * 2 : 16;
        void **bigger = mem_realloc(d->batch, cap * sizeof *bigger);
        ok = bigger != NULL;
        if (ok) {
            d->batch = bigger;
            d->cap = cap;
        }
    }
    if (ok)
        d->batch[d->len++] = batch;
    pthread_mutex_unlock(&d->lock);
    return ok;
}

/* The batch that was freed last is in the cache, and stays; the one below it goes. */
void slab_give(struct slab *s)
{
    void *last = s->free;
    for (int i = 1; i < SLAB_BATCH; i++)
        last = *(void **) last;
    void *batch = *(void **) last, *end = batch;
    for (int i = 1; i < SLAB_BATCH; i++)
        end = *(void **) end;
    void *rest = *(void **) end;
    *(void **) end = NULL;
    if (depot_push(s->depot, batch)) {
        *(void **) last = rest;
        stock_change(s, -SLAB_BATCH);
    } else { /* no memory for the list: later */
        *(void **) end = rest;
        s->give_at -= SLAB_BATCH;
        s->spare += SLAB_BATCH;
    }
}

static bool slab_fetch(struct slab *s)
{
    struct depot *d = s->depot;
    if (d == NULL)
        return false;
    pthread_mutex_lock(&d->lock);
    s->free = d->len > 0 ? d->batch[--d->len] : NULL;
    pthread_mutex_unlock(&d->lock);
    if (s->free != NULL)
        stock_change(s, SLAB_BATCH);
    return s->free != NULL;
}

void *slab_alloc_slow(struct slab *s)
{
    if (slab_fetch(s))
        return slab_alloc(s);
    if ((size_t) (s->fresh_end - s->fresh) < s->size && !slab_grow(s))
        return NULL;
    void *p = s->fresh;
    s->fresh += s->size;
    s->spare++;
    stock_change(s, 1);
    return p;
}
