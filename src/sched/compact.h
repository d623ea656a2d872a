/* SPDX-License-Identifier: MIT */
/* compact.h - actors that talk more than they work come together on one worker
 *
 * A message to another worker costs some 0.5 us of the two workers' time, one at home 20 ns. Where everybody talks to
 * everybody and handlers are short, crossing is most of what two workers do, and one alone is faster. So every worker
 * that is awake compares, each millisecond, what came from others with the time that has passed. While crossing costs
 * more than the other workers are worth, actors are kept: for 8 ms at first, then each time twice as long, up to
 * 256 ms, if moving was found not to pay again; or until turns have become long, whichever is sooner. To be kept means
 * - nothing is given away (but from a worker that is stuck, actors are still taken), and
 * - an idle actor that gets a message from a worker with a lower number goes there, so that all meet on one.
 *
 * Erlang has the like, and calls it compaction of load. */
#ifndef SCHED_COMPACT_H
#define SCHED_COMPACT_H

#include <stdbool.h>

#include "actor/worker.h"

/* Looks at what has been since the last time. In the gate, between turns, when the clock has just been read. */
void compact_look(struct worker *w);

/* Around a sleep: what a turn took is noted, and what was before says nothing of what comes. */
void compact_pause(struct worker *w);
void compact_restart(struct worker *w);

#endif
