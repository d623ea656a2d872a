/* SPDX-License-Identifier: MIT */
/* helpers.h - a bounded set of helper threads that do jobs, first come first served
 *
 * A thread is started when a job finds nobody idle and there may be more of them; one that has been idle for long ends.
 * All signals are blocked in them. What the jobs are, and who waits for them, is none of its business. */
#ifndef BASE_HELPERS_H
#define BASE_HELPERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <troupe/base.h>

#include "base/list.h"

#define HELPERS_QUEUE_MAX 4096                     /* jobs that wait for a thread; then a push is refused */
#define HELPERS_IDLE_NS (10 * INT64_C(1000000000)) /* without a job, after which a thread ends */

/* Intrusive: lies in what is to be done. run is called once, on a helper thread, and may free it. */
struct helper_job {
    struct list link;
    void (*run)(struct helper_job *job);
};

struct helpers {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list queue; /* struct helper_job.link */
    struct list gone;  /* struct helper_thread.link: to be joined */
    size_t queue_len, queue_len_max;
    unsigned threads, idle, threads_max;
    int64_t idle_ns;
    bool closing;
};

void helpers_init(struct helpers *c, unsigned threads_max);

/* 0: leaves that one as it is. Threads beyond a smaller maximum end when they are idle. */
void helpers_limit(struct helpers *c, unsigned threads_max, size_t queue_len_max, int64_t idle_ns);

/* Hands a job over. Errors, and then it is the caller's again: TR_EFULL (the queue), TR_ENOMEM (no thread can be
 * started, and there is none). Thread: any. */
tr_err helpers_push(struct helpers *c, struct helper_job *job);

/* Takes a job back that has not begun. False: it has. Thread: any. */
bool helpers_take_back(struct helpers *c, struct helper_job *job);

/* Waits until every job that was pushed has been done and every thread has ended. */
void helpers_fini(struct helpers *c);

#endif
