/* SPDX-License-Identifier: MIT */
/* test_signal_name.c - signals by their names */
#include <signal.h>

#include <troupe/signal.h>

#include "support/unit.h"

static void signals_have_the_names_they_are_written_with(void **state)
{
    (void) state;
    assert_string_equal(tr_signal_name(SIGINT), "SIGINT");
    assert_string_equal(tr_signal_name(SIGSYS), "SIGSYS");
    assert_string_equal(tr_signal_name(SIGRTMIN), "SIGRTMIN");
    assert_string_equal(tr_signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
}

static void numbers_that_are_none_are_said_as_numbers(void **state)
{
    (void) state;
    assert_string_equal(tr_signal_name(0), "signal 0");
    assert_string_equal(tr_signal_name(-1), "signal -1");
    assert_string_equal(tr_signal_name(4711), "signal 4711");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_have_the_names_they_are_written_with),
        cmocka_unit_test(numbers_that_are_none_are_said_as_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
