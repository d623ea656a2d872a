/* SPDX-License-Identifier: MIT */
/* clock.h - the one place that reads the time */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t clock_monotonic_ns(void);

/* now + ms without overflow; ms < 0 (TR_FOREVER): INT64_MAX. */
int64_t clock_after_ms(int64_t now_ns, int64_t ms);

#endif
