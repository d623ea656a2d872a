/* SPDX-License-Identifier: MIT */
/* rate.c - a token bucket
 *
 * Counted in time, not in tokens, so that nothing is rounded away: full_at is when the bucket will be full if nobody
 * takes any more. n tokens cost the time in which n come in; they are there when taking them would not move full_at
 * further ahead than a burst's worth. */
#include <troupe/share.h>
#include <troupe/time.h>

#include "base/clock.h"
#include "share/hand.h"
#include "share/line.h"

#define DAY_MS 86400000

struct rate {
    struct line waiting;
    struct list spare;
    int64_t period_ns, tokens; /* tokens come in in each period */
    int64_t burst;
    tr_time full_at;
    tr_timer timer;
};

/* n * period / tokens, rounded up: never faster than asked for. In two parts, neither of which overflows. */
static int64_t cost_ns(const struct rate *r, int64_t n)
{
    return n * (r->period_ns / r->tokens) + (n * (r->period_ns % r->tokens) + r->tokens - 1) / r->tokens;
}

static tr_err rate_init(tr_self *self, void *state, void *arg)
{
    struct rate *r = state;
    int64_t packed;
    (void) arg;
    tr_err err = tr_args(tr_start_args(self), &packed, &r->period_ns);
    r->tokens = packed >> 32;
    r->burst = packed & UINT32_MAX;
    list_init(&r->spare);
    line_init(&r->waiting, &r->spare);
    return err;
}

/* When n tokens will be there. */
static tr_time ready_at(const struct rate *r, int64_t n)
{
    return r->full_at + cost_ns(r, n) - cost_ns(r, r->burst);
}

/* Waits for the tokens of the first. */
static void serve(tr_self *self, struct rate *r)
{
    struct place *waiter;
    tr_time now = tr_now(self);
    tr_timer_cancel(self, r->timer);
    while ((waiter = line_first(self, &r->waiting)) != NULL) {
        tr_time when = ready_at(r, waiter->n);
        if (when > now && tr_timer_start(self, when, 0, &r->timer, "share.tick") == TR_OK)
            return;
        if (when > now || hand_grant_number(self, waiter->m, waiter->n) != TR_OK)
            hand_error(self, &waiter->m, TR_ENOMEM, "out of memory", "share.take", NULL);
        else
            r->full_at = (r->full_at > now ? r->full_at : now) + cost_ns(r, waiter->n);
        line_leave(self, &r->waiting, waiter);
    }
}

static tr_err on_take(tr_self *self, void *state, const tr_msg *m)
{
    struct rate *r = state;
    int64_t n;
    tr_args(m, &n);
    if (n < 1 || n > r->burst)
        return tr_fail_with(self, TR_EINVAL, "%lld tokens were asked for, of a burst of %lld", (long long) n,
                            (long long) r->burst);
    struct place *waiter = line_join(self, &r->waiting, m);
    if (waiter == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    waiter->n = n;
    serve(self, r);
    return TR_OK;
}

static tr_err on_tick(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    serve(self, state);
    return TR_OK;
}

/* Tokens that nobody got. */
static tr_err on_back(tr_self *self, void *state, const tr_msg *m)
{
    struct rate *r = state;
    int64_t n;
    tr_args(m, &n);
    if (!hand_is_back(self, m))
        return TR_EUNKNOWN;
    r->full_at -= cost_ns(r, n);
    serve(self, r);
    return TR_OK;
}

static tr_err on_waiter_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct rate *r = state;
    struct place *waiter = line_find(&r->waiting, m);
    if (waiter == NULL)
        return TR_OK;
    line_leave(self, &r->waiting, waiter);
    serve(self, r);
    return TR_OK;
}

static const tr_handler handlers[] = {
    { "share.take", "n:int", "n:int", on_take, "answered when n tokens are there", 0, on_waiter_gone },
    { "share.tick", "", NULL, on_tick, "the actor's own timer", 0, NULL },
    { "share.grant", "n:int", NULL, on_back, "the actor's own: tokens that nobody got", 0, NULL },
    { 0 },
};
static const tr_behaviour rate = {
    .name = "rate", .state_size = sizeof(struct rate), .handlers = handlers, .init = rate_init
};

/* ---- public ---- */

tr_err tr_rate_create(tr_self *self, uint32_t tokens, int64_t period_ms, uint32_t burst, const tr_share_opts *opts,
                      tr_addr *to)
{
    if (tokens == 0 || tokens > INT32_MAX || burst == 0 || period_ms <= 0 || period_ms > DAY_MS)
        return tr_fail_with(self, TR_EINVAL,
                            "a rate has 1 to %d tokens in a period of 1 ms to a day, and a burst of at least 1",
                            INT32_MAX);
    if ((double) burst * (double) period_ms / tokens > 36500.0 * DAY_MS)
        return tr_fail_with(self, TR_EINVAL, "a burst that takes a century to fill");
    return share_spawn(self, &rate, opts, (int64_t) tokens << 32 | burst, period_ms * NS_PER_MS, to);
}

tr_err tr_rate_take_for(tr_self *self, tr_addr at, uint32_t n, int64_t timeout_ms)
{
    tr_err err = share_check(self, at, &rate, "rate");
    return err == TR_OK ? hand_ask(self, at, timeout_ms, "rate", TR_VALUES("share.take", n)) : err;
}
