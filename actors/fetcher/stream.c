/* SPDX-License-Identifier: MIT */
/* stream.c - bodies in parts: down to the asker as it has room, up from the asker as libcurl has
 *
 * A request of the tag "stream" is answered through a flow (troupe/flow.h): first "head", then "data" as it comes, and
 * at the end a reply with the trace. Without credit libcurl is told to pause, which closes the window of the
 * connection: what is on its way is what the flow, libcurl and the kernel hold, whatever the size of the body. The
 * other way it is the same: libcurl asks for bytes, and is told to pause when no part is there.
 *
 * While libcurl is paused on our account, the server is not judged: no idle timeout, no minimum rate.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static tr_err on_room(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx);
static tr_err on_part(tr_self *self, void *state, tr_err err, const tr_msg *part, void *ctx);

/* Errors: TR_ESTATE (words on self): it was asked without a flow. */
tr_err stream_open(struct fetcher *f, struct request *r)
{
    return tr_flow_answer(f->self, r->msg, &r->flow);
}

void stream_close(struct fetcher *f, struct request *r)
{
    if (r->part != NULL && !f->closing)
        tr_drop(f->self, &r->part);
    r->part = NULL;
    tr_flow_close(f->self, &r->flow);
}

/* ---- down ---- */

/* Once it is called back the transfer goes on. False: the asker is gone, or memory is out. */
static bool stream_wait_for_room(struct fetcher *f, struct request *r)
{
    return r->flow.on_room != NULL || tr_flow_room_then(f->self, &r->flow, on_room, r) == TR_OK;
}

static bool stream_pause(struct fetcher *f, struct request *r)
{
    struct transfer *t = r->transfer;
    t->paused |= CURLPAUSE_RECV;
    return stream_wait_for_room(f, r);
}

/* TR_EFULL: no credit. */
static tr_err stream_write_head(struct fetcher *f, struct request *r)
{
    struct transfer *t = r->transfer;
    long status = 0;
    const char *url = r->url;
    tr_value headers;
    if (r->head_is_written)
        return TR_OK;
    if (!reply_headers(f, t, &headers))
        return TR_ENOMEM;
    (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    (void) curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    const tr_value values[] = { tr_str("head"), tr_int(status), headers, tr_str(url) };
    tr_err err = tr_flow_try_write_values(f->self, &r->flow, values, 4);
    r->head_is_written = err == TR_OK;
    return err;
}

/* For libcurl: how much was taken, or CURL_WRITEFUNC_PAUSE, or 0 to end the transfer. A status that may be tried again
 * is not for the asker yet. */
size_t stream_take(struct transfer *t, const char *data, size_t len)
{
    struct request *r = t->request;
    struct fetcher *f = t->fetcher;
    const tr_value values[] = { tr_str("data"), tr_bin(data, len) };
    if (retry_is_likely(r))
        return len;
    tr_err err = stream_write_head(f, r);
    if (err == TR_OK)
        err = tr_flow_try_write_values(f->self, &r->flow, values, 2);
    if (err == TR_OK)
        return len;
    return err == TR_EFULL && stream_pause(f, r) ? CURL_WRITEFUNC_PAUSE : 0;
}

/* The end: false when it must wait for room first, and then comes again. */
bool stream_finish(struct fetcher *f, struct request *r)
{
    tr_fetch_trace trace;
    tr_value info[TRACE_VALUES_MAX];
    tr_err err = stream_write_head(f, r);
    if (err == TR_EFULL && stream_wait_for_room(f, r)) {
        r->is_finished = true;
        return false;
    }
    trace_fill(r->transfer, &trace);
    if (err == TR_OK)
        (void) tr_reply(f->self, r->msg, "end", tr_mapn(info, trace_values(&trace, info)));
    else
        (void) tr_reply_error(f->self, r->msg, err, "%s", tr_err_text(err));
    f->done++;
    hook_ended(f, r, TR_OK, "");
    request_end(f, r);
    return true;
}

struct go_on {
    struct fetcher *f;
    struct request *r;
    int bit; /* of CURLPAUSE_... that is over */
};

static int go_on(void *arg)
{
    struct go_on *g = arg;
    struct transfer *t = g->r->transfer;
    if (g->r->is_finished) {
        (void) stream_finish(g->f, g->r);
    } else if (t != NULL && (t->paused & g->bit)) {
        t->paused &= ~g->bit;
        t->changed = tr_now(g->f->self);
        t->window = TR_NEVER;
        (void) curl_easy_pause(t->easy, t->paused);
    }
    return 0;
}

static tr_err stream_go_on(tr_self *self, struct fetcher *f, struct request *r, int bit)
{
    struct go_on g = { f, r, bit };
    f->self = self;
    (void) tr_call(self, go_on, &g);
    return fetcher_wake(self, f);
}

/* An asker that is gone is told of as for any request: on_give_up. */
static tr_err on_room(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    (void) reply;
    return err == TR_OK ? stream_go_on(self, state, ctx, CURLPAUSE_RECV) : TR_OK;
}

/* ---- up ---- */

static size_t part_copy(struct fetcher *f, struct request *r, char *to, size_t size)
{
    tr_bytes bytes = { NULL, 0 };
    (void) !tr_read(tr_arg(r->part, 0), &bytes);
    size_t n = bytes.len - r->part_at < size ? bytes.len - r->part_at : size;
    if (n > 0)
        memcpy(to, (const char *) bytes.data + r->part_at, n);
    r->part_at += n;
    if (r->part_at == bytes.len)
        tr_drop(f->self, &r->part);
    return n;
}

size_t stream_give(char *to, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    struct request *r = t->request;
    struct fetcher *f = t->fetcher;
    size_t copied = 0;
    r->has_read = true;
    while (r->part != NULL && copied < size * n)
        copied += part_copy(f, r, to + copied, size * n - copied);
    if (copied > 0 || r->upload_has_ended)
        return copied;
    if (r->flow.on_part == NULL && tr_flow_next_then(f->self, &r->flow, on_part, r) != TR_OK)
        return CURL_READFUNC_ABORT;
    t->paused |= CURLPAUSE_SEND;
    return CURL_READFUNC_PAUSE;
}

struct upload_failed {
    struct fetcher *f;
    struct request *r;
    tr_err err;
    const char *text;
};

static int upload_fail(void *arg)
{
    struct upload_failed *u = arg;
    request_fail(u->f, u->r, u->err, u->text);
    return 0;
}

static tr_err stream_fail_upload(tr_self *self, struct fetcher *f, struct request *r, tr_err err, const char *why)
{
    char text[300];
    snprintf(text, sizeof text, "body of the request: %.250s", why);
    struct upload_failed u = { f, r, err, text };
    f->self = self;
    (void) tr_call(self, upload_fail, &u);
    return fetcher_wake(self, f);
}

static tr_err on_part(tr_self *self, void *state, tr_err err, const tr_msg *part, void *ctx)
{
    struct fetcher *f = state;
    struct request *r = ctx;
    tr_bytes bytes;
    if (err == TR_EDOWN)
        return TR_OK; /* as in on_room */
    if (err == TR_ECLOSED) {
        r->upload_has_ended = true;
        return stream_go_on(self, f, r, CURLPAUSE_SEND);
    }
    if (err != TR_OK)
        return stream_fail_upload(self, f, r, err, tr_error(self)->text);
    if (!tr_is(part, "data", &bytes))
        return stream_fail_upload(self, f, r, TR_EBADMSG, "a part that is not data(bin)");
    r->part = tr_keep(self, part);
    r->part_at = 0;
    if (r->part == NULL)
        return stream_fail_upload(self, f, r, TR_ENOMEM, "out of memory");
    if (bytes.len == 0)
        tr_drop(self, &r->part);
    return stream_go_on(self, f, r, CURLPAUSE_SEND);
}
