/* SPDX-License-Identifier: MIT */
/* timer.c - deadlines of one worker */
#include "actor/timer.h"

#include "actor/worker.h"

static bool arm(struct worker *w, struct timer *t, int64_t deadline_ns)
{
    if (heap_has(&t->node))
        heap_update(&w->timers, &t->node, deadline_ns);
    else if (!heap_push(&w->timers, &t->node, deadline_ns))
        return false;
    t->due = deadline_ns;
    return true;
}

bool timer_arm(struct worker *w, struct timer *t, int64_t deadline_ns)
{
    t->lazy = false;
    return arm(w, t, deadline_ns);
}

bool timer_cover_slow(struct worker *w, struct timer *t, int64_t deadline_ns)
{
    bool was_armed = heap_has(&t->node);
    t->lazy = true;
    if (!arm(w, t, deadline_ns))
        return false;
    if (!was_armed)
        w->timers_lazy++;
    return true;
}

void timer_disarm(struct worker *w, struct timer *t)
{
    if (!heap_has(&t->node))
        return;
    heap_remove(&w->timers, &t->node);
    t->due = TIMER_OFF;
    if (t->lazy)
        w->timers_lazy--;
}

bool timer_run_due(struct worker *w, int n)
{
    while (n-- > 0) {
        int64_t due = heap_min(&w->timers);
        if (due > w->now)
            return false;
        struct timer *t = list_entry(heap_pop(&w->timers), struct timer, node);
        t->due = TIMER_OFF;
        if (t->lazy)
            w->timers_lazy--;
        if (atomic_load_explicit(&w->world->debug.traced, memory_order_relaxed))
            debug_timer_fires(w, due);
        t->fire(w, t, w->now);
    }
    return heap_min(&w->timers) <= w->now;
}
