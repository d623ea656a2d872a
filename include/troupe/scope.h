/* SPDX-License-Identifier: MIT */
/* scope.h - structured concurrency: what is started inside has ended when it returns
 *
 * A scope owns actors and may have a deadline. It waits for all its children; the first failure cancels the others and
 * the body; errors come as a list. Cancelling is level-triggered: inside a cancelled scope every suspending call
 * returns TR_ECANCELED at once, until the scope is left. A shield keeps outside cancels away for a stated time. Scopes
 * nest; the effective deadline is the earliest up to the nearest shield.
 */
#ifndef TROUPE_SCOPE_H
#define TROUPE_SCOPE_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_scope_opts {
    size_t size;        /* sizeof(tr_scope_opts) */
    const char *name;   /* for reports; static or outliving the scope; may be NULL */
    int64_t timeout_ms; /* 0 or TR_FOREVER: none */
    bool shield;        /* outside cancels and deadlines do not reach in; timeout_ms must be set */
    bool keep_going;    /* a child's failure cancels nobody; it is still in the list of errors */
    int64_t grace_ms;   /* after a cancel, before children are killed; 0: 5,000 */
} tr_scope_opts;

typedef tr_err tr_scope_fn(tr_self *self, tr_scope *scope, void *arg);

/* Runs fn(self, scope, arg) and waits for every actor spawned in the scope. opts may be NULL. Suspends, without limit
 * of its own. Returns fn's error, or the first child's; TR_ETIMEDOUT if its own deadline cut it short; TR_ECANCELED if
 * an outside cancel did. All errors: tr_error_count and tr_error_at. Errors also: TR_EINVAL, TR_ENOMEM (fn was not
 * called). */
TR_API TR_MUST_CHECK tr_err tr_scope_run(tr_self *self, const tr_scope_opts *opts, tr_scope_fn *fn, void *arg);

/* fn(self, arg) under a deadline: TR_ETIMEDOUT if it cut fn short, else what fn returned. An outside cancel stays
 * TR_ECANCELED. */
TR_API TR_MUST_CHECK tr_err tr_within(tr_self *self, int64_t timeout_ms, tr_body_fn *fn, void *arg);

/* fn(self, arg) out of reach of outside cancels, for at most timeout_ms. For cleanup that has to wait. */
TR_API TR_MUST_CHECK tr_err tr_shield(tr_self *self, int64_t timeout_ms, tr_body_fn *fn, void *arg);

/* The same as a pair: end waits for the children, and returns what tr_scope_run would, given the body's own result.
 * Ends must come in reverse order of begins in the same handler call or body (TR_ESTATE); a scope left open when it
 * returns is cancelled, waited for, and reported. */
TR_API TR_MUST_CHECK tr_err tr_scope_begin(tr_self *self, const tr_scope_opts *opts, tr_scope **scope);
TR_API TR_MUST_CHECK tr_err tr_scope_end(tr_self *self, tr_scope **scope, tr_err result);

/* Cancels a scope that this actor has open: its children, and its body at its next suspension. reason is copied.
 * Idempotent. */
TR_API void tr_scope_cancel(tr_self *self, tr_scope *scope, const char *reason);

/* How many children have not ended. */
TR_API size_t tr_scope_count(const tr_scope *scope);

/* The errors of the scope this actor left last, first come first; at most 64 are kept in words, all are counted. */
TR_API size_t tr_error_count(tr_self *self);
TR_API const tr_error_info *tr_error_at(tr_self *self, size_t i);

/* Whether a suspending call would return TR_ECANCELED now, and why ("" if not). Never suspends. */
TR_API bool tr_is_canceled(tr_self *self);
TR_API const char *tr_cancel_reason(tr_self *self);

/* The effective deadline of this actor's scopes, TR_NEVER if none. */
TR_API tr_time tr_deadline(tr_self *self);

#ifdef __cplusplus
}
#endif
#endif
