/* SPDX-License-Identifier: MIT */
/* test_heap.c - deadlines in order, equal ones in the order in which they came */
#include "base/alloc.h"
#include "base/heap.h"
#include "base/random.h"
#include "support/unit.h"

#define NODES 200

static void equal_keys_come_out_as_they_went_in(void **state)
{
    (void) state;
    struct heap h = { 0 };
    struct heap_node nodes[NODES] = { 0 };
    for (int i = 0; i < NODES; i++)
        assert_true(heap_push(&h, &nodes[i], i % 3));
    for (int key = 0; key < 3; key++)
        for (int i = key; i < NODES; i += 3)
            assert_ptr_equal(heap_pop(&h), &nodes[i]);
    assert_null(heap_pop(&h));
    heap_fini(&h);
}

static void an_update_goes_behind_equal_keys(void **state)
{
    (void) state;
    struct heap h = { 0 };
    struct heap_node a = { 0 }, b = { 0 };
    assert_true(heap_push(&h, &a, 5) && heap_push(&h, &b, 5));
    heap_update(&h, &a, 5);
    assert_ptr_equal(heap_pop(&h), &b);
    assert_ptr_equal(heap_pop(&h), &a);
    heap_fini(&h);
}

static void an_empty_heap_has_no_minimum(void **state)
{
    (void) state;
    struct heap h = { 0 };
    struct heap_node n = { 0 };
    assert_true(heap_min(&h) == INT64_MAX);
    assert_true(heap_push(&h, &n, -4));
    assert_int_equal(heap_min(&h), -4);
    assert_int_equal(heap_key(&h, &n), -4);
    heap_fini(&h);
    assert_false(heap_has(&n));
}

static void a_push_without_memory_changes_nothing(void **state)
{
    (void) state;
    struct heap h = { 0 };
    struct heap_node n = { 0 };
    mem_fail_at(1);
    bool pushed = heap_push(&h, &n, 1);
    mem_fail_at(0);
    assert_false(pushed);
    assert_false(heap_has(&n));
    assert_int_equal(h.len, 0);
    heap_fini(&h);
}

static void memory_goes_back_when_most_of_it_is_free(void **state)
{
    (void) state;
    static struct heap_node nodes[10000];
    struct heap h = { 0 };
    for (int i = 0; i < 10000; i++)
        assert_true(heap_push(&h, &nodes[i], i));
    for (int i = 0; i < 9990; i++)
        heap_remove(&h, &nodes[i]);
    assert_true(h.cap <= 64);
    assert_ptr_equal(heap_pop(&h), &nodes[9990]);
    heap_fini(&h);
}

static void a_removal_survives_a_refused_shrink(void **state)
{
    (void) state;
    static struct heap_node nodes[256];
    struct heap h = { 0 };
    for (int i = 0; i < 256; i++)
        assert_true(heap_push(&h, &nodes[i], i));
    for (int i = 0; i < 256; i++) {
        mem_fail_at(1);
        assert_ptr_equal(heap_pop(&h), &nodes[i]);
        mem_fail_at(0);
    }
    heap_fini(&h);
}

/* What a heap should do, done naively. */
struct model {
    bool in[NODES];
    int64_t key[NODES];
    uint64_t order[NODES], next;
};

static void model_set(struct model *m, size_t i, int64_t key)
{
    m->in[i] = true;
    m->key[i] = key;
    m->order[i] = m->next++;
}

static size_t model_min(const struct model *m)
{
    size_t min = NODES;
    for (size_t i = 0; i < NODES; i++)
        if (m->in[i] &&
            (min == NODES || m->key[i] < m->key[min] || (m->key[i] == m->key[min] && m->order[i] < m->order[min])))
            min = i;
    return min;
}

static void both_do(struct heap *h, struct heap_node *nodes, struct model *m, struct random *r)
{
    size_t i = random_below(r, NODES);
    int64_t key = (int64_t) random_below(r, 20);
    if (random_below(r, 4) == 0) {
        size_t min = model_min(m);
        assert_ptr_equal(heap_pop(h), min < NODES ? &nodes[min] : NULL);
        m->in[min < NODES ? min : 0] = false;
    } else if (!m->in[i]) {
        assert_true(heap_push(h, &nodes[i], key));
        model_set(m, i, key);
    } else if (key % 2 == 0) {
        heap_update(h, &nodes[i], key);
        model_set(m, i, key);
    } else {
        heap_remove(h, &nodes[i]);
        m->in[i] = false;
    }
}

static void random_operations_agree_with_a_naive_model(void **state)
{
    (void) state;
    struct heap h = { 0 };
    struct heap_node nodes[NODES] = { 0 };
    struct model m = { 0 };
    struct random r;
    random_seed(&r, 20240229);
    for (int step = 0; step < 20000; step++) {
        both_do(&h, nodes, &m, &r);
        size_t min = model_min(&m);
        assert_true(heap_min(&h) == (min < NODES ? m.key[min] : INT64_MAX));
        for (size_t i = 0; i < NODES; i++)
            assert_int_equal(heap_has(&nodes[i]), m.in[i]);
    }
    heap_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_keys_come_out_as_they_went_in),
        cmocka_unit_test(an_update_goes_behind_equal_keys),
        cmocka_unit_test(an_empty_heap_has_no_minimum),
        cmocka_unit_test(a_push_without_memory_changes_nothing),
        cmocka_unit_test(memory_goes_back_when_most_of_it_is_free),
        cmocka_unit_test(a_removal_survives_a_refused_shrink),
        cmocka_unit_test(random_operations_agree_with_a_naive_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
