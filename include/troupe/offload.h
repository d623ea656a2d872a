/* SPDX-License-Identifier: MIT */
/* offload.h - work that blocks: on threads beside the loop, awaited like any other call
 *
 * fn runs on a thread of the node's pool, and only the calling actor is suspended. A thread cannot be interrupted, so
 * when the caller gives up (timeout, cancel, the deadline of the request it handles, kill) work that has not begun is
 * dropped, and work that has begun goes on abandoned: nobody waits, and what it was given is released when it ends. So
 * that this is safe, fn never works on memory of the caller's stack. There are two ways to give it something:
 *
 * - tr_offload copies: fn works on a copy of arg, which is copied back when the call returns TR_OK. Whatever happens,
 *   arg itself is touched by the caller's thread alone. For plain data: what it points at must outlive the work, and
 *   what fn opens or allocates is lost with work that was abandoned.
 * - tr_offload_own moves: arg belongs to the work from the call on, and is the caller's again only when the call
 * returns TR_OK. Otherwise release(arg) is called exactly once, on any thread: at once, or when the abandoned work has
 * ended.
 *
 * fn must not touch an actor's tr_self (tr_post and tr_node_ask are for threads); all signals are blocked in it.
 *
 * The pool: threads are started on demand, at most as many as there are processors and 4 (32 at most), and end after
 * 10 s without work. Work that finds no thread waits in a queue of at most 4,096; one more is TR_EFULL.
 * tr_node_destroy waits for work that is being done. Names are looked up on a pool of their own, so that a dead name
 * server does not stop other work, nor other work names.
 */
#ifndef TROUPE_OFFLOAD_H
#define TROUPE_OFFLOAD_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The work. Its result is the program's own business: a count, -errno, ... Thread: one of the pool's. */
typedef int tr_offload_fn(void *arg);

/* Runs fn on a copy of the size bytes at arg, waits for it, and copies them back. *result (may be NULL) is what fn
 * returned. Suspends. timeout_ms TR_FOREVER: no limit but the scopes' and that of the request being handled. Errors,
 * and then arg is as it was: TR_EUNSENT (the deadline came before it began: it never will), TR_ETIMEDOUT (it goes on
 * abandoned), TR_ECANCELED (dropped, or abandoned), TR_EFULL (the pool's queue), TR_EINVAL, TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_offload(tr_self *self, tr_offload_fn *fn, void *arg, size_t size, int64_t timeout_ms,
                                       int *result);

/* The same on arg itself. Owns: arg moves with the call; TR_OK gives it back, after anything else it is gone. release
 * may be NULL: arg outlives everything. */
TR_API TR_MUST_CHECK tr_err tr_offload_own(tr_self *self, tr_offload_fn *fn, void *arg, tr_free_fn *release,
                                           int64_t timeout_ms, int *result);

typedef struct tr_offload_opts {
    size_t size;                   /* sizeof(tr_offload_opts) */
    uint32_t threads_max;          /* 0: leaves it as it is; so for the others */
    uint32_t resolver_threads_max; /* for names; 8 at first */
    size_t queue_len_max;          /* of each pool */
    int64_t idle_ms;               /* after which a thread without work ends */
} tr_offload_opts;

/* Changes the bounds of a node's pools. Thread: any. Errors: TR_EINVAL. */
TR_API tr_err tr_node_offload_set(tr_node *node, const tr_offload_opts *opts);

#ifdef __cplusplus
}
#endif
#endif
