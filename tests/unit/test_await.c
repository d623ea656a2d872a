/* SPDX-License-Identifier: MIT */
/* test_await.c - asking: every way in which an ask can end, and when (src/actor/ask.c) */
#include "support/servant.h"

/* ---- answers ---- */

static tr_err ask_twice_answered(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *r;
    int n = 0;
    hire(self, s);
    note_err(&s->notes, tr_ask(self, s->servant, &r, "twice"));
    note(&s->notes, "%d", tr_args(r, &n) == TR_OK ? n : -1);
    return TR_OK;
}

/* S4.1 */
static void the_first_answer_counts_and_a_second_is_estate(void **state)
{
    (void) state;
    run_scene(ask_twice_answered, "> OK ESTATE ESTATE OK 1");
}

static tr_err ask_refused(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    note_ask(self, s, s->servant, "refuse");
    note(&s->notes, "[%s|%s|%s]", tr_error(self)->text, tr_error(self)->phase, tr_error(self)->actor);
    note_ask(self, s, s->servant, "refuse later");
    note(&s->notes, "[%s|%s]", tr_error(self)->text, tr_error(self)->actor);
    return TR_OK;
}

/* S4.2, S4.11 */
static void an_error_reply_comes_with_its_code_and_words(void **state)
{
    (void) state;
    run_scene(ask_refused, "> EUSER+1@0 [no account 7|refuse|servant] EUSER+1@0 [not account 8|servant]");
}

static tr_err ask_after_sending(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *r;
    int x = 0;
    hire(self, s);
    for (int i = 0; i < 3; i++)
        note_err(&s->notes, tr_send(self, s->servant, "sleep", 10));
    note_err(&s->notes, tr_send(self, tr_self_addr(self), "mine"));
    note_err(&s->notes, tr_ask(self, s->servant, &r, "echo", 5));
    note(&s->notes, "%d", tr_args(r, &x) == TR_OK ? x : -1);
    note_err(&s->notes, tr_recv(self, &r));
    note(&s->notes, "%s", tr_tag(r));
    return TR_OK;
}

/* S1.5; S1.1: the request itself waits for its turn */
static void a_reply_overtakes_what_is_in_the_askers_mailbox(void **state)
{
    (void) state;
    run_scene(ask_after_sending, "> OK OK OK OK wanted:OK@10 wanted:OK@20 wanted:OK@30 OK 5 OK mine");
}

/* ---- deadlines ---- */

static tr_err ask_the_deaf(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, deaf, NULL, &s->other);
    if (err != TR_OK)
        return err;
    note_err(&s->notes, tr_ask_for(self, s->other, 100, NULL, "hello"));
    note(&s->notes, "@%ld", now_ms(self));
    note_ask(self, s, s->other, "hello");
    return TR_OK;
}

/* S4.3, S3.2 */
static void an_ask_that_is_not_answered_times_out_at_its_deadline_or_after_30_s(void **state)
{
    (void) state;
    run_scene(ask_the_deaf, "ETIMEDOUT @100 ETIMEDOUT@30100");
}

static tr_err ask_a_full_one(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .behaviour = &servant, .arg = s, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &opts, &s->servant);
    if (err != TR_OK)
        return err;
    (void) tr_send(self, s->servant, "sleep", 500);
    (void) tr_yield(self);
    (void) tr_send(self, s->servant, "sleep", 500);
    note_err(&s->notes, tr_ask_for(self, s->servant, 100, NULL, "twice"));
    note(&s->notes, "@%ld", now_ms(self));
    return tr_sleep(self, 2000);
}

/* S4.4: nothing is noted by the row "twice" */
static void an_ask_that_found_no_room_before_its_deadline_was_never_sent(void **state)
{
    (void) state;
    run_scene(ask_a_full_one, "EUNSENT @100 wanted:OK@500 wanted:OK@1000");
}

static tr_err ask_for_a_late_answer(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    note_err(&s->notes, tr_ask_for(self, s->servant, 50, NULL, "keep"));
    note_err(&s->notes, tr_send(self, s->servant, "answer"));
    note_ask(self, s, s->servant, "echo", 1);
    note(&s->notes, "late:%u", dead_letters(self, TR_DEAD_LATE));
    return TR_OK;
}

/* S4.5, S4.16, S5.15 */
static void a_late_reply_is_no_error_and_a_dead_letter(void **state)
{
    (void) state;
    run_scene(ask_for_a_late_answer, "> ETIMEDOUT OK dead OK OK@50 late:1");
}

static tr_err handle_by_asking(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err;
    while ((err = tr_recv(self, &m)) == TR_OK) {
        if (tr_is(m, "answered first"))
            (void) tr_reply(self, m);
        if (tr_is(m, "handed on first"))
            (void) tr_forward(self, m, s->servant);
        note_ask(self, s, s->other, "hello");
        if (tr_is_request(m))
            (void) tr_reply(self, m);
    }
    return err;
}

static tr_err inherit_deadlines(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr middle;
    hire(self, s);
    tr_err err = tr_spawn(self, deaf, NULL, &s->other);
    if (err == TR_OK)
        err = tr_spawn(self, handle_by_asking, s, &middle);
    if (err != TR_OK)
        return err;
    note_err(&s->notes, tr_ask_for(self, middle, 100, NULL, "keep"));
    (void) tr_sleep(self, 900);
    note_err(&s->notes, tr_ask_for(self, middle, 100, NULL, "answered first"));
    (void) tr_sleep(self, 39000);
    note_err(&s->notes, tr_ask_for(self, middle, 100, NULL, "handed on first"));
    (void) tr_sleep(self, 39900);
    (void) tr_send(self, middle, "plain");
    return tr_sleep(self, 40000);
}

/* S3.1, S3.3, S3.4 */
static void the_deadline_of_a_request_is_inherited_while_its_answer_is_owed_and_no_longer(void **state)
{
    (void) state;
    run_scene(inherit_deadlines, "> ETIMEDOUT ETIMEDOUT@100 OK ETIMEDOUT@31000 ENOREPLY ETIMEDOUT@70000 "
                                 "ETIMEDOUT@109900");
}

static tr_err child_asks(tr_self *self, void *arg)
{
    struct scene *s = arg;
    note_ask(self, s, s->other, "hello");
    return TR_OK;
}

static tr_err body_with_a_request(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_addr child = TR_ADDR_NIL;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_spawn(self, child_asks, s, &child);
    note_err(&s->notes, tr_sleep(self, 300));
    note_err(&s->notes, tr_join(self, child, NULL));
    note(&s->notes, "@%ld", now_ms(self));
    return err;
}

static tr_err inherit_nothing_else(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr middle;
    tr_err err = tr_spawn(self, deaf, NULL, &s->other);
    if (err == TR_OK)
        err = tr_spawn(self, body_with_a_request, s, &middle);
    if (err != TR_OK)
        return err;
    note_err(&s->notes, tr_ask_for(self, middle, 100, NULL, "work"));
    return tr_join(self, middle, NULL);
}

/* S3.5, S3.6 */
static void sleep_join_and_spawned_actors_do_not_inherit_a_deadline(void **state)
{
    (void) state;
    run_scene(inherit_nothing_else, "ETIMEDOUT OK ETIMEDOUT@30000 OK @30000");
}

static tr_err ask_under_a_deadline(tr_self *self, void *arg)
{
    struct scene *s = arg;
    note_ask(self, s, s->other, "hello");
    return TR_ECANCELED;
}

static tr_err ask_within(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, echo, NULL, &s->other);
    if (err == TR_OK)
        err = tr_ask_for(self, s->other, 100, NULL, "echo", 1); /* whose timer may stay behind, ahead of the scope's */
    if (err == TR_OK)
        err = tr_spawn(self, deaf, NULL, &s->other);
    if (err != TR_OK)
        return err;
    note_err(&s->notes, tr_within(self, 100, ask_under_a_deadline, s));
    note(&s->notes, "@%ld", now_ms(self));
    return TR_OK;
}

/* S3.10, S3.1 */
static void a_scopes_deadline_cancels_the_ask_and_times_out_the_scope(void **state)
{
    (void) state;
    run_scene(ask_within, "ECANCELED@100 ETIMEDOUT @100");
}

static tr_err start_one(tr_self *self, void *arg)
{
    struct scene *s = arg;
    return tr_ask_start(self, s->other, &s->pending, "hello");
}

static tr_err await_outside(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, deaf, NULL, &s->other);
    if (err != TR_OK)
        return err;
    note_err(&s->notes, tr_within(self, 100, start_one, s));
    note_err(&s->notes, tr_await(self, s->pending, NULL));
    note(&s->notes, "@%ld", now_ms(self));
    return TR_OK;
}

/* S3.1: the deadline was the scope's when it was started; there must be an end to it after the scope, too */
static void an_ask_started_under_a_scopes_deadline_ends_outside_of_it_as_well(void **state)
{
    (void) state;
    run_scene(await_outside, "OK ETIMEDOUT @100");
}

static tr_err queue_for_a_while(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    (void) tr_send(self, s->servant, "sleep", 300);
    note_err(&s->notes, tr_ask_for(self, s->servant, 250, NULL, "twice"));
    note(&s->notes, "@%ld", now_ms(self));
    (void) tr_sleep(self, 100);
    note(&s->notes, "canceled:%u", dead_letters(self, TR_DEAD_CANCELED));
    return TR_OK;
}

/* S3.9, S5.14: the row "twice" would have noted something */
static void time_in_the_queue_counts_and_a_request_given_up_there_is_never_handled(void **state)
{
    (void) state;
    run_scene(queue_for_a_while, "> ETIMEDOUT @250 wanted:OK@300 canceled:1");
}

/* ---- the callee vanishes ---- */

static tr_err end_quietly(tr_self *self, void *arg)
{
    (void) self, (void) arg;
    return TR_OK;
}

static tr_err ask_the_dead(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, end_quietly, NULL, &s->other);
    if (err == TR_OK)
        err = tr_join(self, s->other, NULL);
    note_ask(self, s, s->other, "hello");
    note_ask(self, s, TR_ADDR_NIL, "hello");
    return err;
}

/* S4.6, S9.9 */
static void asking_the_dead_is_enoproc_and_asking_nobody_einval(void **state)
{
    (void) state;
    run_scene(ask_the_dead, "ENOPROC@0 EINVAL@0");
}

static tr_err ask_who_ends_by(tr_self *self, void *arg, const char *tag)
{
    struct scene *s = arg;
    hire(self, s);
    note_ask(self, s, s->servant, tag);
    note_err(&s->notes, tr_join(self, s->servant, NULL));
    return TR_OK;
}

static tr_err ask_who_fails(tr_self *self, void *arg)
{
    tr_err err = ask_who_ends_by(self, arg, "die");
    note(&((struct scene *) arg)->notes, "%s", tr_error(self)->text);
    return err;
}

static tr_err ask_who_stops(tr_self *self, void *arg)
{
    return ask_who_ends_by(self, arg, "stop");
}

/* S4.7 */
static void a_callee_that_fails_with_the_request_in_hand_passes_its_error_on(void **state)
{
    (void) state;
    run_scene(ask_who_fails, "> EUSER+2@0 EUSER+2 it was too much");
}

/* S4.7 */
static void a_callee_that_ends_well_with_the_request_in_hand_is_enoreply(void **state)
{
    (void) state;
    run_scene(ask_who_stops, "> ENOREPLY@0 OK");
}

static tr_err kill_soon(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_sleep(self, 10);
    (void) tr_kill(self, s->servant, "test");
    return err;
}

static tr_err ask_who_is_killed(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending in_hand = { 0 }, queued = { 0 };
    hire(self, s);
    tr_err err = tr_spawn(self, kill_soon, s, NULL);
    if (err == TR_OK)
        err = tr_ask_start(self, s->servant, &in_hand, "sleep", 100);
    if (err == TR_OK)
        err = tr_ask_start(self, s->servant, &queued, "echo", 1);
    note_err(&s->notes, tr_await(self, in_hand, NULL));
    note_err(&s->notes, tr_await(self, queued, NULL));
    note(&s->notes, "@%ld", now_ms(self));
    note_err(&s->notes, tr_join(self, s->servant, NULL));
    return err;
}

/* S4.7 */
static void a_killed_callee_is_ekilled_for_the_request_in_hand_and_edown_for_the_queued(void **state)
{
    (void) state;
    run_scene(ask_who_is_killed, "> EKILLED EDOWN @10 EKILLED");
}

static tr_err ask_who_keeps_and_ends(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending kept = { 0 }, queued = { 0 };
    hire(self, s);
    tr_err err = tr_ask_start(self, s->servant, &kept, "keep");
    if (err == TR_OK)
        err = tr_send(self, s->servant, "stop");
    if (err == TR_OK)
        err = tr_ask_start(self, s->servant, &queued, "echo", 1);
    note_err(&s->notes, tr_await(self, kept, NULL));
    note_err(&s->notes, tr_await(self, queued, NULL));
    note(&s->notes, "@%ld ended:%u", now_ms(self), dead_letters(self, TR_DEAD_ENDED));
    return err;
}

/* S4.7, S8.2 */
static void a_callee_that_ends_is_edown_for_requests_kept_and_queued(void **state)
{
    (void) state;
    run_scene(ask_who_keeps_and_ends, "> EDOWN EDOWN @0 ended:1");
}

static tr_err receive_and_forget(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_sleep(self, 20);
    if (err == TR_OK)
        err = tr_recv(self, &m);
    return err;
}

static tr_err ask_who_never_answers(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    note_ask(self, s, s->servant, "ignore");
    tr_err err = tr_spawn(self, receive_and_forget, NULL, &s->other);
    note_ask(self, s, s->other, "hello");
    return err;
}

/* S4.8, S4.9 */
static void a_handler_that_returns_or_a_body_that_receives_again_without_an_answer_is_enoreply(void **state)
{
    (void) state;
    run_scene(ask_who_never_answers, "> ENOREPLY@0 ENOREPLY@20");
}

static tr_err ask_who_drops(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending kept;
    hire(self, s);
    tr_err err = tr_ask_start(self, s->servant, &kept, "keep");
    (void) tr_sleep(self, 5);
    if (err == TR_OK)
        err = tr_send(self, s->servant, "drop");
    note_err(&s->notes, tr_await(self, kept, NULL));
    note(&s->notes, "@%ld", now_ms(self));
    return err;
}

/* S4.10 */
static void a_kept_request_that_is_dropped_is_enoreply_at_once(void **state)
{
    (void) state;
    run_scene(ask_who_drops, "> ENOREPLY @5");
}

static tr_err ask_who_refuses_when_full(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_spawn_opts opts = {
        .size = sizeof opts, .body = deaf, .mailbox_len_max = 1, .full_policy = TR_FULL_REJECT
    };
    tr_err err = tr_spawn_with(self, &opts, &s->other);
    if (err == TR_OK)
        err = tr_send(self, s->other, "hello");
    note_ask(self, s, s->other, "hello");
    return err;
}

/* S4.12 */
static void a_full_mailbox_that_refuses_is_efull_at_once(void **state)
{
    (void) state;
    run_scene(ask_who_refuses_when_full, "EFULL@0");
}

/* ---- handing on ---- */

static tr_err ask_by_way_of(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *r;
    hire(self, s);
    tr_err err = tr_spawn(self, echo, NULL, &s->other);
    note_err(&s->notes, tr_ask(self, s->servant, &r, "hand", s->other));
    note(&s->notes, tr_addr_eq(tr_sender(r), s->other) ? "direct" : "not direct");
    if (err == TR_OK)
        err = tr_spawn(self, deaf, NULL, &s->other);
    note_err(&s->notes, tr_ask_for(self, s->servant, 100, NULL, "hand", s->other));
    note(&s->notes, "@%ld", now_ms(self));
    return err;
}

/* S4.13, S3.8; an answer after handing on is TR_ESTATE */
static void who_gets_a_request_handed_on_answers_the_asker_directly_within_its_deadline(void **state)
{
    (void) state;
    run_scene(ask_by_way_of, "> OK ESTATE OK direct OK ESTATE ETIMEDOUT @100");
}

static tr_err ask_by_way_of_the_dead(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    tr_err err = tr_spawn(self, end_quietly, NULL, &s->other);
    if (err == TR_OK)
        err = tr_join(self, s->other, NULL);
    note_ask(self, s, s->servant, "hand", s->other);
    return err;
}

/* S4.14 */
static void handing_on_to_the_dead_tells_the_asker(void **state)
{
    (void) state;
    run_scene(ask_by_way_of_the_dead, "> ENOPROC ESTATE ENOPROC@0");
}

static tr_err ask_by_way_of_a_full_one(tr_self *self, void *arg)
{
    struct scene *s = arg;
    hire(self, s);
    const tr_spawn_opts opts = { .size = sizeof opts, .body = deaf, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &opts, &s->other);
    if (err == TR_OK)
        err = tr_send(self, s->other, "hello");
    note_ask(self, s, s->servant, "hand", s->other);
    return err;
}

/* S4.15 */
static void handing_on_to_a_full_mailbox_leaves_the_request_owed(void **state)
{
    (void) state;
    run_scene(ask_by_way_of_a_full_one, "> EFULL OK OK@0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_answer_counts_and_a_second_is_estate),
        cmocka_unit_test(an_error_reply_comes_with_its_code_and_words),
        cmocka_unit_test(a_reply_overtakes_what_is_in_the_askers_mailbox),
        cmocka_unit_test(an_ask_that_is_not_answered_times_out_at_its_deadline_or_after_30_s),
        cmocka_unit_test(an_ask_that_found_no_room_before_its_deadline_was_never_sent),
        cmocka_unit_test(a_late_reply_is_no_error_and_a_dead_letter),
        cmocka_unit_test(the_deadline_of_a_request_is_inherited_while_its_answer_is_owed_and_no_longer),
        cmocka_unit_test(sleep_join_and_spawned_actors_do_not_inherit_a_deadline),
        cmocka_unit_test(a_scopes_deadline_cancels_the_ask_and_times_out_the_scope),
        cmocka_unit_test(an_ask_started_under_a_scopes_deadline_ends_outside_of_it_as_well),
        cmocka_unit_test(time_in_the_queue_counts_and_a_request_given_up_there_is_never_handled),
        cmocka_unit_test(asking_the_dead_is_enoproc_and_asking_nobody_einval),
        cmocka_unit_test(a_callee_that_fails_with_the_request_in_hand_passes_its_error_on),
        cmocka_unit_test(a_callee_that_ends_well_with_the_request_in_hand_is_enoreply),
        cmocka_unit_test(a_killed_callee_is_ekilled_for_the_request_in_hand_and_edown_for_the_queued),
        cmocka_unit_test(a_callee_that_ends_is_edown_for_requests_kept_and_queued),
        cmocka_unit_test(a_handler_that_returns_or_a_body_that_receives_again_without_an_answer_is_enoreply),
        cmocka_unit_test(a_kept_request_that_is_dropped_is_enoreply_at_once),
        cmocka_unit_test(a_full_mailbox_that_refuses_is_efull_at_once),
        cmocka_unit_test(who_gets_a_request_handed_on_answers_the_asker_directly_within_its_deadline),
        cmocka_unit_test(handing_on_to_the_dead_tells_the_asker),
        cmocka_unit_test(handing_on_to_a_full_mailbox_leaves_the_request_owed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
