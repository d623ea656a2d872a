/* SPDX-License-Identifier: MIT */
/* test_log.c - lines reach the hook whole, or cut and marked */
#include <string.h>

#include "base/log.h"
#include "support/unit.h"

struct lines {
    int count, level;
    char last[LOG_LINE_MAX * 2];
};

static void remember(void *ctx, int level, const char *line)
{
    struct lines *lines = ctx;
    lines->count++;
    lines->level = level;
    strcpy(lines->last, line);
}

static void a_line_reaches_the_hook_formatted(void **state)
{
    (void) state;
    struct lines got = { 0 };
    struct log log = { 2, remember, &got };
    log_line(&log, 1, "%s has %d", "a", 3);
    assert_string_equal(got.last, "a has 3");
    assert_int_equal(got.level, 1);
}

static void lines_above_the_level_are_dropped(void **state)
{
    (void) state;
    struct lines got = { 0 };
    struct log log = { 2, remember, &got };
    log_line(&log, 3, "too much");
    log_line(&log, 2, "just so");
    assert_int_equal(got.count, 1);
    assert_string_equal(got.last, "just so");
}

static void without_a_hook_nothing_happens(void **state)
{
    (void) state;
    struct log log = { 9, NULL, NULL };
    log_line(&log, 1, "to no one");
    log_line(NULL, 1, "to no one");
}

static void a_line_of_full_length_stays_whole(void **state)
{
    (void) state;
    struct lines got = { 0 };
    struct log log = { 2, remember, &got };
    log_line(&log, 1, "%*s", LOG_LINE_MAX, "end");
    assert_int_equal(strlen(got.last), LOG_LINE_MAX);
    assert_string_equal(got.last + LOG_LINE_MAX - 3, "end");
}

static void a_longer_line_is_cut_and_says_so(void **state)
{
    (void) state;
    struct lines got = { 0 };
    struct log log = { 2, remember, &got };
    log_line(&log, 1, "%*s", LOG_LINE_MAX + 1, "end");
    assert_int_equal(strlen(got.last), LOG_LINE_MAX);
    assert_string_equal(got.last + LOG_LINE_MAX - 3, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_reaches_the_hook_formatted), cmocka_unit_test(lines_above_the_level_are_dropped),
        cmocka_unit_test(without_a_hook_nothing_happens),    cmocka_unit_test(a_line_of_full_length_stays_whole),
        cmocka_unit_test(a_longer_line_is_cut_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
