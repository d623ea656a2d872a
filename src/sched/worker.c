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
#include "base/clock.h"
#include "actor/tick.h"
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
    for (size_t i = 0; i < STATE_CLASSES; i++)
        slab_init(&w->states[i], (i + 1) * 16, CHUNK);
}

static void pools_fini(struct worker *w)
{
    struct slab *slabs[] = { &w->asks,    &w->exts,    &w->owners,   &w->scopes, &w->ticks,
                             &w->watches, &w->records, &w->outcomes, &w->errors };
    heap_fini(&w->timers); /* first: its nodes lie in the slabs */
    for (size_t i = 0; i < sizeof slabs / sizeof slabs[0]; i++)
        slab_fini(slabs[i]);
    for (size_t i = 0; i < STATE_CLASSES; i++)
        slab_fini(&w->states[i]);
    stack_pool_fini(&w->stacks);
    msg_pool_fini(&w->msgs);
}

tr_err sched_init(struct sched *s, struct world *world)
{
    struct worker *w = &s->worker;
    memset(s, 0, sizeof *s);
    tr_err err = poll_init(&s->poller);
    if (err != TR_OK)
        return err;
    w->world = world;
    w->slice_left = SLICE_TURNS;
    w->now = world->opts.virtual_clock ? 0 : clock_monotonic_ns();
    s->stop_deadline = INT64_MAX;
    s->fds.epoll_fd = s->poller.epoll_fd;
    w->fds = &s->fds;
    pools_init(w);
    stack_pool_init(&w->stacks, world->opts.stack_size, sizeof(struct tr_self), loop_entry);
    return TR_OK;
}

void sched_fini(struct sched *s)
{
    struct worker *w = &s->worker;
    ticker_stop(&s->ticker);
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

tr_err sched_run(struct sched *s, enum loop_mode mode, int64_t budget_ms, bool *more)
{
    struct worker *w = &s->worker;
    struct worker *outer = current;
    if (outer == w) /* from inside one of its own actors */
        return TR_ESTATE;
    struct tr_self *loop = loop_to_enter(w);
    if (loop == NULL)
        return TR_ENOMEM;
    if (!s->ticker.running && !w->world->opts.virtual_clock)
        ticker_start(&s->ticker, w, w->world->opts.slow_handler_ms);
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
    ticker_worker_wakes(&s->ticker);
    atomic_store_explicit(&w->attention, 1, memory_order_relaxed);
    thread_serve(w, loop);
    ticker_worker_sleeps(&s->ticker);
    atomic_store_explicit(&w->running_id, 0, memory_order_relaxed);
    current = outer;
    atomic_store_explicit(&s->tid, 0, memory_order_relaxed);
    *more = worker_has_ready(w);
    if (mode == LOOP_STEP && !w->world->opts.virtual_clock)
        poll_arm(&s->poller, heap_min(&w->timers) < s->stop_deadline ? heap_min(&w->timers) : s->stop_deadline);
    return TR_OK;
}

void sched_stop(struct sched *s, const char *reason)
{
    if (atomic_flag_test_and_set(&s->stop_taken))
        return;
    size_t i = 0;
    if (reason == NULL)
        reason = "the node was stopped";
    for (; reason[i] != '\0' && i + 1 < sizeof s->stop_reason; i++) /* no library call: this may be a signal handler */
        s->stop_reason[i] = reason[i];
    s->stop_reason[i] = '\0';
    atomic_store_explicit(&s->stop_wanted, true, memory_order_release);
    poll_wake(&s->poller);
}
