/* SPDX-License-Identifier: MIT */
/* test_value.c - out of messages into variables: never truncated, all or nothing */
#include <float.h>
#include <math.h>
#include <string.h>

#include "support/messages.h"

/* A message of one value, read into one variable: whether it fits. */
#define FITS(value, variable) fits(TR_VALUES("t", value), TR_DEST(variable))

static bool fits(const tr_value *values, size_t n, tr_dest dest)
{
    struct tr_msg *m = make_values(values, n, true);
    bool is = tr_msg_is(m, "t", &dest, 1);
    bool args = tr_msg_args(m, &dest, 1) == TR_OK;
    bool item = tr_item_read(tr_arg(m, 0), dest) == TR_OK;
    drop(m);
    assert_true(is == args && args == item);
    return is;
}

static void integers_fit_by_value_not_by_type(void **state)
{
    (void) state;
    int8_t i8 = 7;
    uint8_t u8 = 7;
    int16_t i16;
    uint32_t u32;
    assert_true(FITS(INT64_C(-128), &i8) && i8 == -128);
    assert_true(FITS(127u, &i8) && i8 == 127);
    assert_false(FITS(128, &i8) || FITS(-129, &i8));
    assert_int_equal(i8, 127);
    assert_true(FITS(255, &u8) && u8 == 255);
    assert_false(FITS(256, &u8) || FITS(-1, &u8));
    assert_int_equal(u8, 255);
    assert_true(FITS(-32768, &i16) && i16 == -32768);
    assert_false(FITS(32768, &i16));
    assert_true(FITS(UINT32_MAX, &u32) && u32 == UINT32_MAX);
    assert_false(FITS(INT64_C(1) << 32, &u32));
}

static void the_widest_integers_fit_their_own_sign_alone(void **state)
{
    (void) state;
    int64_t i;
    uint64_t u;
    assert_true(FITS(INT64_MIN, &i) && i == INT64_MIN);
    assert_true(FITS(INT64_MAX, &u) && u == INT64_MAX);
    assert_true(FITS(UINT64_MAX, &u) && u == UINT64_MAX);
    assert_false(FITS(UINT64_MAX, &i) || FITS(INT64_MIN, &u));
}

static void numbers_of_another_kind_do_not_fit_integers(void **state)
{
    (void) state;
    int i;
    unsigned u;
    assert_false(FITS(1.0, &i) || FITS(tr_bool(true), &i) || FITS(tr_nil(), &i) || FITS("1", &i));
    assert_false(FITS(1.0, &u) || FITS(tr_bool(true), &u) || FITS(tr_nil(), &u));
}

static void a_double_takes_integers_it_holds_exactly(void **state)
{
    (void) state;
    double d = 0;
    assert_true(FITS(3, &d) && d == 3);
    assert_true(FITS(INT64_C(1) << 53, &d) && d == 9007199254740992.0);
    assert_true(FITS(INT64_MIN, &d) && d == -9223372036854775808.0);
    assert_true(FITS(UINT64_C(1) << 63, &d) && d == 9223372036854775808.0);
    assert_true(FITS(-5, &d) && d == -5);
    assert_true(FITS(0, &d) && d == 0);
    assert_false(FITS((INT64_C(1) << 53) + 1, &d) || FITS(INT64_MAX, &d) || FITS(UINT64_MAX, &d));
    assert_true(d == 0);
}

static void a_float_takes_what_survives(void **state)
{
    (void) state;
    float f = 0;
    assert_true(FITS(0.5, &f) && f == 0.5f);
    assert_true(FITS((double) FLT_MAX, &f) && f == FLT_MAX);
    assert_true(FITS(INFINITY, &f) && isinf(f));
    assert_true(FITS((double) NAN, &f) && isnan(f));
    assert_true(FITS(1 << 24, &f) && f == 16777216.0f);
    assert_false(FITS(0.1, &f) || FITS(1e300, &f) || FITS(1e-300, &f) || FITS((1 << 24) + 1, &f));
}

static void a_bool_takes_bools_and_the_ints_0_and_1(void **state)
{
    (void) state;
    bool b = false;
    assert_true(FITS(tr_bool(true), &b) && b);
    assert_true(FITS(0, &b) && !b);
    assert_true(FITS(1, &b) && b);
    assert_false(FITS(2, &b) || FITS(-1, &b) || FITS(1.0, &b) || FITS(tr_nil(), &b));
    assert_true(b);
}

static void a_string_with_a_nul_inside_is_no_c_string(void **state)
{
    (void) state;
    const char *s = "untouched";
    struct tr_msg *m = make("t", tr_strn("a\0b", 3));
    tr_bytes bytes;
    assert_false(tr_is(m, "t", &s));
    assert_string_equal(s, "untouched");
    assert_true(tr_is(m, "t", &bytes));
    assert_int_equal(bytes.len, 3);
    assert_memory_equal(bytes.data, "a\0b", 4);
    drop(m);
}

static void bytes_take_binaries_blobs_and_strings(void **state)
{
    (void) state;
    char data[] = "blob";
    tr_bytes a, b, c, d;
    struct tr_msg *m = make("t", tr_bin("\0\1", 2), tr_blob(data, 4, NULL), "str", tr_bin(NULL, 0));
    const char *s;
    assert_true(tr_is(m, "t", &a, &b, &c, &d));
    assert_int_equal(a.len, 2);
    assert_ptr_equal(b.data, data);
    assert_memory_equal(c.data, "str", 4);
    assert_int_equal(d.len, 0);
    assert_int_equal(tr_read(tr_arg(m, 0), &s), TR_EBADMSG);
    drop(m);
}

static void addresses_and_pointers_fit_their_own_kind(void **state)
{
    (void) state;
    tr_addr to = { 3, UINT64_C(5) << 32 | 9 }, a = TR_ADDR_NIL;
    void *p = NULL;
    assert_true(FITS(to, &a) && tr_addr_eq(a, to));
    assert_true(FITS(tr_local_ptr(&to), &p) && p == &to);
    assert_false(FITS(1, &a) || FITS(1, &p) || FITS(tr_nil(), &p) || FITS(to, &p));
}

static void an_item_and_a_skip_take_anything(void **state)
{
    (void) state;
    tr_item item;
    int n;
    struct tr_msg *m = make("t", tr_nil(), 1, tr_array(2));
    assert_true(tr_is(m, "t", tr_skip(), &n, &item));
    assert_int_equal(n, 1);
    assert_int_equal(tr_item_type(item), TR_TYPE_ARRAY);
    drop(m);
}

static void a_mismatch_anywhere_stores_nothing(void **state)
{
    (void) state;
    int n = -1;
    const char *s = "untouched";
    struct tr_msg *m = make("t", 1, "x", 2);
    assert_false(tr_is(m, "t", &n, &s, &s));
    assert_int_equal(tr_args(m, &n, &s, &s), TR_EBADMSG);
    assert_int_equal(n, -1);
    assert_string_equal(s, "untouched");
    drop(m);
}

static void number_and_tag_must_match_too(void **state)
{
    (void) state;
    int n = -1;
    struct tr_msg *m = make("add", 1);
    assert_false(tr_is(m, "add") || tr_is(m, "add", &n, &n) || tr_is(m, "ad", &n) || tr_is(m, "addd", &n) ||
                 tr_is(m, "", &n));
    assert_int_equal(tr_args(m, &n, &n), TR_EBADMSG);
    assert_int_equal(n, -1);
    assert_true(tr_is(m, "add", &n) && n == 1);
    drop(m);
}

static void of_a_reply_the_first_value_is_compared(void **state)
{
    (void) state;
    const char *name = NULL;
    struct tr_msg *r = make_reply("hello", "world"), *bare = make_reply("a"), *none = make_values(NULL, 0, false);
    struct tr_msg *nul = make_reply(tr_strn("a\0b", 3)), *number = make_reply(1);
    assert_true(tr_is(r, "hello", &name));
    assert_string_equal(name, "world");
    assert_false(tr_is(r, "hello") || tr_is(r, "hell", &name) || tr_is(none, "hello") || tr_is(number, "hello"));
    assert_true(tr_is(bare, "a"));
    assert_false(tr_is(nul, "a"));
    assert_string_equal(tr_tag(r), "");
    assert_int_equal(tr_argc(r), 2);
    drop(r);
    drop(bare);
    drop(none);
    drop(nul);
    drop(number);
}

static void arguments_end_where_they_end(void **state)
{
    (void) state;
    struct tr_msg *m = make("t", 1, 2);
    assert_int_equal(tr_argc(m), 2);
    assert_int_equal(tr_item_type(tr_arg(m, 1)), TR_TYPE_INT);
    assert_int_equal(tr_item_type(tr_arg(m, 2)), TR_TYPE_INVALID);
    drop(m);
}

static void arrays_are_read_by_index(void **state)
{
    (void) state;
    int n;
    struct tr_msg *m = make("t", tr_array(1, 2, tr_array(3)));
    tr_item array = tr_arg(m, 0);
    assert_int_equal(tr_item_count(array), 3);
    assert_true(tr_read(tr_item_at(array, 1), &n) == TR_OK && n == 2);
    assert_true(tr_read(tr_item_at(tr_item_at(array, 2), 0), &n) == TR_OK && n == 3);
    assert_int_equal(tr_item_type(tr_item_at(array, 3)), TR_TYPE_INVALID);
    assert_int_equal(tr_item_type(tr_item_key(array, 0)), TR_TYPE_INVALID);
    drop(m);
}

static void maps_are_read_by_key_and_by_place(void **state)
{
    (void) state;
    int n;
    const char *s;
    struct tr_msg *m = make("t", tr_map("a", 1, 7, "seven", "a", 3, tr_strn("z\0", 2), 4));
    tr_item map = tr_arg(m, 0);
    assert_int_equal(tr_item_count(map), 4);
    assert_true(tr_read(tr_item_get(map, "a"), &n) == TR_OK && n == 1);
    assert_true(tr_read(tr_item_key(map, 1), &n) == TR_OK && n == 7);
    assert_true(tr_read(tr_item_at(map, 1), &s) == TR_OK);
    assert_string_equal(s, "seven");
    assert_int_equal(tr_item_type(tr_item_get(map, "b")), TR_TYPE_INVALID);
    assert_int_equal(tr_item_type(tr_item_get(map, "z")), TR_TYPE_INVALID);
    assert_int_equal(tr_item_type(tr_item_key(map, 4)), TR_TYPE_INVALID);
    assert_int_equal(tr_item_type(tr_item_at(map, 4)), TR_TYPE_INVALID);
    drop(m);
}

static void what_is_no_container_holds_nothing(void **state)
{
    (void) state;
    tr_item zero = { 0 };
    int n;
    struct tr_msg *m = make("t", "text");
    const tr_item items[] = { zero, tr_arg(m, 0) };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tr_item_count(items[i]), 0);
        assert_int_equal(tr_item_type(tr_item_at(items[i], 0)), TR_TYPE_INVALID);
        assert_int_equal(tr_item_type(tr_item_key(items[i], 0)), TR_TYPE_INVALID);
        assert_int_equal(tr_item_type(tr_item_get(items[i], "k")), TR_TYPE_INVALID);
        assert_int_equal(tr_read(items[i], &n), TR_EBADMSG);
    }
    drop(m);
}

static void types_have_the_names_that_signatures_use(void **state)
{
    (void) state;
    static const char *const names[] = { "invalid", "nil", "bool", "int",   "uint", "float",
                                         "str",     "bin", "addr", "array", "map",  "ptr" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_string_equal(tr_type_name((tr_type) i), names[i]);
    assert_string_equal(tr_type_name((tr_type) 99), "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        message_test(integers_fit_by_value_not_by_type),
        message_test(the_widest_integers_fit_their_own_sign_alone),
        message_test(numbers_of_another_kind_do_not_fit_integers),
        message_test(a_double_takes_integers_it_holds_exactly),
        message_test(a_float_takes_what_survives),
        message_test(a_bool_takes_bools_and_the_ints_0_and_1),
        message_test(a_string_with_a_nul_inside_is_no_c_string),
        message_test(bytes_take_binaries_blobs_and_strings),
        message_test(addresses_and_pointers_fit_their_own_kind),
        message_test(an_item_and_a_skip_take_anything),
        message_test(a_mismatch_anywhere_stores_nothing),
        message_test(number_and_tag_must_match_too),
        message_test(of_a_reply_the_first_value_is_compared),
        message_test(arguments_end_where_they_end),
        message_test(arrays_are_read_by_index),
        message_test(maps_are_read_by_key_and_by_place),
        message_test(what_is_no_container_holds_nothing),
        message_test(types_have_the_names_that_signatures_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
