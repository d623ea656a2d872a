/* SPDX-License-Identifier: MIT */
/* turn.h - one turn of one actor: its handlers called, or its body begun */
#ifndef ACTOR_TURN_H
#define ACTOR_TURN_H

#include "actor/worker.h"

/* Called by the loop, on its own stack, with a cell out of the run queue. When it returns, self->cell is NULL; it may
 * have been suspended and resumed meanwhile, any number of times. */
void turn_run(struct tr_self *self, struct cell *c);

/* The same for a behaviour that has started, and of which its flags say nothing else: most turns. */
void turn_run_plain(struct tr_self *self, struct cell *c);

#endif
