/* SPDX-License-Identifier: MIT */
/* node.h - starting the runtime, living beside it, and looking at it
 *
 * tr_main is a whole program: one node, one worker, one main actor. A node can also be made, given actors, and run by a
 * thread, or driven from somebody else's loop. Threads that are no actors talk to it through tr_post, tr_node_ask and
 * tr_inbox.
 */
#ifndef TROUPE_NODE_H
#define TROUPE_NODE_H

#include <stdio.h>

#include "actor.h"
#include "await.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a whole program ---- */

/* Runs main_fn as the main actor until it has ended; everything it started is cancelled and waited for. SIGINT and
 * SIGTERM cancel it, a second one ends the process. Log and failures go to standard error. Returns the exit status: 0,
 * 1 if it ended with an error (which is printed), 128 + n if signal n stopped it. */
TR_API int tr_main(tr_body_fn *main_fn, void *arg);

/* The same on a node with these options (several workers, limits); its hooks, ctx, log_level and virtual_clock are
 * tr_main's own and must be zero (the status is 1, and standard error says why). */
struct tr_node_opts;
TR_API int tr_main_with(const struct tr_node_opts *opts, tr_body_fn *main_fn, void *arg);

/* ---- a node ---- */

typedef enum tr_log_level { TR_LOG_ERROR = 1, TR_LOG_WARN, TR_LOG_INFO, TR_LOG_DEBUG } tr_log_level;

/* An actor that failed and that nobody joined or had in a scope; told exactly once. */
typedef struct tr_failure {
    tr_addr actor;
    const char *name; /* registered name, else the behaviour's, else "body" */
    tr_err err;
    const char *text;
} tr_failure;

typedef enum tr_dead_reason {
    TR_DEAD_NOPROC = 0, /* sent to no one, or to the dead */
    TR_DEAD_ENDED,      /* still queued when the receiver ended */
    TR_DEAD_FULL,       /* dropped by a full mailbox's policy */
    TR_DEAD_UNKNOWN,    /* not understood */
    TR_DEAD_FAILED,     /* its handler returned an error, and nobody waits for a reply */
    TR_DEAD_CANCELED,   /* a request whose asker gave up while it was queued */
    TR_DEAD_LATE,       /* a reply that nobody waits for any more */
    TR_DEAD_REASONS
} tr_dead_reason;
TR_API const char *tr_dead_reason_name(tr_dead_reason reason);

typedef struct tr_dead_letter {
    tr_dead_reason reason;
    tr_addr from, to;
    const tr_msg *msg; /* lent for the call */
} tr_dead_letter;

/* tr_node_opts.workers: as many as this process may use processors. */
#define TR_ALL_CORES 0xffffffffu

/* Hooks are called on a worker's thread, one at a time (log: on any thread), must return soon and call nothing that
 * suspends. */
typedef struct tr_node_opts {
    size_t size; /* sizeof(tr_node_opts) */
    const char *name;
    size_t stack_size;             /* of bodies and handlers; 0: 256 KiB; rounded up to pages, at least 16 KiB */
    size_t actors_max;             /* 0: 16,777,216 */
    int64_t stop_grace_ms;         /* what is left after a stop is killed then; 0: 5,000 */
    int64_t slow_handler_ms;       /* 0: 50; negative: do not watch */
    bool virtual_clock;            /* for tests: time jumps when everyone waits; troupe/test.h */
    bool no_stack_overflow_report; /* tr_main and tr_node_run otherwise catch SIGSEGV to name the actor that ran over
                                      its stack */
    tr_log_level log_level;        /* 0: TR_LOG_WARN */
    void (*on_log)(void *ctx, tr_log_level level, const char *line);
    void (*on_failure)(void *ctx, const tr_failure *failure);
    void (*on_dead_letter)(void *ctx, const tr_dead_letter *letter);
    void *ctx;
    unsigned workers; /* threads that run actors; 0: 1; at most 64. A virtual clock wants 1 */
} tr_node_opts;

/* Errors: TR_EINVAL, TR_ENOMEM, TR_EIO (no epoll, eventfd or timerfd to be had). opts may be NULL. */
TR_API TR_MUST_CHECK tr_err tr_node_create(const tr_node_opts *opts, tr_node **node);

/* How many workers it has. Worker 0 is the thread that runs the node; the others are threads of their own, started with
 * it. Thread: any. */
TR_API unsigned tr_node_workers(const tr_node *node);

/* Spawns an actor that the node itself owns. Thread: one of its workers', or any before it runs. opts->scope must be
 * NULL. */
TR_API TR_MUST_CHECK tr_err tr_node_spawn(tr_node *node, const tr_spawn_opts *opts, tr_addr *to);

/* Runs until tr_node_stop, or until no actor is left. Returns TR_OK, or TR_ETIMEDOUT when some had to be killed (the
 * log names them). Errors: TR_ENOMEM (no memory, or no threads, for the workers: nothing has run). */
TR_API tr_err tr_node_run(tr_node *node);

/* For embedding: does what is ready, at most until budget_ms have passed, and returns whether more is ready now. */
TR_API bool tr_node_step(tr_node *node, int64_t budget_ms);

/* For embedding: readable when tr_node_step has something to do (poll it level-triggered). Owned by the node. */
TR_API int tr_node_fd(tr_node *node);

/* Whether tr_node_run would return: stopped and all ended, or no actor left. */
TR_API bool tr_node_is_done(const tr_node *node);

/* Cancels every actor and makes tr_node_run return when they have ended. Thread: any; from a signal handler too. */
TR_API void tr_node_stop(tr_node *node, const char *reason);

/* Frees a node; actors still alive are killed. Every tr_inbox of it must be closed, no thread may be in a call on it.
 * *node becomes NULL. */
TR_API void tr_node_destroy(tr_node **node);

/* ---- from threads that are no actors ---- */

/* Sends a message. Bounds apply: by the receiver's policy, where "wait" means refuse. What is refused or has no
 * receiver is a dead letter. Errors: TR_EINVAL, TR_ENOMEM, TR_ETOOBIG, TR_ECLOSED (the node has stopped). Thread: any.
 * Use tr_post(node, to, "tag", ...). */
TR_API tr_err tr_post_values(tr_node *node, tr_addr to, const tr_value *values, size_t n);
#define tr_post(node, to, ...) tr_post_values((node), (to), TR_VALUES(__VA_ARGS__))

/* Asks, and blocks this thread until the answer is there. *reply is the caller's: tr_msg_free. text (may be NULL) gets
 * up to text_size bytes of the error's words. timeout_ms TR_FOREVER: 30 s. Errors: as tr_ask; TR_ESTATE when called on
 * the thread that runs the node. Thread: any. */
TR_API TR_MUST_CHECK tr_err tr_node_ask_values(tr_node *node, tr_addr to, int64_t timeout_ms, tr_msg **reply,
                                               char *text, size_t text_size, const tr_value *values, size_t n);
#define tr_node_ask(node, to, timeout_ms, reply, ...) \
    tr_node_ask_values((node), (to), (timeout_ms), (reply), NULL, 0, TR_VALUES(__VA_ARGS__))

/* Who goes by that name. Thread: any. Errors: TR_ENOPROC. */
TR_API TR_MUST_CHECK tr_err tr_node_whereis(tr_node *node, const char *name, tr_addr *who);

/* A mailbox that a thread reads: actors send to its address as to any other. Bounded as a mailbox is; the runtime's
 * side refuses when full. */
typedef struct tr_inbox tr_inbox;
TR_API TR_MUST_CHECK tr_err tr_inbox_open(tr_node *node, tr_inbox **inbox, tr_addr *addr);
TR_API TR_MUST_CHECK tr_err tr_inbox_recv(tr_inbox *inbox, int64_t timeout_ms,
                                          tr_msg **m); /* blocks; m is the caller's */
TR_API void tr_inbox_close(tr_inbox **inbox);

/* ---- looking at it ---- */

typedef struct tr_node_stats {
    size_t size; /* sizeof(tr_node_stats), set by the caller */
    size_t actors, stacks, stacks_pooled, timers, pending_asks, fds, blocks; /* now; blocks: messages that exist */
    uint64_t messages, spawned, turns;                                       /* since the start */
    uint64_t moved; /* likewise: actors that came to another worker */
    uint64_t dead[TR_DEAD_REASONS];
} tr_node_stats;

/* Thread: a worker's, or any while it does not run. The other workers are stopped one after another while they are
 * looked at, for less than a microsecond each; user code goes on, and so may what it changes (timers, stacks, blocks).
 */
TR_API void tr_node_stats_get(const tr_node *node, tr_node_stats *stats);

/* Writes every living actor to out, one a line: address, name, state, what it waits for, mailbox. The other workers
 * stand still while their actors are written. Where one cannot be stopped (an instrument blocks in it), its actors'
 * lines say so, and have no registered names and no waits. Thread: as tr_node_stats_get. tr_debug_print (debug.h) has
 * the tree, since when, and the stacks, from any thread. */
TR_API void tr_node_print(const tr_node *node, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
