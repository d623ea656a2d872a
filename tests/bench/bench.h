/* SPDX-License-Identifier: MIT */
/* bench.h - what the benchmark programs share: a clock, arguments, a line of output
 *
 * Each program does one workload once, on as many workers as it is told, and prints one line, "name value unit check":
 * check is a result of the work itself (a sum, a count), so that whoever reads the value can tell that no work was
 * skipped. tests/bench/run.py is the reader.
 */
#ifndef BENCH_H
#define BENCH_H

#include <inttypes.h>
#include <stdbool.h>
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

/* What the command line asks for: N [VARIANT] [--workers W]. */
struct bench_args {
    int64_t n;
    const char *variant;
    unsigned workers;
};

static inline _Noreturn void bench_usage(const char *program)
{
    fprintf(stderr, "usage: %s [N [VARIANT]] [--workers W]\n", program);
    exit(2);
}

static inline int64_t bench_number(const char *text, int64_t max)
{
    long long number = text != NULL ? atoll(text) : 0;
    return number > 0 && number <= max ? (int64_t) number : 0;
}

/* n and variant: what is meant where the command line does not say. */
static inline struct bench_args bench_args_read(int argc, char **argv, int64_t n, const char *variant)
{
    struct bench_args args = { n, variant, 1 };
    int place = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--workers") == 0)
            args.workers = (unsigned) bench_number(argv[++i], 64); /* argv[argc] is NULL */
        else if (place++ == 0)
            args.n = bench_number(argv[i], INT64_MAX);
        else
            args.variant = argv[i];
    }
    if (args.n == 0 || args.workers == 0 || place > 2)
        bench_usage(argv[0]);
    return args;
}

/* Runs the workload on so many workers; the exit status. */
static inline int bench_main(const struct bench_args *args, tr_body_fn *fn, void *arg)
{
    tr_node_opts opts = { .size = sizeof opts, .workers = args->workers };
    return tr_main_with(&opts, fn, arg);
}

static inline int bench_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

/* Sorts what it is given. */
static inline int64_t bench_median(int64_t *values, int64_t n)
{
    qsort(values, (size_t) n, sizeof *values, bench_compare);
    return values[n / 2];
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
