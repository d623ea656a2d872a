/* SPDX-License-Identifier: MIT */
/* stock.h - items between those who put them in and those who take them out: what channels and work queues have in
 * common
 *
 * Who puts an item in first asks for room ("share.room"); the answer is a grant, and the item follows it in the same
 * turn as a plain message. So giving up while waiting for room has put nothing in, and room that nobody read comes
 * back.
 *
 * Invariants: reserved has an empty place for each grant of room whose item has not come, so that an item that was let
 * in finds its place, whatever memory there is. Items stand in the order of coming; those that came back unread go to
 * the head. */
#ifndef SHARE_STOCK_H
#define SHARE_STOCK_H

#include <troupe/share.h>

#include "share/line.h"

struct stock {
    struct line items, reserved, senders, takers;
    struct list spare;
    uint32_t capacity;
    bool closed;
};

static inline size_t stock_len(const struct stock *s)
{
    return s->items.len + s->reserved.len;
}

void stock_init(struct stock *s, uint32_t capacity);

/* "share.room" now:bool. */
tr_err stock_on_room(tr_self *self, struct stock *s, const tr_msg *m);

/* The grant of it that came back. False: this is none. */
bool stock_on_room_back(tr_self *self, struct stock *s, const tr_msg *m);

/* Lets senders go on as far as there is room. */
void stock_serve_senders(tr_self *self, struct stock *s);

/* An item that was let in. Errors: TR_EFULL (it was not). */
tr_err stock_on_item(tr_self *self, struct stock *s, const tr_msg *m);

/* An item that came back. Errors: TR_ENOMEM. */
tr_err stock_on_item_back(tr_self *self, struct stock *s, const tr_msg *m);

/* A sender or a taker gave up. */
void stock_on_gone(tr_self *self, struct stock *s, const tr_msg *m);

/* Nothing more comes. */
void stock_close(tr_self *self, struct stock *s);

/* ---- the other side ---- */

tr_err stock_put(tr_self *self, tr_addr at, int64_t timeout_ms, const char *phase, const tr_value *values, size_t n);

#endif
