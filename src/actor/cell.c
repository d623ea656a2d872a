/* SPDX-License-Identifier: MIT */
/* cell.c - the table of all actors */
#include "actor/cell.h"

#include <string.h>

#include "base/alloc.h"

_Static_assert(offsetof(struct cell, stacks) == 64, "the hot part of a cell is one cache line");
_Static_assert(sizeof(struct cell) == 128, "a cell is two cache lines");

void cell_table_fini(struct cell_table *t)
{
    for (uint32_t i = 0; i * CELL_CHUNK < t->used; i++)
        mem_free(t->chunk[i]);
    memset(t, 0, sizeof *t);
}

/* The next slot that was never used; its chunk is made with its first. */
static struct cell *cell_fresh(struct cell_table *t)
{
    uint32_t slot = t->used;
    struct cell **chunk = &t->chunk[slot / CELL_CHUNK];
    if (slot % CELL_CHUNK == 0) {
        *chunk = mem_alloc_aligned(64, CELL_CHUNK * sizeof(struct cell));
        if (*chunk == NULL)
            return NULL;
    }
    struct cell *c = &(*chunk)[slot % CELL_CHUNK];
    memset(c, 0, sizeof *c);
    c->id = UINT64_C(1) << 32 | slot;
    t->used++;
    return c;
}

struct cell *cell_new(struct cell_table *t, bool *full)
{
    struct cell *c;
    *full = false;
    if (t->free != NULL) {
        c = cell_of(t->free);
        t->free = c->run.next;
        c->run.next = NULL;
    } else {
        *full = t->used >= t->max;
        c = *full ? NULL : cell_fresh(t);
        if (c == NULL)
            return NULL;
    }
    c->run.flags = CELL_IS | CELL_LIVE;
    return c;
}

void cell_free(struct cell_table *t, struct cell *c)
{
    uint64_t id = c->id + (UINT64_C(1) << 32);
    memset(c, 0, sizeof *c);
    c->id = id;
    if (id >> 32 == 0) /* wrapped: an old address could mean someone new; 128 bytes lost in four billion spawns */
        return;
    c->run.next = t->free;
    t->free = &c->run;
}
