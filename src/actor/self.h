/* SPDX-License-Identifier: MIT */
/* self.h - a stack at work for an actor: what tr_self points at
 *
 * It lies at the top of its stack, so that a suspended body touches one page. A body keeps its stack from first line to
 * last. Handlers are called by the scheduler's loop on the stack that the loop happens to run on; when one suspends,
 * the stack stays with it and the loop goes on, on another. So this struct belongs to "the current call", and holds
 * what lives as long: the message being handled, the last reply, temporary memory, defers, scopes.
 *
 * Invariant: worker->self is the one that runs. A self whose cell is NULL belongs to the loop, or is idle in the pool.
 */
#ifndef ACTOR_SELF_H
#define ACTOR_SELF_H

#include <troupe/scope.h>

#include "actor/cell.h"
#include "actor/timer.h"
#include "base/list.h"
#include "coro/stack.h"

struct scope;
struct row;
struct ask;
struct work;
struct error_state;
struct temp;
struct defer;

/* What a suspended call waits for: for deadlock detection, for listings, and so that an end can undo it. */
enum wait_kind {
    WAIT_NONE = 0,
    WAIT_MAIL,
    WAIT_ASK,      /* wait.ask */
    WAIT_ASKS,     /* wait.pending, wait.n; all of them, or one */
    WAIT_ITEMS,    /* tr_wait */
    WAIT_ROOM,     /* in the mailbox of wait.target */
    WAIT_END,      /* of wait.target */
    WAIT_CHILDREN, /* of wait.owner */
    WAIT_TIME,
    WAIT_FD,   /* wait.fd */
    WAIT_WORK, /* wait.work: on a thread of a crew */
    WAIT_SLOT, /* until whoever finds it in *wait.slot wakes it */
    WAIT_YIELD
};

struct wait {
    uint8_t kind;   /* enum wait_kind */
    bool all;       /* WAIT_ASKS, WAIT_ITEMS: waits for all, not for one */
    bool fail_fast; /* WAIT_ASKS: a failure is enough */
    uint32_t n;
    uint32_t left;         /* WAIT_ASKS: how many answers are to come before self is woken */
    struct wait_set *set;  /* WAIT_ITEMS */
    struct ender *ender;   /* WAIT_END */
    struct sender *sender; /* WAIT_ROOM */
    int64_t deadline;      /* the call's own, INT64_MAX: none */
    union {
        struct ask *ask;
        const struct tr_pending *pending;
        const struct tr_wait_item *items;
        struct owner *owner;
        uint64_t target; /* an actor's id */
        int fd;
        struct work *work;
        struct tr_self **slot;
    };
};

enum self_flag {
    SELF_DEAD = 1u << 20,       /* abandoned: freed when the run queue gives it out */
    SELF_HELD = 1u << 21,       /* made its cell CELL_BUSY */
    SELF_ASKER_GONE = 1u << 22, /* the asker gave up, and the row says that this cancels the handler */
    SELF_TIMED_OUT = 1u << 23,  /* its timer fired */
    SELF_ENDING = 1u << 24,     /* runs actor_end: cancels do not reach it */
    SELF_USED = 1u << 27, /* the call has, or had, defers, temporary memory, scopes, started asks, or words of an error:
                             look for them at its end */
    SELF_LET_GO = 1u << 26,   /* was suspended in a reentrant handler: others may work for its cell */
    SELF_DEADLOCK = 1u << 28, /* its wait is part of a cycle over several workers; the words are in error */
    SELF_WOKEN = 1u << 25     /* what it waited for has come (descriptors, ends, room) */
};

/* What a handler that returns leaves to do, beside letting its message go. */
#define SELF_CALL_ODD (SELF_USED | SELF_ASKER_GONE | SELF_HELD | SELF_LET_GO)

struct tr_self {
    struct coro coro;
    struct runnable run; /* flags: CELL_QUEUED and enum self_flag */
    struct worker *worker;
    struct cell *cell;          /* whose turn it is; NULL: the loop's */
    struct tr_self *next_stack; /* cell.stacks */
    int64_t since;              /* suspended: w->now when it was, for listings; the store is cheaper than a question */
    struct tr_msg *received;    /* the message being handled */
    struct tr_msg *reply;       /* the last reply */
    const struct row *row;      /* of the handler that runs; NULL in bodies */
    struct scope *scope;        /* innermost open one */
    struct temp *temps;
    struct defer *defers;
    struct error_state *error;
    struct tr_msg *gathered; /* replies of the last tr_gather, by next */
    struct list far;         /* worker.far, while it waits for something elsewhere */
    uint64_t far_seq;        /* which such wait */
    struct list asks;        /* struct ask.link: started by tr_ask_start, not collected */
    struct wait wait;
    struct timer timer;    /* of the call that is suspended */
    struct cell *first;    /* a stack of its own size starts with this cell's turn */
    uint32_t sends, recvs; /* since the turn began */
    uint32_t ignored;      /* cancelled calls in a row that did not suspend */
    tr_err woken_err;      /* SELF_WOKEN: how it came out */
    unsigned revents;      /* WAIT_FD */
};

#endif
