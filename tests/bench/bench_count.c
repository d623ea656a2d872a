/* SPDX-License-Identifier: MIT */
/* bench_count.c - count: a body sends N messages to a counter, whose mailbox has the default bounds
 *
 * The clock stops when the counter has answered how many it got, which is check. A tenth of N goes before the clock
 * starts.
 */
#include "bench.h"

struct counter {
    int64_t total;
};

static tr_err on_add(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    struct counter *c = state;
    int64_t n;
    tr_args(m, &n);
    c->total += n;
    return TR_OK;
}

static tr_err on_take(tr_self *self, void *state, const tr_msg *m)
{
    struct counter *c = state;
    int64_t total = c->total;
    c->total = 0;
    return tr_reply(self, m, total);
}

static const tr_handler handlers[] = {
    { .tag = "add", .args = "n:int", .run = on_add, .doc = "add n to the total" },
    { .tag = "take", .args = "", .reply = "total:int", .run = on_take, .doc = "the total, which starts again at 0" },
    { 0 },
};
static const tr_behaviour counter = {
    .name = "counter", .state_size = sizeof(struct counter), .handlers = handlers, .doc = "Adds up what it is sent."
};

static tr_err produce(tr_self *self, tr_addr to, int64_t n, int64_t *total)
{
    const tr_msg *reply;
    for (int64_t i = 0; i < n; i++)
        BENCH_TRY(tr_send(self, to, "add", 1));
    BENCH_TRY(tr_ask(self, to, &reply, "take"));
    return tr_args(reply, total);
}

static tr_err producer(tr_self *self, void *arg)
{
    int64_t n = *(const int64_t *) arg;
    int64_t total;
    tr_addr to;
    BENCH_TRY(tr_spawn(self, &counter, NULL, &to));
    BENCH_TRY(produce(self, to, n / 10, &total));
    int64_t start = bench_now_ns();
    BENCH_TRY(produce(self, to, n, &total));
    bench_print("count", (double) (bench_now_ns() - start) / (double) n, "ns", total);
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 5000000, "");
    return bench_main(&args, producer, &args.n);
}
