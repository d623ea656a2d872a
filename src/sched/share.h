/* SPDX-License-Identifier: MIT */
/* share.h - actors that move from one worker to another
 *
 * Given: a worker with more to do than it can begin now gives half of what may move to one that has nothing, at a point
 * between turns. Robbed: from a worker that is stuck in a handler, another takes what that cannot get to. Pulled: a
 * message to an idle actor whose worker sleeps brings the actor to the sender, instead of waking the worker (1 us for
 * 50). Gathered: where talk prevails (compact.h), an idle actor goes to who talks to it. Sent off: a new actor that was
 * spawned for another worker.
 *
 * What does not move: an actor that runs or is suspended, one with timers, descriptors, started asks or living
 * children, one that somebody here waits for, one that was placed. */
#ifndef SCHED_SHARE_H
#define SCHED_SHARE_H

#include <stdbool.h>
#include <stdint.h>

struct worker;

/* Gives ready actors to hungry workers. In the gate, between turns. */
void share_out(struct worker *w);

/* A turn has made several ready, and somebody has nothing to do: if what is ready here is worth waking another worker,
 * it is given at the next look up, not at the next tick. In the gate. */
void share_offer(struct worker *w);

/* Takes what was given to it into its run queue. Returns whether there was anything. */
bool share_receive(struct worker *w);

/* This worker has nothing to do: says so to those that have. */
void share_ask(struct worker *w);

/* Waits a little for something to be handed over, while others are at work. Whether attention is called. */
bool share_linger(const struct worker *w, int64_t for_ns);

/* It has something to do. */
void share_fed(struct worker *w);

/* Takes what may move from w->victim, which is stuck. */
void share_rob(struct worker *w);

/* For the ticker: sends a hungry worker to rob a stuck one. Thread: any. */
void share_help(struct worker *stuck);

#endif
