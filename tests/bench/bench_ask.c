/* SPDX-License-Identifier: MIT */
/* bench_ask.c - ask: a body asks a behaviour, N times, one after another
 *
 * Each answer is the question plus one; check is their sum, N * (N + 1) / 2. A tenth of N goes before the clock starts.
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

static tr_err asker(tr_self *self, void *arg)
{
    int64_t n = *(const int64_t *) arg;
    int64_t sum;
    tr_addr to;
    BENCH_TRY(tr_spawn(self, &successor, NULL, &to));
    BENCH_TRY(ask_many(self, to, n / 10, &sum));
    int64_t start = bench_now_ns();
    BENCH_TRY(ask_many(self, to, n, &sum));
    bench_print("ask", (double) (bench_now_ns() - start) / (double) n, "ns", sum);
    return TR_OK;
}

int main(int argc, char **argv)
{
    int64_t n = bench_count(argc, argv, 5000000);
    return tr_main(asker, &n);
}
