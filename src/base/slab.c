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
    *s = (struct slab){ .size = size };
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
    *s = (struct slab){ .size = s->size, .chunk = s->chunk };
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

void *slab_alloc_slow(struct slab *s)
{
    if ((size_t) (s->fresh_end - s->fresh) < s->size && !slab_grow(s))
        return NULL;
    void *p = s->fresh;
    s->fresh += s->size;
    s->live++;
    return p;
}
