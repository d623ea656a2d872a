/* SPDX-License-Identifier: MIT */
/* test.h - the test kit: hours in milliseconds, any order, any failure, and nothing left over
 *
 * On a node with a virtual clock (tr_node_opts.virtual_clock) time stands still while anything can run. When every
 * actor waits and no descriptor is waited for, it jumps to the next timer. tr_test_run does the whole of it for one
 * main actor. A seed shuffles who runs next; faults make the n-th allocation, system call or send fail; records keep
 * what was delivered to an actor, to be matched against; expectations receive and match in one step.
 *
 * For any test framework: nothing here prints or asserts. What went wrong is a tr_err and words. Assert on the thread
 * of the test, not inside of actors: a longjmp out of an actor's stack is lost.
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

/* ---- another order, drawn from a seed ---- */

/* From now on the order in which actors of this node run is drawn from seed, as far as the order is not promised
 * (docs/semantics.md, S58): which of those that are ready is next, and who is first of those who wait for the same
 * time. The same seed gives the same order. 0: as it was. Thread: before the node runs, or between its steps. */
TR_API void tr_test_shuffle(tr_node *node, uint64_t seed);

/* The seed that tr_test_run takes on this thread: the one that was set, else TROUPE_SEED of the environment, else 0:
 * not shuffled. So a test that failed under a seed is run again by TROUPE_SEED=17 ./the-test. */
TR_API uint64_t tr_test_seed(void);
TR_API void tr_test_seed_set(uint64_t seed);

/* One check under a seed: TR_OK, or what went wrong, in words in why. */
typedef tr_err tr_test_seed_fn(void *arg, char *why, size_t size);

/* Calls fn under the seeds 1 to n, one after the other (under TROUPE_SEED alone, if that is set), each set by
 * tr_test_seed_set, until one does not succeed or budget_ms of real time are over (TR_FOREVER: never). Returns what fn
 * returned last; buf then has its words and how to run it again. *ran (may be NULL): how many seeds there were. */
TR_API TR_MUST_CHECK tr_err tr_test_seeds(uint64_t n, int64_t budget_ms, tr_test_seed_fn *fn, void *arg, uint64_t *ran,
                                          char *buf, size_t size);

/* ---- the whole of it ---- */

/* Runs fn on a node of its own with a virtual clock, under tr_test_seed, until it has ended, then checks that nothing
 * is left over. Returns fn's result; TR_ESTATE if something was left, and then buf says what; TR_ENOMEM if there was no
 * memory to begin. elapsed_ms (may be NULL): virtual time. */
TR_API tr_err tr_test_run(tr_body_fn *fn, void *arg, int64_t *elapsed_ms, char *buf, size_t size);

/* ---- faults ---- */

/* The n-th allocation from now (1: the next) fails, once; 0 turns it off. Process-wide. Returns how many allocations
 * there have been since it was set. A test that lets each of them fail in turn: for (n = 1; came; n++) set n, run, set
 * 0; came is whether the number returned is n or more. */
TR_API uint64_t tr_test_fail_alloc(uint64_t n);

/* The same for the system calls of the runtime (epoll, timerfd, eventfd, mmap, pthread_create, accept, read and write
 * of its own): the n-th fails with errno number, 0: one that this call may give. tr_test_failed_syscall: the name of
 * the one that was made to fail since, "" if it did not come to that. */
TR_API uint64_t tr_test_fail_syscall(uint64_t n, int number);
TR_API const char *tr_test_failed_syscall(void);

/* The same for what is sent on this node (tr_send, tr_ask, tr_forward, tr_post: whatever goes into a mailbox and is
 * counted): the n-th send from now fails with err. Errors of the call itself: err TR_OK fails nothing, and counts. */
TR_API uint64_t tr_test_fail_send(tr_node *node, uint64_t n, tr_err err);

/* ---- matching ---- */

/* Stand for values in what a message is compared with: any one; any of that type; any number of further ones (last). */
TR_API tr_value tr_any(void);
TR_API tr_value tr_any_of(tr_type type);
TR_API tr_value tr_any_more(void);

/* Whether m is exactly this: the tag, then the values, each equal (an int to an int of any width, a float to a float,
 * an array and a map element by element) or stood for. Of a reply the first value is compared with the tag. Thread:
 * any. Use tr_matches(m, "add", 42, tr_any()). */
TR_API bool tr_matches_values(const tr_msg *m, const tr_value *values, size_t n);
#define tr_matches(m, ...) tr_matches_values((m), TR_VALUES(__VA_ARGS__))

/* ---- expecting, in a body ---- */

/* Receives the next message, which must come within timeout_ms and match: TR_OK and *m (may be NULL), as tr_recv_for.
 * Errors: TR_EBADMSG (another one came: tr_error says which), TR_ETIMEDOUT, TR_ECANCELED. Suspends. */
TR_API TR_MUST_CHECK tr_err tr_expect_values(tr_self *self, int64_t timeout_ms, const tr_msg **m,
                                             const tr_value *values, size_t n);
#define tr_expect(self, timeout_ms, m, ...) tr_expect_values((self), (timeout_ms), (m), TR_VALUES(__VA_ARGS__))

/* The same, letting go of those that come before the one that matches. */
TR_API TR_MUST_CHECK tr_err tr_expect_among_values(tr_self *self, int64_t timeout_ms, const tr_msg **m,
                                                   const tr_value *values, size_t n);
#define tr_expect_among(self, timeout_ms, m, ...) \
    tr_expect_among_values((self), (timeout_ms), (m), TR_VALUES(__VA_ARGS__))

/* TR_OK if no message comes for so long. Errors: TR_EBADMSG (one came, and is received: tr_error says which),
 * TR_ECANCELED. Suspends. */
TR_API TR_MUST_CHECK tr_err tr_expect_nothing(tr_self *self, int64_t ms);

/* ---- recording, on the test's thread ---- */

/* A behaviour that takes every message and acknowledges every request: somebody to send to, and to be recorded. */
TR_API extern const tr_behaviour tr_recorder;

/* What is delivered to an actor, or (who nil) to anyone on the node, from now on: messages, requests, ticks, readiness;
 * replies pass through no mailbox. At most 65,536; what comes then is only counted. Owns: the caller, until
 * tr_record_close, which may come after the node is gone. Thread: the node's, or any while it does not run; it may be
 * called in actors. Errors: TR_ENOMEM. */
typedef struct tr_record tr_record;
TR_API TR_MUST_CHECK tr_err tr_record_open(tr_node *node, tr_addr who, tr_record **record);
TR_API void tr_record_close(tr_record **record);

typedef struct tr_record_entry {
    const tr_msg *msg; /* lives as long as the record */
    tr_addr from, to;
    tr_time when;
    bool request;
} tr_record_entry;

/* How many there were; one of them (false: there is none, or it was not kept). */
TR_API size_t tr_record_count(const tr_record *record);
TR_API bool tr_record_at(const tr_record *record, size_t i, tr_record_entry *entry);

/* The first at or behind from that matches; SIZE_MAX: none. tr_record_find(record, 0, "add", tr_any()). */
TR_API size_t tr_record_find_values(const tr_record *record, size_t from, const tr_value *values, size_t n);
#define tr_record_find(record, from, ...) tr_record_find_values((record), (from), TR_VALUES(__VA_ARGS__))

/* Lets the node run, and its virtual clock go on by at most ms, until there is a message that matches, behind all that
 * earlier calls have found. Errors: TR_ETIMEDOUT (none came), TR_ESTATE (no virtual clock, the node is gone, or it
 * runs). */
TR_API TR_MUST_CHECK tr_err tr_record_expect_values(tr_record *record, int64_t ms, const tr_value *values, size_t n);
#define tr_record_expect(record, ms, ...) tr_record_expect_values((record), (ms), TR_VALUES(__VA_ARGS__))

/* Lets ms pass. TR_OK if no message came, behind all that earlier calls have found. Errors: TR_EBADMSG (one did),
 * TR_ESTATE. */
TR_API TR_MUST_CHECK tr_err tr_record_expect_nothing(tr_record *record, int64_t ms);

/* All of it as text for people, a line a message: when, from whom, to whom, what. As snprintf. */
TR_API size_t tr_record_print(const tr_record *record, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
