/* SPDX-License-Identifier: MIT */
/* compact.c - actors that talk more than they work come together on one worker */
#include "sched/compact.h"

#include "base/clock.h"

#define CROSSING_NS 500           /* what a message or an answer costs its two workers when it crosses */
#define WINDOW_NS (1 * NS_PER_MS) /* the ticker's, which is what makes a worker look */
#define LONG_TURN_NS 2000         /* of these, others do their share whatever crosses */
#define KEEP_FIRST_NS (8 * NS_PER_MS)
#define KEEP_LAST_NS (256 * NS_PER_MS)

/* N workers do N times as much in the time that crossing leaves. They are worth it unless crossing takes (N - 1) / N.
 */
static bool talk_prevails(const struct worker *w, uint64_t crossed, int64_t spent)
{
    int64_t workers = w->world->workers;
    return (int64_t) crossed * CROSSING_NS * workers > spent * (workers - 1);
}

/* Twice as long as the last time, if that ended just now. */
static void keep(struct worker *w)
{
    struct compact *c = &w->compact;
    if (worker_keeps(w))
        return;
    bool again = c->keep_ns > 0 && w->now - c->keep_until < c->keep_ns;
    c->keep_ns = !again ? KEEP_FIRST_NS : c->keep_ns * 2 < KEEP_LAST_NS ? c->keep_ns * 2 : KEEP_LAST_NS;
    c->keep_until = w->now + c->keep_ns;
}

/* Returns how many turns there were. */
static int64_t measure(struct worker *w, int64_t spent)
{
    struct compact *c = &w->compact;
    int64_t turns = (int64_t) (atomic_load_explicit(&w->turns, memory_order_relaxed) - c->turns);
    if (turns > 0)
        c->turn_ns = spent / turns;
    return turns;
}

void compact_restart(struct worker *w)
{
    struct compact *c = &w->compact;
    c->since = w->now;
    c->turns = atomic_load_explicit(&w->turns, memory_order_relaxed);
    c->crossed = w->crossed;
}

void compact_pause(struct worker *w)
{
    (void) measure(w, w->now - w->compact.since);
}

void compact_look(struct worker *w)
{
    struct compact *c = &w->compact;
    int64_t spent = w->now - c->since;
    if (w->world->workers == 1 || spent < WINDOW_NS)
        return;
    int64_t turns = measure(w, spent);
    if (talk_prevails(w, w->crossed - c->crossed, spent))
        keep(w);
    else if (spent > turns * LONG_TURN_NS)
        c->keep_until = c->keep_ns = 0;
    compact_restart(w);
}
