/* SPDX-License-Identifier: MIT */
/* bench_timers.c - timers: N sleeps spread over 0 to 999 ms, started together; the time until the last has ended
 *
 * cold: bodies that sleep, on stacks never used before. recycled: the same on the stacks of N bodies that have just
 * ended. tick: behaviours that get a timer's message, and no stack at all. A sleep that ends early, by the system's own
 * clock, is an error. check is how many slept.
 *
 * The bodies may spread over all workers before they run, so what they share is atomic.
 */
#include <stdatomic.h>

#include "bench.h"

#define SPREAD_MS 1000

struct plan {
    int64_t n;
    atomic_int_fast64_t slept, early;
    atomic_uint_fast64_t started;
    tr_time together; /* when the warm-up's sleeps end */
    tr_err (*spawn)(tr_self *self, tr_scope *scope, struct plan *p);
};

static void plan_note(struct plan *p, int64_t due_ns)
{
    atomic_fetch_add(&p->slept, 1);
    if (bench_now_ns() < due_ns)
        atomic_fetch_add(&p->early, 1);
}

static int64_t plan_take_ms(struct plan *p)
{
    return (int64_t) (atomic_fetch_add(&p->started, 1) % SPREAD_MS);
}

static tr_err sleeper(tr_self *self, void *arg)
{
    struct plan *p = arg;
    int64_t ms = plan_take_ms(p);
    int64_t due_ns = bench_now_ns() + ms * 1000000;
    BENCH_TRY(tr_sleep(self, ms));
    plan_note(p, due_ns);
    return TR_OK;
}

static tr_err warm_sleeper(tr_self *self, void *arg)
{
    const struct plan *p = arg;
    return tr_sleep_until(self, p->together);
}

struct ticker {
    struct plan *plan;
    tr_time due;
};

static tr_err ticker_init(tr_self *self, void *state, void *arg)
{
    struct ticker *t = state;
    t->plan = arg;
    t->due = tr_now(self) + plan_take_ms(t->plan) * 1000000;
    return tr_timer_start(self, t->due, 0, NULL, "tick");
}

static tr_err on_tick(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) m;
    struct ticker *t = state;
    plan_note(t->plan, t->due);
    return TR_STOP;
}

static const tr_handler handlers[] = {
    { .tag = "tick", .args = "", .run = on_tick, .doc = "its time has come" },
    { 0 },
};
static const tr_behaviour ticker = { .name = "ticker",
                                     .state_size = sizeof(struct ticker),
                                     .handlers = handlers,
                                     .init = ticker_init,
                                     .doc = "Ticks once." };

static tr_err spawn_body(tr_self *self, tr_scope *scope, tr_body_fn *body, struct plan *p)
{
    tr_spawn_opts opts = { .size = sizeof opts, .body = body, .arg = p, .scope = scope, .place = TR_PLACE_ANY };
    return tr_spawn_with(self, &opts, NULL);
}

static tr_err spawn_sleeper(tr_self *self, tr_scope *scope, struct plan *p)
{
    return spawn_body(self, scope, sleeper, p);
}

static tr_err spawn_warm(tr_self *self, tr_scope *scope, struct plan *p)
{
    return spawn_body(self, scope, warm_sleeper, p);
}

static tr_err spawn_ticker(tr_self *self, tr_scope *scope, struct plan *p)
{
    return tr_spawn_in(self, scope, &ticker, p, NULL);
}

static tr_err spawn_all(tr_self *self, tr_scope *scope, void *arg)
{
    struct plan *p = arg;
    for (int64_t i = 0; i < p->n; i++)
        BENCH_TRY(p->spawn(self, scope, p));
    return TR_OK;
}

static tr_err warm_up(tr_self *self, int64_t n)
{
    struct plan p = { .n = n, .spawn = spawn_warm, .together = tr_now(self) + (int64_t) SPREAD_MS * 1000000 };
    return tr_scope_run(self, NULL, spawn_all, &p);
}

static tr_err measure(tr_self *self, struct plan *p)
{
    int64_t start = bench_now_ns();
    BENCH_TRY(tr_scope_run(self, NULL, spawn_all, p));
    double ms = (double) (bench_now_ns() - start) / 1e6;
    int64_t early = atomic_load(&p->early);
    if (early > 0)
        return tr_fail_with(self, TR_EUSER, "%" PRId64 " of %" PRId64 " sleeps ended early", early, p->n);
    bench_print("timers", ms, "ms", atomic_load(&p->slept));
    return TR_OK;
}

static tr_err run_fresh(tr_self *self, void *arg)
{
    return measure(self, arg);
}

static tr_err run_recycled(tr_self *self, void *arg)
{
    struct plan *p = arg;
    BENCH_TRY(warm_up(self, p->n));
    return measure(self, p);
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 100000, "cold");
    struct plan plan = { .n = args.n, .spawn = spawn_sleeper };
    if (strcmp(args.variant, "tick") == 0)
        plan.spawn = spawn_ticker;
    return bench_main(&args, strcmp(args.variant, "recycled") == 0 ? run_recycled : run_fresh, &plan);
}
