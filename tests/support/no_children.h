/* SPDX-License-Identifier: MIT */
/* no_children.h - what a test of child processes ends with: none is left, not even a zombie */
#ifndef SUPPORT_NO_CHILDREN_H
#define SUPPORT_NO_CHILDREN_H

#include <errno.h>
#include <sys/wait.h>

#include "support/real_test.h"

static inline void no_children(void)
{
    siginfo_t info = { 0 };
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
    assert_int_equal(errno, ECHILD);
}

#endif
