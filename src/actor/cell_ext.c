/* SPDX-License-Identifier: MIT */
/* cell_ext.c - what few actors need: made on first use, gone with the actor */
#include "actor/cell_ext.h"

#include <stdio.h>
#include <string.h>

#include "actor/table.h"
#include "base/alloc.h"

struct cell_ext *cell_ext_get(struct worker *w, struct cell *c)
{
    if (c->ext != NULL)
        return c->ext;
    struct cell_ext *e = slab_alloc(&w->exts);
    if (e == NULL)
        return NULL;
    memset(e, 0, sizeof *e);
    list_init(&e->names);
    list_init(&e->ticks);
    list_init(&e->watches);
    list_init(&e->thens);
    list_init(&e->thens_done);
    list_init(&e->enders);
    list_init(&e->senders);
    c->ext = e;
    return e;
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
    c->ext = NULL;
    slab_free(&w->exts, e);
}

const char *cell_label(const struct cell *c)
{
    const char *name = c->ext != NULL ? c->ext->name : NULL;
    if (name != NULL)
        return name;
    if (c->table != NULL)
        return c->table->def->name != NULL ? c->table->def->name : "behaviour";
    return "body";
}

const char *cell_text(const struct cell *c, char buf[CELL_TEXT_MAX])
{
    char addr[TR_ADDR_TEXT_MAX];
    snprintf(buf, CELL_TEXT_MAX, "%.64s %s", cell_label(c), tr_addr_text(cell_addr(c), addr));
    return buf;
}
