/* SPDX-License-Identifier: MIT */
/* test_describe.c - the built-in request that every actor answers (src/actor/describe.c) */
#include "support/actor_test.h"

struct scene {
    struct notes notes;
    tr_addr to;
};

static tr_err on_nothing(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) state, (void) m;
    return TR_OK;
}

static tr_err on_describe(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_reply(self, m, "my own");
}

static const tr_handler counter_rows[] = {
    { "add", "n:int", NULL, on_nothing, "add n to the total", 0, NULL },
    { "get", "", "total:int", on_nothing, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour counter = { .name = "counter", .handlers = counter_rows, .doc = "counts" };
static const tr_handler own_rows[] = { { "describe", "", "s:str", on_describe, NULL, 0, NULL }, { 0 } };
static const tr_behaviour own = { .name = "own", .handlers = own_rows };
static const tr_behaviour empty = { .name = "empty", .other = on_nothing };

static void note_reply(tr_self *self, struct scene *s, tr_addr to)
{
    const tr_msg *r;
    char text[512];
    tr_err err = tr_ask(self, to, &r, "describe");
    if (err == TR_OK)
        tr_msg_print(r, text, sizeof text);
    note(&s->notes, "%s", err == TR_OK ? text : tr_err_name(err));
}

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static tr_err describe_a_behaviour(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, &counter, NULL, &s->to);
    note_reply(self, s, s->to);
    return err;
}

/* S2.18 */
static void a_behaviour_says_its_name_its_doc_and_every_row(void **state)
{
    (void) state;
    run_scene(describe_a_behaviour,
              "{\"name\": \"counter\", \"doc\": \"counts\", \"kind\": \"behaviour\", \"messages\": ["
              "{\"tag\": \"add\", \"args\": \"n:int\", \"reply\": nil, \"doc\": \"add n to the total\"}, "
              "{\"tag\": \"get\", \"args\": \"\", \"reply\": \"total:int\", \"doc\": nil}]}");
}

static tr_err describe_others(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = echo, .name = "parrot" };
    tr_err err = tr_spawn_with(self, &opts, &s->to);
    note_reply(self, s, s->to);
    if (err == TR_OK)
        err = tr_spawn(self, &empty, NULL, &s->to);
    note_reply(self, s, s->to);
    if (err == TR_OK)
        err = tr_spawn(self, &own, NULL, &s->to);
    note_reply(self, s, s->to);
    return err;
}

/* S2.18: a body by its registered name; one with a function for other messages; one with a row of its own */
static void bodies_answer_too_and_a_row_of_ones_own_comes_first(void **state)
{
    (void) state;
    run_scene(describe_others, "{\"name\": \"parrot\", \"doc\": nil, \"kind\": \"body\", \"messages\": []} "
                               "{\"name\": \"empty\", \"doc\": nil, \"kind\": \"behaviour\", \"messages\": []} "
                               "\"my own\"");
}

static tr_err receive_plain(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    note(&s->notes, "%s", tr_tag(m));
    return err;
}

static tr_err send_describe(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, receive_plain, s, &s->to);
    note_reply(self, s, s->to);
    if (err == TR_OK)
        err = tr_send(self, s->to, "describe");
    if (err == TR_OK)
        err = tr_join(self, s->to, NULL);
    return err;
}

/* S2.18: only a request is the runtime's to answer */
static void a_plain_message_of_that_name_is_like_any_other(void **state)
{
    (void) state;
    run_scene(send_describe, "{\"name\": \"body\", \"doc\": nil, \"kind\": \"body\", \"messages\": []} describe");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_behaviour_says_its_name_its_doc_and_every_row),
        cmocka_unit_test(bodies_answer_too_and_a_row_of_ones_own_comes_first),
        cmocka_unit_test(a_plain_message_of_that_name_is_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
