/* SPDX-License-Identifier: MIT */
/* bench_big.c - big: 120 behaviours, each of which pings another, drawn anew each time, awaits its pong, N times
 *
 * Savina's Big: one message out for each actor at any time, everybody talks to everybody. Who has all its pongs tells
 * the sink, which waits for all and asks each how often it was pinged. check is pings plus pongs, 2 * 120 * N.
 */
#include "bench.h"

#define BIG_ACTORS 120

struct plan {
    int64_t pings;
    tr_addr actor[BIG_ACTORS]; /* written before the first message, then only read */
    tr_addr sink;
};

struct pinger {
    const struct plan *plan;
    int64_t random, left, pinged, ponged;
};

static tr_err pinger_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    ((struct pinger *) state)->plan = arg;
    return TR_OK;
}

static tr_err ping_one(tr_self *self, struct pinger *p)
{
    if (p->left-- == 0)
        return tr_send(self, p->plan->sink, "finished");
    p->random = (p->random * 1103515 + 12345) & 0x7fffffff;
    return tr_send(self, p->plan->actor[(p->random >> 8) % BIG_ACTORS], "ping", p->left);
}

static tr_err on_start(tr_self *self, void *state, const tr_msg *m)
{
    struct pinger *p = state;
    tr_args(m, &p->random);
    p->left = p->plan->pings;
    return ping_one(self, p);
}

static tr_err on_ping(tr_self *self, void *state, const tr_msg *m)
{
    struct pinger *p = state;
    int64_t number;
    tr_args(m, &number);
    p->pinged++;
    return tr_send(self, tr_sender(m), "pong", number);
}

static tr_err on_pong(tr_self *self, void *state, const tr_msg *m)
{
    struct pinger *p = state;
    int64_t number;
    tr_args(m, &number);
    p->ponged += number == p->left;
    return ping_one(self, p);
}

static tr_err on_count(tr_self *self, void *state, const tr_msg *m)
{
    const struct pinger *p = state;
    return tr_reply(self, m, p->pinged + p->ponged);
}

static const tr_handler handlers[] = {
    { .tag = "count", .args = "", .reply = "n:int", .run = on_count, .doc = "pings answered, and pongs that came" },
    { .tag = "ping", .args = "number:int", .run = on_ping, .doc = "send it back as a pong" },
    { .tag = "pong", .args = "number:int", .run = on_pong, .doc = "the answer to the last ping" },
    { .tag = "start", .args = "seed:int", .run = on_start, .doc = "ping others" },
    { 0 },
};
static const tr_behaviour pinger = { .name = "pinger",
                                     .state_size = sizeof(struct pinger),
                                     .handlers = handlers,
                                     .init = pinger_init,
                                     .doc = "Pings the others, and answers them." };

static tr_err finish(tr_self *self)
{
    for (int i = 0; i < BIG_ACTORS; i++) {
        const tr_msg *m;
        BENCH_TRY(tr_recv(self, &m));
        if (!tr_is(m, "finished"))
            return TR_EBADMSG;
    }
    return TR_OK;
}

static tr_err sink(tr_self *self, void *arg)
{
    struct plan *plan = arg;
    int64_t check = 0;
    plan->sink = tr_self_addr(self);
    for (int i = 0; i < BIG_ACTORS; i++)
        BENCH_TRY(tr_spawn(self, &pinger, plan, &plan->actor[i]));
    int64_t start = bench_now_ns();
    for (int i = 0; i < BIG_ACTORS; i++)
        BENCH_TRY(tr_send(self, plan->actor[i], "start", i));
    BENCH_TRY(finish(self));
    double spent = (double) (bench_now_ns() - start);
    for (int i = 0; i < BIG_ACTORS; i++) {
        const tr_msg *reply;
        int64_t n;
        BENCH_TRY(tr_ask(self, plan->actor[i], &reply, "count"));
        BENCH_TRY(tr_args(reply, &n));
        check += n;
    }
    bench_print("big", spent / (double) (plan->pings * BIG_ACTORS), "ns", check);
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 20000, "");
    struct plan plan = { .pings = args.n };
    return bench_main(&args, sink, &plan);
}
