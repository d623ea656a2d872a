/* SPDX-License-Identifier: MIT */
/* note.h - what the runtime says to an actor that user code may hear of: its asker gave up */
#ifndef ACTOR_NOTE_H
#define ACTOR_NOTE_H

#include "actor/worker.h"

struct ask;

/* The ask that had this number is closed without an answer. Whoever handles its request is cancelled if its row says
 * TR_CANCELS; whoever kept it is called at on_cancel, if its row has that. A request that is still queued is dropped
 * when it is reached. */
void note_asker_gone(struct worker *w, const struct ask *ask, uint64_t seq, uint64_t holder);

#endif
