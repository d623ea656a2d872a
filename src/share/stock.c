/* SPDX-License-Identifier: MIT */
/* stock.c - items between those who put them in and those who take them out */
#include "share/stock.h"

#include "actor/error.h"
#include "share/hand.h"

static const char closed_text[] = "it is closed: nothing more is put in";

void stock_init(struct stock *s, uint32_t capacity)
{
    s->capacity = capacity;
    list_init(&s->spare);
    line_init(&s->items, &s->spare);
    line_init(&s->reserved, &s->spare);
    line_init(&s->senders, &s->spare);
    line_init(&s->takers, &s->spare);
}

/* Without capacity there is room for each taker that waits and has not given up. */
static bool has_room(const struct stock *s)
{
    size_t used = stock_len(s);
    if (s->capacity > 0)
        return used < s->capacity;
    size_t takers = 0;
    list_each (l, &s->takers.places) {
        if (takers > used)
            break;
        takers += tr_is_request(list_entry(l, struct place, link)->m);
    }
    return takers > used;
}

static tr_err room_grant(tr_self *self, struct stock *s, const tr_msg *request)
{
    struct place *place = line_join(self, &s->reserved, NULL);
    if (place == NULL)
        return TR_ENOMEM;
    tr_err err = hand_grant_number(self, request, 1);
    if (err != TR_OK)
        line_leave(self, &s->reserved, place);
    return err;
}

void stock_serve_senders(tr_self *self, struct stock *s)
{
    struct place *sender;
    while (has_room(s) && (sender = line_first(self, &s->senders)) != NULL) {
        if (room_grant(self, s, sender->m) != TR_OK)
            hand_error(self, &sender->m, TR_ENOMEM, "out of memory", "share.room", NULL);
        line_leave(self, &s->senders, sender);
    }
}

tr_err stock_on_room(tr_self *self, struct stock *s, const tr_msg *m)
{
    bool now;
    tr_args(m, &now);
    if (s->closed)
        return tr_fail_with(self, TR_ECLOSED, closed_text);
    bool first = line_first(self, &s->senders) == NULL;
    if (first && has_room(s))
        return room_grant(self, s, m) == TR_OK ? TR_OK : tr_fail_with(self, TR_ENOMEM, "out of memory");
    if (now)
        return tr_fail_with(self, TR_ETIMEDOUT, "there is no room now");
    return line_join(self, &s->senders, m) != NULL ? TR_OK : tr_fail_with(self, TR_ENOMEM, "out of memory");
}

static struct place *first_of(const struct line *line)
{
    return list_entry(line->places.next, struct place, link);
}

bool stock_on_room_back(tr_self *self, struct stock *s, const tr_msg *m)
{
    if (!hand_is_back(self, m) || s->reserved.len == 0)
        return false;
    line_leave(self, &s->reserved, first_of(&s->reserved));
    return true;
}

/* Keeping takes no memory: the actor has kept the request for room. */
static tr_err item_enter(tr_self *self, struct stock *s, struct place *place, const tr_msg *m, bool first)
{
    line_move(&s->reserved, &s->items, place, first);
    place->item = tr_keep(self, m);
    if (place->item != NULL)
        return TR_OK;
    line_leave(self, &s->items, place);
    return tr_fail_with(self, TR_ENOMEM, "out of memory");
}

tr_err stock_on_item(tr_self *self, struct stock *s, const tr_msg *m)
{
    if (s->reserved.len == 0)
        return tr_fail_with(self, TR_EFULL, "an item for which no room was asked");
    return item_enter(self, s, first_of(&s->reserved), m, false);
}

tr_err stock_on_item_back(tr_self *self, struct stock *s, const tr_msg *m)
{
    struct place *place = line_join(self, &s->reserved, NULL);
    return place != NULL ? item_enter(self, s, place, m, true) : tr_fail_with(self, TR_ENOMEM, "out of memory");
}

void stock_on_gone(tr_self *self, struct stock *s, const tr_msg *m)
{
    struct line *lines[] = { &s->senders, &s->takers };
    for (size_t i = 0; i < 2; i++) {
        struct place *place = line_find(lines[i], m);
        if (place != NULL)
            line_leave(self, lines[i], place);
    }
}

void stock_close(tr_self *self, struct stock *s)
{
    s->closed = true;
    line_dismiss(self, &s->senders, TR_ECLOSED, closed_text, "share.room");
}

/* ---- the other side ---- */

static tr_err room_ask(tr_self *self, tr_addr at, int64_t timeout_ms, const char *phase)
{
    bool now = timeout_ms == 0;
    tr_err err = tr_ask_for(self, at, now ? HAND_FOREVER_MS : hand_timeout(timeout_ms), NULL, "share.room",
                            tr_bool(now));
    if (err == TR_ETIMEDOUT)
        return error_set(self, TR_EUNSENT, phase, "there was no room before the timeout: nothing was put in");
    return err;
}

tr_err stock_put(tr_self *self, tr_addr at, int64_t timeout_ms, const char *phase, const tr_value *values, size_t n)
{
    tr_msg *saved;
    tr_err err = share_check_tag(self, values, n, SHARE_TAG, phase);
    if (err != TR_OK)
        return err;
    if (!hand_save(self, &saved, phase))
        return TR_ENOMEM;
    err = room_ask(self, at, timeout_ms, phase);
    if (err == TR_OK && (err = tr_try_send_values(self, at, values, n)) != TR_OK)
        hand_back(self);
    hand_restore(self, saved);
    return err;
}
