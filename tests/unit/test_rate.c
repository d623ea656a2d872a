/* SPDX-License-Identifier: MIT */
/* test_rate.c - a token bucket (src/share/rate.c; docs/semantics.md, S45) */
#include "support/actor_test.h"

struct scene {
    struct notes notes;
    tr_addr rate, other[3];
    int next;
};

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        (void) state;                                    \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static void note_take(tr_self *self, struct scene *s, uint32_t n, int64_t timeout_ms)
{
    tr_err err = tr_rate_take_for(self, s->rate, n, timeout_ms);
    if (err == TR_OK)
        note(&s->notes, "%ld", now_ms(self));
    else
        note(&s->notes, "%s@%ld", tr_err_name(err) + 3, now_ms(self));
}

static tr_err take_one_by_one(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_rate_create(self, 10, 1000, 3, NULL, &s->rate);
    for (int i = 0; i < 6; i++)
        note_take(self, s, 1, TR_FOREVER);
    (void) tr_sleep(self, 10000);
    for (int i = 0; i < 5; i++)
        note_take(self, s, 1, TR_FOREVER);
    return err;
}

/* S45.1: three are there at the start, and no more than three after a long pause. */
static void a_burst_goes_at_once_and_the_rest_at_the_rate(void **state)
{
    run_scene(take_one_by_one, "0 0 0 100 200 300 10300 10300 10300 10400 10500");
}

static tr_err taker(tr_self *self, void *arg)
{
    struct scene *s = arg;
    int me = s->next++;
    tr_err err = tr_rate_take(self, s->rate, me == 0 ? 3 : 1);
    note(&s->notes, "%d:%s@%ld", me, tr_err_name(err) + 3, now_ms(self));
    return TR_OK;
}

static tr_err take_many(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_rate_create(self, 10, 1000, 3, NULL, &s->rate);
    note_take(self, s, 2, TR_FOREVER);
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_spawn(self, taker, s, &s->other[i]);
    (void) tr_sleep(self, 1000);
    return err;
}

/* S46.2: the first wants three when one is there, and those behind it wait. */
static void who_wants_many_is_not_overtaken(void **state)
{
    run_scene(take_many, "0 0:OK@200 1:OK@300 2:OK@400");
}

static tr_err give_up(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_rate_create(self, 10, 1000, 3, NULL, &s->rate);
    note_take(self, s, 3, TR_FOREVER);
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = tr_spawn(self, taker, s, &s->other[i]);
    (void) tr_sleep(self, 50);
    tr_cancel(self, s->other[0], NULL);
    (void) tr_sleep(self, 100);
    note_take(self, s, 1, 20);
    note_take(self, s, 1, TR_FOREVER);
    return err;
}

/* S46.1 */
static void who_gave_up_has_taken_nothing(void **state)
{
    run_scene(give_up, "0 0:ECANCELED@50 1:OK@100 ETIMEDOUT@170 200");
}

/* Asks for tokens and ends with the answer unread. */
static tr_err careless(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending pending;
    tr_err err = tr_ask_start(self, s->rate, &pending, "share.take", 3);
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

static tr_err leave_unread(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_rate_create(self, 10, 1000, 3, NULL, &s->rate);
    if (err == TR_OK)
        err = tr_spawn(self, careless, s, &s->other[0]);
    (void) tr_sleep(self, 20);
    note_take(self, s, 3, TR_FOREVER);
    return err;
}

/* S46.3 */
static void tokens_that_nobody_read_come_back(void **state)
{
    run_scene(leave_unread, "20");
}

static tr_err misuse(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_rate_create(self, 10, 1000, 3, NULL, &s->rate);
    tr_addr other;
    note_err(&s->notes, tr_rate_create(self, 0, 1000, 3, NULL, &other));
    note_err(&s->notes, tr_rate_create(self, 1, 0, 3, NULL, &other));
    note_err(&s->notes, tr_rate_create(self, 1, 1000, 0, NULL, &other));
    note_err(&s->notes, tr_rate_create(self, 1, 86400000, UINT32_MAX, NULL, &other));
    note_take(self, s, 4, TR_FOREVER);
    note_take(self, s, 0, TR_FOREVER);
    note_err(&s->notes, tr_rate_take(self, tr_self_addr(self), 1));
    return err;
}

static void misuse_is_refused(void **state)
{
    run_scene(misuse, "EINVAL EINVAL EINVAL EINVAL EINVAL@0 EINVAL@0 EINVAL");
}

static tr_err uneven(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_rate_create(self, 3, 1000, 1, NULL, &s->rate);
    for (int i = 0; i < 301 && err == TR_OK; i++)
        err = tr_rate_take(self, s->rate, 1);
    note(&s->notes, "%ld", now_ms(self));
    return err;
}

/* S45.2 */
static void a_rate_that_does_not_divide_evenly_is_kept(void **state)
{
    run_scene(uneven, "100000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_goes_at_once_and_the_rest_at_the_rate),
        cmocka_unit_test(who_wants_many_is_not_overtaken),
        cmocka_unit_test(who_gave_up_has_taken_nothing),
        cmocka_unit_test(tokens_that_nobody_read_come_back),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(a_rate_that_does_not_divide_evenly_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
