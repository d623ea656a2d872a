/* SPDX-License-Identifier: MIT */
/* offload.c - work on a helper thread, with an actor that waits for it
 *
 * A struct work is shared by two: the thread that does it, and the waiter's worker. Each swaps its word into phase when
 * it is through; who comes second cleans up. If the thread is first, the work goes home as an errand, and from then on
 * only its home worker touches it. self is the home worker's alone: the thread never looks at who waits. */
#include "actor/offload.h"

#include <string.h>
#include <unistd.h>

#include "actor/ask.h"
#include "actor/cancel.h"
#include "actor/error.h"
#include "base/alloc.h"
#include "base/clock.h"

enum work_phase { WORK_OPEN = 0, WORK_DONE, WORK_ABANDONED };

struct work {
    struct helper_job job;
    struct errand errand;
    struct worker *home;
    struct helpers *helpers;
    struct tr_self *self; /* who waits; NULL: gave up */
    atomic_int phase;     /* enum work_phase */
    bool arrived;         /* its errand has run */
    int result;
    tr_offload_fn *fn;
    void *arg;
    tr_free_fn *release;
    _Alignas(max_align_t) char copy[]; /* tr_offload's arg */
};

static void release_nothing(void *arg)
{
    (void) arg;
}

/* arg goes too. */
static void work_discard(struct work *work)
{
    work->release(work->arg);
    mem_free(work);
}

/* ---- on a helper thread ---- */

static void work_run(struct helper_job *job)
{
    struct work *work = list_entry(job, struct work, job);
    work->result = work->fn(work->arg);
    /* Pairs with the exchange in offload_forget: acquire, since what the waiter did to the work is read by the discard;
     * release, since what fn wrote is read by whoever comes second. */
    if (atomic_exchange_explicit(&work->phase, WORK_DONE, memory_order_acq_rel) == WORK_ABANDONED)
        work_discard(work);
    else
        errand_post(work->home, &work->errand);
}

/* ---- on its home worker ---- */

static void work_come_home(struct worker *w, struct errand *e)
{
    struct work *work = list_entry(e, struct work, errand);
    w->errands_due--;
    work->arrived = true;
    if (work->self == NULL) {
        work_discard(work);
        return;
    }
    work->self->woken_err = TR_OK;
    work->self->run.flags |= SELF_WOKEN;
    worker_wake(w, work->self);
}

/* Returns whether it had begun. work is not the caller's any more. */
static bool work_give_up(struct work *work)
{
    work->self = NULL;
    if (!work->arrived && helpers_take_back(work->helpers, &work->job)) {
        work->home->errands_due--;
        work_discard(work);
        return false;
    }
    struct worker *home = work->home;
    if (work->arrived)
        work_discard(work);
    else if (atomic_exchange_explicit(&work->phase, WORK_ABANDONED, memory_order_acq_rel) == WORK_OPEN)
        home->errands_due--; /* else it is on its way home, and is counted until it arrives */
    return true;
}

void offload_forget(struct work *work)
{
    (void) work_give_up(work);
}

/* ---- the call ---- */

static int64_t work_deadline(struct tr_self *self, int64_t timeout_ms)
{
    enum ask_limit limit;
    int64_t deadline = ask_deadline(self, self->worker, timeout_ms, &limit);
    return limit == ASK_LIMIT_OWN ? deadline : INT64_MAX; /* a scope tells of its own by a cancel */
}

static tr_err work_wait(struct tr_self *self, struct work *work, const char *phase, int64_t timeout_ms)
{
    int64_t deadline = work_deadline(self, timeout_ms);
    self->wait = (struct wait){ .kind = WAIT_WORK, .deadline = deadline, .work = work };
    tr_err err = self_wait_woken(self, deadline);
    if (err == TR_OK)
        return TR_OK;
    bool begun = work_give_up(work);
    if (err == TR_ECANCELED)
        return error_set(self, err, phase, "cancelled%s: %s", begun ? ", and the work goes on without a waiter" : "",
                         self_cancel_reason(self));
    if (err != TR_ETIMEDOUT)
        return err;
    if (!begun)
        return error_set(self, TR_EUNSENT, phase, "no thread was free before the deadline; the work did not begin");
    return error_set(self, err, phase, "not done before the deadline; the work goes on without a waiter");
}

static tr_err work_start(struct tr_self *self, struct work *work, const char *phase)
{
    tr_err err = helpers_push(work->helpers, &work->job);
    if (err == TR_EFULL)
        return error_set(self, err, phase, "as much work as the limit allows waits for a thread already");
    if (err != TR_OK)
        return error_set(self, err, phase, "no thread can be started, and there is none");
    self->worker->errands_due++;
    return TR_OK;
}

/* Owns: work moves; TR_OK gives it back, done. */
static tr_err work_do(struct tr_self *self, struct work *work, const char *phase, int64_t timeout_ms)
{
    tr_err err = self_enter(self, phase);
    if (err == TR_OK)
        err = work_start(self, work, phase);
    if (err != TR_OK) {
        work_discard(work);
        return err;
    }
    return work_wait(self, work, phase, timeout_ms);
}

static struct work *work_new(struct tr_self *self, struct helpers *helpers, tr_offload_fn *fn, size_t copy_size)
{
    struct work *work = copy_size < SIZE_MAX / 2 ? mem_zalloc(sizeof *work + copy_size) : NULL;
    if (work == NULL)
        return NULL;
    list_init(&work->job.link);
    work->job.run = work_run;
    work->errand.run = work_come_home;
    work->home = self->worker;
    work->helpers = helpers;
    work->self = self;
    work->fn = fn;
    work->release = release_nothing;
    return work;
}

tr_err offload_run(struct tr_self *self, struct helpers *helpers, const char *phase, tr_offload_fn *fn, void *arg,
                   tr_free_fn *release, int64_t timeout_ms, int *result)
{
    release = release != NULL ? release : release_nothing;
    struct work *work = work_new(self, helpers, fn, 0);
    if (work == NULL) {
        release(arg);
        return error_set(self, TR_ENOMEM, phase, "out of memory");
    }
    work->arg = arg;
    work->release = release;
    tr_err err = work_do(self, work, phase, timeout_ms);
    if (err != TR_OK)
        return err;
    if (result != NULL)
        *result = work->result;
    mem_free(work);
    return TR_OK;
}

tr_err tr_offload_own(tr_self *self, tr_offload_fn *fn, void *arg, tr_free_fn *release, int64_t timeout_ms, int *result)
{
    tr_err err = !self_is_current(self) ? TR_ESTATE
                 : fn == NULL           ? error_set(self, TR_EINVAL, "offload", "no function")
                                        : TR_OK;
    if (err == TR_OK)
        return offload_run(self, &self->worker->world->work, "offload", fn, arg, release, timeout_ms, result);
    if (release != NULL)
        release(arg);
    return err;
}

tr_err tr_offload(tr_self *self, tr_offload_fn *fn, void *arg, size_t size, int64_t timeout_ms, int *result)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    if (fn == NULL || (arg == NULL && size > 0))
        return error_set(self, TR_EINVAL, "offload", fn == NULL ? "no function" : "no argument, but a size");
    struct work *work = work_new(self, &self->worker->world->work, fn, size);
    if (work == NULL)
        return error_set(self, TR_ENOMEM, "offload", "out of memory");
    work->arg = work->copy;
    if (size > 0)
        memcpy(work->copy, arg, size);
    tr_err err = work_do(self, work, "offload", timeout_ms);
    if (err != TR_OK)
        return err;
    if (size > 0)
        memcpy(arg, work->copy, size);
    if (result != NULL)
        *result = work->result;
    mem_free(work);
    return TR_OK;
}

/* ---- work without a waiter ---- */

static void work_run_alone(struct helper_job *job)
{
    struct work *work = list_entry(job, struct work, job);
    (void) work->fn(work->arg);
    mem_free(work);
}

void offload_post(struct helpers *helpers, tr_offload_fn *fn, void *arg)
{
    struct work *work = mem_zalloc(sizeof *work);
    if (work != NULL) {
        work->job.run = work_run_alone;
        work->fn = fn;
        work->arg = arg;
        if (helpers_push(helpers, &work->job) == TR_OK)
            return;
        mem_free(work);
    }
    (void) fn(arg);
}

/* ---- the helpers ---- */

void offload_init(struct world *world)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = (processors > 0 ? (unsigned) processors : 1u) + OFFLOAD_THREADS_EXTRA;
    helpers_init(&world->work, threads < OFFLOAD_THREADS_MAX ? threads : OFFLOAD_THREADS_MAX);
    helpers_init(&world->name_helpers, RESOLVER_THREADS_MAX);
    helpers_init(&world->reapers, REAPER_THREADS_MAX);
}

void offload_fini(struct world *world)
{
    helpers_fini(&world->work);
    helpers_fini(&world->name_helpers);
    helpers_fini(&world->reapers);
}
