/* SPDX-License-Identifier: MIT */
/* cell.h - one actor, in two cache lines; and the table of all
 *
 * The first line is what a message touches on its way: run link, flags, home, mailbox, handler table, state,
 * generation. The second is for spawning and ending. Everything that few actors need stands behind ext and is made on
 * first use (cell_ext.h).
 *
 * The table is the memory: slots are never unmapped, so that an address can be looked at whatever became of its actor.
 * An address is slot and generation; the generation is raised when the actor has ended. A slot whose generation would
 * wrap is retired.
 *
 * Every cell has a home: the worker that runs it. All its fields but four belong to the thread that is in its home's
 * gate (gate.h). The four: inbox takes what other threads push; home is read by everybody, and written only by who is
 * in the gate of the present home; id is read by everybody, and raised on the worker of its owner
 * or, when the slot is freed, of its home; owner and the siblings belong to the worker of its owner,
 * which is owner_home and never changes. A dead slot keeps its home, and a late message pushed to it, until that worker
 * gives it away or uses it again (docs/design/workers.md).
 *
 * Flags, as a state machine of two questions. Who will run it: CELL_QUEUED (it stands in the run queue, or its turn is
 * on), CELL_BUSY (a stack of its own is at work: a body, or a handler that is suspended), or neither (idle: the next
 * message queues it). How far is its life: CELL_STARTED, CELL_CLOSED (mailbox closed, ending), then the slot is free.
 */
#ifndef ACTOR_CELL_H
#define ACTOR_CELL_H

#include <pthread.h>
#include <stdatomic.h>

#include <troupe/actor.h>

#include "message/message.h"

struct table;
struct cell_ext;
struct outcome;
struct owner;
struct worker;

/* What can stand in a run queue: a cell (CELL_IS), or a suspended stack. */
struct runnable {
    struct runnable *next;
    uint32_t flags;
    _Atomic(uint16_t) home; /* of a cell: which worker runs it */
    uint16_t owner_home;    /* of a cell: where its owner lives */
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
    CELL_PINNED = 1u << 9,    /* does not move: by hand */
    CELL_BOUNDED = 1u << 10,  /* mailbox bounds of its own, in ext */
    CELL_END = 1u << 11,      /* ends at its next turn: end_err says how */
    CELL_INTERNAL = 1u << 12, /* the runtime's own: not counted, not listed */
    CELL_THEN = 1u << 13,     /* answers of tr_ask_then wait, in ext */
    CELL_DETACHED = 1u << 14,
    CELL_ZOMBIE = 1u << 15,    /* ended while it stood in the run queue: its slot is freed when it is taken out */
    CELL_BIG_STACK = 1u << 16, /* ext->stack_size, or its behaviour's, is larger than the default */
    CELL_LINKED = 1u << 17,    /* stands in the run queue; also used by suspended stacks */
    CELL_SENDERS = 1u << 18,   /* somebody waits for room in its mailbox */
    CELL_PLACED = 1u << 19,    /* does not move: it was placed, or shares memory with its spawner */
    CELL_WATCHED = 1u << 29,   /* a test looks at what is sent to it: world.watch */
    CELL_TRACED = 1u << 30     /* debug mode or an instrument watches it: actor/debug.h */
};

struct cell {
    /* hot */
    struct runnable run;
    struct tr_msg *head;     /* mailbox: tr_msg.next; the last is head->prev */
    _Atomic(uint64_t) inbox; /* what other threads pushed, newest first: INBOX_* */
    union {
        struct {
            uint32_t len;   /* counted messages */
            uint32_t bytes; /* of them */
        };
        uint64_t load; /* both, where they are changed as one */
    };
    const struct table *table; /* NULL: a body */
    union {
        void *state;      /* of a behaviour */
        tr_body_fn *body; /* of a body */
    };
    uint64_t id; /* generation and slot: half of its address */
    /* cold */
    union {
        struct {
            struct tr_self *stacks; /* what works for it and is suspended: self.next_stack */
            struct owner *owned;    /* whom it answers for; NULL: nobody yet */
        };
        struct errand errand; /* after its end, on the way to its owner's worker and back */
    };
    struct cell_ext *ext;
    struct owner *owner;                      /* who answers for it; NULL only while it ends with the node */
    struct cell *sibling_next, *sibling_prev; /* owner.first */
    union {
        void *arg;               /* before it starts */
        tr_err end_err;          /* CELL_END */
        struct outcome *outcome; /* after its end, on the way to its owner's worker */
    };
    struct cell *announced_next; /* worker.announced */
};

/* The inbox is one word: how many messages lie in it (saturating), the newest, and whether the cell has been announced
 * to its home. Whoever finds INBOX_ANNOUNCED unset sets it, and announces; the home unsets it when it takes the cell
 * out of its list of announced ones. So announced_next has one user at a time. */
#define INBOX_ANNOUNCED UINT64_C(1)
#define INBOX_CANCEL UINT64_C(2) /* orders of its owner, for want of memory for a signal */
#define INBOX_KILL UINT64_C(4)
#define INBOX_POINTER UINT64_C(0x0000fffffffffff8)
#define INBOX_COUNT_ONE (UINT64_C(1) << 48)

#define CELL_GENERATION (UINT64_C(1) << 32)
#define CELL_CHUNK 4096u
#define CELL_CHUNKS 4096u
#define CELL_MAX (CELL_CHUNK * CELL_CHUNKS)

/* Shared by all workers. */
struct cell_table {
    _Atomic(struct cell *) chunk[CELL_CHUNKS];
    void *memory[CELL_CHUNKS]; /* of the chunks, as it was allocated */
    pthread_mutex_t lock;      /* guards used, and making chunks */
    uint32_t used;             /* slots that were ever handed to a worker */
    uint32_t max;
    uint32_t portion; /* slots that a worker gets at a time */
};

/* One worker's share of it. */
struct cell_store {
    struct cell_table *table;
    struct runnable *free;
    uint32_t fresh, fresh_end; /* slots of its own that were never used */
    uint16_t home;
};

void cell_table_init(struct cell_table *t, uint32_t max, unsigned workers);
void cell_table_fini(struct cell_table *t);
void cell_store_init(struct cell_store *s, struct cell_table *t, uint16_t home);

/* A zeroed cell with slot and generation set, at home here. NULL: no memory, or the limit is reached (*full). */
struct cell *cell_new(struct cell_store *s, bool *full);

/* Raises the generation and recycles the slot, whose home must be here. */
void cell_free(struct cell_store *s, struct cell *c);

/* Raises the generation of one that is over, before its slot can be freed: nobody finds it any more. The number between
 * is no actor's. */
void cell_lay_out(struct cell *c);

static inline uint64_t cell_id(const struct cell *c)
{
    return __atomic_load_n(&c->id, __ATOMIC_RELAXED);
}

static inline tr_addr cell_addr(const struct cell *c)
{
    tr_addr a = { 0, cell_id(c) };
    return a;
}

static inline unsigned cell_home(const struct cell *c)
{
    return atomic_load_explicit(&c->run.home, memory_order_acquire);
}

/* The slot of this address, whoever is in it; NULL: there is no such slot. Thread: any. */
static inline struct cell *cell_slot(const struct cell_table *t, uint64_t id)
{
    uint32_t slot = (uint32_t) id;
    if (__builtin_expect(slot >= CELL_MAX, 0))
        return NULL;
    struct cell *chunk = atomic_load_explicit(&t->chunk[slot / CELL_CHUNK], memory_order_acquire);
    return __builtin_expect(chunk != NULL, 1) ? &chunk[slot % CELL_CHUNK] : NULL;
}

/* The slot with this address, wherever its home is, or NULL if that actor has ended (or is just ending, elsewhere).
 * Thread: any. */
static inline struct cell *cell_at(const struct cell_table *t, uint64_t id)
{
    struct cell *c = cell_slot(t, id);
    return c != NULL && cell_id(c) == id ? c : NULL;
}

static inline struct cell *cell_of(struct runnable *r)
{
    return (struct cell *) (void *) r;
}

#endif
