/* SPDX-License-Identifier: MIT */
/* debug.h - debug mode and instruments, as the runtime's own code sees them
 *
 * What is off costs nothing on a message's way: actors that are watched carry CELL_TRACED, and the places that have to
 * know it already look at a cell's flags for something rare. They are, all of them:
 *
 *   mailbox_is_open     with CELL_SENDERS: a watched mailbox takes the long way, and mailbox.c tells of the message
 *   mailbox_take        with CELL_SENDERS: mailbox_taken tells of it
 *   run_cell            with CELL_ZOMBIE: a turn begins
 *   turn_begins_again   one test of its own, where a suspended stack goes on: a turn begins
 *   attend              once a pass of the loop: a turn is over (so it is when the next one begins)
 *   cell_launch, actor_end, timer_run_due: one test an actor or a timer
 *
 * The reports of debug mode stand where something has gone wrong already. */
#ifndef ACTOR_DEBUG_H
#define ACTOR_DEBUG_H

#include <stdatomic.h>

#include <troupe/debug.h>

struct ask;
struct cell;
struct tr_self;
struct worker;
struct world;

/* Part of the world. Thread: any may read. */
struct debug {
    atomic_uint flags; /* enum tr_debug_flag */
    _Atomic(const tr_instrument *) instrument;
    atomic_bool traced; /* new actors are watched: there is an instrument, or mailboxes are looked at */
};

/* ---- events, of actors that are watched; c must be alive ---- */

void debug_turn_begins(struct worker *w, const struct cell *c);
void debug_turn_ends(struct worker *w);
void debug_spawned(struct worker *w, struct cell *c);
void debug_ended(struct worker *w, const struct cell *c, tr_err err);
void debug_sent(struct worker *w, const struct cell *c, const struct tr_msg *m);
void debug_taken(struct worker *w, const struct cell *c, const struct tr_msg *m);
void debug_timer_fires(struct worker *w, int64_t deadline);

/* ---- reports, of debug mode ---- */

/* The asks that self has started and is about to lose. */
void debug_asks_left(struct tr_self *self);

/* The messages that c keeps, and is about to lose since it ends. */
void debug_kept_left(struct worker *w, const struct cell *c);

/* A call with a self that does not run. Always false. */
bool debug_foreign_self(const struct tr_self *self);

/* The turn of w is slow: its stack is wanted in the log, by a thread that has time for it; debug/watcher.c. Thread:
 * any.
 */
void debug_is_slow(struct worker *w);

/* ---- words for code; debug/place.c ---- */

/* "function at file:line" of an address that code returns to. */
void debug_place(const void *address, char *text, size_t size);

/* The stack of the caller, a line each. */
void debug_log_stack(const struct world *world, tr_log_level level);

#endif
