/* SPDX-License-Identifier: MIT */
/* mode.c - turning debug mode and instruments on and off
 *
 * What is wanted stands in the world, and is atomic. That actors are watched stands in their flags, which belong to
 * their workers: each gets an errand that marks its own. */
#include <stdlib.h>
#include <string.h>
#include <signal.h>

#include "actor/debug.h"
#include "base/alloc.h"
#include "node/node.h"

/* A slot that was never used has no id, and no home yet: another worker may be about to use it. Acquire: pairs with the
 * release in cell_fresh, which says where its home is first. */
static bool is_ours(const struct worker *w, const struct cell *c)
{
    return __atomic_load_n(&c->id, __ATOMIC_ACQUIRE) != 0 && cell_is_here(w, c) && (c->run.flags & CELL_LIVE);
}

static void mark_all(struct worker *w, struct errand *e)
{
    const struct cell_table *t = &w->world->cells;
    bool traced = atomic_load(&w->world->debug.traced);
    for (uint32_t slot = 0; slot < CELL_MAX; slot++) {
        struct cell *chunk = atomic_load_explicit(&t->chunk[slot / CELL_CHUNK], memory_order_acquire);
        struct cell *c = chunk != NULL ? &chunk[slot % CELL_CHUNK] : NULL;
        if (c == NULL)
            slot |= CELL_CHUNK - 1; /* the next chunk */
        else if (is_ours(w, c) && traced)
            c->run.flags |= CELL_TRACED;
        else if (is_ours(w, c))
            c->run.flags &= ~(uint32_t) CELL_TRACED;
    }
    if (!traced)
        w->traced_turn = 0;
    mem_free(e);
}

/* All or none: the errands are made first. */
static tr_err workers_mark(tr_node *node)
{
    struct errand *errands[WORKERS_MAX] = { NULL };
    struct debug *d = &node->world.debug;
    bool mailboxes = (atomic_load(&d->flags) & TR_DEBUG_MAILBOX) != 0;
    for (unsigned i = 0; i < node->world.workers; i++) {
        errands[i] = mem_zalloc(sizeof *errands[i]);
        if (errands[i] == NULL) {
            while (i > 0)
                mem_free(errands[--i]);
            return TR_ENOMEM;
        }
        errands[i]->run = mark_all;
    }
    atomic_store(&d->traced, mailboxes || atomic_load(&d->instrument) != NULL);
    for (unsigned i = 0; i < node->world.workers; i++)
        errand_post(node->world.worker[i], errands[i]);
    return TR_OK;
}

tr_err tr_debug_set(tr_node *node, unsigned flags)
{
    if (flags & ~(unsigned) TR_DEBUG_ALL)
        return TR_EINVAL;
    unsigned before = atomic_exchange(&node->world.debug.flags, flags);
    tr_err err = (before ^ flags) & TR_DEBUG_MAILBOX ? workers_mark(node) : TR_OK;
    if (err != TR_OK)
        atomic_store(&node->world.debug.flags, before);
    return err;
}

tr_err tr_instrument_set(tr_node *node, const tr_instrument *instrument)
{
    if (instrument != NULL && instrument->size != sizeof *instrument)
        return TR_EINVAL;
    const tr_instrument *before = atomic_exchange(&node->world.debug.instrument, instrument);
    tr_err err = workers_mark(node);
    if (err != TR_OK)
        atomic_store(&node->world.debug.instrument, before);
    return err;
}

/* ---- by words ---- */

#define LISTING (TR_DEBUG_ALL + 1u)

static unsigned flag_of(const char *word, size_t len)
{
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {
        { "slow", TR_DEBUG_SLOW | LISTING }, /* its stack comes by the same signal */
        { "asks", TR_DEBUG_ASKS },           { "left", TR_DEBUG_LEFT }, { "calls", TR_DEBUG_CALLS },
        { "mailbox", TR_DEBUG_MAILBOX },     { "listing", LISTING },    { "all", TR_DEBUG_ALL | LISTING },
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0)
            return words[i].flag;
    return 0;
}

tr_err tr_debug_from_env(tr_node *node)
{
    unsigned flags = 0;
    bool known = true;
    const char *word = getenv("TROUPE_DEBUG");
    while (word != NULL && *word != '\0' && known) {
        size_t len = strcspn(word, ",");
        known = len == 0 || flag_of(word, len) != 0;
        flags |= flag_of(word, len);
        word += len + (word[len] == ',');
    }
    tr_err err = flags & LISTING ? tr_debug_on_signal(node, SIGUSR1) : TR_OK;
    if (err == TR_OK && (flags & TR_DEBUG_ALL) != 0)
        err = tr_debug_set(node, flags & TR_DEBUG_ALL);
    return err != TR_OK ? err : known ? TR_OK : TR_EINVAL;
}
