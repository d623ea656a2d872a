/* SPDX-License-Identifier: MIT */
/* cancel.h - whether a self is cancelled, why, and what every suspending call does about it
 *
 * A self is cancelled when its actor is, when one of its open scopes is, up to the nearest shield, or when the asker of
 * the request it handles gave up and the row says that this matters. It is a state, not an event: every suspending call
 * looks at it, before and after. */
#ifndef ACTOR_CANCEL_H
#define ACTOR_CANCEL_H

#include "actor/worker.h"

bool self_is_canceled_slow(const struct tr_self *self);
const char *self_cancel_reason(const struct tr_self *self);

static inline bool self_is_canceled(const struct tr_self *self)
{
    if (!(self->cell->run.flags & CELL_CANCELED) && self->scope == NULL && !(self->run.flags & SELF_ASKER_GONE))
        return false;
    return self_is_canceled_slow(self);
}

/* At the head of a suspending call: TR_ESTATE if self is not the one that runs, TR_ECANCELED if it is cancelled. A
 * cancelled actor that goes on calling is made to yield, then reported, then killed (this does not return). phase: the
 * call's name. */
tr_err self_enter_slow(struct tr_self *self, const char *phase);

static inline tr_err self_enter(struct tr_self *self, const char *phase)
{
    if (!self_is_current(self) || self_is_canceled(self))
        return self_enter_slow(self, phase);
    self->ignored = 0;
    return TR_OK;
}

/* Before and after a suspension: clears SELF_WOKEN and SELF_TIMED_OUT, arms the self's timer for the deadline
 * (INT64_MAX: none; it sets SELF_TIMED_OUT and wakes), and undoes it. Errors: TR_ENOMEM. */
tr_err self_wait_begin(struct tr_self *self, int64_t deadline);
void self_wait_end(struct tr_self *self);

/* The deadline of its wait has come. */
void self_timed_out(struct worker *w, struct tr_self *self);

/* Suspends until SELF_WOKEN (then woken_err), the deadline (TR_ETIMEDOUT), or a cancel (TR_ECANCELED). self->wait must
 * be set. No words. */
tr_err self_wait_woken(struct tr_self *self, int64_t deadline);

/* Wakes every stack of an actor, to look at its flags. */
void cell_wake_stacks(struct worker *w, struct cell *c);

/* Wherever it is. id: its address, since the slot of one elsewhere may be another's by now. Errors: TR_ENOMEM, for one
 * elsewhere. */
tr_err cell_cancel(struct worker *w, struct cell *c, uint64_t id, const char *reason);

/* Marks an actor for its end by kill: all its stacks are abandoned. Must not be the running one's own. Errors: as
 * cell_cancel. */
tr_err cell_kill(struct worker *w, struct cell *c, uint64_t id, const char *reason);

/* All children of an owner. */
void owner_cancel_children(struct worker *w, struct owner *o, const char *reason);
void owner_kill_children(struct worker *w, struct owner *o, const char *reason);

/* Suspends until an owner has no children; cancels do not end it. After grace_ns (from now, INT64_MAX: never) they are
 * killed. Errors: TR_ENOMEM (they are still there); TR_EDEADLK (they are not, but this wait was part of a cycle over
 * several workers, and was broken by a cancel). */
tr_err owner_wait(struct tr_self *self, struct owner *o, int64_t grace_deadline);

#endif
