/* SPDX-License-Identifier: MIT */
/* helpers.c - a bounded set of helper threads that do jobs, first come first served */
#include "base/helpers.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sys.h"

struct helper_thread {
    struct list link; /* helpers.gone */
    struct helpers *helpers;
    pthread_t id;
};

void helpers_init(struct helpers *c, unsigned threads_max)
{
    pthread_condattr_t attr;
    *c = (struct helpers){ .threads_max = threads_max, .queue_len_max = HELPERS_QUEUE_MAX, .idle_ns = HELPERS_IDLE_NS };
    list_init(&c->queue);
    list_init(&c->gone);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->work, &attr);
    pthread_condattr_destroy(&attr);
}

void helpers_limit(struct helpers *c, unsigned threads_max, size_t queue_len_max, int64_t idle_ns)
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

/* ---- a thread of the helpers; all under the lock, but for the jobs ---- */

/* Waits for a job. False: the thread is to end. */
static bool helpers_wait(struct helpers *c)
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

static void helpers_do_next(struct helpers *c)
{
    struct helper_job *job = list_entry(list_pop(&c->queue), struct helper_job, link);
    c->queue_len--;
    pthread_mutex_unlock(&c->lock);
    job->run(job);
    pthread_mutex_lock(&c->lock);
}

static void *helpers_main(void *arg)
{
    struct helper_thread *t = arg;
    struct helpers *c = t->helpers;
    pthread_mutex_lock(&c->lock);
    while (!list_is_empty(&c->queue) || helpers_wait(c))
        helpers_do_next(c);
    c->threads--;
    list_push(&c->gone, &t->link);
    pthread_cond_broadcast(&c->work); /* helpers_fini waits for the last */
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Ended threads hold the lock no longer than it takes to leave, so joining them here does not block. */
static void helpers_join_gone(struct helpers *c)
{
    struct list *l;
    while ((l = list_pop(&c->gone)) != NULL) {
        struct helper_thread *t = list_entry(l, struct helper_thread, link);
        pthread_mutex_unlock(&c->lock);
        pthread_join(t->id, NULL);
        mem_free(t);
        pthread_mutex_lock(&c->lock);
    }
}

static bool helpers_start_thread(struct helpers *c)
{
    sigset_t all, before;
    struct helper_thread *t = mem_zalloc(sizeof *t);
    if (t == NULL)
        return false;
    t->helpers = c;
    list_init(&t->link);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's own threads' business */
    bool ok = sys_thread_create(&t->id, NULL, helpers_main, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        c->threads++;
    else
        mem_free(t);
    return ok;
}

/* ---- whoever has something to do ---- */

tr_err helpers_push(struct helpers *c, struct helper_job *job)
{
    tr_err err = TR_OK;
    pthread_mutex_lock(&c->lock);
    helpers_join_gone(c);
    bool needs_thread = c->queue_len >= c->idle && c->threads < c->threads_max;
    if (c->queue_len >= c->queue_len_max)
        err = TR_EFULL;
    else if (needs_thread && !helpers_start_thread(c) && c->threads == 0)
        err = TR_ENOMEM;
    if (err == TR_OK) {
        list_push(&c->queue, &job->link);
        c->queue_len++;
        pthread_cond_signal(&c->work);
    }
    pthread_mutex_unlock(&c->lock);
    return err;
}

bool helpers_take_back(struct helpers *c, struct helper_job *job)
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

void helpers_fini(struct helpers *c)
{
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    pthread_cond_broadcast(&c->work);
    while (c->threads > 0)
        pthread_cond_wait(&c->work, &c->lock);
    helpers_join_gone(c);
    pthread_mutex_unlock(&c->lock);
    pthread_cond_destroy(&c->work);
    pthread_mutex_destroy(&c->lock);
}
