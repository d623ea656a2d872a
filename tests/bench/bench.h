/* SPDX-License-Identifier: MIT */
/* bench.h - what the benchmark programs share: a clock, an argument, a line of output
 *
 * Each program does one workload once and prints one line, "name value unit check": check is a result of the work
 * itself (a sum, a count), so that whoever reads the value can tell that no work was skipped. tests/bench/run.py is the
 * reader.
 */
#ifndef BENCH_H
#define BENCH_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <troupe/troupe.h>

/* Leaves with the error that a call returned. */
#define BENCH_TRY(call)            \
    do {                           \
        tr_err bench_err = (call); \
        if (bench_err != TR_OK)    \
            return bench_err;      \
    } while (0)

static inline int64_t bench_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The first argument of the program: how much to do. */
static inline int64_t bench_count(int argc, char **argv, int64_t fallback)
{
    long long n = argc > 1 ? atoll(argv[1]) : 0;
    return n > 0 ? (int64_t) n : fallback;
}

/* The second: which variant, the first known one if there is none. */
static inline const char *bench_variant(int argc, char **argv, const char *fallback)
{
    return argc > 2 ? argv[2] : fallback;
}

/* Resident memory of this process; 0 if /proc is not there. */
static inline int64_t bench_resident_bytes(void)
{
    long long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%lld %lld", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return (int64_t) resident * (int64_t) sysconf(_SC_PAGESIZE);
}

static inline void bench_print(const char *name, double value, const char *unit, int64_t check)
{
    printf("%s %.3f %s %" PRId64 "\n", name, value, unit, check);
    fflush(stdout);
}

#endif
