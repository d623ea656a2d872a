/* SPDX-License-Identifier: MIT */
/* bench_spawn.c - spawn: what one behaviour costs to make
 *
 * cold: N in a row, all alive at the end; the last answers a message before the clock stops. recycled: a thousand at a
 * time, in the places of the thousand that have just ended; only the spawning is timed. check is how many the node says
 * are alive, or were made.
 */
#include "bench.h"

#define BATCH 1000

static tr_err on_ping(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_reply(self, m);
}

static tr_err on_stop(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) state;
    (void) m;
    return TR_STOP;
}

static const tr_handler handlers[] = {
    { .tag = "ping", .args = "", .reply = "", .run = on_ping, .doc = "answers" },
    { .tag = "stop", .args = "", .run = on_stop, .doc = "ends" },
    { 0 },
};
static const tr_behaviour idler = { .name = "idler", .state_size = 8, .handlers = handlers, .doc = "Does nothing." };

static size_t alive(tr_self *self)
{
    tr_node_stats stats = { .size = sizeof(stats) };
    tr_node_stats_get(tr_self_node(self), &stats);
    return stats.actors;
}

static tr_err spawn_cold(tr_self *self, void *arg)
{
    int64_t n = *(const int64_t *) arg;
    tr_addr last = TR_ADDR_NIL;
    size_t before = alive(self);
    int64_t start = bench_now_ns();
    for (int64_t i = 0; i < n; i++)
        BENCH_TRY(tr_spawn(self, &idler, NULL, &last));
    BENCH_TRY(tr_ask(self, last, NULL, "ping"));
    bench_print("spawn", (double) (bench_now_ns() - start) / (double) n, "ns", (int64_t) (alive(self) - before));
    return TR_OK;
}

struct batch {
    tr_addr made[BATCH];
    int64_t spent_ns;
};

static tr_err batch_fn(tr_self *self, tr_scope *scope, void *arg)
{
    struct batch *b = arg;
    int64_t start = bench_now_ns();
    for (int i = 0; i < BATCH; i++)
        BENCH_TRY(tr_spawn_in(self, scope, &idler, NULL, &b->made[i]));
    b->spent_ns += bench_now_ns() - start;
    for (int i = 0; i < BATCH; i++)
        BENCH_TRY(tr_send(self, b->made[i], "stop"));
    return TR_OK;
}

static tr_err spawn_recycled(tr_self *self, void *arg)
{
    int64_t n = *(const int64_t *) arg, made = 0;
    struct batch *b = tr_alloc(self, sizeof(*b));
    if (b == NULL)
        return TR_ENOMEM;
    BENCH_TRY(tr_scope_run(self, NULL, batch_fn, b));
    b->spent_ns = 0;
    for (; made < n; made += BATCH)
        BENCH_TRY(tr_scope_run(self, NULL, batch_fn, b));
    bench_print("spawn", (double) b->spent_ns / (double) made, "ns", made);
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 1000000, "cold");
    bool recycled = strcmp(args.variant, "recycled") == 0;
    return bench_main(&args, recycled ? spawn_recycled : spawn_cold, &args.n);
}
