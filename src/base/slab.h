/* SPDX-License-Identifier: MIT */
/* slab.h - objects of one size, recycled last in first out; their memory stays theirs until slab_fini
 *
 * Type-stable: a freed object may be read (not written) until the slab is gone, which is what lets a late reply look at
 * a generation. Only the first pointer of a freed object is overwritten (the free list); under ASan nothing is poisoned
 * for the same reason. One thread at a time; what was allocated from one slab may be freed into another of the same
 * size, so slabs of several threads live and die together. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sanitizer.h"

struct depot;

struct slab {
    void *free;        /* list of freed objects */
    ptrdiff_t spare;   /* how many more may come back before too many are free here: slab_live less give_at */
    ptrdiff_t give_at; /* slab_live that low: too many are */
    void *chunks;      /* list of all chunks */
    char *fresh;       /* next object never used in the newest chunk */
    char *fresh_end;
    size_t size;         /* of an object; a multiple of its alignment */
    size_t chunk;        /* bytes of a chunk */
    ptrdiff_t stock;     /* objects it has had: made, or from the depot, less those given to it */
    struct depot *depot; /* NULL: alone */
};

/* Where slabs of several threads meet: who frees more than it takes gives whole batches, who needs takes one. */
struct depot {
    pthread_mutex_t lock;
    void **batch; /* heads of lists of SLAB_BATCH objects */
    size_t len, cap;
};

#define SLAB_BATCH 256

void depot_init(struct depot *d);
void depot_fini(struct depot *d);

/* From now on s exchanges batches through d. */
void slab_join(struct slab *s, struct depot *d);

/* Handed out less taken back; below 0 where the objects of other slabs end. Thread: its own; another's sees two words
 * of now or just before, and may for a moment be a batch off. */
SANITIZER_MAY_RACE static inline ptrdiff_t slab_live(const struct slab *s)
{
    return s->spare + s->give_at;
}

void slab_init(struct slab *s, size_t object_size, size_t chunk_size);
void slab_fini(struct slab *s); /* frees all memory, whatever is live; zeroed: nothing */
void *slab_alloc_slow(struct slab *s);

/* Not zeroed when recycled, zeroed when fresh. NULL: out of memory. 64-byte aligned when object_size is a multiple of
 * 64, else 16. */
static inline void *slab_alloc(struct slab *s)
{
    void *p = s->free;
    if (p == NULL)
        return slab_alloc_slow(s);
    s->free = *(void **) p;
    s->spare++;
    return p;
}

void slab_give(struct slab *s);

static inline void slab_free(struct slab *s, void *p)
{
    *(void **) p = s->free;
    s->free = p;
    if (__builtin_expect(--s->spare < 0, 0))
        slab_give(s);
}

#endif
