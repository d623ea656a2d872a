/* SPDX-License-Identifier: MIT */
/* late.c - whether a transfer takes too long: no data, too little data, or not done in time
 *
 * A server that sends a byte now and then is never idle, so once it has begun its rate is judged too, over windows as
 * long as the idle timeout. Bytes are what curl counts: of the headers only whole lines, so a line that drips in is no
 * data.
 */
#include <stdio.h>

#include "internal.h"

static const int64_t ms = 1000000;

/* Bytes that moved in either direction, as far as curl counts them. */
static int64_t transfer_bytes(struct transfer *t)
{
    curl_off_t down = 0, up = 0;
    long head = 0;
    (void) curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    (void) curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    (void) curl_easy_getinfo(t->easy, CURLINFO_HEADER_SIZE, &head);
    return (int64_t) down + (int64_t) up + head;
}

static bool transfer_is_connected(struct transfer *t)
{
    curl_off_t ready = 0;
    (void) curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    return ready > t->hop.ready;
}

/* Of a connection that a redirect led to: libcurl 7.88 sets its timer once a request, and then none for those. */
static bool transfer_is_unconnected(struct transfer *t, tr_time now, tr_time *next)
{
    if (t->hop_at == TR_NEVER || transfer_is_connected(t))
        return false;
    tr_time end = t->hop_at + t->request->opts.limits.connect_timeout_ms * ms;
    *next = end < *next ? end : *next;
    return now >= end;
}

/* A duration as people write it. */
static const char *duration_text(int64_t duration_ms, char *buf, size_t size)
{
    if (duration_ms % 1000 == 0)
        snprintf(buf, size, "%lld s", (long long) (duration_ms / 1000));
    else
        snprintf(buf, size, "%lld ms", (long long) duration_ms);
    return buf;
}

/* The rate is judged over whole windows, from the first byte on. */
static bool transfer_is_slow(struct transfer *t, tr_time now, char *why, size_t why_size)
{
    const struct limits *l = &t->request->opts.limits;
    char wait[32];
    if (t->window == TR_NEVER || now - t->window < l->idle_timeout_ms * ms) {
        if (t->window == TR_NEVER && t->bytes > 0) {
            t->window = now;
            t->window_bytes = t->bytes;
        }
        return false;
    }
    int64_t got = t->bytes - t->window_bytes;
    t->window = now;
    t->window_bytes = t->bytes;
    if (got >= l->rate_min * l->idle_timeout_ms / 1000)
        return false;
    snprintf(why, why_size, "too slow: %lld bytes in %s", (long long) got,
             duration_text(l->idle_timeout_ms, wait, sizeof wait));
    return true;
}

static bool transfer_is_idle(struct transfer *t, tr_time now, char *why, size_t why_size)
{
    const struct limits *l = &t->request->opts.limits;
    char wait[32];
    int64_t bytes = transfer_bytes(t);
    if (bytes != t->bytes || !transfer_is_connected(t) || t->paused != 0) {
        t->bytes = bytes;
        t->changed = now;
    }
    if (t->paused != 0) {
        t->window = TR_NEVER;
        return false;
    }
    if (now - t->changed < l->idle_timeout_ms * ms)
        return transfer_is_slow(t, now, why, why_size);
    snprintf(why, why_size, "no data for %s", duration_text(l->idle_timeout_ms, wait, sizeof wait));
    return true;
}

enum late transfer_is_late(struct transfer *t, tr_time now, tr_time *next, char *why, size_t why_size)
{
    const struct limits *l = &t->request->opts.limits;
    char wait[32];
    if (t->request->is_finished)
        return LATE_NOT;
    if (l->timeout_ms != INT64_MAX) {
        tr_time end = t->request->first_started + l->timeout_ms * ms;
        if (now >= end) {
            snprintf(why, why_size, "not done after %s", duration_text(l->timeout_ms, wait, sizeof wait));
            return LATE_REQUEST;
        }
        *next = end < *next ? end : *next;
    }
    if (transfer_is_unconnected(t, now, next)) {
        snprintf(why, why_size, "not connected after %lld ms", (long long) l->connect_timeout_ms);
        return LATE_TRY;
    }
    if (l->idle_timeout_ms != INT64_MAX) {
        tr_time look = now + l->idle_timeout_ms * ms / 4 + ms;
        *next = look < *next ? look : *next;
        return transfer_is_idle(t, now, why, why_size) ? LATE_TRY : LATE_NOT;
    }
    return LATE_NOT;
}
