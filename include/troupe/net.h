/* SPDX-License-Identifier: MIT */
/* net.h - sockets: connecting, listening, serving, datagrams
 *
 * A connection is a stream (stream.h). A listener and a datagram socket are numbers like a stream, belong to an actor,
 * and are closed with it. Nothing off the machine is open by default: without a host a listener is on the loopback.
 * Services are port numbers or names of services(5), as strings.
 */
#ifndef TROUPE_NET_H
#define TROUPE_NET_H

#include "resolve.h"
#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- connecting; Suspends, for at most timeout_ms ----
 * Errors, of all: TR_ENOCONN (refused, or not to be reached: tr_error has the system's words), TR_ETIMEDOUT,
 * TR_ECANCELED, TR_EIO (no descriptors left), TR_EINVAL, TR_ENOMEM. */

#define TR_CONNECT_DELAY_MS 250 /* RFC 8305: between one attempt and the next */

/* To host by name or number. All its addresses are tried, IPv6 and IPv4 in turn: the next one when the one before has
 * failed, or after TR_CONNECT_DELAY_MS; the first to succeed is taken, the others are closed ("happy eyeballs", RFC
 * 8305). TCP_NODELAY is set. Errors also: those of tr_resolve. */
TR_API TR_MUST_CHECK tr_err tr_tcp_connect(tr_self *self, const char *host, const char *service, int64_t timeout_ms,
                                           tr_stream *stream);

/* The same to addresses that are known, in this order; at most TR_RESOLVE_MAX. delay_ms as TR_CONNECT_DELAY_MS. */
TR_API TR_MUST_CHECK tr_err tr_tcp_connect_to(tr_self *self, const tr_endpoint *list, size_t n, int64_t delay_ms,
                                              int64_t timeout_ms, tr_stream *stream);

/* To a Unix socket; path "@name" is one without a file (unix(7), abstract). While its listener's queue is full it tries
 * again every 10 ms. */
TR_API TR_MUST_CHECK tr_err tr_unix_connect(tr_self *self, const char *path, int64_t timeout_ms, tr_stream *stream);

/* ---- listening; Suspends: only where a name must be looked up ---- */

/* The zero value is no listener. In a message it is its id, an int. */
typedef struct tr_listener {
    int64_t id;
} tr_listener;

typedef struct tr_listen_opts {
    size_t size;        /* sizeof(tr_listen_opts) */
    unsigned conns_max; /* connections open at once; further ones wait in the system's queue. 0: as many as come */
    int backlog;        /* of that queue; 0: 4,096 (the system may have a lower bound) */
    bool reuse_port;    /* other listeners may share the port (SO_REUSEPORT) */
} tr_listen_opts;

/* host NULL: 127.0.0.1; "0.0.0.0" and "::" are every address of the machine. service "0": any port
 * (tr_listener_endpoint). opts may be NULL. Errors: TR_EEXIST (in use), TR_EIO, TR_EINVAL, TR_ENOMEM, those of
 * tr_resolve. */
TR_API TR_MUST_CHECK tr_err tr_tcp_listen(tr_self *self, const char *host, const char *service,
                                          const tr_listen_opts *opts, tr_listener *listener);

/* The file is removed with the listener; one that is left over from a process that is gone is replaced. */
TR_API TR_MUST_CHECK tr_err tr_unix_listen(tr_self *self, const char *path, const tr_listen_opts *opts,
                                           tr_listener *listener);

/* The next connection, which is this actor's. Suspends, for at most timeout_ms, also while conns_max are open. When
 * descriptors or memory for sockets run out it tries again every 100 ms. Errors: TR_ECLOSED, TR_ETIMEDOUT,
 * TR_ECANCELED, TR_EBUSY (another accepts), TR_EIO, TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_listener_accept(tr_self *self, tr_listener listener, int64_t timeout_ms,
                                               tr_stream *stream);

/* Active once: one message tag(listener:int, stream:int, err:int) when there is a connection; it is this actor's, which
 * must own the listener. err other than TR_OK: stream is 0, and nothing more will come. The next when asked again. tag:
 * 1 to 31 bytes. Errors: TR_EINVAL, TR_ESTATE (another's), TR_EBUSY. Suspends: no. */
TR_API TR_MUST_CHECK tr_err tr_listener_once(tr_self *self, tr_listener listener, const char *tag);

/* Closes it; connections stay. Whoever waits for one gets TR_ECLOSED; an owner that is active once and another than the
 * caller gets it by message. Closing it twice is fine. Suspends: no. */
TR_API void tr_listener_close(tr_self *self, tr_listener listener);

/* A graceful stop: no more is accepted (who waits gets TR_ECLOSED, as with tr_listener_close); its connections on this
 * thread are drained (tr_stream_drain); when all its connections are closed it returns. What is open after drain_ms
 * (TR_FOREVER: no limit) is aborted (tr_stream_abort), and owners that are active once are told, if it is on this
 * thread. The listener is closed when it returns. Suspends. Errors: TR_ETIMEDOUT (some had to be aborted, or are on
 * other threads), TR_ECANCELED (all were aborted at once), TR_ECLOSED, TR_EBUSY (another stops it). */
TR_API tr_err tr_listener_stop(tr_self *self, tr_listener listener, int64_t drain_ms);

/* For behaviours: the first half, without waiting. When the last connection is closed, one message tag(listener:int)
 * comes to the owner. tag: 1 to 31 bytes. Suspends: no. Errors: TR_EINVAL, TR_ESTATE (another's), TR_ECLOSED. */
TR_API TR_MUST_CHECK tr_err tr_listener_drain(tr_self *self, tr_listener listener, const char *tag);

/* How many of its connections are open. 0 also when it is closed. */
TR_API size_t tr_listener_count(tr_self *self, tr_listener listener);

/* ---- a server: a body for each connection ---- */

/* One connection, on the server's thread. The stream is this actor's; it is closed when the body returns. */
typedef tr_err tr_serve_fn(tr_self *self, tr_stream stream, void *arg);

typedef struct tr_serve_opts {
    size_t size;       /* sizeof(tr_serve_opts) */
    int64_t drain_ms;  /* 0: 4,000; TR_FOREVER: no limit. Less than the node's stop_grace_ms, if that is to stop it */
    size_t stack_size; /* of the bodies; 0: the node's */
    /* A body returned an error other than TR_ECLOSED or TR_ECANCELED; called in it, tr_error has the words. May be
     * NULL. */
    void (*on_error)(tr_self *self, tr_err err, void *arg);
} tr_serve_opts;

/* Serves until this actor, or a scope it is in, is cancelled, or the listener is closed. Then it stops gracefully: as
 * tr_listener_stop, out of reach of the cancel; bodies that are left are cancelled and waited for. A body that returns
 * an error or fails ends its connection and nothing else. opts may be NULL. Suspends. Returns TR_OK if all connections
 * ended by themselves, TR_ETIMEDOUT if some had to be aborted. Errors also: those of tr_listener_accept; TR_EINVAL. */
TR_API TR_MUST_CHECK tr_err tr_serve(tr_self *self, tr_listener listener, tr_serve_fn *fn, void *arg,
                                     const tr_serve_opts *opts);

/* ---- datagrams ---- */

/* The zero value is none. In a message it is its id, an int. */
typedef struct tr_udp {
    int64_t id;
} tr_udp;

/* A socket at that address; host NULL: the loopback; service NULL: any port. Errors: as tr_tcp_listen. */
TR_API TR_MUST_CHECK tr_err tr_udp_open(tr_self *self, const char *host, const char *service, tr_udp *udp);

/* One datagram, whole, and who sent it (from may be NULL). Suspends, for at most timeout_ms. Errors: TR_ETOOBIG (it
 * does not fit size bytes; it is still there), TR_ECLOSED, TR_ETIMEDOUT, TR_ECANCELED, TR_EBUSY, TR_EIO. */
TR_API TR_MUST_CHECK tr_err tr_udp_recv(tr_self *self, tr_udp udp, void *buf, size_t size, int64_t timeout_ms,
                                        size_t *len, tr_endpoint *from);

/* Sends one datagram. Suspends, for at most timeout_ms, while the system has no room. That it arrives nobody promises.
 * Errors: TR_ETOOBIG, TR_ECLOSED, TR_ETIMEDOUT, TR_ECANCELED, TR_EBUSY, TR_EIO. */
TR_API TR_MUST_CHECK tr_err tr_udp_send(tr_self *self, tr_udp udp, const tr_endpoint *to, const void *data, size_t len,
                                        int64_t timeout_ms);

/* Active once: one message tag(udp:int, data:bin, from:bin, err:int); from is read with tr_udp_from. Errors: as
 * tr_stream_once. */
TR_API TR_MUST_CHECK tr_err tr_udp_once(tr_self *self, tr_udp udp, const char *tag);
TR_API TR_MUST_CHECK tr_err tr_udp_from(tr_item from, tr_endpoint *endpoint);

TR_API void tr_udp_close(tr_self *self, tr_udp udp);

/* ---- who is where; Errors: TR_ECLOSED, TR_EIO (no socket, not connected) ---- */

TR_API TR_MUST_CHECK tr_err tr_stream_peer(tr_self *self, tr_stream stream, tr_endpoint *endpoint);
TR_API TR_MUST_CHECK tr_err tr_listener_endpoint(tr_self *self, tr_listener listener, tr_endpoint *endpoint);
TR_API TR_MUST_CHECK tr_err tr_udp_endpoint(tr_self *self, tr_udp udp, tr_endpoint *endpoint);

/* The port of an endpoint, 0 if it has none. Thread: any. */
TR_API unsigned tr_endpoint_port(const tr_endpoint *endpoint);

#ifdef __cplusplus
}
#endif
#endif
