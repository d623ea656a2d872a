/* SPDX-License-Identifier: MIT */
/* hand.h - messages handed on as they are, and grants that come back
 *
 * A grant is an answer that stands for something there is only once: an item, a lock, permits. It is read (the asker's
 * call returns TR_OK with it, and goes on in the same turn) or it comes back to who gave it, as a message that this one
 * has from itself: when it came after the asker had given up, and when the asker ended with it unread. So each grant
 * has exactly one of two ends, whatever deadline, cancel or kill comes between.
 *
 * What is held for longer than a turn is claimed first (hold_take). */
#ifndef SHARE_HAND_H
#define SHARE_HAND_H

#include <troupe/share.h>

#include "actor/ask.h"

/* A timeout for asks whose end is always told: no limit of their own, and no 30 s either. */
#define HAND_FOREVER_MS INT64_C(3000000000000)

/* A timeout of 0 means what is there now, which only the one who is asked knows: it is told, and answers at once. */
static inline int64_t hand_timeout(int64_t timeout_ms)
{
    return timeout_ms <= 0 ? HAND_FOREVER_MS : timeout_ms;
}

/* ---- the giver's side ---- */

/* Answers a request that is owed with m's tag and values, which are not copied. Errors: TR_ENOMEM, and then it is still
 * owed. */
tr_err hand_over(struct tr_self *self, const tr_msg *request, const tr_msg *m);

/* The same as a grant; m must have a tag. */
tr_err hand_grant(struct tr_self *self, const tr_msg *request, const tr_msg *m);

/* A grant "share.grant" n; and an answer of that kind that does not come back. */
tr_err hand_grant_number(struct tr_self *self, const tr_msg *request, int64_t n);
tr_err hand_number(struct tr_self *self, const tr_msg *request, int64_t n);

/* Answers a kept request and lets it go; *request becomes NULL. NULL in *request is fine. */
void hand_error(struct tr_self *self, tr_msg **request, tr_err err, const char *text, const char *phase,
                const char *actor);

/* Whether a message is a grant of this actor's that came back. */
static inline bool hand_is_back(struct tr_self *self, const tr_msg *m)
{
    return m->from.actor == cell_id(self->cell) && m->from.node == 0;
}

/* ---- the taker's side ---- */

/* Gives the last reply, a grant, back to who gave it. Needs no memory. */
void hand_back(struct tr_self *self);

/* A call that asks, and gives its caller no message, leaves the caller's last reply where it was: it is kept meanwhile
 * (should the actor end), and put back. False: out of memory, in words. */
bool hand_save(struct tr_self *self, tr_msg **saved, const char *phase);
void hand_restore(struct tr_self *self, tr_msg *saved);

/* Asks in this way. */
tr_err hand_ask(struct tr_self *self, tr_addr at, int64_t timeout_ms, const char *phase, const tr_value *values,
                size_t n);

/* Starts an ask of that tag that may wait, without limit of its own. place: the caller's, for debug mode. */
tr_err hand_start(struct tr_self *self, tr_addr at, const char *tag, tr_pending *pending, void *place);

/* Spawns one of the shared things with one or two numbers as its message arguments. */
tr_err share_spawn(struct tr_self *self, const tr_behaviour *what, const tr_share_opts *opts, int64_t a, int64_t b,
                   tr_addr *to);

/* Whether that is one of these; true, too, if it has ended, as far as can be seen from here. */
bool share_is(struct tr_self *self, tr_addr at, const tr_behaviour *what);

/* TR_EINVAL, in words, if that is an actor of this node but no such thing; else TR_OK. */
tr_err share_check(struct tr_self *self, tr_addr at, const tr_behaviour *what, const char *phase);

/* The tags that are the runtime's. */
#define SHARE_TAG "share."
tr_err share_check_tag(struct tr_self *self, const tr_value *values, size_t n, const char *tags, const char *phase);

/* Waits for something to hold. The claim, a request that is never answered, is open at the giver as long as this actor
 * waits or holds; "share.wait" with these values behind it is answered when it holds, "share.took" id says that the
 * answer was read, "share.done" id that it was given back. So a claim that ends says by itself what it was: one in the
 * line, one that was granted in vain, or a holder that ended. */
tr_err hold_take(struct tr_self *self, tr_addr at, int64_t timeout_ms, tr_hold *hold, const tr_msg **answer,
                 const tr_value *values, size_t n);

/* Gives it back with this word. */
void hold_end(struct tr_self *self, tr_hold *hold, const char *tag);

#endif
