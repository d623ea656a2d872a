/* SPDX-License-Identifier: MIT */
/* post.h - what other threads hand to a worker: a lock-free stack of errands, taken whole
 *
 * A push is one compare-and-swap; whoever pushes onto an empty stack wakes the worker. The worker takes the stack whole
 * and turns it round, so that what one thread posts arrives in its order. */
#ifndef SCHED_POST_H
#define SCHED_POST_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/errand.h"
#include "message/message.h"

struct poller;

struct posts {
    _Atomic(struct errand *) head;
    atomic_bool closed; /* the node has stopped: threads are turned away */
};

/* Thread: any. */
void post_push(struct posts *posts, struct poller *poller, struct errand *e);

/* A message, which must be a heap block with to set, delivered by the rules of a full mailbox, where "wait" means
 * refuse. Owns: moved. Thread: any. */
void post_message(struct posts *posts, struct poller *poller, struct tr_msg *m);

/* Runs everything that has come. Returns whether there was anything. */
bool post_drain(struct worker *w, struct posts *posts);

#endif
