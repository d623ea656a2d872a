/* SPDX-License-Identifier: MIT */
/* random.c - xoshiro256** seeded through splitmix64, after https://prng.di.unimi.it (Blackman and Vigna 2018)
 *
 * For fairness, jitter and names that must not collide; not for secrets: who sees a few numbers can tell the next.
 */
#include "base/random.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/random.h>

#include "base/clock.h"

static uint64_t rotate_left(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static uint64_t splitmix_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* All of state from the system; false: it has none to give (a sandbox without the call). */
static bool seed_from_system(struct random *r)
{
    ssize_t got;
    do
        got = getrandom(r->state, sizeof r->state, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t) sizeof r->state && (r->state[0] | r->state[1] | r->state[2] | r->state[3]) != 0;
}

void random_seed(struct random *r, uint64_t seed)
{
    if (seed == 0 && seed_from_system(r))
        return;
    if (seed == 0)
        seed = (uint64_t) clock_monotonic_ns() ^ (uint64_t) (uintptr_t) r;
    for (int i = 0; i < 4; i++)
        r->state[i] = splitmix_next(&seed);
}

uint64_t random_next(struct random *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t random_below(struct random *r, uint64_t n)
{
    /* The lowest 2^64 mod n numbers are thrown away; what is left divides evenly. */
    uint64_t bias = (0 - n) % n;
    uint64_t x;
    do
        x = random_next(r);
    while (x < bias);
    return x % n;
}
