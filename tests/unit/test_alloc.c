/* SPDX-License-Identifier: MIT */
/* test_alloc.c - the one door to the heap, and its n-th failure */
#include <string.h>

#include "base/alloc.h"
#include "support/unit.h"

static void the_nth_allocation_fails_and_only_that(void **state)
{
    (void) state;
    mem_fail_at(2);
    void *first = mem_alloc(8);
    void *second = mem_alloc(8);
    void *third = mem_alloc(8);
    mem_fail_at(0);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    mem_free(first);
    mem_free(third);
}

static void every_door_counts_and_can_fail(void **state)
{
    (void) state;
    void *p = mem_alloc(8);
    for (uint64_t n = 1; n <= 4; n++) {
        mem_fail_at(n);
        void *z = mem_zalloc(8);
        void *a = mem_alloc_aligned(64, 128);
        char *s = mem_strdup("x");
        void *r = mem_realloc(p, 16);
        p = r != NULL ? r : p;
        assert_int_equal(mem_fail_at(0), 4);
        assert_int_equal((z == NULL) + (a == NULL) * 2 + (s == NULL) * 3 + (r == NULL) * 4, n);
        mem_free(z);
        mem_free(a);
        mem_free(s);
    }
    mem_free(p);
}

static void a_failed_realloc_leaves_the_block_as_it_was(void **state)
{
    (void) state;
    char *p = mem_strdup("kept");
    mem_fail_at(1);
    assert_null(mem_realloc(p, 1 << 20));
    mem_fail_at(0);
    assert_string_equal(p, "kept");
    mem_free(p);
}

static void size_zero_gives_a_block(void **state)
{
    (void) state;
    void *a = mem_alloc(0), *z = mem_zalloc(0), *r = mem_realloc(NULL, 0);
    assert_true(a != NULL && z != NULL && r != NULL);
    mem_free(a);
    mem_free(z);
    mem_free(r);
    mem_free(NULL);
}

static void aligned_blocks_are_aligned_and_zeroed_ones_are_zero(void **state)
{
    (void) state;
    static const char zeros[64];
    void *a = mem_alloc_aligned(4096, 10);
    char *z = mem_zalloc(sizeof zeros);
    assert_int_equal((uintptr_t) a % 4096, 0);
    assert_memory_equal(z, zeros, sizeof zeros);
    mem_free(a);
    mem_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nth_allocation_fails_and_only_that),
        cmocka_unit_test(every_door_counts_and_can_fail),
        cmocka_unit_test(a_failed_realloc_leaves_the_block_as_it_was),
        cmocka_unit_test(size_zero_gives_a_block),
        cmocka_unit_test(aligned_blocks_are_aligned_and_zeroed_ones_are_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
