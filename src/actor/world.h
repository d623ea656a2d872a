/* SPDX-License-Identifier: MIT */
/* world.h - what all workers of a node share: the table of actors, names, hooks, limits */
#ifndef ACTOR_WORLD_H
#define ACTOR_WORLD_H

#include <pthread.h>
#include <troupe/node.h>

#include "actor/cell.h"
#include "actor/owner.h"
#include "base/log.h"
#include "base/random.h"

struct world {
    struct cell_table cells;
    size_t live; /* actors that have not ended, the runtime's own not counted */
    size_t live_internal;
    uint64_t spawned;
    uint64_t dead[TR_DEAD_REASONS];
    struct owner root;          /* owns what nobody else does */
    pthread_mutex_t names_lock; /* names and name strings: also read by the ticker and by foreign threads */
    void *names;                /* tsearch(3) tree of struct name */
    void *tables;               /* tsearch(3) tree of struct table, by behaviour */
    struct log log;
    tr_node_opts opts; /* defaults filled in */
    struct random random;
    bool stopping;
    struct watch *watch;     /* NULL; in tests: sees messages on their way (actor/watch.h) */
    uint64_t told_elsewhere; /* the actor whose failure goes to the hook alone: tr_main tells of its own */
    struct tr_node *node;
};

#endif
