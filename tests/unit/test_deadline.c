/* SPDX-License-Identifier: MIT */
/* test_deadline.c - deadlines that nest, are moved, and are moved on from (docs/semantics.md, S52) */
#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_scope *scope;
    tr_addr other;
    tr_err (*ask)(tr_self *self, struct run *run);
};

#define MS INT64_C(1000000)

static tr_err long_sleep(tr_self *self, void *arg)
{
    struct run *run = arg;
    return note_err(&run->notes, tr_sleep(self, 1000));
}

static tr_err short_sleep(tr_self *self, void *arg)
{
    struct run *run = arg;
    return note_err(&run->notes, tr_sleep(self, 1));
}

/* ---- moving on ---- */

static tr_err fails(tr_self *self, void *arg)
{
    (void) arg;
    return tr_fail_with(self, TR_EUSER, "by itself");
}

static void move_and_note(tr_self *self, struct run *run, int64_t ms, tr_body_fn *fn)
{
    bool moved_on = true;
    tr_err err = tr_move_on(self, ms, fn, run, &moved_on);
    note(&run->notes, "%s/%d/%ld", tr_err_name(err) + 3, moved_on, now_ms(self));
}

static tr_err moves_on(tr_self *self, void *arg)
{
    struct run *run = arg;
    move_and_note(self, run, 10, long_sleep);
    move_and_note(self, run, 10, short_sleep);
    move_and_note(self, run, 10, fails);
    move_and_note(self, run, 0, long_sleep);
    move_and_note(self, run, TR_FOREVER, short_sleep);
    return tr_move_on(self, 10, long_sleep, run, NULL);
}

/* S52.1: moved_on is written only on success */
static void moving_on_is_no_failure_and_says_whether_it_was_cut_short(void **state)
{
    struct run run = { .ask = NULL };
    (void) state;
    assert_int_equal(run_actor(moves_on, &run), TR_OK);
    assert_string_equal(run.notes.text,
                        "ECANCELED OK/1/10 OK OK/0/11 EUSER/1/11 ECANCELED OK/1/11 OK OK/0/12 ECANCELED");
}

static tr_err inner_fail_after(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_within(self, 5, long_sleep, run));
    move_and_note(self, run, 50, long_sleep);
    return tr_yield(self);
}

static tr_err nests(tr_self *self, void *arg)
{
    struct run *run = arg;
    move_and_note(self, run, 20, inner_fail_after);
    note_err(&run->notes, tr_yield(self));
    return TR_OK;
}

/* S52.2: the inner one does not say that it moved on: what it met was the outer one's */
static void move_on_and_fail_after_nest_and_only_the_one_whose_deadline_came_tells(void **state)
{
    struct run run = { .ask = NULL };
    (void) state;
    assert_int_equal(run_actor(nests, &run), TR_OK);
    assert_string_equal(run.notes.text, "ECANCELED ETIMEDOUT ECANCELED ECANCELED/1/20 OK/1/20 OK");
}

static tr_err same_time(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_within(self, 20, long_sleep, run));
    return TR_ECANCELED;
}

static tr_err outer_of_the_same_time(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_within(self, 20, same_time, run));
    return TR_OK;
}

/* S52.2, as trio's: of scopes that end at the same time the outermost tells */
static void of_deadlines_at_the_same_time_the_outermost_tells(void **state)
{
    struct run run = { .ask = NULL };
    (void) state;
    assert_int_equal(run_actor(outer_of_the_same_time, &run), TR_OK);
    assert_string_equal(run.notes.text, "ECANCELED ECANCELED ETIMEDOUT");
}

/* ---- an outside cancel is no timeout ---- */

static tr_err long_sleep_once_more(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) long_sleep(self, run);
    return TR_OK; /* the cancel is forgotten here, which does not make it a timeout */
}

static tr_err clean_up_slowly(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_sleep(self, 1000);
    (void) !tr_shield(self, 5000, long_sleep_once_more, run);
    return err;
}

static tr_err child_naps(tr_self *self, void *arg)
{
    return clean_up_slowly(self, arg);
}

static tr_err only_a_child(tr_self *self, tr_scope *scope, void *arg)
{
    return tr_spawn_in(self, scope, child_naps, arg, NULL);
}

static tr_err under_a_deadline(tr_self *self, void *arg)
{
    struct run *run = arg;
    bool moved_on = false;
    const tr_scope_opts opts = { .size = sizeof opts, .timeout_ms = 50 };
    note_err(&run->notes, tr_within(self, 50, clean_up_slowly, run));
    note_err(&run->notes, tr_move_on(self, 50, clean_up_slowly, run, &moved_on));
    note_err(&run->notes, tr_scope_run(self, &opts, only_a_child, run));
    note(&run->notes, "%d", moved_on);
    return TR_OK;
}

static tr_err cancel_at(tr_self *self, struct run *run, int64_t ms)
{
    tr_err err = tr_spawn(self, under_a_deadline, run, &run->other);
    (void) tr_sleep(self, ms);
    tr_cancel(self, run->other, "outside");
    (void) !tr_join(self, run->other, NULL);
    return err;
}

static tr_err cancel_before(tr_self *self, void *arg)
{
    return cancel_at(self, arg, 20);
}

static tr_err cancel_after(tr_self *self, void *arg)
{
    return cancel_at(self, arg, 60);
}

/* S52.3: the deadline comes while it cleans up after the cancel, and the other way round */
static void outside_cancel_is_never_told_as_a_timeout(void **state)
{
    struct run before = { .ask = NULL }, after = { .ask = NULL };
    (void) state;
    assert_int_equal(run_actor(cancel_before, &before), TR_OK);
    assert_string_equal(before.notes.text, "OK ECANCELED OK ECANCELED OK ECANCELED 0");
    assert_int_equal(run_actor(cancel_after, &after), TR_OK);
    assert_string_equal(after.notes.text, "OK ECANCELED OK ECANCELED OK ECANCELED 0");
}

/* ---- moving a deadline ---- */

static tr_err mover(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_sleep(self, 10);
    note_err(&run->notes, tr_scope_set_deadline(self, run->scope, tr_now(self) + 30 * MS));
    return TR_OK;
}

static tr_err moved_later(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    run->scope = scope;
    note(&run->notes, "%ld", (long) (tr_scope_deadline(scope) / MS));
    tr_err err = tr_spawn_in(self, scope, mover, run, NULL);
    if (err == TR_OK)
        err = run->ask(self, run);
    note(&run->notes, "%s at %ld", tr_err_name(err) + 3, now_ms(self));
    note(&run->notes, "%d", tr_deadline(self) == tr_scope_deadline(scope));
    return err;
}

static tr_err with_20_ms(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_scope_opts opts = { .size = sizeof opts, .timeout_ms = 20 };
    const tr_spawn_opts full = { .size = sizeof full, .body = deaf, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &full, &run->other);
    note_err(&run->notes, tr_scope_run(self, &opts, moved_later, run));
    return err;
}

static tr_err just_sleeps(tr_self *self, struct run *run)
{
    (void) run;
    return tr_sleep(self, 1000);
}

static tr_err asks(tr_self *self, struct run *run)
{
    return tr_ask(self, run->other, NULL, "what");
}

static tr_err asks_for_25_ms(tr_self *self, struct run *run)
{
    return tr_ask_for(self, run->other, 25, NULL, "what");
}

static tr_err gathers(tr_self *self, struct run *run)
{
    tr_pending pending;
    tr_outcome outcome;
    tr_err err = tr_ask_start(self, run->other, &pending, "what");
    return err == TR_OK ? tr_gather(self, &pending, 1, TR_FAIL_FAST, &outcome) : err;
}

static tr_err asks_a_full_one(tr_self *self, struct run *run)
{
    tr_err err = tr_send(self, run->other, "fill");
    return err == TR_OK ? tr_ask(self, run->other, NULL, "what") : err;
}

/* S52.5, S52.6 */
static void deadline_moved_later_holds_for_all_that_waits_inside(void **state)
{
    static const struct {
        tr_err (*ask)(tr_self *self, struct run *run);
        const char *text;
    } ways[] = {
        { just_sleeps, "20 OK ECANCELED at 40 1 ETIMEDOUT" },     { asks, "20 OK ECANCELED at 40 1 ETIMEDOUT" },
        { asks_for_25_ms, "20 OK ETIMEDOUT at 25 1 ETIMEDOUT" },  { gathers, "20 OK ECANCELED at 40 1 ETIMEDOUT" },
        { asks_a_full_one, "20 OK ECANCELED at 40 1 ETIMEDOUT" },
    };
    (void) state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct run run = { .ask = ways[i].ask };
        assert_int_equal(run_actor(with_20_ms, &run), TR_OK);
        assert_string_equal(run.notes.text, ways[i].text);
    }
}

/* ---- moving a deadline more than once ---- */

static tr_err mover_to_and_fro(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_sleep(self, 10);
    note_err(&run->notes, tr_scope_set_deadline(self, run->scope, tr_now(self) + 30 * MS));
    (void) tr_sleep(self, 20); /* the deadline of before has come meanwhile, and ended nothing */
    note_err(&run->notes, tr_scope_set_deadline(self, run->scope, TR_NEVER));
    return TR_OK;
}

static tr_err moved_away(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    run->scope = scope;
    tr_err err = tr_spawn_in(self, scope, mover_to_and_fro, run, NULL);
    if (err == TR_OK)
        err = run->ask(self, run);
    note(&run->notes, "%s at %ld", tr_err_name(err) + 3, now_ms(self));
    return TR_OK;
}

static tr_err with_20_ms_at_first(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_scope_opts opts = { .size = sizeof opts, .timeout_ms = 20 };
    const tr_spawn_opts full = { .size = sizeof full, .body = deaf, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &full, &run->other);
    note_err(&run->notes, tr_scope_run(self, &opts, moved_away, run));
    return err;
}

static tr_err asks_for_100_ms(tr_self *self, struct run *run)
{
    return tr_ask_for(self, run->other, 100, NULL, "what");
}

static tr_err gathers_for_100_ms(tr_self *self, struct run *run)
{
    tr_pending pending;
    tr_outcome outcome;
    tr_err err = tr_ask_start_for(self, run->other, 100, &pending, "what");
    return err == TR_OK ? tr_gather(self, &pending, 1, TR_FAIL_FAST, &outcome) : err;
}

static tr_err asks_a_full_one_for_100_ms(tr_self *self, struct run *run)
{
    tr_err err = tr_send(self, run->other, "fill");
    return err == TR_OK ? tr_ask_for(self, run->other, 100, NULL, "what") : err;
}

static tr_err sends_to_a_full_one(tr_self *self, struct run *run)
{
    tr_err err = tr_send(self, run->other, "fill");
    return err == TR_OK ? tr_send(self, run->other, "what") : err;
}

/* S52.5, S52.6, S9.3: what was there without the scope holds when its deadline is gone */
static void deadline_moved_twice_leaves_nobody_without_one(void **state)
{
    static const struct {
        tr_err (*ask)(tr_self *self, struct run *run);
        const char *text;
    } ways[] = {
        { asks, "OK OK ETIMEDOUT at 30000 OK" },
        { asks_for_100_ms, "OK OK ETIMEDOUT at 100 OK" },
        { gathers_for_100_ms, "OK OK ETIMEDOUT at 100 OK" },
        { asks_a_full_one_for_100_ms, "OK OK EUNSENT at 100 OK" },
        { sends_to_a_full_one, "OK OK EUNSENT at 30030 OK" },
    };
    (void) state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct run run = { .ask = ways[i].ask };
        assert_int_equal(run_actor(with_20_ms_at_first, &run), TR_OK);
        assert_string_equal(run.notes.text, ways[i].text);
    }
}

static tr_err moves_its_own(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_scope_set_deadline(self, scope, TR_NEVER));
    note_err(&run->notes, tr_sleep(self, 100));
    note_err(&run->notes, tr_scope_set_deadline(self, scope, tr_now(self) + 5 * MS));
    note_err(&run->notes, tr_sleep(self, 100));
    note_err(&run->notes, tr_scope_set_deadline(self, scope, TR_NEVER));
    return TR_OK;
}

static tr_err ends_now(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_scope_set_deadline(self, scope, tr_now(self)));
    note(&run->notes, "%d", tr_is_canceled(self));
    return tr_yield(self);
}

static tr_err moved_about(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_scope_opts opts = { .size = sizeof opts, .timeout_ms = 20 };
    note_err(&run->notes, tr_scope_run(self, &opts, moves_its_own, run));
    note(&run->notes, "at %ld", now_ms(self));
    note_err(&run->notes, tr_scope_run(self, NULL, ends_now, run));
    return TR_OK;
}

/* S52.4, S52.7: a deadline that has come stays; one that is set to now comes at once */
static void deadline_can_be_taken_away_and_set_anew_until_it_has_come(void **state)
{
    struct run run = { .ask = NULL };
    (void) state;
    assert_int_equal(run_actor(moved_about, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK OK ECANCELED ESTATE OK at 105 OK 1 ETIMEDOUT");
}

struct left_open {
    struct run *run;
    tr_pending pending;
    bool next;
};

static tr_err starts_and_waits(tr_self *self, void *arg)
{
    struct left_open *l = arg;
    size_t index;
    tr_err err = tr_ask_start_for(self, l->run->other, 1000, &l->pending, "what");
    tr_wait_item item = { .kind = TR_WAIT_REPLY, .pending = l->pending };
    if (err == TR_OK)
        err = l->next ? tr_next(self, &l->pending, 1, &index, NULL)
                      : tr_wait(self, &item, 1, TR_WAIT_FIRST, TR_FOREVER, NULL);
    return note_err(&l->run->notes, err);
}

static tr_err awaits_outside(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, deaf, NULL, &run->other);
    for (int next = 0; next < 2; next++) {
        struct left_open l = { .run = run, .next = next };
        note_err(&run->notes, tr_within(self, 20, starts_and_waits, &l));
        note_err(&run->notes, tr_await(self, l.pending, NULL));
        note(&run->notes, "at %ld", now_ms(self));
    }
    return err;
}

/* S3.10: the scope tells first, and the ask that is left open is over all the same */
static void ask_that_ends_with_its_scope_but_is_not_collected_there_is_over_outside(void **state)
{
    struct run run = { .ask = NULL };
    (void) state;
    assert_int_equal(run_actor(awaits_outside, &run), TR_OK);
    assert_string_equal(run.notes.text, "ECANCELED ETIMEDOUT ETIMEDOUT at 20 ECANCELED ETIMEDOUT ETIMEDOUT at 40");
}

static tr_err shield_without_end(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_scope_opts opts = { .size = sizeof opts, .timeout_ms = 20, .shield = true };
    tr_err err = tr_scope_begin(self, &opts, &run->scope);
    note_err(&run->notes, tr_scope_set_deadline(self, run->scope, TR_NEVER));
    note_err(&run->notes, tr_scope_end(self, &run->scope, TR_OK));
    return err;
}

/* S52.7 */
static void shield_keeps_a_deadline(void **state)
{
    struct run run = { .ask = NULL };
    (void) state;
    assert_int_equal(run_actor(shield_without_end, &run), TR_OK);
    assert_string_equal(run.notes.text, "EINVAL OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moving_on_is_no_failure_and_says_whether_it_was_cut_short),
        cmocka_unit_test(move_on_and_fail_after_nest_and_only_the_one_whose_deadline_came_tells),
        cmocka_unit_test(of_deadlines_at_the_same_time_the_outermost_tells),
        cmocka_unit_test(outside_cancel_is_never_told_as_a_timeout),
        cmocka_unit_test(deadline_moved_later_holds_for_all_that_waits_inside),
        cmocka_unit_test(deadline_moved_twice_leaves_nobody_without_one),
        cmocka_unit_test(deadline_can_be_taken_away_and_set_anew_until_it_has_come),
        cmocka_unit_test(ask_that_ends_with_its_scope_but_is_not_collected_there_is_over_outside),
        cmocka_unit_test(shield_keeps_a_deadline),
    };
    return run_actor_tests(tests);
}
