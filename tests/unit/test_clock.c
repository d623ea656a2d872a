/* SPDX-License-Identifier: MIT */
/* test_clock.c - points in time never overflow */
#include "base/clock.h"
#include "support/unit.h"

static void time_never_goes_back(void **state)
{
    (void) state;
    int64_t before = clock_monotonic_ns();
    assert_true(before > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_ns();
        assert_true(now >= before);
        before = now;
    }
}

static void milliseconds_from_now_are_added(void **state)
{
    (void) state;
    assert_int_equal(clock_after_ms(7, 3), 7 + 3 * NS_PER_MS);
    assert_int_equal(clock_after_ms(7, 0), 7);
}

static void for_ever_and_beyond_the_range_is_never(void **state)
{
    (void) state;
    assert_true(clock_after_ms(7, -1) == INT64_MAX);
    assert_true(clock_after_ms(7, INT64_MAX) == INT64_MAX);
    assert_true(clock_after_ms(INT64_MAX - 5, 1) == INT64_MAX);
    assert_true(clock_after_ms(NS_PER_MS, INT64_MAX / NS_PER_MS) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(milliseconds_from_now_are_added),
        cmocka_unit_test(for_ever_and_beyond_the_range_is_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
