/* SPDX-License-Identifier: MIT */
/* test_remote.c - messages to actors of other workers: order, bounds, room (src/actor/remote.c) */
#include "support/workers.h"

/* ---- order ---- */

struct posts {
    tr_node *node;
    tr_addr to;
    struct notes seen, dead;
};

static tr_err note_number(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    int n;
    tr_args(m, &n);
    struct posts **posts = state;
    note(&(*posts)->seen, "%d", n);
    return n == 4 ? TR_STOP : TR_OK;
}

static tr_err take_arg(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(void **) state = arg;
    return TR_OK;
}

static const tr_handler number_rows[] = { { .tag = "n", .args = "n:int", .run = note_number }, { .tag = NULL } };
static const tr_behaviour number_reader = {
    .name = "reader", .state_size = sizeof(void *), .handlers = number_rows, .init = take_arg
};

/* While one message of several that came together is put into the mailbox, another comes. */
static void post_the_fourth(void *ctx, const tr_dead_letter *letter)
{
    struct posts *posts = ctx;
    int n;
    tr_args(letter->msg, &n);
    note(&posts->dead, "%d", n);
    if (n == 1)
        (void) tr_post(posts->node, posts->to, "n", 4);
}

static void what_comes_while_others_are_put_into_the_mailbox_stays_behind_them(void **state)
{
    (void) state;
    struct posts posts = { 0 };
    const tr_node_opts opts = { .size = sizeof opts, .on_dead_letter = post_the_fourth, .ctx = &posts };
    const tr_spawn_opts spawn = { .size = sizeof spawn,
                                  .behaviour = &number_reader,
                                  .arg = &posts,
                                  .mailbox_len_max = 1,
                                  .full_policy = TR_FULL_DROP_OLD };
    assert_int_equal(tr_node_create(&opts, &posts.node), TR_OK);
    assert_int_equal(tr_node_spawn(posts.node, &spawn, &posts.to), TR_OK);
    for (int n = 1; n <= 3; n++)
        assert_int_equal(tr_post(posts.node, posts.to, "n", n), TR_OK);
    alarm(WATCHDOG_S);
    assert_int_equal(tr_node_run(posts.node), TR_OK);
    alarm(0);
    tr_node_destroy(&posts.node);
    assert_string_equal(posts.dead.text, "1 2");
    assert_string_equal(posts.seen.text, "3 4");
}

/* ---- one sender's messages ---- */

struct stream {
    atomic_int seen, disorder, begun, go_on, over;
    struct notes notes;
    tr_addr to;
};

static tr_err check_next(tr_self *self, void *state, const tr_msg *m)
{
    struct stream *s = *(void **) state;
    int n;
    tr_args(m, &n);
    atomic_fetch_add(&s->disorder, n != atomic_load(&s->seen) + 1);
    atomic_store(&s->seen, n);
    if (n % 97 == 0)
        return tr_yield(self);
    return TR_OK;
}

/* Holds its worker until it is told to go on. */
static tr_err be_stuck(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) m;
    struct stream *s = *(void **) state;
    atomic_fetch_add(&s->begun, 1);
    hold_until(&s->go_on, 1);
    return TR_OK;
}

static const tr_handler stream_rows[] = { { .tag = "n", .args = "n:int", .run = check_next },
                                          { .tag = "stuck", .args = "", .run = be_stuck },
                                          { .tag = NULL } };
static const tr_behaviour stream_reader = {
    .name = "stream", .state_size = sizeof(void *), .handlers = stream_rows, .init = take_arg
};

#define STREAM 20000

/* Each send may wait for room; the reader may be pulled over, taken, and given away. */
static tr_err send_stream(tr_self *self, void *arg)
{
    struct stream *s = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .behaviour = &stream_reader, .arg = s, .mailbox_len_max = 64 };
    tr_err err = tr_spawn_with(self, &opts, &s->to);
    for (int n = 1; n <= STREAM && err == TR_OK; n++) {
        err = tr_send(self, s->to, "n", n);
        if (err == TR_OK && n % 1000 == 0)
            err = tr_sleep(self, 1);
    }
    return err == TR_OK ? wait_until(self, &s->seen, STREAM) : err;
}

static void a_stream_keeps_its_order_through_waits_for_room_and_moves(void **state)
{
    (void) state;
    for (unsigned workers = 1; workers <= 4; workers++) {
        struct stream s = { .seen = 0 };
        assert_int_equal(run_workers(workers, send_stream, &s), TR_OK);
        assert_int_equal(s.disorder, 0);
        assert_int_equal(s.seen, STREAM);
    }
}

static tr_err send_stream_here(tr_self *self, void *arg)
{
    struct stream *s = arg;
    tr_err err = spawn_on(self, 0, NULL, &stream_reader, s, &s->to);
    for (int n = 1; n <= STREAM && err == TR_OK; n++) {
        err = n % 2 == 0 ? tr_send(self, s->to, "n", n) : tr_post(tr_self_node(self), s->to, "n", n);
        if (n % 1000 == 0)
            err = wait_until(self, &s->seen, n); /* what is posted to a full mailbox is refused */
    }
    return err == TR_OK ? wait_until(self, &s->seen, STREAM) : err;
}

static void what_an_actor_posts_and_sends_in_turn_keeps_its_order(void **state)
{
    (void) state;
    struct stream s = { .seen = 0 };
    assert_int_equal(run_workers(2, send_stream_here, &s), TR_OK);
    assert_int_equal(s.disorder, 0);
}

/* ---- bounds and policies across workers ---- */

static tr_err spawn_bounded(tr_self *self, struct stream *s, uint32_t len_max, tr_full_policy policy)
{
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .behaviour = &stream_reader,
                                 .arg = s,
                                 .mailbox_len_max = len_max,
                                 .full_policy = policy,
                                 .place = TR_PLACE_WORKER,
                                 .worker = 1 };
    int begun = atomic_load(&s->begun);
    atomic_store(&s->go_on, 0);
    tr_err err = tr_spawn_with(self, &opts, &s->to);
    if (err == TR_OK)
        err = tr_send(self, s->to, "stuck");
    return err == TR_OK ? wait_until(self, &s->begun, begun + 1) : err;
}

static tr_err let_it_go(tr_self *self, struct stream *s)
{
    atomic_store(&s->go_on, 1);
    return tr_cancel_wait(self, s->to, "done", TR_FOREVER);
}

static tr_err overfill(tr_self *self, void *arg)
{
    struct stream *s = arg;
    static const tr_full_policy policies[] = { TR_FULL_REJECT, TR_FULL_DROP_NEW, TR_FULL_DROP_OLD };
    tr_err err = TR_OK;
    for (size_t i = 0; i < 3 && err == TR_OK; i++) {
        unsigned before = dead_letters(self, TR_DEAD_FULL);
        atomic_store(&s->seen, 0);
        err = spawn_bounded(self, s, 2, policies[i]);
        for (int n = 1; n <= 4; n++)
            note_err(&s->notes, tr_send(self, s->to, "n", n));
        atomic_store(&s->go_on, 1);
        if (err == TR_OK)
            err = wait_until(self, &s->seen, policies[i] == TR_FULL_DROP_OLD ? 4 : 2);
        note(&s->notes, "dropped:%u;", dead_letters(self, TR_DEAD_FULL) - before);
        if (err == TR_OK)
            err = let_it_go(self, s);
    }
    return err;
}

static void a_full_mailbox_elsewhere_acts_by_its_policy(void **state)
{
    (void) state;
    struct stream s = { .seen = 0 };
    assert_int_equal(run_workers(2, overfill, &s), TR_OK);
    assert_string_equal(s.notes.text, "OK OK EFULL EFULL dropped:0; OK OK OK OK dropped:2; OK OK OK OK dropped:2;");
}

static tr_err overfill_a_large_one(tr_self *self, void *arg)
{
    struct stream *s = arg;
    int n = 0;
    tr_err err = spawn_bounded(self, s, 1000000, TR_FULL_DROP_OLD);
    for (; n < 70000 && err == TR_OK; n++)
        err = tr_try_send(self, s->to, "n", n + 1);
    note(&s->notes, "%d", dead_letters(self, TR_DEAD_FULL) > 0);
    tr_err end = let_it_go(self, s);
    err = err == TR_OK ? end : err;
    if (err == TR_OK)
        err = spawn_bounded(self, s, 1000000, TR_FULL_REJECT);
    for (n = 0; n < 70000 && err == TR_OK; n++)
        err = tr_try_send(self, s->to, "n", n + 1);
    note_err(&s->notes, err);
    return let_it_go(self, s);
}

static void nobody_who_is_stuck_is_sent_more_than_65535_at_a_time(void **state)
{
    (void) state;
    struct stream s = { .seen = 0 };
    const tr_node_opts opts = { .workers = 2 };
    assert_int_equal(run_workers_with(opts, overfill_a_large_one, &s), TR_OK);
    assert_string_equal(s.notes.text, "1 EFULL");
}

/* ---- waiting for room ---- */

/* A receiver that has one message, and takes none while it sleeps; then all. */
static tr_err sleep_then_read(tr_self *self, void *arg)
{
    struct stream *s = arg;
    const tr_msg *m;
    int n;
    atomic_fetch_add(&s->begun, 1);
    tr_err err = wait_until(self, &s->go_on, 1);
    while (err == TR_OK && atomic_load(&s->over) == 0) {
        err = tr_recv_for(self, 1, &m);
        if (err == TR_OK && tr_is(m, "n", &n)) {
            atomic_fetch_add(&s->disorder, n <= atomic_load(&s->seen));
            atomic_store(&s->seen, n);
        }
        err = err == TR_ETIMEDOUT ? TR_OK : err;
    }
    return err;
}

static tr_err spawn_sleeper(tr_self *self, struct stream *s)
{
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .body = sleep_then_read,
                                 .arg = s,
                                 .mailbox_len_max = 1,
                                 .place = TR_PLACE_WORKER,
                                 .worker = 1 };
    tr_err err = tr_spawn_with(self, &opts, &s->to);
    if (err == TR_OK)
        err = wait_until(self, &s->begun, 1);
    return err == TR_OK ? tr_send(self, s->to, "n", 1) : err;
}

static tr_err send_two(tr_self *self, void *arg)
{
    struct stream *s = arg;
    return tr_send(self, s->to, "n", 2);
}

static tr_err send_and_tell(tr_self *self, void *arg)
{
    struct stream *s = arg;
    note_err(&s->notes, tr_send(self, s->to, "n", 2));
    return TR_OK;
}

/* Until the listing says that somebody does. */
static tr_err until_room_is_waited_for(tr_self *self)
{
    tr_err err = TR_OK;
    for (bool waits = false; !waits && err == TR_OK;) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        if (out == NULL)
            return TR_ENOMEM;
        tr_node_print(tr_self_node(self), out);
        fclose(out);
        waits = strstr(text, "waiting for room at") != NULL;
        free(text);
        err = tr_sleep(self, 1);
    }
    return err;
}

/* Senders that give up: by a deadline a hundred times, by a cancel, by a kill. Then there is room, for all who want it.
 */
static tr_err give_up_in_every_way(tr_self *self, void *arg)
{
    struct stream *s = arg;
    tr_addr who[2];
    tr_err err = spawn_sleeper(self, s);
    for (int i = 0; i < 100 && err == TR_OK; i++)
        if (tr_within(self, 1, send_two, s) != TR_ETIMEDOUT)
            return TR_EFAILED;
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = tr_spawn(self, send_and_tell, s, &who[i]);
    if (err == TR_OK)
        err = until_room_is_waited_for(self);
    if (err == TR_OK)
        err = tr_cancel_wait(self, who[0], "enough", TR_FOREVER);
    (void) tr_kill(self, who[1], "enough");
    note_err(&s->notes, err == TR_OK ? tr_join(self, who[1], NULL) : err);
    atomic_store(&s->go_on, 1);
    for (int n = 3; n < 200 && err == TR_OK; n++)
        err = tr_send(self, s->to, "n", n);
    if (err == TR_OK)
        err = wait_until(self, &s->seen, 199);
    atomic_store(&s->over, 1);
    return err == TR_OK ? tr_join(self, s->to, NULL) : err;
}

static void who_gives_up_its_wait_for_room_elsewhere_takes_none(void **state)
{
    (void) state;
    struct stream s = { .seen = 0 };
    assert_int_equal(run_workers(2, give_up_in_every_way, &s), TR_OK);
    assert_string_equal(s.notes.text, "ECANCELED EKILLED");
    assert_int_equal(s.disorder, 0);
}

static tr_err wait_for_room_of_the_dying(tr_self *self, void *arg)
{
    struct stream *s = arg;
    tr_addr who;
    tr_err err = spawn_sleeper(self, s);
    if (err == TR_OK)
        err = tr_spawn(self, send_and_tell, s, &who);
    if (err == TR_OK)
        err = until_room_is_waited_for(self);
    (void) tr_kill(self, s->to, "enough");
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

static void who_waits_for_room_at_one_that_ends_is_told(void **state)
{
    (void) state;
    struct stream s = { .seen = 0 };
    assert_int_equal(run_workers(2, wait_for_room_of_the_dying, &s), TR_OK);
    assert_string_equal(s.notes.text, "ENOPROC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_keeps_its_order_through_waits_for_room_and_moves),
        cmocka_unit_test(what_an_actor_posts_and_sends_in_turn_keeps_its_order),
        cmocka_unit_test(a_full_mailbox_elsewhere_acts_by_its_policy),
        cmocka_unit_test(nobody_who_is_stuck_is_sent_more_than_65535_at_a_time),
        cmocka_unit_test(who_gives_up_its_wait_for_room_elsewhere_takes_none),
        cmocka_unit_test(who_waits_for_room_at_one_that_ends_is_told),
        cmocka_unit_test(what_comes_while_others_are_put_into_the_mailbox_stays_behind_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
