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
#include <unistd.h>

#include <troupe/test.h>
#include <troupe/troupe.h>

#include "support/unit.h"

#define WATCHDOG_S 20

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

/* What main does with an array of tests. */
#define run_actor_tests(tests) cmocka_run_group_tests(tests, NULL, NULL)

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
