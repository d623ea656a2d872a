/* SPDX-License-Identifier: MIT */
/* bench_ask.c - ask: a body asks a behaviour, N times, one after another
 *
 * near: the runtime may place the two as it likes. cross: the body stays on the first worker, the behaviour on the
 * last, and a body on each of the two that always yields keeps both awake. Each answer is the question plus one; check
 * is their sum, N * (N + 1) / 2. A tenth of N goes before the clock starts.
 */
#include "bench.h"

static tr_err on_next(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    int64_t n;
    tr_args(m, &n);
    return tr_reply(self, m, n + 1);
}

static const tr_handler handlers[] = {
    { .tag = "next", .args = "n:int", .reply = "next:int", .run = on_next, .doc = "the number behind n" },
    { 0 },
};
static const tr_behaviour successor = { .name = "successor", .handlers = handlers, .doc = "Counts on by one." };

static tr_err ask_many(tr_self *self, tr_addr to, int64_t n, int64_t *sum)
{
    *sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const tr_msg *reply;
        int64_t next;
        BENCH_TRY(tr_ask(self, to, &reply, "next", i));
        BENCH_TRY(tr_args(reply, &next));
        *sum += next;
    }
    return TR_OK;
}

static tr_err measure(tr_self *self, tr_addr to, const char *name, int64_t n)
{
    int64_t sum;
    BENCH_TRY(ask_many(self, to, n / 10, &sum));
    int64_t start = bench_now_ns();
    BENCH_TRY(ask_many(self, to, n, &sum));
    bench_print(name, (double) (bench_now_ns() - start) / (double) n, "ns", sum);
    return TR_OK;
}

static tr_err ask_near(tr_self *self, void *arg)
{
    tr_addr to;
    BENCH_TRY(tr_spawn(self, &successor, NULL, &to));
    return measure(self, to, "ask", *(const int64_t *) arg);
}

/* Until it is cancelled, by the end of its owner. */
static tr_err keep_awake(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = TR_OK;
    while (err == TR_OK)
        err = tr_yield(self);
    return err == TR_ECANCELED ? TR_OK : err;
}

static tr_err spawn_on(tr_self *self, unsigned worker, tr_body_fn *body, const tr_behaviour *behaviour, tr_addr *to)
{
    tr_spawn_opts opts = {
        .size = sizeof opts, .body = body, .behaviour = behaviour, .place = TR_PLACE_WORKER, .worker = worker
    };
    return tr_spawn_with(self, &opts, to);
}

static tr_err ask_across(tr_self *self, void *arg)
{
    tr_addr to;
    unsigned last = tr_node_workers(tr_self_node(self)) - 1;
    if (last == 0)
        return tr_fail_with(self, TR_EINVAL, "cross wants two workers");
    BENCH_TRY(spawn_on(self, tr_self_worker(self), keep_awake, NULL, NULL));
    BENCH_TRY(spawn_on(self, last, keep_awake, NULL, NULL));
    BENCH_TRY(spawn_on(self, last, NULL, &successor, &to));
    return measure(self, to, "cross", *(const int64_t *) arg);
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 5000000, "near");
    return bench_main(&args, strcmp(args.variant, "cross") == 0 ? ask_across : ask_near, &args.n);
}
