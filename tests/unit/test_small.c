/* SPDX-License-Identifier: MIT */
/* test_small.c - short messages: the same as the long way makes, and back */
#include "message/small.h"

#include <string.h>

#include "support/messages.h"

/* A block for small_build, which takes none but one that was used. */
static void block_at_hand(void)
{
    drop(make("first"));
}

static bool pack(const tr_value *values, size_t n, tr_small *s)
{
    return small_pack(values, n, s);
}

static bool pack_reply(const tr_value *values, size_t n, tr_small *s)
{
    return small_pack_reply(values, n, s);
}

/* All of a message but its place in memory. */
static void assert_same(const struct tr_msg *a, const struct tr_msg *b)
{
    const size_t slots = offsetof(struct tr_msg, slot);
    assert_true(a->life == b->life && a->tag == b->tag && msg_shape(a) == msg_shape(b) && msg_load(a) == msg_load(b));
    assert_memory_equal((const char *) a + slots, (const char *) b + slots, a->size - slots);
}

static void assert_small(const tr_value *values, size_t n, const char *text)
{
    tr_small s;
    assert_true(pack(values, n, &s));
    assert_true(s.shape == tr_small_shape(values, values + 1, n - 1) || values->x.u == 0);
    struct tr_msg *built = make_send_values(values, n);
    block_at_hand();
    struct tr_msg *small = small_build(&pool, &s, MSG_SEND);
    assert_string_equal(text_of(small), text);
    assert_same(small, built);
    drop(small);
    drop(built);
}

static void a_small_message_is_what_the_long_way_makes(void **state)
{
    (void) state;
    char tag[] = "seven77";
    assert_small(TR_VALUES("t"), "t");
    assert_small(TR_VALUES("add", 42), "add 42");
    assert_small(TR_VALUES("pair", tr_bool(true), -1), "pair true -1");
    assert_small(TR_VALUES("float", 0.5, tr_nil()), "float 0.5 nil");
    assert_small(TR_VALUES(tag, 1u), "seven77 1");
}

static void a_small_reply_is_what_the_long_way_makes(void **state)
{
    (void) state;
    tr_small s;
    struct tr_msg *built[] = { make_reply_values(NULL, 0), make_reply(7), make_reply(7, tr_bool(false)) };
    const struct {
        const tr_value *values;
        size_t n;
    } replies[] = { { NULL, 0 }, { TR_VALUES(7) }, { TR_VALUES(7, tr_bool(false)) } };
    for (size_t i = 0; i < 3; i++) {
        assert_true(pack_reply(replies[i].values, replies[i].n, &s));
        assert_true(s.shape == tr_small_shape(NULL, replies[i].values, replies[i].n));
        block_at_hand();
        struct tr_msg *small = small_build(&pool, &s, MSG_REPLY);
        assert_same(small, built[i]);
        drop(small);
        drop(built[i]);
    }
}

static void a_small_request_owes_an_answer(void **state)
{
    (void) state;
    tr_small s;
    assert_true(pack(TR_VALUES("ask"), &s));
    block_at_hand();
    struct tr_msg *m = small_build(&pool, &s, MSG_ASK);
    assert_true(m->kind == MSG_ASK && m->flags == MSG_OWED);
    drop(m);
}

static void without_a_block_at_hand_there_is_no_small_message(void **state)
{
    (void) state;
    tr_small s;
    assert_true(pack(TR_VALUES("ask"), &s));
    assert_null(small_build(&pool, &s, MSG_SEND));
}

static void what_is_not_small_takes_the_long_way(void **state)
{
    (void) state;
    tr_small s;
    assert_false(pack(NULL, 0, &s));
    assert_false(pack(TR_VALUES("eight888"), &s));
    assert_false(pack(TR_VALUES(""), &s));
    assert_false(pack(TR_VALUES(tr_strn("a\0b", 3)), &s));
    assert_false(pack(TR_VALUES(1), &s));
    assert_false(pack(TR_VALUES("text", "hi"), &s));
    assert_false(pack(TR_VALUES("large", UINT64_MAX), &s));
    assert_false(pack(TR_VALUES("three", 1, 2, 3), &s));
    assert_false(pack_reply(TR_VALUES(1, 2, 3), &s));
    assert_false(pack_reply(TR_VALUES("hi"), &s));
}

static void a_shape_is_told_of_nothing_else(void **state)
{
    (void) state;
    char tag[] = "tag"; /* its bytes are not the compiler's to know */
    const tr_value values[] = { tr_str("add"), tr_int(1), tr_str("hi"), tr_strn(tag, 3) };
    assert_true(tr_small_shape(values, values + 1, 1) == TR_SHAPE(3, 1, TR_TYPE_INT, 0));
    assert_true(tr_small_shape(values, values + 1, 2) == 0);
    assert_true(tr_small_shape(values, values + 1, 3) == 0);
    assert_true(tr_small_shape(values + 1, values, 0) == 0);
    assert_true(tr_small_shape(values + 3, values, 0) == 0);
    assert_true(tr_small_shape(NULL, values, 1) == 0);
}

static void a_small_message_is_unpacked_into_its_values(void **state)
{
    (void) state;
    tr_small s;
    struct small_values back;
    assert_true(pack(TR_VALUES("seven77", -3, 2.5), &s));
    const tr_value *values = small_unpack(&s, &back);
    struct tr_msg *m = make_send_values(values, back.n);
    assert_string_equal(text_of(m), "seven77 -3 2.5");
    drop(m);
    assert_true(pack_reply(NULL, 0, &s));
    (void) small_unpack(&s, &back);
    assert_int_equal(back.n, 0);
}

static void one_integer_is_read_or_nothing(void **state)
{
    (void) state;
    int64_t n = 5;
    struct tr_msg *m = make("n", 42), *text = make("n", "42"), *two = make("n", 1, 2);
    assert_int_equal(tr_args(text, &n), TR_EBADMSG);
    assert_int_equal(tr_args(two, &n), TR_EBADMSG);
    assert_int_equal(n, 5);
    struct tr_msg *share = msg_share(&pool, m);
    assert_int_equal(tr_args(share, &n), TR_OK);
    assert_int_equal(n, 42);
    drop(share);
    drop(m);
    drop(text);
    drop(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        message_test(a_small_message_is_what_the_long_way_makes),
        message_test(a_small_reply_is_what_the_long_way_makes),
        message_test(a_small_request_owes_an_answer),
        message_test(without_a_block_at_hand_there_is_no_small_message),
        message_test(what_is_not_small_takes_the_long_way),
        message_test(a_shape_is_told_of_nothing_else),
        message_test(a_small_message_is_unpacked_into_its_values),
        message_test(one_integer_is_read_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
