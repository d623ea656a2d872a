/* SPDX-License-Identifier: MIT */
/* cell.c - the table of all actors, and each worker's share of its slots */
#include "actor/cell.h"

#include <string.h>

#include "base/alloc.h"

#define PORTION_MAX 256u
#define LINE 64u

_Static_assert(offsetof(struct cell, stacks) == LINE, "the hot part of a cell is one cache line");
_Static_assert(sizeof(struct cell) == 2 * LINE, "a cell is two cache lines");

void cell_table_init(struct cell_table *t, uint32_t max, unsigned workers)
{
    memset(t, 0, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->max = max;
    t->portion = CELL_CHUNK;
    if (workers > 1) { /* what one worker has and does not need, another misses */
        uint32_t fair = max / (16 * workers);
        t->portion = fair < 1 ? 1 : fair < PORTION_MAX ? fair : PORTION_MAX;
    }
}

void cell_table_fini(struct cell_table *t)
{
    for (uint32_t i = 0; i * CELL_CHUNK < t->used; i++)
        mem_free(t->memory[i]);
    pthread_mutex_destroy(&t->lock);
    memset(t, 0, sizeof *t);
}

void cell_store_init(struct cell_store *s, struct cell_table *t, uint16_t home)
{
    *s = (struct cell_store){ .table = t, .home = home };
}

/* Zeroed, since other threads may look at a slot before it was ever used; and untouched, so that it is no memory yet.
 */
static bool chunk_make(struct cell_table *t, uint32_t i)
{
    char *p = mem_zalloc(CELL_CHUNK * sizeof(struct cell) + LINE);
    if (p == NULL)
        return false;
    t->memory[i] = p;
    p += (LINE - (uintptr_t) p % LINE) % LINE;
    atomic_store_explicit(&t->chunk[i], (struct cell *) (void *) p, memory_order_release);
    return true;
}

/* Slots for a worker that has none left. False: no memory, or the limit is reached (*full). */
static bool portion_take(struct cell_table *t, struct cell_store *s, bool *full)
{
    pthread_mutex_lock(&t->lock);
    uint32_t first = t->used, n = t->max - first < t->portion ? t->max - first : t->portion;
    uint32_t room = CELL_CHUNK - first % CELL_CHUNK; /* no further than its chunk */
    if (n > room)
        n = room;
    *full = n == 0;
    bool ok = n > 0 && (first % CELL_CHUNK != 0 || chunk_make(t, first / CELL_CHUNK));
    if (ok) {
        s->fresh = first;
        s->fresh_end = first + n;
        t->used = first + n;
    }
    pthread_mutex_unlock(&t->lock);
    return ok;
}

static struct cell *cell_fresh(struct cell_store *s, bool *full)
{
    if (s->fresh == s->fresh_end && !portion_take(s->table, s, full))
        return NULL;
    uint32_t slot = s->fresh++;
    struct cell *chunk = atomic_load_explicit(&s->table->chunk[slot / CELL_CHUNK], memory_order_relaxed);
    struct cell *c = &chunk[slot % CELL_CHUNK];
    atomic_store_explicit(&c->run.home, s->home, memory_order_relaxed);
    __atomic_store_n(&c->id, UINT64_C(1) << 32 | slot, __ATOMIC_RELAXED);
    return c;
}

struct cell *cell_new(struct cell_store *s, bool *full)
{
    struct cell *c;
    *full = false;
    if (s->free != NULL) {
        c = cell_of(s->free);
        s->free = c->run.next;
        c->run.next = NULL;
    } else {
        c = cell_fresh(s, full);
        if (c == NULL)
            return NULL;
    }
    c->run.flags = CELL_IS | CELL_LIVE;
    return c;
}

/* The inbox and its link stay as they are: a late message may be on its way, and its sender reads no other field. But
 * orders were for the one that ended; its owner, who alone gives them, has done with it. */
void cell_free(struct cell_store *s, struct cell *c)
{
    if (atomic_load_explicit(&c->inbox, memory_order_relaxed) & (INBOX_CANCEL | INBOX_KILL))
        atomic_fetch_and(&c->inbox, ~(uint64_t) (INBOX_CANCEL | INBOX_KILL));
    uint64_t id = c->id + (UINT64_C(1) << 32);
    __atomic_store_n(&c->id, id, __ATOMIC_RELAXED);
    c->run.flags = 0;
    c->head = NULL;
    __atomic_store_n(&c->len, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&c->bytes, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&c->table, NULL, __ATOMIC_RELAXED);
    c->state = NULL;
    c->stacks = NULL;
    __atomic_store_n(&c->ext, NULL, __ATOMIC_RELAXED);
    c->owned = NULL;
    c->owner = NULL;
    c->sibling_next = c->sibling_prev = NULL;
    c->arg = NULL;
    if (id >> 32 == 0) { /* wrapped: an old address could mean someone new; 128 bytes lost in four billion spawns */
        __atomic_store_n(&c->id, UINT64_MAX, __ATOMIC_RELAXED);
        return;
    }
    c->run.next = s->free;
    s->free = &c->run;
}
