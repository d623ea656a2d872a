/* SPDX-License-Identifier: MIT */
/* remote.h - a message's way to an actor of another worker
 *
 * The actor's inbox is a lock-free stack: a push is one compare-and-swap, and the home takes all of it at once and
 * turns it round. Whoever pushes into an empty inbox announces the cell to its home. Before anything is put into the
 * mailbox at home the inbox is taken over, so one sender's messages keep their order whatever moves between them: the
 * proof is in docs/design/workers.md. */
#ifndef ACTOR_REMOTE_H
#define ACTOR_REMOTE_H

#include "actor/mailbox.h"
#include "actor/worker.h"

/* e: a message (run NULL, to set) or a signal. Owns: moved. Thread: any. */
void remote_push(struct world *world, struct cell *c, struct errand *e);

/* Puts a cell on its home's list of announced ones. */
void remote_announce(struct world *world, struct cell *c);

/* A cell out of this worker's list of announced ones: takes its inbox over, or sends it on to where it has moved. */
void remote_announced(struct worker *w, struct cell *c);

/* How many messages an actor elsewhere has, and their bytes as far as they are known. A guess: it changes meanwhile. */
bool remote_is_full(const struct cell *c, uint32_t size, tr_full_policy *policy);

/* Sends m to an actor of another worker by the rules of a full mailbox. Owns: *m is moved on TR_OK, else untouched.
 * Suspends, if may_wait, as mailbox_send. Errors: as mailbox_send. */
tr_err remote_send(struct tr_self *self, struct cell *c, struct tr_msg **m, int64_t deadline, int64_t patience,
                   bool may_wait);

/* The wait of such a sender for room at id is over, told or not; room reserved for it goes back. */
void remote_sender_end(struct worker *w, uint64_t id, struct sender *s);

/* Answers a sender elsewhere: room is reserved (TR_OK), or there will be none. Owns: s moves. */
struct signal;
void remote_room_tell(struct signal *s, tr_err err);

/* Cancel and kill without memory for a signal: a bit of the inbox, for the worker of the actor's owner alone, since
 * nothing says which actor of the slot is meant. */
void remote_order(struct world *world, struct cell *c, uint64_t order);

/* ---- the other way: a reply, to the worker of its ask ---- */

/* reply NULL: err without words. Owns: reply moves. */
void remote_answer(struct worker *w, struct tr_msg *m, tr_err err, struct tr_msg *reply);

/* m was handed on to that actor: tells the worker of its ask, for listings and the search for deadlocks. */
void remote_handed_on(struct worker *w, const struct tr_msg *m, uint64_t holder);

#endif
