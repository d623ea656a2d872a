/* SPDX-License-Identifier: MIT */
/* quota.h - how many connections of one listener are open, wherever they went
 *
 * Shared by a listener and the streams it accepted. Those on the listener's worker are on its list, so that a stop can
 * reach them; all are counted, also those that other actors on other workers have. One that is closed tells the
 * listener's worker by errand, if the listener waits for that. */
#ifndef STREAM_QUOTA_H
#define STREAM_QUOTA_H

#include <stdatomic.h>

#include "base/errand.h"
#include "stream/stream.h"

struct listener;

enum quota_state {
    QUOTA_IDLE = 0,
    QUOTA_WAITING, /* the listener wants to know of the next one that is closed */
    QUOTA_TOLD     /* the errand is on its way */
};

struct quota {
    atomic_uint refs;  /* the listener, each stream, an errand on its way */
    atomic_uint open;  /* connections */
    atomic_uint state; /* enum quota_state */
    struct worker *worker;
    struct errand errand;
    /* Of the listener's worker alone: */
    struct listener *listener; /* NULL: closed */
    struct list conns;         /* stream.conn: those that are here */
    bool draining;
};

/* NULL: out of memory. */
struct quota *quota_new(struct worker *w, struct listener *l);
void quota_unref(struct quota *q);

/* A new connection; on the listener's worker. */
void quota_join(struct quota *q, struct stream *s);

/* A connection is destroyed. Thread: any. */
void quota_leave(struct stream *s);

/* Whether that many or more are open; if so, listener_has_room is called when one is closed. On its worker. */
bool quota_wait(struct quota *q, unsigned open);

/* It goes to another actor, or has come to one. */
void quota_unlist(struct stream *s);
void quota_list(struct stream *s);

/* There may be room now, or nothing is left; listener.c. On its worker. */
void listener_has_room(struct listener *l);

#endif
