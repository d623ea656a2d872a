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
    struct crew crew;
    struct sched *sched[WORKERS_MAX]; /* of them world.workers; the first is the thread's that runs the node */
    pthread_t thread[WORKERS_MAX];    /* of the others, while threads is true */
    bool threads;
    pthread_mutex_t door; /* guards entered, asks and what is in them */
    atomic_bool closed;   /* threads are turned away */
    bool entered;         /* a thread runs it, or has: others must not touch the worker any more */
    struct list asks;     /* struct thread_ask.link: threads that wait */
    uint64_t asker;       /* asks on behalf of threads */
    char name[64];
    struct tr_node *next; /* in debug mode's list of all nodes */
    struct kit kit;
};

/* The worker whose thread this is; before the node runs: the first. NULL: neither. */
struct worker *node_worker_here(const tr_node *node);

/* Makes one of the runtime's own actors. Thread: a worker's of it, or any before it runs. */
tr_err node_spawn_internal(tr_node *node, const tr_behaviour *behaviour, void *arg, uint64_t *id);

/* Makes the actor that asks on behalf of threads. */
tr_err node_asker_start(tr_node *node);

/* Makes an inbox's actor, from any thread. */
tr_err node_inbox_spawn(tr_node *node, struct tr_inbox *inbox, tr_addr *addr);

/* From now on threads are turned away; those that wait are told TR_ECLOSED. */
void node_door_close(tr_node *node);

/* Runs the node's first worker on this thread, and the others on theirs. */
tr_err node_enter(tr_node *node, enum loop_mode mode, int64_t budget_ms, bool *more);

/* Ends the other workers' threads. Actors stay as they are. */
void node_threads_stop(tr_node *node);

/* Runs f on each worker, of which none is at work in the runtime meanwhile, but for the calling one. held is false
 * where one could not be stopped (it is in the runtime for long: out of memory, a hook that blocks): then f may read
 * single words, and follow no pointer that the worker changes. */
void node_look(const tr_node *node, void (*f)(struct worker *w, bool held, void *ctx), void *ctx);

/* Debug mode knows all nodes, from the end of creation to the beginning of destruction; debug/nodes.c. */
void debug_node_made(tr_node *node);
void debug_node_gone(const tr_node *node);

#endif
