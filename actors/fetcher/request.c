/* SPDX-License-Identifier: MIT */
/* request.c - a request from the moment it is taken to its answer */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

const char *request_method(const struct request_opts *opts)
{
    if (opts->method != NULL)
        return opts->method;
    return opts->body.data != NULL || opts->upload_size != NO_UPLOAD ? "POST" : "GET";
}

static struct request **request_bucket(struct fetcher *f, const tr_msg *m)
{
    uint64_t h = (uint64_t) (uintptr_t) m * UINT64_C(0x9E3779B97F4A7C15);
    return &f->requests[(h >> 32) % REQUEST_BUCKETS];
}

/* Reads what the message asks for and finds its host. Errors: as the asker is told, with why. */
static tr_err request_read(struct fetcher *f, struct request *r, char *why, size_t why_size)
{
    struct origin origin;
    const char *wrong;
    tr_item options = tr_arg(r->msg, 1);
    if (tr_read(tr_arg(r->msg, 0), &r->url) != TR_OK) {
        snprintf(why, why_size, "url: it is no string");
        return TR_FETCH_URL;
    }
    if (!origin_parse(r->url, &origin, &wrong)) {
        char shown[URL_SHOWN_MAX];
        snprintf(why, why_size, "url \"%s\": %s", url_shown(r->url, shown), wrong);
        return TR_FETCH_URL;
    }
    if (f->waiting_count >= f->config.queue_max) {
        snprintf(why, why_size, "%u requests wait already, the limit", f->waiting_count);
        return TR_EFULL;
    }
    tr_err err = TR_OK;
    r->is_stream = strcmp(tr_tag(r->msg), "stream") == 0;
    if (r->is_stream && (err = stream_open(f, r)) != TR_OK)
        snprintf(why, why_size, "a stream is opened with tr_flow_open: %s", tr_error(f->self)->text);
    if (err == TR_OK)
        err = request_opts_read(&f->config, r->is_stream, options, &r->opts, why, why_size);
    if (err == TR_OK && (r->host = host_get(f, &origin)) == NULL)
        err = TR_ENOMEM;
    return err;
}

/* Into its host's queue, behind the others. */
static void request_queue(struct fetcher *f, struct request *r)
{
    r->state = REQUEST_WAITING;
    TAILQ_INSERT_TAIL(&r->host->waiting, r, link);
    f->waiting_count++;
    host_ready(f, r->host);
}

/* Takes a request and puts it in its host's queue; one that is wrong is answered at once. Errors: TR_ENOMEM, and it was
 * not taken. */
tr_err request_accept(struct fetcher *f, const tr_msg *m)
{
    char why[400] = "out of memory";
    struct request *r = calloc(1, sizeof *r);
    if (r == NULL)
        return TR_ENOMEM;
    r->msg = tr_keep(f->self, m);
    r->arrived = tr_now(f->self);
    r->first_started = TR_NEVER;
    r->id = (uint64_t) f->index << 40 | ++f->ids;
    tr_err err = r->msg != NULL ? request_read(f, r, why, sizeof why) : TR_ENOMEM;
    if (err != TR_OK) {
        if (r->msg != NULL) {
            (void) tr_reply_error(f->self, r->msg, err, "%s", why);
            stream_close(f, r);
            tr_drop(f->self, &r->msg);
            err = TR_OK;
        }
        free(r);
        f->failed++;
        return err;
    }
    struct request **bucket = request_bucket(f, r->msg);
    r->next = *bucket;
    *bucket = r;
    request_queue(f, r);
    return TR_OK;
}

struct request *request_find(const struct fetcher *f, const tr_msg *m)
{
    struct request *r = *request_bucket((struct fetcher *) f, m);
    while (r != NULL && r->msg != m)
        r = r->next;
    return r;
}

/* Starts the request whose turn it is, with a slot that the caller has taken. One that cannot start is answered, and
 * gives it back. */
void request_start_next(struct fetcher *f)
{
    struct host *h = TAILQ_FIRST(&f->ready);
    struct request *r = TAILQ_FIRST(&h->waiting);
    TAILQ_REMOVE(&h->waiting, r, link);
    TAILQ_INSERT_TAIL(&f->active, r, link);
    f->waiting_count--;
    f->active_count++;
    r->state = REQUEST_ACTIVE;
    r->tries++;
    if (r->first_started == TR_NEVER)
        r->first_started = tr_now(f->self);
    h->active++;
    host_forget_ready(f, h);
    host_ready(f, h);
    hook_started(f, r);
    r->transfer = transfer_get(f);
    if (r->transfer == NULL || transfer_start(r->transfer, r) != TR_OK)
        request_fail(f, r, TR_ENOMEM, "out of memory");
}

void request_leave(struct fetcher *f, struct request *r)
{
    struct host *h = r->host;
    if (r->transfer != NULL)
        transfer_put(r->transfer);
    r->transfer = NULL;
    switch (r->state) {
    case REQUEST_ACTIVE:
        TAILQ_REMOVE(&f->active, r, link);
        f->active_count--;
        h->active--;
        break;
    case REQUEST_WAITING:
        TAILQ_REMOVE(&h->waiting, r, link);
        f->waiting_count--;
        if (TAILQ_EMPTY(&h->waiting))
            host_forget_ready(f, h);
        break;
    case REQUEST_RESTING:
        TAILQ_REMOVE(&f->resting, r, link);
        h->resting--;
        break;
    }
}

/* Until again_at, which the caller has set. */
void request_rest(struct fetcher *f, struct request *r)
{
    request_leave(f, r);
    r->state = REQUEST_RESTING;
    TAILQ_INSERT_TAIL(&f->resting, r, link);
    r->host->resting++;
    host_ready(f, r->host);
    if (r->again_at < f->look_at)
        f->look_at = r->again_at;
}

/* Those that have rested wait for their turn; *next becomes when the next will have, if that is earlier. */
void request_wake_rested(struct fetcher *f, tr_time now, tr_time *next)
{
    for (struct request *r = TAILQ_FIRST(&f->resting), *after; r != NULL; r = after) {
        after = TAILQ_NEXT(r, link);
        if (r->again_at > now) {
            *next = r->again_at < *next ? r->again_at : *next;
            continue;
        }
        request_leave(f, r);
        request_queue(f, r);
    }
}

static void request_forget(struct fetcher *f, struct request *r)
{
    struct request **at = request_bucket(f, r->msg);
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
}

void request_end(struct fetcher *f, struct request *r)
{
    struct host *h = r->host;
    request_forget(f, r);
    request_leave(f, r);
    stream_close(f, r);
    if (!f->closing)
        tr_drop(f->self, &r->msg);
    free(r);
    host_ready(f, h);
    host_put(f, h);
}

void request_fail(struct fetcher *f, struct request *r, tr_err err, const char *text)
{
    hook_ended(f, r, err, text);
    (void) tr_reply_error(f->self, r->msg, err, "%s", text);
    f->failed++;
    request_end(f, r);
}
