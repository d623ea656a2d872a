/* SPDX-License-Identifier: MIT */
/* node.c - making a node, running it, taking it down, counting in it */
#include "node/node.h"

#include <string.h>

#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/registry.h"
#include "actor/spawn.h"
#include "actor/table.h"
#include "base/alloc.h"
#include "node/overflow.h"

#define STOP_GRACE_MS 5000
#define SLOW_HANDLER_MS 50

/* Drops fields that this library does not know yet, and fills in defaults. */
static tr_err opts_fill(tr_node_opts *o, const tr_node_opts *given)
{
    *o = (tr_node_opts){ .size = sizeof *o };
    if (given != NULL && given->size != sizeof *o)
        return TR_EINVAL;
    if (given != NULL)
        *o = *given;
    if (o->stack_size == 0)
        o->stack_size = STACK_SIZE_DEFAULT;
    if (o->actors_max == 0)
        o->actors_max = CELL_MAX;
    if (o->stop_grace_ms == 0)
        o->stop_grace_ms = STOP_GRACE_MS;
    if (o->slow_handler_ms == 0)
        o->slow_handler_ms = SLOW_HANDLER_MS;
    if (o->log_level == 0)
        o->log_level = TR_LOG_WARN;
    return o->actors_max <= CELL_MAX && o->stop_grace_ms > 0 ? TR_OK : TR_EINVAL;
}

static void log_to_hook(void *ctx, int level, const char *line)
{
    const struct world *world = ctx;
    world->opts.on_log(world->opts.ctx, (tr_log_level) level, line);
}

static void world_init(struct world *world, tr_node *node)
{
    world->cells.max = (uint32_t) world->opts.actors_max;
    world->node = node;
    world->log.level = (int) world->opts.log_level;
    world->log.ctx = world;
    world->log.write = world->opts.on_log != NULL ? log_to_hook : NULL;
    pthread_mutex_init(&world->names_lock, NULL);
    random_seed(&world->random, 0);
    owner_init(&world->root, NULL, NULL);
}

tr_err tr_node_create(const tr_node_opts *opts, tr_node **node)
{
    tr_node_opts filled;
    tr_err err = opts_fill(&filled, opts);
    if (err != TR_OK)
        return err;
    tr_node *n = mem_alloc_aligned(64, (sizeof *n + 63) / 64 * 64);
    if (n == NULL)
        return TR_ENOMEM;
    memset(n, 0, sizeof *n);
    n->world.opts = filled;
    err = sched_init(&n->sched, &n->world);
    if (err != TR_OK) {
        mem_free(n);
        return err;
    }
    world_init(&n->world, n);
    owner_init(&n->internal, NULL, NULL);
    pthread_mutex_init(&n->door, NULL);
    list_init(&n->asks);
    kit_init(&n->kit);
    snprintf(n->name, sizeof n->name, "%s", filled.name != NULL ? filled.name : "troupe");
    n->world.opts.name = n->name;
    err = node_asker_start(n);
    if (err != TR_OK) {
        tr_node_destroy(&n);
        return err;
    }
    *node = n;
    return TR_OK;
}

tr_err node_enter(tr_node *node, enum loop_mode mode, int64_t budget_ms, bool *more)
{
    pthread_mutex_lock(&node->door);
    node->entered = true;
    pthread_mutex_unlock(&node->door);
    return sched_run(&node->sched, mode, budget_ms, more);
}

tr_err node_spawn_internal(tr_node *node, const tr_behaviour *behaviour, void *arg, uint64_t *id)
{
    char why[128];
    struct cell *c;
    const tr_spawn_opts opts = { .size = sizeof opts, .behaviour = behaviour, .arg = arg };
    tr_err err = spawn_actor(&node->sched.worker, &node->internal, &opts, true, &c, why, sizeof why);
    if (err == TR_OK)
        *id = cell_id(c);
    return err;
}

tr_err tr_node_spawn(tr_node *node, const tr_spawn_opts *opts, tr_addr *to)
{
    char why[192];
    struct cell *c;
    struct worker *w = &node->sched.worker;
    if (opts->scope != NULL)
        return TR_EINVAL;
    tr_err err = spawn_actor(w, &node->world.root, opts, false, &c, why, sizeof why);
    if (err != TR_OK)
        log_line(&node->world.log, TR_LOG_ERROR, "tr_node_spawn: %s", why);
    else if (to != NULL)
        *to = cell_addr(c);
    return err;
}

tr_err tr_node_run(tr_node *node)
{
    bool more;
    struct overflow_watch watch;
    bool report = !node->world.opts.no_stack_overflow_report;
    if (report)
        overflow_watch_begin(&watch);
    tr_err err = node_enter(node, LOOP_RUN, 0, &more);
    if (report)
        overflow_watch_end(&watch);
    node_door_close(node);
    return err == TR_OK && node->sched.stop_killed ? TR_ETIMEDOUT : err;
}

bool tr_node_step(tr_node *node, int64_t budget_ms)
{
    bool more;
    return node_enter(node, LOOP_STEP, budget_ms, &more) == TR_OK && more;
}

int tr_node_fd(tr_node *node)
{
    return node->sched.poller.epoll_fd;
}

bool tr_node_is_done(const tr_node *node)
{
    return sched_is_done(&node->sched);
}

void tr_node_stop(tr_node *node, const char *reason)
{
    sched_stop(&node->sched, reason);
}

/* Kills and buries everyone, the runtime's own last. */
static void node_bury(tr_node *node)
{
    bool more;
    struct sched *s = &node->sched;
    node->world.stopping = true;
    while (node->world.root.count > 0) {
        owner_kill_children(&s->worker, &node->world.root, "its node was destroyed");
        if (sched_run(s, LOOP_SETTLE, 0, &more) != TR_OK)
            return;
    }
    while (node->internal.count > 0) {
        owner_cancel_children(&s->worker, &node->internal, "its node was destroyed");
        if (sched_run(s, LOOP_SETTLE, 0, &more) != TR_OK)
            return;
    }
}

void tr_node_destroy(tr_node **node)
{
    tr_node *n = *node;
    if (n == NULL)
        return;
    node_door_close(n);
    node_bury(n);
    (void) post_drain(&n->sched.worker, &n->sched.posts);
    owner_fini(&n->sched.worker, &n->world.root);
    kit_fini(&n->kit);
    sched_fini(&n->sched);
    registry_fini(&n->world);
    table_free_all(&n->world);
    cell_table_fini(&n->world.cells);
    pthread_mutex_destroy(&n->world.names_lock);
    pthread_mutex_destroy(&n->door);
    mem_free(n);
    *node = NULL;
}

void tr_node_stats_get(const tr_node *node, tr_node_stats *stats)
{
    const struct worker *w = &node->sched.worker;
    size_t size = stats->size;
    if (size != sizeof *stats)
        return;
    *stats = (tr_node_stats){
        .size = size,
        .actors = node->world.live,
        .stacks = w->stacks.in_use - (w->idle_loop != NULL),
        .stacks_pooled = w->stacks.idle_len,
        .timers = w->timers.len - w->timers_lazy,
        .pending_asks = w->pending_asks,
        .fds = w->fd_waits,
        .blocks = w->msgs.live,
        .messages = w->messages,
        .spawned = node->world.spawned,
        .turns = w->turns,
    };
    memcpy(stats->dead, node->world.dead, sizeof stats->dead);
}
