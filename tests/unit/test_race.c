/* SPDX-License-Identifier: MIT */
/* test_race.c - races: one wins, the others have ended (docs/semantics.md, S51) */
#include "support/actor_test.h"

struct runner {
    struct run *run;
    long ms;    /* how long it takes */
    tr_err err; /* how it ends */
    long undo;  /* how long its cleanup takes */
    long began; /* -1: not at all */
    bool ended;
};

struct run {
    struct notes notes;
    struct runner runners[4];
    size_t n;
    tr_race_opts opts;
    tr_addr racing;
};

static void has_ended(void *arg)
{
    ((struct runner *) arg)->ended = true;
}

static tr_err undo(tr_self *self, void *arg)
{
    return tr_sleep(self, ((struct runner *) arg)->undo);
}

static tr_err runs(tr_self *self, void *arg)
{
    struct runner *me = arg;
    (void) tr_defer(self, has_ended, me);
    me->began = now_ms(self);
    tr_err err = tr_sleep(self, me->ms);
    if (err != TR_OK && me->undo > 0)
        (void) !tr_shield(self, 1000000, undo, me);
    if (err != TR_OK)
        return err;
    (void) tr_result(self, "ran", me->ms);
    return me->err == TR_OK ? TR_OK : tr_fail_with(self, me->err, "fell at %ld", me->ms);
}

static tr_err race(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_racer racers[4];
    const tr_msg *result = NULL;
    size_t winner = 99;
    long ms = 0;
    for (size_t i = 0; i < run->n; i++) {
        racers[i] = (tr_racer){ .body = runs, .arg = &run->runners[i] };
        run->runners[i].run = run;
        run->runners[i].began = -1;
    }
    if (note_err(&run->notes, tr_race(self, &run->opts, racers, run->n, &winner, &result)) == TR_OK &&
        tr_is(result, "ran", &ms))
        note(&run->notes, "ran %ld", ms);
    note(&run->notes, "won %zu at %ld", winner, now_ms(self));
    for (size_t i = 0; i < run->n; i++)
        if (run->runners[i].began >= 0 && !run->runners[i].ended)
            note(&run->notes, "%zu still runs", i);
    return TR_OK;
}

#define RUN(...)                                                              \
    {                                                                         \
        .opts = { .size = sizeof(tr_race_opts) }, .runners = { __VA_ARGS__ }, \
        .n = sizeof((struct runner[]){ __VA_ARGS__ }) / sizeof(struct runner) \
    }

/* S51.1, S51.3 */
static void first_to_end_well_wins_and_the_others_have_ended(void **state)
{
    struct run run = RUN({ .ms = 30 }, { .ms = 10 }, { .ms = 5, .err = TR_EUSER }, { .ms = 40, .undo = 7 });
    (void) state;
    assert_int_equal(run_actor(race, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK ran 10 won 1 at 17");
}

/* S51.2 */
static void with_first_to_end_a_failure_wins_too(void **state)
{
    struct run run = RUN({ .ms = 30 }, { .ms = 10 }, { .ms = 5, .err = TR_EUSER });
    (void) state;
    run.opts.first_to_end = true;
    assert_int_equal(run_actor(race, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER won 2 at 5");
}

static tr_err race_and_list(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) race(self, run);
    note(&run->notes, "%zu: %s; %s", tr_error_count(self), tr_error_at(self, 0)->text, tr_error_at(self, 1)->text);
    return TR_OK;
}

/* S51.4 */
static void when_all_fail_the_first_failure_is_told_and_all_are_in_the_list(void **state)
{
    struct run run = RUN({ .ms = 30, .err = TR_EUSER + 1 }, { .ms = 10, .err = TR_EUSER + 2 });
    (void) state;
    assert_int_equal(run_actor(race_and_list, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER+2 won 99 at 30 2: fell at 10; fell at 30");
}

/* S51.5 */
static void next_is_started_after_the_delay_or_as_soon_as_the_one_before_failed(void **state)
{
    struct run run = RUN({ .ms = 10, .err = TR_EUSER }, { .ms = 1000 }, { .ms = 100 }, { .ms = 1 });
    (void) state;
    run.opts.delay_ms = 250;
    assert_int_equal(run_actor(race, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK ran 100 won 2 at 360");
    assert_int_equal(run.runners[0].began, 0);
    assert_int_equal(run.runners[1].began, 10);
    assert_int_equal(run.runners[2].began, 260);
    assert_int_equal(run.runners[3].began, -1);
}

/* S51.6 */
static void race_that_takes_too_long_times_out(void **state)
{
    struct run run = RUN({ .ms = 1000 }, { .ms = 2000, .undo = 5 });
    (void) state;
    run.opts.timeout_ms = 100;
    assert_int_equal(run_actor(race, &run), TR_OK);
    assert_string_equal(run.notes.text, "ETIMEDOUT won 99 at 105");
}

/* S51.3: those who lose and do not go are killed */
static void loser_that_does_not_go_is_killed_after_the_grace(void **state)
{
    struct run run = RUN({ .ms = 10 }, { .ms = 2000, .undo = 50000 });
    (void) state;
    run.opts.grace_ms = 30;
    assert_int_equal(run_actor(race, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK ran 10 won 0 at 40");
}

static tr_err cancel_the_race(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, race, run, &run->racing);
    (void) tr_sleep(self, 20);
    tr_cancel(self, run->racing, "outside");
    (void) !tr_join(self, run->racing, NULL);
    return err;
}

/* S51.6, S51.7 */
static void race_cancelled_from_outside_was_canceled_unless_it_was_won_before(void **state)
{
    struct run lost = RUN({ .ms = 1000 }, { .ms = 2000, .undo = 5 });
    struct run won = RUN({ .ms = 10 }, { .ms = 2000, .undo = 50 });
    (void) state;
    assert_int_equal(run_actor(cancel_the_race, &lost), TR_OK);
    assert_string_equal(lost.notes.text, "ECANCELED won 99 at 25");
    assert_int_equal(run_actor(cancel_the_race, &won), TR_OK);
    assert_string_equal(won.notes.text, "OK ran 10 won 0 at 60");
}

static tr_err kill_the_race(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, race, run, &run->racing);
    (void) tr_sleep(self, 20);
    tr_kill(self, run->racing, "outside");
    (void) !tr_join(self, run->racing, NULL);
    note(&run->notes, "%d", run->runners[0].ended && run->runners[1].ended);
    return err;
}

static void killed_race_takes_all_who_run_with_it(void **state)
{
    struct run run = RUN({ .ms = 1000 }, { .ms = 2000 });
    (void) state;
    assert_int_equal(run_actor(kill_the_race, &run), TR_OK);
    assert_string_equal(run.notes.text, "1");
}

static tr_err cancel_all_who_run(tr_self *self, void *arg)
{
    (void) arg;
    return TR_ECANCELED * (tr_now(self) >= 0);
}

static tr_err all_cancelled(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_racer racers[65] = { { .body = cancel_all_who_run }, { .body = cancel_all_who_run } };
    tr_race_opts bad = { .size = 1 };
    note_err(&run->notes, tr_race(self, NULL, racers, 2, NULL, NULL));
    note_err(&run->notes, tr_race(self, NULL, racers, 0, NULL, NULL));
    note_err(&run->notes, tr_race(self, NULL, racers, 65, NULL, NULL));
    note_err(&run->notes, tr_race(self, &bad, racers, 2, NULL, NULL));
    return TR_OK;
}

/* S51.8 */
static void race_of_which_all_were_canceled_went_down_and_bad_ones_are_refused(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(all_cancelled, &run), TR_OK);
    assert_string_equal(run.notes.text, "EDOWN EINVAL ETOOBIG EINVAL");
}

static void whichever_allocation_fails_nothing_is_left(void **state)
{
    char left[256] = "";
    bool came = true;
    (void) state;
    for (uint64_t n = 1; came; n++) {
        struct run run = RUN({ .ms = 5, .err = TR_EUSER }, { .ms = 20 }, { .ms = 300 });
        run.opts.delay_ms = n % 2 ? 10 : 0;
        (void) tr_test_fail_alloc(n);
        (void) tr_test_run(race, &run, NULL, left, sizeof left);
        came = tr_test_fail_alloc(0) >= n;
        assert_string_equal(left, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_to_end_well_wins_and_the_others_have_ended),
        cmocka_unit_test(with_first_to_end_a_failure_wins_too),
        cmocka_unit_test(when_all_fail_the_first_failure_is_told_and_all_are_in_the_list),
        cmocka_unit_test(next_is_started_after_the_delay_or_as_soon_as_the_one_before_failed),
        cmocka_unit_test(race_that_takes_too_long_times_out),
        cmocka_unit_test(loser_that_does_not_go_is_killed_after_the_grace),
        cmocka_unit_test(race_cancelled_from_outside_was_canceled_unless_it_was_won_before),
        cmocka_unit_test(killed_race_takes_all_who_run_with_it),
        cmocka_unit_test(race_of_which_all_were_canceled_went_down_and_bad_ones_are_refused),
        cmocka_unit_test(whichever_allocation_fails_nothing_is_left),
    };
    return run_actor_tests(tests);
}
