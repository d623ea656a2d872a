/* SPDX-License-Identifier: MIT */
/* snapshot.h - a copy of who is there, what it waits for, and of its stacks, taken while they run
 *
 * How it is taken without stopping anybody, on any thread:
 * - Everything is read through peek.h. The world and the table of cells live as long as the node; what hangs on a cell
 *   may go at any time, and then the copy is short, or says something that the checks refuse.
 * - A cell is copied in one piece with its id, and looked at once more when all that hangs on it has been copied: if
 *   the id, or whether it lives, has changed, it has ended meanwhile and is left out.
 * - A suspended stack is the memory between its stack pointer and its struct tr_self, which lies on top. It is copied
 *   between two equal copies of that struct: if they differ it has run meanwhile. After three tries it counts as
 *   moving, and has no stack in the listing.
 * - Unwinding works on the copy alone. A copy that is torn all the same gives a wrong line, not a fault.
 * - The stack of the call that runs comes from a signal to its thread (capture.h), or not at all. */
#ifndef DEBUG_SNAPSHOT_H
#define DEBUG_SNAPSHOT_H

#include <troupe/debug.h>

#include "actor/worker.h"
#include "debug/registers.h"
#include "node/node.h"

#define SNAP_ACTORS_MAX 100000
#define SNAP_STACKS_MAX 16             /* of one actor */
#define SNAP_SCOPES_MAX 16             /* of one stack */
#define SNAP_STACK_BYTES (64u * 1024u) /* of one stack, from its inner end */
#define SNAP_BYTES_MAX (256u << 20)    /* of all; what is beyond has no stack in the listing */

struct snap_scope {
    uintptr_t at; /* where it lies: what its children's owner_at says */
    size_t count;
    int64_t deadline;
    bool shield, canceled;
    char name[40];
};

struct snap_stack {
    struct registers registers; /* ip 0: not known */
    uintptr_t low;
    size_t bytes_at, bytes_len; /* in snapshot.bytes */
    size_t scopes_at, scopes_len;
    int64_t since;
    struct wait wait;  /* its pointers must not be followed */
    uint64_t target;   /* id of the actor that is waited for; 0: none */
    size_t count;      /* WAIT_CHILDREN */
    bool moving;       /* it ran while we looked */
    bool runs;         /* it is the one that its worker runs */
    size_t worker;     /* runs: index into snapshot.workers */
    char handling[40]; /* tag of the message that its handler has */
};

struct snap_actor {
    uint64_t id;
    uint32_t flags, len, bytes;
    uintptr_t owner_at, owned_at;
    size_t stacks_at, stacks_len;
    bool written; /* report.c's */
    char label[64];
};

struct snap_worker {
    const struct worker *at;
    uintptr_t root_at; /* owns what nobody else does */
    uint64_t runs;     /* id; 0: nobody */
    uint64_t turn;
    int64_t now; /* its idea of the time */
    int tid;     /* of its thread; 0: none runs it */
    bool sleeps;
};

struct snapshot {
    struct snap_actor *actors;
    struct snap_stack *stacks;
    struct snap_scope *scopes;
    char *bytes;
    size_t actors_len, actors_cap, stacks_len, stacks_cap, scopes_len, scopes_cap, bytes_len, bytes_cap;
    size_t more; /* actors beyond SNAP_ACTORS_MAX */
    struct snap_worker workers[WORKERS_MAX];
    size_t workers_len;
    int64_t now;
    bool readable; /* the kernel lets us look */
    bool out_of_memory;
    char name[64];
};

/* Thread: any that keeps the node alive. fini frees what it holds; it is to be called in any case. */
void snapshot_take(struct snapshot *s, const tr_node *node);
void snapshot_fini(struct snapshot *s);

/* Adds the frames of a stack that runs: a copy is made. */
void snapshot_give_stack(struct snapshot *s, struct snap_stack *stack, struct registers registers, uintptr_t low,
                         const char *bytes, size_t size);

/* Whether the worker of a stack that runs is still in the turn in which the snapshot found it. */
bool snapshot_still_runs(const struct snapshot *s, const struct snap_stack *stack);

/* A stack as unwinders want it. */
tr_debug_stack snapshot_stack(const struct snapshot *s, const struct snap_stack *stack);

/* The actor with that id, or NULL. */
const struct snap_actor *snapshot_find(const struct snapshot *s, uint64_t id);

#endif
