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
    bool until_stop;    /* a request to stop (tr_stop, tr_scope_stop) cancels what runs inside; the scope then returns
                           TR_STOP */
    bool *moved_on;     /* not NULL: to be cut short by its own deadline is TR_OK, and *moved_on says whether it was */
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

/* fn(self, arg) under a deadline that is no failure: TR_OK if it cut fn short, and *moved_on (may be NULL) is true;
 * else what fn returned. An outside cancel stays TR_ECANCELED. */
TR_API TR_MUST_CHECK tr_err tr_move_on(tr_self *self, int64_t timeout_ms, tr_body_fn *fn, void *arg, bool *moved_on);

/* fn(self, arg) until this actor is asked to stop: then its suspending calls return TR_ECANCELED, and this TR_STOP;
 * afterwards the actor is not cancelled, and finishes what it has begun. Else what fn returned. An outside cancel stays
 * TR_ECANCELED. */
TR_API TR_MUST_CHECK tr_err tr_until_stop(tr_self *self, tr_body_fn *fn, void *arg);

/* The same as a pair: end waits for the children, and returns what tr_scope_run would, given the body's own result.
 * Ends must come in reverse order of begins in the same handler call or body (TR_ESTATE); a scope left open when it
 * returns is cancelled, waited for, and reported. */
TR_API TR_MUST_CHECK tr_err tr_scope_begin(tr_self *self, const tr_scope_opts *opts, tr_scope **scope);
TR_API TR_MUST_CHECK tr_err tr_scope_end(tr_self *self, tr_scope **scope, tr_err result);

/* Cancels a scope that this actor, or another on this thread, has open: its children, and its body at its next
 * suspension; those who do not end within the scope's grace are killed. reason is copied. Idempotent. A scope of
 * another thread is left alone, and that is logged (tr_error: TR_ESTATE). */
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

/* A scope's own deadline, TR_NEVER if it has none; and a new one for it, earlier or later, TR_NEVER for none, whoever
 * of this thread holds the scope. A time that has passed ends it now. Asks that are under way inside follow (those of
 * tr_ask_then keep the deadline they had). Errors: TR_ESTATE (it was cancelled, or its deadline has come: too late; or
 * it lives on another thread), TR_EINVAL (a shield needs a deadline), TR_ENOMEM. */
TR_API tr_time tr_scope_deadline(const tr_scope *scope);
TR_API TR_MUST_CHECK tr_err tr_scope_set_deadline(tr_self *self, tr_scope *scope, tr_time deadline);

/* ---- stopping kindly ---- */

/* Asks an actor, and everyone below it, to stop: nobody is cancelled, but tr_is_stopping is true from then on, what
 * runs in tr_until_stop is cut short, and a behaviour that has a row "stop" with args "reason:str" gets that message
 * behind those that are queued. Returns at once; asking again, or the dead, changes nothing. reason is copied. */
TR_API tr_err tr_stop(tr_self *self, tr_addr who, const char *reason);

/* tr_stop, and wait until it has ended; after timeout_ms it is cancelled, and 5 s later killed. Suspends. Errors:
 * TR_ETIMEDOUT (it had to be), TR_ECANCELED, TR_EDEADLK. */
TR_API tr_err tr_stop_wait(tr_self *self, tr_addr who, const char *reason, int64_t timeout_ms);

/* The same for everyone in a scope, its body too: they are asked to stop, nothing new may be spawned in it
 * (TR_ECLOSED), and what has not ended after grace_ms is cancelled as by tr_scope_cancel (0: at once, TR_FOREVER:
 * never). Returns at once; asking again changes nothing, tr_scope_cancel ends the grace. The scope may be another
 * actor's of this thread. Errors: TR_ESTATE (of another thread), TR_ENOMEM. */
TR_API tr_err tr_scope_stop(tr_self *self, tr_scope *scope, int64_t grace_ms, const char *reason);

/* Whether this actor, or a scope that it has open, was asked to stop, and why ("" if not). Never suspends. */
TR_API bool tr_is_stopping(tr_self *self);
TR_API const char *tr_stop_reason(tr_self *self);

/* ---- a start handshake ---- */

/* Spawns an actor and waits until it says that it is ready: *value (may be NULL) is what it said, and lives as a reply.
 * opts and *to as tr_spawn_with. The actor belongs to its owner (opts->scope or this one) from the first, but until it
 * is ready its failure is this call's and nobody else's: its own error and words; TR_ENOREPLY if it ends well without
 * tr_ready, TR_EDOWN if it was cancelled by someone else. The deadline is an ask's: timeout_ms, a scope's, the
 * request's, else 30 s. When it comes, or this actor is cancelled, half-way, the new actor is cancelled (killed 5 s
 * later) and has ended before this returns TR_ETIMEDOUT or TR_ECANCELED; should it have said ready first, it has
 * started. Suspends. Errors: also as tr_spawn_with, TR_EDEADLK. */
TR_API TR_MUST_CHECK tr_err tr_start_with(tr_self *self, const tr_spawn_opts *opts, int64_t timeout_ms, tr_addr *to,
                                          const tr_msg **value);
TR_API TR_MUST_CHECK tr_err tr_start_body(tr_self *self, tr_scope *scope, tr_body_fn *body, void *arg, tr_addr *to,
                                          const tr_msg **value);
TR_API TR_MUST_CHECK tr_err tr_start_behaviour(tr_self *self, tr_scope *scope, const tr_behaviour *behaviour, void *arg,
                                               tr_addr *to, const tr_msg **value);

/* tr_start(self, scope or NULL, body or &behaviour, arg, &to, &value). */
#ifndef __cplusplus
#define tr_start(self, scope, what, arg, to, value) \
    _Generic((what),                               \
        const tr_behaviour *: tr_start_behaviour,  \
        tr_behaviour *: tr_start_behaviour,        \
        default: tr_start_body)((self), (scope), (what), (arg), (to), (value))
#endif

/* Says to the one who started this actor that it is ready, once. In an actor that was only spawned it does nothing, so
 * a body may be used both ways. Never suspends. Errors: TR_ESTATE (said before), TR_ECANCELED (who started it gave up:
 * clean up and return), TR_EINVAL, TR_ETOOBIG, TR_ENOMEM. Use tr_ready(self) or tr_ready(self, port, ...). */
TR_API tr_err tr_ready_values(tr_self *self, const tr_value *values, size_t n);
#define tr_ready(...) TR_CAT(TR_READY_, TR_ONE_OR_MORE(__VA_ARGS__))(__VA_ARGS__)
#define TR_READY_1(self) tr_ready_values((self), NULL, 0)
#define TR_READY_N(self, ...) tr_ready_values((self), TR_VALUES(__VA_ARGS__))

/* ---- racing ---- */

typedef struct tr_racer {
    tr_body_fn *body;
    void *arg;    /* as for tr_spawn */
    tr_addr addr; /* set by tr_race; nil: was not started */
} tr_racer;

typedef struct tr_race_opts {
    size_t size;        /* sizeof(tr_race_opts) */
    bool first_to_end;  /* the first to end wins, well or not; else the first to end well, and all have to fail for a
                           failure */
    int64_t delay_ms;   /* the next is started so long after the one before, or as soon as that has failed (Huston's way
                           of racing addresses); 0: all at once */
    int64_t timeout_ms; /* 0 or TR_FOREVER: none */
    int64_t grace_ms;   /* for those who lost, before they are killed; 0: 5,000 */
} tr_race_opts;

/* Runs n bodies (1 to 64) against each other. The first to win (opts, which may be NULL) is *winner (may be NULL), and
 * what it left with tr_result is *result (may be NULL), which lives as a reply. The others are cancelled, and have
 * ended before this returns; what they fail with then is nobody's error. Suspends. Errors: of the first that failed,
 * when none won, and all of them in tr_error_count and tr_error_at; with first_to_end the winner's own (*winner is set
 * all the same); TR_EDOWN (it, or all, were cancelled by someone else); TR_ETIMEDOUT, TR_ECANCELED, TR_EINVAL,
 * TR_ETOOBIG, TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_race(tr_self *self, const tr_race_opts *opts, tr_racer *racers, size_t n, size_t *winner,
                                    const tr_msg **result);

#ifdef __cplusplus
}
inline tr_err tr_start(tr_self *self, tr_scope *scope, tr_body_fn *body, void *arg, tr_addr *to, const tr_msg **value)
{
    return tr_start_body(self, scope, body, arg, to, value);
}
inline tr_err tr_start(tr_self *self, tr_scope *scope, const tr_behaviour *b, void *arg, tr_addr *to,
                       const tr_msg **value)
{
    return tr_start_behaviour(self, scope, b, arg, to, value);
}
#endif
#endif
