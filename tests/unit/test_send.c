/* SPDX-License-Identifier: MIT */
/* test_send.c - order, wrong input, keeping, one message for many (src/actor/send.c, recv.c) */
#include "support/actor_test.h"

#define MANY 1000

struct scene {
    struct notes notes;
    tr_addr to, many[MANY];
    tr_self *self;
    tr_msg *kept;
    long count;
};

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

/* ---- order ---- */

struct source {
    tr_addr to;
    int which, n;
};

static tr_err count_up(tr_self *self, void *arg)
{
    const struct source *s = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < s->n && err == TR_OK; i++)
        err = tr_send(self, s->to, "n", s->which, i);
    return err;
}

static tr_err from_many(tr_self *self, void *arg)
{
    struct scene *s = arg;
    static struct source sources[3];
    int next[3] = { 0 };
    tr_err err = TR_OK;
    for (int i = 0; i < 3 && err == TR_OK; i++) {
        sources[i] = (struct source){ tr_self_addr(self), i, 300 };
        err = tr_spawn(self, count_up, &sources[i], NULL);
    }
    const tr_msg *m;
    int which, n;
    while (err == TR_OK && tr_recv_for(self, 100, &m) == TR_OK) {
        err = tr_args(m, &which, &n);
        if (err == TR_OK && n != next[which]++)
            err = TR_EFAILED;
        s->count++;
    }
    return err;
}

/* S1.1, S1.3 */
static void what_each_sender_sends_arrives_once_and_in_its_order(void **state)
{
    (void) state;
    struct scene s = { 0 };
    assert_int_equal(run_actor(from_many, &s), TR_OK);
    assert_int_equal(s.count, 900);
}

static tr_err produce(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 200 && err == TR_OK; i++)
        err = tr_send(self, s->to, "n", i);
    note(&s->notes, "sent");
    return err;
}

static tr_err produce_without_waiting(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 200 && err == TR_OK; i++)
        err = tr_try_send(self, s->to, "n", i);
    note(&s->notes, "tried");
    return err;
}

static tr_err note_that_it_ran(tr_self *self, void *arg)
{
    (void) self;
    note(&((struct scene *) arg)->notes, "other");
    return TR_OK;
}

static tr_err produce_both_ways(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, deaf, NULL, &s->to);
    if (err == TR_OK)
        err = tr_spawn(self, produce, s, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, note_that_it_ran, s, NULL);
    (void) tr_sleep(self, 1);
    if (err == TR_OK)
        err = tr_spawn(self, produce_without_waiting, s, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, note_that_it_ran, s, NULL);
    return err == TR_OK ? tr_sleep(self, 1) : err;
}

/* S13.2, S9.7 */
static void a_producer_yields_after_64_sends_but_try_send_never_suspends(void **state)
{
    (void) state;
    run_scene(produce_both_ways, "other sent tried other");
}

/* ---- wrong input ---- */

static tr_err end_at_once(tr_self *self, void *arg)
{
    (void) self, (void) arg;
    return TR_OK;
}

static tr_err send_wrongly(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr dead, me = tr_self_addr(self);
    const tr_msg *m;
    tr_err err = tr_spawn(self, end_at_once, NULL, &dead);
    if (err == TR_OK)
        err = tr_join(self, dead, NULL);
    note_err(&s->notes, tr_send(self, TR_ADDR_NIL, "hello"));
    note_err(&s->notes, tr_send(self, dead, "hello"));
    note_err(&s->notes, tr_try_send(self, dead, "hello"));
    note_err(&s->notes, tr_send(self, me, ""));
    note_err(&s->notes, tr_send(self, me, 42));
    note_err(&s->notes, tr_send(self, me, "hello", tr_str(NULL)));
    note_err(&s->notes, tr_send_values(self, me, NULL, 0));
    note_err(&s->notes, tr_whereis(self, "nobody", &dead));
    note_err(&s->notes, tr_recv_for(self, 0, &m));
    return err;
}

/* S9.9, S2.19: nothing of it arrived */
static void wrong_receivers_and_wrong_values_are_errors_and_nothing_is_sent(void **state)
{
    (void) state;
    run_scene(send_wrongly, "EINVAL ENOPROC ENOPROC EINVAL EINVAL EINVAL EINVAL ENOPROC ETIMEDOUT");
}

static tr_err answer_wrongly(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_addr me = tr_self_addr(self);
    (void) tr_send(self, me, "plain");
    tr_err err = tr_recv(self, &m);
    note(&s->notes, tr_is_request(m) || tr_is_dead(m) ? "request" : "plain");
    note_err(&s->notes, tr_reply(self, m));
    note_err(&s->notes, tr_reply_error(self, m, TR_EUSER, NULL));
    note_err(&s->notes, tr_forward(self, m, me));
    return err;
}

static void a_plain_message_cannot_be_answered_or_handed_on(void **state)
{
    (void) state;
    run_scene(answer_wrongly, "plain ESTATE ESTATE ESTATE");
}

static tr_err use_anothers(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    (void) self;
    note_err(&s->notes, tr_send(s->self, s->to, "hello"));
    note_err(&s->notes, tr_ask(s->self, s->to, NULL, "hello"));
    note_err(&s->notes, tr_recv(s->self, &m));
    note_err(&s->notes, tr_sleep(s->self, 1));
    note_err(&s->notes, tr_yield(s->self));
    note_err(&s->notes, tr_spawn(s->self, end_at_once, NULL, NULL));
    note_err(&s->notes, tr_join(s->self, s->to, NULL));
    note_err(&s->notes, tr_cancel(s->self, s->to, NULL));
    return TR_OK;
}

static tr_err lend_self(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr thief;
    s->self = self;
    s->to = tr_self_addr(self);
    tr_err err = tr_spawn(self, use_anothers, s, &thief);
    if (err == TR_OK)
        err = tr_join(self, thief, NULL);
    note(&s->notes, tr_is_canceled(self) ? "canceled" : "unharmed");
    return err;
}

/* S14.2 */
static void anothers_self_is_estate(void **state)
{
    (void) state;
    run_scene(lend_self, "ESTATE ESTATE ESTATE ESTATE ESTATE ESTATE ESTATE ESTATE unharmed");
}

static tr_err on_recv(tr_self *self, void *state, const tr_msg *m)
{
    const tr_msg *next;
    (void) state;
    return tr_reply(self, m, (int) tr_recv_for(self, 0, &next));
}

static const tr_handler rows[] = { { "recv", "", "err:int", on_recv, NULL, 0, NULL }, { 0 } };
static const tr_behaviour receiver = { .name = "receiver", .handlers = rows };

static tr_err receive_in_a_handler(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *r;
    int code = 0;
    tr_err err = tr_spawn(self, &receiver, NULL, &s->to);
    if (err == TR_OK)
        err = tr_ask(self, s->to, &r, "recv");
    if (err == TR_OK)
        err = tr_args(r, &code);
    note_err(&s->notes, (tr_err) code);
    return err;
}

static void receiving_in_a_handler_is_estate(void **state)
{
    (void) state;
    run_scene(receive_in_a_handler, "ESTATE");
}

/* ---- cancelled senders ---- */

static tr_err send_when_cancelled(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    note_err(&s->notes, tr_recv(self, &m));
    note_err(&s->notes, tr_send(self, s->to, "last words"));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "last question"));
    return TR_ECANCELED;
}

static tr_err cancel_a_sender(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr who;
    const tr_msg *m;
    s->to = tr_self_addr(self);
    tr_err err = tr_spawn(self, send_when_cancelled, s, &who);
    if (err == TR_OK)
        err = tr_cancel_wait(self, who, "test", 100);
    while (tr_recv_for(self, 0, &m) == TR_OK)
        note(&s->notes, "[%s]", tr_tag(m));
    return err;
}

/* S5.5, S5.1 */
static void a_send_of_a_cancelled_actor_goes_out_if_there_is_room(void **state)
{
    (void) state;
    run_scene(cancel_a_sender, "ECANCELED OK ECANCELED [last words]");
}

/* ---- lifetimes ---- */

static tr_err keep_and_drop(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    const char *text = "?";
    tr_addr me = tr_self_addr(self);
    (void) tr_send(self, me, "first", "a text");
    (void) tr_send(self, me, "second");
    tr_err err = tr_recv(self, &m);
    tr_msg *kept = tr_keep(self, m);
    if (err == TR_OK)
        err = tr_recv(self, &m);
    note(&s->notes, "%s", kept != NULL && tr_is(kept, "first", &text) ? text : "?");
    note_err(&s->notes, tr_send(self, me, "third", tr_arg(kept, 0), kept));
    tr_drop(self, &kept);
    note(&s->notes, kept == NULL ? "NULL" : "not NULL");
    tr_drop(self, &kept);
    if (err == TR_OK)
        err = tr_recv(self, &m);
    char line[64];
    tr_msg_print(m, line, sizeof line);
    note(&s->notes, "%s", line);
    (void) tr_send(self, me, "kept to the end");
    if (err == TR_OK)
        err = tr_recv(self, &m);
    return tr_keep(self, m) != NULL ? err : TR_EFAILED;
}

/* S2.10, S2.12, S2.13: what is kept to the end would be left over */
static void a_kept_message_lives_until_it_is_dropped_or_its_actor_ends(void **state)
{
    (void) state;
    run_scene(keep_and_drop, "a text OK NULL third \"a text\" [\"first\", \"a text\"]");
}

static tr_err keep_anothers(tr_self *self, void *arg)
{
    struct scene *s = arg;
    note(&s->notes, tr_keep(self, s->kept) == NULL ? "NULL" : "kept");
    return TR_OK;
}

static tr_err lend_a_message(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_addr thief;
    (void) tr_send(self, tr_self_addr(self), "mine");
    tr_err err = tr_recv(self, &m);
    s->kept = (tr_msg *) (uintptr_t) m;
    if (err == TR_OK)
        err = tr_spawn(self, keep_anothers, s, &thief);
    return err == TR_OK ? tr_join(self, thief, NULL) : err;
}

static void anothers_message_cannot_be_kept(void **state)
{
    (void) state;
    run_scene(lend_a_message, "NULL");
}

/* ---- one message for many ---- */

static tr_err check_text(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    const char *text;
    tr_err err = tr_recv(self, &m);
    s->count += err == TR_OK && tr_is(m, "news", &text) && strcmp(text, "for all") == 0;
    tr_msg *kept = err == TR_OK ? tr_keep(self, m) : NULL;
    return kept != NULL ? TR_OK : TR_EFAILED;
}

static tr_err tell_everybody(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_msg *news;
    tr_node_stats before = { .size = sizeof before }, after = before;
    tr_err err = tr_msg_new(&news, "news", "for all");
    for (int i = 0; i < MANY && err == TR_OK; i++)
        err = tr_spawn(self, check_text, s, &s->many[i]);
    tr_node_stats_get(tr_self_node(self), &before);
    for (int i = 0; i < 60 && err == TR_OK; i++) /* fewer than a turn's sends: nobody has run, nothing is gone */
        err = tr_send_msg(self, s->many[i], news);
    tr_node_stats_get(tr_self_node(self), &after);
    note(&s->notes, "%zu", after.blocks - before.blocks);
    for (int i = 60; i < MANY && err == TR_OK; i++)
        err = tr_send_msg(self, s->many[i], news);
    tr_msg_free(&news);
    for (int i = 0; i < MANY && err == TR_OK; i++)
        err = tr_join(self, s->many[i], NULL);
    return err;
}

/* S2.2, S2.19: sent on, freed by its maker, and read by a thousand afterwards */
static void one_message_goes_to_a_thousand_mailboxes(void **state)
{
    (void) state;
    struct scene s = { 0 };
    assert_int_equal(run_actor(tell_everybody, &s), TR_OK);
    assert_int_equal(s.count, MANY);
    assert_string_equal(s.notes.text, "60");
}

static tr_err pass_on(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_send_msg(self, s->to, m);
    return err;
}

static tr_err pass_a_received_one_on(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr middle;
    const tr_msg *m;
    s->to = tr_self_addr(self);
    tr_err err = tr_spawn(self, pass_on, s, &middle);
    if (err == TR_OK)
        err = tr_send(self, middle, "hello", 1, "two");
    if (err == TR_OK)
        err = tr_recv(self, &m);
    char line[64] = "";
    if (err == TR_OK)
        tr_msg_print(m, line, sizeof line);
    note(&s->notes, "%s %s", line, tr_addr_eq(tr_sender(m), middle) ? "from the middle" : "from elsewhere");
    tr_pending p = { 0 };
    if (err == TR_OK)
        err = tr_spawn(self, pass_on, s, &middle);
    if (err == TR_OK)
        err = tr_ask_start(self, middle, &p, "question");
    if (err == TR_OK)
        err = tr_recv(self, &m);
    note(&s->notes, "%s %s", tr_tag(m), tr_is_request(m) ? "request" : "plain");
    note_err(&s->notes, tr_await(self, p, NULL));
    return err;
}

/* The copy of a request is a plain message: the answer stays with who got the request. */
static void a_received_message_is_sent_on_as_a_message_of_ones_own(void **state)
{
    (void) state;
    run_scene(pass_a_received_one_on, "hello 1 \"two\" from the middle question plain ENOREPLY");
}

static tr_err send_a_reply_on(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *r;
    tr_err err = tr_spawn(self, echo, NULL, &s->to);
    if (err == TR_OK)
        err = tr_ask(self, s->to, &r, "echo", 1);
    note_err(&s->notes, tr_send_msg(self, s->to, r));
    return err;
}

static void a_reply_has_no_tag_and_is_not_sent_as_it_is(void **state)
{
    (void) state;
    run_scene(send_a_reply_on, "EINVAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_each_sender_sends_arrives_once_and_in_its_order),
        cmocka_unit_test(a_producer_yields_after_64_sends_but_try_send_never_suspends),
        cmocka_unit_test(wrong_receivers_and_wrong_values_are_errors_and_nothing_is_sent),
        cmocka_unit_test(a_plain_message_cannot_be_answered_or_handed_on),
        cmocka_unit_test(anothers_self_is_estate),
        cmocka_unit_test(receiving_in_a_handler_is_estate),
        cmocka_unit_test(a_send_of_a_cancelled_actor_goes_out_if_there_is_room),
        cmocka_unit_test(a_kept_message_lives_until_it_is_dropped_or_its_actor_ends),
        cmocka_unit_test(anothers_message_cannot_be_kept),
        cmocka_unit_test(one_message_goes_to_a_thousand_mailboxes),
        cmocka_unit_test(a_received_message_is_sent_on_as_a_message_of_ones_own),
        cmocka_unit_test(a_reply_has_no_tag_and_is_not_sent_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
