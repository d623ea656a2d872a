/* SPDX-License-Identifier: MIT */
/* resolve.h - names to socket addresses, without blocking the loop
 *
 * getaddrinfo(3) on a pool of threads of its own (offload.h), so everything that the system is set up for holds: hosts
 * file, name servers, search domains, the order of addresses (RFC 6724). Addresses that are numbers take no thread and
 * do not suspend.
 */
#ifndef TROUPE_RESOLVE_H
#define TROUPE_RESOLVE_H

#include <sys/socket.h>

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_RESOLVE_MAX 32 /* addresses of one name; more are left out */

/* What socket(2) and connect(2) or bind(2) want. */
typedef struct tr_endpoint {
    int family; /* AF_INET, AF_INET6 */
    int type;   /* SOCK_STREAM, SOCK_DGRAM */
    int protocol;
    socklen_t len; /* of addr */
    struct sockaddr_storage addr;
} tr_endpoint;

typedef struct tr_resolve_opts {
    size_t size;  /* sizeof(tr_resolve_opts) */
    int family;   /* 0: any (AF_UNSPEC) */
    int type;     /* 0: SOCK_STREAM */
    bool passive; /* to bind to: host NULL is every address of the machine; else it is the loopback */
    bool numeric; /* host must be a number: no name is looked up */
    bool all;     /* also families that this machine has no address of; else they are left out (AI_ADDRCONFIG) */
} tr_resolve_opts;

/* The addresses of host and service, best first, into list (room for max of them); *n says how many. host: a name or a
 * number, or NULL (see passive); service: a port number or a name of services(5), or NULL (port 0); not both NULL. opts
 * may be NULL. Suspends. timeout_ms as tr_offload. Errors: TR_EIO (the name does not exist, or has no such address:
 * tr_error names it and says what getaddrinfo said), TR_ENOCONN (nobody could be asked now: trying again later makes
 * sense), TR_EINVAL, TR_ENOMEM, TR_EFULL, TR_EUNSENT, TR_ETIMEDOUT, TR_ECANCELED. */
TR_API TR_MUST_CHECK tr_err tr_resolve(tr_self *self, const char *host, const char *service,
                                       const tr_resolve_opts *opts, int64_t timeout_ms, tr_endpoint *list, size_t max,
                                       size_t *n);

/* "127.0.0.1:80" or "[::1]:80" into buf; "?" for another family. Returns buf. Thread: any. */
#define TR_ENDPOINT_TEXT_MAX 72
TR_API const char *tr_endpoint_text(const tr_endpoint *endpoint, char buf[TR_ENDPOINT_TEXT_MAX]);

#ifdef __cplusplus
}
#endif
#endif
