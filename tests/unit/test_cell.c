/* SPDX-License-Identifier: MIT */
/* test_cell.c - the table of all actors: slots, generations, addresses into the past (src/actor/cell.c) */
#include <string.h>

#include "actor/cell.h"
#include "base/alloc.h"
#include "support/unit.h"

#define CELLS (CELL_CHUNK + 10) /* more than one chunk */

static struct cell_table table;
static struct cell_store store;
static bool full;

static int table_setup(void **state)
{
    (void) state;
    cell_table_init(&table, CELL_MAX, 1);
    cell_store_init(&store, &table, 0);
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
    struct cell *c = cell_new(&store, &full);
    uint64_t old = cell_id(c);
    assert_ptr_equal(cell_at(&table, old), c);
    cell_free(&store, c);
    assert_null(cell_at(&table, old));
    struct cell *next = cell_new(&store, &full);
    assert_ptr_equal(next, c); /* the slot is used again, the address is not */
    assert_int_not_equal(cell_id(next), old);
    assert_null(cell_at(&table, old));
    assert_ptr_equal(cell_at(&table, cell_id(next)), next);
}

static void an_address_that_never_was_finds_nobody(void **state)
{
    (void) state;
    assert_null(cell_at(&table, 0));
    struct cell *c = cell_new(&store, &full);
    assert_int_not_equal(cell_id(c), 0);
    assert_null(cell_at(&table, 0));
    assert_null(cell_at(&table, cell_id(c) + 1));
    assert_null(cell_at(&table, cell_id(c) + (UINT64_C(1) << 32)));
    assert_null(cell_at(&table, UINT64_MAX));
}

static void cells_stay_where_they_are_when_the_table_grows(void **state)
{
    (void) state;
    struct cell *first = cell_new(&store, &full);
    uint64_t id = cell_id(first);
    for (uint32_t i = 1; i < CELLS; i++) {
        struct cell *c = cell_new(&store, &full);
        assert_non_null(c);
        assert_ptr_equal(cell_at(&table, cell_id(c)), c);
        assert_int_equal((uintptr_t) c % 64, 0);
    }
    assert_ptr_equal(cell_at(&table, id), first);
}

static void over_the_limit_there_is_none_and_it_says_so(void **state)
{
    (void) state;
    table.max = 2;
    struct cell *a = cell_new(&store, &full);
    assert_non_null(cell_new(&store, &full));
    assert_false(full);
    assert_null(cell_new(&store, &full));
    assert_true(full);
    cell_free(&store, a);
    assert_ptr_equal(cell_new(&store, &full), a);
    assert_false(full);
}

/* S9.11: a generation that came round would make an old address mean someone new */
static void a_slot_whose_generation_would_wrap_is_retired(void **state)
{
    (void) state;
    struct cell *c = cell_new(&store, &full);
    c->id |= UINT64_C(0xffffffff) << 32;
    uint64_t last = cell_id(c);
    assert_ptr_equal(cell_at(&table, last), c);
    cell_free(&store, c);
    assert_null(cell_at(&table, last));
    assert_null(cell_at(&table, (uint32_t) last));
    assert_ptr_not_equal(cell_new(&store, &full), c);
}

/* A worker that has used up its slots gets others, and none is handed out twice. */
static void two_workers_have_slots_of_their_own(void **state)
{
    (void) state;
    bool other_full;
    struct cell_store other;
    cell_table_fini(&table);
    cell_table_init(&table, 100, 2);
    cell_store_init(&store, &table, 0);
    cell_store_init(&other, &table, 1);
    unsigned n = 0;
    for (; n < 101; n++) {
        struct cell *c = n % 2 == 0 ? cell_new(&store, &full) : cell_new(&other, &other_full);
        if (c == NULL)
            break;
        assert_int_equal(cell_home(c), n % 2);
        assert_ptr_equal(cell_at(&table, cell_id(c)), c);
        assert_int_equal(c->len, 0); /* not handed out before */
        c->len = 1;
    }
    assert_in_range(n, 90, 100); /* what the other has left is not there for this one */
    assert_true(full || other_full);
}

/* Else a cancel that came too late for one actor would meet the next. */
static void orders_for_one_that_has_ended_do_not_reach_the_next_in_its_slot(void **state)
{
    (void) state;
    struct cell *c = cell_new(&store, &full);
    atomic_store(&c->inbox, INBOX_CANCEL | INBOX_KILL | INBOX_ANNOUNCED);
    cell_free(&store, c);
    assert_ptr_equal(cell_new(&store, &full), c);
    assert_true(atomic_load(&c->inbox) == INBOX_ANNOUNCED); /* it still stands in a list of announced ones */
}

static void without_memory_there_is_none_and_the_table_lives_on(void **state)
{
    (void) state;
    mem_fail_at(1);
    struct cell *c = cell_new(&store, &full);
    mem_fail_at(0);
    assert_null(c);
    assert_false(full);
    assert_non_null(cell_new(&store, &full));
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
        table_test(two_workers_have_slots_of_their_own),
        table_test(orders_for_one_that_has_ended_do_not_reach_the_next_in_its_slot),
        table_test(without_memory_there_is_none_and_the_table_lives_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
