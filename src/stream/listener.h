/* SPDX-License-Identifier: MIT */
/* listener.h - a descriptor that connections come out of */
#ifndef STREAM_LISTENER_H
#define STREAM_LISTENER_H

#include <sys/stat.h>
#include <troupe/net.h>

#include "stream/quota.h"

#define ACCEPT_RETRY_MS 100 /* when descriptors, or memory for sockets, have run out */

enum listener_state { LISTENER_OPEN = 0, LISTENER_DRAINING };

struct listener {
    struct port port;
    struct quota *quota;
    unsigned conns_max;     /* UINT_MAX: no limit */
    uint8_t state;          /* enum listener_state */
    bool asked;             /* once: a message is owed, for a connection or for the end of draining */
    struct tr_self *waiter; /* waits for room, for a descriptor, or for the end of draining */
    char tag[STREAM_TAG_MAX + 1];
    char *path; /* a Unix socket's file, or NULL */
    dev_t dev;  /* of that file: another's is not removed */
    ino_t ino;
};

static inline struct listener *listener_of(struct port *p)
{
    return list_entry(p, struct listener, port);
}

/* Owns: fd on success. Errors in words. */
tr_err listener_new(struct tr_self *self, int fd, const tr_listen_opts *opts, struct listener **out);

enum accepted { ACCEPTED, ACCEPT_NONE, ACCEPT_FULL, ACCEPT_SHORT, ACCEPT_FAILED };

/* Takes one connection for c, without waiting. NONE: nobody is there. FULL: conns_max are open; listener_has_room will
 * be called. SHORT: out of descriptors or memory. FAILED: errno. */
enum accepted listener_take(struct listener *l, struct cell *c, struct stream **s);

/* Who waits is woken. The connections are told to drain, and no more is accepted. */
void listener_drain(struct listener *l);

/* Aborts the connections that are on this worker. */
void listener_abort(struct listener *l);

/* Its owner is not going to get the message that it asked for; it is told, unless it is the one who says so. */
void listener_passive(struct listener *l, const struct cell *by);

#endif
