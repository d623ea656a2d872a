/* SPDX-License-Identifier: MIT */
/* test_record.c - what was delivered is kept, and matched (docs/semantics.md, S59) */
#include "support/actor_test.h"

struct play {
    tr_node *node;
    tr_addr sink, source;
    tr_record *record;
};

static tr_err source(tr_self *self, void *arg)
{
    struct play *play = arg;
    tr_timer timer;
    tr_err err = tr_send(self, play->sink, "one", 1);
    if (err == TR_OK)
        err = tr_sleep(self, 100);
    if (err == TR_OK)
        err = tr_ask(self, play->sink, NULL, "two", 2);
    if (err == TR_OK)
        err = tr_timer_after(self, 100, &timer, "tick", 3);
    return err == TR_OK ? tr_expect(self, TR_FOREVER, NULL, "tick", 3) : err;
}

static void play_begin(struct play *play, bool all)
{
    const tr_node_opts opts = { .size = sizeof opts, .virtual_clock = true };
    const tr_spawn_opts sink = { .size = sizeof sink, .behaviour = &tr_recorder };
    const tr_spawn_opts from = { .size = sizeof from, .body = source, .arg = play };
    assert_int_equal(tr_node_create(&opts, &play->node), TR_OK);
    assert_int_equal(tr_node_spawn(play->node, &sink, &play->sink), TR_OK);
    assert_int_equal(tr_node_spawn(play->node, &from, &play->source), TR_OK);
    assert_int_equal(tr_record_open(play->node, all ? TR_ADDR_NIL : play->sink, &play->record), TR_OK);
}

static void play_end(struct play *play)
{
    tr_node_stop(play->node, NULL);
    assert_int_equal(tr_node_run(play->node), TR_OK);
    tr_node_destroy(&play->node);
    tr_record_close(&play->record);
    assert_null(play->record);
}

/* S59.6 */
static void record_keeps_what_was_delivered_in_order_with_its_time_and_sender(void **state)
{
    struct play play;
    tr_record_entry e;
    (void) state;
    play_begin(&play, false);
    assert_int_equal(tr_test_advance(play.node, 1000), TR_OK);
    assert_int_equal(tr_record_count(play.record), 2);
    assert_true(tr_record_at(play.record, 1, &e));
    assert_true(tr_matches(e.msg, "two", 2));
    assert_true(e.request && tr_addr_eq(e.from, play.source) && tr_addr_eq(e.to, play.sink));
    assert_int_equal(e.when, 100 * 1000000);
    assert_false(tr_record_at(play.record, 2, &e));
    assert_int_equal(tr_record_find(play.record, 0, tr_any(), 2), 1);
    assert_int_equal(tr_record_find(play.record, 1, "one", tr_any_more()), SIZE_MAX);
    play_end(&play);
}

/* S59.6 */
static void record_of_a_node_has_ticks_and_outlives_it(void **state)
{
    struct play play;
    char text[400];
    (void) state;
    play_begin(&play, true);
    assert_int_equal(tr_test_advance(play.node, 1000), TR_OK);
    tr_node_destroy(&play.node);
    assert_int_equal(tr_record_count(play.record), 3);
    assert_int_equal(tr_record_find(play.record, 0, "tick", 3), 2);
    assert_true(tr_record_print(play.record, text, sizeof text) < sizeof text);
    assert_non_null(strstr(text, "ask two 2"));
    assert_int_equal(tr_record_expect(play.record, 10, "one"), TR_ESTATE);
    tr_record_close(&play.record);
}

/* S59.7 */
static void expectation_moves_the_clock_until_it_is_met_and_goes_on_behind_it(void **state)
{
    struct play play;
    (void) state;
    play_begin(&play, false);
    assert_int_equal(tr_record_expect(play.record, 1000, "one", tr_any()), TR_OK);
    assert_int_equal(tr_test_now(play.node), 0);
    assert_int_equal(tr_record_expect_nothing(play.record, 99), TR_OK);
    assert_int_equal(tr_record_expect(play.record, 10, "two", 2), TR_OK);
    assert_int_equal(tr_test_now(play.node), 100 * 1000000);
    assert_int_equal(tr_record_expect(play.record, 1000, "two", 2), TR_ETIMEDOUT);
    assert_int_equal(tr_test_now(play.node), 1100 * INT64_C(1000000));
    play_end(&play);
}

/* S59.7 */
static void message_that_was_not_to_come_is_told(void **state)
{
    struct play play;
    (void) state;
    play_begin(&play, false);
    assert_int_equal(tr_record_expect_nothing(play.record, 5), TR_EBADMSG);
    play_end(&play);
}

static tr_err full(tr_self *self, void *arg)
{
    struct play *play = arg;
    tr_err err = TR_OK;
    const tr_spawn_opts one = { .size = sizeof one, .body = echo, .mailbox_len_max = 1 };
    err = tr_spawn_with(self, &one, &play->sink);
    if (err == TR_OK)
        err = tr_record_open(tr_self_node(self), play->sink, &play->record);
    for (int i = 0; i < 5 && err == TR_OK; i++)
        err = tr_send(self, play->sink, "number", i);
    (void) tr_yield(self);
    return err;
}

/* S59.6, S9.3: one that waited for room is delivered when there was some, once */
static void message_that_waited_for_room_is_recorded_when_it_is_let_in(void **state)
{
    struct play play = { .node = NULL };
    (void) state;
    assert_int_equal(run_actor(full, &play), TR_OK);
    assert_int_equal(tr_record_count(play.record), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(tr_record_find(play.record, 0, "number", i), i);
    tr_record_close(&play.record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_keeps_what_was_delivered_in_order_with_its_time_and_sender),
        cmocka_unit_test(record_of_a_node_has_ticks_and_outlives_it),
        cmocka_unit_test(expectation_moves_the_clock_until_it_is_met_and_goes_on_behind_it),
        cmocka_unit_test(message_that_was_not_to_come_is_told),
        cmocka_unit_test(message_that_waited_for_room_is_recorded_when_it_is_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
