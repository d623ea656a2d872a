/* SPDX-License-Identifier: MIT */
/* test_start.c - start handshakes: who is told what, and that nothing half-started stays (docs/semantics.md, S50) */
#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_scope *scope;
    tr_addr child, main;
    int ended, failures;
    tr_body_fn *body;
};

static void count_end(void *arg)
{
    ((struct run *) arg)->ended++;
}

static void count_failure(void *ctx, const tr_failure *failure)
{
    (void) failure;
    ((struct run *) ctx)->failures++;
}

/* ---- those who are started ---- */

static tr_err serves(tr_self *self, void *arg)
{
    (void) tr_defer(self, count_end, arg);
    tr_err err = tr_sleep(self, 5);
    if (err == TR_OK)
        err = tr_ready(self, "port", 8080);
    return err == TR_OK ? tr_sleep(self, 100000) : err;
}

static tr_err serves_briefly(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_ready(self));
    note_err(&run->notes, tr_ready(self));
    return tr_sleep(self, 10);
}

static tr_err fails_first(tr_self *self, void *arg)
{
    (void) tr_defer(self, count_end, arg);
    (void) tr_sleep(self, 5);
    return tr_fail_with(self, TR_EUSER + 1, "no port is free");
}

static tr_err never_says_it(tr_self *self, void *arg)
{
    (void) tr_defer(self, count_end, arg);
    return tr_sleep(self, 5);
}

static tr_err is_slow(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_defer(self, count_end, arg);
    tr_err err = tr_sleep(self, 1000000);
    note(&run->notes, "%s/", tr_cancel_reason(self));
    note_err(&run->notes, tr_ready(self));
    return err;
}

static tr_err a_million_seconds(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 1000000000);
}

static tr_err will_not_go(tr_self *self, void *arg)
{
    (void) tr_defer(self, count_end, arg);
    (void) !tr_shield(self, 1000000000, a_million_seconds, NULL);
    return TR_OK;
}

static tr_err asks_its_starter(tr_self *self, void *arg)
{
    struct run *run = arg;
    return note_err(&run->notes, tr_ask(self, run->main, NULL, "what"));
}

/* ---- what comes out ---- */

static tr_err start_one(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *value = NULL;
    int port = 0;
    run->main = tr_self_addr(self);
    if (note_err(&run->notes, tr_start(self, NULL, run->body, run, &run->child, &value)) != TR_OK)
        note(&run->notes, "\"%s\"", tr_error(self)->text);
    else if (value != NULL && tr_is(value, "port", &port))
        note(&run->notes, "%d", port);
    note(&run->notes, "at %ld ended %d", now_ms(self), run->ended);
    return TR_OK;
}

/* S50.1 */
static void start_returns_when_the_child_is_ready_with_what_it_said(void **state)
{
    struct run run = { .body = serves };
    (void) state;
    assert_int_equal(run_actor(start_one, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK 8080 at 5 ended 0");
    assert_int_equal(run.ended, 1);
}

/* S50.2, S7.7: also not reported as a failure that nobody joined */
static void failure_before_ready_is_the_error_of_start_and_nobody_elses(void **state)
{
    struct run run = { .body = fails_first };
    (void) state;
    assert_int_equal(run_actor_with((tr_node_opts){ .on_failure = count_failure, .ctx = &run }, start_one, &run),
                     TR_OK);
    assert_string_equal(run.notes.text, "EUSER+1 \"no port is free\" at 5 ended 1");
    assert_int_equal(run.failures, 0);
}

/* S50.3 */
static void child_that_ends_well_without_ready_gave_no_reply(void **state)
{
    struct run run = { .body = never_says_it };
    (void) state;
    assert_int_equal(run_actor(start_one, &run), TR_OK);
    assert_string_equal(run.notes.text, "ENOREPLY \"it ended before it said that it was ready\" at 5 ended 1");
}

/* S50.6 */
static void start_without_a_deadline_has_that_of_an_ask_and_takes_the_child_with_it(void **state)
{
    struct run run = { .body = is_slow };
    (void) state;
    assert_int_equal(run_actor(start_one, &run), TR_OK);
    assert_non_null(strstr(run.notes.text, "whoever started it gave up before it was ready/ ECANCELED ETIMEDOUT"));
    assert_non_null(strstr(run.notes.text, "at 30000 ended 1"));
}

static tr_err start_for_a_while(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = run->body, .arg = run };
    note_err(&run->notes, tr_start_with(self, &opts, 50, &run->child, NULL));
    note(&run->notes, "%d at %ld ended %d", tr_addr_is_nil(run->child), now_ms(self), run->ended);
    return TR_OK;
}

/* S50.6: out-pointers are written only on success */
static void child_that_does_not_obey_is_killed_before_start_returns(void **state)
{
    struct run run = { .body = will_not_go };
    (void) state;
    assert_int_equal(
        run_actor_with((tr_node_opts){ .on_failure = count_failure, .ctx = &run }, start_for_a_while, &run), TR_OK);
    assert_string_equal(run.notes.text, "ETIMEDOUT 1 at 5050 ended 1");
    assert_int_equal(run.failures, 0);
}

static tr_err within_a_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_within(self, 20, start_one, run));
    note(&run->notes, "at %ld", now_ms(self));
    return TR_OK;
}

/* S50.6, S3.10 */
static void deadline_of_a_scope_is_a_cancel_to_a_start_inside(void **state)
{
    struct run run = { .body = never_says_it };
    (void) state;
    run.body = will_not_go;
    assert_int_equal(run_actor(within_a_scope, &run), TR_OK);
    assert_non_null(strstr(run.notes.text, "ECANCELED"));
    assert_non_null(strstr(run.notes.text, "at 5020 ended 1 OK at 5020"));
}

static tr_err cancel_the_starter(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr starter;
    tr_err err = tr_spawn(self, start_one, run, &starter);
    (void) tr_sleep(self, 2);
    tr_cancel(self, starter, "outside");
    note_err(&run->notes, tr_join(self, starter, NULL));
    return err;
}

/* S50.6 */
static void cancel_half_way_takes_the_child_with_it(void **state)
{
    struct run run = { .body = is_slow };
    (void) state;
    assert_int_equal(run_actor(cancel_the_starter, &run), TR_OK);
    assert_non_null(strstr(run.notes.text, "at 2 ended 1"));
    assert_non_null(strstr(run.notes.text, "ready/ ECANCELED ECANCELED"));
}

static tr_err kill_the_starter(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr starter;
    tr_err err = tr_spawn(self, start_one, run, &starter);
    (void) tr_sleep(self, 2);
    tr_kill(self, starter, "outside");
    (void) !tr_join(self, starter, NULL);
    note(&run->notes, "%d", run->ended);
    return err;
}

/* S50.6 */
static void killed_starter_takes_the_child_with_it(void **state)
{
    struct run run = { .body = is_slow };
    (void) state;
    assert_int_equal(run_actor(kill_the_starter, &run), TR_OK);
    assert_int_equal(run.ended, 1);
}

/* S10.1 */
static void child_that_asks_its_starter_before_it_is_ready_closes_a_cycle(void **state)
{
    struct run run = { .body = asks_its_starter };
    (void) state;
    assert_int_equal(run_actor(start_one, &run), TR_OK);
    assert_non_null(strstr(run.notes.text, "EDEADLK EDEADLK"));
}

/* ---- in a scope ---- */

static tr_err start_in(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_start(self, scope, run->body, run, NULL, NULL));
    note(&run->notes, "%zu", tr_scope_count(scope));
    return TR_OK;
}

static tr_err scope_with_a_start(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_scope_run(self, NULL, start_in, run));
    note(&run->notes, "%zu at %ld", tr_error_count(self), now_ms(self));
    return TR_OK;
}

/* S50.2, S50.4 */
static void scope_waits_for_whom_it_started_and_does_not_fail_with_one_that_was_not_ready(void **state)
{
    struct run well = { .body = serves_briefly }, badly = { .body = fails_first };
    (void) state;
    assert_int_equal(run_actor(scope_with_a_start, &well), TR_OK);
    assert_string_equal(well.notes.text, "OK ESTATE OK 1 OK 0 at 10");
    assert_int_equal(run_actor(scope_with_a_start, &badly), TR_OK);
    assert_string_equal(badly.notes.text, "EUSER+1 0 OK 0 at 5");
}

static tr_err starts_a_sibling(tr_self *self, void *arg)
{
    struct run *run = arg;
    return note_err(&run->notes, tr_start(self, run->scope, run->body, run, NULL, NULL));
}

static tr_err sibling_scope(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    run->scope = scope;
    tr_err err = tr_spawn_in(self, scope, starts_a_sibling, run, NULL);
    (void) tr_sleep(self, 2);
    note(&run->notes, "%zu", tr_scope_count(scope));
    return err;
}

static tr_err scope_with_siblings(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_scope_run(self, NULL, sibling_scope, run));
    note(&run->notes, "at %ld", now_ms(self));
    return TR_OK;
}

/* S50.4 */
static void child_may_start_a_sibling(void **state)
{
    struct run run = { .body = serves_briefly };
    (void) state;
    assert_int_equal(run_actor(scope_with_siblings, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK ESTATE OK 1 OK at 10");
}

static tr_err cancels_the_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_sleep(self, 1);
    tr_scope_cancel(self, run->scope, "enough");
    return err;
}

static tr_err outsider(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = serves, .arg = run, .scope = run->scope };
    return note_err(&run->notes, tr_start_with(self, &opts, TR_FOREVER, NULL, NULL));
}

static tr_err canceled_under_way(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    tr_addr who;
    run->scope = scope;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = outsider, .arg = run, .flags = TR_SPAWN_DETACHED };
    tr_err err = tr_spawn_with(self, &opts, &who);
    if (err == TR_OK)
        err = tr_spawn(self, cancels_the_scope, run, NULL);
    (void) tr_sleep(self, 100);
    return err;
}

static tr_err scope_canceled_under_way(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) !tr_scope_run(self, NULL, canceled_under_way, run);
    return tr_sleep(self, 10);
}

/* S50.5: the starter is not in the scope, and not cancelled itself */
static void child_canceled_by_others_before_it_was_ready_went_down(void **state)
{
    struct run run = { 0 };
    (void) state;
    assert_int_equal(run_actor(scope_canceled_under_way, &run), TR_OK);
    assert_string_equal(run.notes.text, "EDOWN");
    assert_int_equal(run.ended, 1);
}

static tr_err closing(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = serves, .arg = run, .name = "late", .scope = scope };
    tr_addr who;
    tr_scope_cancel(self, scope, "closing");
    note_err(&run->notes, tr_spawn_with(self, &opts, NULL));
    note_err(&run->notes, tr_whereis(self, "late", &who));
    return TR_OK;
}

static tr_err refused(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts bad = { .size = 3 };
    (void) !tr_scope_run(self, NULL, closing, run);
    note_err(&run->notes, tr_start_with(self, &bad, 10, NULL, NULL));
    note_err(&run->notes, tr_start_with(self, NULL, 10, NULL, NULL));
    note_err(&run->notes, tr_ready(self, 1));
    return TR_OK;
}

/* S6.12, S50.8 */
static void what_cannot_be_started_leaves_nothing_and_ready_without_a_starter_does_nothing(void **state)
{
    struct run run = { 0 };
    (void) state;
    assert_int_equal(run_actor(refused, &run), TR_OK);
    assert_string_equal(run.notes.text, "ECLOSED ENOPROC EINVAL EINVAL OK");
    assert_int_equal(run.ended, 0);
}

/* ---- behaviours ---- */

static tr_err on_init(tr_self *self, void *state, void *arg)
{
    (void) state;
    tr_err err = tr_sleep(self, 3);
    return arg != NULL ? tr_fail_with(self, TR_EUSER, "bad configuration") : err == TR_OK ? tr_ready(self, "up") : err;
}

static const tr_handler no_rows[] = { { .tag = NULL } };
static const tr_behaviour server = { .name = "server", .handlers = no_rows, .init = on_init };

static tr_err start_behaviours(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *value;
    const char *text = "";
    note_err(&run->notes, tr_start(self, NULL, &server, NULL, &run->child, &value));
    (void) !tr_read(tr_arg(value, 0), &text);
    note(&run->notes, "%s", text);
    note_err(&run->notes, tr_start(self, NULL, &server, run, NULL, NULL));
    note(&run->notes, "%s", tr_error(self)->text);
    return TR_OK;
}

/* S50.1, S50.2 */
static void behaviour_is_ready_when_its_init_says_so(void **state)
{
    struct run run = { 0 };
    (void) state;
    assert_int_equal(run_actor(start_behaviours, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK up EUSER bad configuration");
}

/* ---- memory ---- */

static void whichever_allocation_fails_nothing_is_left(void **state)
{
    char left[256] = "";
    bool came = true;
    (void) state;
    for (uint64_t n = 1; came; n++) {
        struct run run = { .body = n % 2 ? serves : fails_first };
        (void) tr_test_fail_alloc(n);
        (void) tr_test_run(start_one, &run, NULL, left, sizeof left);
        came = tr_test_fail_alloc(0) >= n;
        assert_string_equal(left, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_returns_when_the_child_is_ready_with_what_it_said),
        cmocka_unit_test(failure_before_ready_is_the_error_of_start_and_nobody_elses),
        cmocka_unit_test(child_that_ends_well_without_ready_gave_no_reply),
        cmocka_unit_test(start_without_a_deadline_has_that_of_an_ask_and_takes_the_child_with_it),
        cmocka_unit_test(child_that_does_not_obey_is_killed_before_start_returns),
        cmocka_unit_test(deadline_of_a_scope_is_a_cancel_to_a_start_inside),
        cmocka_unit_test(cancel_half_way_takes_the_child_with_it),
        cmocka_unit_test(killed_starter_takes_the_child_with_it),
        cmocka_unit_test(child_that_asks_its_starter_before_it_is_ready_closes_a_cycle),
        cmocka_unit_test(scope_waits_for_whom_it_started_and_does_not_fail_with_one_that_was_not_ready),
        cmocka_unit_test(child_may_start_a_sibling),
        cmocka_unit_test(child_canceled_by_others_before_it_was_ready_went_down),
        cmocka_unit_test(what_cannot_be_started_leaves_nothing_and_ready_without_a_starter_does_nothing),
        cmocka_unit_test(behaviour_is_ready_when_its_init_says_so),
        cmocka_unit_test(whichever_allocation_fails_nothing_is_left),
    };
    return run_actor_tests(tests);
}
