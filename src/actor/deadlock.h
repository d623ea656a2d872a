/* SPDX-License-Identifier: MIT */
/* deadlock.h - a wait that would close a cycle is an error, told before it begins
 *
 * Every wait on an actor is an edge: an ask to whoever holds the obligation now, a full mailbox, an end, a scope's
 * children. Before self begins such a wait, the edges are followed from the actor it would wait for. A wait for all of
 * several leads where any of them leads, a wait for one where all lead. An edge whose own deadline comes before ours is
 * no obstacle: it will break by itself. The search is bounded (DEADLOCK_DEPTH actors deep, DEADLOCK_VISITS in all); a
 * longer cycle ends by its deadlines. */
#ifndef ACTOR_DEADLOCK_H
#define ACTOR_DEADLOCK_H

#include "actor/worker.h"

#define DEADLOCK_DEPTH 32
#define DEADLOCK_VISITS 1024
#define DEADLOCK_TEXT_MAX 256 /* bytes of a chain, in words */

/* TR_EDEADLK, in words on self, if waiting for that actor until deadline would close a cycle; else TR_OK. */
tr_err deadlock_check_slow(struct tr_self *self, uint64_t id, int64_t deadline, const char *phase);

/* Nothing to follow from an actor that runs or is idle: the usual case costs two tests. */
static inline bool deadlock_is_possible(const struct tr_self *self, const struct cell *c)
{
    return (c->run.flags & (CELL_BUSY | CELL_WANTS_MAIL)) == CELL_BUSY || c == self->cell;
}

static inline tr_err deadlock_check(struct tr_self *self, uint64_t id, int64_t deadline, const char *phase)
{
    struct gate *gate = &self->worker->gate;
    gate_enter(gate);
    const struct cell *c = cell_find(self->worker, id);
    tr_err err = c != NULL && deadlock_is_possible(self, c) ? deadlock_check_slow(self, id, deadline, phase) : TR_OK;
    gate_leave(gate);
    return err;
}

/* Of the search: the earliest deadline of a stack's scopes; the stack that keeps an actor from its mailbox, if it is
 * suspended and nobody has woken it; whether a handler's row lets its actor go on meanwhile. */
int64_t deadlock_scopes_deadline(const struct tr_self *self);
const struct tr_self *deadlock_blocked_stack(const struct cell *c);
bool deadlock_is_reachable(const struct tr_self *self);

/* The same for one that waits already, asked by whom it asked: whether waiting for that actor closes a cycle; if so,
 * chain says which, in words. */
bool deadlock_is_closed_by(const struct tr_self *waiter, uint64_t id, int64_t deadline, char *chain, size_t size);

/* The same for a wait for several asks, and for an owner's children. */
struct tr_pending;
struct tr_wait_item;
tr_err deadlock_check_asks(struct tr_self *self, const struct tr_pending *pending, size_t n, bool all,
                           int64_t deadline);
tr_err deadlock_check_items(struct tr_self *self, const struct tr_wait_item *items, size_t n, bool all,
                            int64_t deadline);
tr_err deadlock_check_children(struct tr_self *self, const struct owner *o);

#endif
