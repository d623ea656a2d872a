/* SPDX-License-Identifier: MIT */
/* debug.c - debug mode and instruments: what is told, and in what words */
#include "actor/debug.h"

#include <stdio.h>

#include "actor/ask.h"
#include "actor/cell_ext.h"
#include "actor/mailbox.h"
#include "actor/registry.h"

static const tr_instrument *instrument_of(const struct worker *w)
{
    return atomic_load_explicit(&w->world->debug.instrument, memory_order_acquire);
}

static bool is_on(const struct world *world, unsigned flag)
{
    return (atomic_load_explicit(&world->debug.flags, memory_order_relaxed) & flag) != 0;
}

/* ---- events ---- */

void debug_turn_ends(struct worker *w)
{
    const tr_instrument *i = instrument_of(w);
    uint64_t id = w->traced_turn;
    w->traced_turn = 0;
    if (i != NULL && i->turn_ends != NULL)
        i->turn_ends(i->ctx, (tr_addr){ 0, id });
}

void debug_turn_begins(struct worker *w, const struct cell *c)
{
    const tr_instrument *i = instrument_of(w);
    if (w->traced_turn != 0)
        debug_turn_ends(w);
    if (i == NULL || (c->run.flags & CELL_INTERNAL))
        return;
    w->traced_turn = cell_id(c);
    if (i->turn_begins != NULL)
        i->turn_begins(i->ctx, cell_addr(c));
}

void debug_spawned(struct worker *w, struct cell *c)
{
    const tr_instrument *i = instrument_of(w);
    c->run.flags |= CELL_TRACED;
    if (i != NULL && i->spawned != NULL && !(c->run.flags & CELL_INTERNAL))
        i->spawned(i->ctx, cell_addr(c), cell_label(c));
}

void debug_ended(struct worker *w, const struct cell *c, tr_err err)
{
    const tr_instrument *i = instrument_of(w);
    if (w->traced_turn == cell_id(c))
        debug_turn_ends(w);
    if (i != NULL && i->ended != NULL && !(c->run.flags & CELL_INTERNAL))
        i->ended(i->ctx, cell_addr(c), err);
}

/* Told once on the way up: the message that passes three quarters of a bound. */
static void look_at_level(const struct worker *w, const struct cell *c, const struct tr_msg *m)
{
    char text[CELL_TEXT_MAX];
    uint64_t len_max = MAILBOX_LEN_MAX, bytes_max = MAILBOX_BYTES_MAX;
    if (c->run.flags & CELL_BOUNDED) {
        len_max = c->ext->len_max;
        bytes_max = c->ext->bytes_max;
    }
    uint64_t len_high = len_max - len_max / 4, bytes_high = bytes_max - bytes_max / 4;
    bool len_passed = c->len == len_high;
    bool bytes_passed = c->bytes >= bytes_high && c->bytes - m->size < bytes_high;
    if (len_passed || bytes_passed)
        log_line(&w->world->log, TR_LOG_WARN, "the mailbox of %s is three quarters full: %u messages, %u bytes",
                 cell_text(c, text), c->len, c->bytes);
}

void debug_sent(struct worker *w, const struct cell *c, const struct tr_msg *m)
{
    const tr_instrument *i = instrument_of(w);
    if (is_on(w->world, TR_DEBUG_MAILBOX))
        look_at_level(w, c, m);
    if (i != NULL && i->message_sent != NULL && !(c->run.flags & CELL_INTERNAL))
        i->message_sent(i->ctx, m, cell_addr(c));
}

void debug_taken(struct worker *w, const struct cell *c, const struct tr_msg *m)
{
    const tr_instrument *i = instrument_of(w);
    if (i != NULL && i->message_taken != NULL && !(c->run.flags & (CELL_INTERNAL | CELL_CLOSED)))
        i->message_taken(i->ctx, m, cell_addr(c));
}

void debug_timer_fires(struct worker *w, int64_t deadline)
{
    const tr_instrument *i = instrument_of(w);
    if (i != NULL && i->timer_fires != NULL)
        i->timer_fires(i->ctx, deadline, w->now);
}

/* ---- reports ---- */

/* Who is on the way out for another reason may leave things behind. */
static bool is_forced(const struct cell *c)
{
    return (c->run.flags & (CELL_CANCELED | CELL_KILLED)) || ((c->run.flags & CELL_END) && c->end_err != TR_OK);
}

void debug_asks_left(struct tr_self *self)
{
    char who[CELL_TEXT_MAX], whom[TR_ADDR_TEXT_MAX], name[64], place[256];
    struct world *world = self->worker->world;
    if (!is_on(world, TR_DEBUG_ASKS) || is_forced(self->cell))
        return;
    for (struct list *l = self->asks.next; l != &self->asks; l = l->next) {
        const struct ask *a = list_entry(l, struct ask, link);
        if (!registry_name_of(world, a->holder, name, sizeof name))
            snprintf(name, sizeof name, "actor");
        debug_place(a->ctx, place, sizeof place);
        log_line(&world->log, TR_LOG_WARN, "%s started an ask of %s %s and never collected its answer; started by %s",
                 cell_text(self->cell, who), name, tr_addr_text((tr_addr){ 0, a->holder }, whom), place);
    }
}

void debug_kept_left(struct worker *w, const struct cell *c)
{
    char text[CELL_TEXT_MAX];
    size_t n = 0;
    const struct tr_msg *oldest = c->ext->kept;
    if (!is_on(w->world, TR_DEBUG_LEFT) || is_forced(c))
        return;
    for (const struct tr_msg *m = c->ext->kept; m != NULL; m = m->next) {
        oldest = m;
        n++;
    }
    log_line(&w->world->log, TR_LOG_WARN, "%s ended with %zu messages kept and not dropped; the oldest is \"%.100s\"",
             cell_text(c, text), n, tr_tag(oldest));
}

bool debug_foreign_self(const struct tr_self *self)
{
    char text[CELL_TEXT_MAX];
    const struct world *world = self != NULL && self->worker != NULL ? self->worker->world : NULL;
    if (world == NULL || !is_on(world, TR_DEBUG_CALLS))
        return false;
    const struct cell *c = self->cell;
    log_line(
        &world->log, TR_LOG_ERROR,
        "a call with the self of %s, which does not run now: TR_ESTATE (a self is for its own actor, while it runs)",
        c != NULL ? cell_text(c, text) : "an actor that has ended, or has not begun");
    debug_log_stack(world, TR_LOG_ERROR);
    return false;
}
