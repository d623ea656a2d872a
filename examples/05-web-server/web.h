/* SPDX-License-Identifier: MIT */
/* web.h - a web server as small as it can be
 *
 * GET /n sends a page of n bytes; GET /n/ms sends it after ms milliseconds. One body accepts, one body serves each
 * connection. Loopback only.
 */
#ifndef WEB_H
#define WEB_H

#include <troupe/troupe.h>

struct web {
    int fd; /* listening */
    uint16_t port;
};

/* Listens on a port of 127.0.0.1; 0: any that is free, web->port says which. Errors: TR_EIO. */
tr_err web_open(tr_self *self, uint16_t port, struct web *web);

/* A body; arg is a struct web that web_open filled. Serves until it is cancelled; then it accepts no more, closes the
 * idle connections, finishes the responses under way, and returns TR_OK. */
tr_err web_serve(tr_self *self, void *arg);

#endif
