/* SPDX-License-Identifier: MIT */
/* crew.c - a bounded crew of threads that do jobs, first come first served */
#include "base/crew.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

struct crew_thread {
    struct list link; /* crew.gone */
    struct crew *crew;
    pthread_t id;
};

void crew_init(struct crew *c, unsigned threads_max)
{
    pthread_condattr_t attr;
    *c = (struct crew){ .threads_max = threads_max, .queue_len_max = CREW_QUEUE_MAX, .idle_ns = CREW_IDLE_NS };
    list_init(&c->queue);
    list_init(&c->gone);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->work, &attr);
    pthread_condattr_destroy(&attr);
}

void crew_limit(struct crew *c, unsigned threads_max, size_t queue_len_max, int64_t idle_ns)
{
    pthread_mutex_lock(&c->lock);
    if (threads_max > 0)
        c->threads_max = threads_max;
    if (queue_len_max > 0)
        c->queue_len_max = queue_len_max;
    if (idle_ns > 0)
        c->idle_ns = idle_ns;
    pthread_cond_broadcast(&c->work); /* who is idle looks at the new limits */
    pthread_mutex_unlock(&c->lock);
}

/* ---- a thread of the crew; all under the lock, but for the jobs ---- */

/* Waits for a job. False: the thread is to end. */
static bool crew_wait(struct crew *c)
{
    int64_t until = clock_monotonic_ns() + c->idle_ns;
    const struct timespec deadline = { until / NS_PER_S, until % NS_PER_S };
    int rc = 0;
    c->idle++;
    while (list_is_empty(&c->queue) && !c->closing && rc != ETIMEDOUT && c->threads <= c->threads_max)
        rc = pthread_cond_timedwait(&c->work, &c->lock, &deadline);
    c->idle--;
    return !list_is_empty(&c->queue);
}

static void crew_do_next(struct crew *c)
{
    struct crew_job *job = list_entry(list_pop(&c->queue), struct crew_job, link);
    c->queue_len--;
    pthread_mutex_unlock(&c->lock);
    job->run(job);
    pthread_mutex_lock(&c->lock);
}

static void *crew_main(void *arg)
{
    struct crew_thread *t = arg;
    struct crew *c = t->crew;
    pthread_mutex_lock(&c->lock);
    while (!list_is_empty(&c->queue) || crew_wait(c))
        crew_do_next(c);
    c->threads--;
    list_push(&c->gone, &t->link);
    pthread_cond_broadcast(&c->work); /* crew_fini waits for the last */
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Ended threads hold the lock no longer than it takes to leave, so joining them here does not block. */
static void crew_join_gone(struct crew *c)
{
    struct list *l;
    while ((l = list_pop(&c->gone)) != NULL) {
        struct crew_thread *t = list_entry(l, struct crew_thread, link);
        pthread_mutex_unlock(&c->lock);
        pthread_join(t->id, NULL);
        mem_free(t);
        pthread_mutex_lock(&c->lock);
    }
}

static bool crew_start_thread(struct crew *c)
{
    sigset_t all, before;
    struct crew_thread *t = mem_zalloc(sizeof *t);
    if (t == NULL)
        return false;
    t->crew = c;
    list_init(&t->link);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's own threads' business */
    bool ok = pthread_create(&t->id, NULL, crew_main, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        c->threads++;
    else
        mem_free(t);
    return ok;
}

/* ---- whoever has something to do ---- */

tr_err crew_push(struct crew *c, struct crew_job *job)
{
    tr_err err = TR_OK;
    pthread_mutex_lock(&c->lock);
    crew_join_gone(c);
    bool needs_thread = c->queue_len >= c->idle && c->threads < c->threads_max;
    if (c->queue_len >= c->queue_len_max)
        err = TR_EFULL;
    else if (needs_thread && !crew_start_thread(c) && c->threads == 0)
        err = TR_ENOMEM;
    if (err == TR_OK) {
        list_push(&c->queue, &job->link);
        c->queue_len++;
        pthread_cond_signal(&c->work);
    }
    pthread_mutex_unlock(&c->lock);
    return err;
}

bool crew_take_back(struct crew *c, struct crew_job *job)
{
    bool found = false;
    pthread_mutex_lock(&c->lock);
    list_each (l, &c->queue)
        found = found || l == &job->link;
    if (found) {
        list_remove(&job->link);
        c->queue_len--;
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

void crew_fini(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    pthread_cond_broadcast(&c->work);
    while (c->threads > 0)
        pthread_cond_wait(&c->work, &c->lock);
    crew_join_gone(c);
    pthread_mutex_unlock(&c->lock);
    pthread_cond_destroy(&c->work);
    pthread_mutex_destroy(&c->lock);
}
