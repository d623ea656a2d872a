/* SPDX-License-Identifier: MIT */
/* table.h - a behaviour's handlers, checked once and made quick to look up */
#ifndef ACTOR_TABLE_H
#define ACTOR_TABLE_H

#include "message/signature.h"

struct world;

struct row {
    uint64_t word;  /* msg_tag_word of the tag */
    uint64_t shape; /* msg_shape of a message for this row: a short tag, and as many plain values as are described */
    tr_handler_fn *run;
    const tr_handler *def;
    uint32_t tag_len;
    uint32_t flags;
    struct signature args;
};

struct table {
    const tr_behaviour *def; /* first: the key of world.tables */
    size_t state_class;      /* index into worker.states, or STATE_CLASSES: the heap's, or beyond: no state */
    uint32_t rows;
    uint32_t mask;          /* of index; 0: few rows, looked through */
    uint16_t *index;        /* 1 + row, by hash of word */
    const struct row *scan; /* where table_match begins: the first row, or the last where they are hashed */
    struct row row[];       /* behind them one that is no message's: its word is 0 */
};

/* The table of a behaviour, made at its first use and kept until the node goes. Errors: TR_EINVAL, with why; TR_ENOMEM.
 */
tr_err table_get(struct world *world, const tr_behaviour *def, const struct table **table, char *why, size_t why_size);
void table_free_all(struct world *world);

const struct row *table_find_slow(const struct table *t, const struct tr_msg *m);

const struct row *table_match_hashed(const struct table *t, const struct tr_msg *m);

/* The row for m's tag, if its values fit at first sight; else NULL: then table_find and signature_fits_slow have to
 * look.
 */
static inline const struct row *table_match(const struct table *t, const struct tr_msg *m)
{
    const struct row *r = t->scan;
    while (r->word != m->tag) {
        if (r->word == 0)
            return t->mask != 0 ? table_match_hashed(t, m) : NULL;
        r++;
    }
    if (__builtin_expect(r->shape != msg_shape(m), 0)) /* which says how many values there are */
        return NULL;
    return (r->args.one_int ? m->body->slot[0].type == TR_TYPE_INT : signature_fits(&r->args, m)) ? r : NULL;
}

/* The row for m's tag, or NULL. */
static inline const struct row *table_find(const struct table *t, const struct tr_msg *m)
{
    if (t->mask != 0)
        return table_find_slow(t, m);
    for (uint32_t i = 0; i < t->rows; i++)
        if (t->row[i].word == m->tag && msg_tag_is(m, t->row[i].word, t->row[i].def->tag, t->row[i].tag_len))
            return &t->row[i];
    return NULL;
}

#endif
