/* SPDX-License-Identifier: MIT */
/* post.h - messages from threads that are no actors: a lock-free stack, taken whole
 *
 * A push is one compare-and-swap; whoever pushes onto an empty stack wakes the worker. The worker takes the stack whole
 * and turns it round, so that what one thread posts arrives in its order. */
#ifndef SCHED_POST_H
#define SCHED_POST_H

#include <stdatomic.h>
#include <stdbool.h>

#include "message/message.h"

struct worker;
struct poller;

struct posts {
    _Atomic(struct tr_msg *) head; /* by next; each a heap block, with to set */
    atomic_bool closed;            /* the node has stopped: nothing more is taken */
};

/* m must be a heap block with to set. Owns: moved. Thread: any. */
void post_push(struct posts *posts, struct poller *poller, struct tr_msg *m);

/* Delivers everything that has come. Returns whether there was anything. */
bool post_drain(struct worker *w, struct posts *posts);

#endif
