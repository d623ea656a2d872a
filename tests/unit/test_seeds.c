/* SPDX-License-Identifier: MIT */
/* test_seeds.c - many seeds, and the one that failed again (docs/semantics.md, S58) */
#include <stdlib.h>

#include "support/actor_test.h"

struct check {
    uint64_t fails_at;
    uint64_t seen[8];
    size_t n;
};

static tr_err notes_its_seed(void *arg, char *why, size_t size)
{
    struct check *c = arg;
    if (c->n < 8)
        c->seen[c->n++] = tr_test_seed();
    if (tr_test_seed() != c->fails_at)
        return TR_OK;
    snprintf(why, size, "two came before one");
    return TR_EUSER;
}

/* S58.4 */
static void check_runs_under_each_seed_until_it_fails_and_says_how_to_run_it_again(void **state)
{
    struct check c = { .fails_at = 3 };
    uint64_t ran = 0;
    char text[160];
    (void) state;
    (void) unsetenv("TROUPE_SEED");
    assert_int_equal(tr_test_seeds(5, TR_FOREVER, notes_its_seed, &c, &ran, text, sizeof text), TR_EUSER);
    assert_int_equal(ran, 3);
    assert_int_equal(c.n, 3);
    assert_int_equal(c.seen[2], 3);
    assert_string_equal(text, "two came before one: TR_EUSER under seed 3; TROUPE_SEED=3 runs it again");
    assert_int_equal(tr_test_seed(), 0);
}

/* S58.4 */
static void seed_of_the_environment_is_the_only_one(void **state)
{
    struct check c = { .fails_at = 0 };
    uint64_t ran = 0;
    char text[160];
    (void) state;
    (void) setenv("TROUPE_SEED", "17", 1);
    assert_int_equal(tr_test_seed(), 17);
    assert_int_equal(tr_test_seeds(5, TR_FOREVER, notes_its_seed, &c, &ran, text, sizeof text), TR_OK);
    (void) unsetenv("TROUPE_SEED");
    assert_int_equal(ran, 1);
    assert_int_equal(c.seen[0], 17);
    assert_string_equal(text, "");
}

/* S58.4 */
static void time_that_is_over_ends_the_seeds_after_the_first(void **state)
{
    struct check c = { .fails_at = 0 };
    uint64_t ran = 0;
    (void) state;
    assert_int_equal(tr_test_seeds(1000000, 0, notes_its_seed, &c, &ran, NULL, 0), TR_OK);
    assert_int_equal(ran, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_runs_under_each_seed_until_it_fails_and_says_how_to_run_it_again),
        cmocka_unit_test(seed_of_the_environment_is_the_only_one),
        cmocka_unit_test(time_that_is_over_ends_the_seeds_after_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
