/* SPDX-License-Identifier: MIT */
/* hook.c - whoever watches the requests: told before each goes out and after it ended
 *
 * A message to an actor that does not keep up is dropped, as to any other full mailbox: watching never slows a request.
 */
#include <string.h>

#include "internal.h"

static void hook_tell(struct fetcher *f, const tr_fetch_event *e)
{
    const struct config *c = &f->config;
    tr_value info[TRACE_VALUES_MAX];
    if (c->on_event != NULL)
        c->on_event(c->on_event_ctx, e);
    if (tr_addr_is_nil(c->hook))
        return;
    if (!e->done)
        (void) tr_try_send(f->self, c->hook, "request", e->id, e->tries, e->method, e->url);
    else
        (void) tr_try_send(f->self, c->hook, "request_done", e->id, e->tries, e->method, e->url, e->status,
                           (int) e->err, e->text, tr_mapn(info, trace_values(&e->trace, info)));
}

static bool hook_is_wanted(const struct fetcher *f)
{
    return f->config.on_event != NULL || !tr_addr_is_nil(f->config.hook);
}

static void hook_fill(const struct request *r, tr_fetch_event *e, char *url)
{
    memset(e, 0, sizeof *e);
    e->size = sizeof *e;
    e->id = r->id;
    e->tries = r->tries;
    e->method = request_method(&r->opts);
    e->url = url_shown(r->url, url);
    e->text = "";
}

void hook_started(struct fetcher *f, const struct request *r)
{
    tr_fetch_event e;
    char url[URL_SHOWN_MAX];
    if (!hook_is_wanted(f))
        return;
    hook_fill(r, &e, url);
    hook_tell(f, &e);
}

/* Once for each try that has started; while its transfer is still there. */
void hook_ended(struct fetcher *f, const struct request *r, tr_err err, const char *text)
{
    tr_fetch_event e;
    char url[URL_SHOWN_MAX];
    long status = 0;
    if (!hook_is_wanted(f) || f->closing || r->transfer == NULL)
        return;
    hook_fill(r, &e, url);
    e.done = true;
    e.err = err;
    e.text = text;
    if (err == TR_OK)
        (void) curl_easy_getinfo(r->transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    e.status = (int) status;
    trace_fill(r->transfer, &e.trace);
    hook_tell(f, &e);
}
