/* SPDX-License-Identifier: MIT */
/* request.c - a request from the moment it is taken to its answer */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

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
        snprintf(why, why_size, "url \"%.200s\": %s", r->url, wrong);
        return TR_FETCH_URL;
    }
    if (f->waiting_count >= f->config->queue_max) {
        snprintf(why, why_size, "%u requests wait already, the limit", f->waiting_count);
        return TR_EFULL;
    }
    tr_err err = request_opts_read(f->config, options, &r->opts, why, why_size);
    if (err == TR_OK && (r->host = host_get(f, &origin)) == NULL)
        err = TR_ENOMEM;
    return err;
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
    tr_err err = r->msg != NULL ? request_read(f, r, why, sizeof why) : TR_ENOMEM;
    if (err != TR_OK) {
        if (r->msg != NULL) {
            (void) tr_reply_error(f->self, r->msg, err, "%s", why);
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
    TAILQ_INSERT_TAIL(&r->host->waiting, r, link);
    f->waiting_count++;
    host_ready(f, r->host);
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
    r->is_active = true;
    h->active++;
    host_forget_ready(f, h);
    host_ready(f, h);
    r->transfer = transfer_get(f);
    if (r->transfer == NULL || transfer_start(r->transfer, r) != TR_OK)
        request_fail(f, r, TR_ENOMEM, "out of memory");
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
    if (r->transfer != NULL)
        transfer_put(r->transfer);
    if (r->is_active) {
        TAILQ_REMOVE(&f->active, r, link);
        f->active_count--;
        h->active--;
        slots_give(f->slots, f->index);
    } else {
        TAILQ_REMOVE(&h->waiting, r, link);
        f->waiting_count--;
        if (TAILQ_EMPTY(&h->waiting))
            host_forget_ready(f, h);
    }
    if (!f->closing)
        tr_drop(f->self, &r->msg);
    free(r);
    host_ready(f, h);
    host_put(f, h);
}

void request_fail(struct fetcher *f, struct request *r, tr_err err, const char *text)
{
    (void) tr_reply_error(f->self, r->msg, err, "%s", text);
    f->failed++;
    request_end(f, r);
}
