/* SPDX-License-Identifier: MIT */
/* hand.h - messages handed on as they are: an answer with the content of a message that came earlier */
#ifndef SHARE_HAND_H
#define SHARE_HAND_H

#include "actor/ask.h"

/* A timeout for asks whose end is always told: no limit of their own, and no 30 s either. */
#define HAND_FOREVER_MS INT64_C(3000000000000)

/* Answers a request that is owed with m's tag and values, which are not copied. Errors: TR_ENOMEM, and then it is still
 * owed. */
tr_err hand_over(struct tr_self *self, const tr_msg *request, const tr_msg *m);

/* Answers a kept request and lets it go; *request becomes NULL. NULL in *request is fine. */
void hand_error(struct tr_self *self, tr_msg **request, tr_err err, const char *text, const char *phase,
                const char *actor);

#endif
