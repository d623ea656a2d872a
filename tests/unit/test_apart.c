/* SPDX-License-Identifier: MIT */
/* test_apart.c - scopes whose actors are on other workers: started, stopped, cancelled, refused (docs/semantics.md) */
#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_scope *scope;
    tr_addr main;
};

static tr_err main_node(tr_body_fn *body, struct run *run)
{
    tr_node *node;
    char left[256] = "";
    const tr_node_opts opts = { .size = sizeof opts, .workers = 2 };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = body, .arg = run, .name = "test" };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    alarm(WATCHDOG_S);
    tr_err err = tr_node_spawn(node, &spawn, NULL);
    if (err == TR_OK)
        err = tr_node_run(node);
    alarm(0);
    (void) tr_test_leftovers(node, left, sizeof left);
    tr_node_destroy(&node);
    assert_string_equal(left, "");
    return err;
}

static tr_spawn_opts there(tr_body_fn *body, void *arg, tr_scope *scope)
{
    return (tr_spawn_opts){
        .size = sizeof(tr_spawn_opts), .body = body, .arg = arg, .scope = scope, .place = TR_PLACE_WORKER, .worker = 1
    };
}

/* ---- starting ---- */

static tr_err ready_there(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = tr_ready(self, "on", tr_self_worker(self));
    return err == TR_OK ? tr_sleep(self, 1) : err;
}

static tr_err fails_there(tr_self *self, void *arg)
{
    (void) arg;
    return tr_fail_with(self, TR_EUSER, "no port on worker %u", tr_self_worker(self));
}

static tr_err never_ready(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 3600000);
}

static tr_err starts_there(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    const tr_msg *value;
    unsigned on = 9;
    tr_spawn_opts opts = there(ready_there, NULL, scope);
    note_err(&run->notes, tr_start_with(self, &opts, TR_FOREVER, NULL, &value));
    (void) tr_is(value, "on", &on);
    note(&run->notes, "%u", on);
    opts = there(fails_there, NULL, scope);
    note_err(&run->notes, tr_start_with(self, &opts, TR_FOREVER, NULL, NULL));
    note(&run->notes, "\"%s\"", tr_error(self)->text);
    opts = there(never_ready, NULL, scope);
    note_err(&run->notes, tr_start_with(self, &opts, 5, NULL, NULL));
    return TR_OK;
}

static tr_err start_there(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_scope_run(self, NULL, starts_there, run));
    note(&run->notes, "%zu", tr_error_count(self));
    return TR_OK;
}

/* S50.1, S50.2, S50.6 */
static void actor_on_another_worker_is_started_and_its_failure_told_to_the_starter_alone(void **state)
{
    struct run run = { .scope = NULL };
    (void) state;
    assert_int_equal(main_node(start_there, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK 1 EUSER \"no port on worker 1\" ETIMEDOUT OK 0");
}

/* ---- a scope of another worker ---- */

static tr_err meddles(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = never_ready, .scope = run->scope };
    note_err(&run->notes, tr_spawn_in(self, run->scope, never_ready, NULL, NULL));
    note(&run->notes, "\"%s\"", tr_error(self)->text);
    note_err(&run->notes, tr_start_with(self, &opts, 10, NULL, NULL));
    note_err(&run->notes, tr_scope_stop(self, run->scope, 10, NULL));
    note_err(&run->notes, tr_scope_set_deadline(self, run->scope, TR_NEVER));
    tr_scope_cancel(self, run->scope, NULL);
    note(&run->notes, "\"%s\"", tr_error(self)->text);
    return TR_OK;
}

static tr_err with_a_meddler(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    tr_addr who;
    run->scope = scope;
    const tr_spawn_opts opts = there(meddles, run, scope);
    tr_err err = tr_spawn_with(self, &opts, &who);
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

static tr_err meddle(tr_self *self, void *arg)
{
    return tr_scope_run(self, NULL, with_a_meddler, arg);
}

/* S50.4, S52.4, S53.4 */
static void scope_of_another_worker_is_refused_with_a_clear_error(void **state)
{
    struct run run = { .scope = NULL };
    (void) state;
    assert_int_equal(main_node(meddle, &run), TR_OK);
    assert_string_equal(run.notes.text,
                        "EINVAL \"that scope lives on another worker: only actors that share its worker can spawn into "
                        "it\" EINVAL ESTATE ESTATE \"that scope lives on another thread: ask an actor there to cancel "
                        "it\"");
}

/* ---- stopping and cancelling ---- */

static tr_err drains_there(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_ready(self);
    tr_err err = tr_until_stop(self, never_ready, NULL);
    if (err == TR_STOP && tr_is_stopping(self) && strcmp(tr_stop_reason(self), "closing time") == 0)
        err = tr_send(self, run->main, "drained", tr_self_worker(self));
    return err;
}

static tr_err stops_those_there(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts opts = there(drains_there, run, scope);
    tr_err err = TR_OK;
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_start_with(self, &opts, TR_FOREVER, NULL, NULL);
    if (err == TR_OK)
        err = tr_scope_stop(self, scope, 10000, "closing time");
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_expect(self, 5000, NULL, "drained", 1);
    return err;
}

static tr_err stop_there(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr who;
    run->main = tr_self_addr(self);
    note_err(&run->notes, tr_scope_run(self, NULL, stops_those_there, run));
    const tr_spawn_opts opts = there(drains_there, run, NULL);
    note_err(&run->notes, tr_start_with(self, &opts, TR_FOREVER, &who, NULL));
    note_err(&run->notes, tr_stop_wait(self, who, "closing time", 5000));
    return tr_expect(self, 5000, NULL, "drained", 1);
}

/* S53.1, S53.2, S53.4, S53.6 */
static void request_to_stop_reaches_actors_on_other_workers(void **state)
{
    struct run run = { .scope = NULL };
    (void) state;
    assert_int_equal(main_node(stop_there, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK OK");
}

/* ---- racing ---- */

static tr_err wins(tr_self *self, void *arg)
{
    (void) arg;
    (void) tr_result(self, "won");
    return tr_sleep(self, 1);
}

static tr_err races(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_racer racers[] = { { .body = never_ready }, { .body = fails_there }, { .body = wins } };
    size_t winner = 9;
    const tr_msg *result;
    note_err(&run->notes, tr_race(self, NULL, racers, 3, &winner, &result));
    note(&run->notes, "%zu %d", winner, tr_is(result, "won"));
    return TR_OK;
}

/* S51.1, S51.3 */
static void race_holds_on_a_node_with_several_workers(void **state)
{
    struct run run = { .scope = NULL };
    (void) state;
    assert_int_equal(main_node(races, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK 2 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actor_on_another_worker_is_started_and_its_failure_told_to_the_starter_alone),
        cmocka_unit_test(scope_of_another_worker_is_refused_with_a_clear_error),
        cmocka_unit_test(request_to_stop_reaches_actors_on_other_workers),
        cmocka_unit_test(race_holds_on_a_node_with_several_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
