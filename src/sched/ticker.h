/* SPDX-License-Identifier: MIT */
/* ticker.h - a thread that says every millisecond that one has passed
 *
 * So that nobody on the hot path reads a clock: it sets the attention word of each worker that is awake, and sees from
 * the outside when one turn holds a worker for too long: after two milliseconds it sends another worker to take over
 * what stands behind (share.h), after fifty it reports the actor by name. When all workers have slept for a while the
 * ticker sleeps too; the next wake-up wakes both. */
#ifndef SCHED_TICKER_H
#define SCHED_TICKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "actor/world.h"

struct ticker {
    struct world *world;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running;       /* the thread exists */
    bool quit;          /* under lock */
    atomic_bool parked; /* the ticker sleeps until it is woken */
    int slow_ticks;     /* report a turn that lasts so many; 0: never */
};

/* Starts the thread. Without one (no memory, a limit) the worker looks at the clock itself, by turns, and nothing is
 * watched. */
void ticker_start(struct ticker *t, struct world *world, int64_t slow_ms);
void ticker_stop(struct ticker *t);

/* A worker is awake, and has said so. */
void ticker_worker_wakes(struct ticker *t);

#endif
