/* SPDX-License-Identifier: MIT */
/* bench_stuck.c - stuck: a handler makes a hundred actors ready and then holds its worker for 50 ms; the time until all
 * hundred have run
 *
 * N rounds; the value is their median. The hundred are new in each, stand behind the handler in the run queue of its
 * worker, and may move; the handler's actor may not. check is how many turns they had, N * 100.
 */
#include <stdatomic.h>

#include "bench.h"

#define BEHIND 100
#define HOLD_NS 50000000

/* Read and written on all workers. */
static atomic_int missing;
static atomic_int_fast64_t turns, last_ran_ns;

static tr_err on_run(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) state;
    (void) m;
    atomic_fetch_add(&turns, 1);
    if (atomic_fetch_sub(&missing, 1) == 1)
        atomic_store(&last_ran_ns, bench_now_ns());
    return TR_STOP;
}

static const tr_handler runner_handlers[] = {
    { .tag = "run", .args = "", .run = on_run, .doc = "is counted" },
    { 0 },
};
static const tr_behaviour runner = { .name = "runner", .handlers = runner_handlers, .doc = "Runs once." };

static tr_err on_hold(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    atomic_store(&missing, BEHIND);
    for (int i = 0; i < BEHIND; i++) {
        tr_addr to;
        BENCH_TRY(tr_spawn(self, &runner, NULL, &to));
        BENCH_TRY(tr_send(self, to, "run"));
    }
    int64_t start = bench_now_ns();
    while (bench_now_ns() - start < HOLD_NS)
        ;
    return tr_reply(self, m, start);
}

static const tr_handler holder_handlers[] = {
    { .tag = "hold", .args = "", .reply = "since:int", .run = on_hold, .doc = "hold the worker: since when" },
    { 0 },
};
static const tr_behaviour holder = { .name = "holder", .handlers = holder_handlers, .doc = "Holds its worker." };

static tr_err round_run(tr_self *self, tr_addr to, int64_t *spent_ns)
{
    const tr_msg *reply;
    int64_t since;
    BENCH_TRY(tr_ask(self, to, &reply, "hold"));
    BENCH_TRY(tr_args(reply, &since));
    while (atomic_load(&missing) > 0)
        BENCH_TRY(tr_sleep(self, 1));
    BENCH_TRY(tr_sleep(self, 5)); /* the workers settle */
    *spent_ns = atomic_load(&last_ran_ns) - since;
    return TR_OK;
}

static tr_err rounds(tr_self *self, void *arg)
{
    int64_t n = *(const int64_t *) arg;
    tr_addr to;
    tr_spawn_opts opts = { .size = sizeof opts, .behaviour = &holder, .place = TR_PLACE_HERE };
    int64_t *spent_ns = tr_alloc(self, (size_t) n * sizeof *spent_ns);
    if (spent_ns == NULL)
        return TR_ENOMEM;
    BENCH_TRY(tr_spawn_with(self, &opts, &to));
    for (int64_t i = 0; i < n; i++)
        BENCH_TRY(round_run(self, to, &spent_ns[i]));
    bench_print("stuck", (double) bench_median(spent_ns, n) / 1e6, "ms", atomic_load(&turns));
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 10, "");
    /* That a handler holds its worker is meant. */
    tr_node_opts opts = { .size = sizeof opts, .workers = args.workers, .slow_handler_ms = -1 };
    return tr_main_with(&opts, rounds, &args.n);
}
