/* SPDX-License-Identifier: MIT */
/* test_channel.c - a bounded queue between any number of senders and receivers (src/share/channel.c, stock.c, line.c;
 * docs/semantics.md, S41, S46) */
#include "support/actor_test.h"

#define WORKERS 8

struct scene {
    struct notes notes;
    tr_addr ch, other[WORKERS];
    int next, sent, received, wrong;
    uint64_t fail_at;
};

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        (void) state;                                    \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static tr_err open_channel(tr_self *self, struct scene *s, uint32_t capacity)
{
    return tr_channel_create(self, capacity, NULL, &s->ch);
}

/* Notes what a receive for so long gave. */
static tr_err note_recv(tr_self *self, struct scene *s, int64_t timeout_ms)
{
    const tr_msg *m;
    char text[64];
    tr_err err = tr_channel_recv_for(self, s->ch, timeout_ms, &m);
    if (err != TR_OK)
        return note_err(&s->notes, err);
    tr_msg_print(m, text, sizeof text);
    note(&s->notes, "%s", text);
    return TR_OK;
}

static tr_err note_send(tr_self *self, struct scene *s, int64_t timeout_ms, int n)
{
    return note_err(&s->notes, tr_channel_send_for(self, s->ch, timeout_ms, "n", n));
}

/* A sender of its own number; says when it was let in. */
static tr_err sender(tr_self *self, void *arg)
{
    struct scene *s = arg;
    int n = s->next++;
    tr_err err = tr_channel_send(self, s->ch, "n", n);
    note(&s->notes, "sent:%d:%s", n, tr_err_name(err) + 3);
    return TR_OK;
}

/* A receiver, told apart by its number. */
static tr_err receiver(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    int me = s->next++, n = -1;
    tr_err err = tr_channel_recv(self, s->ch, &m);
    if (err == TR_OK)
        (void) tr_args(m, &n);
    note(&s->notes, "%d<%d:%s", me, n, tr_err_name(err) + 3);
    return TR_OK;
}

static tr_err spawn_many(tr_self *self, struct scene *s, tr_body_fn *body, int n)
{
    tr_err err = TR_OK;
    for (int i = 0; i < n && err == TR_OK; i++)
        err = tr_spawn(self, body, s, &s->other[i]);
    return err == TR_OK ? tr_sleep(self, 1) : err;
}

/* ---- order and bounds ---- */

static tr_err send_and_recv(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 3);
    for (int i = 0; i < 3; i++)
        note_send(self, s, TR_FOREVER, i);
    note_send(self, s, 0, 3);
    note_send(self, s, 10, 3);
    note(&s->notes, "@%ld", now_ms(self));
    for (int i = 0; i < 3; i++)
        note_recv(self, s, TR_FOREVER);
    note_recv(self, s, 0);
    note_recv(self, s, 10);
    note(&s->notes, "@%ld", now_ms(self));
    return err;
}

/* S41.1, S41.2 */
static void messages_come_out_in_order_and_no_more_than_fit_go_in(void **state)
{
    run_scene(send_and_recv, "OK OK OK EUNSENT EUNSENT @10 n 0 n 1 n 2 ETIMEDOUT ETIMEDOUT @20");
}

static tr_err let_senders_in(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 1);
    if (err == TR_OK)
        err = spawn_many(self, s, sender, 4);
    for (int i = 0; i < 4; i++) {
        note_recv(self, s, 10);
        (void) tr_sleep(self, 1);
    }
    return err;
}

/* S46.2 */
static void senders_are_let_in_in_the_order_of_coming(void **state)
{
    run_scene(let_senders_in, "sent:0:OK n 0 sent:1:OK n 1 sent:2:OK n 2 sent:3:OK n 3");
}

static tr_err serve_receivers(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 1);
    if (err == TR_OK)
        err = spawn_many(self, s, receiver, 4);
    tr_cancel(self, s->other[1], "enough");
    for (int i = 0; i < 3; i++) {
        s->sent += tr_channel_send(self, s->ch, "n", i) == TR_OK;
        (void) tr_sleep(self, 1);
    }
    return err;
}

/* S46.1, S46.2 */
static void receivers_are_served_in_order_and_one_that_gave_up_takes_nothing(void **state)
{
    run_scene(serve_receivers, "1<-1:ECANCELED 0<0:OK 2<1:OK 3<2:OK");
}

static tr_err meet(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 0);
    note_send(self, s, 10, 7);
    note(&s->notes, "@%ld", now_ms(self));
    if (err == TR_OK)
        err = spawn_many(self, s, sender, 1);
    if (err == TR_OK)
        err = tr_sleep(self, 10);
    note(&s->notes, "@%ld", now_ms(self));
    note_recv(self, s, TR_FOREVER);
    (void) tr_sleep(self, 1);
    s->next = 0;
    if (err == TR_OK)
        err = spawn_many(self, s, receiver, 1);
    note_send(self, s, 0, 8);
    (void) tr_sleep(self, 1);
    return err;
}

/* S41.3 */
static void without_capacity_a_sender_waits_for_a_receiver(void **state)
{
    run_scene(meet, "EUNSENT @10 @21 sent:0:OK n 0 OK 0<8:OK");
}

/* ---- closing ---- */

static tr_err close_it(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 2);
    if (err == TR_OK)
        err = spawn_many(self, s, sender, 3);
    note_err(&s->notes, tr_channel_close(self, s->ch));
    note_err(&s->notes, tr_channel_close(self, s->ch));
    note_send(self, s, TR_FOREVER, 9);
    for (int i = 0; i < 3; i++)
        note_recv(self, s, TR_FOREVER);
    return err;
}

/* S41.4 */
static void after_a_close_what_is_left_comes_out_and_nothing_goes_in(void **state)
{
    run_scene(close_it, "sent:0:OK sent:1:OK OK OK sent:2:ECLOSED ECLOSED n 0 n 1 ECLOSED");
}

static tr_err close_on_receivers(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 2);
    if (err == TR_OK)
        err = spawn_many(self, s, receiver, 2);
    note_err(&s->notes, tr_channel_close(self, s->ch));
    return err == TR_OK ? tr_sleep(self, 1) : err;
}

/* S41.4 */
static void a_close_wakes_receivers(void **state)
{
    run_scene(close_on_receivers, "OK 0<-1:ECLOSED 1<-1:ECLOSED");
}

static tr_err abandon_it(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 2);
    if (err == TR_OK)
        err = spawn_many(self, s, sender, 3);
    note_err(&s->notes, tr_channel_abandon(self, s->ch));
    (void) tr_sleep(self, 1);
    note(&s->notes, "%u", dead_letters(self, TR_DEAD_ENDED));
    note_send(self, s, TR_FOREVER, 9);
    note_recv(self, s, TR_FOREVER);
    return err;
}

/* S41.5 */
static void what_is_left_when_receivers_abandon_it_is_dead_letters(void **state)
{
    run_scene(abandon_it, "sent:0:OK sent:1:OK OK sent:2:ECLOSED 2 ECLOSED ECLOSED");
}

static tr_err own_for_a_while(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 1);
    s->next = 0;
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

static tr_err outlive_it(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr owner;
    tr_err err = tr_spawn(self, own_for_a_while, s, &owner);
    (void) tr_sleep(self, 1);
    if (err == TR_OK)
        err = spawn_many(self, s, receiver, 1);
    (void) tr_sleep(self, 20);
    note_send(self, s, TR_FOREVER, 1);
    note_recv(self, s, TR_FOREVER);
    return err;
}

/* S46.4 */
static void it_ends_with_its_owner_and_says_so(void **state)
{
    run_scene(outlive_it, "0<-1:EDOWN ENOPROC ENOPROC");
}

/* ---- giving up in the moment of the grant ---- */

/* Asks for the next message and ends without looking at it. */
static tr_err careless(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending pending;
    tr_err err = tr_ask_start(self, s->ch, &pending, "share.next", tr_bool(false));
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

/* The same for room. */
static tr_err careless_sender(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending pending;
    tr_err err = tr_ask_start(self, s->ch, &pending, "share.room", tr_bool(false));
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

static tr_err take_unread(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 4);
    if (err == TR_OK)
        err = spawn_many(self, s, careless, 1);
    note_send(self, s, TR_FOREVER, 1);
    note_send(self, s, TR_FOREVER, 2);
    note_recv(self, s, TR_FOREVER);
    (void) tr_sleep(self, 20);
    note_recv(self, s, 0);
    return err;
}

/* S46.3 */
static void a_message_that_was_granted_and_not_read_comes_back(void **state)
{
    run_scene(take_unread, "OK OK n 2 n 1");
}

static tr_err come_back_to_the_head(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 4);
    if (err == TR_OK)
        err = spawn_many(self, s, careless, 1);
    for (int i = 0; i < 3; i++)
        note_send(self, s, TR_FOREVER, i);
    tr_kill(self, s->other[0], NULL);
    (void) tr_sleep(self, 1);
    for (int i = 0; i < 3; i++)
        note_recv(self, s, 0);
    return err == TR_OK && tr_join(self, s->other[0], NULL) == TR_EKILLED ? TR_OK : TR_EFAILED;
}

/* S46.3 */
static void what_a_killed_receiver_did_not_read_is_the_next_again(void **state)
{
    run_scene(come_back_to_the_head, "OK OK OK n 0 n 1 n 2");
}

static tr_err room_unread(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_channel(self, s, 1);
    if (err == TR_OK)
        err = spawn_many(self, s, careless_sender, 1);
    note_send(self, s, 0, 1);
    (void) tr_sleep(self, 20);
    note_send(self, s, 0, 2);
    note_recv(self, s, 0);
    return err;
}

/* S46.3 */
static void room_that_nobody_read_is_room_again(void **state)
{
    run_scene(room_unread, "EUNSENT OK n 2");
}

/* Senders and receivers that give up at random, and some that are killed. */
static tr_err hasty_sender(tr_self *self, void *arg)
{
    struct scene *s = arg;
    int seed = s->next++;
    tr_err err = TR_OK;
    for (int i = 0; i < 200 && err != TR_ECANCELED; i++) {
        err = tr_channel_send_for(self, s->ch, (seed * 7 + i * 13) % 4, "n", i);
        s->sent += err == TR_OK;
        if (err == TR_OK)
            err = tr_sleep(self, (seed + i) % 3);
    }
    return TR_OK;
}

static tr_err hasty_receiver(tr_self *self, void *arg)
{
    struct scene *s = arg;
    int seed = s->next++;
    const tr_msg *m;
    tr_err err = TR_OK;
    for (int i = 0; err == TR_OK || err == TR_ETIMEDOUT; i++) {
        err = tr_channel_recv_for(self, s->ch, (seed * 5 + i * 11) % 3, &m);
        s->received += err == TR_OK;
        if (err != TR_ECANCELED && i % 4 == 0)
            err = tr_sleep(self, (seed + i) % 2);
    }
    return TR_OK;
}

static tr_err hurry(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err = open_channel(self, s, (uint32_t) s->wrong);
    for (int i = 0; i < WORKERS && err == TR_OK; i++)
        err = tr_spawn(self, i % 2 == 0 ? hasty_sender : hasty_receiver, s, &s->other[i]);
    for (int i = 0; i < WORKERS; i++) {
        (void) tr_sleep(self, 20);
        if (i % 4 == 3)
            tr_kill(self, s->other[i], NULL);
        else
            tr_cancel(self, s->other[i], NULL);
    }
    (void) tr_sleep(self, 100);
    while (err == TR_OK && tr_channel_recv_for(self, s->ch, 0, &m) == TR_OK)
        s->received++;
    return err;
}

/* S46.1, S46.3 */
static void whatever_gives_up_when_no_message_is_lost_or_doubled(void **state)
{
    (void) state;
    for (int capacity = 0; capacity < 4; capacity++) {
        struct scene s = { .wrong = capacity };
        assert_int_equal(run_actor(hurry, &s), TR_OK);
        assert_true(s.sent > 100);
        assert_int_equal(s.sent, s.received);
    }
}

/* ---- beside other things ---- */

static tr_err fill_both(tr_self *self, tr_addr a, tr_addr b)
{
    tr_err err = tr_channel_send(self, a, "a", 1);
    if (err == TR_OK)
        err = tr_channel_send(self, a, "a", 2);
    return err == TR_OK ? tr_channel_send(self, b, "b", 1) : err;
}

static tr_err start_both(tr_self *self, tr_addr a, tr_addr b, tr_pending both[2])
{
    tr_err err = tr_channel_recv_start(self, a, &both[0]);
    return err == TR_OK ? tr_channel_recv_start(self, b, &both[1]) : err;
}

/* Go's select, and then what is left in both. */
static tr_err selects(tr_self *self, void *arg)
{
    struct scene *s = arg;
    size_t i = 9;
    const tr_msg *m;
    tr_addr b, a;
    tr_pending both[2];
    tr_err err = open_channel(self, s, 2);
    a = s->ch;
    if (err == TR_OK)
        err = tr_channel_create(self, 2, NULL, &b);
    if (err == TR_OK)
        err = start_both(self, a, b, both);
    if (err == TR_OK)
        err = fill_both(self, a, b);
    (void) tr_sleep(self, 1); /* both have come */
    if (err == TR_OK)
        err = tr_next(self, both, 2, &i, &m);
    if (err != TR_OK)
        return err;
    note(&s->notes, "%d:%s", (int) i, tr_tag(m) != NULL ? tr_tag(m) : "?");
    tr_ask_cancel(self, both[1 - i]);
    (void) note_recv(self, s, 0);
    s->ch = b;
    (void) note_recv(self, s, 0);
    (void) note_recv(self, s, 0);
    return TR_OK;
}

static tr_err takes_under_a_deadline(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending pending;
    const tr_msg *m;
    tr_err err = tr_channel_recv_start(self, s->ch, &pending);
    return err == TR_OK ? tr_await(self, pending, &m) : err;
}

/* What was started is cut short as a receive is; a close is its error; a channel it must be. */
static tr_err starts_and_is_cut_short(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending pending;
    tr_err err = open_channel(self, s, 2);
    note_err(&s->notes, tr_within(self, 5, takes_under_a_deadline, s));
    note_err(&s->notes, tr_channel_send(self, s->ch, "n", 1));
    (void) note_recv(self, s, 0);
    if (err == TR_OK)
        err = tr_channel_recv_start(self, s->ch, &pending);
    (void) tr_channel_close(self, s->ch);
    note_err(&s->notes, tr_await(self, pending, NULL));
    note_err(&s->notes, tr_channel_recv_start(self, tr_self_addr(self), &pending));
    return err;
}

/* S41.6 */
static void a_receive_that_was_started_and_given_up_has_taken_nothing(void **state)
{
    run_scene(selects, "0:a a 2 b 1 ETIMEDOUT");
}

static void a_receive_that_was_started_ends_as_any_other(void **state)
{
    run_scene(starts_and_is_cut_short, "ETIMEDOUT OK n 1 ECLOSED EINVAL");
}

/* ---- misuse, memory ---- */

static tr_err misuse(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_share_opts wrong = { .size = 3 };
    tr_err err = open_channel(self, s, 1);
    note_err(&s->notes, tr_channel_create(self, 8193, NULL, &s->ch));
    note_err(&s->notes, tr_channel_create(self, 1, &wrong, &s->ch));
    note_err(&s->notes, tr_channel_send(self, s->ch, "share.close"));
    note_err(&s->notes, tr_channel_send(self, s->ch, 42));
    note_err(&s->notes, tr_channel_send(self, TR_ADDR_NIL, "n"));
    note_err(&s->notes, tr_channel_close(self, tr_self_addr(self)));
    note_err(&s->notes, tr_send(self, s->ch, "n", 1));
    note_err(&s->notes, tr_ask(self, s->ch, NULL, "n", 1));
    note_send(self, s, 0, 5);
    note_recv(self, s, 0);
    note_recv(self, s, 0);
    return err;
}

static void misuse_is_refused_and_takes_no_room(void **state)
{
    run_scene(misuse, "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL OK EUNKNOWN OK n 5 ETIMEDOUT");
}

static tr_err use_without_memory(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    int n, next = 0, taken = 0;
    (void) tr_test_fail_alloc(s->fail_at);
    tr_err err = open_channel(self, s, 4);
    for (int i = 0; i < 4 && err == TR_OK; i++)
        s->sent += tr_channel_send_for(self, s->ch, 5, "n", i) == TR_OK;
    for (int i = 0; i < 6 && err == TR_OK; i++)
        if (tr_channel_recv_for(self, s->ch, 5, &m) == TR_OK) {
            taken++;
            s->wrong += tr_args(m, &n) != TR_OK || n < next;
            next = n + 1;
        }
    s->received = taken;
    tr_cancel(self, s->ch, "done"); /* without memory for an owner it is the node's */
    return TR_OK;
}

static void whatever_allocation_fails_nothing_is_doubled_or_left(void **state)
{
    (void) state;
    uint64_t made = 1000, n;
    for (n = 1; n <= made; n++) {
        struct scene s = { .fail_at = n };
        assert_int_equal(run_actor(use_without_memory, &s), TR_OK);
        made = tr_test_fail_alloc(0);
        assert_int_equal(s.wrong, 0);
        assert_int_equal(s.sent, s.received);
    }
    assert_true(n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_in_order_and_no_more_than_fit_go_in),
        cmocka_unit_test(senders_are_let_in_in_the_order_of_coming),
        cmocka_unit_test(receivers_are_served_in_order_and_one_that_gave_up_takes_nothing),
        cmocka_unit_test(without_capacity_a_sender_waits_for_a_receiver),
        cmocka_unit_test(after_a_close_what_is_left_comes_out_and_nothing_goes_in),
        cmocka_unit_test(a_close_wakes_receivers),
        cmocka_unit_test(what_is_left_when_receivers_abandon_it_is_dead_letters),
        cmocka_unit_test(it_ends_with_its_owner_and_says_so),
        cmocka_unit_test(a_message_that_was_granted_and_not_read_comes_back),
        cmocka_unit_test(what_a_killed_receiver_did_not_read_is_the_next_again),
        cmocka_unit_test(room_that_nobody_read_is_room_again),
        cmocka_unit_test(whatever_gives_up_when_no_message_is_lost_or_doubled),
        cmocka_unit_test(a_receive_that_was_started_and_given_up_has_taken_nothing),
        cmocka_unit_test(a_receive_that_was_started_ends_as_any_other),
        cmocka_unit_test(misuse_is_refused_and_takes_no_room),
        cmocka_unit_test(whatever_allocation_fails_nothing_is_doubled_or_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
