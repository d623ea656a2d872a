/* SPDX-License-Identifier: MIT */
/* bench_fork_join.c - fork-join: N actors, each made, told once to compute, and gone; their results are added up
 *
 * Savina's ForkJoinCreate with a leaf of some 8 us: FORK_STEPS of a multiplication that waits for the one before, so
 * that the work is the same in every language. What the runtimes are measured by is how they spread N such pieces over
 * the workers. check is the sum of the results.
 */
#include "bench.h"

#define FORK_STEPS 4500

static int64_t compute(int64_t x)
{
    for (int i = 0; i < FORK_STEPS; i++)
        x = (x * 1103515 + 12345) & 0x7fffffff;
    return x;
}

static tr_err on_compute(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    int64_t seed;
    tr_args(m, &seed);
    BENCH_TRY(tr_send(self, tr_sender(m), "done", compute(seed)));
    return TR_STOP;
}

static const tr_handler handlers[] = {
    { .tag = "compute", .args = "seed:int", .run = on_compute, .doc = "compute, say so, and end" },
    { 0 },
};
static const tr_behaviour leaf = { .name = "leaf", .handlers = handlers, .doc = "Computes once." };

static tr_err fork_all(tr_self *self, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        tr_addr to;
        BENCH_TRY(tr_spawn(self, &leaf, NULL, &to));
        BENCH_TRY(tr_send(self, to, "compute", i));
    }
    return TR_OK;
}

static tr_err join_all(tr_self *self, int64_t n, int64_t *sum)
{
    *sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const tr_msg *m;
        int64_t result;
        BENCH_TRY(tr_recv(self, &m));
        if (!tr_is(m, "done", &result))
            return TR_EBADMSG;
        *sum += result;
    }
    return TR_OK;
}

static tr_err forker(tr_self *self, void *arg)
{
    int64_t n = *(const int64_t *) arg, sum;
    int64_t start = bench_now_ns();
    BENCH_TRY(fork_all(self, n));
    BENCH_TRY(join_all(self, n, &sum));
    bench_print("fork-join", (double) (bench_now_ns() - start) / 1e6, "ms", sum);
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 100000, "");
    return bench_main(&args, forker, &args.n);
}
