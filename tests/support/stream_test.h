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

#endif
