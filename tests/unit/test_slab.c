/* SPDX-License-Identifier: MIT */
/* test_slab.c - objects of one size, recycled */
#include <string.h>

#include "base/alloc.h"
#include "base/slab.h"
#include "support/unit.h"

static void what_is_freed_last_comes_back_first(void **state)
{
    (void) state;
    struct slab s;
    slab_init(&s, 48, 1024);
    void *a = slab_alloc(&s), *b = slab_alloc(&s);
    slab_free(&s, a);
    slab_free(&s, b);
    assert_ptr_equal(slab_alloc(&s), b);
    assert_ptr_equal(slab_alloc(&s), a);
    assert_int_equal(slab_live(&s), 2);
    slab_fini(&s);
}

static void objects_do_not_overlap_across_chunks(void **state)
{
    (void) state;
    struct slab s;
    unsigned char *objects[100];
    slab_init(&s, 48, 512);
    for (int i = 0; i < 100; i++) {
        objects[i] = slab_alloc(&s);
        memset(objects[i], i, 48);
    }
    for (int i = 0; i < 100; i++)
        for (int k = 0; k < 48; k++)
            assert_int_equal(objects[i][k], i);
    slab_fini(&s);
}

static void fresh_objects_are_zero_and_aligned(void **state)
{
    (void) state;
    static const char zeros[192];
    struct slab s;
    slab_init(&s, sizeof zeros, 4096);
    for (int i = 0; i < 50; i++) {
        void *p = slab_alloc(&s);
        assert_int_equal((uintptr_t) p % 64, 0);
        assert_memory_equal(p, zeros, sizeof zeros);
    }
    slab_fini(&s);
    slab_init(&s, 17, 4096);
    for (int i = 0; i < 50; i++)
        assert_int_equal((uintptr_t) slab_alloc(&s) % 16, 0);
    slab_fini(&s);
}

static void only_the_link_of_a_freed_object_is_overwritten(void **state)
{
    (void) state;
    struct slab s;
    slab_init(&s, 64, 4096);
    unsigned char *p = slab_alloc(&s);
    memset(p, 0xab, 64);
    slab_free(&s, p);
    for (size_t i = sizeof(void *); i < 64; i++)
        assert_int_equal(p[i], 0xab);
    slab_fini(&s);
}

static void a_chunk_too_small_for_one_object_grows_to_it(void **state)
{
    (void) state;
    struct slab s;
    slab_init(&s, 4096, 16);
    char *a = slab_alloc(&s), *b = slab_alloc(&s);
    memset(a, 1, 4096);
    memset(b, 2, 4096);
    assert_int_equal(a[4095], 1);
    slab_fini(&s);
}

static void without_memory_alloc_gives_null_and_the_slab_lives_on(void **state)
{
    (void) state;
    struct slab s;
    slab_init(&s, 64, 256);
    mem_fail_at(1);
    void *p = slab_alloc(&s);
    mem_fail_at(0);
    assert_null(p);
    assert_int_equal(slab_live(&s), 0);
    assert_non_null(slab_alloc(&s));
    slab_fini(&s);
}

static void a_finished_slab_is_empty_and_usable(void **state)
{
    (void) state;
    struct slab zero = { 0 };
    slab_fini(&zero);
    struct slab s;
    slab_init(&s, 64, 256);
    slab_alloc(&s);
    slab_fini(&s);
    assert_int_equal(slab_live(&s), 0);
    assert_non_null(slab_alloc(&s));
    slab_fini(&s);
}

/* ---- several threads' slabs ---- */

static size_t chunks_of(const struct slab *s)
{
    size_t n = 0;
    for (void *c = s->chunks; c != NULL; c = *(void **) c)
        n++;
    return n;
}

/* One makes, the other lets go: what is free there comes back here. */
static void a_producer_and_a_consumer_do_not_grow_without_end(void **state)
{
    (void) state;
    struct depot depot;
    struct slab maker, taker;
    depot_init(&depot);
    slab_init(&maker, 64, 4096);
    slab_init(&taker, 64, 4096);
    slab_join(&maker, &depot);
    slab_join(&taker, &depot);
    for (int i = 0; i < 100000; i++)
        slab_free(&taker, slab_alloc(&maker));
    assert_in_range(chunks_of(&maker), 1, 4 * SLAB_BATCH * 64 / 4096);
    assert_int_equal(chunks_of(&taker), 0);
    assert_int_equal(slab_live(&maker) + slab_live(&taker), 0);
    slab_fini(&maker);
    slab_fini(&taker);
    depot_fini(&depot);
}

static void what_is_exchanged_is_never_handed_out_twice(void **state)
{
    (void) state;
    enum { OBJECTS = 5 * SLAB_BATCH };
    static unsigned char *held[OBJECTS];
    struct depot depot;
    struct slab slabs[2];
    depot_init(&depot);
    for (int i = 0; i < 2; i++) {
        slab_init(&slabs[i], 64, 4096);
        slab_join(&slabs[i], &depot);
    }
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < OBJECTS; i++) {
            held[i] = slab_alloc(&slabs[i % 2]);
            memset(held[i], i % 251, 64);
        }
        for (int i = 0; i < OBJECTS; i++)
            for (int k = 0; k < 64; k++)
                assert_int_equal(held[i][k], i % 251);
        for (int i = 0; i < OBJECTS; i++)
            slab_free(&slabs[(i + round) % 2], held[i]);
    }
    assert_int_equal(slab_live(&slabs[0]) + slab_live(&slabs[1]), 0);
    slab_fini(&slabs[0]);
    slab_fini(&slabs[1]);
    depot_fini(&depot);
}

static void without_memory_for_the_depots_list_a_slab_keeps_what_it_has(void **state)
{
    (void) state;
    enum { OBJECTS = 6 * SLAB_BATCH };
    static void *held[OBJECTS];
    struct depot depot;
    struct slab s;
    depot_init(&depot);
    slab_init(&s, 64, 4096);
    slab_join(&s, &depot);
    for (int i = 0; i < OBJECTS; i++)
        held[i] = slab_alloc(&s);
    (void) mem_fail_at(1);
    for (int i = 0; i < OBJECTS; i++)
        slab_free(&s, held[i]);
    (void) mem_fail_at(0);
    assert_int_equal(slab_live(&s), 0);
    for (int i = 0; i < OBJECTS; i++)
        assert_non_null(slab_alloc(&s));
    assert_int_equal(chunks_of(&s), OBJECTS * 64 / (4096 - 64) + 1);
    slab_fini(&s);
    depot_fini(&depot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_freed_last_comes_back_first),
        cmocka_unit_test(objects_do_not_overlap_across_chunks),
        cmocka_unit_test(fresh_objects_are_zero_and_aligned),
        cmocka_unit_test(only_the_link_of_a_freed_object_is_overwritten),
        cmocka_unit_test(a_chunk_too_small_for_one_object_grows_to_it),
        cmocka_unit_test(without_memory_alloc_gives_null_and_the_slab_lives_on),
        cmocka_unit_test(a_finished_slab_is_empty_and_usable),
        cmocka_unit_test(a_producer_and_a_consumer_do_not_grow_without_end),
        cmocka_unit_test(what_is_exchanged_is_never_handed_out_twice),
        cmocka_unit_test(without_memory_for_the_depots_list_a_slab_keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
