/* SPDX-License-Identifier: MIT */
/* tick.h - timers that are messages, and sleeping */
#ifndef ACTOR_TICK_H
#define ACTOR_TICK_H

#include "actor/worker.h"

size_t tick_size(void);

/* A tick message is about to be seen: false if its timer was stopped. Sets missed, lets the next come. */
bool tick_taken(struct worker *w, struct tr_msg *m);

/* Whether tick_taken would say true. */
bool tick_is_current(const struct tr_msg *m);

/* All timers of an actor. */
void tick_release_all(struct worker *w, struct cell *c);

#endif
