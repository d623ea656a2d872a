/* SPDX-License-Identifier: MIT */
/* listener.c - one listener: a connection for whoever asks */
#include "internal.h"

struct state {
    tr_listener listener;
    tr_msg *accepting, *stopping; /* requests to be answered */
};

static tr_err init(tr_self *self, void *state, void *arg)
{
    struct state *s = state;
    const struct tcp_listen *listen = arg;
    return tr_tcp_listen(self, listen->host, listen->service, &listen->opts, &s->listener);
}

static tr_err on_port(tr_self *self, void *state, const tr_msg *m)
{
    const struct state *s = state;
    tr_endpoint endpoint;
    tr_err err = tr_listener_endpoint(self, s->listener, &endpoint);
    return err == TR_OK ? tr_reply(self, m, tr_endpoint_port(&endpoint)) : err;
}

/* ---- accepting ---- */

/* A connection comes only while somebody waits for it, so that none is without an owner. */
static tr_err on_accept(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    if (s->accepting != NULL)
        return tr_fail_with(self, TR_EBUSY, "another accepts from this listener");
    tr_err err = tr_listener_once(self, s->listener, "connection");
    if (err == TR_EBUSY) /* asked by one who gave up: that wish stands */
        err = TR_OK;
    if (err != TR_OK)
        return err;
    s->accepting = tr_keep(self, m);
    return s->accepting != NULL ? TR_OK : TR_ENOMEM;
}

static tr_err on_accept_canceled(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    (void) m;
    tr_drop(self, &s->accepting);
    return TR_OK;
}

static tr_err answer(tr_self *self, const struct state *s, tr_stream stream)
{
    tr_addr conn;
    char peer[TR_ENDPOINT_TEXT_MAX];
    tcp_peer(self, stream, peer);
    tr_err err = tcp_connection_spawn(self, stream, &conn);
    return err == TR_OK ? tr_reply(self, s->accepting, conn, peer)
                        : tr_reply_error(self, s->accepting, err, "the connection was lost: %s", tr_err_text(err));
}

static tr_err on_connection(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    tr_stream stream;
    int code;
    tr_args(m, tr_skip(), &stream.id, &code);
    if (s->accepting == NULL) { /* who asked gave up meanwhile: the peer may try again */
        tr_stream_close(self, stream);
        return TR_OK;
    }
    if (code == TR_OK)
        (void) answer(self, s, stream);
    else
        (void) tr_reply_error(self, s->accepting, (tr_err) code, "accept: %s", tr_err_text((tr_err) code));
    tr_drop(self, &s->accepting);
    return TR_OK;
}

/* ---- stopping ---- */

static tr_err on_stop(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    int64_t drain_ms = 0;
    tr_args(m, &drain_ms);
    if (s->stopping != NULL)
        return tr_fail_with(self, TR_EBUSY, "it is being stopped");
    if (s->accepting != NULL)
        (void) tr_reply_error(self, s->accepting, TR_ECLOSED, "the listener stops");
    tr_drop(self, &s->accepting);
    tr_err err = tr_listener_drain(self, s->listener, "idle");
    if (err == TR_OK)
        err = tr_timer_after(self, drain_ms < 0 ? 0 : drain_ms, NULL, "late");
    if (err == TR_OK && (s->stopping = tr_keep(self, m)) == NULL)
        err = TR_ENOMEM;
    return err;
}

/* All connections are closed. */
static tr_err on_idle(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    (void) m;
    (void) tr_reply(self, s->stopping, true);
    return TR_STOP;
}

/* Some are not: they end with this actor, whose children they are. */
static tr_err on_late(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    (void) m;
    (void) tr_reply(self, s->stopping, false);
    return TR_STOP;
}

static const tr_handler handlers[] = {
    { .tag = "accept",
      .args = "",
      .reply = "connection:addr, peer:str",
      .run = on_accept,
      .on_cancel = on_accept_canceled,
      .doc = "the next connection" },
    { .tag = "port", .args = "", .reply = "port:int", .run = on_port, .doc = "where it listens" },
    { .tag = "stop",
      .args = "drain_ms:int",
      .reply = "drained:bool",
      .run = on_stop,
      .doc = "accepts no more, lets connections end, and closes those that have not by then" },
    { .tag = "connection", .args = "listener:int, stream:int, err:int", .run = on_connection, .doc = "inner" },
    { .tag = "idle", .args = "listener:int", .run = on_idle, .doc = "inner" },
    { .tag = "late", .args = "", .run = on_late, .doc = "inner" },
    { 0 },
};
const tr_behaviour tcp_listener = { .name = "tcp_listener",
                                    .state_size = sizeof(struct state),
                                    .handlers = handlers,
                                    .init = init,
                                    .doc = "a TCP listener" };
