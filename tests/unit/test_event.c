/* SPDX-License-Identifier: MIT */
/* test_event.c - something that has happened or not (src/share/event.c; docs/semantics.md, S44) */
#include "support/actor_test.h"

struct scene {
    struct notes notes;
    tr_addr event, other[3];
    int next;
};

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        (void) state;                                    \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static tr_err waiter(tr_self *self, void *arg)
{
    struct scene *s = arg;
    int me = s->next++;
    tr_err err = tr_event_wait(self, s->event);
    note(&s->notes, "%d:%s@%ld", me, tr_err_name(err) + 3, now_ms(self));
    return TR_OK;
}

static tr_err set_it(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_event_create(self, NULL, &s->event);
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_spawn(self, waiter, s, &s->other[i]);
    (void) tr_sleep(self, 5);
    tr_cancel(self, s->other[1], NULL);
    (void) tr_sleep(self, 5);
    note_err(&s->notes, tr_event_set(self, s->event));
    note_err(&s->notes, tr_event_set(self, s->event));
    (void) tr_sleep(self, 5);
    note_err(&s->notes, tr_event_wait_for(self, s->event, 0));
    note_err(&s->notes, tr_event_clear(self, s->event));
    note_err(&s->notes, tr_event_wait_for(self, s->event, 0));
    note_err(&s->notes, tr_event_wait_for(self, s->event, 5));
    note(&s->notes, "@%ld", now_ms(self));
    return err;
}

/* S44.1, S44.2 */
static void everyone_goes_on_when_it_is_set_and_later_ones_at_once_until_it_is_cleared(void **state)
{
    run_scene(set_it, "1:ECANCELED@5 OK OK 0:OK@10 2:OK@10 OK OK ETIMEDOUT ETIMEDOUT @20");
}

static tr_err end_it(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_share_opts named = { .size = sizeof named, .name = "flag", .flags = TR_SPAWN_DETACHED };
    tr_addr found;
    tr_err err = tr_event_create(self, &named, &s->event);
    if (err == TR_OK)
        err = tr_whereis(self, "flag", &found);
    note(&s->notes, "%d", err == TR_OK && tr_addr_eq(found, s->event));
    if (err == TR_OK)
        err = tr_spawn(self, waiter, s, &s->other[0]);
    (void) tr_sleep(self, 1);
    note_err(&s->notes, tr_event_set(self, s->other[0]));
    tr_cancel(self, s->event, NULL);
    (void) tr_sleep(self, 1);
    note_err(&s->notes, tr_event_set(self, s->event));
    note_err(&s->notes, tr_event_wait(self, s->event));
    return err;
}

/* S46.4 */
static void its_end_is_told(void **state)
{
    run_scene(end_it, "1 EINVAL 0:EDOWN@1 ENOPROC ENOPROC");
}

static tr_err waits_beside_others(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending pending = { 0 };
    tr_wait_item items[2] = { { .kind = TR_WAIT_REPLY }, { .kind = TR_WAIT_TIME } };
    tr_err err = tr_event_create(self, NULL, &s->event);
    if (err == TR_OK)
        err = tr_event_wait_start(self, s->event, &pending);
    for (int i = 0; i < 2 && err == TR_OK; i++) {
        items[0].pending = pending;
        items[1].deadline = tr_now(self) + INT64_C(5000000);
        err = tr_wait(self, items, 2, TR_WAIT_FIRST, TR_FOREVER, NULL);
        note(&s->notes, "%d%d@%ld", items[0].done, items[1].done, now_ms(self));
        (void) !tr_event_set(self, s->event);
    }
    note_err(&s->notes, tr_await(self, pending, NULL));
    note_err(&s->notes, tr_event_wait_start(self, tr_self_addr(self), &pending));
    return err;
}

/* S44.3 */
static void a_wait_that_was_started_is_waited_for_beside_others(void **state)
{
    run_scene(waits_beside_others, "01@5 10@5 OK EINVAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyone_goes_on_when_it_is_set_and_later_ones_at_once_until_it_is_cleared),
        cmocka_unit_test(its_end_is_told),
        cmocka_unit_test(a_wait_that_was_started_is_waited_for_beside_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
