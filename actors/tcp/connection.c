/* SPDX-License-Identifier: MIT */
/* connection.c - one connection: reads and writes for whoever asks
 *
 * A read is answered when there is something: until then the request is kept, and the stream is active once. One read
 * at a time; if its asker gives up, nothing was taken. */
#include "internal.h"

struct state {
    tr_stream stream;
    tr_msg *reading; /* the request to be answered */
    char peer[TR_ENDPOINT_TEXT_MAX];
};

/* ---- reading ---- */

/* Keeps the request, if asking for its data succeeded. */
static tr_err keep(tr_self *self, struct state *s, const tr_msg *m, tr_err asked)
{
    if (asked != TR_OK)
        return asked;
    s->reading = tr_keep(self, m);
    if (s->reading != NULL)
        return TR_OK;
    (void) tr_stream_passive(self, s->stream);
    return tr_fail_with(self, TR_ENOMEM, "out of memory");
}

static tr_err busy(tr_self *self)
{
    return tr_fail_with(self, TR_EBUSY, "another read of this connection has not been answered");
}

static tr_err on_read(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    return s->reading != NULL ? busy(self) : keep(self, s, m, tr_stream_once(self, s->stream, "data"));
}

static tr_err on_read_exactly(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    int64_t n = 0;
    tr_args(m, &n);
    if (s->reading != NULL)
        return busy(self);
    if (n <= 0 || n > TCP_READ_MAX)
        return tr_fail_with(self, TR_EINVAL, "%lld bytes; 1 to %d", (long long) n, TCP_READ_MAX);
    return keep(self, s, m, tr_stream_once_exactly(self, s->stream, (size_t) n, "data"));
}

static tr_err on_read_until(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    tr_bytes delim = { NULL, 0 };
    int64_t max = 0;
    tr_args(m, &delim, &max);
    if (s->reading != NULL)
        return busy(self);
    if (max <= 0 || max > TCP_READ_MAX)
        return tr_fail_with(self, TR_EINVAL, "at most %lld bytes; 1 to %d", (long long) max, TCP_READ_MAX);
    return keep(self, s, m, tr_stream_once_until(self, s->stream, delim.data, delim.len, (size_t) max, "data"));
}

/* The asker gave up: what has come waits for the next one. */
static tr_err on_read_canceled(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    (void) m;
    (void) tr_stream_passive(self, s->stream);
    tr_drop(self, &s->reading);
    return TR_OK;
}

static tr_err on_data(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    int code;
    tr_args(m, tr_skip(), tr_skip(), &code);
    if (s->reading == NULL)
        return TR_OK;
    if (code == TR_OK)
        (void) tr_reply(self, s->reading, tr_arg(m, 1));
    else
        (void) tr_reply_error(self, s->reading, (tr_err) code, "read from %s: %s", s->peer, tr_err_text((tr_err) code));
    tr_drop(self, &s->reading);
    return TR_OK;
}

/* ---- writing, closing ---- */

static tr_err on_write(tr_self *self, void *state, const tr_msg *m)
{
    const struct state *s = state;
    tr_bytes data = { NULL, 0 };
    tr_args(m, &data);
    tr_err err = tr_stream_queue(self, s->stream, data.data, data.len);
    return err == TR_OK && tr_is_request(m) ? tr_reply(self, m) : err;
}

static tr_err on_finish(tr_self *self, void *state, const tr_msg *m)
{
    const struct state *s = state;
    tr_err err = tr_stream_finish(self, s->stream, TR_FOREVER);
    return err == TR_OK && tr_is_request(m) ? tr_reply(self, m) : err;
}

static tr_err on_close(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    tr_stream_close(self, s->stream);
    if (tr_is_request(m))
        (void) tr_reply(self, m);
    return TR_STOP;
}

static tr_err on_peer(tr_self *self, void *state, const tr_msg *m)
{
    const struct state *s = state;
    return tr_reply(self, m, s->peer);
}

static tr_err on_stream(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    if (s->stream.id != 0)
        return tr_fail_with(self, TR_ESTATE, "it has a connection");
    tr_err err = tr_stream_take(self, tr_arg(m, 0), &s->stream);
    if (err != TR_OK)
        return TR_STOP;
    tcp_peer(self, s->stream, s->peer);
    return TR_OK;
}

static const tr_handler handlers[] = {
    { .tag = "read",
      .args = "",
      .reply = "data:bin",
      .run = on_read,
      .on_cancel = on_read_canceled,
      .doc = "what is there, at least a byte" },
    { .tag = "read_exactly",
      .args = "bytes:int",
      .reply = "data:bin",
      .run = on_read_exactly,
      .on_cancel = on_read_canceled,
      .doc = "that many bytes" },
    { .tag = "read_until",
      .args = "delimiter:bin, max:int",
      .reply = "data:bin",
      .run = on_read_until,
      .on_cancel = on_read_canceled,
      .doc = "up to and with the delimiter" },
    { .tag = "write", .args = "data:bin", .reply = "", .run = on_write, .doc = "takes all of it, or is TR_EFULL" },
    { .tag = "finish", .args = "", .reply = "", .run = on_finish, .doc = "tells the peer that nothing follows" },
    { .tag = "close", .args = "", .reply = "", .run = on_close, .doc = "closes the connection, and ends" },
    { .tag = "peer", .args = "", .reply = "address:str", .run = on_peer, .doc = "who is at the other end" },
    { .tag = "stream", .args = "stream:bin", .run = on_stream, .doc = "inner: the connection" },
    { .tag = "data", .args = "stream:int, data:bin, err:int", .run = on_data, .doc = "inner: what came" },
    { 0 },
};
const tr_behaviour tcp_connection = {
    .name = "tcp_connection", .state_size = sizeof(struct state), .handlers = handlers, .doc = "a TCP connection"
};

void tcp_peer(tr_self *self, tr_stream stream, char text[TR_ENDPOINT_TEXT_MAX])
{
    tr_endpoint endpoint;
    text[0] = '\0';
    if (tr_stream_peer(self, stream, &endpoint) == TR_OK)
        (void) tr_endpoint_text(&endpoint, text);
}

tr_err tcp_connection_spawn(tr_self *self, tr_stream stream, tr_addr *conn)
{
    tr_addr to;
    tr_err err = tr_spawn(self, &tcp_connection, NULL, &to);
    if (err == TR_OK) {
        err = tr_stream_give(self, stream, to, "stream");
        if (err != TR_OK)
            (void) tr_kill(self, to, "its connection did not come");
    }
    if (err != TR_OK)
        tr_stream_close(self, stream);
    else
        *conn = to;
    return err;
}
