/* SPDX-License-Identifier: MIT */
/* address.h - where sockets are bound to */
#ifndef STREAM_ADDRESS_H
#define STREAM_ADDRESS_H

#include <troupe/net.h>

/* All: errors in words. */

/* The address of a Unix socket. Errors: TR_EINVAL. */
tr_err unix_address(tr_self *self, const char *path, tr_endpoint *e);

/* One to bind to, of that type (SOCK_STREAM, SOCK_DGRAM). Suspends if it is a name. */
tr_err address_to_bind(tr_self *self, const char *host, const char *service, int type, tr_endpoint *e);

/* Of any kind, for people: "127.0.0.1:80", "/run/socket", "@name". Returns buf. */
#define ADDRESS_WORDS_MAX 112
const char *address_words(const tr_endpoint *e, char buf[ADDRESS_WORDS_MAX]);

/* A socket that is bound, and if it is a SOCK_STREAM listens. Errors: TR_EEXIST, TR_EIO, TR_EINVAL. */
tr_err socket_bound(tr_self *self, const tr_endpoint *e, const tr_listen_opts *opts, int *out);

#endif
