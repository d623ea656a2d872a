/* SPDX-License-Identifier: MIT */
/* test_tick.c - sleeping, and timers that are messages (docs/semantics.md, S11) */
#include "support/actor_test.h"

#define MS INT64_C(1000000)
#define PAIRS 100000

struct run {
    struct notes notes;
    tr_addr child;
    int n;
    bool ran;
};

static tr_err sets_ran(tr_self *self, void *arg)
{
    (void) self;
    ((struct run *) arg)->ran = true;
    return TR_OK;
}

static tr_err next_tag(tr_self *self, struct run *run)
{
    const tr_msg *m;
    tr_err err = tr_recv_for(self, 0, &m);
    note(&run->notes, "%s", err == TR_OK ? tr_tag(m) : tr_err_name(err) + 3);
    return err;
}

/* ---- sleeping ---- */

static tr_err sleeps_exactly(tr_self *self, void *arg)
{
    struct run *run = arg;
    for (int64_t ms = 1; ms < 4000; ms = ms * 3 + 1) {
        tr_time before = tr_now(self);
        tr_err err = tr_sleep(self, ms);
        if (err != TR_OK || tr_now(self) - before != ms * MS)
            note(&run->notes, "%ld took %ld", (long) ms, (long) (tr_now(self) - before));
    }
    tr_time odd = tr_now(self) + 1234567;
    (void) tr_sleep_until(self, odd);
    note(&run->notes, "%ld", (long) (tr_now(self) - odd));
    return TR_OK;
}

/* S11.1, S11.11: and below a millisecond */
static void sleep_is_exact_on_a_virtual_clock(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(sleeps_exactly, &run), TR_OK);
    assert_string_equal(run.notes.text, "0");
}

static tr_err three_days(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 72 && err == TR_OK; i++)
        err = tr_sleep(self, 3600000);
    return err;
}

/* S11.11: the watchdog's 20 s are enough for three days */
static void hours_pass_in_milliseconds(void **state)
{
    int64_t elapsed_ms = 0;
    (void) state;
    assert_int_equal(run_actor_timed(three_days, NULL, &elapsed_ms), TR_OK);
    assert_int_equal(elapsed_ms, INT64_C(72) * 3600000);
}

static tr_err odd_sleeps(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_sleep(self, -1));
    tr_err err = tr_spawn(self, sets_ran, run, NULL);
    note_err(&run->notes, tr_sleep_until(self, tr_now(self)));
    note_err(&run->notes, tr_sleep_until(self, -5));
    note(&run->notes, "%d", run->ran);
    note_err(&run->notes, tr_sleep(self, 0));
    note(&run->notes, "%d", run->ran);
    return err;
}

/* S11.3, S11.4 */
static void sleep_of_nothing_yields_and_until_the_past_does_not_suspend(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(odd_sleeps, &run), TR_OK);
    assert_string_equal(run.notes.text, "EINVAL OK OK 0 OK 1");
}

struct sleeper {
    struct run *run;
    int ms;
};

static tr_err notes_when(tr_self *self, void *arg)
{
    const struct sleeper *s = arg;
    tr_err err = tr_sleep(self, s->ms);
    note(&s->run->notes, "%d", s->ms);
    return err;
}

static tr_err many_sleepers(tr_self *self, void *arg)
{
    static const int ms[] = { 50, 10, 40, 30, 20 };
    struct sleeper sleepers[5];
    tr_err err = TR_OK;
    for (int i = 0; i < 5 && err == TR_OK; i++) {
        sleepers[i] = (struct sleeper){ arg, ms[i] };
        err = tr_spawn(self, notes_when, &sleepers[i], NULL);
    }
    (void) tr_sleep(self, 100);
    return err;
}

/* S11.2 */
static void sleepers_wake_in_the_order_of_their_deadlines(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(many_sleepers, &run), TR_OK);
    assert_string_equal(run.notes.text, "10 20 30 40 50");
}

/* ---- timers ---- */

static tr_err timers_of_one_tick(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_time base = tr_now(self) + 10 * MS;
    (void) tr_timer_start(self, base + 300, 0, NULL, "c");
    (void) tr_timer_start(self, base + 100, 0, NULL, "a1");
    (void) tr_timer_start(self, base + 200, 0, NULL, "b");
    (void) tr_timer_start(self, base + 100, 0, NULL, "a2");
    (void) tr_timer_start(self, base + 100, 0, NULL, "a3");
    (void) tr_sleep(self, 9);
    (void) next_tag(self, run);
    (void) tr_sleep(self, 2);
    while (next_tag(self, run) == TR_OK)
        ;
    return TR_OK;
}

/* S11.1, S11.2 */
static void timers_of_one_tick_fire_by_deadline_and_then_as_they_were_started(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(timers_of_one_tick, &run), TR_OK);
    assert_string_equal(run.notes.text, "ETIMEDOUT a1 a2 a3 b c ETIMEDOUT");
}

static tr_err ticks_and_messages(tr_self *self, void *arg)
{
    struct run *run = arg;
    int n = 0;
    const tr_msg *m;
    (void) tr_timer_after(self, 5, NULL, "tick", 7);
    (void) tr_send(self, tr_self_addr(self), "before");
    (void) tr_sleep(self, 6);
    (void) tr_send(self, tr_self_addr(self), "after");
    (void) next_tag(self, run);
    tr_err err = tr_recv(self, &m);
    bool is_tick = err == TR_OK && tr_is(m, "tick", &n);
    note(&run->notes, "%d%d", is_tick, n);
    (void) next_tag(self, run);
    return err;
}

/* S1.4 */
static void tick_stands_in_the_mailbox_where_it_happened(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(ticks_and_messages, &run), TR_OK);
    assert_string_equal(run.notes.text, "before 17 after");
}

static tr_err late_reader(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_timer timer;
    (void) tr_timer_every(self, 10, &timer, "tick");
    (void) tr_sleep(self, 45);
    for (int i = 0; i < 3; i++) {
        tr_err err = tr_recv(self, &m);
        note(&run->notes, "%d+%d at %ld", err == TR_OK, (int) tr_missed(m), now_ms(self));
    }
    tr_timer_cancel(self, timer);
    (void) tr_send(self, tr_self_addr(self), "plain");
    if (tr_recv(self, &m) == TR_OK)
        note(&run->notes, "%s+%d", tr_tag(m), (int) tr_missed(m));
    return TR_OK;
}

/* S11.6, S11.7: at 45 ms the ticks of 10, 20, 30 and 40 are one message; the next are at 50 and 60 */
static void periodic_timer_has_one_message_that_tells_how_many_it_stands_for(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(late_reader, &run), TR_OK);
    assert_string_equal(run.notes.text, "1+3 at 45 1+0 at 50 1+0 at 60 plain+0");
}

static tr_err starts_in_the_past(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    (void) tr_sleep(self, 100);
    (void) tr_timer_start(self, tr_now(self) - 15 * MS, 10 * MS, NULL, "tick");
    for (int i = 0; i < 3; i++) {
        tr_err err = tr_recv(self, &m);
        note(&run->notes, "%d+%d at %ld", err == TR_OK, (int) tr_missed(m), now_ms(self));
    }
    return TR_OK;
}

/* S11.6, S11.7: due at 85 and 95, told at 100; then at 105 and 115, not at 110 and 120 */
static void periodic_timer_that_was_late_keeps_to_its_first_phase(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(starts_in_the_past, &run), TR_OK);
    assert_string_equal(run.notes.text, "1+1 at 100 1+0 at 105 1+0 at 115");
}

static tr_err cancel_all_kinds(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_timer queued, waiting, other, none = { 0 };
    (void) tr_timer_after(self, 1, &queued, "queued");
    (void) tr_timer_after(self, 2, &other, "other");
    (void) tr_timer_after(self, 50, &waiting, "waiting");
    (void) tr_sleep(self, 5);
    tr_timer_cancel(self, queued);
    tr_timer_cancel(self, waiting);
    tr_timer_cancel(self, waiting);
    tr_timer_cancel(self, none);
    (void) next_tag(self, run);
    tr_timer_cancel(self, other);
    (void) tr_timer_after(self, 1, &other, "new");
    tr_timer_cancel(self, queued); /* an old handle stops nobody else's timer */
    tr_timer_cancel(self, waiting);
    (void) tr_sleep(self, 100);
    (void) next_tag(self, run);
    (void) next_tag(self, run);
    return TR_OK;
}

/* S11.5 */
static void canceled_timer_sends_nothing_even_if_its_message_was_queued(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_all_kinds, &run), TR_OK);
    assert_string_equal(run.notes.text, "other new ETIMEDOUT");
}

static tr_err many_pairs(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_timer timer;
    (void) tr_test_fail_alloc(0);
    for (int i = 0; i < PAIRS; i++) {
        if (tr_timer_after(self, 1000 + i, &timer, "never") != TR_OK)
            return TR_EFAILED;
        tr_timer_cancel(self, timer);
    }
    run->n = (int) tr_test_fail_alloc(0);
    return TR_OK;
}

/* S11.9 */
static void storage_is_bounded_by_the_timers_that_exist(void **state)
{
    struct run run = { .n = -1 };
    (void) state;
    assert_int_equal(run_actor(many_pairs, &run), TR_OK);
    assert_in_range(run.n, 0, 64);
}

static tr_err ends_with_timers(tr_self *self, void *arg)
{
    (void) arg;
    (void) tr_timer_every(self, 10, NULL, "tick");
    (void) tr_timer_after(self, 1, NULL, "queued when it ends");
    return tr_sleep(self, 5);
}

static tr_err outlive_the_timers(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_node_stats stats = { .size = sizeof stats };
    tr_err err = tr_spawn(self, ends_with_timers, NULL, &run->child);
    if (err == TR_OK)
        err = tr_join(self, run->child, NULL);
    tr_node_stats_get(tr_self_node(self), &stats);
    note(&run->notes, "%d", (int) stats.timers);
    return err;
}

/* S11.8 */
static void timers_end_with_their_actor(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(outlive_the_timers, &run), TR_OK);
    assert_string_equal(run.notes.text, "0");
}

static tr_err bad_timers(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_timer_start(self, 5, -1, NULL, "x"));
    note_err(&run->notes, tr_timer_start(self, 5, 0, NULL, tr_nil()));
    note_err(&run->notes, tr_timer_start(self, -5, 0, NULL, "past"));
    (void) tr_sleep(self, 1);
    (void) next_tag(self, run);
    return TR_OK;
}

/* time.h; a time that has passed fires at once */
static void timer_that_cannot_be_is_refused(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(bad_timers, &run), TR_OK);
    assert_string_equal(run.notes.text, "EINVAL EINVAL OK past");
}

/* ---- a real clock ---- */

static tr_err real_sleeps(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_time last = tr_now(self);
    for (int ms = 1; ms < 6; ms++) {
        tr_time before = tr_now(self);
        tr_err err = tr_sleep(self, ms);
        if (err != TR_OK || tr_now(self) - before < ms * MS || tr_now(self) < last)
            note(&run->notes, "%d took %ld", ms, (long) (tr_now(self) - before));
        last = tr_now(self);
    }
    return TR_OK;
}

/* S11.1, S11.10 */
static void nothing_fires_early_on_a_real_clock(void **state)
{
    struct run run = { .n = 0 };
    tr_node *node;
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = real_sleeps, .arg = &run };
    (void) state;
    assert_int_equal(tr_node_create(NULL, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    assert_int_equal(tr_node_run(node), TR_OK);
    tr_node_destroy(&node);
    assert_string_equal(run.notes.text, "");
}

/* ---- the clock in the test's hands ---- */

static tr_err counts_ticks(tr_self *self, void *arg)
{
    const tr_msg *m;
    tr_err err = tr_timer_every(self, 10, NULL, "tick");
    while (err == TR_OK && (err = tr_recv(self, &m)) == TR_OK)
        ((struct run *) arg)->n++;
    return err;
}

/* S11.11, test.h */
static void advancing_a_virtual_clock_stops_at_each_timer_on_the_way(void **state)
{
    struct run run = { .n = 0 };
    tr_node *node;
    const tr_node_opts opts = { .size = sizeof opts, .virtual_clock = true };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = counts_ticks, .arg = &run };
    (void) state;
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    tr_test_settle(node);
    assert_int_equal(tr_test_now(node), 0);
    assert_int_equal(tr_test_advance(node, 95), TR_OK);
    assert_int_equal(run.n, 9);
    assert_int_equal(tr_test_now(node), 95 * MS);
    assert_int_equal(tr_test_advance(node, 5), TR_OK);
    assert_int_equal(run.n, 10);
    tr_node_destroy(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleep_is_exact_on_a_virtual_clock),
        cmocka_unit_test(hours_pass_in_milliseconds),
        cmocka_unit_test(sleep_of_nothing_yields_and_until_the_past_does_not_suspend),
        cmocka_unit_test(sleepers_wake_in_the_order_of_their_deadlines),
        cmocka_unit_test(timers_of_one_tick_fire_by_deadline_and_then_as_they_were_started),
        cmocka_unit_test(tick_stands_in_the_mailbox_where_it_happened),
        cmocka_unit_test(periodic_timer_has_one_message_that_tells_how_many_it_stands_for),
        cmocka_unit_test(periodic_timer_that_was_late_keeps_to_its_first_phase),
        cmocka_unit_test(canceled_timer_sends_nothing_even_if_its_message_was_queued),
        cmocka_unit_test(storage_is_bounded_by_the_timers_that_exist),
        cmocka_unit_test(timers_end_with_their_actor),
        cmocka_unit_test(timer_that_cannot_be_is_refused),
        cmocka_unit_test(nothing_fires_early_on_a_real_clock),
        cmocka_unit_test(advancing_a_virtual_clock_stops_at_each_timer_on_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
