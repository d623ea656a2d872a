/* SPDX-License-Identifier: MIT */
/* cell_ext.c - what few actors need: made on first use, gone with the actor */
#include "actor/cell_ext.h"

#include <stdio.h>
#include <string.h>

#include "actor/table.h"
#include "base/alloc.h"

void cell_ext_set_bounds(struct cell_ext *e, uint32_t len_max, uint32_t bytes_max, tr_full_policy policy)
{
    __atomic_store_n(&e->len_max, len_max, __ATOMIC_RELAXED);
    __atomic_store_n(&e->bytes_max, bytes_max, __ATOMIC_RELAXED);
    __atomic_store_n(&e->full_policy, (uint32_t) policy, __ATOMIC_RELAXED);
}

struct cell_ext *cell_ext_get(struct worker *w, struct cell *c)
{
    if (c->ext != NULL)
        return c->ext;
    struct cell_ext *e = slab_alloc(&w->exts);
    if (e == NULL)
        return NULL;
    memset(e, 0, offsetof(struct cell_ext, len_max));
    cell_ext_set_bounds(e, MAILBOX_LEN_MAX, MAILBOX_BYTES_MAX, TR_FULL_WAIT);
    list_init(&e->names);
    list_init(&e->ticks);
    list_init(&e->watches);
    list_init(&e->things);
    list_init(&e->thens);
    list_init(&e->thens_done);
    list_init(&e->enders);
    list_init(&e->senders);
    __atomic_store_n(&c->ext, e, __ATOMIC_RELEASE); /* behind what others may read of it */
    return e;
}

void things_release(struct worker *w, struct cell *c)
{
    while (!list_is_empty(&c->ext->things)) {
        struct thing *t = list_entry(c->ext->things.prev, struct thing, link);
        t->release(w, t);
    }
}

void cell_ext_free(struct worker *w, struct cell *c)
{
    struct cell_ext *e = c->ext;
    if (e == NULL)
        return;
    if (e->start_args != NULL)
        msg_unref(&w->msgs, e->start_args);
    if (e->result != NULL)
        msg_unref(&w->msgs, e->result);
    if (e->end_error != NULL)
        msg_unref(&w->msgs, e->end_error);
    mem_free(e->cancel_reason);
    mem_free(e->stop_reason);
    __atomic_store_n(&c->ext, NULL, __ATOMIC_RELAXED);
    slab_free(&w->exts, e);
}

static const char *table_label(const struct table *t)
{
    if (t == NULL)
        return "body";
    return t->def->name != NULL ? t->def->name : "behaviour";
}

const char *cell_label(const struct cell *c)
{
    /* Acquire: pairs with the release in cell_ext_get, for who has seized the gate while user code runs. */
    const struct cell_ext *e = __atomic_load_n(&c->ext, __ATOMIC_ACQUIRE);
    const char *name = e != NULL ? e->name : NULL;
    return name != NULL ? name : table_label(c->table);
}

static const char *cell_label_far(const struct cell *c)
{
    return table_label(__atomic_load_n(&c->table, __ATOMIC_RELAXED));
}

const char *cell_label_any(const struct worker *w, const struct cell *c)
{
    return cell_is_here(w, c) ? cell_label(c) : cell_label_far(c);
}

static const char *text_of(const char *label, const struct cell *c, char buf[CELL_TEXT_MAX])
{
    char addr[TR_ADDR_TEXT_MAX];
    snprintf(buf, CELL_TEXT_MAX, "%.64s %s", label, tr_addr_text(cell_addr(c), addr));
    return buf;
}

const char *cell_text(const struct cell *c, char buf[CELL_TEXT_MAX])
{
    return text_of(cell_label(c), c, buf);
}

const char *cell_text_any(const struct worker *w, const struct cell *c, char buf[CELL_TEXT_MAX])
{
    return text_of(cell_label_any(w, c), c, buf);
}

const char *cell_text_far(const struct cell *c, char buf[CELL_TEXT_MAX])
{
    return text_of(cell_label_far(c), c, buf);
}
