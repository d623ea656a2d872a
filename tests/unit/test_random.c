/* SPDX-License-Identifier: MIT */
/* test_random.c - the generator is the published one, and seeds decide everything */
#include <string.h>

#include "base/random.h"
#include "support/unit.h"

static void numbers_are_those_of_the_published_generator(void **state)
{
    (void) state;
    struct random r = { { 1, 2, 3, 4 } };
    static const uint64_t expected[] = { 11520, 0, 1509978240, UINT64_C(1215971899390074240) };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_true(random_next(&r) == expected[i]);
}

static void a_seed_is_spread_by_the_published_splitmix(void **state)
{
    (void) state;
    struct random r;
    random_seed(&r, 1234567);
    assert_true(r.state[0] == UINT64_C(6457827717110365317));
    assert_true(r.state[1] == UINT64_C(3203168211198807973));
}

static void one_seed_gives_one_sequence(void **state)
{
    (void) state;
    struct random a, b;
    random_seed(&a, 42);
    random_seed(&b, 42);
    for (int i = 0; i < 100; i++)
        assert_true(random_next(&a) == random_next(&b));
}

static void seed_zero_is_never_twice_the_same(void **state)
{
    (void) state;
    struct random a, b;
    random_seed(&a, 0);
    random_seed(&b, 0);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void below_reaches_every_number_and_no_other(void **state)
{
    (void) state;
    struct random r;
    int seen[7] = { 0 };
    random_seed(&r, 5);
    for (int i = 0; i < 7000; i++) {
        uint64_t x = random_below(&r, 7);
        assert_true(x < 7);
        seen[x]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_true(random_below(&r, 1) == 0);
    assert_true(random_below(&r, UINT64_MAX) < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_the_published_generator),
        cmocka_unit_test(a_seed_is_spread_by_the_published_splitmix),
        cmocka_unit_test(one_seed_gives_one_sequence),
        cmocka_unit_test(seed_zero_is_never_twice_the_same),
        cmocka_unit_test(below_reaches_every_number_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
