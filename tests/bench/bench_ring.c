/* SPDX-License-Identifier: MIT */
/* bench_ring.c - ring: a token goes N hops around 503 behaviours
 *
 * check is the number of the behaviour that holds the token at the end, N % 503. A tenth of N goes before the clock
 * starts.
 */
#include "bench.h"

#define RING_LEN 503

struct place {
    int64_t id;
    tr_addr next, judge;
};

static tr_err on_link(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    struct place *p = state;
    return tr_args(m, &p->id, &p->next, &p->judge);
}

static tr_err on_hop(tr_self *self, void *state, const tr_msg *m)
{
    struct place *p = state;
    int64_t left;
    tr_args(m, &left);
    return left > 0 ? tr_send(self, p->next, "hop", left - 1) : tr_send(self, p->judge, "done", p->id);
}

static const tr_handler handlers[] = {
    { .tag = "hop", .args = "left:int", .run = on_hop, .doc = "the token, with so many hops to go" },
    { .tag = "link", .args = "id:int, next:addr, judge:addr", .run = on_link, .doc = "its place in the ring" },
    { 0 },
};
static const tr_behaviour place = {
    .name = "place", .state_size = sizeof(struct place), .handlers = handlers, .doc = "One place of a ring."
};

static tr_err ring_make(tr_self *self, tr_addr ring[RING_LEN])
{
    for (int i = 0; i < RING_LEN; i++)
        BENCH_TRY(tr_spawn(self, &place, NULL, &ring[i]));
    for (int i = 0; i < RING_LEN; i++)
        BENCH_TRY(tr_send(self, ring[i], "link", i, ring[(i + 1) % RING_LEN], tr_self_addr(self)));
    return TR_OK;
}

static tr_err ring_go(tr_self *self, tr_addr first, int64_t hops, int64_t *holder)
{
    const tr_msg *m;
    BENCH_TRY(tr_send(self, first, "hop", hops));
    BENCH_TRY(tr_recv(self, &m));
    return tr_is(m, "done", holder) ? TR_OK : TR_EBADMSG;
}

static tr_err judge(tr_self *self, void *arg)
{
    int64_t n = *(const int64_t *) arg;
    tr_addr ring[RING_LEN];
    int64_t holder;
    BENCH_TRY(ring_make(self, ring));
    BENCH_TRY(ring_go(self, ring[0], n / 10, &holder));
    int64_t start = bench_now_ns();
    BENCH_TRY(ring_go(self, ring[0], n, &holder));
    bench_print("ring", (double) (bench_now_ns() - start) / (double) n, "ns", holder);
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 5000000, "");
    return bench_main(&args, judge, &args.n);
}
