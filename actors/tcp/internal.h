/* SPDX-License-Identifier: MIT */
/* internal.h - the three behaviours of the module */
#ifndef TCP_INTERNAL_H
#define TCP_INTERNAL_H

#include <troupe/tcp.h>
#include <troupe/troupe.h>

#define TCP_READ_MAX (64 * 1024 * 1024) /* of one read_exactly or read_until */

/* One connection: reads and writes for whoever asks. Its first message is "stream", from who opened it. */
extern const tr_behaviour tcp_connection;

/* One listener. Its argument is a struct tcp_listen, lent until it has started. */
extern const tr_behaviour tcp_listener;

struct tcp_listen {
    tr_self *self; /* of who spawns it */
    const char *host, *service;
    tr_listen_opts opts;
};

/* Spawns the actor of a stream of self's, which gets the stream. Errors: those of tr_spawn and tr_stream_give; the
 * stream is closed then. */
tr_err tcp_connection_spawn(tr_self *self, tr_stream stream, tr_addr *conn);

/* Where its peer is, "" if that is not known. */
void tcp_peer(tr_self *self, tr_stream stream, char text[TR_ENDPOINT_TEXT_MAX]);

#endif
