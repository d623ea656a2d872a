/* SPDX-License-Identifier: MIT */
/* describe.c - the built-in request that every actor answers: what it is, and what it understands
 *
 * The reply is one map: name, doc, kind ("behaviour" or "body"), messages: an array of maps of tag, args, reply, doc.
 */
#include "actor/ask.h"
#include "actor/cell_ext.h"
#include "actor/mail.h"
#include "actor/table.h"
#include "base/alloc.h"

#define ROW_VALUES 8

static tr_value text_or_nil(const char *s)
{
    return s != NULL ? tr_str(s) : tr_nil();
}

static void row_describe(const tr_handler *h, tr_value kv[ROW_VALUES])
{
    const tr_value row[ROW_VALUES] = { tr_str("tag"),   tr_str(h->tag),
                                       tr_str("args"),  tr_str(h->args != NULL ? h->args : ""),
                                       tr_str("reply"), text_or_nil(h->reply),
                                       tr_str("doc"),   text_or_nil(h->doc) };
    for (int i = 0; i < ROW_VALUES; i++)
        kv[i] = row[i];
}

static tr_err describe_build(struct tr_self *self, tr_value *kv, tr_value *maps, struct tr_msg **reply)
{
    const char *why;
    const struct table *t = self->cell->table;
    uint32_t rows = t != NULL ? t->rows : 0;
    for (uint32_t i = 0; i < rows; i++) {
        row_describe(t->row[i].def, kv + i * ROW_VALUES);
        maps[i] = tr_mapn(kv + i * ROW_VALUES, ROW_VALUES);
    }
    const tr_value all[] = { tr_str("name"),     tr_str(cell_label(self->cell)),
                             tr_str("doc"),      text_or_nil(t != NULL ? t->def->doc : NULL),
                             tr_str("kind"),     tr_str(t != NULL ? "behaviour" : "body"),
                             tr_str("messages"), tr_arrayn(maps, rows) };
    const tr_value map = tr_mapn(all, sizeof all / sizeof all[0]);
    return msg_build(&self->worker->msgs, &map, 1, false, reply, &why);
}

void describe_answer(struct tr_self *self, struct tr_msg *m)
{
    struct tr_msg *reply;
    uint32_t rows = self->cell->table != NULL ? self->cell->table->rows : 0;
    tr_value *values = mem_alloc((rows + 1) * (ROW_VALUES + 1) * sizeof *values);
    tr_err err = values != NULL ? describe_build(self, values, values + rows * ROW_VALUES, &reply) : TR_ENOMEM;
    mem_free(values);
    if (err == TR_OK)
        ask_answer(self->worker, m, reply);
    else
        ask_answer_error(self->worker, m, err, tr_err_text(err), "describe", cell_label(self->cell));
}
