/* SPDX-License-Identifier: MIT */
/* timer.h - deadlines of one worker
 *
 * A timer is a heap node and what to call. Two ways to use one. Eager: timer_arm before, timer_disarm after (sleeps,
 * scopes, ticks). Lazy, for deadlines that nearly always are met (asks): timer_cover makes sure that it fires no later
 * than the deadline and leaves it armed; when it fires, the owner looks whether its present deadline has come and
 * covers again, or does nothing. An ask then costs one comparison. The owner must be type-stable. */
#ifndef ACTOR_TIMER_H
#define ACTOR_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"

struct worker;

#define TIMER_OFF INT64_MAX

struct timer {
    struct heap_node node;
    bool lazy;   /* armed by timer_cover: may have nothing to say */
    int64_t due; /* TIMER_OFF: not armed. Only what timer_cover is for needs it right from the start */
    void (*fire)(struct worker *w, struct timer *t, int64_t now);
};

/* False: out of memory. */
bool timer_arm(struct worker *w, struct timer *t, int64_t deadline_ns);
void timer_disarm(struct worker *w, struct timer *t); /* not armed: nothing */
bool timer_cover_slow(struct worker *w, struct timer *t, int64_t deadline_ns);

/* Fires what is due at w->now, in the order of deadlines; at most n. Returns whether more is due. */
bool timer_run_due(struct worker *w, int n);

#endif
