/* SPDX-License-Identifier: MIT */
/* test_print.c - messages as text, in the notation of docs/messages.md */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/messages.h"

static void prints(struct tr_msg *m, const char *expected)
{
    assert_string_equal(text_of(m), expected);
    assert_int_equal(tr_msg_print(m, NULL, 0), strlen(expected));
    drop(m);
}

static void the_example_of_the_header_prints_as_it_says(void **state)
{
    (void) state;
    tr_addr a = { 0, UINT64_C(1) << 32 | 3 };
    prints(make("add", 42, "x", a, tr_array(1, 2), tr_map("k", tr_nil()), tr_bin("hello", 5)),
           "add 42 \"x\" <3.1> [1, 2] {\"k\": nil} bin(5)\"68656c6c6f\"");
}

static void a_tag_stands_alone_and_a_reply_without_one(void **state)
{
    (void) state;
    prints(make("stop"), "stop");
    prints(make_reply("hello", 1), "\"hello\" 1");
    prints(make_values(NULL, 0, false), "");
}

static void simple_values_print_as_words(void **state)
{
    (void) state;
    prints(make("t", tr_nil(), tr_bool(true), tr_bool(false), INT64_MIN, UINT64_MAX),
           "t nil true false -9223372036854775808 18446744073709551615");
    prints(make("t", tr_local_ptr((void *) (uintptr_t) 0xbeef)), "t ptr(0xbeef)");
    prints(make("t", ((tr_addr){ 0xabc, 5 })), "t <abc:5.0>");
}

static void strings_are_quoted_and_escaped(void **state)
{
    (void) state;
    prints(make("t", "a\"b\\c\nd\te\rf\x7f"), "t \"a\\\"b\\\\c\\nd\\te\\x0df\\x7f\"");
    prints(make("t", tr_strn("a\0b", 3), ""), "t \"a\\x00b\" \"\"");
}

static void printable_utf8_stays_and_what_is_not_is_escaped(void **state)
{
    (void) state;
    prints(make("t", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xad"), "t \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xad\"");
    prints(make("t", "\xc2\x9b"
                     "2J"),
           "t \"\\xc2\\x9b2J\"");                               /* a terminal's control sequence introducer */
    prints(make("t", "\xc0\xaf"), "t \"\\xc0\\xaf\"");          /* '/' in two bytes */
    prints(make("t", "\xed\xa0\x80"), "t \"\\xed\\xa0\\x80\""); /* half of a surrogate pair */
    prints(make("t", "\xf4\x90\x80\x80"), "t \"\\xf4\\x90\\x80\\x80\"");
    prints(make("t", "\xe2\x82"), "t \"\\xe2\\x82\""); /* cut */
    prints(make("t", "\xff\x80"), "t \"\\xff\\x80\"");
}

static void tags_are_escaped_without_quotes(void **state)
{
    (void) state;
    prints(make("a b\"\\\n\xc3\xa9"), "a\\x20b\\x22\\x5c\\x0a\\xc3\\xa9");
}

static void binaries_show_32_bytes_and_their_length(void **state)
{
    (void) state;
    char data[40], expected[120] = "t bin(40)\"";
    memset(data, 0xab, sizeof data);
    for (int i = 0; i < 32; i++)
        strcat(expected, "ab");
    prints(make("t", tr_bin(data, 40)), strcat(expected, "...\""));
    prints(make("t", tr_bin(data, 0)), "t bin(0)\"\"");
}

static void containers_print_as_they_nest(void **state)
{
    (void) state;
    prints(make("t", tr_array(tr_array(1, "a"), tr_arrayn(NULL, 0)), tr_map(1, tr_map("k", 2), "z", 3.5)),
           "t [[1, \"a\"], []] {1: {\"k\": 2}, \"z\": 3.5}");
    prints(make("t", tr_mapn(NULL, 0)), "t {}");
}

static void floats_look_like_floats_and_are_as_short_as_can_be(void **state)
{
    (void) state;
    prints(make("t", 1.0, 0.1, -0.0, 1e300, 100000.0, 5e-324), "t 1.0 0.1 -0.0 1e+300 1e+05 5e-324");
    prints(make("t", 1.0 / 3, 2.5f, (double) NAN, (double) INFINITY, -(double) INFINITY),
           "t 0.3333333333333333 2.5 nan inf -inf");
}

static void random_floats_read_back_as_they_were(void **state)
{
    (void) state;
    struct random r;
    random_seed(&r, 99);
    for (int i = 0; i < 3000; i++) {
        double d;
        uint64_t bits = random_next(&r);
        memcpy(&d, &bits, 8);
        if (isnan(d) || isinf(d))
            continue;
        struct tr_msg *m = make_reply(d);
        assert_true(strtod(text_of(m), NULL) == d);
        assert_non_null(strpbrk(text_of(m), ".e"));
        drop(m);
    }
}

static void a_locale_with_a_comma_changes_nothing(void **state)
{
    (void) state;
    static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "es_ES.UTF-8" };
    size_t i = 0;
    while (i < 4 && setlocale(LC_NUMERIC, names[i]) == NULL)
        i++;
    if (i == 4)
        skip(); /* not every machine has one */
    struct tr_msg *m = make("t", 0.5, 1e-7, 3.0);
    char text[100];
    tr_msg_print(m, text, sizeof text);
    drop(m);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(text, "t 0.5 1e-07 3.0");
}

static void a_short_buffer_gets_the_beginning_and_a_nul(void **state)
{
    (void) state;
    struct tr_msg *m = make("greet", "world");
    for (size_t size = 1; size <= 14; size++) {
        char buf[16];
        memset(buf, '#', sizeof buf);
        assert_int_equal(tr_msg_print(m, buf, size), 13);
        assert_int_equal(strlen(buf), size - 1);
        assert_memory_equal(buf, "greet \"world\"", size - 1);
        assert_int_equal(buf[size], '#');
    }
    drop(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        message_test(the_example_of_the_header_prints_as_it_says),
        message_test(a_tag_stands_alone_and_a_reply_without_one),
        message_test(simple_values_print_as_words),
        message_test(strings_are_quoted_and_escaped),
        message_test(printable_utf8_stays_and_what_is_not_is_escaped),
        message_test(tags_are_escaped_without_quotes),
        message_test(binaries_show_32_bytes_and_their_length),
        message_test(containers_print_as_they_nest),
        message_test(floats_look_like_floats_and_are_as_short_as_can_be),
        message_test(random_floats_read_back_as_they_were),
        message_test(a_locale_with_a_comma_changes_nothing),
        message_test(a_short_buffer_gets_the_beginning_and_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
