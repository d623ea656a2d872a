/* SPDX-License-Identifier: MIT */
/* test_gather.c - waiting for many asks: all of them, or the next (src/actor/gather.c) */
#include "support/actor_test.h"

#define ASKS 4

struct scene {
    struct notes notes;
    tr_addr clerk[ASKS];
    tr_pending asks[ASKS];
    tr_outcome out[ASKS];
};

/* Answers each request after so many milliseconds: with the number, or with an error if it is odd; says if nobody
 * wanted it any more. */
static tr_err clerk(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err;
    int ms;
    while ((err = tr_recv(self, &m)) == TR_OK) {
        if (!tr_is(m, "after", &ms))
            continue;
        (void) tr_sleep(self, ms);
        if (tr_is_dead(m))
            note(&s->notes, "dead:%d", ms);
        if (ms % 2 != 0)
            (void) tr_reply_error(self, m, (tr_err) (TR_EUSER + ms), "%d is odd", ms);
        else
            (void) tr_reply(self, m, ms);
    }
    return err;
}

static tr_err start(tr_self *self, struct scene *s, const int ms[ASKS])
{
    tr_err err = TR_OK;
    for (int i = 0; i < ASKS && err == TR_OK; i++) {
        err = tr_spawn(self, clerk, s, &s->clerk[i]);
        if (err == TR_OK)
            err = tr_ask_start(self, s->clerk[i], &s->asks[i], "after", ms[i]);
    }
    return err;
}

static void note_outcomes(struct scene *s)
{
    for (int i = 0; i < ASKS; i++) {
        int n = -1;
        if (s->out[i].err == TR_OK)
            (void) tr_args(s->out[i].reply, &n);
        note(&s->notes, "%s:%d", tr_err_name(s->out[i].err) + 3, n);
    }
}

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static tr_err gather_well(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = start(self, s, (const int[ASKS]){ 40, 20, 30, 10 });
    note_err(&s->notes, tr_gather(self, s->asks, ASKS, TR_FAIL_FAST, s->out));
    note(&s->notes, "@%ld", now_ms(self));
    note_outcomes(s);
    return err;
}

/* S4.17 */
static void outcomes_stand_in_the_order_of_the_asks_and_all_wait_together(void **state)
{
    (void) state;
    run_scene(gather_well, "OK @40 OK:40 OK:20 OK:30 OK:10");
}

static tr_err gather_fast(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = start(self, s, (const int[ASKS]){ 40, 25, 15, 10 });
    note_err(&s->notes, tr_gather(self, s->asks, ASKS, TR_FAIL_FAST, s->out));
    note(&s->notes, "@%ld [%s]", now_ms(self), tr_error(self)->text);
    note_outcomes(s);
    (void) tr_sleep(self, 100);
    return err;
}

/* S4.18 */
static void failing_fast_returns_the_first_failure_and_cancels_what_is_open(void **state)
{
    (void) state;
    run_scene(gather_fast, "EUSER+15 @15 [15 is odd] ECANCELED:-1 ECANCELED:-1 EUSER+15:-1 OK:10 dead:25 dead:40");
}

static tr_err gather_done_failures(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = start(self, s, (const int[ASKS]){ 15, 5, 10, 20 });
    (void) tr_sleep(self, 50);
    note_err(&s->notes, tr_gather(self, s->asks, ASKS, TR_FAIL_FAST, s->out));
    return err;
}

/* S4.18: the first in time, not the first in the list */
static void the_first_failure_is_the_one_that_came_first(void **state)
{
    (void) state;
    run_scene(gather_done_failures, "EUSER+5");
}

static tr_err gather_all(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = start(self, s, (const int[ASKS]){ 40, 25, 15, 10 });
    note_err(&s->notes, tr_gather(self, s->asks, ASKS, TR_COLLECT, s->out));
    note(&s->notes, "@%ld", now_ms(self));
    note_outcomes(s);
    note(&s->notes, "[%s]", s->out[1].text);
    return err;
}

/* S4.19 */
static void collecting_waits_for_all_and_is_ok_though_some_failed(void **state)
{
    (void) state;
    run_scene(gather_all, "OK @40 OK:40 EUSER+25:-1 EUSER+15:-1 OK:10 [25 is odd]");
}

static tr_err gather_under_a_deadline(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_gather(self, s->asks, ASKS, TR_COLLECT, s->out);
    note_err(&s->notes, err);
    note_outcomes(s);
    return err;
}

static tr_err gather_cancelled(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = start(self, s, (const int[ASKS]){ 40, 2, 30, 10 });
    note_err(&s->notes, tr_within(self, 20, gather_under_a_deadline, s));
    for (int i = 0; i < ASKS; i++)
        note_err(&s->notes, tr_await(self, s->asks[i], NULL));
    (void) tr_sleep(self, 100);
    return err;
}

/* S4.20 */
static void a_gather_that_is_cancelled_has_collected_every_ask(void **state)
{
    (void) state;
    run_scene(gather_cancelled, "ECANCELED ECANCELED:-1 OK:2 ECANCELED:-1 OK:10 ETIMEDOUT ESTATE ESTATE ESTATE ESTATE "
                                "dead:30 dead:40");
}

static tr_err gather_none(tr_self *self, void *arg)
{
    struct scene *s = arg;
    note_err(&s->notes, tr_gather(self, NULL, 0, TR_FAIL_FAST, NULL));
    note_err(&s->notes, tr_gather(self, NULL, 0, TR_COLLECT, NULL));
    return TR_OK;
}

/* S4.21 */
static void gathering_nothing_is_ok_at_once(void **state)
{
    (void) state;
    run_scene(gather_none, "OK OK");
}

static tr_err gather_wrongly(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = start(self, s, (const int[ASKS]){ 2, 4, 6, 8 });
    const tr_pending twice[2] = { s->asks[0], s->asks[0] };
    tr_err e = tr_gather(self, twice, 2, TR_COLLECT, s->out);
    note(&s->notes, e == TR_EINVAL || e == TR_ESTATE ? "refused" : "accepted");
    note_err(&s->notes, tr_await(self, s->asks[0], NULL));
    note_err(&s->notes, tr_gather(self, s->asks, ASKS, TR_COLLECT, s->out));
    for (int i = 1; i < ASKS; i++)
        note_err(&s->notes, tr_await(self, s->asks[i], NULL));
    return err;
}

static void an_ask_that_stands_there_twice_or_was_collected_is_refused_and_the_others_stay(void **state)
{
    (void) state;
    run_scene(gather_wrongly, "refused OK ESTATE OK OK OK");
}

static tr_err take_each(tr_self *self, void *arg)
{
    struct scene *s = arg;
    size_t i = 99;
    tr_err err = start(self, s, (const int[ASKS]){ 40, 25, 30, 10 });
    for (int n = 0; n < ASKS + 1; n++) {
        tr_err e = tr_next(self, s->asks, ASKS, &i, NULL);
        note(&s->notes, "%zu:%s@%ld", i, tr_err_name(e) + 3, now_ms(self));
    }
    return err;
}

/* S4.22 */
static void next_gives_each_once_in_the_order_of_completion_and_then_estate(void **state)
{
    (void) state;
    run_scene(take_each, "3:OK@10 1:EUSER+25@25 2:OK@30 0:OK@40 0:ESTATE@40");
}

static tr_err take_late(tr_self *self, void *arg)
{
    struct scene *s = arg;
    size_t i;
    tr_err err = start(self, s, (const int[ASKS]){ 40, 20, 30, 10 });
    (void) tr_sleep(self, 100);
    for (int n = 0; n < ASKS; n++)
        if (tr_next(self, s->asks, ASKS, &i, NULL) == TR_OK)
            note(&s->notes, "%zu", i);
    return err;
}

/* S4.22: also of those that were there before anybody looked */
static void next_keeps_the_order_of_completion_for_answers_that_wait(void **state)
{
    (void) state;
    run_scene(take_late, "3 1 2 0");
}

#define MANY 1000

static tr_err gather_many(tr_self *self, void *arg)
{
    long *sum = arg;
    tr_addr to;
    static tr_pending asks[MANY];
    static tr_outcome out[MANY];
    tr_err err = tr_spawn(self, echo, NULL, &to);
    for (int i = 0; i < MANY && err == TR_OK; i++)
        err = tr_ask_start(self, to, &asks[i], "echo", i);
    if (err == TR_OK)
        err = tr_gather(self, asks, MANY, TR_FAIL_FAST, out);
    for (int i = 0; i < MANY && err == TR_OK; i++) {
        int n = 0;
        err = tr_args(out[i].reply, &n);
        *sum += n == i;
    }
    return err;
}

static void a_thousand_asks_are_gathered_each_in_its_place(void **state)
{
    (void) state;
    long sum = 0;
    assert_int_equal(run_actor(gather_many, &sum), TR_OK);
    assert_int_equal(sum, MANY);
}

static tr_err gather_and_be_killed(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = start(self, s, (const int[ASKS]){ 40, 20, 30, 10 });
    return err == TR_OK ? tr_gather(self, s->asks, ASKS, TR_COLLECT, s->out) : err;
}

static tr_err kill_a_gatherer(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr who;
    tr_err err = tr_spawn(self, gather_and_be_killed, s, &who);
    (void) tr_sleep(self, 15);
    if (err == TR_OK)
        err = tr_kill(self, who, "test");
    note_err(&s->notes, tr_join(self, who, NULL));
    return err;
}

static void a_gatherer_that_is_killed_leaves_nothing(void **state)
{
    (void) state;
    run_scene(kill_a_gatherer, "EKILLED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_stand_in_the_order_of_the_asks_and_all_wait_together),
        cmocka_unit_test(failing_fast_returns_the_first_failure_and_cancels_what_is_open),
        cmocka_unit_test(the_first_failure_is_the_one_that_came_first),
        cmocka_unit_test(collecting_waits_for_all_and_is_ok_though_some_failed),
        cmocka_unit_test(a_gather_that_is_cancelled_has_collected_every_ask),
        cmocka_unit_test(gathering_nothing_is_ok_at_once),
        cmocka_unit_test(an_ask_that_stands_there_twice_or_was_collected_is_refused_and_the_others_stay),
        cmocka_unit_test(next_gives_each_once_in_the_order_of_completion_and_then_estate),
        cmocka_unit_test(next_keeps_the_order_of_completion_for_answers_that_wait),
        cmocka_unit_test(a_thousand_asks_are_gathered_each_in_its_place),
        cmocka_unit_test(a_gatherer_that_is_killed_leaves_nothing),
    };
    return run_actor_tests(tests);
}
