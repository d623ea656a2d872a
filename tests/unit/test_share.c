/* SPDX-License-Identifier: MIT */
/* test_share.c - actors that move: given, taken from a stuck worker, pulled from one that sleeps (src/sched/share.c) */
#include "support/workers.h"

/* ---- a stuck handler ---- */

struct stuck {
    atomic_int ran, together, long_runs;
    tr_addr who;
};

static tr_err take_arg(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(void **) state = arg;
    return TR_OK;
}

static tr_err count_run(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) m;
    struct stuck *s = *(void **) state;
    atomic_fetch_add(&s->ran, 1);
    return TR_STOP;
}

static const tr_handler counter_rows[] = { { .tag = "count", .args = "", .run = count_run }, { .tag = NULL } };
static const tr_behaviour counter = {
    .name = "counter", .state_size = sizeof(void *), .handlers = counter_rows, .init = take_arg
};

/* Leaves a hundred behaviours with a message behind it, and holds the worker until all have run elsewhere. */
static tr_err hold_up_a_hundred(tr_self *self, void *arg)
{
    struct stuck *s = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 100 && err == TR_OK; i++) {
        tr_addr to;
        err = tr_spawn(self, &counter, s, &to);
        if (err == TR_OK)
            err = tr_send(self, to, "count");
    }
    if (err == TR_OK)
        hold_until(&s->ran, 100);
    return err;
}

static void what_stands_behind_a_stuck_handler_is_taken_over(void **state)
{
    (void) state;
    struct stuck s = { 0 };
    assert_int_equal(run_workers(2, hold_up_a_hundred, &s), TR_OK);
    assert_int_equal(s.ran, 100);
}

static void hold_up(void *arg)
{
    struct stuck *s = arg;
    hold_until(&s->ran, 100);
}

static tr_err hold_up_in_a_defer(tr_self *self, void *arg)
{
    struct stuck *s = arg;
    tr_err err = tr_defer(self, hold_up, s);
    for (int i = 0; i < 100 && err == TR_OK; i++) {
        tr_addr to;
        const tr_spawn_opts opts = { .size = sizeof opts, .behaviour = &counter, .arg = s, .flags = TR_SPAWN_DETACHED };
        err = tr_spawn_with(self, &opts, &to);
        if (err == TR_OK)
            err = tr_send(self, to, "count");
    }
    return err;
}

static void what_stands_behind_a_stuck_defer_is_taken_over(void **state)
{
    (void) state;
    struct stuck s = { 0 };
    assert_int_equal(run_workers(2, hold_up_in_a_defer, &s), TR_OK);
    assert_int_equal(s.ran, 100);
}

/* ---- a reentrant handler that goes on ---- */

static tr_err run_long(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    struct stuck *s = *(void **) state;
    tr_err err = tr_sleep(self, 1); /* lets others in; from here on the actor is not held by this call */
    if (err == TR_OK)
        err = tr_send(self, tr_self_addr(self), "short");
    atomic_store(&s->long_runs, 1);
    for (long until = real_ms() + 30; real_ms() < until && !atomic_load(&s->together);)
        sched_yield();
    atomic_store(&s->long_runs, 0);
    return err;
}

static tr_err run_short(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) m;
    struct stuck *s = *(void **) state;
    atomic_store(&s->together, atomic_load(&s->long_runs));
    atomic_store(&s->ran, 1);
    return TR_STOP;
}

static const tr_handler long_rows[] = {
    { .tag = "long", .args = "", .run = run_long, .flags = TR_REENTRANT },
    { .tag = "short", .args = "", .run = run_short },
    { .tag = NULL },
};
static const tr_behaviour long_runner = {
    .name = "long", .state_size = sizeof(void *), .handlers = long_rows, .init = take_arg
};

static tr_err start_long(tr_self *self, void *arg)
{
    struct stuck *s = arg;
    tr_err err = tr_spawn(self, &long_runner, s, &s->who);
    if (err == TR_OK)
        err = tr_send(self, s->who, "long");
    return err == TR_OK ? wait_until(self, &s->ran, 1) : err; /* a join would hold it here */
}

static void an_actor_whose_reentrant_handler_runs_is_not_taken_over(void **state)
{
    (void) state;
    struct stuck s = { 0 };
    assert_int_equal(run_workers(2, start_long, &s), TR_OK);
    assert_int_equal(s.together, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_behind_a_stuck_handler_is_taken_over),
        cmocka_unit_test(what_stands_behind_a_stuck_defer_is_taken_over),
        cmocka_unit_test(an_actor_whose_reentrant_handler_runs_is_not_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
