/* SPDX-License-Identifier: MIT */
/* tcp.c - the door: connects and listens for whoever asks */
#include "internal.h"

#define CONNECT_MS 30000

static tr_err on_connect(tr_self *self, void *state, const tr_msg *m)
{
    const char *host, *service;
    tr_stream stream;
    tr_addr conn;
    (void) state;
    tr_args(m, &host, &service);
    tr_err err = tr_tcp_connect(self, host, service, CONNECT_MS, &stream);
    if (err == TR_OK)
        err = tcp_connection_spawn(self, stream, &conn);
    return err == TR_OK ? tr_reply(self, m, conn) : err;
}

static tr_err options(tr_self *self, tr_item map, tr_listen_opts *opts)
{
    int64_t max = 0;
    *opts = (tr_listen_opts){ .size = sizeof *opts };
    if (tr_item_type(map) != TR_TYPE_MAP)
        return TR_OK;
    for (size_t i = 0; i < tr_item_count(map); i++) {
        const char *key = "";
        (void) !tr_read(tr_item_key(map, i), &key);
        if (strcmp(key, "connections_max") != 0 || tr_read(tr_item_at(map, i), &max) != TR_OK || max < 0 ||
            max > UINT32_MAX)
            return tr_fail_with(self, TR_EINVAL, "option \"%s\" is not known, or its value is wrong", key);
        opts->conns_max = (unsigned) max;
    }
    return TR_OK;
}

/* Waits until it listens, or has failed to. */
static tr_err on_listen(tr_self *self, void *state, const tr_msg *m)
{
    struct tcp_listen listen = { .self = self };
    const tr_msg *r;
    tr_item host = tr_arg(m, 0);
    tr_addr to;
    unsigned port;
    (void) state;
    (void) !tr_read(tr_arg(m, 1), &listen.service);
    if (tr_item_type(host) == TR_TYPE_STR)
        (void) !tr_read(host, &listen.host);
    tr_err err = options(self, tr_arg(m, 2), &listen.opts);
    if (err == TR_OK)
        err = tr_spawn(self, &tcp_listener, &listen, &to);
    if (err != TR_OK)
        return err;
    err = tr_ask(self, to, &r, "port");
    if (err == TR_OK && tr_read(tr_arg(r, 0), &port) == TR_OK)
        return tr_reply(self, m, to, port);
    if (err == TR_EDOWN || err == TR_ENOPROC)
        return tr_join(self, to, NULL); /* what it ended by says more */
    (void) tr_kill(self, to, NULL);     /* listen is this stack's, which the listener must not outlive */
    return err != TR_OK ? err : TR_EBADMSG;
}

static const tr_handler handlers[] = {
    { .tag = "connect",
      .args = "host:str, service:str",
      .reply = "connection:addr",
      .run = on_connect,
      .doc = "a connection to a host, by name or address",
      .flags = TR_REENTRANT | TR_CANCELS },
    { .tag = "listen",
      .args = "host:str?, service:str, options:map?",
      .reply = "listener:addr, port:int",
      .run = on_listen,
      .doc = "a listener; without a host on the loopback",
      .flags = TR_REENTRANT },
    { 0 },
};
const tr_behaviour tr_tcp = { .name = "tcp", .handlers = handlers, .doc = "TCP for those who speak messages" };
