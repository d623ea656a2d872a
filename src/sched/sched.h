/* SPDX-License-Identifier: MIT */
/* sched.h - one worker with all that drives it: loop, poll, ticker, mail from other threads */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "actor/fd.h"
#include "actor/worker.h"
#include "sched/poll.h"
#include "sched/post.h"
#include "sched/share.h"
#include "sched/ticker.h"

enum loop_mode {
    LOOP_RUN,   /* until stopped and all ended, or no actor is left */
    LOOP_STEP,  /* until nothing is ready, or the budget is spent */
    LOOP_SETTLE /* until nothing is ready */
};

/* What the workers of a node share beside the world. */
struct crew {
    struct world *world;
    struct ticker ticker;
    atomic_bool stop_wanted;
    char stop_reason[96];
    atomic_flag stop_taken;
    atomic_bool leave; /* all but the first worker: it is over */
};

/* The worker comes first: actors' code knows no more of it. */
struct sched {
    struct worker worker;
    struct poller poller;
    struct fd_table fds;
    struct crew *crew;
    enum loop_mode mode;
    pthread_t thread_id; /* whose stack worker.thread stands for */
    atomic_int tid;      /* the kernel's number of the thread that runs it now, for debug mode's signals; 0: none */
    int64_t step_until;
    uint64_t step_turns;   /* worker.turns when the step began: it takes one at least */
    bool stopping;         /* it has cancelled what it answers for */
    int64_t stop_deadline; /* then what is left is killed; INT64_MAX: not stopping */
    bool trimming;         /* idle stacks are being given back */
};

static inline struct sched *sched_of(struct worker *w)
{
    return (struct sched *) (void *) w;
}

/* index: in world.worker, where it is entered. Errors: TR_ENOMEM, TR_EIO. */
tr_err sched_init(struct sched *s, struct crew *crew, unsigned index);
void sched_fini(struct sched *s);

/* Pools of several workers exchange what is free. Errors: TR_ENOMEM. */
tr_err depots_make(struct world *world);
void depots_free(struct world *world);
size_t depots_stacks(const struct world *world); /* idle ones */

/* Runs on the calling thread until the mode says that it is enough. Returns whether more is ready. Errors: TR_ENOMEM
 * (no stack to run on), TR_ESTATE (called by one of its own actors). */
tr_err sched_run(struct sched *s, enum loop_mode mode, int64_t budget_ms, bool *more);

/* Makes the stack that sched_run begins on, so that it cannot fail for want of one. False: out of memory. */
bool sched_prepare(struct sched *s);

/* When the clock alone has something for this worker to do. */
int64_t sched_next_wake(const struct sched *s);

/* Whether LOOP_RUN would return, of the first worker. */
bool sched_is_done(const struct sched *s);

/* All of them. From any thread, or a signal handler. */
void crew_stop(struct crew *crew, const char *reason);

/* Makes all but the first worker leave. */
void crew_leave(struct crew *crew);

/* The worker of the calling thread, NULL outside of sched_run. */
struct worker *sched_current(void);

/* loop.c: where every stack starts. */
void loop_entry(void *coro);

#endif
