/* SPDX-License-Identifier: MIT */
/* await.h - asking, and waiting for answers
 *
 * An ask cannot hang: its deadline is its own, its scope's, or the one of the request being handled while that reply is
 * still owed, whichever is first, and 30 s if there is none. The callee's end, a refusing mailbox, a request that is
 * not answered: each is an error at once. A reply is delivered or dropped whole; one that comes late is a counted dead
 * letter. When a scope's deadline comes first, that is a cancel: the ask returns TR_ECANCELED, and the scope
 * TR_ETIMEDOUT.
 */
#ifndef TROUPE_AWAIT_H
#define TROUPE_AWAIT_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_ASK_TIMEOUT_MS 30000

/* Asks and waits for the answer: TR_OK and *reply (may be NULL), which lives until this actor's next reply. Suspends.
 * Errors: the callee's own code (tr_error has its words); TR_ETIMEDOUT (it may have happened), TR_EUNSENT (it has not),
 * TR_ENOPROC, TR_EDOWN, TR_ENOREPLY, TR_EUNKNOWN, TR_EBADMSG, TR_EFULL, TR_EDEADLK, TR_ECANCELED, TR_EINVAL,
 * TR_ETOOBIG, TR_ENOMEM. Use tr_ask(self, to, &reply, "tag", ...), or tr_ask_for(self, to, timeout_ms, &reply, "tag",
 * ...) for a deadline of its own. */
#define tr_ask(self, to, reply, ...) tr_ask_any((self), (to), TR_FOREVER, (reply), TR_VALUES(__VA_ARGS__))
#define tr_ask_for(self, to, timeout_ms, reply, ...) \
    tr_ask_any((self), (to), (timeout_ms), (reply), TR_VALUES(__VA_ARGS__))

/* An ask under way. The zero value is none. Belongs to the actor that started it; given back by tr_await, tr_gather,
 * tr_ask_cancel or the actor's (in a behaviour: the handler call's) end. */
typedef struct tr_pending {
    void *ask;
    uint64_t seq;
} tr_pending;

/* Starts an ask and returns; collect it with tr_await, tr_gather, tr_wait or tr_next. Suspends only while the receiver
 * is full. Errors: as tr_ask, as far as they are known at once. */
TR_API TR_MUST_CHECK tr_err tr_ask_start_values(tr_self *self, tr_addr to, int64_t timeout_ms, tr_pending *pending,
                                                const tr_value *values, size_t n);
#define tr_ask_start(self, to, pending, ...) \
    tr_ask_start_values((self), (to), TR_FOREVER, (pending), TR_VALUES(__VA_ARGS__))
#define tr_ask_start_for(self, to, timeout_ms, pending, ...) \
    tr_ask_start_values((self), (to), (timeout_ms), (pending), TR_VALUES(__VA_ARGS__))

/* Waits for one. As tr_ask. TR_ESTATE: it was collected before. On TR_ECANCELED it is cancelled too. */
TR_API TR_MUST_CHECK tr_err tr_await(tr_self *self, tr_pending pending, const tr_msg **reply);

/* Gives up on one: a request still queued is never handled, one being handled is told (tr_is_dead, on_cancel). Never
 * suspends. */
TR_API void tr_ask_cancel(tr_self *self, tr_pending pending);

/* How one ask of many ended. reply lives until the actor's next tr_gather. */
typedef struct tr_outcome {
    tr_err err;
    const tr_msg *reply; /* on TR_OK */
    const char *text;    /* otherwise, in words */
} tr_outcome;

typedef enum tr_gather_mode {
    TR_FAIL_FAST = 0, /* the first failure cancels the others and is returned */
    TR_COLLECT        /* waits for all; TR_OK even if some failed: look at each outcome */
} tr_gather_mode;

/* Waits for n asks; outcomes stand in the order of the asks, whatever order they came in. n may be 0. Suspends. All n
 * are collected when it returns. Errors: with TR_FAIL_FAST the first failure; TR_ECANCELED (all are cancelled);
 * TR_ESTATE (one was collected before) and TR_EINVAL (one stands there twice), and then none is touched. */
TR_API TR_MUST_CHECK tr_err tr_gather(tr_self *self, const tr_pending *pending, size_t n, tr_gather_mode mode,
                                      tr_outcome *outcomes);

/* Waits for the next of n asks to complete, in the order in which they complete, and collects it: *index says which.
 * Others are left alone. Suspends. Errors: the ask's own; TR_ESTATE when none of the n is left. */
TR_API TR_MUST_CHECK tr_err tr_next(tr_self *self, const tr_pending *pending, size_t n, size_t *index,
                                    const tr_msg **reply);

/* ---- waiting for different things at once ---- */

typedef enum tr_wait_kind {
    TR_WAIT_REPLY = 1, /* pending: completed; collect it with tr_await, which will not suspend */
    TR_WAIT_MAILBOX,   /* a message is there: tr_recv will not suspend. Bodies only */
    TR_WAIT_TIME,      /* deadline (tr_time) has come */
    TR_WAIT_FD,        /* fd has one of events (TR_READABLE, TR_WRITABLE); revents says which */
    TR_WAIT_END        /* actor has ended: tr_join will not suspend */
} tr_wait_kind;

typedef struct tr_wait_item {
    tr_wait_kind kind;
    tr_pending pending;
    tr_time deadline;
    tr_addr actor;
    int fd;
    unsigned events;
    /* set by tr_wait: */
    bool done;
    bool failed; /* a reply that is an error, an actor that failed, a descriptor with an error */
    unsigned revents;
} tr_wait_item;

typedef enum tr_wait_mode {
    TR_WAIT_FIRST = 0, /* until one is done */
    TR_WAIT_FAILED,    /* until one has failed, or all are done */
    TR_WAIT_ALL        /* until all are done */
} tr_wait_mode;

/* Waits for some of n things. A timeout is no error: *done (may be NULL) says how many are, and nothing is cancelled.
 * timeout_ms TR_FOREVER: no limit but the scope's. Suspends. Errors: TR_EINVAL (n is 0, a bad item), TR_ECANCELED,
 * TR_EDEADLK, TR_EBUSY (fd). */
TR_API TR_MUST_CHECK tr_err tr_wait(tr_self *self, tr_wait_item *items, size_t n, tr_wait_mode mode, int64_t timeout_ms,
                                    size_t *done);

/* ---- for behaviours that must not wait ---- */

/* Called in the asking actor when the answer is there, as a handler is: reply on TR_OK (lives until it returns), else
 * err and tr_error(self). state is the behaviour's (NULL in a body), ctx as given. Its return value is treated like a
 * handler's of a plain message. */
typedef tr_err tr_reply_fn(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx);

/* Asks without waiting: on_reply is called exactly once, later, whatever happens, unless the actor ends first. In a
 * body it is called from tr_recv. Errors: as tr_ask_start, and then on_reply is not called. */
TR_API TR_MUST_CHECK tr_err tr_ask_then_values(tr_self *self, tr_addr to, int64_t timeout_ms, tr_reply_fn *on_reply,
                                               void *ctx, const tr_value *values, size_t n);
#define tr_ask_then(self, to, on_reply, ctx, ...) \
    tr_ask_then_values((self), (to), TR_FOREVER, (on_reply), (ctx), TR_VALUES(__VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif
