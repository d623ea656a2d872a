/* SPDX-License-Identifier: MIT */
/* test.h - the test kit: hours in milliseconds, and nothing left over
 *
 * On a node with a virtual clock (tr_node_opts.virtual_clock) time stands still while anything can run. When every
 * actor waits and no descriptor is waited for, it jumps to the next timer. tr_test_run does the whole of it for one
 * main actor.
 */
#ifndef TROUPE_TEST_H
#define TROUPE_TEST_H

#include "node.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs whatever can run now, until every actor waits; does not move the clock. */
TR_API void tr_test_settle(tr_node *node);

/* Moves the virtual clock on by ms, stopping at each timer on the way, settling after each. Errors: TR_ESTATE (no
 * virtual clock). */
TR_API tr_err tr_test_advance(tr_node *node, int64_t ms);

/* The virtual clock's time. */
TR_API tr_time tr_test_now(const tr_node *node);

/* What is left over: actors, timers, descriptors, stacks in use, messages, pending asks. 0 if nothing; else how many
 * things, and their description in buf. */
TR_API size_t tr_test_leftovers(const tr_node *node, char *buf, size_t size);

/* Runs fn on a node of its own with a virtual clock until it has ended, then checks that nothing is left over. Returns
 * fn's result; TR_ESTATE if something was left, and then buf says what. elapsed_ms (may be NULL): virtual time. */
TR_API tr_err tr_test_run(tr_body_fn *fn, void *arg, int64_t *elapsed_ms, char *buf, size_t size);

/* Fault injection: the n-th allocation from now (1: the next) fails, once; 0 turns it off. Process-wide. Returns how
 * many allocations there have been since it was set. */
TR_API uint64_t tr_test_fail_alloc(uint64_t n);

#ifdef __cplusplus
}
#endif
#endif
