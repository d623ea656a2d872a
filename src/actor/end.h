/* SPDX-License-Identifier: MIT */
/* end.h - how an actor ends
 *
 * Always in this order, each step once, whatever brought it on: the mailbox is closed; what is owed and queued is
 * answered; names are released; the owned are cancelled and waited for, then killed; fini and defers run; memory goes;
 * then owner, joiners and waiters are told. Steps that wait do so on a stack that works for the actor (SELF_ENDING). */
#ifndef ACTOR_END_H
#define ACTOR_END_H

#include "actor/worker.h"

/* Runs the whole end of self's actor; error (moves in) may be NULL. When it returns, the actor is gone and self->cell
 * is NULL. */
void actor_end(struct tr_self *self, tr_err err, struct tr_msg *error);

/* Leaves an actor to be ended at its next turn. error moves in. */
void end_mark(struct worker *w, struct cell *c, tr_err err, struct tr_msg *error);

/* The words of an end that was marked, or NULL; the caller's. */
struct tr_msg *end_error_take(struct cell *c);

/* Ends self's actor from inside a call: the stack is abandoned. error moves in. */
void end_self(struct tr_self *self, tr_err err, struct tr_msg *error) __attribute__((noreturn));

/* Takes all suspended stacks away from an actor; what they held is released by its end. */
void end_abandon_stacks(struct worker *w, struct cell *c);

#endif
