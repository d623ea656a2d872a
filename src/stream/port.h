/* SPDX-License-Identifier: MIT */
/* port.h - a descriptor that an actor owns: what streams, listeners and datagram sockets have in common
 *
 * A port has a number that no other ever had or will have: its descriptor in the lower half, a count above. Handles
 * hold the number and nothing else, and each call looks it up among the descriptors of its worker, so that a handle
 * that outlived its port finds nothing (TR_ECLOSED), whatever the descriptor means by then.
 *
 * A port belongs to one actor, and is closed with it at the latest. Its worker is the one it is registered with: any
 * actor that runs there may use it, one at a time for each direction. After every suspension it is looked up again. */
#ifndef STREAM_PORT_H
#define STREAM_PORT_H

#include <troupe/stream.h>

#include "actor/cell_ext.h"
#include "actor/fd.h"

enum port_kind { PORT_STREAM = 1, PORT_LISTENER, PORT_UDP };

struct port {
    struct fd_hook hook; /* id, and who is in a call */
    struct thing thing;
    struct worker *worker; /* NULL: in a parcel, on its way to another actor */
    struct cell *cell;     /* owner */
    struct timer retry;    /* calls hook.ready again when memory or descriptors had run out */
    enum port_kind kind;
    bool is_socket;
    bool lent; /* the descriptor stays open, and its flags are not touched */
    /* Frees it and what its kind has beyond this; it is registered nowhere. Thread: any. */
    void (*destroy)(struct port *p);
};

static inline int port_fd(const struct port *p)
{
    return fd_of_id(p->hook.id);
}

static inline struct port *port_of_hook(struct fd_hook *h)
{
    return list_entry(h, struct port, hook);
}

/* Of a zeroed port: number and kind. Owns: fd, from port_attach on. */
void port_init(struct port *p, int fd, enum port_kind kind, void (*destroy)(struct port *p));

/* Registers it with its owner's worker. Errors: TR_EBUSY (the descriptor is another port's), TR_ENOMEM; without words.
 */
tr_err port_attach(struct worker *w, struct cell *c, struct port *p);

/* The opposite; whoever waits for it gets TR_ECLOSED. */
void port_detach(struct port *p);

/* Detaches and destroys. */
void port_close(struct port *p);

/* Calls hook.ready in a moment. */
void port_retry(struct port *p, int64_t ms);

/* The port with that number on self's worker, or NULL. */
struct port *port_find(struct tr_self *self, int64_t id, enum port_kind kind);

/* The head of every call: TR_ESTATE (not the running self), TR_ECLOSED (no such port here). */
tr_err port_get(struct tr_self *self, int64_t id, enum port_kind kind, const char *phase, struct port **p);

/* The same for calls that suspend: TR_ECANCELED as well, and a loop that never needs to wait lets others run. */
tr_err port_enter(struct tr_self *self, int64_t id, enum port_kind kind, const char *phase, struct port **p);

/* Suspends until it is readable or writable, and finds it again. slot: hook.reader or hook.writer is taken meanwhile.
 * Errors: TR_ETIMEDOUT, TR_ECANCELED, TR_ECLOSED, TR_ENOMEM in words; *p is NULL if it is gone. */
tr_err port_wait(struct tr_self *self, struct port **p, unsigned event, int64_t deadline, const char *phase);

/* Suspends until somebody calls slot_wake. Errors: TR_ETIMEDOUT, TR_ECANCELED, TR_ENOMEM, without words, or what
 * slot_wake says. */
tr_err slot_wait(struct tr_self *self, struct tr_self **slot, int64_t deadline);
void slot_wake(struct tr_self **slot, tr_err err);

/* A timeout from now as a time. */
int64_t port_deadline(struct tr_self *self, int64_t timeout_ms);

/* In words: "read: Connection reset by peer". */
tr_err port_error(struct tr_self *self, tr_err err, int number, const char *phase);

#endif
