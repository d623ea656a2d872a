/* SPDX-License-Identifier: MIT */
/* test_mailbox.c - bounds, what happens at them, and what becomes of what is dropped (src/actor/mailbox.c) */
#include "support/actor_test.h"

#define PACKAGE 10000 /* bytes of content: much more than any header */

struct scene {
    struct notes notes;
    tr_addr to;
    struct notes dead;
    int freed;
};

/* Sleeps for 100 ms, then notes the number in each message that is there. */
static tr_err sleeper(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    int n;
    tr_err err = tr_sleep(self, 100);
    while (err == TR_OK && tr_recv_for(self, 1000, &m) == TR_OK)
        if (tr_is(m, "n", &n) || tr_is(m, "n", &n, tr_skip()))
            note(&s->notes, "%d", n);
    return err;
}

static tr_err spawn_sleeper(tr_self *self, struct scene *s, uint32_t len_max, size_t bytes_max, tr_full_policy policy)
{
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .body = sleeper,
                                 .arg = s,
                                 .mailbox_len_max = len_max,
                                 .mailbox_bytes_max = bytes_max,
                                 .full_policy = policy };
    return tr_spawn_with(self, &opts, &s->to);
}

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static void note_at(struct scene *s, tr_self *self, tr_err err)
{
    note(&s->notes, "%s@%ld", tr_err_name(err) + 3, now_ms(self));
}

/* ---- bounds ---- */

static tr_err count_to_the_default(tr_self *self, void *arg)
{
    struct scene *s = arg;
    int n = 0;
    tr_err err = tr_spawn(self, deaf, NULL, &s->to);
    while (err == TR_OK && tr_try_send(self, s->to, "n", n) == TR_OK)
        n++;
    note(&s->notes, "%d", n);
    static char data[PACKAGE];
    err = tr_spawn(self, deaf, NULL, &s->to);
    for (n = 0; err == TR_OK && tr_try_send(self, s->to, "n", tr_bin(data, sizeof data)) == TR_OK; n++)
        ;
    note(&s->notes, n > 4 * 1024 * 1024 / (PACKAGE + 256) && n <= 4 * 1024 * 1024 / PACKAGE ? "4 MiB" : "not 4 MiB");
    return err;
}

/* S9.1, S9.7 */
static void a_mailbox_holds_8192_messages_or_4_mib_by_default(void **state)
{
    (void) state;
    run_scene(count_to_the_default, "8192 4 MiB");
}

static tr_err fill_by_bytes(tr_self *self, void *arg)
{
    struct scene *s = arg;
    static char data[PACKAGE];
    tr_err err = spawn_sleeper(self, s, 0, 3 * PACKAGE, TR_FULL_REJECT);
    for (int i = 0; i < 4; i++)
        note_err(&s->notes, tr_send(self, s->to, "n", i, tr_bin(data, sizeof data)));
    note_err(&s->notes, tr_send(self, s->to, "n", 4));
    return err == TR_OK ? tr_sleep(self, 500) : err;
}

/* S9.1: a small one still fits */
static void bytes_are_a_bound_of_their_own(void **state)
{
    (void) state;
    run_scene(fill_by_bytes, "OK OK EFULL EFULL OK 0 1 4");
}

static tr_err send_a_giant(tr_self *self, void *arg)
{
    struct scene *s = arg;
    static char data[PACKAGE];
    tr_err err = spawn_sleeper(self, s, 0, 1000, TR_FULL_REJECT);
    note_err(&s->notes, tr_send(self, s->to, "n", 1, tr_bin(data, sizeof data)));
    note_err(&s->notes, tr_send(self, s->to, "n", 2));
    (void) tr_sleep(self, 150);
    note_err(&s->notes, tr_send(self, s->to, "n", 3));
    note_err(&s->notes, tr_send(self, s->to, "n", 4, tr_bin(data, sizeof data)));
    return err == TR_OK ? tr_sleep(self, 500) : err;
}

/* S9.8: and only by an empty one */
static void a_message_larger_than_the_bound_is_taken_by_an_empty_mailbox(void **state)
{
    (void) state;
    run_scene(send_a_giant, "OK EFULL 1 OK EFULL 3");
}

static tr_err tick_when_full(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_addr me = tr_self_addr(self);
    (void) tr_timer_after(self, 10, NULL, "n", 7);
    note_err(&s->notes, tr_send(self, me, "n", 1));
    note_err(&s->notes, tr_try_send(self, me, "n", 2));
    (void) tr_sleep(self, 20);
    note_err(&s->notes, tr_ask(self, s->to, NULL, "hello", 1));
    while (tr_recv_for(self, 0, &m) == TR_OK) {
        int n = 0;
        (void) tr_args(m, &n);
        note(&s->notes, "%d", n);
        if (n == 1)
            note_err(&s->notes, tr_try_send(self, me, "n", 3)); /* the tick that is still there takes no room */
    }
    return TR_OK;
}

static tr_err run_tick_when_full(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr who = TR_ADDR_NIL;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = tick_when_full, .arg = s, .mailbox_len_max = 1 };
    tr_err err = tr_spawn(self, echo, NULL, &s->to);
    if (err == TR_OK)
        err = tr_spawn_with(self, &opts, &who);
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

/* S9.2, S1.4 */
static void ticks_and_replies_are_neither_counted_nor_refused(void **state)
{
    (void) state;
    run_scene(run_tick_when_full, "OK EFULL OK 1 OK 7 3");
}

/* ---- waiting for room ---- */

static tr_err send_and_wait(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = spawn_sleeper(self, s, 2, 0, TR_FULL_WAIT);
    for (int i = 0; i < 4; i++)
        note_at(s, self, tr_send(self, s->to, "n", i));
    return err == TR_OK ? tr_sleep(self, 500) : err;
}

/* S9.3 */
static void a_sender_waits_until_there_is_room(void **state)
{
    (void) state;
    run_scene(send_and_wait, "OK@0 OK@0 0 1 2 OK@100 OK@100 3");
}

struct sender {
    struct scene *scene;
    int n, times;
};

static tr_err sender(tr_self *self, void *arg)
{
    struct sender *s = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < s->times && err == TR_OK; i++)
        err = tr_send(self, s->scene->to, "n", s->n + i);
    return err;
}

static tr_err many_senders(tr_self *self, void *arg)
{
    struct scene *s = arg;
    static struct sender senders[3];
    tr_err err = spawn_sleeper(self, s, 1, 0, TR_FULL_WAIT);
    for (int i = 0; i < 3 && err == TR_OK; i++) {
        senders[i] = (struct sender){ s, 10 * (i + 1), 3 };
        err = tr_spawn(self, sender, &senders[i], NULL);
    }
    return err == TR_OK ? tr_sleep(self, 500) : err;
}

/* S1.7, S1.1: the room goes to who waits longest, and each sender's own stay in order */
static void senders_that_wait_are_let_in_first_come_first_served(void **state)
{
    (void) state;
    run_scene(many_senders, "10 11 20 30 12 21 22 31 32");
}

static tr_err receive_slowly(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    int n;
    tr_err err = tr_sleep(self, 100);
    while (err == TR_OK && tr_recv_for(self, 1000, &m) == TR_OK) {
        if (tr_is(m, "n", &n))
            note(&s->notes, "%d", n);
        for (int i = 0; tr_is(m, "n", &n) && n == 1 && i < 2; i++) /* room is made, and nobody else has run since */
            note_err(&s->notes, tr_try_send(self, tr_self_addr(self), "n", 50 + i));
    }
    return err;
}

static tr_err hand_over(tr_self *self, void *arg)
{
    struct scene *s = arg;
    static struct sender waiting;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = receive_slowly, .arg = s, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &opts, &s->to);
    waiting = (struct sender){ s, 1, 2 };
    if (err == TR_OK)
        err = tr_spawn(self, sender, &waiting, NULL);
    return err == TR_OK ? tr_sleep(self, 500) : err;
}

/* S1.7, S9.3 */
static void room_is_handed_to_who_waits_before_a_newcomer_can_take_it(void **state)
{
    (void) state;
    run_scene(hand_over, "1 EFULL EFULL 2");
}

static tr_err send_large(tr_self *self, void *arg)
{
    struct scene *s = arg;
    static char data[PACKAGE];
    return tr_send(self, s->to, "n", 1, tr_bin(data, sizeof data));
}

static tr_err send_small_behind_large(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = spawn_sleeper(self, s, 0, PACKAGE + PACKAGE / 2, TR_FULL_WAIT);
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = tr_spawn(self, send_large, s, NULL);
    (void) tr_sleep(self, 10);
    note_err(&s->notes, tr_try_send(self, s->to, "n", 2)); /* it would fit, for its part */
    note_at(s, self, tr_send(self, s->to, "n", 3));
    return err == TR_OK ? tr_sleep(self, 500) : err;
}

static void a_small_newcomer_does_not_overtake_a_large_message_that_waits(void **state)
{
    (void) state;
    run_scene(send_small_behind_large, "EFULL 1 1 3 OK@100");
}

static tr_err wait_for_mail(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    int n;
    (void) tr_sleep(self, 50);
    for (int i = 0; i < 3; i++) {
        tr_wait_item item = { .kind = TR_WAIT_MAILBOX };
        note_err(&s->notes, tr_wait(self, &item, 1, TR_WAIT_FIRST, 100, NULL));
        (void) tr_sleep(self, 10);
    }
    while (tr_recv_for(self, 100, &m) == TR_OK && tr_is(m, "n", &n))
        note(&s->notes, "%d", n);
    return TR_OK;
}

static tr_err look_without_taking(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = wait_for_mail, .arg = s, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &opts, &s->to);
    for (int i = 0; i < 3; i++)
        note_at(s, self, tr_send(self, s->to, "n", i));
    return err == TR_OK ? tr_sleep(self, 500) : err;
}

/* S9.1 */
static void looking_whether_mail_is_there_makes_no_room(void **state)
{
    (void) state;
    run_scene(look_without_taking, "OK@0 OK OK OK 0 1 OK@80 OK@80 2");
}

static tr_err send_two(tr_self *self, void *arg)
{
    struct scene *s = arg;
    (void) tr_send(self, s->to, "n", 1);
    note_at(s, self, tr_send(self, s->to, "n", 2));
    note(&s->notes, "(%s)", tr_is_canceled(self) ? tr_cancel_reason(self) : "");
    return TR_OK;
}

static tr_err give_up(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr who = TR_ADDR_NIL;
    tr_err err = spawn_sleeper(self, s, 1, 0, TR_FULL_WAIT);
    note_err(&s->notes, tr_within(self, 20, send_two, s));
    if (err == TR_OK)
        err = tr_spawn(self, send_two, s, &who);
    (void) tr_sleep(self, 10);
    (void) tr_cancel(self, who, "stop it");
    (void) tr_sleep(self, 10);
    if (err == TR_OK)
        err = tr_spawn(self, send_two, s, &who);
    (void) tr_sleep(self, 10);
    (void) tr_kill(self, who, "test");
    note_err(&s->notes, tr_join(self, who, NULL));
    return err == TR_OK ? tr_sleep(self, 500) : err;
}

/* S5.3, S2.19: deadline of a scope, cancel, kill */
static void a_sender_that_gives_up_has_sent_nothing(void **state)
{
    (void) state;
    run_scene(give_up, "ECANCELED@20 (the scope's deadline came) OK ECANCELED@30 (stop it) EKILLED 1");
}

static tr_err wait_for_ever(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = deaf, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &opts, &s->to);
    (void) tr_send(self, s->to, "n", 1);
    note_at(s, self, tr_send(self, s->to, "n", 2));
    return err;
}

/* S9.3 */
static void a_sender_without_a_deadline_waits_for_30_s(void **state)
{
    (void) state;
    run_scene(wait_for_ever, "EUNSENT@30000");
}

static tr_err end_later(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 50);
}

static tr_err wait_at_a_dying_one(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = end_later, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &opts, &s->to);
    (void) tr_send(self, s->to, "n", 1);
    note_at(s, self, tr_send(self, s->to, "n", 2));
    note(&s->notes, "ended:%u", dead_letters(self, TR_DEAD_ENDED));
    return err;
}

/* S8.1, S8.2 */
static void who_waits_for_room_at_an_actor_that_ends_is_told_enoproc(void **state)
{
    (void) state;
    run_scene(wait_at_a_dying_one, "ENOPROC@50 ended:1");
}

/* ---- policies ---- */

static tr_err overfill(tr_self *self, struct scene *s, tr_full_policy policy)
{
    tr_err err = spawn_sleeper(self, s, 2, 0, policy);
    for (int i = 0; i < 4; i++)
        note_err(&s->notes, tr_send(self, s->to, "n", i));
    note(&s->notes, "full:%u", dead_letters(self, TR_DEAD_FULL));
    return err == TR_OK ? tr_sleep(self, 500) : err;
}

static tr_err overfill_reject(tr_self *self, void *arg)
{
    return overfill(self, arg, TR_FULL_REJECT);
}

static tr_err overfill_drop_new(tr_self *self, void *arg)
{
    return overfill(self, arg, TR_FULL_DROP_NEW);
}

static tr_err overfill_drop_old(tr_self *self, void *arg)
{
    return overfill(self, arg, TR_FULL_DROP_OLD);
}

/* S9.4 */
static void reject_tells_the_sender(void **state)
{
    (void) state;
    run_scene(overfill_reject, "OK OK EFULL EFULL full:0 0 1");
}

/* S9.5 */
static void drop_new_drops_the_newcomer_as_a_dead_letter(void **state)
{
    (void) state;
    run_scene(overfill_drop_new, "OK OK OK OK full:2 0 1");
}

/* S9.6 */
static void drop_old_drops_the_oldest_as_a_dead_letter(void **state)
{
    (void) state;
    run_scene(overfill_drop_old, "OK OK OK OK full:2 2 3");
}

static tr_err requests_dropped(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending p = { 0 };
    tr_err err = spawn_sleeper(self, s, 1, 0, TR_FULL_DROP_OLD);
    if (err == TR_OK)
        err = tr_ask_start(self, s->to, &p, "n", 1);
    (void) tr_send(self, s->to, "n", 2);
    note_err(&s->notes, tr_await(self, p, NULL));
    if (err == TR_OK)
        err = spawn_sleeper(self, s, 1, 0, TR_FULL_DROP_NEW);
    (void) tr_send(self, s->to, "n", 3);
    note_at(s, self, tr_ask(self, s->to, NULL, "n", 4));
    note(&s->notes, "full:%u", dead_letters(self, TR_DEAD_FULL));
    return err;
}

/* S9.6, S4.12 */
static void the_asker_of_a_request_that_is_dropped_is_told_efull(void **state)
{
    (void) state;
    run_scene(requests_dropped, "EFULL EFULL@0 full:2");
}

static tr_err ticks_survive(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    int n;
    (void) tr_timer_after(self, 0, NULL, "n", 7);
    (void) tr_sleep(self, 10);
    for (int i = 0; i < 3; i++)
        (void) tr_send(self, tr_self_addr(self), "n", i);
    while (tr_recv_for(self, 0, &m) == TR_OK && tr_args(m, &n) == TR_OK)
        note(&s->notes, "%d", n);
    return TR_OK;
}

static tr_err run_ticks_survive(tr_self *self, void *arg)
{
    tr_addr who = TR_ADDR_NIL;
    const tr_spawn_opts opts = {
        .size = sizeof opts, .body = ticks_survive, .arg = arg, .mailbox_len_max = 1, .full_policy = TR_FULL_DROP_OLD
    };
    tr_err err = tr_spawn_with(self, &opts, &who);
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

/* S9.2, S9.6 */
static void drop_old_never_drops_a_tick(void **state)
{
    (void) state;
    run_scene(run_ticks_survive, "7 2");
}

/* ---- dead letters ---- */

static void note_dead(void *ctx, const tr_dead_letter *letter)
{
    struct scene *s = ctx;
    note(&s->dead, "%s:%s", tr_dead_reason_name(letter->reason), tr_tag(letter->msg));
}

static tr_err end_at_once(tr_self *self, void *arg)
{
    (void) self, (void) arg;
    return TR_OK;
}

static tr_err on_failing(tr_self *self, void *state, const tr_msg *m)
{
    (void) state, (void) m;
    return tr_fail_with(self, TR_EUSER, "no");
}

static const tr_handler rows[] = { { "failing", "", NULL, on_failing, NULL, 0, NULL }, { 0 } };
static const tr_behaviour failing = { .name = "failing", .handlers = rows };

static tr_err lose_letters(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr dead, strict = TR_ADDR_NIL;
    tr_err err = tr_spawn(self, end_at_once, NULL, &dead);
    if (err == TR_OK)
        err = tr_send(self, dead, "to be ended");
    if (err == TR_OK)
        err = tr_join(self, dead, NULL);
    note_err(&s->notes, tr_send(self, dead, "to the dead"));
    if (err == TR_OK)
        err = tr_spawn(self, &failing, NULL, &strict);
    note_err(&s->notes, tr_send(self, strict, "strange"));
    note_err(&s->notes, tr_send(self, strict, "failing", 1));
    note_err(&s->notes, tr_send(self, strict, "failing"));
    note_err(&s->notes, tr_send(self, TR_ADDR_NIL, "to nobody"));
    (void) tr_sleep(self, 1);
    for (int i = 0; i < TR_DEAD_REASONS; i++)
        note(&s->notes, "%u", dead_letters(self, (tr_dead_reason) i));
    return err;
}

/* S9.9, S9.10, S7.10 */
static void what_is_dropped_is_counted_by_its_reason_and_shown_to_the_hook(void **state)
{
    (void) state;
    struct scene s = { 0 };
    const tr_node_opts opts = { .on_dead_letter = note_dead, .ctx = &s };
    assert_int_equal(run_actor_with(opts, lose_letters, &s), TR_OK);
    assert_string_equal(s.dead.text,
                        "ended:to be ended noproc:to the dead unknown:strange unknown:failing failed:failing");
    assert_string_equal(s.notes.text, "ENOPROC OK OK OK EINVAL 1 1 0 2 1 0 0");
}

/* ---- blobs ---- */

static void count_free(void *data)
{
    (*(int *) data)++;
}

static tr_err refuse_blobs(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = spawn_sleeper(self, s, 1, 0, TR_FULL_REJECT);
    tr_addr full = s->to;
    (void) tr_send(self, full, "n", 1);
    note_err(&s->notes, tr_send(self, full, "n", tr_blob(&s->freed, sizeof s->freed, count_free)));
    note_err(&s->notes, tr_try_send(self, full, "n", tr_blob(&s->freed, sizeof s->freed, count_free)));
    note_err(&s->notes, tr_ask(self, full, NULL, "n", tr_blob(&s->freed, sizeof s->freed, count_free)));
    note(&s->notes, "freed:%d", s->freed);
    return err;
}

/* S2.4 */
static void a_blob_that_a_full_mailbox_refuses_is_still_the_callers(void **state)
{
    (void) state;
    run_scene(refuse_blobs, "EFULL EFULL EFULL freed:0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mailbox_holds_8192_messages_or_4_mib_by_default),
        cmocka_unit_test(bytes_are_a_bound_of_their_own),
        cmocka_unit_test(a_message_larger_than_the_bound_is_taken_by_an_empty_mailbox),
        cmocka_unit_test(ticks_and_replies_are_neither_counted_nor_refused),
        cmocka_unit_test(a_sender_waits_until_there_is_room),
        cmocka_unit_test(senders_that_wait_are_let_in_first_come_first_served),
        cmocka_unit_test(room_is_handed_to_who_waits_before_a_newcomer_can_take_it),
        cmocka_unit_test(a_small_newcomer_does_not_overtake_a_large_message_that_waits),
        cmocka_unit_test(looking_whether_mail_is_there_makes_no_room),
        cmocka_unit_test(a_sender_that_gives_up_has_sent_nothing),
        cmocka_unit_test(a_sender_without_a_deadline_waits_for_30_s),
        cmocka_unit_test(who_waits_for_room_at_an_actor_that_ends_is_told_enoproc),
        cmocka_unit_test(reject_tells_the_sender),
        cmocka_unit_test(drop_new_drops_the_newcomer_as_a_dead_letter),
        cmocka_unit_test(drop_old_drops_the_oldest_as_a_dead_letter),
        cmocka_unit_test(the_asker_of_a_request_that_is_dropped_is_told_efull),
        cmocka_unit_test(drop_old_never_drops_a_tick),
        cmocka_unit_test(what_is_dropped_is_counted_by_its_reason_and_shown_to_the_hook),
        cmocka_unit_test(a_blob_that_a_full_mailbox_refuses_is_still_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
