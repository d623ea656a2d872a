/* SPDX-License-Identifier: MIT */
/* main.c - work: jobs that make more jobs, and a queue that knows when they are all done */
#include <inttypes.h>
#include <stdio.h>

#include <troupe/troupe.h>

#define NUMBERS 1000
#define SMALL 10 /* a job of no more numbers than this is done, a larger one is split */
#define WORKERS 4
#define TRIES 3 /* of a worker that gets nothing done */

struct office {
    tr_addr queue;
    int64_t sum;
    int jobs;
};

static tr_err do_job(tr_self *self, struct office *o, int from, int to)
{
    o->jobs++;
    tr_err err = tr_yield(self);
    if (err != TR_OK)
        return err;
    if (to - from > SMALL) {
        int middle = from + (to - from) / 2;
        err = tr_work_put(self, o->queue, "add", from, middle);
        return err == TR_OK ? tr_work_put(self, o->queue, "add", middle, to) : err;
    }
    for (int n = from; n < to; n++)
        o->sum += n;
    return TR_OK;
}

static tr_err clerk(tr_self *self, void *arg)
{
    struct office *o = arg;
    const tr_msg *job;
    tr_hold hold; /* the job is this actor's until it is released, or the actor ends */
    tr_err err;
    while ((err = tr_work_take(self, o->queue, &hold, &job)) == TR_OK) {
        int from, to;
        tr_check(self, tr_is(job, "add", &from, &to));
        err = do_job(self, o, from, to);
        tr_hold_release(self, &hold);
        if (err != TR_OK)
            break;
    }
    return err == TR_ECLOSED ? TR_OK : err;
}

/* Takes a job and puts it back, a few times: nobody waits for it in vain, nor is it lost. */
static tr_err sluggard(tr_self *self, void *arg)
{
    struct office *o = arg;
    const tr_msg *job;
    tr_hold hold;
    tr_err err = TR_OK;
    for (int n = 0; n < TRIES && err == TR_OK; n++)
        if ((err = tr_work_take(self, o->queue, &hold, &job)) == TR_OK)
            tr_work_again(self, &hold);
    return err == TR_ECLOSED ? TR_OK : err;
}

static tr_err open_office(tr_self *self, tr_scope *scope, void *arg)
{
    struct office *o = arg;
    tr_err err = tr_work_put(self, o->queue, "add", 0, NUMBERS);
    if (err == TR_OK)
        err = tr_spawn_in(self, scope, sluggard, o, NULL);
    for (int i = 0; i < WORKERS && err == TR_OK; i++)
        err = tr_spawn_in(self, scope, clerk, o, NULL);
    if (err == TR_OK)
        err = tr_work_join(self, o->queue); /* nothing is queued, and nobody works */
    return err == TR_OK ? tr_work_close(self, o->queue) : err;
}

static tr_err work(tr_self *self, void *arg)
{
    (void) arg;
    struct office o = { .sum = 0 };
    tr_err err = tr_work_create(self, 0, NULL, &o.queue);
    if (err == TR_OK)
        err = tr_scope_run(self, NULL, open_office, &o);
    if (err != TR_OK)
        return err;
    printf("0 to %d add up to %" PRId64 ", in %d jobs\n", NUMBERS - 1, o.sum, o.jobs);
    return TR_OK;
}

int main(void)
{
    return tr_main(work, NULL);
}
