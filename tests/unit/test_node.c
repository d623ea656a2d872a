/* SPDX-License-Identifier: MIT */
/* test_node.c - making a node, driving it from another loop, stopping it, looking at it (docs/semantics.md, S8.10, S14)
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_addr actor;
    int n, reports;
};

static tr_node *node_new(tr_node_opts opts)
{
    tr_node *node;
    opts.size = sizeof opts;
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    alarm(WATCHDOG_S);
    return node;
}

static void node_end(tr_node **node)
{
    tr_node_destroy(node);
    alarm(0);
    assert_null(*node);
}

static void node_spawn(tr_node *node, tr_body_fn *body, struct run *run, const char *name)
{
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = body, .arg = run, .name = name };
    assert_int_equal(tr_node_spawn(node, &spawn, run != NULL ? &run->actor : NULL), TR_OK);
}

static void assert_nothing_left(const tr_node *node)
{
    char left[512];
    if (tr_test_leftovers(node, left, sizeof left) > 0)
        fail_msg("left over: %s", left);
}

/* ---- a loop of somebody else's ---- */

static tr_err sleeps_thrice(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 3 && err == TR_OK; i++) {
        err = tr_sleep(self, 2);
        run->n++;
    }
    return err;
}

/* node.h: the descriptor is readable when a step has something to do, timers included */
static void node_runs_inside_a_poll_loop(void **state)
{
    struct run run = { .n = 0 };
    tr_node *node = node_new((tr_node_opts){ 0 });
    (void) state;
    node_spawn(node, sleeps_thrice, &run, NULL);
    struct pollfd item = { .fd = tr_node_fd(node), .events = POLLIN };
    assert_false(tr_node_is_done(node));
    while (tr_node_step(node, 1))
        ;
    while (!tr_node_is_done(node)) {
        assert_int_equal(poll(&item, 1, 10000), 1);
        while (tr_node_step(node, 1))
            ;
    }
    assert_int_equal(run.n, 3);
    assert_nothing_left(node);
    node_end(&node);
}

static tr_err counts_messages(tr_self *self, void *arg)
{
    const tr_msg *m;
    tr_err err;
    while ((err = tr_recv(self, &m)) == TR_OK && !tr_is(m, "quit"))
        ((struct run *) arg)->n++;
    return err;
}

struct poster {
    tr_node *node;
    tr_addr to;
};

static void *post_some(void *arg)
{
    const struct poster *p = arg;
    for (int i = 0; i < 10; i++)
        (void) tr_post(p->node, p->to, "m");
    (void) tr_post(p->node, p->to, "quit");
    return NULL;
}

/* node.h: a post from a thread wakes the loop */
static void post_makes_the_descriptor_of_an_embedded_node_readable(void **state)
{
    struct run run = { .n = 0 };
    pthread_t thread;
    tr_node *node = node_new((tr_node_opts){ 0 });
    (void) state;
    node_spawn(node, counts_messages, &run, NULL);
    struct pollfd item = { .fd = tr_node_fd(node), .events = POLLIN };
    while (tr_node_step(node, 1))
        ;
    struct poster poster = { node, run.actor };
    assert_int_equal(pthread_create(&thread, NULL, post_some, &poster), 0);
    while (!tr_node_is_done(node)) {
        assert_int_equal(poll(&item, 1, 10000), 1);
        (void) tr_node_step(node, 1);
    }
    pthread_join(thread, NULL);
    assert_int_equal(run.n, 10);
    node_end(&node);
}

static tr_err never_idle(tr_self *self, void *arg)
{
    tr_err err = TR_OK;
    while (err == TR_OK) {
        ((struct run *) arg)->n++;
        err = tr_yield(self);
    }
    return err;
}

/* node.h: a step ends when its budget is spent, and says that there is more */
static void step_keeps_to_its_budget(void **state)
{
    struct run run = { .n = 0 };
    tr_node *node = node_new((tr_node_opts){ 0 });
    (void) state;
    node_spawn(node, never_idle, &run, NULL);
    struct pollfd item = { .fd = tr_node_fd(node), .events = POLLIN };
    assert_true(tr_node_step(node, 1));
    assert_true(run.n > 0);
    assert_int_equal(poll(&item, 1, 0), 1); /* for who looks at nothing else */
    assert_false(tr_node_is_done(node));
    tr_node_stop(node, NULL);
    while (!tr_node_is_done(node))
        (void) tr_node_step(node, 1);
    node_end(&node);
}

/* ---- stopping ---- */

static tr_err notes_its_cancel(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_sleep(self, 3600000);
    note(&run->notes, "%s:%s", tr_err_name(err) + 3, tr_cancel_reason(self));
    return err;
}

/* S8.10 */
static void stop_cancels_everyone_and_run_returns(void **state)
{
    struct run run = { .n = 0 };
    tr_node *node = node_new((tr_node_opts){ .virtual_clock = true });
    (void) state;
    node_spawn(node, notes_its_cancel, &run, NULL);
    node_spawn(node, notes_its_cancel, &run, NULL);
    tr_test_settle(node);
    tr_node_stop(node, "enough");
    tr_node_stop(node, "the second says nothing");
    assert_int_equal(tr_node_run(node), TR_OK);
    assert_true(tr_node_is_done(node));
    assert_string_equal(run.notes.text, "ECANCELED:enough ECANCELED:enough");
    assert_nothing_left(node);
    node_end(&node);
}

static tr_err will_not_end(tr_self *self, void *arg)
{
    (void) arg;
    return tr_shield(self, 3600000, deaf, NULL);
}

static void keep_kill_log(void *ctx, tr_log_level level, const char *line)
{
    (void) level;
    if (strstr(line, "stubborn") != NULL && strstr(line, "TR_EKILLED") != NULL)
        ((struct run *) ctx)->reports++;
}

/* S8.10 */
static void stop_kills_what_is_alive_after_the_grace_and_names_it(void **state)
{
    struct run run = { .n = 0 };
    tr_node *node = node_new(
        (tr_node_opts){ .virtual_clock = true, .stop_grace_ms = 200, .on_log = keep_kill_log, .ctx = &run });
    (void) state;
    node_spawn(node, will_not_end, NULL, "stubborn");
    tr_test_settle(node);
    tr_node_stop(node, NULL);
    assert_int_equal(tr_node_run(node), TR_ETIMEDOUT);
    assert_int_equal(tr_test_now(node), INT64_C(200) * 1000000);
    assert_int_equal(run.reports, 1);
    assert_nothing_left(node);
    node_end(&node);
}

static tr_err leaves_a_stubborn_child(tr_self *self, void *arg)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .body = will_not_end, .arg = arg, .name = "stubborn" };
    tr_err err = tr_spawn_with(self, &opts, NULL);
    return err == TR_OK ? tr_yield(self) : err; /* it is in its shield */
}

static tr_err stops_the_node(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = tr_sleep(self, 50);
    tr_node_stop(tr_self_node(self), "enough");
    return err;
}

/* S8.10: an owner that was ending already when the stop came has a grace of its own, which is over first */
static void stop_says_so_too_when_an_owner_kills_what_is_left(void **state)
{
    struct run run = { .n = 0 };
    tr_node *node = node_new(
        (tr_node_opts){ .virtual_clock = true, .stop_grace_ms = 200, .on_log = keep_kill_log, .ctx = &run });
    (void) state;
    node_spawn(node, leaves_a_stubborn_child, NULL, NULL);
    node_spawn(node, stops_the_node, NULL, NULL);
    assert_int_equal(tr_node_run(node), TR_ETIMEDOUT);
    assert_int_equal(tr_test_now(node), INT64_C(200) * 1000000);
    assert_int_equal(run.reports, 1);
    assert_nothing_left(node);
    node_end(&node);
}

static tr_err spawns_when_canceled(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_sleep(self, 3600000);
    note_err(&run->notes, tr_spawn(self, deaf, NULL, NULL));
    return TR_OK;
}

/* actor.h: TR_ECLOSED when the node is closing */
static void nothing_is_spawned_on_a_node_that_stops(void **state)
{
    struct run run = { .n = 0 };
    tr_node *node = node_new((tr_node_opts){ .virtual_clock = true });
    const tr_spawn_opts late = { .size = sizeof late, .body = deaf };
    (void) state;
    node_spawn(node, spawns_when_canceled, &run, NULL);
    tr_test_settle(node);
    tr_node_stop(node, NULL);
    assert_int_equal(tr_node_run(node), TR_OK);
    assert_string_equal(run.notes.text, "ECLOSED");
    assert_int_equal(tr_node_spawn(node, &late, NULL), TR_ECLOSED);
    assert_int_equal(tr_post(node, run.actor, "late"), TR_ECLOSED);
    node_end(&node);
}

static void *stop_from_thread(void *node)
{
    tr_node_stop(node, "from a thread");
    return NULL;
}

/* S14.9 */
static void stop_from_another_thread_wakes_a_node_that_sleeps(void **state)
{
    struct run run = { .n = 0 };
    pthread_t thread;
    tr_node *node = node_new((tr_node_opts){ 0 });
    (void) state;
    node_spawn(node, notes_its_cancel, &run, NULL);
    assert_int_equal(pthread_create(&thread, NULL, stop_from_thread, node), 0);
    assert_int_equal(tr_node_run(node), TR_OK);
    pthread_join(thread, NULL);
    assert_string_equal(run.notes.text, "ECANCELED:from a thread");
    node_end(&node);
}

/* ---- destroying ---- */

static tr_err has_much(tr_self *self, void *arg)
{
    const tr_msg *m;
    tr_scope *scope;
    tr_check(self, tr_alloc(self, 100) != NULL && tr_temp(self, 100) != NULL);
    tr_check(self, tr_timer_every(self, 5, NULL, "tick") == TR_OK);
    tr_check(self, tr_scope_begin(self, NULL, &scope) == TR_OK);
    tr_check(self, tr_spawn_in(self, scope, will_not_end, arg, NULL) == TR_OK);
    tr_check(self, tr_spawn(self, echo, NULL, NULL) == TR_OK);
    tr_check(self, tr_send(self, tr_self_addr(self), "kept") == TR_OK && tr_recv(self, &m) == TR_OK &&
                       tr_keep(self, m) != NULL);
    tr_err err = tr_sleep(self, 3600000);
    return tr_scope_end(self, &scope, err);
}

/* node.h: what leaks is found by the sanitizer; what is still counted, here */
static void destroy_with_living_actors_leaks_nothing(void **state)
{
    tr_node *node = node_new((tr_node_opts){ .virtual_clock = true });
    (void) state;
    for (int i = 0; i < 3; i++)
        node_spawn(node, has_much, NULL, NULL);
    tr_test_settle(node);
    tr_node_stats stats = { .size = sizeof stats };
    tr_node_stats_get(node, &stats);
    assert_int_equal(stats.actors, 9);
    node_end(&node);
}

/* node.h */
static void destroy_of_a_node_that_never_ran_and_of_none_is_fine(void **state)
{
    tr_node *none = NULL;
    tr_node *node = node_new((tr_node_opts){ 0 });
    (void) state;
    node_spawn(node, deaf, NULL, "never run");
    node_end(&node);
    tr_node_destroy(&none);
}

/* ---- options ---- */

/* node.h */
static void options_that_are_wrong_are_refused(void **state)
{
    tr_node *node = NULL;
    const tr_node_opts size = { .size = 1 }, grace = { .size = sizeof grace, .stop_grace_ms = -1 };
    (void) state;
    assert_int_equal(tr_node_create(&size, &node), TR_EINVAL);
    assert_int_equal(tr_node_create(&grace, &node), TR_EINVAL);
    assert_null(node);
}

/* node.h: what the node spawns, it owns */
static void node_spawns_into_no_scope(void **state)
{
    char somewhere[64] = "";
    tr_node *node = node_new((tr_node_opts){ 0 });
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = deaf, .scope = (tr_scope *) (void *) somewhere };
    (void) state;
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_EINVAL);
    assert_true(tr_node_is_done(node));
    node_end(&node);
}

static tr_err spawns_five(tr_self *self, void *arg)
{
    struct run *run = arg;
    for (int i = 0; i < 5; i++)
        run->n += tr_spawn(self, deaf, NULL, NULL) == TR_OK;
    note(&run->notes, "%s", tr_err_name(tr_error(self)->err) + 3);
    return TR_OK;
}

/* actor.h: TR_EFULL; S7.18 */
static void limit_of_actors_is_kept(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    (void) run_actor_with((tr_node_opts){ .actors_max = 4 }, spawns_five, &run);
    assert_in_range(run.n, 1, 3);
    assert_string_equal(run.notes.text, "EFULL");
}

/* ---- looking ---- */

static tr_err asks_into_nothing(tr_self *self, void *arg)
{
    const tr_msg *m;
    return tr_ask(self, ((struct run *) arg)->actor, &m, "hello", 42);
}

/* node.h */
static void print_tells_each_actor_and_what_it_waits_for(void **state)
{
    struct run run = { .n = 0 };
    char *text = NULL;
    size_t size = 0;
    tr_node *node = node_new((tr_node_opts){ .virtual_clock = true, .name = "shop" });
    const tr_spawn_opts asker = { .size = sizeof asker, .body = asks_into_nothing, .arg = &run, .name = "customer" };
    (void) state;
    node_spawn(node, deaf, &run, "clerk");
    assert_int_equal(tr_node_spawn(node, &asker, NULL), TR_OK);
    tr_test_settle(node);
    FILE *out = open_memstream(&text, &size);
    tr_node_print(node, out);
    fclose(out);
    assert_non_null(strstr(text, "shop: 2 actors"));
    assert_non_null(strstr(text, "waiting for an answer of clerk"));
    assert_non_null(strstr(text, "for a time in 1000 ms, mailbox 1"));
    free(text);
    node_end(&node);
}

/* node.h */
static void stats_count_what_there_is(void **state)
{
    struct run run = { .n = 0 };
    tr_node *node = node_new((tr_node_opts){ .virtual_clock = true });
    const tr_spawn_opts asker = { .size = sizeof asker, .body = asks_into_nothing, .arg = &run };
    tr_node_stats stats = { .size = sizeof stats }, untouched = { .size = 3, .actors = 77 };
    (void) state;
    node_spawn(node, deaf, &run, NULL);
    assert_int_equal(tr_node_spawn(node, &asker, NULL), TR_OK);
    tr_test_settle(node);
    tr_node_stats_get(node, &stats);
    assert_int_equal(stats.actors, 2);
    assert_int_equal(stats.stacks, 2);
    assert_true(stats.timers >= 1);
    assert_int_equal(stats.pending_asks, 1);
    assert_int_equal(stats.blocks, 1);
    assert_true(stats.spawned >= 2);
    assert_true(stats.turns >= 2);
    tr_node_stats_get(node, &untouched);
    assert_int_equal(untouched.actors, 77);
    node_end(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_runs_inside_a_poll_loop),
        cmocka_unit_test(post_makes_the_descriptor_of_an_embedded_node_readable),
        cmocka_unit_test(step_keeps_to_its_budget),
        cmocka_unit_test(stop_cancels_everyone_and_run_returns),
        cmocka_unit_test(stop_kills_what_is_alive_after_the_grace_and_names_it),
        cmocka_unit_test(stop_says_so_too_when_an_owner_kills_what_is_left),
        cmocka_unit_test(nothing_is_spawned_on_a_node_that_stops),
        cmocka_unit_test(stop_from_another_thread_wakes_a_node_that_sleeps),
        cmocka_unit_test(destroy_with_living_actors_leaks_nothing),
        cmocka_unit_test(destroy_of_a_node_that_never_ran_and_of_none_is_fine),
        cmocka_unit_test(options_that_are_wrong_are_refused),
        cmocka_unit_test(node_spawns_into_no_scope),
        cmocka_unit_test(limit_of_actors_is_kept),
        cmocka_unit_test(print_tells_each_actor_and_what_it_waits_for),
        cmocka_unit_test(stats_count_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
