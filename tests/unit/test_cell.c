/* SPDX-License-Identifier: MIT */
/* test_cell.c - the table of all actors: slots, generations, addresses into the past (src/actor/cell.c) */
#include <string.h>

#include "actor/cell.h"
#include "base/alloc.h"
#include "support/unit.h"

#define CELLS (CELL_CHUNK + 10) /* more than one chunk */

static struct cell_table table;
static bool full;

static int table_setup(void **state)
{
    (void) state;
    memset(&table, 0, sizeof table);
    table.max = CELL_MAX;
    return 0;
}

static int table_teardown(void **state)
{
    (void) state;
    cell_table_fini(&table);
    return 0;
}

/* S9.11 */
static void an_address_finds_its_actor_while_it_lives_and_nobody_afterwards(void **state)
{
    (void) state;
    struct cell *c = cell_new(&table, &full);
    uint64_t old = cell_id(c);
    assert_ptr_equal(cell_find(&table, old), c);
    cell_free(&table, c);
    assert_null(cell_find(&table, old));
    struct cell *next = cell_new(&table, &full);
    assert_ptr_equal(next, c); /* the slot is used again, the address is not */
    assert_int_not_equal(cell_id(next), old);
    assert_null(cell_find(&table, old));
    assert_ptr_equal(cell_find(&table, cell_id(next)), next);
}

static void an_address_that_never_was_finds_nobody(void **state)
{
    (void) state;
    assert_null(cell_find(&table, 0));
    struct cell *c = cell_new(&table, &full);
    assert_int_not_equal(cell_id(c), 0);
    assert_null(cell_find(&table, 0));
    assert_null(cell_find(&table, cell_id(c) + 1));
    assert_null(cell_find(&table, cell_id(c) + (UINT64_C(1) << 32)));
    assert_null(cell_find(&table, UINT64_MAX));
}

static void cells_stay_where_they_are_when_the_table_grows(void **state)
{
    (void) state;
    struct cell *first = cell_new(&table, &full);
    uint64_t id = cell_id(first);
    for (uint32_t i = 1; i < CELLS; i++) {
        struct cell *c = cell_new(&table, &full);
        assert_non_null(c);
        assert_ptr_equal(cell_find(&table, cell_id(c)), c);
        assert_int_equal((uintptr_t) c % 64, 0);
    }
    assert_ptr_equal(cell_find(&table, id), first);
}

static void over_the_limit_there_is_none_and_it_says_so(void **state)
{
    (void) state;
    table.max = 2;
    struct cell *a = cell_new(&table, &full);
    assert_non_null(cell_new(&table, &full));
    assert_false(full);
    assert_null(cell_new(&table, &full));
    assert_true(full);
    cell_free(&table, a);
    assert_ptr_equal(cell_new(&table, &full), a);
    assert_false(full);
}

/* S9.11: a generation that came round would make an old address mean someone new */
static void a_slot_whose_generation_would_wrap_is_retired(void **state)
{
    (void) state;
    struct cell *c = cell_new(&table, &full);
    c->id |= UINT64_C(0xffffffff) << 32;
    uint64_t last = cell_id(c);
    assert_ptr_equal(cell_find(&table, last), c);
    cell_free(&table, c);
    assert_null(cell_find(&table, last));
    assert_null(cell_find(&table, (uint32_t) last));
    assert_ptr_not_equal(cell_new(&table, &full), c);
}

static void without_memory_there_is_none_and_the_table_lives_on(void **state)
{
    (void) state;
    mem_fail_at(1);
    struct cell *c = cell_new(&table, &full);
    mem_fail_at(0);
    assert_null(c);
    assert_false(full);
    assert_non_null(cell_new(&table, &full));
}

#define table_test(name) cmocka_unit_test_setup_teardown(name, table_setup, table_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        table_test(an_address_finds_its_actor_while_it_lives_and_nobody_afterwards),
        table_test(an_address_that_never_was_finds_nobody),
        table_test(cells_stay_where_they_are_when_the_table_grows),
        table_test(over_the_limit_there_is_none_and_it_says_so),
        table_test(a_slot_whose_generation_would_wrap_is_retired),
        table_test(without_memory_there_is_none_and_the_table_lives_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
