/* SPDX-License-Identifier: MIT */
/* worker.c - a worker's pools, and its way in and out */
#include <string.h>
#include <unistd.h>

#include "actor/ask.h"
#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/error.h"
#include "actor/scope_kernel.h"
#include "actor/signal.h"
#include "actor/tick.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "sched/sched.h"

#define CHUNK (64u * 1024u)

static _Thread_local struct worker *current;

struct worker *sched_current(void)
{
    return current;
}

static void pools_init(struct worker *w)
{
    msg_pool_init(&w->msgs);
    slab_init(&w->asks, sizeof(struct ask), CHUNK);
    slab_init(&w->exts, sizeof(struct cell_ext), CHUNK);
    slab_init(&w->owners, sizeof(struct owner), CHUNK);
    slab_init(&w->scopes, sizeof(struct scope), CHUNK);
    slab_init(&w->ticks, tick_size(), CHUNK);
    slab_init(&w->watches, fd_watch_size(), CHUNK);
    slab_init(&w->records, sizeof(struct record), CHUNK);
    slab_init(&w->outcomes, sizeof(struct outcome), CHUNK);
    slab_init(&w->errors, sizeof(struct error_state), CHUNK);
    slab_init(&w->signals, sizeof(struct signal), CHUNK);
    slab_init(&w->tickets, sizeof(struct ticket), CHUNK);
    for (size_t i = 0; i < STATE_CLASSES; i++)
        slab_init(&w->states[i], (i + 1) * 16, CHUNK);
}

static void pools_fini(struct worker *w)
{
    struct slab *slabs[] = { &w->asks,    &w->exts,     &w->owners, &w->scopes,  &w->ticks,  &w->watches,
                             &w->records, &w->outcomes, &w->errors, &w->signals, &w->tickets };
    heap_fini(&w->timers); /* first: its nodes lie in the slabs */
    for (size_t i = 0; i < sizeof slabs / sizeof slabs[0]; i++)
        slab_fini(slabs[i]);
    for (size_t i = 0; i < STATE_CLASSES; i++)
        slab_fini(&w->states[i]);
    stack_pool_fini(&w->stacks);
    msg_pool_fini(&w->msgs);
}

/* ---- depots ---- */

struct slab_depots {
    struct depot msgs[MSG_CLASSES], states[STATE_CLASSES];
    struct depot exts, owners, records, outcomes, signals;
};

struct depots {
    struct slab_depots slabs;
    struct stack_depot stacks;
};

#define SLAB_DEPOTS (sizeof(struct slab_depots) / sizeof(struct depot))

static void slabs_join(struct worker *w, struct slab_depots *d)
{
    for (size_t k = 0; k < MSG_CLASSES; k++)
        slab_join(&w->msgs.classes[k], &d->msgs[k]);
    for (size_t k = 0; k < STATE_CLASSES; k++)
        slab_join(&w->states[k], &d->states[k]);
    slab_join(&w->exts, &d->exts);
    slab_join(&w->owners, &d->owners);
    slab_join(&w->records, &d->records);
    slab_join(&w->outcomes, &d->outcomes);
    slab_join(&w->signals, &d->signals);
}

tr_err depots_make(struct world *world)
{
    struct depots *d = mem_alloc(sizeof *d);
    if (d == NULL)
        return TR_ENOMEM;
    for (size_t i = 0; i < SLAB_DEPOTS; i++)
        depot_init((struct depot *) (void *) &d->slabs + i);
    stack_depot_init(&d->stacks);
    world->depots = d;
    for (unsigned i = 0; i < world->workers; i++) {
        slabs_join(world->worker[i], &d->slabs);
        stack_pool_join(&world->worker[i]->stacks, &d->stacks);
    }
    return TR_OK;
}

size_t depots_stacks(const struct world *world)
{
    if (world->depots == NULL)
        return 0;
    struct stack_depot *d = &world->depots->stacks;
    pthread_mutex_lock(&d->lock);
    size_t n = d->idle_len;
    pthread_mutex_unlock(&d->lock);
    return n;
}

void depots_free(struct world *world)
{
    struct depots *d = world->depots;
    if (d == NULL)
        return;
    for (size_t i = 0; i < SLAB_DEPOTS; i++)
        depot_fini((struct depot *) (void *) &d->slabs + i);
    stack_depot_fini(&d->stacks);
    mem_free(d);
    world->depots = NULL;
}

tr_err sched_init(struct sched *s, struct crew *crew, unsigned index)
{
    struct world *world = crew->world;
    struct worker *w = &s->worker;
    memset(s, 0, sizeof *s);
    tr_err err = poll_init(&s->poller);
    if (err != TR_OK)
        return err;
    s->crew = crew;
    w->world = world;
    w->index = (uint16_t) index;
    world->worker[index] = w;
    atomic_init(&w->asleep, 1);
    w->slice_left = SLICE_TURNS;
    w->now = world->opts.virtual_clock ? 0 : clock_monotonic_ns();
    s->stop_deadline = INT64_MAX;
    s->fds.epoll_fd = s->poller.epoll_fd;
    w->fds = &s->fds;
    owner_init(&w->root, NULL, NULL);
    owner_init(&w->internal, NULL, NULL);
    list_init(&w->far);
    w->far_timer.due = TIMER_OFF;
    cell_store_init(&w->cells, &world->cells, w->index);
    pools_init(w);
    stack_pool_init(&w->stacks, world->opts.stack_size, sizeof(struct tr_self), loop_entry);
    return TR_OK;
}

void sched_fini(struct sched *s)
{
    struct worker *w = &s->worker;
    if (w->idle_loop != NULL)
        stack_put(&w->stacks, &w->idle_loop->coro);
    w->idle_loop = NULL;
    fd_table_fini(&s->fds);
    pools_fini(w);
    poll_fini(&s->poller);
}

/* The thread's own stack: serves tr_call until the loop comes back for good. */
static void thread_serve(struct worker *w, struct tr_self *loop)
{
    coro_switch(&w->thread, &loop->coro);
    while (w->call_fn != NULL) {
        int (*fn)(void *) = w->call_fn;
        w->call_fn = NULL;
        w->call_result = fn(w->call_arg);
        coro_switch(&w->thread, &w->call_self->coro);
    }
}

static struct tr_self *loop_to_enter(struct worker *w)
{
    bool fresh;
    struct tr_self *loop = w->idle_loop;
    w->idle_loop = NULL;
    if (loop != NULL)
        return loop;
    struct coro *c = stack_get(&w->stacks, &fresh);
    if (c == NULL)
        return NULL;
    self_init((struct tr_self *) (void *) c, w, fresh);
    return (struct tr_self *) (void *) c;
}

bool sched_prepare(struct sched *s)
{
    struct worker *w = &s->worker;
    if (w->idle_loop == NULL)
        w->idle_loop = loop_to_enter(w);
    return w->idle_loop != NULL;
}

tr_err sched_run(struct sched *s, enum loop_mode mode, int64_t budget_ms, bool *more)
{
    struct worker *w = &s->worker;
    struct worker *outer = current;
    if (outer == w) /* from inside one of its own actors */
        return TR_ESTATE;
    gate_enter_awake(&w->gate); /* the others may be at work already, and look here */
    struct tr_self *loop = loop_to_enter(w);
    if (loop == NULL) {
        gate_leave(&w->gate);
        return TR_ENOMEM;
    }
    s->mode = mode;
    worker_refresh(w);
    s->step_until = clock_after_ms(w->now, budget_ms);
    s->step_turns = w->turns;
    if (w->thread.size == 0 ||
        !pthread_equal(s->thread_id, pthread_self())) { /* asking for a thread's stack reads /proc on the main thread */
        stack_adopt_thread(&w->thread);
        s->thread_id = pthread_self();
    }
    current = w;
    atomic_store_explicit(&s->tid, (int) gettid(), memory_order_relaxed);
    atomic_store(&w->asleep, 0);
    ticker_worker_wakes(&s->crew->ticker);
    atomic_fetch_or(&w->attention, ATTENTION_TICK);
    thread_serve(w, loop);
    atomic_store_explicit(&w->running, NULL, memory_order_relaxed);
    atomic_store_explicit(&s->tid, 0, memory_order_relaxed);
    *more = worker_has_ready(w);
    if (mode == LOOP_STEP && !w->world->opts.virtual_clock)
        poll_arm(&s->poller, sched_next_wake(s));
    current = outer;
    atomic_store(&w->asleep, 1); /* from here on what is handed over writes to the eventfd */
    gate_leave(&w->gate);
    if ((mode == LOOP_STEP && *more) || (atomic_load(&w->attention) & ~(unsigned) ATTENTION_TICK))
        poll_wake(&s->poller); /* the descriptor says that there is something to do */
    return TR_OK;
}

void worker_wake_up(struct worker *w)
{
    poll_wake(&sched_of(w)->poller);
}

/* Ended ones are counted first: one that is spawned and ends in between is not missed. With nobody left it stays so,
 * since only actors spawn (and who runs the node, before it does). */
size_t world_live(const struct world *world)
{
    uint64_t ended = 0, spawned = 0;
    for (unsigned i = 0; i < world->workers; i++)
        ended += atomic_load_explicit(&world->worker[i]->ended, memory_order_acquire);
    for (unsigned i = 0; i < world->workers; i++)
        spawned += atomic_load_explicit(&world->worker[i]->spawned, memory_order_acquire);
    return (size_t) (spawned - ended);
}

void crew_stop(struct crew *crew, const char *reason)
{
    if (atomic_flag_test_and_set(&crew->stop_taken))
        return;
    size_t i = 0;
    if (reason == NULL)
        reason = "the node was stopped";
    for (; reason[i] != '\0' && i + 1 < sizeof crew->stop_reason;
         i++) /* no library call: this may be a signal handler */
        crew->stop_reason[i] = reason[i];
    crew->stop_reason[i] = '\0';
    atomic_store_explicit(&crew->stop_wanted, true, memory_order_release);
    for (unsigned k = 0; k < crew->world->workers; k++)
        worker_nudge(crew->world->worker[k], ATTENTION_STOP);
}

void crew_leave(struct crew *crew)
{
    atomic_store(&crew->leave, true);
    for (unsigned k = 1; k < crew->world->workers; k++)
        worker_nudge(crew->world->worker[k], ATTENTION_STOP);
}
