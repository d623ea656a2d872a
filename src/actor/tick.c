/* SPDX-License-Identifier: MIT */
/* tick.c - timers that are messages, and sleeping
 *
 * A timer has at most one message under way. If a period ends while that is still queued it is counted, and the message
 * tells. Stopping raises the timer's number, so that a message that is queued already is known to be stale when it is
 * reached: there is no race to lose. */
#include "actor/tick.h"

#include <string.h>

#include <troupe/time.h>

#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/error.h"
#include "actor/mailbox.h"
#include "base/clock.h"

struct tick {
    struct list link; /* cell_ext.ticks; its first word is the slab's free link */
    uint64_t seq;     /* the handle's number; raised when it is freed. Stale messages look at it from anywhere */
    struct cell *cell;
    struct tr_msg *content; /* what its messages say */
    struct timer timer;
    int64_t next_ns;   /* when it fires next */
    int64_t period_ns; /* 0: once */
    uint64_t missed;
    bool queued; /* its message is in the mailbox */
    bool over;   /* fired for the last time; freed when its message is taken */
};

size_t tick_size(void)
{
    return sizeof(struct tick);
}

static void tick_free(struct worker *w, struct tick *t)
{
    timer_disarm(w, &t->timer);
    list_remove(&t->link);
    msg_unref(&w->msgs, t->content);
    t->content = NULL;
    __atomic_store_n(&t->seq, t->seq + 1, __ATOMIC_RELAXED);
    slab_free(&w->ticks, t);
}

/* Puts its message into the mailbox. False: out of memory; the period counts as missed. */
static bool tick_send(struct worker *w, struct tick *t)
{
    struct tr_msg *m = msg_share(&w->msgs, t->content);
    if (m == NULL)
        return false;
    m->kind = MSG_TICK;
    m->flags |= MSG_UNCOUNTED;
    m->source = t;
    m->source_seq = t->seq;
    t->queued = true;
    mailbox_put(w, t->cell, m);
    return true;
}

/* Periods that have passed beyond the one that is due, and the time of the next. */
static uint64_t tick_advance(struct tick *t, int64_t now)
{
    uint64_t passed = (uint64_t) ((now - t->next_ns) / t->period_ns);
    t->next_ns += (int64_t) (passed + 1) * t->period_ns;
    return passed;
}

static void tick_fire(struct worker *w, struct timer *timer, int64_t now)
{
    struct tick *t = list_entry(timer, struct tick, timer);
    if (t->period_ns > 0) {
        t->missed += tick_advance(t, now);
        (void) timer_arm(w, timer, t->next_ns); /* cannot fail: the heap has just lost an entry */
    } else {
        t->over = true;
    }
    if (t->queued || !tick_send(w, t))
        t->missed++;
    if (t->over && !t->queued) /* no memory for the only message there was to be: try again, a little later */
        t->over = !timer_arm(w, timer, now + NS_PER_MS);
}

bool tick_taken(struct worker *w, struct tr_msg *m)
{
    struct tick *t = m->source;
    if (t == NULL)
        return true;
    if (__atomic_load_n(&t->seq, __ATOMIC_RELAXED) != m->source_seq)
        return false;
    m->missed = t->missed > UINT32_MAX ? UINT32_MAX : (uint32_t) t->missed;
    t->missed = 0;
    t->queued = false;
    if (t->over) {
        tick_free(w, t);
        m->source = NULL;
    }
    return true;
}

bool tick_is_current(const struct tr_msg *m)
{
    const struct tick *t = m->source;
    return __atomic_load_n(&t->seq, __ATOMIC_RELAXED) == m->source_seq;
}

void tick_release_all(struct worker *w, struct cell *c)
{
    while (!list_is_empty(&c->ext->ticks))
        tick_free(w, list_entry(c->ext->ticks.next, struct tick, link));
}

uint64_t tr_missed(const tr_msg *m)
{
    return m->kind == MSG_TICK ? m->missed : 0;
}

static struct tick *tick_new(struct tr_self *self, struct cell_ext *ext, struct tr_msg *content)
{
    struct tick *t = slab_alloc(&self->worker->ticks);
    if (t == NULL)
        return NULL;
    memset((char *) t + offsetof(struct tick, cell), 0, sizeof *t - offsetof(struct tick, cell));
    if (t->seq == 0) /* fresh memory is zero, recycled memory keeps the number */
        __atomic_store_n(&t->seq, 1, __ATOMIC_RELAXED);
    t->link = (struct list){ NULL, NULL };
    t->cell = self->cell;
    t->content = content;
    t->timer.fire = tick_fire;
    list_push(&ext->ticks, &t->link);
    return t;
}

tr_err tr_timer_start_values(tr_self *self, tr_time when, int64_t period_ns, tr_timer *timer, const tr_value *values,
                             size_t n)
{
    const char *why;
    struct tr_msg *content;
    if (!self_is_current(self))
        return TR_ESTATE;
    if (period_ns < 0)
        return error_set(self, TR_EINVAL, "timer", "a period is above 0");
    struct worker *w = self->worker;
    tr_err err = msg_build(&w->msgs, values, n, true, &content, &why);
    if (err != TR_OK)
        return error_set(self, err, "timer", "%s", why);
    struct cell_ext *ext = cell_ext_get(w, self->cell);
    struct tick *t = ext != NULL ? tick_new(self, ext, content) : NULL;
    if (t == NULL) {
        msg_unref_unsent(&w->msgs, content);
        return error_set(self, TR_ENOMEM, "timer", "out of memory");
    }
    t->next_ns = when;
    t->period_ns = period_ns;
    if (!timer_arm(w, &t->timer, when)) {
        tick_free(w, t);
        return error_set(self, TR_ENOMEM, "timer", "out of memory");
    }
    if (timer != NULL)
        *timer = (tr_timer){ t, t->seq };
    return TR_OK;
}

void tr_timer_cancel(tr_self *self, tr_timer timer)
{
    struct tick *t = timer.timer;
    if (t == NULL || !self_is_current(self) || t->seq != timer.seq || t->cell != self->cell)
        return;
    tick_free(self->worker, t);
}

/* ---- sleeping ---- */

tr_err tr_sleep_until(tr_self *self, tr_time when)
{
    tr_err err = self_enter(self, "sleep");
    if (err != TR_OK)
        return err;
    if (when <= tr_now(self))
        return TR_OK;
    self->wait = (struct wait){ .kind = WAIT_TIME, .deadline = when };
    err = self_wait_woken(self, when);
    if (err == TR_ETIMEDOUT)
        return TR_OK;
    if (err == TR_ECANCELED)
        return error_set(self, err, "sleep", "cancelled: %s", self_cancel_reason(self));
    return err;
}

tr_err tr_sleep(tr_self *self, int64_t ms)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    if (ms < 0)
        return error_set(self, TR_EINVAL, "sleep", "a negative time: %lld ms", (long long) ms);
    return ms == 0 ? tr_yield(self) : tr_sleep_until(self, clock_after_ms(tr_now(self), ms));
}

tr_err tr_yield(tr_self *self)
{
    tr_err err = self_enter(self, "yield");
    if (err == TR_OK)
        err = worker_yield(self);
    if (err == TR_OK && self_is_canceled(self))
        err = error_set(self, TR_ECANCELED, "yield", "cancelled: %s", self_cancel_reason(self));
    return err;
}
