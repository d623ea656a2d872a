/* SPDX-License-Identifier: MIT */
/* test_stop.c - being asked to stop: seen, not felt, until the time is over (docs/semantics.md, S53) */
#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_scope *scope;
    tr_addr who;
    int64_t grace_ms;
    tr_body_fn *body;
    tr_scope_fn *fill;
};

/* ---- those who are asked ---- */

static tr_err accepts(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 1000000);
}

static tr_err drains(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_until_stop(self, accepts, run));
    note(&run->notes, "%s/%d", tr_stop_reason(self), tr_is_canceled(self));
    tr_err err = note_err(&run->notes, tr_sleep(self, 30)); /* what it has begun */
    return err == TR_OK ? note_err(&run->notes, tr_until_stop(self, accepts, run)) : err;
}

static tr_err polls(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    while (err == TR_OK && !tr_is_stopping(self) && now_ms(self) < 1000) /* out of memory, the node may own it */
        err = tr_sleep(self, 8);
    note(&run->notes, "polled %ld", now_ms(self));
    return err;
}

static tr_err does_not_care(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_sleep(self, 1000000);
    note(&run->notes, "%ld %s", now_ms(self), tr_cancel_reason(self));
    return err;
}

static tr_err spawns_below(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn_in(self, scope, polls, run, NULL);
    return err == TR_OK ? tr_spawn(self, polls, run, NULL) : err;
}

static tr_err has_children(tr_self *self, void *arg)
{
    tr_err err = tr_scope_run(self, NULL, spawns_below, arg);
    return err == TR_OK ? tr_sleep(self, 3) : err;
}

/* ---- stopping a scope ---- */

static tr_err stop_after_10(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    tr_err err = run->body != NULL ? tr_spawn_in(self, scope, run->body, run, NULL) : TR_OK;
    (void) tr_sleep(self, 10);
    if (note_err(&run->notes, tr_scope_stop(self, scope, run->grace_ms, "closing time")) != TR_OK)
        return TR_ENOMEM;
    note_err(&run->notes, tr_scope_stop(self, scope, 0, "again"));
    note(&run->notes, "%s", tr_stop_reason(self));
    note_err(&run->notes, tr_spawn_in(self, scope, polls, run, NULL));
    return err;
}

static tr_err scope_that_stops(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_scope_run(self, NULL, stop_after_10, run));
    note(&run->notes, "at %ld %d", now_ms(self), tr_is_stopping(self));
    return TR_OK;
}

/* S53.1, S53.2, S53.4: asking twice changes nothing */
static void child_that_is_asked_to_stop_finishes_what_it_has_begun(void **state)
{
    struct run run = { .body = drains, .grace_ms = 100 };
    (void) state;
    assert_int_equal(run_actor(scope_that_stops, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK closing time ECLOSED STOP closing time/0 OK STOP OK at 40 0");
}

/* S53.1 */
static void request_to_stop_can_be_polled(void **state)
{
    struct run run = { .body = polls, .grace_ms = 100 };
    (void) state;
    assert_int_equal(run_actor(scope_that_stops, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK closing time ECLOSED polled 16 OK at 16 0");
}

/* S53.5 */
static void who_has_not_stopped_when_the_time_is_over_is_canceled(void **state)
{
    struct run run = { .body = does_not_care, .grace_ms = 100 };
    struct run now = { .body = does_not_care, .grace_ms = 0 };
    (void) state;
    assert_int_equal(run_actor(scope_that_stops, &run), TR_OK);
    assert_non_null(strstr(run.notes.text, "110 it was asked to stop, and had not when the time was over"));
    assert_int_equal(run_actor(scope_that_stops, &now), TR_OK);
    assert_non_null(strstr(now.notes.text, "10 closing time"));
}

/* S53.3 */
static void request_to_stop_goes_down_the_tree(void **state)
{
    struct run run = { .body = has_children, .grace_ms = 100 };
    (void) state;
    assert_int_equal(run_actor(scope_that_stops, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK closing time ECLOSED polled 16 polled 16 OK at 19 0");
}

static tr_err body_accepts(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    run->scope = scope;
    note_err(&run->notes, tr_until_stop(self, accepts, run));
    return note_err(&run->notes, tr_sleep(self, 5));
}

static tr_err who_has_a_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_scope_run(self, NULL, body_accepts, run));
    note(&run->notes, "at %ld", now_ms(self));
    return TR_OK;
}

static tr_err stop_anothers_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, who_has_a_scope, run, &run->who);
    (void) tr_sleep(self, 10);
    note_err(&run->notes, tr_scope_stop(self, run->scope, 100, NULL));
    (void) !tr_join(self, run->who, NULL);
    return err;
}

/* S53.4 */
static void body_of_a_scope_is_asked_too_and_by_another_actor(void **state)
{
    struct run run = { .body = NULL };
    (void) state;
    assert_int_equal(run_actor(stop_anothers_scope, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK STOP OK OK at 15");
}

static tr_err keeps_its_scope(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    run->scope = scope;
    return note_err(&run->notes, accepts(self, NULL));
}

static tr_err has_a_scope_until_stop(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_scope_opts opts = { .size = sizeof opts, .until_stop = true };
    note_err(&run->notes, tr_scope_run(self, &opts, keeps_its_scope, run));
    note(&run->notes, "at %ld %d", now_ms(self), tr_is_stopping(self));
    return TR_OK;
}

static tr_err stop_one_that_is_until_stop(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, has_a_scope_until_stop, run, &run->who);
    (void) tr_sleep(self, 10);
    note_err(&run->notes, tr_scope_stop(self, run->scope, 100, NULL));
    (void) !tr_join(self, run->who, NULL);
    return err;
}

/* scope.h, until_stop: the scope that is asked is not too near to hear it */
static void scope_until_stop_that_is_asked_itself_is_cut_short(void **state)
{
    struct run run = { .body = NULL };
    (void) state;
    assert_int_equal(run_actor(stop_one_that_is_until_stop, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK ECANCELED STOP at 10 0");
}

/* ---- stopping an actor ---- */

static tr_err stop_one(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, run->body, run, &run->who);
    (void) tr_sleep(self, 10);
    note_err(&run->notes, tr_stop_wait(self, run->who, "closing time", 50));
    note(&run->notes, "at %ld %d", now_ms(self), tr_is_alive(self, run->who));
    note_err(&run->notes, tr_stop_wait(self, run->who, "closing time", 50));
    note_err(&run->notes, tr_stop_wait(self, tr_self_addr(self), "closing time", 50));
    note_err(&run->notes, tr_stop(self, run->who, NULL));
    return err;
}

static tr_err shielded(tr_self *self, void *arg)
{
    return tr_shield(self, 100000, accepts, arg);
}

/* S53.6 */
static void stop_and_wait_cancels_and_then_kills_who_does_not_stop(void **state)
{
    struct run kind = { .body = drains }, careless = { .body = does_not_care }, deaf_one = { .body = shielded };
    (void) state;
    assert_int_equal(run_actor(stop_one, &kind), TR_OK);
    assert_non_null(strstr(kind.notes.text, "STOP OK at 40 0 OK EDEADLK OK"));
    assert_int_equal(run_actor(stop_one, &careless), TR_OK);
    assert_string_equal(careless.notes.text, "60 closing time ETIMEDOUT at 60 0 OK EDEADLK OK");
    assert_int_equal(run_actor(stop_one, &deaf_one), TR_OK);
    assert_non_null(strstr(deaf_one.notes.text, "ETIMEDOUT at 5060"));
}

static tr_err already_stopping(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_stop(self, tr_self_addr(self), "me"));
    note(&run->notes, "%s", tr_stop_reason(self));
    note_err(&run->notes, tr_until_stop(self, accepts, run));
    return TR_OK;
}

/* S53.2 */
static void what_is_begun_until_stop_after_the_request_is_over_at_once(void **state)
{
    struct run run = { .body = NULL };
    (void) state;
    assert_int_equal(run_actor(already_stopping, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK me STOP");
}

static tr_err until_stop(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_until_stop(self, accepts, run));
    return TR_OK;
}

static tr_err cancel_and_stop(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, until_stop, run, &run->who);
    (void) tr_sleep(self, 1);
    tr_stop(self, run->who, NULL);
    tr_cancel(self, run->who, NULL);
    (void) !tr_join(self, run->who, NULL);
    return err;
}

/* S53.2 */
static void cancel_is_told_as_that_also_to_who_was_asked_to_stop(void **state)
{
    struct run run = { .body = NULL };
    (void) state;
    assert_int_equal(run_actor(cancel_and_stop, &run), TR_OK);
    assert_string_equal(run.notes.text, "ECANCELED");
}

/* ---- behaviours ---- */

static tr_err on_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(struct run **) state = arg;
    return TR_OK;
}

static tr_err on_work(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = *(struct run **) state;
    (void) m;
    note(&run->notes, "work");
    return tr_sleep(self, 2);
}

static tr_err on_stop(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = *(struct run **) state;
    const char *reason = "";
    (void) tr_args(m, &reason);
    note(&run->notes, "%s %d", reason, tr_is_stopping(self));
    return TR_STOP;
}

static const tr_handler rows[] = {
    { .tag = "work", .args = "", .run = on_work, .doc = "takes 2 ms" },
    { .tag = "stop", .args = "reason:str", .run = on_stop, .doc = "ends it" },
    { .tag = NULL },
};
static const tr_behaviour worker = {
    .name = "worker", .state_size = sizeof(struct run *), .handlers = rows, .init = on_init
};

static tr_err stop_a_behaviour(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, &worker, run, &run->who);
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = tr_send(self, run->who, "work");
    note_err(&run->notes, tr_stop_wait(self, run->who, "closing time", 50));
    note(&run->notes, "at %ld", now_ms(self));
    return err;
}

/* S53.7 */
static void behaviour_with_a_row_gets_the_request_behind_its_work(void **state)
{
    struct run run = { .body = NULL };
    (void) state;
    assert_int_equal(run_actor(stop_a_behaviour, &run), TR_OK);
    assert_string_equal(run.notes.text, "work work closing time 1 OK at 4");
}

/* ---- memory ---- */

static void whichever_allocation_fails_nothing_is_left(void **state)
{
    char left[256] = "";
    bool came = true;
    (void) state;
    for (uint64_t n = 1; came; n++) {
        struct run run = { .body = n % 2 ? has_children : drains, .grace_ms = 100 };
        (void) tr_test_fail_alloc(n);
        (void) tr_test_run(scope_that_stops, &run, NULL, left, sizeof left);
        came = tr_test_fail_alloc(0) >= n;
        assert_string_equal(left, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_that_is_asked_to_stop_finishes_what_it_has_begun),
        cmocka_unit_test(request_to_stop_can_be_polled),
        cmocka_unit_test(who_has_not_stopped_when_the_time_is_over_is_canceled),
        cmocka_unit_test(request_to_stop_goes_down_the_tree),
        cmocka_unit_test(body_of_a_scope_is_asked_too_and_by_another_actor),
        cmocka_unit_test(scope_until_stop_that_is_asked_itself_is_cut_short),
        cmocka_unit_test(stop_and_wait_cancels_and_then_kills_who_does_not_stop),
        cmocka_unit_test(what_is_begun_until_stop_after_the_request_is_over_at_once),
        cmocka_unit_test(cancel_is_told_as_that_also_to_who_was_asked_to_stop),
        cmocka_unit_test(behaviour_with_a_row_gets_the_request_behind_its_work),
        cmocka_unit_test(whichever_allocation_fails_nothing_is_left),
    };
    return run_actor_tests(tests);
}
