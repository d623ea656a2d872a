/* SPDX-License-Identifier: MIT */
/* deadletter.h - what did not arrive: counted by reason, shown to the program's hook */
#ifndef ACTOR_DEADLETTER_H
#define ACTOR_DEADLETTER_H

#include "actor/worker.h"

/* Counts and shows m; m stays the caller's. to: whom it was for. */
void deadletter_note(struct worker *w, tr_dead_reason reason, const struct tr_msg *m, uint64_t to);

/* Lets go of a message that will not be handled: an unanswered request is answered with err, everything that user code
 * sent is noted. */
void deadletter_discard(struct worker *w, struct tr_msg *m, tr_dead_reason reason, tr_err err, const char *text);

#endif
