/* SPDX-License-Identifier: MIT */
/* slab.h - objects of one size, recycled last in first out; their memory stays theirs until slab_fini
 *
 * Type-stable: a freed object may be read (not written) until the slab is gone, which is what lets a late reply look at
 * a generation. Only the first pointer of a freed object is overwritten (the free list); under ASan nothing is poisoned
 * for the same reason. One thread at a time. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab {
    void *free;   /* list of freed objects */
    void *chunks; /* list of all chunks */
    char *fresh;  /* next object never used in the newest chunk */
    char *fresh_end;
    size_t size;  /* of an object; a multiple of its alignment */
    size_t chunk; /* bytes of a chunk */
    size_t live;  /* objects handed out */
};

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
    s->live++;
    return p;
}

static inline void slab_free(struct slab *s, void *p)
{
    *(void **) p = s->free;
    s->free = p;
    s->live--;
}

#endif
