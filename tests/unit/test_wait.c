/* SPDX-License-Identifier: MIT */
/* test_wait.c - waiting for different things at once (src/actor/wait.c) */
#include "support/actor_test.h"

struct scene {
    struct notes notes;
    tr_addr to;
    int fds[2];
};

/* Answers "after" with nothing, "fail" with an error, each after so many milliseconds. */
static tr_err clerk(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err;
    int ms;
    while ((err = tr_recv(self, &m)) == TR_OK) {
        bool fails = tr_is(m, "fail", &ms);
        if (!fails && !tr_is(m, "after", &ms))
            continue;
        (void) tr_sleep(self, ms);
        if (fails)
            (void) tr_reply_error(self, m, TR_EUSER, "no");
        else
            (void) tr_reply(self, m);
    }
    return err;
}

static tr_wait_item reply_after(tr_self *self, const char *tag, int ms)
{
    tr_addr to;
    tr_wait_item item = { .kind = TR_WAIT_REPLY };
    if (tr_spawn(self, clerk, NULL, &to) == TR_OK && tr_ask_start(self, to, &item.pending, tag, ms) != TR_OK)
        item.kind = (tr_wait_kind) 0;
    return item;
}

/* "err done [d|f|-]... @time" */
static void note_wait(tr_self *self, struct scene *s, tr_wait_item *items, size_t n, tr_wait_mode mode,
                      int64_t timeout_ms)
{
    char marks[32] = "";
    size_t done = 99;
    tr_err err = tr_wait(self, items, n, mode, timeout_ms, &done);
    for (size_t i = 0; i < n && i < sizeof marks - 1; i++)
        marks[i] = items[i].failed ? 'f' : items[i].done ? 'd' : '-';
    note(&s->notes, "%s:%zu:%s@%ld", tr_err_name(err) + 3, done, marks, now_ms(self));
}

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static tr_err wait_and_collect(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_wait_item items[3] = { reply_after(self, "after", 30), reply_after(self, "fail", 10),
                              reply_after(self, "after", 20) };
    note_wait(self, s, items, 3, TR_WAIT_FIRST, 5);
    note_wait(self, s, items, 3, TR_WAIT_FIRST, TR_FOREVER);
    note_err(&s->notes, tr_await(self, items[1].pending, NULL));
    note(&s->notes, "@%ld", now_ms(self));
    note_wait(self, s, items, 3, TR_WAIT_FIRST, TR_FOREVER);
    items[1] = items[2];
    note_wait(self, s, items, 2, TR_WAIT_ALL, TR_FOREVER);
    note_err(&s->notes, tr_await(self, items[0].pending, NULL));
    note_err(&s->notes, tr_await(self, items[1].pending, NULL));
    note(&s->notes, "@%ld", now_ms(self));
    return TR_OK;
}

/* S4.23, S4.24; the third wait names an ask that was collected: TR_EINVAL, and nothing else is touched */
static void a_timeout_is_no_error_and_what_is_done_is_collected_without_waiting(void **state)
{
    (void) state;
    run_scene(wait_and_collect, "OK:0:---@5 OK:1:-f-@10 EUSER @10 EINVAL:99:---@10 OK:2:dd@30 OK OK @30");
}

static tr_err wait_in_modes(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_wait_item items[3] = { reply_after(self, "after", 10), reply_after(self, "fail", 20),
                              reply_after(self, "after", 30) };
    note_wait(self, s, items, 3, TR_WAIT_FIRST, TR_FOREVER);
    note_wait(self, s, items, 3, TR_WAIT_FAILED, TR_FOREVER);
    note_wait(self, s, items, 3, TR_WAIT_ALL, TR_FOREVER);
    note_wait(self, s, items, 1, TR_WAIT_FAILED, TR_FOREVER);
    return TR_OK;
}

static void each_mode_ends_when_it_says(void **state)
{
    (void) state;
    run_scene(wait_in_modes, "OK:1:d--@10 OK:2:df-@20 OK:3:dfd@30 OK:1:d@30");
}

static tr_err send_mail(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_sleep(self, 20);
    return err == TR_OK ? tr_send(self, s->to, "mail") : err;
}

static tr_err wait_for_mail(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    s->to = tr_self_addr(self);
    tr_err err = tr_spawn(self, send_mail, s, NULL);
    tr_wait_item items[2] = { { .kind = TR_WAIT_MAILBOX },
                              { .kind = TR_WAIT_TIME, .deadline = tr_now(self) + INT64_C(10000000) } };
    note_wait(self, s, items, 2, TR_WAIT_FIRST, TR_FOREVER);
    note_wait(self, s, items, 1, TR_WAIT_FIRST, TR_FOREVER);
    note_err(&s->notes, tr_recv_for(self, 0, &m));
    note(&s->notes, "%s", tr_tag(m));
    note_wait(self, s, items, 1, TR_WAIT_FIRST, 0);
    (void) tr_timer_after(self, 5, NULL, "tick");
    note_wait(self, s, items, 1, TR_WAIT_FIRST, TR_FOREVER);
    note_err(&s->notes, tr_recv_for(self, 0, &m));
    note(&s->notes, "%s", tr_tag(m));
    return err;
}

/* S4.24: looking takes nothing, ticks included */
static void mail_and_times_are_waited_for_together_and_mail_stays_in_the_box(void **state)
{
    (void) state;
    run_scene(wait_for_mail, "OK:1:-d@10 OK:1:d@20 OK mail OK:0:-@20 OK:1:d@25 OK tick");
}

static tr_err end_well(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 10);
}

static tr_err end_badly(tr_self *self, void *arg)
{
    (void) arg;
    (void) tr_sleep(self, 20);
    return TR_EUSER;
}

static tr_err wait_for_ends(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_wait_item items[2] = { { .kind = TR_WAIT_END }, { .kind = TR_WAIT_END } };
    tr_err err = tr_spawn(self, end_well, NULL, &items[0].actor);
    if (err == TR_OK)
        err = tr_spawn(self, end_badly, NULL, &items[1].actor);
    note_wait(self, s, items, 2, TR_WAIT_FIRST, TR_FOREVER);
    note_wait(self, s, items, 2, TR_WAIT_ALL, TR_FOREVER);
    note_err(&s->notes, tr_join(self, items[0].actor, NULL));
    note_err(&s->notes, tr_join(self, items[1].actor, NULL));
    note(&s->notes, "@%ld", now_ms(self));
    return err;
}

static void the_end_of_an_actor_is_waited_for_and_joined_without_waiting(void **state)
{
    (void) state;
    run_scene(wait_for_ends, "OK:1:d-@10 OK:2:df@20 OK EUSER @20");
}

static tr_err wait_for_fds(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_wait_item items[2] = { { .kind = TR_WAIT_FD, .fd = s->fds[0], .events = TR_READABLE },
                              { .kind = TR_WAIT_FD, .fd = s->fds[1], .events = TR_WRITABLE } };
    note_wait(self, s, items, 2, TR_WAIT_FIRST, TR_FOREVER);
    note_wait(self, s, items, 1, TR_WAIT_FIRST, 0);
    tr_err err = write(s->fds[1], "x", 1) == 1 ? TR_OK : TR_EIO;
    note_wait(self, s, items, 2, TR_WAIT_ALL, TR_FOREVER);
    note(&s->notes, "%u %u", items[0].revents, items[1].revents);
    return err;
}

static void descriptors_are_waited_for_with_the_rest(void **state)
{
    (void) state;
    struct scene s = { 0 };
    assert_int_equal(pipe(s.fds), 0);
    assert_int_equal(run_actor(wait_for_fds, &s), TR_OK);
    close(s.fds[0]);
    close(s.fds[1]);
    assert_string_equal(s.notes.text, "OK:1:-d@0 OK:0:-@0 OK:2:dd@0 1 2");
}

static tr_err wait_wrongly(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_wait_item items[2] = { { .kind = TR_WAIT_REPLY }, { 0 } };
    note_wait(self, s, items, 0, TR_WAIT_FIRST, 0);
    note_wait(self, s, items, 1, TR_WAIT_FIRST, 0);
    note_wait(self, s, items + 1, 1, TR_WAIT_FIRST, 0);
    return TR_OK;
}

static tr_err on_wait(tr_self *self, void *state, const tr_msg *m)
{
    tr_wait_item item = { .kind = TR_WAIT_MAILBOX };
    (void) state;
    return tr_reply(self, m, (int) tr_wait(self, &item, 1, TR_WAIT_FIRST, 0, NULL));
}

static const tr_handler rows[] = { { "wait", "", "err:int", on_wait, NULL, 0, NULL }, { 0 } };
static const tr_behaviour waiter = { .name = "waiter", .handlers = rows };

static tr_err wait_wrongly_in_both(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *r;
    int code = 0;
    tr_err err = wait_wrongly(self, arg);
    if (err == TR_OK)
        err = tr_spawn(self, &waiter, NULL, &s->to);
    if (err == TR_OK)
        err = tr_ask(self, s->to, &r, "wait");
    if (err == TR_OK)
        err = tr_args(r, &code);
    note_err(&s->notes, (tr_err) code);
    return err;
}

static void nothing_no_ask_no_kind_and_a_behaviours_mailbox_are_einval(void **state)
{
    (void) state;
    run_scene(wait_wrongly_in_both, "EINVAL:99:@0 EINVAL:99:-@0 EINVAL:99:-@0 EINVAL");
}

static tr_err wait_long(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_wait_item items[2] = { reply_after(self, "after", 100), { .kind = TR_WAIT_MAILBOX } };
    note_wait(self, s, items, 2, TR_WAIT_ALL, TR_FOREVER);
    note_wait(self, s, items, 2, TR_WAIT_ALL, TR_FOREVER);
    return TR_OK;
}

static tr_err cut_waits_short(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr who;
    note_err(&s->notes, tr_within(self, 10, wait_long, s));
    tr_err err = tr_spawn(self, wait_long, s, &who);
    (void) tr_sleep(self, 10);
    if (err == TR_OK)
        err = tr_kill(self, who, "test");
    note_err(&s->notes, tr_join(self, who, NULL));
    return err;
}

/* S3.10, S5.1, S5.2, S5.20: the ask had the deadline of the scope, which tells of it; killed while it waits, it leaves
 * nothing */
static void a_wait_ends_with_its_scope_or_its_actor(void **state)
{
    (void) state;
    run_scene(cut_waits_short, "ECANCELED:99:--@10 ECANCELED:99:--@10 OK EKILLED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timeout_is_no_error_and_what_is_done_is_collected_without_waiting),
        cmocka_unit_test(each_mode_ends_when_it_says),
        cmocka_unit_test(mail_and_times_are_waited_for_together_and_mail_stays_in_the_box),
        cmocka_unit_test(the_end_of_an_actor_is_waited_for_and_joined_without_waiting),
        cmocka_unit_test(descriptors_are_waited_for_with_the_rest),
        cmocka_unit_test(nothing_no_ask_no_kind_and_a_behaviours_mailbox_are_einval),
        cmocka_unit_test(a_wait_ends_with_its_scope_or_its_actor),
    };
    return run_actor_tests(tests);
}
