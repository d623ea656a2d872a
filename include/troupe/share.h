/* SPDX-License-Identifier: MIT */
/* share.h - what tasks share: channels, work queues, locks, semaphores, events, rate limiters
 *
 * Each is an actor of its own, and its address is its handle: it can be sent in messages, registered under a name, and
 * used from any worker. Making one spawns it: it belongs to the actor (or the scope) that made it and ends with that;
 * with TR_SPAWN_DETACHED it lives until it is cancelled or the node stops. Calls on one that has ended return
 * TR_ENOPROC, those that wait TR_EDOWN. An address of something else is TR_EINVAL.
 *
 * Who waits, waits in the order of coming; a newcomer does not overtake. Who gives up (deadline, cancel, kill) has
 * taken nothing: also in the moment in which it was granted what it waited for, since a grant that nobody read goes
 * back. Calls that wait have no limit of their own unless timeout_ms says one (0: what is there now), and return
 * TR_ECANCELED like all others. Only those that give a message fill the slot of the last reply: one that was taken out
 * can be read while others are put in.
 */
#ifndef TROUPE_SHARE_H
#define TROUPE_SHARE_H

#include "await.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_share_opts {
    size_t size;      /* sizeof(tr_share_opts) */
    const char *name; /* registered; copied; NULL: none */
    tr_scope *scope;  /* owner; NULL: the actor that makes it */
    unsigned flags;   /* TR_SPAWN_DETACHED */
} tr_share_opts;

/* Errors of every tr_*_create: as tr_spawn_with; TR_EINVAL for a number out of range. opts may be NULL. Suspends: no.
 */

/* ---- channels ---- */

#define TR_CHANNEL_MAX 8192 /* the largest capacity */

/* A queue of messages between any number of senders and receivers. capacity 0: a send returns when a receiver has come
 * for it. */
TR_API TR_MUST_CHECK tr_err tr_channel_create(tr_self *self, uint32_t capacity, const tr_share_opts *opts, tr_addr *ch);

/* Puts a message in, as tr_send's; tags that begin with "share." are the runtime's. Suspends while there is no room. A
 * call that does not return TR_OK has put nothing in. Errors: TR_ECLOSED, TR_EUNSENT (timeout_ms), TR_ECANCELED,
 * TR_ENOPROC, TR_EDOWN, TR_EINVAL, TR_ETOOBIG, TR_ENOMEM. Use tr_channel_send(self, ch, "tag", ...). */
TR_API TR_MUST_CHECK tr_err tr_channel_send_values(tr_self *self, tr_addr ch, int64_t timeout_ms,
                                                   const tr_value *values, size_t n);
#define tr_channel_send(self, ch, ...) tr_channel_send_values((self), (ch), TR_FOREVER, TR_VALUES(__VA_ARGS__))
#define tr_channel_send_for(self, ch, timeout_ms, ...) \
    tr_channel_send_values((self), (ch), (timeout_ms), TR_VALUES(__VA_ARGS__))

/* Takes the oldest message out; it lives as a reply does (tr_keep holds it longer). Suspends while there is none; with
 * timeout_ms 0 it takes what is there. Errors: TR_ECLOSED (closed, and all were taken), TR_ETIMEDOUT, TR_ECANCELED,
 * TR_ENOPROC, TR_EDOWN, TR_EINVAL, TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_channel_recv_for(tr_self *self, tr_addr ch, int64_t timeout_ms, const tr_msg **m);
#define tr_channel_recv(self, ch, m) tr_channel_recv_for((self), (ch), TR_FOREVER, (m))

/* The same without waiting yet, to be waited for beside other things (a select): the ask that is under way is given to
 * tr_wait, tr_next, or tr_await, which takes the message out, and to tr_ask_cancel when it is wanted no more: what had
 * come for it stands at the head again. Belongs to this handler call as any ask; ends, without limit of its own, with
 * the deadline of the scope. Suspends: no. Errors: TR_ECANCELED, TR_ENOPROC, TR_EINVAL, TR_ENOMEM; of the ask: as
 * tr_channel_recv. */
TR_API TR_MUST_CHECK tr_err tr_channel_recv_start(tr_self *self, tr_addr ch, tr_pending *pending);

/* From the senders' side: nothing more comes. Senders that wait get TR_ECLOSED; receivers take what is left, then get
 * it, too. Closing twice is fine. Suspends: no. Errors: TR_ENOPROC, TR_EINVAL, TR_ENOMEM. */
TR_API tr_err tr_channel_close(tr_self *self, tr_addr ch);

/* From the receivers' side: nothing more is taken. As above, and what is left becomes dead letters. */
TR_API tr_err tr_channel_abandon(tr_self *self, tr_addr ch);

/* ---- holding ---- */

/* Something that this actor holds: a lock, permits, an item of work. The zero value is none. Belongs to the handler
 * call (a body's: the body) that took it, and is given back at its end; tr_hold_keep makes it the actor's. */
typedef struct tr_hold {
    tr_addr at;
    tr_pending life;
} tr_hold;

/* Gives it back: the lock is free, the permits are, the work is done. *hold becomes the zero value, which is fine too.
 * Suspends: no. */
TR_API void tr_hold_release(tr_self *self, tr_hold *hold);

/* From now on it is the actor's: it may be released in a later handler. Errors: TR_ESTATE (not held here), TR_ENOMEM.
 */
TR_API tr_err tr_hold_keep(tr_self *self, tr_hold *hold);

/* ---- locks and semaphores ---- */

/* A lock: one holder at a time. */
TR_API TR_MUST_CHECK tr_err tr_lock_create(tr_self *self, const tr_share_opts *opts, tr_addr *lock);

/* Waits until this actor holds it. *died (may be NULL): whether an earlier holder ended without releasing it, so that
 * what it guards may be half done; said to each holder until one has released it. Suspends. Errors: TR_EDEADLK (it is
 * held by this actor, or by one that waits for this one), TR_ETIMEDOUT, TR_ECANCELED, TR_ENOPROC, TR_EDOWN, TR_EINVAL,
 * TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_lock_take_for(tr_self *self, tr_addr lock, int64_t timeout_ms, tr_hold *hold,
                                             bool *died);
#define tr_lock_take(self, lock, hold, died) tr_lock_take_for((self), (lock), TR_FOREVER, (hold), (died))

/* A semaphore of so many permits, at least 1. */
TR_API TR_MUST_CHECK tr_err tr_semaphore_create(tr_self *self, uint32_t permits, const tr_share_opts *opts,
                                                tr_addr *semaphore);

/* Waits until this actor holds n permits, which come back when it releases them or ends. Who wants many is not
 * overtaken by those who want few. Suspends. Errors: as tr_lock_take_for but TR_EDEADLK; TR_EINVAL also when n is 0, or
 * more than there are. */
TR_API TR_MUST_CHECK tr_err tr_semaphore_take_for(tr_self *self, tr_addr semaphore, uint32_t n, int64_t timeout_ms,
                                                  tr_hold *hold);
#define tr_semaphore_take(self, semaphore, n, hold) tr_semaphore_take_for((self), (semaphore), (n), TR_FOREVER, (hold))

/* ---- work queues ---- */

/* A queue of work that knows when it is done: nothing is queued and nobody works. At most capacity items wait in it (0:
 * TR_CHANNEL_MAX): workers that put more work in may all wait for room when it is full. */
TR_API TR_MUST_CHECK tr_err tr_work_create(tr_self *self, uint32_t capacity, const tr_share_opts *opts, tr_addr *queue);

/* Puts an item in; as tr_channel_send. */
TR_API TR_MUST_CHECK tr_err tr_work_put_values(tr_self *self, tr_addr queue, int64_t timeout_ms, const tr_value *values,
                                               size_t n);
#define tr_work_put(self, queue, ...) tr_work_put_values((self), (queue), TR_FOREVER, TR_VALUES(__VA_ARGS__))
#define tr_work_put_for(self, queue, timeout_ms, ...) \
    tr_work_put_values((self), (queue), (timeout_ms), TR_VALUES(__VA_ARGS__))

/* Takes the oldest item, and works on it until tr_hold_release says that it is done, tr_work_again that it is not, or
 * the holder ends, which is the same as done. As tr_channel_recv. */
TR_API TR_MUST_CHECK tr_err tr_work_take_for(tr_self *self, tr_addr queue, int64_t timeout_ms, tr_hold *hold,
                                             const tr_msg **item);
#define tr_work_take(self, queue, hold, item) tr_work_take_for((self), (queue), TR_FOREVER, (hold), (item))

/* Puts an item that this actor works on back, behind the others. *hold becomes the zero value. Suspends: no. */
TR_API void tr_work_again(tr_self *self, tr_hold *hold);

/* Waits until nothing is queued and nobody works; at once if that is so. Suspends. Errors: TR_ETIMEDOUT, TR_ECANCELED,
 * TR_ENOPROC, TR_EDOWN, TR_EINVAL, TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_work_join_for(tr_self *self, tr_addr queue, int64_t timeout_ms);
#define tr_work_join(self, queue) tr_work_join_for((self), (queue), TR_FOREVER)

/* Nothing more comes; as tr_channel_close. */
TR_API tr_err tr_work_close(tr_self *self, tr_addr queue);

/* ---- events ---- */

/* Something that has happened or not. */
TR_API TR_MUST_CHECK tr_err tr_event_create(tr_self *self, const tr_share_opts *opts, tr_addr *event);

/* It has happened: everyone who waits goes on. It has not (any more). Suspends: no. Errors: TR_ENOPROC, TR_EINVAL,
 * TR_ENOMEM. */
TR_API tr_err tr_event_set(tr_self *self, tr_addr event);
TR_API tr_err tr_event_clear(tr_self *self, tr_addr event);

/* Waits until it has happened; at once if it has. Suspends. Errors: TR_ETIMEDOUT, TR_ECANCELED, TR_ENOPROC, TR_EDOWN,
 * TR_EINVAL, TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_event_wait_for(tr_self *self, tr_addr event, int64_t timeout_ms);
#define tr_event_wait(self, event) tr_event_wait_for((self), (event), TR_FOREVER)

/* The same without waiting yet; as tr_channel_recv_start. */
TR_API TR_MUST_CHECK tr_err tr_event_wait_start(tr_self *self, tr_addr event, tr_pending *pending);

/* ---- rate limiters ---- */

/* A token bucket: tokens come in evenly, so many in period_ms, and at most burst are there, as many as at the start. */
TR_API TR_MUST_CHECK tr_err tr_rate_create(tr_self *self, uint32_t tokens, int64_t period_ms, uint32_t burst,
                                           const tr_share_opts *opts, tr_addr *rate);

/* Waits until n tokens are there, and takes them. Who wants many is not overtaken by those who want few. Suspends.
 * Errors: TR_EINVAL (n is 0 or more than burst; no rate limiter), TR_ETIMEDOUT, TR_ECANCELED, TR_ENOPROC, TR_EDOWN,
 * TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_rate_take_for(tr_self *self, tr_addr rate, uint32_t n, int64_t timeout_ms);
#define tr_rate_take(self, rate, n) tr_rate_take_for((self), (rate), (n), TR_FOREVER)

#ifdef __cplusplus
}
#endif
#endif
