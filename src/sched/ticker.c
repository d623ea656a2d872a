/* SPDX-License-Identifier: MIT */
/* ticker.c - a thread that says every millisecond that one has passed */
#include "sched/ticker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "actor/registry.h"
#include "actor/table.h"
#include "actor/worker.h"
#include "base/clock.h"
#include "base/sys.h"
#include "sched/share.h"

#define IDLE_TICKS_BEFORE_PARKING 20
#define STUCK_TICKS 2 /* that a turn lasts before others take over what stands behind it */

/* Of one worker. */
struct watch {
    unsigned long long turn;
    int ticks; /* that it has lasted */
    bool reported;
};

/* Of the actor only what stays readable is read here: it may end while we look. Names stand in the registry, tables
 * live as long as the node. */
static void report_slow(struct worker *w, const struct watch *watch)
{
    char name[64], addr[TR_ADDR_TEXT_MAX];
    const struct cell *c = atomic_load_explicit(&w->running, memory_order_relaxed);
    if (c == NULL)
        return;
    uint64_t id = cell_id(c);
    const struct table *table = __atomic_load_n(&c->table, __ATOMIC_RELAXED);
    if (atomic_load_explicit(&w->turns, memory_order_acquire) != watch->turn)
        return;
    if (!registry_name_of(w->world, id, name, sizeof name))
        snprintf(name, sizeof name, "%s", table != NULL && table->def->name != NULL ? table->def->name : "body");
    log_line(&w->world->log, TR_LOG_WARN,
             "%s %s has held its worker for %d ms: nothing else runs meanwhile (long work belongs off the loop)", name,
             tr_addr_text((tr_addr){ 0, id }, addr), watch->ticks);
    debug_is_slow(w);
}

static void watch_turn(const struct ticker *t, struct worker *w, struct watch *watch)
{
    unsigned long long turn = atomic_load_explicit(&w->turns, memory_order_relaxed);
    if (turn != watch->turn) {
        *watch = (struct watch){ .turn = turn };
        return;
    }
    watch->ticks++;
    if (watch->ticks >= STUCK_TICKS)
        share_help(w);
    if (t->slow_ticks == 0 || watch->ticks < t->slow_ticks || watch->reported)
        return;
    watch->reported = true;
    report_slow(w, watch);
}

static bool anybody_awake(const struct world *world)
{
    for (unsigned i = 0; i < world->workers; i++)
        if (!atomic_load(&world->worker[i]->asleep))
            return true;
    return false;
}

/* False: it is time to quit. */
static bool park(struct ticker *t)
{
    pthread_mutex_lock(&t->lock);
    atomic_store(&t->parked, true);
    /* Pairs with ticker_worker_wakes: the worker says that it is awake and then looks at parked, we set parked and then
     * look who is awake; one of us sees the other. */
    while (!t->quit && !anybody_awake(t->world))
        pthread_cond_wait(&t->wake, &t->lock);
    atomic_store(&t->parked, false);
    bool quit = t->quit;
    pthread_mutex_unlock(&t->lock);
    return !quit;
}

static bool must_quit(struct ticker *t)
{
    pthread_mutex_lock(&t->lock);
    bool quit = t->quit;
    pthread_mutex_unlock(&t->lock);
    return quit;
}

/* One millisecond has passed. Returns whether anybody is awake. */
static bool tick(struct ticker *t, struct watch watches[WORKERS_MAX])
{
    bool awake = false;
    for (unsigned i = 0; i < t->world->workers; i++) {
        struct worker *w = t->world->worker[i];
        if (atomic_load_explicit(&w->asleep, memory_order_relaxed)) {
            watches[i] = (struct watch){ 0 };
            continue;
        }
        awake = true;
        atomic_fetch_or_explicit(&w->attention, ATTENTION_TICK, memory_order_relaxed);
        watch_turn(t, w, &watches[i]);
    }
    return awake;
}

static void *ticker_main(void *arg)
{
    struct ticker *t = arg;
    struct watch watches[WORKERS_MAX] = { { 0 } };
    const struct timespec one = { 0, NS_PER_MS };
    int idle = 0;
    while (!must_quit(t)) {
        idle = tick(t, watches) ? 0 : idle + 1;
        if (idle >= IDLE_TICKS_BEFORE_PARKING && !park(t))
            break;
        nanosleep(&one, NULL);
    }
    return NULL;
}

void ticker_start(struct ticker *t, struct world *world, int64_t slow_ms)
{
    sigset_t all, before;
    memset(t, 0, sizeof *t);
    t->world = world;
    t->slow_ticks = slow_ms < 0 ? 0 : (int) slow_ms;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's own threads' business */
    t->running = sys_thread_create(&t->thread, NULL, ticker_main, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void ticker_stop(struct ticker *t)
{
    if (t->running) {
        pthread_mutex_lock(&t->lock);
        t->quit = true;
        pthread_cond_signal(&t->wake);
        pthread_mutex_unlock(&t->lock);
        pthread_join(t->thread, NULL);
    }
    if (t->world != NULL) {
        pthread_mutex_destroy(&t->lock);
        pthread_cond_destroy(&t->wake);
    }
    memset(t, 0, sizeof *t);
}

void ticker_worker_wakes(struct ticker *t)
{
    if (!t->running || !atomic_load(&t->parked))
        return;
    pthread_mutex_lock(&t->lock);
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
}
