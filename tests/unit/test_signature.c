/* SPDX-License-Identifier: MIT */
/* test_signature.c - what a row wants, what it gets, and what its reader is told */
#include <stdio.h>
#include <string.h>

#include "message/signature.h"
#include "support/messages.h"

static struct signature parsed(const char *text)
{
    struct signature s;
    char why[200] = "";
    if (signature_parse(text, &s, why, sizeof why) != TR_OK)
        fail_msg("\"%s\": %s", text, why);
    return s;
}

static void wrong(const char *text, const char *expected)
{
    struct signature s;
    char why[200] = "";
    assert_int_equal(signature_parse(text, &s, why, sizeof why), TR_EINVAL);
    assert_string_equal(why, expected);
}

static bool fits(const char *text, struct tr_msg *m)
{
    struct signature s = parsed(text);
    bool fit = signature_fits(&s, m);
    drop(m);
    return fit;
}

static void explains(const char *text, struct tr_msg *m, const char *expected)
{
    struct signature s = parsed(text);
    char why[200];
    signature_explain(&s, text, m, why, sizeof why);
    assert_string_equal(why, expected);
    drop(m);
}

static void nothing_is_a_signature_of_no_values(void **state)
{
    (void) state;
    assert_int_equal(parsed("").count, 0);
    assert_int_equal(parsed(NULL).count, 0);
    assert_int_equal(parsed("  ").count, 0);
    assert_true(fits("", make("t")));
    assert_false(fits("", make("t", 1)));
}

static void values_are_counted_and_may_be_left_out_at_the_end(void **state)
{
    (void) state;
    struct signature s = parsed("a:int, b:str?, c:any, d:map?,e:nil ?");
    assert_int_equal(s.count, 5);
    assert_int_equal(s.required, 3);
    assert_false(s.rest);
    assert_true(fits("n:int, name:str?", make("t", 1)));
    assert_true(fits("n:int, name:str?", make("t", 1, "x")));
    assert_true(fits("n:int, name:str?", make("t", 1, tr_nil())));
    assert_false(fits("n:int, name:str?", make("t", 1, 2)));
    assert_false(fits("n:int, name:str?", make("t")));
    assert_false(fits("n:int, name:str?", make("t", 1, "x", 2)));
}

static void rest_takes_whatever_follows(void **state)
{
    (void) state;
    assert_true(fits("n:int, rest...", make("t", 1)));
    assert_true(fits("n:int, rest...", make("t", 1, "x", 2.5, tr_nil())));
    assert_false(fits("n:int, rest...", make("t", "x")));
    assert_false(fits("n:int, rest ...", make("t")));
    assert_true(fits("rest...", make("t")));
}

static void each_type_takes_its_own(void **state)
{
    (void) state;
    static const char *const types[] = { "nil", "int", "float", "str", "bin", "addr", "array", "map", "ptr" };
    char row[32];
    for (size_t r = 0; r < 9; r++)
        for (size_t v = 0; v < 9; v++) {
            const tr_value values[] = { tr_nil(),           tr_int(5),        tr_float(5.5),
                                        tr_str("x"),        tr_bin("x", 1),   tr_v_addr((tr_addr){ 0, 1 }),
                                        tr_arrayn(NULL, 0), tr_mapn(NULL, 0), tr_local_ptr(row) };
            snprintf(row, sizeof row, "x:%s", types[r]);
            bool expected = r == v || (r == 2 && v == 1);
            assert_int_equal(fits(row, make("t", values[v])), expected);
            assert_true(fits("x:any", make("t", values[v])));
        }
}

static void a_value_that_fits_a_row_fits_the_variable_it_is_read_into(void **state)
{
    (void) state;
    assert_true(fits("b:bool", make("t", 1)) && fits("b:bool", make("t", tr_bool(false))));
    assert_false(fits("b:bool", make("t", 2)) || fits("b:bool", make("t", -1)) || fits("b:bool", make("t", 1.0)));
    assert_true(fits("u:uint", make("t", UINT64_MAX)) && fits("u:uint", make("t", 0)));
    assert_false(fits("u:uint", make("t", -1)) || fits("i:int", make("t", UINT64_MAX)));
    assert_true(fits("f:float", make("t", INT64_C(1) << 53)) && fits("f:float", make("t", -3)));
    assert_false(fits("f:float", make("t", (INT64_C(1) << 53) + 1)));
    assert_false(fits("s:str", make("t", tr_strn("a\0b", 3))));
    assert_true(fits("x:any", make("t", tr_strn("a\0b", 3))) && fits("x:any", make("t", INT64_MAX)));
}

static void mistakes_are_named_where_they_stand(void **state)
{
    (void) state;
    wrong("n:itn", "'n:itn': no type \"itn\" (any nil bool int uint float str bin addr array map ptr)");
    wrong("a:int, n", "'n': ':' and a type are missing");
    wrong("a:int b:int", "'b:int': ',' is missing");
    wrong("a:int,", "a name is missing after the last ','");
    wrong(":int", "a name is missing at ':int'");
    wrong("9a:int", "a name is missing at '9a:int'");
    wrong("rest..., a:int", "', a:int': nothing can follow \"...\"");
    wrong("a:int ??", "'?': ',' is missing");
    wrong("a:", "'a:': no type \"\" (any nil bool int uint float str bin addr array map ptr)");
}

static void seventeen_values_are_too_many(void **state)
{
    (void) state;
    char text[200] = "a:int";
    for (int i = 1; i < 16; i++)
        strcat(text, ",a:int");
    assert_int_equal(parsed(text).count, 16);
    strcat(text, ",b:int");
    wrong(text, "'b': a message has at most 16 values");
}

static void a_mistake_leaves_the_signature_alone(void **state)
{
    (void) state;
    struct signature s = parsed("a:int, b:int");
    assert_int_equal(signature_parse("c:str, oops", &s, NULL, 0), TR_EINVAL);
    assert_int_equal(s.count, 2);
}

static void the_reader_is_told_which_value_and_what_was_wanted(void **state)
{
    (void) state;
    explains("n:int", make("add", "x"), "add: value 1 is str, the row wants n:int");
    explains(" n:int , name:str? ", make("add", 1, 2), "add: value 2 is int, the row wants name:str?");
    explains("n:int", make("add"), "add: 0 values, the row wants \"n:int\"");
    explains("", make("add", 1), "add: 1 value, the row wants \"\"");
    explains("u:uint", make("add", -1), "add: value 1 is a negative int, the row wants u:uint");
    explains("i:int", make("add", UINT64_MAX), "add: value 1 is an int above 2^63-1, the row wants i:int");
    explains("f:float", make("add", INT64_MAX),
             "add: value 1 is an int that no float holds exactly, the row wants f:float");
    explains("s:str", make("add", tr_strn("\0", 1)), "add: value 1 is a str with a NUL inside, the row wants s:str");
    explains("n:int", make_reply("x"), "reply: value 1 is str, the row wants n:int");
    explains("n:int", make("add", 1), "add: the values fit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        message_test(nothing_is_a_signature_of_no_values),
        message_test(values_are_counted_and_may_be_left_out_at_the_end),
        message_test(rest_takes_whatever_follows),
        message_test(each_type_takes_its_own),
        message_test(a_value_that_fits_a_row_fits_the_variable_it_is_read_into),
        message_test(mistakes_are_named_where_they_stand),
        message_test(seventeen_values_are_too_many),
        message_test(a_mistake_leaves_the_signature_alone),
        message_test(the_reader_is_told_which_value_and_what_was_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
