/* SPDX-License-Identifier: MIT */
/* note.c - what the runtime says to an actor that user code may hear of: its asker gave up */
#include "actor/note.h"

#include "actor/ask.h"
#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/mailbox.h"
#include "actor/signal.h"
#include "actor/table.h"

static bool is_request_of(const struct tr_msg *m, const struct ask *ask, uint64_t seq)
{
    return m != NULL && (m->flags & MSG_OWED) && m->ask == ask && m->ask_seq == seq;
}

static bool is_to_cancel(const struct tr_self *s, const struct ask *ask, uint64_t seq)
{
    return is_request_of(s->received, ask, seq) && s->row != NULL && (s->row->flags & TR_CANCELS);
}

/* The handler may also be the one that runs: it has just ended its asker. */
static void note_stacks(struct worker *w, struct cell *c, const struct ask *ask, uint64_t seq)
{
    for (struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        if (is_to_cancel(s, ask, seq)) {
            s->run.flags |= SELF_ASKER_GONE;
            worker_wake(w, s);
        }
    if (w->self->cell == c && is_to_cancel(w->self, ask, seq))
        w->self->run.flags |= SELF_ASKER_GONE;
}

/* A note goes through the mailbox, so that on_cancel is called like any handler; it holds the kept request. */
static void note_kept(struct worker *w, struct cell *c, struct tr_msg *kept)
{
    const struct row *row = c->table != NULL ? table_find(c->table, kept) : NULL;
    if (row == NULL || row->def->on_cancel == NULL)
        return;
    struct tr_msg *note = msg_share(&w->msgs, kept);
    if (note == NULL)
        return; /* the request stays kept, and is seen to be dead when it is answered */
    note->kind = MSG_GONE;
    note->flags |= MSG_UNCOUNTED;
    note->source = msg_ref(kept);
    mailbox_put(w, c, note);
}

static void note_cell(struct worker *w, struct cell *c, const struct ask *ask, uint64_t seq)
{
    note_stacks(w, c, ask, seq);
    if (c->ext == NULL)
        return;
    if (c->ext->start != NULL && is_request_of(c->ext->start, ask, seq))
        (void) cell_cancel(w, c, cell_id(c), "whoever started it gave up before it was ready");
    for (struct tr_msg *m = c->ext->kept; m != NULL; m = m->next)
        if (is_request_of(m, ask, seq)) {
            note_kept(w, c, m);
            return;
        }
}

/* Runs at the home of the holder. */
static void asker_gone(struct worker *w, struct errand *e)
{
    bool moved;
    struct signal *s = signal_of(e);
    struct cell *c = signal_target(w, s, &moved);
    if (moved)
        return;
    if (c != NULL)
        note_cell(w, c, s->ask, s->ask_seq);
    signal_free(w, s);
}

static void note_elsewhere(struct worker *w, const struct ask *ask, uint64_t seq, uint64_t holder)
{
    struct signal *s = signal_new(w, asker_gone, holder, NULL);
    if (s == NULL)
        return; /* the request is seen to be dead when it is answered */
    s->ask = (struct ask *) ask;
    s->ask_seq = seq;
    signal_send(w, s);
}

void note_asker_gone(struct worker *w, const struct ask *ask, uint64_t seq, uint64_t holder)
{
    gate_enter(&w->gate);
    struct cell *c = cell_at(&w->world->cells, holder);
    if (c != NULL && !cell_is_here(w, c))
        note_elsewhere(w, ask, seq, holder);
    else if (c != NULL && cell_is_ours(w, c, holder))
        note_cell(w, c, ask, seq);
    gate_leave(&w->gate);
}
