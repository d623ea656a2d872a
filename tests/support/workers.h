/* SPDX-License-Identifier: MIT */
/* workers.h - tests on several workers, with the real clock: nothing is left behind, a hang is a failure
 *
 * What several threads write is atomic, or written before it is told by message. Nobody sleeps to wait for another:
 * wait_until gives the processor away until something is so, and the watchdog ends what never is. */
#ifndef SUPPORT_WORKERS_H
#define SUPPORT_WORKERS_H

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "support/actor_test.h"

#define WORKERS_WATCHDOG_S 60

/* Runs body as the main actor on worker 0 of a node with these options. Returns its result. */
struct workers_run {
    tr_body_fn *body;
    void *arg;
    tr_err result;
};

static inline tr_err workers_main(tr_self *self, void *arg)
{
    struct workers_run *run = arg;
    run->result = run->body(self, run->arg);
    return TR_OK;
}

static inline void workers_quiet(void *ctx, tr_log_level level, const char *line)
{
    (void) ctx, (void) level, (void) line;
}

static inline tr_err run_workers_with(tr_node_opts opts, tr_body_fn *body, void *arg)
{
    tr_node *node;
    char left[512] = "";
    struct workers_run run = { body, arg, TR_EKILLED };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = workers_main, .arg = &run, .name = "test" };
    opts.size = sizeof opts;
    if (opts.on_log == NULL)
        opts.on_log = workers_quiet;
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    alarm(WORKERS_WATCHDOG_S);
    tr_err err = tr_node_run(node);
    alarm(0);
    size_t things = tr_test_leftovers(node, left, sizeof left);
    tr_node_destroy(&node);
    if (things > 0)
        fail_msg("left over: %s", left);
    return err != TR_OK ? err : run.result;
}

static inline tr_err run_workers(unsigned workers, tr_body_fn *body, void *arg)
{
    return run_workers_with((tr_node_opts){ .workers = workers }, body, arg);
}

/* Spawns on a worker. what: a body or a behaviour, the other NULL. */
static inline tr_err spawn_on(tr_self *self, unsigned worker, tr_body_fn *body, const tr_behaviour *behaviour,
                              void *arg, tr_addr *to)
{
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .body = body,
                                 .behaviour = behaviour,
                                 .arg = arg,
                                 .place = TR_PLACE_WORKER,
                                 .worker = worker };
    return tr_spawn_with(self, &opts, to);
}

/* Holds this thread, and with it the worker, until *flag is at least n. */
static inline void hold_until(atomic_int *flag, int n)
{
    while (atomic_load(flag) < n)
        sched_yield();
}

/* Lets the worker's other actors run until *flag is at least n; TR_ECANCELED. */
static inline tr_err wait_until(tr_self *self, atomic_int *flag, int n)
{
    tr_err err = TR_OK;
    while (err == TR_OK && atomic_load(flag) < n)
        err = tr_sleep(self, 1);
    return err;
}

/* Milliseconds of the real clock. */
static inline long real_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
