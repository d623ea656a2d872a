/* SPDX-License-Identifier: MIT */
/* test_match.c - what a message is compared with (docs/semantics.md, S59) */
#include "node/kit.h"
#include "support/unit.h"

#include <troupe/troupe.h>

static tr_msg *message(const tr_value *values, size_t n)
{
    tr_msg *m;
    assert_int_equal(tr_msg_make(&m, values, n), TR_OK);
    return m;
}

#define MESSAGE(...) message(TR_VALUES(__VA_ARGS__))

/* S59.4 */
static void tag_and_values_must_be_equal_and_as_many(void **state)
{
    tr_msg *m = MESSAGE("add", 42, "x", 1.5, true, tr_nil());
    (void) state;
    assert_true(tr_matches(m, "add", 42, "x", 1.5, 1, tr_nil()));
    assert_true(tr_matches(m, "add", (uint8_t) 42, "x", 1.5f, (int64_t) 1, tr_nil()));
    assert_false(tr_matches(m, "add", 42, "x", 1.5, 1));
    assert_false(tr_matches(m, "add", 42, "x", 1.5, 1, tr_nil(), 1));
    assert_false(tr_matches(m, "sub", 42, "x", 1.5, 1, tr_nil()));
    assert_false(tr_matches(m, "add", 43, "x", 1.5, 1, tr_nil()));
    assert_false(tr_matches(m, "add", 42, "xy", 1.5, 1, tr_nil()));
    assert_false(tr_matches(m, "add", "42", "x", 1.5, 1, tr_nil()));
    tr_msg_free(&m);
}

/* S59.4 */
static void stand_ins_take_any_value_any_of_a_type_and_any_more(void **state)
{
    tr_msg *m = MESSAGE("add", 42, "x");
    (void) state;
    assert_true(tr_matches(m, "add", tr_any(), tr_any()));
    assert_true(tr_matches(m, tr_any(), 42, "x"));
    assert_true(tr_matches(m, "add", tr_any_of(TR_TYPE_INT), tr_any_of(TR_TYPE_STR)));
    assert_true(tr_matches(m, "add", tr_any_more()));
    assert_true(tr_matches(m, "add", 42, "x", tr_any_more()));
    assert_false(tr_matches(m, "add", tr_any_of(TR_TYPE_STR), "x"));
    assert_false(tr_matches(m, "add", tr_any()));
    assert_false(tr_matches(m, "add", tr_any(), tr_any(), tr_any()));
    tr_msg_free(&m);
}

/* S59.4 */
static void arrays_and_maps_are_compared_element_by_element(void **state)
{
    int local;
    tr_addr a = { 0, 7 };
    tr_msg *m = MESSAGE("put", tr_array(1, "two", tr_array(3)), tr_map("a", 1, "b", tr_bin("xy", 2)), a,
                        tr_local_ptr(&local), UINT64_MAX);
    (void) state;
    assert_true(tr_matches(m, "put", tr_array(1, "two", tr_array(3)), tr_map("b", tr_bin("xy", 2), "a", 1), a,
                           tr_local_ptr(&local), UINT64_MAX));
    assert_true(tr_matches(m, "put", tr_array(1, tr_any(), tr_array(tr_any_of(TR_TYPE_INT))), tr_any_more()));
    assert_false(tr_matches(m, "put", tr_array(1, "two", tr_array(4)), tr_any_more()));
    assert_false(tr_matches(m, "put", tr_array(1, "two"), tr_any_more()));
    assert_false(tr_matches(m, "put", tr_any(), tr_map("a", 1, "c", tr_any()), tr_any_more()));
    assert_false(tr_matches(m, "put", tr_any(), tr_any(), ((tr_addr){ 0, 8 }), tr_any_more()));
    assert_false(tr_matches(m, "put", tr_any(), tr_any(), a, tr_local_ptr(m), UINT64_MAX));
    tr_msg_free(&m);
}

/* S59.4 */
static void of_a_reply_the_first_value_stands_where_the_tag_does(void **state)
{
    tr_msg *m;
    const tr_value values[] = { tr_str("done"), tr_int(3) };
    (void) state;
    assert_int_equal(msg_build(NULL, values, 2, false, &m, NULL), TR_OK);
    assert_true(tr_matches(m, "done", 3));
    assert_false(tr_matches(m, "done", 4));
    assert_false(tr_matches(m, "gone", 3));
    tr_msg_free(&m);
}

static void pattern_is_printed_as_a_message_with_its_stand_ins(void **state)
{
    char text[80];
    const tr_value values[] = { tr_str("add"), tr_int(1), tr_any(), tr_any_more() };
    (void) state;
    (void) match_print(values, 4, text, sizeof text);
    assert_string_equal(text, "add 1 \"(any)\" \"(any more)\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tag_and_values_must_be_equal_and_as_many),
        cmocka_unit_test(stand_ins_take_any_value_any_of_a_type_and_any_more),
        cmocka_unit_test(arrays_and_maps_are_compared_element_by_element),
        cmocka_unit_test(of_a_reply_the_first_value_stands_where_the_tag_does),
        cmocka_unit_test(pattern_is_printed_as_a_message_with_its_stand_ins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
