/* SPDX-License-Identifier: MIT */
/* test_loop.c - whose turn it is, for how long, and foreign code on the thread's stack (docs/semantics.md, S13, S14.2)
 */
#include <pthread.h>
#include <time.h>

#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_node *node;
    tr_addr ping, pong, sink;
    tr_self *other;
    int n, others, most;
    bool over;
    int reports;
    pthread_t thread;
};

/* Runs body on a node with a real clock. */
static void run_real(tr_node_opts opts, tr_body_fn *body, struct run *run)
{
    opts.size = sizeof opts;
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = body, .arg = run, .name = "main" };
    assert_int_equal(tr_node_create(&opts, &run->node), TR_OK);
    assert_int_equal(tr_node_spawn(run->node, &spawn, NULL), TR_OK);
    alarm(WATCHDOG_S);
    tr_err err = tr_node_run(run->node);
    alarm(0);
    tr_node_destroy(&run->node);
    assert_int_equal(err, TR_OK);
}

/* ---- nobody starves ---- */

static tr_err chats(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_err err;
    while ((err = tr_recv(self, &m)) == TR_OK && !run->over) {
        run->n++;
        err = tr_send(self, tr_sender(m), "ball");
    }
    return err;
}

static tr_err counts_turns(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 5 && err == TR_OK; i++) {
        err = tr_sleep(self, 1);
        run->others++;
    }
    run->over = true;
    return err;
}

static tr_err serves(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, chats, run, &run->pong);
    if (err == TR_OK)
        err = tr_send(self, run->pong, "ball");
    return err == TR_OK ? chats(self, run) : err;
}

static tr_err chatty_pair_beside_a_sleeper(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr pair, sleeper;
    tr_err err = tr_spawn(self, serves, run, &pair);
    if (err == TR_OK)
        err = tr_spawn(self, counts_turns, run, &sleeper);
    return err == TR_OK ? tr_join(self, sleeper, NULL) : err;
}

/* S13.1, S13.4: timers are looked at though the pair is always ready */
static void chatty_pair_does_not_keep_others_from_their_timers(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    run_real((tr_node_opts){ 0 }, chatty_pair_beside_a_sleeper, &run);
    assert_int_equal(run.others, 5);
    assert_true(run.n > 100);
}

static tr_err on_m(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = *(struct run **) state;
    (void) self;
    (void) m;
    run->n++;
    if (run->n - run->others > run->most)
        run->most = run->n - run->others;
    return TR_OK;
}

static tr_err sink_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(struct run **) state = arg;
    return TR_OK;
}

static const tr_handler sink_rows[] = { { .tag = "m", .args = "", .run = on_m, .doc = "counts" }, { .tag = NULL } };
static const tr_behaviour sink = {
    .name = "sink", .state_size = sizeof(struct run *), .handlers = sink_rows, .init = sink_init
};

static tr_err looks_on(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    while (err == TR_OK && run->n < 1000) {
        run->others = run->n;
        err = tr_yield(self);
    }
    return err;
}

static tr_err full_queue_beside_a_watcher(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr watcher;
    tr_err err = tr_spawn(self, &sink, run, &run->sink);
    for (int i = 0; i < 1000 && err == TR_OK; i++)
        err = tr_try_send(self, run->sink, "m");
    if (err == TR_OK)
        err = tr_spawn(self, looks_on, run, &watcher);
    return err == TR_OK ? tr_join(self, watcher, NULL) : err;
}

/* S13.1 */
static void turn_is_at_most_a_hundred_messages(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(full_queue_beside_a_watcher, &run), TR_OK);
    assert_int_equal(run.n, 1000);
    assert_in_range(run.most, 1, 200);
}

static tr_err waits_for_its_turn(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) self;
    run->others = run->n;
    return TR_OK;
}

static tr_err only_produces(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, deaf, NULL, &run->sink);
    if (err == TR_OK)
        err = tr_spawn(self, waits_for_its_turn, run, NULL);
    for (run->n = 0; run->n < 500 && err == TR_OK; run->n++)
        err = tr_send(self, run->sink, "m");
    return err;
}

/* S13.2 */
static void body_that_only_sends_yields_after_64(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(only_produces, &run), TR_OK);
    assert_in_range(run.others, 1, 64);
}

struct numbered {
    struct run *run;
    int number;
};

static tr_err notes_twice(tr_self *self, void *arg)
{
    const struct numbered *n = arg;
    note(&n->run->notes, "%d", n->number);
    tr_err err = tr_yield(self);
    note(&n->run->notes, "%d", n->number);
    return err;
}

static tr_err yield_among_three(tr_self *self, void *arg)
{
    struct numbered n[3];
    tr_err err = TR_OK;
    for (int i = 0; i < 3 && err == TR_OK; i++) {
        n[i] = (struct numbered){ arg, i };
        err = tr_spawn(self, notes_twice, &n[i], NULL);
    }
    (void) tr_sleep(self, 1);
    return err;
}

/* S13.3, S13.7 */
static void yield_goes_behind_everyone_who_is_ready(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(yield_among_three, &run), TR_OK);
    assert_string_equal(run.notes.text, "0 1 2 0 1 2");
}

static tr_err marks(tr_self *self, void *arg)
{
    (void) self;
    ((struct run *) arg)->over = true;
    return TR_OK;
}

static tr_err yield_to_a_child_often(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 20000 && err == TR_OK; i++) {
        run->over = false;
        err = tr_spawn(self, marks, run, NULL);
        (void) tr_yield(self);
        run->n += !run->over;
        if (i % 4999 == 0)
            (void) tr_yield(self); /* so that ends of slices fall between both */
    }
    return err;
}

/* S13.3: also where a slice of the scheduler ends in between */
static void yield_goes_behind_everyone_whenever_it_comes(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(yield_to_a_child_often, &run), TR_OK);
    assert_int_equal(run.n, 0);
}

/* ---- the slow ---- */

static void keep_log(void *ctx, tr_log_level level, const char *line)
{
    (void) level;
    if (strstr(line, "sluggard") != NULL && strstr(line, "held its worker") != NULL)
        __atomic_fetch_add(&((struct run *) ctx)->reports, 1, __ATOMIC_RELAXED);
}

static int64_t real_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Until it has been reported, at most ten seconds. */
static tr_err busy(tr_self *self, void *arg)
{
    struct run *run = arg;
    int64_t start = real_ns();
    (void) self;
    while (__atomic_load_n(&run->reports, __ATOMIC_RELAXED) == 0 && real_ns() - start < INT64_C(10000000000))
        ;
    run->n = (int) ((real_ns() - start) / 1000000);
    return TR_OK;
}

static tr_err spawn_the_sluggard(tr_self *self, void *arg)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .body = busy, .arg = arg, .name = "sluggard" };
    tr_addr who;
    tr_err err = tr_spawn_with(self, &opts, &who);
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

/* S13.5 */
static void handler_that_holds_its_worker_is_reported_by_name(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    run_real((tr_node_opts){ .on_log = keep_log, .ctx = &run }, spawn_the_sluggard, &run);
    assert_int_equal(run.reports, 1);
    assert_in_range(run.n, 40, 9999);
}

/* ---- on the thread's stack, and with somebody else's self ---- */

static int note_thread(void *arg)
{
    struct run *run = arg;
    char room[600 * 1024]; /* more than an actor's whole stack */
    memset(room, 1, sizeof room);
    run->n += room[sizeof room - 1];
    run->thread = pthread_self();
    return 77;
}

static tr_err calls_foreign_code(tr_self *self, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "%d", tr_call(self, note_thread, run));
    note(&run->notes, "%d", tr_call(self, note_thread, run));
    return tr_yield(self);
}

/* actor.h: tr_call */
static void foreign_code_runs_on_the_large_stack_of_the_thread(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(calls_foreign_code, &run), TR_OK);
    assert_string_equal(run.notes.text, "77 77");
    assert_int_equal(run.n, 2);
    assert_true(pthread_equal(run.thread, pthread_self()));
}

static tr_err lends_its_self(tr_self *self, void *arg)
{
    ((struct run *) arg)->other = self;
    return tr_sleep(self, 100);
}

static tr_err borrows_a_self(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_addr who;
    tr_err err = tr_spawn(self, lends_its_self, run, &who);
    (void) tr_yield(self);
    note_err(&run->notes, tr_send(run->other, who, "x"));
    note_err(&run->notes, tr_ask(run->other, who, &m, "x"));
    note_err(&run->notes, tr_recv(run->other, &m));
    note_err(&run->notes, tr_sleep(run->other, 1));
    note_err(&run->notes, tr_cancel(run->other, who, NULL));
    note_err(&run->notes, tr_register(run->other, "x"));
    note_err(&run->notes, tr_spawn(run->other, deaf, NULL, NULL));
    note_err(&run->notes, tr_within(run->other, 1, deaf, NULL));
    note(&run->notes, "%d", tr_alloc(run->other, 1) == NULL);
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

/* S14.2 */
static void self_of_another_actor_is_refused(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(borrows_a_self, &run), TR_OK);
    assert_string_equal(run.notes.text, "ESTATE ESTATE ESTATE ESTATE ESTATE ESTATE ESTATE ESTATE 1");
}

static tr_err sleeps_a_while(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 200);
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

/* S13.6: 200 ms of nothing, at most a quarter of it used (the ticker parks after 20) */
static void node_in_which_nothing_happens_uses_no_processor_time(void **state)
{
    struct run run = { .n = 0 };
    int64_t before = cpu_ns();
    (void) state;
    run_real((tr_node_opts){ 0 }, sleeps_a_while, &run);
    assert_in_range((cpu_ns() - before) / 1000000, 0, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chatty_pair_does_not_keep_others_from_their_timers),
        cmocka_unit_test(turn_is_at_most_a_hundred_messages),
        cmocka_unit_test(body_that_only_sends_yields_after_64),
        cmocka_unit_test(yield_goes_behind_everyone_who_is_ready),
        cmocka_unit_test(yield_goes_behind_everyone_whenever_it_comes),
        cmocka_unit_test(handler_that_holds_its_worker_is_reported_by_name),
        cmocka_unit_test(foreign_code_runs_on_the_large_stack_of_the_thread),
        cmocka_unit_test(self_of_another_actor_is_refused),
        cmocka_unit_test(node_in_which_nothing_happens_uses_no_processor_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
