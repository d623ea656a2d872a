/* SPDX-License-Identifier: MIT */
/* work.c - a queue of work that knows when nothing is queued and nobody works
 *
 * A taker's claim is open here as long as it waits or works (hand.h). The item stays here, too, until its taker says
 * that it is done, puts it back, or ends; if the claim ends and the answer was not read, the item stands at the head
 * again. */
#include <string.h>

#include "share/hand.h"
#include "share/stock.h"

struct work {
    struct stock stock;
    struct line working;     /* claims, and their items */
    struct line spare_items; /* a place in the queue for each item that is worked on */
    struct line joiners;
};

static tr_err work_init(tr_self *self, void *state, void *arg)
{
    struct work *w = state;
    uint32_t capacity;
    (void) arg;
    tr_err err = tr_args(tr_start_args(self), &capacity, tr_skip());
    stock_init(&w->stock, capacity);
    line_init(&w->working, &w->stock.spare);
    line_init(&w->spare_items, &w->stock.spare);
    line_init(&w->joiners, &w->stock.spare);
    return err;
}

static bool is_idle(const struct work *w)
{
    return stock_len(&w->stock) == 0 && w->working.len == 0;
}

static void joiners_tell(tr_self *self, struct work *w)
{
    struct place *joiner;
    while ((joiner = line_first(self, &w->joiners)) != NULL) {
        if (tr_reply(self, joiner->m) != TR_OK)
            hand_error(self, &joiner->m, TR_ENOMEM, "out of memory", "share.join", NULL);
        line_leave(self, &w->joiners, joiner);
    }
}

/* The places of the first item and of its taker become one. */
static void give(tr_self *self, struct work *w, struct place *taker)
{
    struct stock *s = &w->stock;
    struct place *item = list_entry(s->items.places.next, struct place, link);
    if (hand_over(self, taker->wait, item->item) != TR_OK) {
        hand_error(self, &taker->wait, TR_ENOMEM, "out of memory", "share.wait", NULL);
        line_leave(self, &s->takers, taker);
        return;
    }
    tr_drop(self, &taker->wait);
    taker->item = item->item;
    item->item = NULL;
    line_move(&s->takers, &w->working, taker, false);
    line_move(&s->items, &w->spare_items, item, false); /* where it goes when the taker puts it back */
}

/* Gives items out, and tells those who wait for something else. What is worked on may still be put back, so takers are
 * sent away only when it is done. */
static void serve(tr_self *self, struct work *w)
{
    struct stock *s = &w->stock;
    struct place *taker;
    while (s->items.len > 0 && (taker = line_first(self, &s->takers)) != NULL && taker->wait != NULL)
        give(self, w, taker);
    stock_serve_senders(self, s);
    if (!is_idle(w))
        return;
    joiners_tell(self, w);
    if (s->closed)
        line_dismiss(self, &s->takers, TR_ECLOSED, "the queue is closed, and all its work is done", "share.wait");
}

static tr_err on_room(tr_self *self, void *state, const tr_msg *m)
{
    return stock_on_room(self, &((struct work *) state)->stock, m);
}

static tr_err on_claim(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    return line_join(self, &w->stock.takers, m) != NULL ? TR_OK : tr_fail_with(self, TR_ENOMEM, "out of memory");
}

/* Whether a claim that waits would be served at once. */
static bool is_served_now(const struct work *w, const struct place *taker)
{
    const struct stock *s = &w->stock;
    return (s->closed && is_idle(w)) || (s->items.len > 0 && s->takers.places.next == &taker->link);
}

static tr_err on_wait(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    bool now;
    tr_args(m, &now);
    (void) line_first(self, &w->stock.takers); /* those that have given up leave */
    struct place *taker = line_wait(self, &w->stock.takers, m);
    if (taker == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    if (now && !is_served_now(w, taker))
        hand_error(self, &taker->wait, TR_ETIMEDOUT, "there is nothing now", "share.wait", NULL);
    serve(self, w);
    return TR_OK;
}

static tr_err on_wait_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    line_wait_gone(self, &w->stock.takers, m);
    return TR_OK;
}

static tr_err on_join(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    if (is_idle(w))
        return tr_reply(self, m);
    return line_join(self, &w->joiners, m) != NULL ? TR_OK : tr_fail_with(self, TR_ENOMEM, "out of memory");
}

static tr_err on_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    struct place *joiner = line_find(&w->joiners, m);
    stock_on_gone(self, &w->stock, m);
    if (joiner != NULL)
        line_leave(self, &w->joiners, joiner);
    return TR_OK;
}

static tr_err on_took(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    (void) self;
    struct place *place = line_find_claim(&w->working, m);
    if (place != NULL)
        place->took = true;
    return TR_OK;
}

static void finish(tr_self *self, struct work *w, struct place *place)
{
    line_leave(self, &w->working, place);
    line_leave(self, &w->spare_items, list_entry(w->spare_items.places.next, struct place, link));
    serve(self, w);
}

static void put_back(tr_self *self, struct work *w, struct place *place, bool first)
{
    struct place *item = list_entry(w->spare_items.places.next, struct place, link);
    item->item = place->item;
    place->item = NULL;
    line_leave(self, &w->working, place);
    line_move(&w->spare_items, &w->stock.items, item, first);
    serve(self, w);
}

static tr_err on_done(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    struct place *place = line_find_claim(&w->working, m);
    if (place != NULL && strcmp(tr_tag(m), "share.again") == 0)
        put_back(self, w, place, false);
    else if (place != NULL)
        finish(self, w, place);
    return TR_OK;
}

/* A taker left the line, or one that had an item ended: without having seen it, or with it, which finishes it. */
static tr_err on_claim_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    struct place *place = line_find(&w->working, m);
    if (place != NULL && place->took)
        finish(self, w, place);
    else if (place != NULL)
        put_back(self, w, place, true);
    stock_on_gone(self, &w->stock, m);
    serve(self, w);
    return TR_OK;
}

static tr_err on_room_back(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    if (!stock_on_room_back(self, &w->stock, m))
        return TR_EUNKNOWN;
    serve(self, w);
    return TR_OK;
}

static tr_err on_item(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    if (tr_is_request(m))
        return tr_fail_with(self, TR_EUNKNOWN, "a work queue is used with tr_work_put and tr_work_take");
    tr_err err = stock_on_item(self, &w->stock, m);
    serve(self, w);
    return err;
}

static tr_err on_close(tr_self *self, void *state, const tr_msg *m)
{
    struct work *w = state;
    (void) m;
    stock_close(self, &w->stock);
    serve(self, w);
    return TR_OK;
}

static const tr_handler handlers[] = {
    { "share.room", "now:bool", "n:int", on_room, "answered when an item may be put in, which is to follow", 0,
      on_gone },
    { "share.claim", "", NULL, on_claim, "never answered: open as long as an item is wanted or worked on", 0,
      on_claim_gone },
    { "share.wait", "now:bool", "...", on_wait, "the oldest item, for the claim before it", 0, on_wait_gone },
    { "share.took", "claim:uint, number:uint", NULL, on_took, "the answer was read", 0, NULL },
    { "share.done", "claim:uint, number:uint", NULL, on_done, "it is done", 0, NULL },
    { "share.again", "claim:uint, number:uint", NULL, on_done, "it is not: queue it again", 0, NULL },
    { "share.join", "", "", on_join, "answered when nothing is queued and nobody works", 0, on_gone },
    { "share.close", "", NULL, on_close, "nothing more comes", 0, NULL },
    { "share.grant", "n:int", NULL, on_room_back, "the actor's own: room that nobody used", 0, NULL },
    { 0 },
};
static const tr_behaviour work = {
    .name = "work queue", .state_size = sizeof(struct work), .handlers = handlers, .init = work_init, .other = on_item
};

/* ---- public ---- */

tr_err tr_work_create(tr_self *self, uint32_t capacity, const tr_share_opts *opts, tr_addr *to)
{
    if (capacity > TR_CHANNEL_MAX)
        return tr_fail_with(self, TR_EINVAL, "a work queue's capacity is at most %d", TR_CHANNEL_MAX);
    return share_spawn(self, &work, opts, capacity > 0 ? capacity : TR_CHANNEL_MAX, 0, to);
}

tr_err tr_work_put_values(tr_self *self, tr_addr at, int64_t timeout_ms, const tr_value *values, size_t n)
{
    tr_err err = share_check(self, at, &work, "work");
    return err == TR_OK ? stock_put(self, at, timeout_ms, "work", values, n) : err;
}

tr_err tr_work_take_for(tr_self *self, tr_addr at, int64_t timeout_ms, tr_hold *hold, const tr_msg **item)
{
    tr_err err = share_check(self, at, &work, "work");
    return err == TR_OK ? hold_take(self, at, timeout_ms == 0 ? TR_FOREVER : timeout_ms, hold, item,
                                    TR_VALUES("share.wait", tr_bool(timeout_ms == 0)))
                        : err;
}

void tr_work_again(tr_self *self, tr_hold *hold)
{
    hold_end(self, hold, "share.again");
}

tr_err tr_work_join_for(tr_self *self, tr_addr at, int64_t timeout_ms)
{
    tr_err err = share_check(self, at, &work, "work");
    return err == TR_OK ? hand_ask(self, at, timeout_ms, "work", TR_VALUES("share.join")) : err;
}

tr_err tr_work_close(tr_self *self, tr_addr at)
{
    tr_err err = share_check(self, at, &work, "work");
    return err == TR_OK ? tr_try_send(self, at, "share.close") : err;
}
