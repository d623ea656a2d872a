/* SPDX-License-Identifier: MIT */
/* test_gate.c - who may touch a worker's actors: one thread at a time (src/actor/gate.c)
 *
 * Reaches inside: a gate is the runtime's own, and what it keeps apart shows outside only as memory that is broken once
 * in a million times. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "actor/gate.h"
#include "support/unit.h"

#define ROUNDS 20000
#define SEIZURES 200

struct shared {
    struct gate gate;
    long a, b; /* equal whenever nobody is inside */
    atomic_bool over;
    atomic_long seized, torn;
};

/* Comes and goes as a worker does that sends a lot. */
static void work_inside(struct shared *s)
{
    gate_enter(&s->gate);
    s->a++;
    gate_enter(&s->gate); /* entering nests */
    s->b++;
    gate_leave(&s->gate);
    gate_leave(&s->gate);
}

static void *thief(void *arg)
{
    struct shared *s = arg;
    while (!atomic_load(&s->over)) {
        if (!gate_seize(&s->gate, false)) {
            sched_yield();
            continue;
        }
        if (s->a != s->b)
            atomic_fetch_add(&s->torn, 1);
        s->a++;
        s->b++;
        gate_release(&s->gate);
        atomic_fetch_add(&s->seized, 1);
    }
    return NULL;
}

static void a_thief_and_the_worker_are_never_inside_together(void **state)
{
    (void) state;
    pthread_t threads[2];
    struct shared s = { .a = 0 };
    if (!gate_prepare()) {
        print_message("skipped: membarrier(2) is not to be had\n");
        skip();
    }
    alarm(60);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thief, &s), 0);
    long rounds = 0;
    for (; rounds < ROUNDS || atomic_load(&s.seized) < SEIZURES; rounds++)
        work_inside(&s);
    atomic_store(&s.over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    alarm(0);
    assert_int_equal(s.torn, 0);
    assert_int_equal(s.a, s.b);
    assert_int_equal(s.a, rounds + atomic_load(&s.seized));
}

static void one_that_is_inside_is_not_seized_and_one_that_has_left_is(void **state)
{
    (void) state;
    struct gate gate = { 0 };
    if (!gate_prepare())
        skip();
    gate_enter(&gate);
    assert_false(gate_seize(&gate, false));
    assert_false(gate_seize(&gate, true));
    gate_leave(&gate);
    assert_true(gate_seize(&gate, true));
    assert_true(gate_is_left(&gate));
    assert_false(gate_seize(&gate, false)); /* two thieves neither */
    gate_release(&gate);
    assert_true(gate_seize(&gate, false));
    gate_release(&gate);
    gate_enter_awake(&gate);
    assert_int_equal(gate_depth(&gate), 1);
    gate_leave(&gate);
}

struct waiting {
    struct gate gate;
    atomic_int entered;
};

static void *come_back(void *arg)
{
    struct waiting *w = arg;
    gate_enter_awake(&w->gate);
    atomic_store(&w->entered, 1);
    gate_leave(&w->gate);
    return NULL;
}

static void a_worker_that_comes_back_waits_for_the_thief(void **state)
{
    (void) state;
    pthread_t thread;
    struct waiting w = { .entered = 0 };
    assert_true(gate_seize(&w.gate, true));
    assert_int_equal(pthread_create(&thread, NULL, come_back, &w), 0);
    for (int i = 0; i < 1000; i++)
        sched_yield();
    assert_int_equal(w.entered, 0);
    gate_release(&w.gate);
    pthread_join(thread, NULL);
    assert_int_equal(w.entered, 1);
}

static void a_suspended_call_finds_its_depth_again(void **state)
{
    (void) state;
    struct gate gate = { 0 };
    for (unsigned depth = 0; depth < 3; depth++) {
        for (unsigned i = 0; i < depth; i++)
            gate_enter(&gate);
        unsigned was = gate_suspend(&gate);
        assert_int_equal(gate_depth(&gate), 1); /* the loop goes on inside */
        gate_resume(&gate, was);
        assert_int_equal(gate_depth(&gate), depth);
        for (unsigned i = 0; i < depth; i++)
            gate_leave(&gate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thief_and_the_worker_are_never_inside_together),
        cmocka_unit_test(one_that_is_inside_is_not_seized_and_one_that_has_left_is),
        cmocka_unit_test(a_worker_that_comes_back_waits_for_the_thief),
        cmocka_unit_test(a_suspended_call_finds_its_depth_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
