/* SPDX-License-Identifier: MIT */
/* random.h - the one place that randomness comes from: seeded once from the system, or by a test */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4]; /* xoshiro256**, Blackman and Vigna 2018 */
};

void random_seed(struct random *r, uint64_t seed); /* 0: from getrandom(2) */
uint64_t random_next(struct random *r);
uint64_t random_below(struct random *r, uint64_t n); /* 0 .. n-1, without bias; n > 0 */

#endif
