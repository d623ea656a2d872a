/* SPDX-License-Identifier: MIT */
/* test_work.c - a queue of work that knows when it is done (src/share/work.c, stock.c; docs/semantics.md, S42, S46) */
#include "support/actor_test.h"

#define WORKERS 6

struct scene {
    struct notes notes;
    tr_addr queue, other[WORKERS];
    tr_hold hold;
    int next, put, done, lost;
    uint64_t fail_at;
};

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        (void) state;                                    \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static tr_err spawn_many(tr_self *self, struct scene *s, tr_body_fn *body, int n)
{
    tr_err err = TR_OK;
    for (int i = 0; i < n && err == TR_OK; i++)
        err = tr_spawn(self, body, s, &s->other[i]);
    return err == TR_OK ? tr_sleep(self, 1) : err;
}

static tr_err note_take(tr_self *self, struct scene *s, int64_t timeout_ms, tr_hold *hold)
{
    const tr_msg *item;
    int n = -1;
    tr_err err = tr_work_take_for(self, s->queue, timeout_ms, hold, &item);
    if (err != TR_OK)
        return note_err(&s->notes, err);
    (void) tr_args(item, &n);
    note(&s->notes, "%d", n);
    return err;
}

/* Takes items until there are no more; an item n > 0 takes 10 ms and puts n - 1 in. */
static tr_err worker(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *item;
    tr_hold hold;
    int me = s->next++, n = 0;
    tr_err err;
    while ((err = tr_work_take(self, s->queue, &hold, &item)) == TR_OK) {
        tr_check(self, tr_args(item, &n) == TR_OK);
        if (n > 0)
            err = tr_sleep(self, 10);
        if (n > 0 && err == TR_OK)
            err = tr_work_put(self, s->queue, "item", n - 1);
        s->done++;
        tr_hold_release(self, &hold);
        if (err != TR_OK)
            break;
    }
    note(&s->notes, "%d:%s@%ld", me, tr_err_name(err) + 3, now_ms(self));
    return TR_OK;
}

static tr_err work_it_off(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_work_create(self, 0, NULL, &s->queue);
    note_err(&s->notes, tr_work_join(self, s->queue));
    if (err == TR_OK)
        err = tr_work_put(self, s->queue, "item", 3);
    if (err == TR_OK)
        err = tr_work_put(self, s->queue, "item", 1);
    note_err(&s->notes, tr_work_join_for(self, s->queue, 5));
    if (err == TR_OK)
        err = spawn_many(self, s, worker, 2);
    note_err(&s->notes, tr_work_join(self, s->queue));
    note(&s->notes, "%d@%ld", s->done, now_ms(self));
    note_err(&s->notes, tr_work_close(self, s->queue));
    note_err(&s->notes, tr_work_put(self, s->queue, "item", 1));
    return err == TR_OK ? tr_sleep(self, 1) : err;
}

/* S42.1, S42.2, S42.4 */
static void join_waits_for_what_is_queued_and_what_is_worked_on(void **state)
{
    run_scene(work_it_off, "OK ETIMEDOUT OK 6@35 OK 1:ECLOSED@35 0:ECLOSED@35 ECLOSED");
}

/* Takes one item and ends with it, in a way of its own. */
static tr_err mortal(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_hold hold;
    int me = s->next++;
    tr_err err = note_take(self, s, TR_FOREVER, &hold);
    if (me == 1)
        tr_fail(self, TR_EUSER, "it fell over");
    return err == TR_OK && me == 2 ? tr_sleep(self, 1000) : err;
}

static tr_err end_workers(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_work_create(self, 0, NULL, &s->queue);
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_work_put(self, s->queue, "item", i);
    if (err == TR_OK)
        err = spawn_many(self, s, mortal, 3);
    note_err(&s->notes, tr_work_join_for(self, s->queue, 10));
    tr_kill(self, s->other[2], NULL);
    note_err(&s->notes, tr_work_join_for(self, s->queue, 10));
    note_err(&s->notes, tr_join(self, s->other[1], NULL));
    note_err(&s->notes, tr_join(self, s->other[2], NULL));
    return err;
}

/* S42.3 */
static void an_item_is_finished_when_its_taker_ends(void **state)
{
    run_scene(end_workers, "0 1 2 ETIMEDOUT OK EUSER EKILLED");
}

static tr_err put_back(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_work_create(self, 2, NULL, &s->queue);
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = tr_work_put(self, s->queue, "item", i);
    note_take(self, s, TR_FOREVER, &s->hold);
    tr_work_again(self, &s->hold);
    tr_work_again(self, &s->hold);
    note_err(&s->notes, tr_work_close(self, s->queue));
    for (int i = 0; i < 2; i++) {
        note_take(self, s, TR_FOREVER, &s->hold);
        tr_hold_release(self, &s->hold);
    }
    note_take(self, s, TR_FOREVER, &s->hold);
    return err;
}

/* S42.5 */
static void an_item_that_is_put_back_is_the_last(void **state)
{
    run_scene(put_back, "0 OK 1 0 ECLOSED");
}

/* Wants an item and ends without having looked at it. */
static tr_err careless(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending claim, wait;
    tr_err err = tr_ask_start(self, s->queue, &claim, "share.claim");
    if (err == TR_OK)
        err = tr_ask_start(self, s->queue, &wait, "share.wait", tr_bool(false));
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

static tr_err take_unread(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_work_create(self, 0, NULL, &s->queue);
    if (err == TR_OK)
        err = spawn_many(self, s, careless, 1);
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = tr_work_put(self, s->queue, "item", i);
    (void) tr_sleep(self, 20);
    note_take(self, s, 0, &s->hold);
    tr_hold_release(self, &s->hold);
    note_take(self, s, 0, &s->hold);
    note_take(self, s, 0, &s->hold);
    note_take(self, s, 5, &s->hold);
    note_err(&s->notes, tr_work_join_for(self, s->queue, 5));
    tr_hold_release(self, &s->hold);
    note_err(&s->notes, tr_work_join_for(self, s->queue, 5));
    return err;
}

/* S46.3 */
static void an_item_that_was_granted_and_not_read_is_the_first_again(void **state)
{
    run_scene(take_unread, "0 1 ETIMEDOUT ETIMEDOUT ETIMEDOUT OK");
}

static tr_err fill(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_work_create(self, 1, NULL, &s->queue);
    note_err(&s->notes, tr_work_put(self, s->queue, "item", 1));
    note_err(&s->notes, tr_work_put_for(self, s->queue, 5, "item", 2));
    note_take(self, s, 0, &s->hold);
    note_err(&s->notes, tr_work_put_for(self, s->queue, 5, "item", 3));
    return err;
}

/* S42.1 */
static void no_more_items_wait_than_fit(void **state)
{
    run_scene(fill, "OK EUNSENT 1 OK");
}

/* ---- hurry ---- */

static tr_err hasty_giver(tr_self *self, void *arg)
{
    struct scene *s = arg;
    int seed = s->next++;
    tr_err err = TR_OK;
    for (int i = 0; i < 100 && err != TR_ECANCELED; i++) {
        err = tr_work_put_for(self, s->queue, (seed + i) % 3, "item", i);
        s->put += err == TR_OK;
        if (err == TR_OK)
            err = tr_sleep(self, (seed + i) % 2);
    }
    return TR_OK;
}

static tr_err hasty_taker(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *item;
    int seed = s->next++;
    tr_err err = TR_OK;
    for (int i = 0; err == TR_OK || err == TR_ETIMEDOUT; i++) {
        tr_hold hold;
        err = tr_work_take_for(self, s->queue, (seed + i) % 3, &hold, &item);
        if (err != TR_OK)
            continue;
        s->done++;
        if (i % 2 == 0)
            err = tr_sleep(self, 1);
        if (i % 5 == 4) {
            tr_work_again(self, &hold);
            s->done--;
        } else {
            tr_hold_release(self, &hold);
        }
    }
    return TR_OK;
}

static tr_err hurry(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_work_create(self, 3, NULL, &s->queue);
    for (int round = 0; round < 10 && err == TR_OK; round++) {
        for (int i = 0; i < WORKERS && err == TR_OK; i++)
            err = tr_spawn(self, i % 2 == 0 ? hasty_giver : hasty_taker, s, &s->other[i]);
        (void) tr_sleep(self, 30);
        for (int i = 0; i < WORKERS; i++)
            if (i % 4 == 3)
                tr_kill(self, s->other[i], NULL);
            else
                tr_cancel(self, s->other[i], NULL);
        (void) tr_sleep(self, 5);
    }
    tr_hold hold;
    const tr_msg *item;
    while (err == TR_OK && tr_work_take_for(self, s->queue, 0, &hold, &item) == TR_OK) {
        s->done++;
        tr_hold_release(self, &hold);
    }
    note_err(&s->notes, tr_work_join_for(self, s->queue, 5));
    return err;
}

/* S46.1, S46.3 */
static void whatever_gives_up_when_the_work_is_done_once(void **state)
{
    struct scene s = { .next = 0 };
    (void) state;
    assert_int_equal(run_actor(hurry, &s), TR_OK);
    assert_string_equal(s.notes.text, "OK");
    assert_true(s.put > 100);
    assert_int_equal(s.put, s.done);
}

/* ---- the last reply ---- */

static tr_err put_what_was_taken(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *item;
    tr_hold hold;
    const char *text = "", *word = "";
    tr_err err = tr_work_create(self, 1, NULL, &s->queue);
    if (err == TR_OK)
        err = tr_work_put(self, s->queue, "item", "a text that is read after others were put in");
    if (err == TR_OK)
        err = tr_work_take(self, s->queue, &hold, &item);
    if (err == TR_OK)
        err = tr_args(item, &text);
    note_err(&s->notes, tr_work_put(self, s->queue, "item", 1));
    note_err(&s->notes, tr_work_put_for(self, s->queue, 5, "item", 2));
    note_err(&s->notes, tr_work_join_for(self, s->queue, 5));
    note(&s->notes, "%d", tr_args(item, &word) == TR_OK && word == text && strlen(text) == 44);
    tr_hold_release(self, &hold);
    return err;
}

/* S46.6 */
static void an_item_can_be_read_while_others_are_put_in(void **state)
{
    run_scene(put_what_was_taken, "OK EUNSENT ETIMEDOUT 1");
}

static tr_err wait_with_a_reply(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *reply;
    tr_err err = tr_ask(self, s->other[1], &reply, "what", 1);
    return err == TR_OK ? tr_work_put(self, s->queue, "item", 2) : err;
}

static tr_err kill_one_with_a_reply(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_work_create(self, 1, NULL, &s->queue);
    if (err == TR_OK)
        err = tr_work_put(self, s->queue, "item", 1);
    if (err == TR_OK)
        err = tr_spawn(self, echo, NULL, &s->other[1]);
    if (err == TR_OK)
        err = tr_spawn(self, wait_with_a_reply, s, &s->other[0]);
    (void) tr_sleep(self, 5);
    tr_kill(self, s->other[0], NULL);
    note_err(&s->notes, tr_join(self, s->other[0], NULL));
    return err;
}

static void a_reply_goes_with_one_that_is_killed_while_it_waits(void **state)
{
    run_scene(kill_one_with_a_reply, "EKILLED");
}

/* ---- misuse, memory ---- */

static tr_err misuse(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr ch;
    tr_err err = tr_work_create(self, 1, NULL, &s->queue);
    if (err == TR_OK)
        err = tr_channel_create(self, 1, NULL, &ch);
    note_err(&s->notes, tr_work_create(self, TR_CHANNEL_MAX + 1, NULL, &ch));
    note_err(&s->notes, tr_work_put(self, s->queue, "share.close"));
    note_err(&s->notes, tr_work_put(self, ch, "item"));
    note_err(&s->notes, tr_work_join(self, ch));
    note_err(&s->notes, tr_channel_send(self, s->queue, "item"));
    note_err(&s->notes, tr_ask(self, s->queue, NULL, "item"));
    note_take(self, s, 0, &s->hold);
    return err;
}

static void misuse_is_refused(void **state)
{
    run_scene(misuse, "EINVAL EINVAL EINVAL EINVAL EINVAL EUNKNOWN ETIMEDOUT");
}

static tr_err use_without_memory(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *item;
    (void) tr_test_fail_alloc(s->fail_at);
    tr_err err = tr_work_create(self, 4, NULL, &s->queue);
    if (err != TR_OK)
        return TR_OK;
    for (int i = 0; i < 4; i++)
        s->put += tr_work_put_for(self, s->queue, 5, "item", i) == TR_OK;
    for (int i = 0; i < 6; i++) {
        s->done += tr_work_take_for(self, s->queue, 5, &s->hold, &item) == TR_OK;
        tr_hold_release(self, &s->hold);
    }
    s->lost = tr_work_join_for(self, s->queue, 5) != TR_OK;
    if (s->lost)
        s->lost = tr_work_join_for(self, s->queue, 5) != TR_OK;
    tr_cancel(self, s->queue, "done"); /* without memory for an owner it is the node's */
    return TR_OK;
}

static void whatever_allocation_fails_the_work_is_done(void **state)
{
    (void) state;
    uint64_t made = 1000, n;
    for (n = 1; n <= made; n++) {
        struct scene s = { .fail_at = n };
        assert_int_equal(run_actor(use_without_memory, &s), TR_OK);
        made = tr_test_fail_alloc(0);
        assert_int_equal(s.lost, 0);
        assert_int_equal(s.put, s.done);
    }
    assert_true(n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(join_waits_for_what_is_queued_and_what_is_worked_on),
        cmocka_unit_test(an_item_is_finished_when_its_taker_ends),
        cmocka_unit_test(an_item_that_is_put_back_is_the_last),
        cmocka_unit_test(an_item_that_was_granted_and_not_read_is_the_first_again),
        cmocka_unit_test(no_more_items_wait_than_fit),
        cmocka_unit_test(whatever_gives_up_when_the_work_is_done_once),
        cmocka_unit_test(an_item_can_be_read_while_others_are_put_in),
        cmocka_unit_test(a_reply_goes_with_one_that_is_killed_while_it_waits),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(whatever_allocation_fails_the_work_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
