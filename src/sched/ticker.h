/* SPDX-License-Identifier: MIT */
/* ticker.h - a thread that says every millisecond that one has passed
 *
 * So that nobody on the hot path reads a clock: it sets the worker's attention word while the worker is awake, and sees
 * from the outside when one turn holds it for too long. When the worker has slept for a while the ticker sleeps too;
 * the next wake-up wakes both. */
#ifndef SCHED_TICKER_H
#define SCHED_TICKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct worker;

struct ticker {
    struct worker *worker;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running;       /* the thread exists */
    bool quit;          /* under lock */
    atomic_bool awake;  /* the worker is */
    atomic_bool parked; /* the ticker sleeps until it is woken */
    int slow_ticks;     /* report a turn that lasts so many; 0: never */
};

/* Starts the thread. Without one (no memory, a limit) the worker looks at the clock itself, by turns, and nothing is
 * watched. */
void ticker_start(struct ticker *t, struct worker *w, int64_t slow_ms);
void ticker_stop(struct ticker *t);

/* The worker wakes, or goes to sleep. */
void ticker_worker_wakes(struct ticker *t);
void ticker_worker_sleeps(struct ticker *t);

#endif
