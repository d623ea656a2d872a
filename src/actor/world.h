/* SPDX-License-Identifier: MIT */
/* world.h - what all workers of a node share: the table of actors, names, hooks, limits */
#ifndef ACTOR_WORLD_H
#define ACTOR_WORLD_H

#include <pthread.h>
#include <troupe/node.h>

#include "actor/cell.h"
#include "actor/fd_claim.h"
#include "actor/debug.h"
#include "actor/owner.h"
#include "base/helpers.h"
#include "base/log.h"

#define WORKERS_MAX 64

struct world {
    struct cell_table cells;
    struct worker *worker[WORKERS_MAX];
    unsigned workers;
    atomic_uint_fast64_t hungry; /* bit i: worker i has nothing to do */
    pthread_mutex_t names_lock;  /* names and name strings: also read by the ticker and by foreign threads */
    void *names;                 /* tsearch(3) tree of struct name */
    pthread_mutex_t tables_lock;
    void *tables;               /* tsearch(3) tree of struct table, by behaviour */
    pthread_mutex_t hooks_lock; /* with several workers: the program's hooks are called one at a time */
    struct log log;
    tr_node_opts opts; /* defaults filled in */
    struct helpers work, name_helpers,
        reapers; /* threads for tr_offload, for looking names up, for stopping children */
    atomic_bool stopping;
    atomic_bool stop_killed; /* somebody did not end within a grace of the stop */
    struct watch *watch;     /* NULL; in tests: sees messages on their way (actor/watch.h) */
    uint64_t told_elsewhere; /* the actor whose failure goes to the hook alone: tr_main tells of its own */
    struct tr_node *node;
    struct fd_claims fd_claims;
    struct depots *depots; /* where workers' pools meet; NULL with one worker */
    struct debug debug;
};

static inline bool world_is_stopping(const struct world *world)
{
    return atomic_load_explicit(&world->stopping, memory_order_relaxed);
}

/* Somebody is killed because the node's grace is over. If that is part of a stop, the run says so; a scope's own grace
 * is the program's business. */
static inline void world_grace_over(struct world *world)
{
    if (world_is_stopping(world))
        atomic_store_explicit(&world->stop_killed, true, memory_order_relaxed);
}

/* Around the program's hooks. */
static inline void world_hooks_lock(struct world *world)
{
    if (world->workers > 1)
        pthread_mutex_lock(&world->hooks_lock);
}

static inline void world_hooks_unlock(struct world *world)
{
    if (world->workers > 1)
        pthread_mutex_unlock(&world->hooks_lock);
}

/* Actors that have not ended, the runtime's own not counted. Exact when it is 0; else of a moment that has passed.
 * Thread: any. */
size_t world_live(const struct world *world);

#endif
