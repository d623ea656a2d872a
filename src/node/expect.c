/* SPDX-License-Identifier: MIT */
/* expect.c - receiving in a test: the message that must come, within its time, or none */
#include "base/clock.h"
#include "node/kit.h"

#define WORDS 120

static tr_err not_expected(tr_self *self, const tr_msg *m, const tr_value *values, size_t n)
{
    char wanted[WORDS], got[WORDS];
    (void) match_print(values, n, wanted, sizeof wanted);
    (void) tr_msg_print(m, got, sizeof got);
    return tr_fail_with(self, TR_EBADMSG, "expected %s, got %s", wanted, got);
}

static tr_err none_came(tr_self *self, int64_t timeout_ms, const tr_value *values, size_t n)
{
    char wanted[WORDS];
    (void) match_print(values, n, wanted, sizeof wanted);
    return tr_fail_with(self, TR_ETIMEDOUT, "expected %s, and it did not come within %lld ms", wanted,
                        (long long) timeout_ms);
}

static tr_err expect(tr_self *self, int64_t timeout_ms, const tr_msg **m, const tr_value *values, size_t n, bool among)
{
    const tr_msg *got;
    tr_time until = clock_after_ms(tr_now(self), timeout_ms);
    for (;;) {
        tr_time now = tr_now(self);
        int64_t left = timeout_ms < 0 ? TR_FOREVER : until > now ? (until - now + NS_PER_MS - 1) / NS_PER_MS : 0;
        tr_err err = tr_recv_for(self, left, &got);
        if (err == TR_ETIMEDOUT)
            return none_came(self, timeout_ms, values, n);
        if (err != TR_OK)
            return err;
        if (tr_matches_values(got, values, n))
            break;
        if (!among)
            return not_expected(self, got, values, n);
    }
    if (m != NULL)
        *m = got;
    return TR_OK;
}

tr_err tr_expect_values(tr_self *self, int64_t timeout_ms, const tr_msg **m, const tr_value *values, size_t n)
{
    return expect(self, timeout_ms, m, values, n, false);
}

tr_err tr_expect_among_values(tr_self *self, int64_t timeout_ms, const tr_msg **m, const tr_value *values, size_t n)
{
    return expect(self, timeout_ms, m, values, n, true);
}

tr_err tr_expect_nothing(tr_self *self, int64_t ms)
{
    char got[WORDS];
    const tr_msg *m;
    tr_err err = tr_recv_for(self, ms, &m);
    if (err == TR_ETIMEDOUT)
        return TR_OK;
    if (err != TR_OK)
        return err;
    (void) tr_msg_print(m, got, sizeof got);
    return tr_fail_with(self, TR_EBADMSG, "expected nothing, got %s", got);
}
