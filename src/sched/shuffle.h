/* SPDX-License-Identifier: MIT */
/* shuffle.h - another order in which actors might have run, for tests
 *
 * What one turn made ready keeps its order (docs/semantics.md, S13.7); how that is mixed with what others made ready is
 * drawn. What became ready outside of any turn (times, descriptors, other threads) is drawn one by one. */
#ifndef SCHED_SHUFFLE_H
#define SCHED_SHUFFLE_H

struct worker;

/* Moves w's batch, which a turn made ready, into front: as a whole in order, between what stands there as drawn from
 * w->shuffle. */
void shuffle_batch(struct worker *w);

/* The same for a batch that no turn made: each has a place of its own. */
void shuffle_each(struct worker *w);

#endif
