/* SPDX-License-Identifier: MIT */
/* retry.c - what may be tried again, and when
 *
 * Three things are safe: a request of which not a byte was sent; a method that does the same however often it is done
 * (RFC 9110, 9.2.2); and what the server itself asks to be sent later, with 429 or 503 and Retry-After. What another
 * try would not mend is not tried: a certificate that is not trusted, a limit that was hit, a URL that is none.
 *
 * The delay doubles and loses up to half of itself at random, so that a thousand askers that failed together do not
 * come back together. While it rests a request holds no slot.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static const int64_t ms = 1000000;

static bool is_one_of(const char *method, const char *const *methods)
{
    while (*methods != NULL && strcmp(method, *methods) != 0)
        methods++;
    return *methods != NULL;
}

static bool request_is_idempotent(const struct request *r)
{
    static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", NULL };
    return is_one_of(request_method(&r->opts), methods);
}

/* A failure that may pass: and if it came before a byte was sent, the method does not matter. */
static bool failure_may_pass(const struct transfer *t, tr_err err, bool permanent)
{
    bool unsent = t->sends == 0;
    if (permanent)
        return false;
    switch ((int) err) {
    case TR_FETCH_RESOLVE:
    case TR_FETCH_PROXY:
    case TR_FETCH_CONNECT:
    case TR_FETCH_TLS:
    case TR_FETCH_TIMEOUT:
    case TR_FETCH_SEND:
    case TR_FETCH_HEADER:
    case TR_FETCH_BODY:
        return unsent || request_is_idempotent(t->request);
    default:
        return false;
    }
}

/* In seconds, or as a date; -1: the server does not say. */
static int64_t retry_after_ms(struct transfer *t)
{
    curl_off_t wait_s = 0;
    if (!t->has_retry_after)
        return -1;
    (void) curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &wait_s);
    if (wait_s <= 0) /* a date that is past */
        return 0;
    return wait_s < INT32_MAX ? (int64_t) wait_s * 1000 : INT64_MAX / ms;
}

static bool status_may_pass(struct transfer *t, long status, int64_t after_ms)
{
    switch (status) {
    case 429:
    case 503:
        return after_ms >= 0 || request_is_idempotent(t->request);
    case 408:
    case 502:
    case 504:
        return request_is_idempotent(t->request);
    default:
        return false;
    }
}

/* What the asker of a stream has seen, and parts that are gone, cannot be had again. */
static bool request_can_begin_anew(const struct request *r)
{
    return !r->head_is_written && !r->has_read;
}

bool retry_is_likely(struct request *r)
{
    long status = 0;
    (void) curl_easy_getinfo(r->transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return r->tries <= r->opts.limits.retries_max && request_can_begin_anew(r) && status >= 400 &&
           status_may_pass(r->transfer, status, retry_after_ms(r->transfer)) &&
           retry_after_ms(r->transfer) <= r->opts.limits.retry_delay_max_ms;
}

static int64_t retry_delay_ms(struct fetcher *f, const struct request *r)
{
    const struct limits *l = &r->opts.limits;
    int64_t delay = l->retry_delay_ms;
    for (unsigned i = 1; i < r->tries && delay < l->retry_delay_max_ms; i++)
        delay *= 2;
    delay = delay < l->retry_delay_max_ms ? delay : l->retry_delay_max_ms;
    f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return delay - (int64_t) ((f->random >> 33) % (uint64_t) (delay / 2 + 1));
}

/* Whether it rests now and is tried again later. after_ms: what the server wants at least, -1: nothing. */
static bool retry_rest(struct fetcher *f, struct request *r, int64_t after_ms, tr_err err, const char *text)
{
    const struct limits *l = &r->opts.limits;
    int64_t delay = retry_delay_ms(f, r);
    delay = delay > after_ms ? delay : after_ms;
    if (r->tries > l->retries_max || !request_can_begin_anew(r) || after_ms > l->retry_delay_max_ms ||
        tr_is_dead(r->msg))
        return false;
    r->again_at = tr_now(f->self) + delay * ms;
    if (l->timeout_ms != INT64_MAX && r->again_at >= r->first_started + l->timeout_ms * ms)
        return false;
    hook_ended(f, r, err, text);
    request_rest(f, r);
    return true;
}

bool retry_failure(struct fetcher *f, struct request *r, tr_err err, bool permanent, const char *text)
{
    if (r->opts.limits.retries_max == 0 || r->transfer == NULL || !failure_may_pass(r->transfer, err, permanent))
        return false;
    return retry_rest(f, r, -1, err, text);
}

bool retry_status(struct fetcher *f, struct request *r, long status)
{
    if (r->opts.limits.retries_max == 0 || status < 400)
        return false;
    int64_t after_ms = retry_after_ms(r->transfer);
    if (!status_may_pass(r->transfer, status, after_ms))
        return false;
    return retry_rest(f, r, after_ms, TR_OK, "");
}
