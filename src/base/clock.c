/* SPDX-License-Identifier: MIT */
/* clock.c - the one place that reads the time */
#include "base/clock.h"

#include <time.h>

int64_t clock_monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * NS_PER_S + (int64_t) t.tv_nsec;
}

int64_t clock_after_ms(int64_t now_ns, int64_t ms)
{
    int64_t after;
    if (ms < 0 || __builtin_mul_overflow(ms, NS_PER_MS, &after) || __builtin_add_overflow(now_ns, after, &after))
        return INT64_MAX;
    return after;
}
