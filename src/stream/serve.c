/* SPDX-License-Identifier: MIT */
/* serve.c - a server: a body for each connection, and an end that all of them see coming
 *
 * The bodies stand in the scope of a keeper, an actor between the server and them. The server only waits for it. When
 * the server is cancelled, also by one of its scopes, it cancels the keeper, which then drains the connections in a
 * shield: had the server the scope itself, what cancels the server would reach the bodies at once. A stream travels to
 * its body in the body's start message, so that one which is killed before it runs leaves nothing open. */
#include "actor/cancel.h"
#include "actor/error.h"
#include "stream/give.h"
#include "stream/listener.h"

#define DRAIN_MS 5000
#define ABORT_MS 5000 /* for bodies that were cancelled, before they are killed */
#define FOREVER_MS (INT64_MAX / 4000000)

struct serving {
    tr_listener listener;
    tr_serve_fn *fn;
    void *arg;
    tr_serve_opts opts;
    tr_addr keeper;
    tr_scope *scope; /* the keeper's */
    tr_err result;
};

static tr_err conn_body(tr_self *self, void *arg)
{
    const struct serving *serving = arg;
    tr_stream stream;
    tr_err err = tr_stream_take(self, tr_arg(tr_start_args(self), 0), &stream);
    if (err != TR_OK)
        return err;
    err = serving->fn(self, stream, serving->arg);
    tr_stream_close(self, stream);
    /* The peer went away, or the server stops: both are how connections end. */
    if (err != TR_OK && err != TR_STOP && err != TR_ECLOSED && err != TR_ECANCELED && serving->opts.on_error != NULL)
        serving->opts.on_error(self, err, serving->arg);
    return TR_OK;
}

static tr_err conn_spawn(tr_self *self, struct serving *serving, tr_stream stream)
{
    tr_value values[2] = { tr_str("conn") };
    tr_msg *args = NULL;
    tr_err err = stream_pack(self, stream, &values[1]);
    if (err != TR_OK)
        return err;
    err = tr_msg_make(&args, values, 2);
    if (err != TR_OK) {
        stream_unpack(self, values[1]);
        tr_stream_close(self, stream);
        return error_set(self, err, "serve", "%s", tr_err_text(err));
    }
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .body = conn_body,
                                 .arg = serving,
                                 .args = args,
                                 .stack_size = serving->opts.stack_size,
                                 .place = TR_PLACE_HERE, /* arg is shared */
                                 .scope = serving->scope };
    err = tr_spawn_with(self, &opts, NULL);
    tr_msg_free(&args); /* without a body this closes the stream */
    return err;
}

static tr_err accept_all(tr_self *self, void *arg)
{
    struct serving *serving = arg;
    tr_stream stream;
    tr_err err;
    while ((err = tr_listener_accept(self, serving->listener, TR_FOREVER, &stream)) == TR_OK) {
        err = conn_spawn(self, serving, stream);
        if (err == TR_ENOMEM || err == TR_EFULL) /* this one is lost; the others are served */
            err = TR_OK;
        if (err != TR_OK)
            break;
    }
    return err == TR_ECLOSED || err == TR_ECANCELED ? TR_OK : err;
}

static tr_err drain(tr_self *self, void *arg)
{
    struct serving *serving = arg;
    tr_err err = tr_listener_stop(self, serving->listener, serving->opts.drain_ms);
    return err == TR_ECLOSED ? TR_OK : err; /* somebody closed it: its connections go on until they end */
}

static int64_t drain_limit(const struct serving *serving)
{
    return serving->opts.drain_ms < 0 ? FOREVER_MS : serving->opts.drain_ms;
}

/* The scope's body. */
static tr_err serve(tr_self *self, tr_scope *scope, void *arg)
{
    struct serving *serving = arg;
    serving->scope = scope;
    tr_err err = accept_all(self, serving);
    tr_err drained = tr_shield(self, drain_limit(serving) + ABORT_MS, drain, serving);
    serving->result = err != TR_OK ? err : drained;
    tr_scope_cancel(self, scope, "the server stops");
    return TR_OK;
}

static tr_err keeper(tr_self *self, void *arg)
{
    struct serving *serving = arg;
    const tr_scope_opts opts = { .size = sizeof opts, .name = "serve", .keep_going = true, .grace_ms = ABORT_MS };
    serving->result = TR_ENOMEM;
    (void) !tr_scope_run(self, &opts, serve, serving); /* failures of connections are theirs */
    return TR_OK;
}

static tr_err wait_for_keeper(tr_self *self, void *arg)
{
    const struct serving *serving = arg;
    return tr_join(self, serving->keeper, NULL);
}

tr_err tr_serve(tr_self *self, tr_listener listener, tr_serve_fn *fn, void *arg, const tr_serve_opts *opts)
{
    struct serving serving = { .listener = listener, .fn = fn, .arg = arg };
    if (!self_is_current(self))
        return TR_ESTATE;
    if (fn == NULL || (opts != NULL && opts->size < sizeof *opts))
        return error_set(self, TR_EINVAL, "serve", "no function, or opts.size is not set");
    if (opts != NULL)
        serving.opts = *opts;
    if (serving.opts.drain_ms == 0)
        serving.opts.drain_ms = DRAIN_MS;
    tr_err err = tr_spawn(self, keeper, &serving, &serving.keeper);
    if (err != TR_OK)
        return err;
    err = wait_for_keeper(self, &serving);
    if (err != TR_OK && tr_is_canceled(self)) {
        (void) tr_cancel(self, serving.keeper, tr_cancel_reason(self));
        err = tr_shield(self, drain_limit(&serving) + 3 * ABORT_MS, wait_for_keeper, &serving);
    }
    tr_forget(self, serving.keeper);
    if (err != TR_OK)
        return err;
    if (serving.result == TR_ETIMEDOUT)
        return error_set(self, TR_ETIMEDOUT, "serve", "connections were open when the time to drain was over");
    return serving.result == TR_OK ? TR_OK
                                   : error_set(self, serving.result, "serve", "%s", tr_err_text(serving.result));
}
