/* SPDX-License-Identifier: MIT */
/* table.c - a behaviour's handlers, checked once and made quick to look up
 *
 * Up to eight rows are compared one after the other, by the first eight bytes of their tags; more are hashed by them.
 */
#include "actor/table.h"

#include <search.h>
#include <stdio.h>
#include <string.h>

#include "actor/worker.h"
#include "base/alloc.h"

#define ROWS_LINEAR 8
#define ROWS_MAX 4096

static int compare_defs(const void *a, const void *b)
{
    const struct table *x = a, *y = b;
    return x->def < y->def ? -1 : x->def > y->def;
}

static uint32_t hash_word(uint64_t word)
{
    return (uint32_t) ((word * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

const struct row *table_find_slow(const struct table *t, const struct tr_msg *m)
{
    for (uint32_t h = hash_word(m->tag) & t->mask; t->index[h] != 0; h = (h + 1) & t->mask) {
        const struct row *r = &t->row[t->index[h] - 1];
        if (r->word == m->tag && msg_tag_is(m, r->word, r->def->tag, r->tag_len))
            return r;
    }
    return NULL;
}

const struct row *table_match_hashed(const struct table *t, const struct tr_msg *m)
{
    const struct row *r = table_find_slow(t, m);
    return r != NULL && signature_fits(&r->args, m) ? r : NULL;
}

static tr_err row_compile(struct row *r, const tr_handler *def, char *why, size_t why_size)
{
    char detail[160];
    size_t len = strlen(def->tag);
    if (len == 0 || len > MSG_TAG_MAX || def->run == NULL) {
        snprintf(why, why_size, "row \"%.64s\": %s", def->tag,
                 def->run == NULL ? "no run function" : "a tag has 1 to 255 bytes");
        return TR_EINVAL;
    }
    r->word = msg_tag_word(def->tag, len);
    r->tag_len = (uint32_t) len;
    r->flags = def->flags;
    r->def = def;
    r->run = def->run;
    tr_err err = signature_parse(def->args, &r->args, detail, sizeof detail);
    r->shape = msg_shape_of(len, r->args.count);
    if (err != TR_OK)
        snprintf(why, why_size, "row \"%.64s\": %s", def->tag, detail);
    return err;
}

static tr_err rows_are_unique(const struct table *t, char *why, size_t why_size)
{
    for (uint32_t i = 0; i < t->rows; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(t->row[i].def->tag, t->row[k].def->tag) == 0) {
                snprintf(why, why_size, "row \"%.64s\" stands there twice", t->row[i].def->tag);
                return TR_EINVAL;
            }
    return TR_OK;
}

static tr_err table_index(struct table *t)
{
    t->scan = t->row;
    if (t->rows <= ROWS_LINEAR)
        return TR_OK;
    uint32_t size = 16;
    while (size < t->rows * 2)
        size *= 2;
    t->index = mem_zalloc(size * sizeof *t->index);
    if (t->index == NULL)
        return TR_ENOMEM;
    t->mask = size - 1;
    t->scan = &t->row[t->rows];
    for (uint32_t i = 0; i < t->rows; i++) {
        uint32_t h = hash_word(t->row[i].word) & t->mask;
        while (t->index[h] != 0)
            h = (h + 1) & t->mask;
        t->index[h] = (uint16_t) (i + 1);
    }
    return TR_OK;
}

static void table_free(void *table)
{
    struct table *t = table;
    mem_free(t->index);
    mem_free(t);
}

static size_t state_class(size_t size)
{
    if (size == 0)
        return STATE_CLASSES + 1;
    size_t class = (size - 1) / 16;
    return class < STATE_CLASSES ? class : STATE_CLASSES;
}

static tr_err table_compile(const tr_behaviour *def, struct table **table, char *why, size_t why_size)
{
    uint32_t rows = 0;
    while (def->handlers != NULL && def->handlers[rows].tag != NULL && rows < ROWS_MAX)
        rows++;
    struct table *t = mem_zalloc(sizeof *t + (rows + 1) * sizeof t->row[0]);
    if (t == NULL)
        return TR_ENOMEM;
    t->def = def;
    t->rows = rows;
    t->state_class = state_class(def->state_size);
    tr_err err = rows < ROWS_MAX ? TR_OK : TR_EINVAL;
    if (err != TR_OK)
        snprintf(why, why_size, "more than %d rows: does the table end with a row of zeros?", ROWS_MAX);
    for (uint32_t i = 0; i < rows && err == TR_OK; i++)
        err = row_compile(&t->row[i], &def->handlers[i], why, why_size);
    if (err == TR_OK)
        err = rows_are_unique(t, why, why_size);
    if (err == TR_OK)
        err = table_index(t);
    if (err != TR_OK) {
        table_free(t);
        return err;
    }
    *table = t;
    return TR_OK;
}

static tr_err get_locked(struct world *world, const tr_behaviour *def, const struct table **table, char *why,
                         size_t why_size)
{
    struct table key = { .def = def };
    void *found = tfind(&key, &world->tables, compare_defs);
    if (found != NULL) {
        *table = *(struct table **) found;
        return TR_OK;
    }
    struct table *t;
    snprintf(why, why_size, "out of memory");
    tr_err err = table_compile(def, &t, why, why_size);
    if (err != TR_OK)
        return err;
    if (tsearch(t, &world->tables, compare_defs) == NULL) {
        table_free(t);
        return TR_ENOMEM;
    }
    *table = t;
    return TR_OK;
}

tr_err table_get(struct world *world, const tr_behaviour *def, const struct table **table, char *why, size_t why_size)
{
    pthread_mutex_lock(&world->tables_lock);
    tr_err err = get_locked(world, def, table, why, why_size);
    pthread_mutex_unlock(&world->tables_lock);
    return err;
}

void table_free_all(struct world *world)
{
    tdestroy(world->tables, table_free);
    world->tables = NULL;
}
