/* SPDX-License-Identifier: MIT */
/* actor_test.h - tests of actors: run one on a virtual clock, note what it saw, leave nothing behind
 *
 * cmocka's assertions belong to the thread of the test, never to an actor's stack: an actor writes into a struct of the
 * test's, or a line of notes, and the test asserts after run_actor has returned. Every run fails the test when
 * something is left over, and ends the program when it hangs. */
#ifndef SUPPORT_ACTOR_TEST_H
#define SUPPORT_ACTOR_TEST_H

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <troupe/test.h>
#include <troupe/troupe.h>

#include "support/unit.h"

/* ThreadSanitizer takes 17 s for thousands of fibers where nothing else runs. */
#if defined(__SANITIZE_THREAD__)
#define WATCHDOG_S 120
#else
#define WATCHDOG_S 20
#endif

/* ---- notes: what happened, in order, as words with blanks between ---- */

struct notes {
    char text[2048];
    size_t len;
};

static inline void note(struct notes *notes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline void note(struct notes *notes, const char *fmt, ...)
{
    va_list args;
    size_t left = sizeof notes->text - notes->len;
    if (left < 2)
        return;
    if (notes->len > 0) {
        notes->text[notes->len++] = ' ';
        left--;
    }
    va_start(args, fmt);
    int len = vsnprintf(notes->text + notes->len, left, fmt, args);
    va_end(args);
    notes->len += len < 0 ? 0 : (size_t) len < left ? (size_t) len : left - 1;
}

/* Notes an error by its name without "TR_": "OK", "ETIMEDOUT". */
static inline tr_err note_err(struct notes *notes, tr_err err)
{
    note(notes, "%s", tr_err_name(err) + 3);
    return err;
}

/* ---- running ---- */

/* Runs body as the main actor of a node of its own with a virtual clock; the test fails if anything is left over.
 * Returns its result; elapsed_ms (may be NULL) is virtual time. The name "test" is the main actor's. */
static inline tr_err run_actor_timed(tr_body_fn *body, void *arg, int64_t *elapsed_ms)
{
    char left[512] = "";
    alarm(WATCHDOG_S);
    tr_err err = tr_test_run(body, arg, elapsed_ms, left, sizeof left);
    alarm(0);
    if (left[0] != '\0')
        fail_msg("left over: %s", left);
    return err;
}

static inline tr_err run_actor(tr_body_fn *body, void *arg)
{
    return run_actor_timed(body, arg, NULL);
}

/* The same on a node with options (hooks, bounds); size and virtual_clock are set here. */
static inline tr_err run_actor_with(tr_node_opts opts, tr_body_fn *body, void *arg)
{
    tr_node *node;
    char left[512] = "";
    opts.size = sizeof opts;
    opts.virtual_clock = true;
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = body, .arg = arg, .name = "test" };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    tr_test_shuffle(node, tr_test_seed());
    alarm(WATCHDOG_S);
    tr_err err = tr_node_spawn(node, &spawn, NULL);
    if (err == TR_OK)
        err = tr_node_run(node);
    alarm(0);
    size_t things = tr_test_leftovers(node, left, sizeof left);
    tr_node_destroy(&node);
    if (things > 0)
        fail_msg("left over: %s", left);
    return err;
}

/* ---- under many seeds ---- */

/* For one test, under all seeds: TROUPE_SEEDS_MS, or this. */
#define SEEDS_MAX_MS 2000

static bool seeds_passed __attribute__((unused));

static inline void test_under_seeds(void **state)
{
    const struct CMUnitTest *test = *state;
    uint64_t n = strtoull(getenv("TROUPE_SEEDS"), NULL, 10);
    long max_ms = getenv("TROUPE_SEEDS_MS") != NULL ? strtol(getenv("TROUPE_SEEDS_MS"), NULL, 10) : SEEDS_MAX_MS;
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    seeds_passed = false;
    for (uint64_t seed = 1; seed <= n; seed++) {
        void *none = NULL;
        tr_test_seed_set(seed);
        test->test_func(&none);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 > max_ms)
            break;
    }
    seeds_passed = true;
}

static inline int say_which_seed(void **state)
{
    const struct CMUnitTest *test = *state;
    if (!seeds_passed)
        print_message("%s: under seed %llu; TROUPE_SEED=%llu runs it again\n", test->name,
                      (unsigned long long) tr_test_seed(), (unsigned long long) tr_test_seed());
    tr_test_seed_set(0);
    return 0;
}

/* What main does with an array of tests: runs them, or, if TROUPE_SEEDS is set, each under so many seeds. */
#define run_actor_tests(tests) run_actor_tests_n(#tests, (tests), sizeof(tests) / sizeof(tests)[0])

static inline int run_actor_tests_n(const char *group, const struct CMUnitTest *tests, size_t n)
{
    struct CMUnitTest seeded[64];
    bool seeds = getenv("TROUPE_SEEDS") != NULL;
    if (n > sizeof seeded / sizeof seeded[0])
        return 1;
    for (size_t i = 0; i < n; i++)
        seeded[i] = seeds ? (struct CMUnitTest){ tests[i].name, test_under_seeds, NULL, say_which_seed,
                                                 (void *) (uintptr_t) &tests[i] }
                          : tests[i];
    return _cmocka_run_group_tests(group, seeded, n, NULL, NULL);
}

/* ---- looking ---- */

static inline unsigned dead_letters(tr_self *self, tr_dead_reason reason)
{
    tr_node_stats stats = { .size = sizeof stats };
    tr_node_stats_get(tr_self_node(self), &stats);
    return (unsigned) stats.dead[reason];
}

/* Virtual milliseconds since the node began. */
static inline long now_ms(tr_self *self)
{
    return (long) (tr_now(self) / 1000000);
}

/* ---- actors that many tests want ---- */

/* A body that never looks at its mailbox, until it is cancelled. */
static inline tr_err deaf(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = TR_OK;
    while (err == TR_OK)
        err = tr_sleep(self, 1000);
    return err;
}

/* A body that answers every request with its first value. */
static inline tr_err echo(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err;
    while ((err = tr_recv(self, &m)) == TR_OK)
        if (tr_is_request(m))
            (void) tr_reply(self, m, tr_arg(m, 0));
    return err;
}

#endif
