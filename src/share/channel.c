/* SPDX-License-Identifier: MIT */
/* channel.c - a bounded queue between any number of senders and receivers
 *
 * A message goes out as a grant: it was read, or it comes back here and stands at the head again (hand.h). */
#include "actor/deadletter.h"
#include "share/hand.h"
#include "share/stock.h"

struct channel {
    struct stock stock;
    bool abandoned;
};

static tr_err channel_init(tr_self *self, void *state, void *arg)
{
    struct channel *c = state;
    uint32_t capacity;
    (void) arg;
    tr_err err = tr_args(tr_start_args(self), &capacity, tr_skip());
    stock_init(&c->stock, capacity);
    return err;
}

static void serve(tr_self *self, struct channel *c)
{
    struct stock *s = &c->stock;
    struct place *taker, *item;
    while (s->items.len > 0 && (taker = line_first(self, &s->takers)) != NULL) {
        item = list_entry(s->items.places.next, struct place, link);
        if (hand_grant(self, taker->m, item->item) == TR_OK)
            line_leave(self, &s->items, item);
        else
            hand_error(self, &taker->m, TR_ENOMEM, "out of memory", "share.next", NULL);
        line_leave(self, &s->takers, taker);
    }
    if (s->closed && stock_len(s) == 0)
        line_dismiss(self, &s->takers, TR_ECLOSED, "the channel is closed, and all was taken", "share.next");
    stock_serve_senders(self, s);
}

static tr_err on_room(tr_self *self, void *state, const tr_msg *m)
{
    return stock_on_room(self, &((struct channel *) state)->stock, m);
}

static tr_err on_next(tr_self *self, void *state, const tr_msg *m)
{
    struct channel *c = state;
    struct stock *s = &c->stock;
    bool now;
    tr_args(m, &now);
    if (now && !(s->closed && stock_len(s) == 0) && (s->items.len == 0 || line_first(self, &s->takers) != NULL))
        return tr_fail_with(self, TR_ETIMEDOUT, "there is nothing now");
    if (line_join(self, &s->takers, m) == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    serve(self, c);
    return TR_OK;
}

static tr_err on_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct channel *c = state;
    stock_on_gone(self, &c->stock, m);
    return TR_OK;
}

static tr_err on_room_back(tr_self *self, void *state, const tr_msg *m)
{
    struct channel *c = state;
    if (!stock_on_room_back(self, &c->stock, m))
        return TR_EUNKNOWN;
    serve(self, c);
    return TR_OK;
}

/* An item from a sender that was given room, or one that came back unread. */
static tr_err on_item(tr_self *self, void *state, const tr_msg *m)
{
    struct channel *c = state;
    struct stock *s = &c->stock;
    bool back = hand_is_back(self, m);
    if (tr_is_request(m))
        return tr_fail_with(self, TR_EUNKNOWN, "a channel is used with tr_channel_send and tr_channel_recv");
    tr_err err = back ? stock_on_item_back(self, s, m) : stock_on_item(self, s, m);
    if (err == TR_OK && c->abandoned) {
        line_leave(self, &s->items, list_entry(s->items.places.prev, struct place, link));
        err = tr_fail_with(self, TR_ECLOSED, "nobody takes anything out of this channel any more");
    }
    serve(self, c);
    return err;
}

static tr_err on_close(tr_self *self, void *state, const tr_msg *m)
{
    struct channel *c = state;
    (void) m;
    stock_close(self, &c->stock);
    serve(self, c);
    return TR_OK;
}

static tr_err on_abandon(tr_self *self, void *state, const tr_msg *m)
{
    struct channel *c = state;
    struct stock *s = &c->stock;
    (void) m;
    c->abandoned = true;
    stock_close(self, s);
    while (s->items.len > 0) {
        struct place *item = list_entry(s->items.places.next, struct place, link);
        deadletter_note(self->worker, TR_DEAD_ENDED, item->item, tr_self_addr(self).actor);
        line_leave(self, &s->items, item);
    }
    serve(self, c);
    return TR_OK;
}

static const tr_handler handlers[] = {
    { "share.room", "now:bool", "n:int", on_room, "answered when a message may be put in, which is to follow", 0,
      on_gone },
    { "share.next", "now:bool", "...", on_next, "the oldest message", 0, on_gone },
    { "share.close", "", NULL, on_close, "nothing more comes", 0, NULL },
    { "share.abandon", "", NULL, on_abandon, "nothing more is taken", 0, NULL },
    { "share.grant", "n:int", NULL, on_room_back, "the actor's own: room that nobody used", 0, NULL },
    { 0 },
};
static const tr_behaviour channel = { .name = "channel",
                                      .state_size = sizeof(struct channel),
                                      .handlers = handlers,
                                      .init = channel_init,
                                      .other = on_item };

/* ---- public ---- */

tr_err tr_channel_create(tr_self *self, uint32_t capacity, const tr_share_opts *opts, tr_addr *to)
{
    if (capacity > TR_CHANNEL_MAX)
        return tr_fail_with(self, TR_EINVAL, "a channel's capacity is at most %d", TR_CHANNEL_MAX);
    return share_spawn(self, &channel, opts, capacity, 0, to);
}

tr_err tr_channel_send_values(tr_self *self, tr_addr at, int64_t timeout_ms, const tr_value *values, size_t n)
{
    tr_err err = share_check(self, at, &channel, "channel");
    return err == TR_OK ? stock_put(self, at, timeout_ms, "channel", values, n) : err;
}

tr_err tr_channel_recv_for(tr_self *self, tr_addr at, int64_t timeout_ms, const tr_msg **m)
{
    tr_err err = share_check(self, at, &channel, "channel");
    return err == TR_OK ? tr_ask_for(self, at, hand_timeout(timeout_ms), m, "share.next", tr_bool(timeout_ms == 0))
                        : err;
}

tr_err tr_channel_recv_start(tr_self *self, tr_addr at, tr_pending *pending)
{
    tr_err err = share_check(self, at, &channel, "channel");
    return err == TR_OK ? hand_start(self, at, "share.next", pending, __builtin_return_address(0)) : err;
}

tr_err tr_channel_close(tr_self *self, tr_addr at)
{
    tr_err err = share_check(self, at, &channel, "channel");
    return err == TR_OK ? tr_try_send(self, at, "share.close") : err;
}

tr_err tr_channel_abandon(tr_self *self, tr_addr at)
{
    tr_err err = share_check(self, at, &channel, "channel");
    return err == TR_OK ? tr_try_send(self, at, "share.abandon") : err;
}
