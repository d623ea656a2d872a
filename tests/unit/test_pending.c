/* SPDX-License-Identifier: MIT */
/* test_pending.c - asks under way: collected, given up, called back, left behind (src/actor/ask.c, note.c) */
#include "support/servant.h"

/* ---- started asks ---- */

static tr_err await_twice(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_pending none = { 0 };
    hire(self, s);
    note_err(&s->notes, tr_ask_start(self, s->servant, &s->pending, "echo", 1));
    note_err(&s->notes, tr_await(self, s->pending, NULL));
    note_err(&s->notes, tr_await(self, s->pending, NULL));
    note_err(&s->notes, tr_await(self, none, NULL));
    return TR_OK;
}

/* S4.25 */
static void awaiting_what_was_collected_is_estate(void **state)
{
    (void) state;
    run_scene(await_twice, "> OK OK ESTATE ESTATE");
}

static tr_err await_anothers(tr_self *self, void *arg)
{
    struct scene *s = arg;
    note_err(&s->notes, tr_await(self, s->pending, NULL));
    tr_ask_cancel(self, s->pending);
    return TR_OK;
}

static tr_err lend_pending(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr thief;
    hire(self, s);
    tr_err err = tr_ask_start(self, s->servant, &s->pending, "sleep", 10);
    if (err == TR_OK)
        err = tr_spawn(self, await_anothers, s, &thief);
    if (err == TR_OK)
        err = tr_join(self, thief, NULL);
    note_err(&s->notes, tr_await(self, s->pending, NULL));
    return err;
}

static void anothers_pending_can_be_neither_awaited_nor_cancelled(void **state)
{
    (void) state;
    run_scene(lend_pending, "> ESTATE wanted:OK@10 OK");
}

static tr_err cancel_asks(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending in_hand = { 0 }, queued = { 0 };
    hire(self, s);
    tr_err err = tr_ask_start(self, s->servant, &in_hand, "sleep", 50);
    if (err == TR_OK)
        err = tr_ask_start(self, s->servant, &queued, "twice");
    (void) tr_sleep(self, 10);
    tr_ask_cancel(self, queued);
    tr_ask_cancel(self, in_hand);
    note(&s->notes, "@%ld", now_ms(self));
    note_err(&s->notes, tr_await(self, in_hand, NULL));
    (void) tr_sleep(self, 100);
    note(&s->notes, "canceled:%u late:%u", dead_letters(self, TR_DEAD_CANCELED), dead_letters(self, TR_DEAD_LATE));
    return err;
}

/* S5.18, S5.14, S5.15; without TR_CANCELS the sleep is not cut short (S5.16) */
static void cancelling_an_ask_does_not_wait_drops_the_queued_and_marks_the_handled(void **state)
{
    (void) state;
    run_scene(cancel_asks, "> @10 ESTATE dead:OK@50 canceled:1 late:1");
}

static tr_err cancel_a_light_sleeper(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    note_err(&s->notes, tr_ask_for(self, s->servant, 10, NULL, "sleep lightly", 50));
    note_ask(self, s, s->servant, "sleep lightly", 50);
    return TR_OK;
}

/* S5.16: and the next request of that row is not touched by it */
static void a_row_that_cancels_is_woken_when_its_asker_gives_up(void **state)
{
    (void) state;
    run_scene(cancel_a_light_sleeper, "> ETIMEDOUT dead:ECANCELED@10 wanted:OK@60 OK@60");
}

static tr_err on_kill_asker(tr_self *self, void *state, const tr_msg *m)
{
    struct scene *s = *(struct scene **) state;
    (void) tr_kill(self, tr_sender(m), "test");
    note(&s->notes, tr_is_dead(m) ? "dead" : "wanted");
    note_err(&s->notes, tr_sleep(self, 100));
    return TR_OK;
}

static tr_err point_at(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(void **) state = arg;
    return TR_OK;
}

static const tr_handler killer_rows[] = { { "kill me", "", NULL, on_kill_asker, NULL, TR_CANCELS, NULL }, { 0 } };
static const tr_behaviour killer = {
    .name = "killer", .state_size = sizeof(void *), .handlers = killer_rows, .init = point_at
};

static tr_err wish_to_die(tr_self *self, void *arg)
{
    struct scene *s = arg;
    return tr_ask(self, s->other, NULL, "kill me");
}

static tr_err ask_the_killer(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr victim;
    tr_err err = tr_spawn(self, &killer, s, &s->other);
    if (err == TR_OK)
        err = tr_spawn(self, wish_to_die, s, &victim);
    if (err == TR_OK)
        note_err(&s->notes, tr_join(self, victim, NULL));
    return err == TR_OK ? tr_sleep(self, 200) : err;
}

/* S5.16: the state counts, not the moment; the asker ends while the handler runs */
static void a_row_that_cancels_also_sees_an_asker_that_it_ended_itself(void **state)
{
    (void) state;
    run_scene(ask_the_killer, "dead ECANCELED EKILLED");
}

static tr_err give_up_on_a_kept_one(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    note_err(&s->notes, tr_ask_for(self, s->servant, 10, NULL, "keep closely"));
    note_ask(self, s, s->servant, "echo", 1);
    return TR_OK;
}

/* S5.17 */
static void on_cancel_is_called_when_the_asker_of_a_kept_request_gives_up(void **state)
{
    (void) state;
    run_scene(give_up_on_a_kept_one, "> ETIMEDOUT gone:keep closely:1 OK@10");
}

static tr_err on_gone_slowly(tr_self *self, void *state, const tr_msg *m)
{
    struct servant *s = state;
    (void) m;
    note_err(&s->scene->notes, tr_sleep(self, 20));
    tr_drop(self, &s->kept);
    return TR_OK;
}

static const tr_handler slow_rows[] = {
    { "keep", "", "s:str", on_keep, NULL, 0, on_gone_slowly },
    { "echo", "x:any", "x:any", on_echo, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour slow = {
    .name = "slow", .state_size = sizeof(struct servant), .handlers = slow_rows, .init = servant_init
};

static tr_err give_up_on_a_slow_one(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, &slow, s, &s->other);
    note_err(&s->notes, tr_ask_for(self, s->other, 10, NULL, "keep"));
    (void) tr_sleep(self, 50);
    note_ask(self, s, s->other, "echo", 1);
    return err;
}

static void on_cancel_may_wait_and_the_actor_goes_on(void **state)
{
    (void) state;
    run_scene(give_up_on_a_slow_one, "ETIMEDOUT OK OK@60");
}

static tr_err leave_one_open(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_ask_start(self, s->servant, &s->pending, "sleep", 50);
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

static tr_err on_leave_open(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    return leave_one_open(self, *(struct scene **) state);
}

static const tr_handler leaver_rows[] = { { "leave", "", NULL, on_leave_open, NULL, 0, NULL }, { 0 } };
static const tr_behaviour leaver = {
    .name = "leaver", .state_size = sizeof(void *), .handlers = leaver_rows, .init = point_at
};

static tr_err leave_asks_open(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    tr_err err = tr_spawn(self, leave_one_open, s, NULL);
    (void) tr_sleep(self, 100);
    if (err == TR_OK)
        err = tr_spawn(self, &leaver, s, &s->other);
    if (err == TR_OK)
        err = tr_send(self, s->other, "leave");
    return err == TR_OK ? tr_sleep(self, 100) : err;
}

/* S4.28: of a body and of a handler call whose actor lives on */
static void an_ask_that_nobody_collected_ends_with_its_body_or_handler_call(void **state)
{
    (void) state;
    run_scene(leave_asks_open, "> dead:OK@50 dead:OK@150");
}

/* ---- tr_ask_then ---- */

static tr_err then_note(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    struct scene *s = ctx;
    int n = -1;
    if (err == TR_OK)
        (void) tr_args(reply, &n);
    note(&s->notes, "then:%s:%d:%d@%ld", tr_err_name(err) + 3, n, state != NULL, now_ms(self));
    return TR_OK;
}

static tr_err then_in_a_body(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    hire(self, s);
    note_err(&s->notes, tr_ask_then(self, s->servant, then_note, s, "echo", 5));
    note_err(&s->notes, tr_ask_then(self, s->servant, then_note, s, "refuse"));
    note_err(&s->notes, tr_ask_then(self, TR_ADDR_NIL, then_note, s, "echo", 6));
    note_err(&s->notes, tr_recv_for(self, 100, &m));
    note_err(&s->notes, tr_recv_for(self, 100, &m));
    return TR_OK;
}

/* S4.26 */
static void then_is_called_once_whatever_happens_and_not_for_an_ask_that_was_never_made(void **state)
{
    (void) state;
    run_scene(then_in_a_body, "> OK OK EINVAL then:OK:5:0@0 then:EUSER+1:-1:0@0 ETIMEDOUT ETIMEDOUT");
}

static tr_err on_then(tr_self *self, void *state, const tr_msg *m)
{
    struct scene *s = *(struct scene **) state;
    int ms;
    tr_args(m, &ms);
    return tr_ask_then(self, s->servant, then_note, s, "sleep openly", ms);
}

static tr_err on_ping(tr_self *self, void *state, const tr_msg *m)
{
    note(&(*(struct scene **) state)->notes, "ping@%ld", now_ms(self));
    return tr_reply(self, m);
}

static const tr_handler thinker_rows[] = {
    { "then", "ms:int", NULL, on_then, NULL, 0, NULL },
    { "ping", "", "", on_ping, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour thinker = {
    .name = "thinker", .state_size = sizeof(void *), .handlers = thinker_rows, .init = point_at
};

static tr_err then_in_a_behaviour(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    tr_err err = tr_spawn(self, &thinker, s, &s->other);
    (void) tr_send(self, s->other, "then", 50);
    (void) tr_send(self, s->other, "then", 60);
    (void) tr_sleep(self, 10);
    note_ask(self, s, s->other, "ping");
    (void) tr_sleep(self, 100);
    (void) tr_send(self, s->other, "then", 50);
    (void) tr_sleep(self, 10);
    note_err(&s->notes, tr_cancel_wait(self, s->other, "enough", 10));
    (void) tr_sleep(self, 100);
    return err;
}

/* S4.26: messages are handled meanwhile; the end of the actor ends it */
static void then_comes_as_a_call_of_its_own_unless_the_actor_ends_first(void **state)
{
    (void) state;
    run_scene(then_in_a_behaviour, "> ping@10 OK@10 wanted:OK@50 then:OK:50:1@50 wanted:OK@60 then:OK:60:1@60 OK "
                                   "dead:OK@160");
}

/* ---- one at a time, or not ---- */

static tr_err send_behind_a_sleeper(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    (void) tr_send(self, s->servant, "sleep", 50);
    note_ask(self, s, s->servant, "echo", 1);
    (void) tr_send(self, s->servant, "sleep openly", 50);
    note_ask(self, s, s->servant, "echo", 1);
    return tr_sleep(self, 100);
}

/* S4.27 */
static void a_handler_that_waits_holds_back_the_next_message_unless_it_is_reentrant(void **state)
{
    (void) state;
    run_scene(send_behind_a_sleeper, "> wanted:OK@50 OK@50 OK@50 wanted:OK@100");
}

/* ---- the asker vanishes ---- */

static tr_err await_one(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_ask_start(self, s->servant, &s->pending, "sleep", 50);
    return err == TR_OK ? tr_await(self, s->pending, NULL) : err;
}

static tr_err kill_an_asker(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr asker = TR_ADDR_NIL;
    hire(self, s);
    tr_err err = tr_spawn(self, await_one, s, &asker);
    (void) tr_sleep(self, 10);
    if (err == TR_OK)
        err = tr_kill(self, asker, "test");
    note_err(&s->notes, tr_join(self, asker, NULL));
    return err == TR_OK ? tr_sleep(self, 100) : err;
}

/* S5.15, S5.20 */
static void an_asker_killed_while_it_awaits_leaves_a_dead_request(void **state)
{
    (void) state;
    run_scene(kill_an_asker, "> EKILLED dead:OK@50");
}

static tr_err ask_plainly(tr_self *self, void *arg)
{
    struct scene *s = arg;
    return tr_ask(self, s->other, NULL, "hello");
}

static tr_err let_in_and_killed(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_addr asker = TR_ADDR_NIL;
    s->other = tr_self_addr(self);
    tr_err err = tr_send(self, s->other, "fill");
    if (err == TR_OK)
        err = tr_spawn(self, ask_plainly, s, &asker);
    (void) tr_sleep(self, 10);
    note_err(&s->notes, tr_recv(self, &m)); /* makes room: the request is let in, and its sender has not run yet */
    (void) tr_kill(self, asker, "test");
    note_err(&s->notes, tr_join(self, asker, NULL));
    note_err(&s->notes, tr_recv_for(self, 0, &m));
    return err;
}

static tr_err run_let_in(tr_self *self, void *arg)
{
    tr_addr who;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = let_in_and_killed, .arg = arg, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &opts, &who);
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

/* S5.14: what is left over would be a pending ask */
static void an_asker_killed_when_its_request_has_just_been_let_in_leaves_nothing(void **state)
{
    (void) state;
    run_scene(run_let_in, "OK EKILLED ETIMEDOUT");
}

/* ---- lifetimes ---- */

static tr_err keep_a_reply(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *r;
    const char *text = "";
    hire(self, s);
    note_err(&s->notes, tr_ask(self, s->servant, &r, "echo", "first"));
    tr_msg *kept = tr_keep(self, r);
    note_err(&s->notes, tr_ask(self, s->servant, &r, "echo", "second"));
    note(&s->notes, "%s", kept != NULL && tr_args(kept, &text) == TR_OK ? text : "?");
    note(&s->notes, "%s", tr_args(r, &text) == TR_OK ? text : "?");
    tr_drop(self, &kept);
    note(&s->notes, kept == NULL ? "gone" : "there");
    return TR_OK;
}

/* S2.11, S2.12 */
static void a_reply_that_is_kept_outlives_the_next(void **state)
{
    (void) state;
    run_scene(keep_a_reply, "> OK OK first second gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(awaiting_what_was_collected_is_estate),
        cmocka_unit_test(anothers_pending_can_be_neither_awaited_nor_cancelled),
        cmocka_unit_test(cancelling_an_ask_does_not_wait_drops_the_queued_and_marks_the_handled),
        cmocka_unit_test(a_row_that_cancels_is_woken_when_its_asker_gives_up),
        cmocka_unit_test(a_row_that_cancels_also_sees_an_asker_that_it_ended_itself),
        cmocka_unit_test(on_cancel_is_called_when_the_asker_of_a_kept_request_gives_up),
        cmocka_unit_test(on_cancel_may_wait_and_the_actor_goes_on),
        cmocka_unit_test(an_ask_that_nobody_collected_ends_with_its_body_or_handler_call),
        cmocka_unit_test(then_is_called_once_whatever_happens_and_not_for_an_ask_that_was_never_made),
        cmocka_unit_test(then_comes_as_a_call_of_its_own_unless_the_actor_ends_first),
        cmocka_unit_test(a_handler_that_waits_holds_back_the_next_message_unless_it_is_reentrant),
        cmocka_unit_test(an_asker_killed_while_it_awaits_leaves_a_dead_request),
        cmocka_unit_test(an_asker_killed_when_its_request_has_just_been_let_in_leaves_nothing),
        cmocka_unit_test(a_reply_that_is_kept_outlives_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
