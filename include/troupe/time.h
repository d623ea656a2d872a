/* SPDX-License-Identifier: MIT */
/* time.h - sleeping, and timers that are messages
 *
 * Nothing fires early. Timers of one tick fire in the order of their deadlines. A timer's message is part of the
 * mailbox's order, is not counted against its bounds, and is never refused.
 */
#ifndef TROUPE_TIME_H
#define TROUPE_TIME_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Suspends for that long. 0 yields. Errors: TR_ECANCELED (also when a scope's deadline comes first), TR_EINVAL
 * (negative). */
TR_API tr_err tr_sleep(tr_self *self, int64_t ms);

/* Suspends until that time; not at all if it has passed. Sub-millisecond times are kept (timerfd_settime(2)). */
TR_API tr_err tr_sleep_until(tr_self *self, tr_time when);

/* A timer of this actor. The zero value is none. */
typedef struct tr_timer {
    void *timer;
    uint64_t seq;
} tr_timer;

/* Sends this actor "tag" with these values at a time, and then every period_ns (0: once). A periodic timer whose
 * message is still in the mailbox does not send another: the message says how many were missed. Ends with the actor.
 * timer may be NULL. Errors: TR_EINVAL, TR_ENOMEM. Suspends: no. */
TR_API tr_err tr_timer_start_values(tr_self *self, tr_time when, int64_t period_ns, tr_timer *timer,
                                    const tr_value *values, size_t n);
#define tr_timer_start(self, when, period_ns, timer, ...) \
    tr_timer_start_values((self), (when), (period_ns), (timer), TR_VALUES(__VA_ARGS__))
#define tr_timer_after(self, ms, timer, ...) \
    tr_timer_start((self), tr_now(self) + (int64_t) (ms) *1000000, 0, (timer), __VA_ARGS__)
#define tr_timer_every(self, ms, timer, ...)                                                                         \
    tr_timer_start((self), tr_now(self) + (int64_t) (ms) *1000000, (ms) > 0 ? (int64_t) (ms) *1000000 : -1, (timer), \
                   __VA_ARGS__)

/* Stops a timer: after it returns its message does not arrive any more, not even one that is already queued. Stopping
 * it twice is fine. */
TR_API void tr_timer_cancel(tr_self *self, tr_timer timer);

/* How many periods a timer's message stands for beyond its own; 0 for any other message. */
TR_API uint64_t tr_missed(const tr_msg *m);

#ifdef __cplusplus
}
#endif
#endif
