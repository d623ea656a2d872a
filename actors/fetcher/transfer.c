/* SPDX-License-Identifier: MIT */
/* transfer.c - one transfer on a curl easy handle
 *
 * A handle is expensive to make and to set up, so transfers are used again: what is the same for all requests of a pool
 * is set once, and only the URL is set for a request without options. A request with options leaves its transfer dirty,
 * and the handle is reset afterwards.
 *
 * Two clocks. The connect timeout is curl's, but for connections that a redirect led to. That, idle, rate and total are
 * ours: the fetcher looks at its transfers from time to time (late.c) instead of keeping timers for each. Waiting for a
 * slot is before the start, and counts for none of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compat.h"
#include "internal.h"

static const int64_t ms = 1000000;

/* ---- buffers ---- */

static bool buffer_add(struct buffer *b, const char *data, size_t len, size_t expected)
{
    if (b->size - b->len < len) {
        size_t size = b->size * 2 > b->len + len ? b->size * 2 : b->len + len;
        if (expected > size)
            size = expected;
        char *bigger = realloc(b->data, size);
        if (bigger == NULL)
            return false;
        b->data = bigger;
        b->size = size;
    }
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return true;
}

static void buffer_clear(struct buffer *b, size_t keep_max)
{
    if (b->size > keep_max) {
        free(b->data);
        memset(b, 0, sizeof *b);
    }
    b->len = 0;
}

/* ---- what curl calls: setup.c says when ---- */

static void transfer_reset_hop(struct transfer *t)
{
    struct hop *hop = &t->hop;
    t->is_connected = false;
    (void) curl_easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME_T, &hop->resolved);
    (void) curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T, &hop->connected);
    (void) curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME_T, &hop->secured);
    (void) curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &hop->ready);
    t->hop_at = tr_now(t->fetcher->self);
    tr_time look = t->hop_at + t->request->opts.limits.connect_timeout_ms * ms;
    if (look < t->fetcher->look_at)
        t->fetcher->look_at = look;
}

/* A redirect that is followed begins the phases anew; what body it has is of no interest. */
static void transfer_head_done(struct transfer *t)
{
    long status = 0;
    (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->in_body = !(t->has_location && status >= 300 && status < 400 && t->request->opts.limits.redirects_max >= 0);
    if (!t->in_body)
        transfer_reset_hop(t);
}

/* A line begins with a name (in lower case, with its colon). */
static bool line_is(const char *data, size_t len, const char *name)
{
    size_t n = strlen(name);
    return len > n && strncasecmp(data, name, n) == 0;
}

/* Whole lines, of every response on the way: what came before the last status line is history. */
size_t transfer_on_header(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n;
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        t->head.len = 0;
        t->head_lines = 0;
        t->in_body = t->has_location = t->has_retry_after = false;
        return len;
    }
    if (len <= 2 && (data[0] == '\r' || data[0] == '\n')) {
        transfer_head_done(t);
        return len;
    }
    if (line_is(data, len, "location:"))
        t->has_location = true;
    else if (line_is(data, len, "retry-after:"))
        t->has_retry_after = true;
    if (!t->counting && line_is(data, len, "content-encoding:")) {
        t->counting = true;
        curl_easy_setopt(t->easy, CURLOPT_NOPROGRESS, 0L);
    }
    if (++t->head_lines > HEADERS_MAX || t->head.len + len > HEADER_BYTES_MAX) {
        t->too_big = "header lines";
        return 0;
    }
    return buffer_add(&t->head, data, len, 1024) ? len : 0;
}

/* The size the body is said to have, if that is within the limit: then it is allocated once. */
static size_t transfer_expected(struct transfer *t)
{
    curl_off_t length = -1;
    (void) curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length > 0 && length <= t->request->opts.limits.body_max && !t->counting ? (size_t) length : 0;
}

size_t transfer_on_body(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n;
    if ((int64_t) len > t->request->opts.limits.body_max - t->body_bytes) {
        t->too_big = "body";
        return 0;
    }
    if (t->request->is_stream) {
        size_t taken = stream_take(t, data, len);
        t->body_bytes += taken == len ? (int64_t) len : 0;
        return taken;
    }
    t->body_bytes += (int64_t) len;
    return buffer_add(&t->body, data, len, t->body.len == 0 ? transfer_expected(t) : 0) ? len : 0;
}

/* Only while a compressed body comes in: what decodes to nothing never reaches on_body. */
int transfer_on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct transfer *t = arg;
    (void) total, (void) up_total, (void) up_now;
    if (now <= t->request->opts.limits.download_max)
        return 0;
    t->too_big = "download";
    return 1;
}

void transfer_note_connected(CURL *easy)
{
    struct transfer *t = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **) &t) == CURLE_OK && t != NULL)
        t->is_connected = true;
}

int transfer_on_send(void *arg, char *to, char *from, int to_port, int from_port)
{
    struct transfer *t = arg;
    (void) to, (void) from, (void) to_port, (void) from_port;
    t->sends++;
    return COMPAT_SEND_ON;
}

/* ---- handles that are used again ---- */

static struct transfer *transfer_create(struct fetcher *f)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->fetcher = f;
    t->easy = curl_easy_init();
    if (t->easy == NULL) {
        free(t);
        return NULL;
    }
    setup_pool(t);
    return t;
}

/* A spare one, or a new one. NULL: out of memory. */
struct transfer *transfer_get(struct fetcher *f)
{
    struct transfer *t = f->spare;
    if (t == NULL)
        return transfer_create(f);
    f->spare = t->next;
    t->next = NULL;
    return t;
}

/* A request on a kept connection that turns out to be dead is sent once more by curl, which gives up the sixth time.
 * Before 8.17 it counts the times of a handle's whole life, not of a transfer, so a handle that has retried must be
 * reset. */
static bool transfer_has_retried(struct transfer *t)
{
    long redirects = 0;
    (void) curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    return t->sends != 1 + (unsigned) redirects;
}

/* Takes a transfer off curl's hands, which closes its connection if it has not ended, and keeps it for the next
 * request. */
void transfer_put(struct transfer *t)
{
    struct fetcher *f = t->fetcher;
    (void) curl_multi_remove_handle(f->multi, t->easy);
    if (t->dirty || transfer_has_retried(t)) {
        if (f->share != NULL) /* or the reset would leak the list of files */
            curl_easy_setopt(t->easy, CURLOPT_COOKIEFILE, NULL);
        curl_easy_reset(t->easy);
        setup_pool(t);
    } else if (t->counting) {
        curl_easy_setopt(t->easy, CURLOPT_NOPROGRESS, 1L);
    }
    curl_slist_free_all(t->headers_out);
    t->headers_out = NULL;
    buffer_clear(&t->head, SPARE_BYTES_MAX);
    buffer_clear(&t->body, SPARE_BYTES_MAX);
    t->request = NULL;
    t->dirty = false;
    t->next = f->spare;
    f->spare = t;
}

void transfer_destroy(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers_out);
    free(t->head.data);
    free(t->body.data);
    free(t);
}

/* When a transfer that starts now must be looked at first, if that is before the others. */
static void transfer_look(struct transfer *t)
{
    const struct limits *l = &t->request->opts.limits;
    tr_time end = l->timeout_ms != INT64_MAX ? t->request->first_started + l->timeout_ms * ms : TR_NEVER;
    tr_time idle = l->idle_timeout_ms != INT64_MAX ? t->started + l->idle_timeout_ms * ms / 4 + ms : TR_NEVER;
    tr_time first = end < idle ? end : idle;
    if (first < t->fetcher->look_at)
        t->fetcher->look_at = first;
}

/* Errors: TR_ENOMEM; the transfer is to be put back all the same. */
tr_err transfer_start(struct transfer *t, struct request *r)
{
    tr_time now = tr_now(t->fetcher->self);
    t->request = r;
    t->error[0] = '\0';
    t->head_lines = t->sends = 0;
    t->in_body = t->has_location = t->has_retry_after = t->is_connected = t->counting = false;
    t->too_big = NULL;
    t->paused = 0;
    t->body_bytes = 0;
    memset(&t->hop, 0, sizeof t->hop);
    t->hop_at = TR_NEVER;
    t->started = t->changed = now;
    t->window = TR_NEVER;
    t->bytes = 0;
    transfer_look(t);
    if (curl_easy_setopt(t->easy, CURLOPT_URL, r->url) != CURLE_OK)
        return TR_ENOMEM;
    if (r->opts.custom) {
        t->dirty = true;
        tr_err err = setup_request(t, &r->opts);
        if (err != TR_OK)
            return err;
    }
    return curl_multi_add_handle(t->fetcher->multi, t->easy) == CURLM_OK ? TR_OK : TR_ENOMEM;
}
