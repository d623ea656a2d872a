/* SPDX-License-Identifier: MIT */
/* quota.c - a fetcher's share of the pool's slots: its side of slots.c
 *
 * What happens in a turn, on the large stack, is only noted (want_due, give_due); the messages go out behind it, from
 * the handler itself. Should one not go out, the sweep tries again a moment later.
 */
#include "internal.h"

enum { AGAIN_MS = 10 };

/* Both stay open for as long as it takes. */
static const int64_t patience_ms = INT64_C(1000) * 60 * 60 * 24 * 365;

bool quota_take(struct fetcher *f)
{
    if (f->active_count < f->quota)
        return true;
    f->want_due = !f->want_open;
    return false;
}

/* Gives back what is not used, if others are short. */
void quota_shed(struct fetcher *f)
{
    if (!f->others_are_short || f->quota <= f->active_count)
        return;
    f->give_due += f->quota - f->active_count;
    f->quota = f->active_count;
}

static tr_err on_grant(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    struct fetcher *f = state;
    unsigned n = 0;
    (void) ctx;
    f->want_open = false;
    if (err != TR_OK || tr_args(reply, &n) != TR_OK)
        return quota_lost(self, f, err);
    f->quota += n;
    return fetcher_wake(self, f);
}

static tr_err on_news(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    struct fetcher *f = state;
    (void) ctx;
    f->hold_open = false;
    if (err != TR_OK || tr_args(reply, &f->others_are_short) != TR_OK)
        return quota_lost(self, f, err);
    return fetcher_wake(self, f);
}

/* Who shares out the slots has ended. So does the fetcher: the pool makes both anew at the next request. */
tr_err quota_lost(tr_self *self, struct fetcher *f, tr_err err)
{
    if (err == TR_EFULL || err == TR_ENOMEM) {
        fetcher_look_again(self, f, AGAIN_MS);
        return TR_OK;
    }
    return err == TR_ECANCELED ? err : TR_STOP;
}

/* Sends what is due. */
tr_err quota_settle(tr_self *self, struct fetcher *f)
{
    unsigned n = f->waiting_count > 0 ? f->waiting_count : 1;
    const tr_value hold[] = { tr_str("hold") }, want[] = { tr_str("want"), tr_uint(n) };
    tr_err err = TR_OK;
    if (!f->hold_open) {
        err = tr_ask_then_values(self, f->slots, patience_ms, on_news, NULL, hold, 1);
        f->hold_open = err == TR_OK;
    }
    if (err == TR_OK && f->give_due > 0) {
        err = tr_try_send(self, f->slots, "give", f->give_due);
        f->give_due = err == TR_OK ? 0 : f->give_due;
    }
    if (err == TR_OK && f->want_due && !f->want_open) {
        err = tr_ask_then_values(self, f->slots, patience_ms, on_grant, NULL, want, 2);
        f->want_open = err == TR_OK;
        f->want_due = !f->want_open;
    }
    return err == TR_OK ? TR_OK : quota_lost(self, f, err);
}
