/* SPDX-License-Identifier: MIT */
/* bench_pull.c - pull: an ask to an idle behaviour whose worker sleeps, N times, each to another one
 *
 * An actor that stays on the last worker makes the behaviours there; then that worker has nothing more to do and
 * sleeps. The asker is on the first. The runtime brings each behaviour over instead of waking its worker; an answer is
 * the number of the worker that it was given on. The value is the median of the asks; check is how many answered. It is
 * an error if half of them did not come over: then something else was measured.
 */
#include "bench.h"

#define SLEEP_MS 50 /* more than any worker takes until it sleeps */

struct plan {
    int64_t n;
    tr_addr *made;
    int64_t *spent_ns;
};

static tr_err on_where(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_reply(self, m, tr_self_worker(self));
}

static const tr_handler idler_handlers[] = {
    { .tag = "where", .args = "", .reply = "worker:int", .run = on_where, .doc = "the number of its worker" },
    { 0 },
};
static const tr_behaviour idler = {
    .name = "idler", .state_size = 8, .handlers = idler_handlers, .doc = "Says where it is."
};

struct maker {
    struct plan *plan;
};

static tr_err maker_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    ((struct maker *) state)->plan = arg;
    return TR_OK;
}

static tr_err on_make(tr_self *self, void *state, const tr_msg *m)
{
    const struct plan *p = ((struct maker *) state)->plan;
    for (int64_t i = 0; i < p->n; i++)
        BENCH_TRY(tr_spawn(self, &idler, NULL, &p->made[i]));
    return tr_reply(self, m);
}

static const tr_handler maker_handlers[] = {
    { .tag = "make", .args = "", .reply = "", .run = on_make, .doc = "make them all" },
    { 0 },
};
static const tr_behaviour maker = { .name = "maker",
                                    .state_size = sizeof(struct maker),
                                    .handlers = maker_handlers,
                                    .init = maker_init,
                                    .doc = "Makes idlers where it is." };

static tr_err ask_each(tr_self *self, const struct plan *p, int64_t *pulled)
{
    *pulled = 0;
    for (int64_t i = 0; i < p->n; i++) {
        const tr_msg *reply;
        int64_t worker, start = bench_now_ns();
        BENCH_TRY(tr_ask(self, p->made[i], &reply, "where"));
        p->spent_ns[i] = bench_now_ns() - start;
        BENCH_TRY(tr_args(reply, &worker));
        *pulled += worker == tr_self_worker(self);
    }
    return TR_OK;
}

static tr_err asker(tr_self *self, void *arg)
{
    struct plan *p = arg;
    tr_addr to;
    int64_t pulled;
    unsigned workers = tr_node_workers(tr_self_node(self));
    tr_spawn_opts opts = {
        .size = sizeof opts, .behaviour = &maker, .arg = p, .place = TR_PLACE_WORKER, .worker = workers - 1
    };
    if (workers < 2)
        return tr_fail_with(self, TR_EINVAL, "pull wants two workers");
    BENCH_TRY(tr_spawn_with(self, &opts, &to));
    BENCH_TRY(tr_ask(self, to, NULL, "make"));
    BENCH_TRY(tr_sleep(self, SLEEP_MS));
    BENCH_TRY(ask_each(self, p, &pulled));
    if (pulled * 2 < p->n)
        return tr_fail_with(self, TR_EUSER, "only %" PRId64 " of %" PRId64 " came over", pulled, p->n);
    bench_print("pull", (double) bench_median(p->spent_ns, p->n), "ns", p->n);
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 10000, "");
    struct plan plan = { .n = args.n };
    plan.made = calloc((size_t) plan.n, sizeof *plan.made);
    plan.spent_ns = calloc((size_t) plan.n, sizeof *plan.spent_ns);
    int status = plan.made != NULL && plan.spent_ns != NULL ? bench_main(&args, asker, &plan) : 1;
    free(plan.made);
    free(plan.spent_ns);
    return status;
}
