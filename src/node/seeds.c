/* SPDX-License-Identifier: MIT */
/* seeds.c - the seeds that tests run under */
#include <stdlib.h>
#include <string.h>

#include <troupe/test.h>

#include "base/clock.h"
#include "node/node.h"

static _Thread_local uint64_t seed_now; /* set by tr_test_seed_set */

static uint64_t seed_of_environment(void)
{
    const char *text = getenv("TROUPE_SEED");
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

uint64_t tr_test_seed(void)
{
    return seed_now != 0 ? seed_now : seed_of_environment();
}

void tr_test_seed_set(uint64_t seed)
{
    seed_now = seed;
}

void tr_test_shuffle(tr_node *node, uint64_t seed)
{
    if (seed != 0)
        random_seed(&node->kit.random, seed);
    node->sched[0]->worker.shuffle = seed != 0 ? &node->kit.random : NULL;
}

static tr_err one(uint64_t seed, tr_test_seed_fn *fn, void *arg, char *buf, size_t size)
{
    if (size > 0)
        buf[0] = '\0';
    tr_test_seed_set(seed);
    tr_err err = fn(arg, buf, size);
    tr_test_seed_set(0);
    size_t len = size > 0 ? strlen(buf) : 0;
    if (err != TR_OK && len < size)
        snprintf(buf + len, size - len, "%s%s under seed %llu; TROUPE_SEED=%llu runs it again", len > 0 ? ": " : "",
                 tr_err_name(err), (unsigned long long) seed, (unsigned long long) seed);
    return err;
}

tr_err tr_test_seeds(uint64_t n, int64_t budget_ms, tr_test_seed_fn *fn, void *arg, uint64_t *ran, char *buf,
                     size_t size)
{
    tr_err err = TR_OK;
    uint64_t only = seed_of_environment(), seed = 0;
    int64_t until = clock_after_ms(clock_monotonic_ns(), budget_ms);
    if (only != 0)
        err = one(only, fn, arg, buf, size);
    else
        while (err == TR_OK && seed < n && (seed == 0 || clock_monotonic_ns() < until))
            err = one(++seed, fn, arg, buf, size);
    if (ran != NULL)
        *ran = only != 0 ? 1 : seed;
    return err;
}
