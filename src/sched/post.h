/* SPDX-License-Identifier: MIT */
/* post.h - what other threads hand to a worker: errands, cells with something in their inbox, cells given away
 *
 * Three lock-free stacks (worker.h), each pushed onto with one compare-and-swap and taken whole. */
#ifndef SCHED_POST_H
#define SCHED_POST_H

#include <stdbool.h>

#include "base/errand.h"
#include "message/message.h"

struct worker;
struct world;

/* A message from a thread that is no worker: a heap block with to set. By the rules of a full mailbox, where "wait"
 * means refuse. Owns: moved. Thread: any. */
void post_message(struct world *world, struct tr_msg *m);

/* Takes all that has come and does it. Returns whether there was anything. */
bool post_drain(struct worker *w);

#endif
