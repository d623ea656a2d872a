/* SPDX-License-Identifier: MIT */
/* cell.h - one actor, in two cache lines; and the table of all
 *
 * The first line is what a message touches on its way: run link, flags, generation, mailbox, handler table, state. The
 * second is for spawning and ending. Everything that few actors need stands behind ext and is made on first use
 * (cell_ext.h).
 *
 * The table is the memory: slots are never unmapped, so that an address can be looked at whatever became of its actor.
 * An address is slot and generation; the generation is raised when the actor has ended. A slot whose generation would
 * wrap is retired.
 *
 * Flags, as a state machine of two questions. Who will run it: CELL_QUEUED (it stands in the run queue, or its turn is
 * on), CELL_BUSY (a stack of its own is at work: a body, or a handler that is suspended), or neither (idle: the next
 * message queues it). How far is its life: CELL_STARTED, CELL_CLOSED (mailbox closed, ending), then the slot is free.
 */
#ifndef ACTOR_CELL_H
#define ACTOR_CELL_H

#include <troupe/actor.h>

#include "message/message.h"

struct table;
struct cell_ext;
struct owner;
struct worker;

/* What can stand in a run queue: a cell (CELL_IS), or a suspended stack. */
struct runnable {
    struct runnable *next;
    uint32_t flags;
    uint32_t end_err; /* of a cell, with CELL_END: a tr_err */
};

enum cell_flag {
    CELL_IS = 1u << 0,
    CELL_QUEUED = 1u << 1, /* also used by suspended stacks */
    CELL_BUSY = 1u << 2,
    CELL_WANTS_MAIL = 1u << 3, /* its stack is suspended until there is a message */
    CELL_LIVE = 1u << 4,
    CELL_CLOSED = 1u << 5,
    CELL_CANCELED = 1u << 6,
    CELL_KILLED = 1u << 7,
    CELL_STARTED = 1u << 8,
    CELL_BODY = 1u << 9,
    CELL_BOUNDED = 1u << 10,  /* mailbox bounds of its own, in ext */
    CELL_END = 1u << 11,      /* ends at its next turn: run.end_err says how */
    CELL_INTERNAL = 1u << 12, /* the runtime's own: not counted, not listed */
    CELL_THEN = 1u << 13,     /* answers of tr_ask_then wait, in ext */
    CELL_DETACHED = 1u << 14,
    CELL_ZOMBIE = 1u << 15,   /* ended while it stood in the run queue: its slot is freed when it is taken out */
    CELL_SENDERS = 1u << 18,  /* somebody waits for room in its mailbox */
    CELL_LINKED = 1u << 17,   /* stands in the run queue; also used by suspended stacks */
    CELL_WATCHED = 1u << 19,  /* a test looks at what is sent to it: world.watch */
    CELL_BIG_STACK = 1u << 16 /* ext->stack_size, or its behaviour's, is larger than the default */
};

struct cell {
    /* hot */
    struct runnable run;
    struct tr_msg *head, *tail; /* mailbox: tr_msg.next */
    uint32_t len;               /* counted messages */
    uint32_t bytes;             /* of them */
    const struct table *table;  /* NULL: a body */
    void *state;                /* of a behaviour; of a body its argument */
    uint64_t id;                /* generation and slot: half of its address */
    /* cold */
    struct tr_self *stacks; /* what works for it and is suspended: self.next_stack */
    struct cell_ext *ext;
    struct owner *owner;                      /* who answers for it; NULL only while it ends with the node */
    struct owner *owned;                      /* whom it answers for; NULL: nobody yet */
    struct cell *sibling_next, *sibling_prev; /* owner.first */
    tr_body_fn *body;
    void *arg;
};

#define CELL_CHUNK 4096u
#define CELL_CHUNKS 4096u
#define CELL_MAX (CELL_CHUNK * CELL_CHUNKS)

struct cell_table {
    struct cell *chunk[CELL_CHUNKS];
    struct runnable *free;
    uint32_t used; /* slots that were ever handed out */
    uint32_t max;
};

void cell_table_fini(struct cell_table *t);

/* A zeroed cell with slot and generation set. NULL: no memory, or the limit is reached (*full). */
struct cell *cell_new(struct cell_table *t, bool *full);

/* Raises the generation and recycles the slot. */
void cell_free(struct cell_table *t, struct cell *c);

static inline uint64_t cell_id(const struct cell *c)
{
    return c->id;
}

static inline tr_addr cell_addr(const struct cell *c)
{
    tr_addr a = { 0, cell_id(c) };
    return a;
}

/* The actor at that address if it has not ended, else NULL. */
static inline struct cell *cell_find(const struct cell_table *t, uint64_t id)
{
    uint32_t slot = (uint32_t) id;
    if (slot >= t->used)
        return NULL;
    struct cell *c = &t->chunk[slot / CELL_CHUNK][slot % CELL_CHUNK];
    return c->id == id && (c->run.flags & CELL_LIVE) ? c : NULL;
}

static inline struct cell *cell_of(struct runnable *r)
{
    return (struct cell *) (void *) r;
}

#endif
