/* SPDX-License-Identifier: MIT */
/* real_test.h - tests of actors that wait for the machine: on a real clock, and nothing left behind */
#ifndef SUPPORT_REAL_TEST_H
#define SUPPORT_REAL_TEST_H

#include "support/actor_test.h"

static unsigned real_workers = 1;

struct real_run {
    tr_body_fn *body;
    void *arg;
    tr_err result;
};

static inline tr_err real_body(tr_self *self, void *arg)
{
    struct real_run *run = arg;
    run->result = run->body(self, run->arg);
    return TR_OK;
}

/* Runs body as the main actor of a node of its own with a real clock; the test fails if anything is left over. Returns
 * what body did, TR_EKILLED if it did not return. */
static inline tr_err run_real(tr_body_fn *body, void *arg)
{
    tr_node *node;
    char left[512] = "";
    struct real_run run = { body, arg, TR_EKILLED };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = real_body, .arg = &run, .name = "test" };
    const tr_node_opts opts = { .size = sizeof opts, .workers = real_workers };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    alarm(WATCHDOG_S);
    tr_err err = tr_node_run(node);
    size_t things = tr_test_leftovers(node, left, sizeof left);
    tr_node_destroy(&node);
    alarm(0);
    assert_int_equal(err, TR_OK);
    if (things > 0)
        fail_msg("left over: %s", left);
    return run.result;
}

/* The group on one worker, and once more on two. */
#define run_on_one_and_two_workers(tests)                              \
    (cmocka_run_group_tests_name("on one worker", tests, NULL, NULL) + \
     (real_workers = 2, cmocka_run_group_tests_name("on two workers", tests, NULL, NULL)))

#endif
