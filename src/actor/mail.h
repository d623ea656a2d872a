/* SPDX-License-Identifier: MIT */
/* mail.h - which of an actor's messages user code sees: what is stale or the runtime's own is taken care of here */
#ifndef ACTOR_MAIL_H
#define ACTOR_MAIL_H

#include "actor/worker.h"

/* The next message for user code, or NULL: none. Stale ticks and dead requests are dropped, describe is answered, notes are delivered. */
struct tr_msg *mail_take(struct tr_self *self);

/* Whether mail_take would give one. */
bool mail_is_there(struct tr_self *self);

/* Answers the built-in request describe. */
void describe_answer(struct tr_self *self, struct tr_msg *m);

#endif
