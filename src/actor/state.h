/* SPDX-License-Identifier: MIT */
/* state.h - the memory of behaviours' states, by size */
#ifndef ACTOR_STATE_H
#define ACTOR_STATE_H

#include <string.h>

#include "actor/table.h"
#include "actor/worker.h"
#include "base/alloc.h"

/* Zeroed. NULL: out of memory, or no state. */
static inline void *state_alloc(struct worker *w, const struct table *t)
{
    if (t->state_class > STATE_CLASSES)
        return NULL;
    if (t->state_class == STATE_CLASSES)
        return mem_zalloc(t->def->state_size);
    void *p = slab_alloc(&w->states[t->state_class]);
    return p != NULL ? memset(p, 0, (t->state_class + 1) * 16) : NULL;
}

static inline void state_free(struct worker *w, const struct table *t, void *state)
{
    if (state == NULL)
        return;
    if (t->state_class == STATE_CLASSES)
        mem_free(state);
    else
        slab_free(&w->states[t->state_class], state);
}

#endif
