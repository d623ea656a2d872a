/* SPDX-License-Identifier: MIT */
/* node.c - making a node, running it, taking it down, counting in it */
#include "node/node.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/mailbox.h"
#include "actor/offload.h"
#include "actor/registry.h"
#include "actor/spawn.h"
#include "actor/table.h"
#include "base/alloc.h"
#include "base/sanitizer.h"
#include "base/sys.h"
#include "node/overflow.h"

#define STOP_GRACE_MS 5000
#define SLOW_HANDLER_MS 50

/* Processors that this process may use. */
static unsigned cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned) n;
}

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
    if (o->workers == 0)
        o->workers = 1;
    if (o->workers == TR_ALL_CORES)
        o->workers = cores();
    if (o->workers > WORKERS_MAX || (o->virtual_clock && o->workers > 1))
        return TR_EINVAL;
    return o->actors_max <= CELL_MAX && o->stop_grace_ms > 0 ? TR_OK : TR_EINVAL;
}

static void log_to_hook(void *ctx, int level, const char *line)
{
    const struct world *world = ctx;
    world->opts.on_log(world->opts.ctx, (tr_log_level) level, line);
}

static void world_init(struct world *world, tr_node *node, unsigned workers)
{
    cell_table_init(&world->cells, (uint32_t) world->opts.actors_max, workers);
    world->node = node;
    world->log.level = (int) world->opts.log_level;
    world->log.ctx = world;
    world->log.write = world->opts.on_log != NULL ? log_to_hook : NULL;
    pthread_mutex_init(&world->names_lock, NULL);
    pthread_mutex_init(&world->tables_lock, NULL);
    pthread_mutex_init(&world->hooks_lock, NULL);
    fd_claims_init(&world->fd_claims);
    offload_init(world);
}

/* Makes the workers one after another; those that are there are world.workers. */
static tr_err workers_make(tr_node *n, unsigned workers)
{
    size_t size = (sizeof(struct sched) + 63) / 64 * 64;
    for (unsigned i = 0; i < workers; i++) {
        n->sched[i] = mem_alloc_aligned(64, size);
        if (n->sched[i] == NULL)
            return TR_ENOMEM;
        tr_err err = sched_init(n->sched[i], &n->crew, i);
        if (err != TR_OK) {
            mem_free(n->sched[i]);
            return err;
        }
        n->world.workers = i + 1;
    }
    return TR_OK;
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
    n->crew.world = &n->world;
    world_init(&n->world, n, filled.workers);
    pthread_mutex_init(&n->door, NULL);
    list_init(&n->asks);
    kit_init(&n->kit);
    snprintf(n->name, sizeof n->name, "%s", filled.name != NULL ? filled.name : "troupe");
    n->world.opts.name = n->name;
    err = workers_make(n, filled.workers);
    if (err == TR_OK && filled.workers > 1)
        err = depots_make(&n->world);
    if (err == TR_OK)
        err = node_asker_start(n);
    if (err != TR_OK) {
        tr_node_destroy(&n);
        return err;
    }
    if (filled.workers > 1 && !gate_prepare())
        log_line(&n->world.log, TR_LOG_WARN,
                 "membarrier(2) is not to be had here: what waits behind a long handler is not taken over by others");
    debug_node_made(n);
    *node = n;
    return TR_OK;
}

/* ---- the other workers' threads ---- */

/* Does not fail: its stack is there. */
static void *worker_main(void *sched)
{
    bool more;
    struct sched *s = sched;
    struct overflow_watch watch;
    bool report = !s->worker.world->opts.no_stack_overflow_report;
    if (report)
        overflow_watch_begin(&watch);
    (void) sched_run(s, LOOP_RUN, 0, &more);
    if (report)
        overflow_watch_end(&watch);
    return NULL;
}

/* All but the first n leave. */
static void threads_end(tr_node *node, unsigned n)
{
    crew_leave(&node->crew);
    for (unsigned i = 1; i < n; i++)
        pthread_join(node->thread[i], NULL);
    node->threads = false;
    atomic_store(&node->crew.leave, false);
}

/* All of them or none: actors may have been placed on any. */
static tr_err threads_start(tr_node *node)
{
    sigset_t all, before;
    int number = 0;
    unsigned n = 1;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the thread that runs the node */
    node->threads = true;
    while (n < node->world.workers &&
           (number = sys_thread_create(&node->thread[n], NULL, worker_main, node->sched[n])) == 0)
        n++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number == 0)
        return TR_OK;
    log_line(&node->world.log, TR_LOG_ERROR, "no thread for worker %u of %u (%s)", n, node->world.workers,
             strerror(number));
    threads_end(node, n);
    return TR_ENOMEM;
}

void node_threads_stop(tr_node *node)
{
    if (node->threads)
        threads_end(node, node->world.workers);
}

tr_err node_enter(tr_node *node, enum loop_mode mode, int64_t budget_ms, bool *more)
{
    pthread_mutex_lock(&node->door);
    node->entered = true;
    pthread_mutex_unlock(&node->door);
    const struct worker *here = sched_current();
    if (here != NULL && here->world == &node->world)
        return TR_ESTATE;
    for (unsigned i = 0; i < (node->threads ? 1 : node->world.workers); i++)
        if (!sched_prepare(node->sched[i]))
            return TR_ENOMEM;
    if (node->crew.ticker.world == NULL && !node->world.opts.virtual_clock) /* once, whether it comes to run or not */
        ticker_start(&node->crew.ticker, &node->world, node->world.opts.slow_handler_ms);
    tr_err err = node->world.workers > 1 && !node->threads ? threads_start(node) : TR_OK;
    if (err != TR_OK)
        return err;
    return sched_run(node->sched[0], mode, budget_ms, more);
}

struct worker *node_worker_here(const tr_node *node)
{
    struct worker *here = sched_current();
    if (here != NULL && here->world == &node->world)
        return here;
    return node->entered ? NULL : &node->sched[0]->worker;
}

#define LOOK_TRIES 100

void node_look(const tr_node *node, void (*f)(struct worker *w, bool held, void *ctx), void *ctx)
{
    const struct worker *here = sched_current();
    for (unsigned i = 0; i < node->world.workers; i++) {
        struct worker *w = &node->sched[i]->worker;
        bool ours = w == here || !node->threads, seized = false;
        for (int tries = 0; !ours && !seized && tries < LOOK_TRIES; tries++)
            seized = worker_seize_asleep(w) || gate_seize(&w->gate, false);
        f(w, ours || seized, ctx);
        if (seized)
            gate_release(&w->gate);
    }
}

tr_err node_spawn_internal(tr_node *node, const tr_behaviour *behaviour, void *arg, uint64_t *id)
{
    char why[128];
    struct cell *c;
    struct worker *w = node_worker_here(node);
    const tr_spawn_opts opts = { .size = sizeof opts, .behaviour = behaviour, .arg = arg };
    if (w == NULL)
        return TR_ESTATE;
    tr_err err = spawn_actor(w, &w->internal, &opts, true, &c, why, sizeof why);
    if (err == TR_OK)
        *id = cell_id(c);
    return err;
}

tr_err tr_node_spawn(tr_node *node, const tr_spawn_opts *opts, tr_addr *to)
{
    char why[192];
    struct cell *c;
    struct worker *w = sched_current();
    if (w == NULL || w->world != &node->world)
        w = &node->sched[0]->worker; /* by contract: the thread that runs the node, or any before it runs */
    if (opts->scope != NULL)
        return TR_EINVAL;
    tr_err err = spawn_actor(w, &w->root, opts, false, &c, why, sizeof why);
    if (err != TR_OK)
        log_line(&node->world.log, TR_LOG_ERROR, "tr_node_spawn: %s", why);
    else if (to != NULL)
        *to = cell_addr(c);
    return err;
}

/* With the other threads gone, this one runs all workers in turn until none has anything left to tell another. */
static void node_settle(tr_node *node)
{
    bool more, busy = node->world.workers > 1;
    while (busy) {
        busy = false;
        for (unsigned i = 0; i < node->world.workers; i++) {
            struct worker *w = &node->sched[i]->worker;
            if (atomic_load(&w->errands) != NULL || atomic_load(&w->announced) != NULL ||
                atomic_load(&w->given) != NULL || worker_has_ready(w))
                busy = sched_run(node->sched[i], LOOP_SETTLE, 0, &more) == TR_OK;
        }
    }
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
    if (err != TR_OK) /* from inside one of its own actors, or out of memory: nothing has run */
        return err;
    node_threads_stop(node);
    node_door_close(node);
    node_settle(node);
    return atomic_load_explicit(&node->world.stop_killed, memory_order_relaxed) ? TR_ETIMEDOUT : TR_OK;
}

bool tr_node_step(tr_node *node, int64_t budget_ms)
{
    bool more;
    return node_enter(node, LOOP_STEP, budget_ms, &more) == TR_OK && more;
}

int tr_node_fd(tr_node *node)
{
    return node->sched[0]->poller.epoll_fd;
}

bool tr_node_is_done(const tr_node *node)
{
    return sched_is_done(node->sched[0]);
}

void tr_node_stop(tr_node *node, const char *reason)
{
    crew_stop(&node->crew, reason);
}

/* Kills, or cancels, whoever is left, and runs their ends. */
static void bury_owned(tr_node *node, bool internal)
{
    bool more, left = true;
    while (left) {
        left = false;
        for (unsigned i = 0; i < node->world.workers; i++) {
            struct worker *w = &node->sched[i]->worker;
            struct owner *o = internal ? &w->internal : &w->root;
            left = left || o->count > 0;
            if (internal)
                owner_cancel_children(w, o, "its node was destroyed");
            else
                owner_kill_children(w, o, "its node was destroyed");
            if (sched_run(node->sched[i], LOOP_SETTLE, 0, &more) != TR_OK)
                return;
        }
        node_settle(node);
    }
}

/* What was pushed to the dead, and nobody has looked at. */
static void inboxes_empty(tr_node *node)
{
    struct cell_table *t = &node->world.cells;
    for (uint32_t slot = 0; slot < t->used; slot++) {
        struct cell *c = &atomic_load(&t->chunk[slot / CELL_CHUNK])[slot % CELL_CHUNK];
        if (atomic_load(&c->inbox) != 0)
            mailbox_take_over(node->world.worker[cell_home(c)], c);
    }
    node_settle(node);
}

void tr_node_destroy(tr_node **node)
{
    tr_node *n = *node;
    if (n == NULL)
        return;
    debug_node_gone(n);
    node_threads_stop(n);
    node_door_close(n);
    atomic_store(&n->world.stopping, true);
    bury_owned(n, false);
    bury_owned(n, true);
    inboxes_empty(n);
    ticker_stop(&n->crew.ticker);
    offload_fini(&n->world); /* before the last errands are run: these may be among them */
    for (unsigned i = 0; i < n->world.workers; i++) {
        (void) post_drain(&n->sched[i]->worker);
        owner_fini(&n->sched[i]->worker, &n->sched[i]->worker.root);
    }
    kit_fini(&n->kit);
    for (unsigned i = 0; i < n->world.workers; i++) {
        sched_fini(n->sched[i]);
        mem_free(n->sched[i]);
    }
    depots_free(&n->world);
    registry_fini(&n->world);
    table_free_all(&n->world);
    cell_table_fini(&n->world.cells);
    pthread_mutex_destroy(&n->world.names_lock);
    pthread_mutex_destroy(&n->world.tables_lock);
    pthread_mutex_destroy(&n->world.hooks_lock);
    fd_claims_fini(&n->world.fd_claims);
    pthread_mutex_destroy(&n->door);
    mem_free(n);
    *node = NULL;
}

unsigned tr_node_workers(const tr_node *node)
{
    return node->world.workers;
}

/* User code may be at its timers and stacks beside us: each figure is one word, of now or of just before. */
SANITIZER_MAY_RACE static void stats_add(struct worker *w, bool held, void *ctx)
{
    (void) held;
    tr_node_stats *stats = ctx;
    stats->stacks += w->stacks.in_use - (w->idle_loop != NULL);
    stats->stacks_pooled += w->stacks.idle_len;
    stats->timers += w->timers.len - w->timers_lazy;
    stats->pending_asks += (size_t) slab_live(&w->asks);
    stats->fds += w->fd_waits;
    stats->blocks += msg_pool_live(&w->msgs);
    stats->messages += w->messages;
    stats->turns += w->turns;
    stats->moved += w->moved;
    stats->spawned += atomic_load_explicit(&w->spawned, memory_order_relaxed);
    for (int i = 0; i < TR_DEAD_REASONS; i++)
        stats->dead[i] += w->dead[i];
}

void tr_node_stats_get(const tr_node *node, tr_node_stats *stats)
{
    size_t size = stats->size;
    if (size != sizeof *stats)
        return;
    *stats = (tr_node_stats){ .size = size, .actors = world_live(&node->world) };
    node_look(node, stats_add, stats);
    stats->stacks_pooled += depots_stacks(&node->world);
}
