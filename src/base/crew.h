/* SPDX-License-Identifier: MIT */
/* crew.h - a bounded crew of threads that do jobs, first come first served
 *
 * A thread is started when a job finds nobody idle and there may be more of them; one that has been idle for long ends.
 * All signals are blocked in them. What the jobs are, and who waits for them, is none of its business. */
#ifndef BASE_CREW_H
#define BASE_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <troupe/base.h>

#include "base/list.h"

#define CREW_QUEUE_MAX 4096                     /* jobs that wait for a thread; then a push is refused */
#define CREW_IDLE_NS (10 * INT64_C(1000000000)) /* without a job, after which a thread ends */

/* Intrusive: lies in what is to be done. run is called once, on a thread of the crew, and may free it. */
struct crew_job {
    struct list link;
    void (*run)(struct crew_job *job);
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list queue; /* struct crew_job.link */
    struct list gone;  /* struct crew_thread.link: to be joined */
    size_t queue_len, queue_len_max;
    unsigned threads, idle, threads_max;
    int64_t idle_ns;
    bool closing;
};

void crew_init(struct crew *c, unsigned threads_max);

/* 0: leaves that one as it is. Threads beyond a smaller maximum end when they are idle. */
void crew_limit(struct crew *c, unsigned threads_max, size_t queue_len_max, int64_t idle_ns);

/* Hands a job over. Errors, and then it is the caller's again: TR_EFULL (the queue), TR_ENOMEM (no thread can be
 * started, and there is none). Thread: any. */
tr_err crew_push(struct crew *c, struct crew_job *job);

/* Takes a job back that has not begun. False: it has. Thread: any. */
bool crew_take_back(struct crew *c, struct crew_job *job);

/* Waits until every job that was pushed has been done and every thread has ended. */
void crew_fini(struct crew *c);

#endif
