/* SPDX-License-Identifier: MIT */
/* bench_fork_join.c - fork-join: N actors, each made, told once to compute, and gone; another adds their results up
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
    tr_addr join;
    tr_args(m, &seed, &join);
    BENCH_TRY(tr_send(self, join, "done", compute(seed)));
    return TR_STOP;
}

static const tr_handler leaf_handlers[] = {
    { .tag = "compute", .args = "seed:int, join:addr", .run = on_compute, .doc = "compute, say so, and end" },
    { 0 },
};
static const tr_behaviour leaf = { .name = "leaf", .handlers = leaf_handlers, .doc = "Computes once." };

struct joiner {
    int64_t missing, sum;
    tr_addr forker;
};

static tr_err on_await(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    struct joiner *j = state;
    j->forker = tr_sender(m);
    return tr_args(m, &j->missing);
}

static tr_err on_done(tr_self *self, void *state, const tr_msg *m)
{
    struct joiner *j = state;
    int64_t result;
    tr_args(m, &result);
    j->sum += result;
    return --j->missing == 0 ? tr_send(self, j->forker, "sum", j->sum) : TR_OK;
}

static const tr_handler joiner_handlers[] = {
    { .tag = "await", .args = "results:int", .run = on_await, .doc = "add up so many, and send the sum" },
    { .tag = "done", .args = "result:int", .run = on_done, .doc = "one of them" },
    { 0 },
};
static const tr_behaviour joiner = {
    .name = "joiner", .state_size = sizeof(struct joiner), .handlers = joiner_handlers, .doc = "Adds results up."
};

static tr_err fork_all(tr_self *self, tr_addr join, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        tr_addr to;
        BENCH_TRY(tr_spawn(self, &leaf, NULL, &to));
        BENCH_TRY(tr_send(self, to, "compute", i, join));
    }
    return TR_OK;
}

static tr_err forker(tr_self *self, void *arg)
{
    int64_t n = *(const int64_t *) arg, sum;
    tr_addr join;
    const tr_msg *m;
    BENCH_TRY(tr_spawn(self, &joiner, NULL, &join));
    BENCH_TRY(tr_send(self, join, "await", n));
    int64_t start = bench_now_ns();
    BENCH_TRY(fork_all(self, join, n));
    BENCH_TRY(tr_recv(self, &m));
    if (!tr_is(m, "sum", &sum))
        return TR_EBADMSG;
    bench_print("fork-join", (double) (bench_now_ns() - start) / 1e6, "ms", sum);
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 100000, "");
    return bench_main(&args, forker, &args.n);
}
