/* SPDX-License-Identifier: MIT */
/* node.h - the composition root: one world, one worker, and what stands around them */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <troupe/node.h>

#include "actor/world.h"
#include "node/kit.h"
#include "sched/sched.h"

struct tr_node {
    struct world world;
    struct sched sched;
    struct owner internal; /* owns the runtime's own actors; not part of a stop */
    pthread_mutex_t door;  /* guards entered, asks and what is in them */
    bool entered;          /* a thread runs it, or has: others must not touch the worker any more */
    struct list asks;      /* struct thread_ask.link: threads that wait */
    uint64_t asker;        /* asks on behalf of threads */
    char name[64];
    struct kit kit;
};

/* Makes one of the runtime's own actors. Thread: the one that runs the node, or any before. */
tr_err node_spawn_internal(tr_node *node, const tr_behaviour *behaviour, void *arg, uint64_t *id);

/* Makes the actor that asks on behalf of threads. */
tr_err node_asker_start(tr_node *node);

/* Makes an inbox's actor, from any thread. */
tr_err node_inbox_spawn(tr_node *node, struct tr_inbox *inbox, tr_addr *addr);

/* From now on threads are turned away; those that wait are told TR_ECLOSED. */
void node_door_close(tr_node *node);

/* Runs the node's worker on this thread. */
tr_err node_enter(tr_node *node, enum loop_mode mode, int64_t budget_ms, bool *more);

#endif
