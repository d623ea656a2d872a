/* SPDX-License-Identifier: MIT */
/* stream_test.h - tests of streams: on a real clock, and nothing left behind, no descriptor either */
#ifndef SUPPORT_STREAM_TEST_H
#define SUPPORT_STREAM_TEST_H

#include <dirent.h>

#include "support/real_test.h"

/* Open descriptors of this process. */
static inline size_t open_descriptors(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        closedir(dir);
    return n;
}

static inline void run_streams(tr_body_fn *body, void *arg)
{
    size_t before = open_descriptors();
    assert_int_equal(run_real(body, arg), TR_OK);
    assert_int_equal(open_descriptors(), before);
}

/* The same on a node with several workers; the body's result must be TR_OK, too. */
static inline void run_streams_on(unsigned workers, tr_body_fn *body, void *arg)
{
    tr_node *node;
    char left[512] = "";
    size_t before = open_descriptors();
    struct real_run run = { body, arg, TR_EKILLED };
    const tr_node_opts opts = { .size = sizeof opts, .workers = workers };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = real_body, .arg = &run, .name = "test" };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    alarm(WATCHDOG_S);
    tr_err err = tr_node_run(node);
    size_t things = tr_test_leftovers(node, left, sizeof left);
    tr_node_destroy(&node);
    alarm(0);
    assert_int_equal(err, TR_OK);
    assert_int_equal(run.result, TR_OK);
    if (things > 0)
        fail_msg("left over: %s", left);
    assert_int_equal(open_descriptors(), before);
}

#endif
