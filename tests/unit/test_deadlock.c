/* SPDX-License-Identifier: MIT */
/* test_deadlock.c - a wait that would close a cycle is an error, told at once (src/actor/deadlock.c) */
#include "support/actor_test.h"

struct scene {
    struct notes notes;
    tr_addr a, b, c;
    char words[512];
};

/* Receives "ask <whom>", asks that one "ask <next>" for as long as it is told, notes how it went, and answers. */
static tr_err relay(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err;
    tr_addr to, next;
    while ((err = tr_recv(self, &m)) == TR_OK) {
        tr_err got = TR_OK;
        if (tr_is(m, "ask", &to, &next))
            got = tr_ask(self, to, NULL, "ask", next);
        else if (tr_is(m, "ask", &to))
            got = tr_ask(self, to, NULL, "ping");
        if (got == TR_EDEADLK && s->words[0] == '\0')
            snprintf(s->words, sizeof s->words, "%s", tr_error(self)->text);
        if (!tr_is(m, "ping"))
            note(&s->notes, "%s@%ld", tr_err_name(got) + 3, now_ms(self));
        if (tr_is_request(m))
            (void) tr_reply(self, m);
    }
    return err;
}

static tr_err named(tr_self *self, struct scene *s, tr_body_fn *body, const char *name, tr_addr *to)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .body = body, .arg = s, .name = name };
    return tr_spawn_with(self, &opts, to);
}

static tr_err relays(tr_self *self, struct scene *s)
{
    tr_err err = named(self, s, relay, "ann", &s->a);
    if (err == TR_OK)
        err = named(self, s, relay, "bob", &s->b);
    if (err == TR_OK)
        err = named(self, s, relay, "cy", &s->c);
    return err;
}

#define run_scene(s, body, expected)                      \
    do {                                                  \
        assert_int_equal(run_actor((body), (s)), TR_OK);  \
        assert_string_equal((s)->notes.text, (expected)); \
    } while (0)

static tr_err ask_oneself(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr me = tr_self_addr(self);
    tr_pending p;
    tr_outcome out;
    size_t i;
    note_err(&s->notes, tr_ask(self, me, NULL, "ping"));
    note_err(&s->notes, tr_ask_start(self, me, &p, "ping"));
    note_err(&s->notes, tr_await(self, p, NULL));
    note_err(&s->notes, tr_ask_start(self, me, &p, "ping"));
    note_err(&s->notes, tr_gather(self, &p, 1, TR_COLLECT, &out));
    note_err(&s->notes, tr_ask_start(self, me, &p, "ping"));
    note_err(&s->notes, tr_next(self, &p, 1, &i, NULL));
    note_err(&s->notes, tr_join(self, me, NULL));
    note_err(&s->notes, tr_cancel_wait(self, me, "test", 100));
    note(&s->notes, "@%ld", now_ms(self));
    return TR_OK;
}

/* S10.3, S10.4 */
static void waiting_for_oneself_in_whatever_way_is_edeadlk_at_once(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, ask_oneself, "EDEADLK OK EDEADLK OK EDEADLK OK EDEADLK EDEADLK EDEADLK @0");
}

static tr_err cycle_of_two(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = relays(self, s);
    note_err(&s->notes, tr_ask(self, s->a, NULL, "ask", s->b, s->a));
    return err;
}

/* S10.2: who would close the cycle is told; the other one gets its answer */
static void a_cycle_of_two_is_told_by_name_to_the_one_that_would_close_it(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, cycle_of_two, "EDEADLK@0 OK@0 OK");
    assert_non_null(strstr(s.words, "deadlock: bob <"));
    assert_non_null(strstr(s.words, "waits for ann <"));
    assert_non_null(strstr(strstr(s.words, "waits for ann <"), "waits for bob <"));
}

static tr_err pass_on(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_ask(self, s->c, NULL, "ask", s->a);
    if (tr_is_request(m))
        (void) tr_reply(self, m);
    return err;
}

static tr_err cycle_of_three(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = named(self, s, relay, "ann", &s->a);
    if (err == TR_OK)
        err = named(self, s, pass_on, "bob", &s->b);
    if (err == TR_OK)
        err = named(self, s, relay, "cy", &s->c);
    note_err(&s->notes, tr_ask(self, s->a, NULL, "ask", s->b));
    return err;
}

/* S10.2 */
static void a_cycle_of_three_is_told_with_the_whole_chain(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, cycle_of_three, "EDEADLK@0 OK@0 OK");
    const char *at = strstr(s.words, "deadlock: cy <");
    assert_non_null(at);
    at = strstr(at, "waits for ann <");
    assert_non_null(at);
    at = strstr(at, "waits for bob <");
    assert_non_null(at);
    assert_non_null(strstr(at, "waits for cy <"));
}

static tr_err cross_plain(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = relays(self, s);
    (void) tr_send(self, s->a, "ask", s->b);
    (void) tr_send(self, s->b, "ask", s->a);
    return err == TR_OK ? tr_sleep(self, 60000) : err;
}

/* S10.2: neither handles a request of the other, and both have the default deadline */
static void two_that_ask_each_other_at_once_are_told(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, cross_plain, "EDEADLK@0 OK@0");
}

static tr_err cross_later(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    int ms;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK && tr_is(m, "after", &ms))
        err = tr_sleep(self, ms);
    if (err == TR_OK)
        note_err(&s->notes, tr_ask(self, s->a, NULL, "ping"));
    note(&s->notes, "@%ld", now_ms(self));
    if (tr_recv(self, &m) == TR_OK)
        (void) tr_reply(self, m);
    return err;
}

static tr_err cross_at_different_times(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = relays(self, s);
    if (err == TR_OK)
        err = tr_spawn(self, cross_later, s, &s->b);
    (void) tr_send(self, s->b, "after", 5000);
    (void) tr_send(self, s->a, "ask", s->b);
    return err == TR_OK ? tr_sleep(self, 60000) : err;
}

/* S10.2: the 30 s of S3.2 are a last resort, no deadline that somebody chose */
static void a_default_deadline_is_no_reason_to_wait_for_it(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, cross_at_different_times, "EDEADLK @5000 OK@5000");
}

static tr_err ask_for_50(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    note_err(&s->notes, tr_ask_for(self, s->b, 50, NULL, "ping"));
    note(&s->notes, "@%ld", now_ms(self));
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK && tr_is_request(m))
        (void) tr_reply(self, m);
    return err;
}

static tr_err cross_with_a_deadline(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, cross_later, s, &s->b);
    (void) tr_send(self, s->b, "after", 10);
    if (err == TR_OK)
        err = tr_spawn(self, ask_for_50, s, &s->a);
    return err == TR_OK ? tr_sleep(self, 200) : err;
}

/* S10.2 */
static void a_cycle_of_which_another_wait_ends_earlier_is_not_told(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, cross_with_a_deadline, "ETIMEDOUT @50 OK @50");
}

static tr_err hand_to_c(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err;
    while ((err = tr_recv(self, &m)) == TR_OK)
        note_err(&s->notes, tr_forward(self, m, s->c));
    return err;
}

static tr_err ask_back(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        note_err(&s->notes, tr_ask(self, s->a, NULL, "ping"));
    return err == TR_OK ? tr_reply(self, m) : err;
}

static tr_err cycle_by_handing_on(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = named(self, s, relay, "ann", &s->a);
    if (err == TR_OK)
        err = named(self, s, hand_to_c, "bob", &s->b);
    if (err == TR_OK)
        err = named(self, s, ask_back, "cy", &s->c);
    note_err(&s->notes, tr_ask(self, s->a, NULL, "ask", s->b));
    note(&s->notes, "@%ld", now_ms(self));
    return err;
}

/* S10.5 */
static void a_request_handed_on_is_an_edge_to_who_has_it_now(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, cycle_by_handing_on, "OK EDEADLK OK@0 OK @0");
}

static tr_err gather_both(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending p[2];
    tr_outcome out[2];
    tr_err err = tr_ask_start(self, s->c, &p[0], "ping");
    if (err == TR_OK)
        err = tr_ask_start(self, s->b, &p[1], "ask", tr_self_addr(self));
    note_err(&s->notes, tr_gather(self, p, 2, TR_COLLECT, out));
    note(&s->notes, "%s:%s@%ld", tr_err_name(out[0].err) + 3, tr_err_name(out[1].err) + 3, now_ms(self));
    return err;
}

static tr_err cycle_by_gather(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = relays(self, s);
    if (err == TR_OK)
        err = tr_spawn(self, gather_both, s, &s->a);
    return err == TR_OK ? tr_sleep(self, 60000) : err;
}

/* S10.7 */
static void a_gather_waits_for_each_of_its_callees(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, cycle_by_gather, "EDEADLK@0 OK OK:OK@0");
}

static tr_err wait_for_one_of_two(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending p[2];
    size_t i = 99;
    tr_err err = tr_ask_start(self, s->c, &p[0], "ping");
    if (err == TR_OK)
        err = tr_ask_start(self, s->b, &p[1], "ask", tr_self_addr(self));
    note_err(&s->notes, tr_next(self, p, 2, &i, NULL));
    note(&s->notes, "%zu@%ld", i, now_ms(self));
    const tr_msg *m;
    if (tr_recv(self, &m) == TR_OK)
        (void) tr_reply(self, m);
    note_err(&s->notes, tr_next(self, p, 2, &i, NULL));
    return err;
}

static tr_err slow_reply(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_sleep(self, 20);
    return err == TR_OK ? tr_reply(self, m) : err;
}

static tr_err no_cycle_by_next(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = relays(self, s);
    if (err == TR_OK)
        err = tr_spawn(self, slow_reply, NULL, &s->c);
    if (err == TR_OK)
        err = tr_spawn(self, wait_for_one_of_two, s, &s->a);
    return err == TR_OK ? tr_sleep(self, 60000) : err;
}

/* S10.7 */
static void a_wait_for_the_first_is_no_cycle_while_one_of_them_is_outside(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, no_cycle_by_next, "OK 0@20 OK@20 OK");
}

static tr_err wait_for_mail_or_reply(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_wait_item items[2] = { { .kind = TR_WAIT_MAILBOX }, { .kind = TR_WAIT_REPLY } };
    tr_err err = tr_ask_start(self, s->b, &items[1].pending, "ask", tr_self_addr(self));
    note_err(&s->notes, tr_wait(self, items, 2, TR_WAIT_FIRST, TR_FOREVER, NULL));
    if (items[0].done && tr_recv(self, &m) == TR_OK)
        note_err(&s->notes, tr_reply(self, m));
    note_err(&s->notes, tr_await(self, items[1].pending, NULL));
    return err;
}

static tr_err no_cycle_by_wait(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = relays(self, s);
    if (err == TR_OK)
        err = tr_spawn(self, wait_for_mail_or_reply, s, &s->a);
    return err == TR_OK ? tr_sleep(self, 60000) : err;
}

/* S10.7: who waits for its mailbox as well can still answer */
static void a_wait_that_takes_mail_too_is_part_of_no_cycle(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, no_cycle_by_wait, "OK OK OK@0 OK");
}

static tr_err ask_the_owner(tr_self *self, void *arg)
{
    struct scene *s = arg;
    note_err(&s->notes, tr_ask(self, s->a, NULL, "ping"));
    note(&s->notes, "@%ld", now_ms(self));
    return TR_OK;
}

static tr_err join_who_asks(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr child;
    s->a = tr_self_addr(self);
    tr_err err = tr_spawn(self, ask_the_owner, s, &child);
    if (err == TR_OK)
        note_err(&s->notes, tr_join(self, child, NULL));
    return err;
}

/* S10.1 */
static void asking_who_joins_one_is_a_cycle(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, join_who_asks, "EDEADLK @0 OK");
}

static tr_err scope_with_a_child(tr_self *self, tr_scope *scope, void *arg)
{
    return tr_spawn_in(self, scope, ask_the_owner, arg, NULL);
}

static tr_err close_a_scope(tr_self *self, void *arg)
{
    struct scene *s = arg;
    s->a = tr_self_addr(self);
    note_err(&s->notes, tr_scope_run(self, NULL, scope_with_a_child, s));
    return TR_OK;
}

/* S10.1 */
static void asking_who_waits_for_ones_scope_is_a_cycle(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, close_a_scope, "EDEADLK @0 OK");
}

static tr_err join_a_child_then_asked(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err = tr_sleep(self, 10);
    if (err == TR_OK)
        note_err(&s->notes, tr_join(self, s->b, NULL));
    err = tr_recv(self, &m);
    return err == TR_OK ? tr_reply(self, m) : err;
}

static tr_err child_of_none(tr_self *self, void *arg)
{
    struct scene *s = arg;
    return tr_ask(self, s->a, NULL, "ping");
}

static tr_err join_closes_the_cycle(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, join_a_child_then_asked, s, &s->a);
    if (err == TR_OK)
        err = tr_spawn(self, child_of_none, s, &s->b);
    return err == TR_OK ? tr_join(self, s->a, NULL) : err;
}

/* S10.1 */
static void joining_who_asks_one_is_a_cycle(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, join_closes_the_cycle, "EDEADLK");
}

static tr_err send_two(tr_self *self, struct scene *s, tr_addr to)
{
    tr_err err = TR_OK;
    const tr_msg *m;
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = tr_send(self, to, "hello");
    note_err(&s->notes, err);
    while (tr_recv_for(self, 100, &m) == TR_OK)
        ;
    return TR_OK;
}

static tr_err send_to_b(tr_self *self, void *arg)
{
    struct scene *s = arg;
    return send_two(self, s, s->b);
}

static tr_err send_to_a(tr_self *self, void *arg)
{
    struct scene *s = arg;
    return send_two(self, s, s->a);
}

static tr_err fill_each_other(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_spawn_opts opts = { .size = sizeof opts, .body = send_to_b, .arg = s, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &opts, &s->a);
    opts.body = send_to_a;
    if (err == TR_OK)
        err = tr_spawn_with(self, &opts, &s->b);
    return err == TR_OK ? tr_sleep(self, 1000) : err;
}

/* S10.1 */
static void two_that_wait_for_room_in_each_others_mailbox_are_a_cycle(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, fill_each_other, "EDEADLK OK");
}

static tr_err fill_oneself(tr_self *self, void *arg)
{
    struct scene *s = arg;
    return send_two(self, s, tr_self_addr(self));
}

static tr_err run_fill_oneself(tr_self *self, void *arg)
{
    tr_addr who;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = fill_oneself, .arg = arg, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &opts, &who);
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

static void waiting_for_room_in_ones_own_mailbox_is_a_cycle(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, run_fill_oneself, "EDEADLK");
}

/* ---- behaviours ---- */

static tr_err on_self(tr_self *self, void *state, const tr_msg *m)
{
    struct scene *s = *(struct scene **) state;
    note_err(&s->notes, tr_ask(self, tr_self_addr(self), NULL, "ping"));
    return tr_reply(self, m);
}

static tr_err on_ask(tr_self *self, void *state, const tr_msg *m)
{
    struct scene *s = *(struct scene **) state;
    note_err(&s->notes, tr_ask(self, s->b, NULL, "ask", tr_self_addr(self)));
    return tr_reply(self, m);
}

static tr_err on_ping(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_reply(self, m);
}

static tr_err on_keep(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_keep(self, m) != NULL ? TR_OK : TR_EFAILED;
}

static tr_err point_at(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(void **) state = arg;
    return TR_OK;
}

static const tr_handler rows[] = {
    { "self", "", "", on_self, NULL, 0, NULL },
    { "self openly", "", "", on_self, NULL, TR_REENTRANT, NULL },
    { "ask", "", "", on_ask, NULL, 0, NULL },
    { "ask openly", "", "", on_ask, NULL, TR_REENTRANT, NULL },
    { "ping", "", "", on_ping, NULL, 0, NULL },
    { "keep", "", "", on_keep, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour asker = { .name = "asker", .state_size = sizeof(void *), .handlers = rows, .init = point_at };

static tr_err reentrant_or_not(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = relays(self, s);
    if (err == TR_OK)
        err = tr_spawn(self, &asker, s, &s->a);
    note_err(&s->notes, tr_ask(self, s->a, NULL, "self"));
    note_err(&s->notes, tr_ask(self, s->a, NULL, "self openly"));
    note_err(&s->notes, tr_ask(self, s->a, NULL, "ask"));
    note_err(&s->notes, tr_ask(self, s->a, NULL, "ask openly"));
    note(&s->notes, "@%ld", now_ms(self));
    return err;
}

/* S10.3, S10.8 */
static void a_handler_that_is_reentrant_is_part_of_no_cycle(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, reentrant_or_not, "EDEADLK OK OK OK EDEADLK@0 OK OK OK@0 OK OK @0");
}

static tr_err keeper_is_asked_by_others(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending kept = { 0 };
    tr_err err = tr_spawn(self, &asker, s, &s->a);
    if (err == TR_OK)
        err = tr_ask_start_for(self, s->a, 100, &kept, "keep");
    note_err(&s->notes, tr_ask(self, s->a, NULL, "ping"));
    note_err(&s->notes, tr_await(self, kept, NULL));
    note(&s->notes, "@%ld", now_ms(self));
    return err;
}

/* S10.6 */
static void one_that_keeps_a_request_and_is_idle_is_no_deadlock(void **state)
{
    (void) state;
    struct scene s = { 0 };
    run_scene(&s, keeper_is_asked_by_others, "OK ETIMEDOUT @100");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_oneself_in_whatever_way_is_edeadlk_at_once),
        cmocka_unit_test(a_cycle_of_two_is_told_by_name_to_the_one_that_would_close_it),
        cmocka_unit_test(a_cycle_of_three_is_told_with_the_whole_chain),
        cmocka_unit_test(two_that_ask_each_other_at_once_are_told),
        cmocka_unit_test(a_default_deadline_is_no_reason_to_wait_for_it),
        cmocka_unit_test(a_cycle_of_which_another_wait_ends_earlier_is_not_told),
        cmocka_unit_test(a_request_handed_on_is_an_edge_to_who_has_it_now),
        cmocka_unit_test(a_gather_waits_for_each_of_its_callees),
        cmocka_unit_test(a_wait_for_the_first_is_no_cycle_while_one_of_them_is_outside),
        cmocka_unit_test(a_wait_that_takes_mail_too_is_part_of_no_cycle),
        cmocka_unit_test(asking_who_joins_one_is_a_cycle),
        cmocka_unit_test(asking_who_waits_for_ones_scope_is_a_cycle),
        cmocka_unit_test(joining_who_asks_one_is_a_cycle),
        cmocka_unit_test(two_that_wait_for_room_in_each_others_mailbox_are_a_cycle),
        cmocka_unit_test(waiting_for_room_in_ones_own_mailbox_is_a_cycle),
        cmocka_unit_test(a_handler_that_is_reentrant_is_part_of_no_cycle),
        cmocka_unit_test(one_that_keeps_a_request_and_is_idle_is_no_deadlock),
    };
    return run_actor_tests(tests);
}
