/* SPDX-License-Identifier: MIT */
/* test_owner.c - who owns whom, results, and failures that nobody joined (docs/semantics.md, S7) */
#include "support/actor_test.h"

#define RECORDS_MAX 1024 /* S7.8 */

struct run {
    struct notes notes, reports;
    tr_node *node;
    tr_addr child;
    int ended, reported;
    long at_ms;
};

static void on_failure(void *ctx, const tr_failure *failure)
{
    struct run *run = ctx;
    run->reported++;
    run->at_ms = (long) (tr_test_now(run->node) / 1000000);
    if (run->reported <= 4)
        note(&run->reports, "%s:%s:%s", failure->name, tr_err_name(failure->err) + 3, failure->text);
}

static tr_err remember_node(tr_self *self, struct run *run)
{
    run->node = tr_self_node(self);
    return TR_OK;
}

/* Runs body with the hook for failures. */
static void run_watched(tr_body_fn *body, struct run *run)
{
    (void) run_actor_with((tr_node_opts){ .on_failure = on_failure, .ctx = run }, body, run);
}

static tr_err fails(tr_self *self, void *arg)
{
    (void) arg;
    return tr_fail_with(self, TR_EUSER + 7, "no luck");
}

static tr_err fails_later(tr_self *self, void *arg)
{
    (void) tr_sleep(self, 1);
    return fails(self, arg);
}

static void count_end(void *arg)
{
    ((struct run *) arg)->ended++;
}

static tr_err naps_when_canceled(tr_self *self, void *arg)
{
    tr_err err = tr_sleep(self, 3600000);
    tr_err nap = tr_shield(self, 1000, deaf, NULL);
    ((struct run *) arg)->ended++;
    return nap == TR_ETIMEDOUT || nap == TR_ECANCELED ? err : nap;
}

/* ---- results ---- */

static tr_err with_result(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = tr_result(self, "thrown away");
    if (err == TR_OK)
        err = tr_sleep(self, 10);
    return err == TR_OK ? tr_result(self, 42, "words") : err;
}

static void note_result(tr_self *self, struct run *run, tr_addr who)
{
    const tr_msg *m = NULL;
    int n = 0;
    const char *s = "";
    tr_err err = tr_join(self, who, &m);
    if (err == TR_OK && m != NULL)
        (void) tr_args(m, &n, &s);
    note(&run->notes, "%s %d%s", tr_err_name(err) + 3, n, s);
}

static tr_err join_twice_and_forget(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, with_result, NULL, &run->child);
    note_result(self, run, run->child);
    note(&run->notes, "at %ld", now_ms(self));
    note_result(self, run, run->child);
    tr_forget(self, run->child);
    note_result(self, run, run->child);
    return err;
}

/* S7.4, S7.5, S7.6 */
static void result_can_be_joined_again_until_it_is_forgotten(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    assert_int_equal(run_actor(join_twice_and_forget, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK 42words at 10 OK 42words ENOPROC 0");
}

static tr_err empty_end(tr_self *self, void *arg)
{
    (void) arg;
    return tr_yield(self);
}

static tr_err join_others(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m = (const tr_msg *) run;
    tr_err err = tr_spawn(self, empty_end, NULL, &run->child);
    note_err(&run->notes, tr_join(self, run->child, &m));
    note(&run->notes, "%d", m == NULL);
    note_err(&run->notes, tr_join(self, TR_ADDR_NIL, NULL));
    note_err(&run->notes, tr_join(self, (tr_addr){ 0, 12345678 }, NULL));
    note_err(&run->notes, tr_join(self, tr_self_addr(self), NULL));
    return err;
}

/* S7.4, S7.6, S10.4 */
static void joins_without_a_result_of_nobody_and_of_oneself(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    assert_int_equal(run_actor(join_others, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK 1 ENOPROC ENOPROC EDEADLK");
}

static tr_err parent_that_joins(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_join(self, run->child, NULL));
    note(&run->notes, "%s by %s", tr_error(self)->text, tr_error(self)->actor);
    return TR_OK;
}

static tr_err two_join_one(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr joiner;
    tr_err err = tr_spawn(self, fails_later, NULL, &run->child);
    if (err == TR_OK)
        err = tr_spawn(self, parent_that_joins, run, &joiner);
    (void) parent_that_joins(self, run);
    return err == TR_OK ? tr_join(self, joiner, NULL) : err;
}

/* S7.4, S7.7: an actor that is not the owner may wait as well; who is joined is not reported */
static void error_of_an_actor_is_what_its_joiners_get_with_its_words(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    run_watched(two_join_one, &run);
    assert_string_equal(run.notes.text, "EUSER+7 no luck by body EUSER+7 no luck by body");
    assert_int_equal(run.reported, 0);
}

/* ---- failures ---- */

static tr_err failing_child_and_ten_seconds(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = fails, .name = "unlucky" };
    tr_err err = remember_node(self, run);
    if (err == TR_OK)
        err = tr_spawn_with(self, &opts, &run->child);
    (void) tr_sleep(self, 1);
    note(&run->notes, "%d", run->reported);
    (void) tr_sleep(self, 10000);
    note(&run->notes, "%d", run->reported);
    tr_forget(self, run->child);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    return err;
}

/* S7.3, S7.7, S7.8 */
static void failure_that_nobody_joined_is_reported_once_after_five_seconds(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    run_watched(failing_child_and_ten_seconds, &run);
    assert_string_equal(run.notes.text, "0 1 ENOPROC");
    assert_string_equal(run.reports.text, "unlucky:EUSER+7:no luck");
    assert_int_equal(run.reported, 1);
    assert_int_equal(run.at_ms, 5000);
}

static tr_err forget_the_failed(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = remember_node(self, run);
    if (err == TR_OK)
        err = tr_spawn(self, fails, NULL, &run->child);
    (void) tr_sleep(self, 1);
    note(&run->notes, "%d", run->reported);
    tr_forget(self, run->child);
    note(&run->notes, "%d", run->reported);
    (void) tr_sleep(self, 10000);
    return err;
}

/* S7.8 */
static void failure_is_reported_when_its_record_is_forgotten(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    run_watched(forget_the_failed, &run);
    assert_string_equal(run.notes.text, "0 1");
    assert_int_equal(run.reported, 1);
}

static tr_err end_with_a_failed_child(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) remember_node(self, run);
    tr_err err = tr_spawn(self, fails, NULL, NULL);
    (void) tr_sleep(self, 1);
    return err;
}

/* S7.8 */
static void failure_is_reported_when_its_owner_ends(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    run_watched(end_with_a_failed_child, &run);
    assert_int_equal(run.reported, 1);
    assert_int_equal(run.at_ms, 1);
}

static tr_err join_in_time(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) remember_node(self, run);
    tr_err err = tr_spawn(self, fails, NULL, &run->child);
    (void) tr_sleep(self, 4999);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    (void) tr_sleep(self, 10000);
    return err;
}

/* S7.7 */
static void failure_that_was_joined_is_never_reported(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    run_watched(join_in_time, &run);
    assert_string_equal(run.notes.text, "EUSER+7");
    assert_int_equal(run.reported, 0);
}

static tr_err failed_in_scope(tr_self *self, tr_scope *scope, void *arg)
{
    return tr_spawn_in(self, scope, fails, arg, NULL);
}

static tr_err scope_takes_it(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) remember_node(self, run);
    note_err(&run->notes, tr_scope_run(self, NULL, failed_in_scope, run));
    return tr_sleep(self, 10000);
}

/* S7.7 */
static void failure_that_a_scope_took_is_never_reported(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    run_watched(scope_takes_it, &run);
    assert_string_equal(run.notes.text, "EUSER+7");
    assert_int_equal(run.reported, 0);
}

static tr_err more_than_the_records(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) remember_node(self, run);
    tr_err err = tr_spawn(self, fails, NULL, &run->child);
    (void) tr_sleep(self, 1);
    for (int i = 0; i < RECORDS_MAX && err == TR_OK; i++)
        err = tr_spawn(self, empty_end, NULL, NULL);
    (void) tr_sleep(self, 1);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    note(&run->notes, "%d", run->reported);
    return err;
}

/* S7.8 */
static void records_are_bounded_and_the_oldest_failure_is_reported_when_it_goes(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    run_watched(more_than_the_records, &run);
    assert_string_equal(run.notes.text, "ENOPROC 1");
}

static tr_err canceled_child(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) remember_node(self, run);
    tr_err err = tr_spawn(self, deaf, NULL, &run->child);
    (void) tr_sleep(self, 1);
    tr_cancel(self, run->child, NULL);
    (void) tr_sleep(self, 10000);
    return err;
}

/* S7.7, S6.7 */
static void actor_that_ended_because_it_was_canceled_has_not_failed(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    run_watched(canceled_child, &run);
    assert_int_equal(run.reported, 0);
}

static tr_err detached_failure(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = fails, .name = "alone", .flags = TR_SPAWN_DETACHED };
    (void) remember_node(self, run);
    tr_err err = tr_spawn_with(self, &opts, &run->child);
    (void) tr_sleep(self, 1);
    note(&run->notes, "%d", run->reported);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    return err;
}

/* S7.1, S7.8 */
static void failure_of_a_detached_actor_is_reported_at_its_end_and_leaves_no_record(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    run_watched(detached_failure, &run);
    assert_string_equal(run.notes.text, "1 ENOPROC");
    assert_int_equal(run.reported, 1);
    assert_int_equal(run.at_ms, 0);
}

/* ---- owners that end ---- */

static tr_err owner_of_sleepers(tr_self *self, void *arg)
{
    tr_err err = TR_OK;
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_spawn(self, naps_when_canceled, arg, NULL);
    (void) tr_yield(self);
    return err;
}

static tr_err join_an_owner(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, owner_of_sleepers, run, &run->child);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    note(&run->notes, "%d at %ld", run->ended, now_ms(self));
    return err;
}

/* S7.2, S8.4 */
static void actor_that_ends_cancels_those_it_owns_and_waits_for_them(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    assert_int_equal(run_actor(join_an_owner, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK 3 at 1000");
}

static tr_err owner_that_fails(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, naps_when_canceled, run, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, naps_when_canceled, run, NULL);
    (void) tr_yield(self);
    tr_fail(self, TR_EUSER, "over");
}

static tr_err join_an_owner_that_fails(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, owner_that_fails, run, &run->child);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    note(&run->notes, "%d at %ld", run->ended, now_ms(self));
    return err;
}

/* S7.2 */
static void actor_that_fails_takes_those_it_owns_with_it(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    assert_int_equal(run_actor(join_an_owner_that_fails, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER 2 at 1000");
}

static tr_err detach_and_end(tr_self *self, void *arg)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .body = empty_end, .arg = arg, .flags = TR_SPAWN_DETACHED };
    struct run *run = arg;
    return tr_spawn_with(self, &opts, &run->child);
}

static tr_err outlives(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr parent;
    tr_err err = tr_spawn(self, detach_and_end, run, &parent);
    if (err == TR_OK)
        err = tr_join(self, parent, NULL);
    note(&run->notes, "%d", tr_is_alive(self, run->child));
    note_err(&run->notes, tr_join(self, run->child, NULL));
    return err;
}

/* S7.1 */
static void detached_actor_outlives_its_spawner(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    assert_int_equal(run_actor(outlives, &run), TR_OK);
    assert_string_equal(run.notes.text, "1 OK");
}

/* ---- failing on purpose ---- */

static tr_err fails_deep(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_defer(self, count_end, run);
    tr_fail(self, TR_EUSER + 3, "deep %d", 1);
}

static tr_err checks(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_defer(self, count_end, run);
    tr_check(self, run != NULL);
    tr_check(self, run == NULL);
    run->ended += 100;
    return TR_OK;
}

static tr_err fails_with_ok(tr_self *self, void *arg)
{
    (void) arg;
    tr_fail(self, TR_OK, "what now");
}

static tr_err join_the_failing(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_body_fn *bodies[] = { fails_deep, checks, fails_with_ok };
    for (int i = 0; i < 3; i++) {
        tr_err err = tr_spawn(self, bodies[i], run, &run->child);
        note_err(&run->notes, err == TR_OK ? tr_join(self, run->child, NULL) : err);
        note(&run->notes, "%d",
             strstr(tr_error(self)->text, i == 0   ? "deep 1"
                                          : i == 1 ? "run == NULL"
                                                   : "what now") != NULL);
    }
    return TR_OK;
}

/* S7.12, S7.13, S7.16 */
static void fail_and_check_end_the_actor_after_its_defers_and_nothing_else(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    assert_int_equal(run_actor(join_the_failing, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER+3 1 EFAILED 1 EFAILED 1");
    assert_int_equal(run.ended, 2);
}

static tr_err tell_node_whereabouts(tr_self *self, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "%d", tr_self_node(self) == run->node);
    return TR_STOP;
}

static tr_err stop_is_ok(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) remember_node(self, run);
    tr_err err = tr_spawn(self, tell_node_whereabouts, run, &run->child);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    return err;
}

/* S7.9: TR_STOP is never an error */
static void body_that_returns_stop_ended_well(void **state)
{
    struct run run = { .ended = 0 };
    (void) state;
    assert_int_equal(run_actor(stop_is_ok, &run), TR_OK);
    assert_string_equal(run.notes.text, "1 OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(result_can_be_joined_again_until_it_is_forgotten),
        cmocka_unit_test(joins_without_a_result_of_nobody_and_of_oneself),
        cmocka_unit_test(error_of_an_actor_is_what_its_joiners_get_with_its_words),
        cmocka_unit_test(failure_that_nobody_joined_is_reported_once_after_five_seconds),
        cmocka_unit_test(failure_is_reported_when_its_record_is_forgotten),
        cmocka_unit_test(failure_is_reported_when_its_owner_ends),
        cmocka_unit_test(failure_that_was_joined_is_never_reported),
        cmocka_unit_test(failure_that_a_scope_took_is_never_reported),
        cmocka_unit_test(records_are_bounded_and_the_oldest_failure_is_reported_when_it_goes),
        cmocka_unit_test(actor_that_ended_because_it_was_canceled_has_not_failed),
        cmocka_unit_test(failure_of_a_detached_actor_is_reported_at_its_end_and_leaves_no_record),
        cmocka_unit_test(actor_that_ends_cancels_those_it_owns_and_waits_for_them),
        cmocka_unit_test(actor_that_fails_takes_those_it_owns_with_it),
        cmocka_unit_test(detached_actor_outlives_its_spawner),
        cmocka_unit_test(fail_and_check_end_the_actor_after_its_defers_and_nothing_else),
        cmocka_unit_test(body_that_returns_stop_ended_well),
    };
    return run_actor_tests(tests);
}
