/* SPDX-License-Identifier: MIT */
/* signal.h - what crosses from one worker to another beside messages and replies
 *
 * Two kinds of destinations. An actor: the signal is pushed into its inbox like a message, so it finds the actor
 * wherever that has moved meanwhile; the home runs it between turns (a cancel, a kill, an asker that gave up, a wish
 * for room or to be told of the end, a search for deadlocks). A wait: the answer to such a signal is an errand to the
 * worker where the waiting stack is, since stacks do not move.
 *
 * A ticket stands for a wait that something elsewhere refers to. It is type-stable, and its number is raised when the
 * wait is over: an answer that comes late finds another number, and gives back what it brings. */
#ifndef ACTOR_SIGNAL_H
#define ACTOR_SIGNAL_H

#include "actor/ender.h"
#include "actor/mailbox.h"
#include "actor/worker.h"

/* A wait of this worker. */
struct ticket {
    void *what;   /* who waits; when it is free, the slab's link */
    uint64_t seq; /* raised when it is let go */
};

struct ticket_ref {
    struct ticket *ticket;
    uint64_t seq;
    struct worker *home;
};

struct signal {
    struct errand errand; /* run: on the home of its actor, or of its ticket */
    uint64_t to;          /* the actor */
    struct ticket_ref ref;
    union {
        struct sender sender; /* while it waits at the actor */
        struct ender ender;
        struct {
            struct ask *ask; /* an asker that gave up, or whose request was handed on to holder */
            uint64_t ask_seq, holder;
        };
    };
    struct tr_msg *result, *error; /* an outcome on its way */
    char *text;                    /* a reason, from mem_alloc; or NULL */
    tr_err err;
    uint32_t size; /* room wanted, or given back */
    bool late;
    void *more; /* of a probe; whoever frees the signal has freed it */
};

/* NULL: out of memory. Zeroed but for run and to. text is copied; without memory for that it is NULL. */
struct signal *signal_new(struct worker *w, void (*run)(struct worker *w, struct errand *e), uint64_t to,
                          const char *text);
void signal_free(struct worker *w, struct signal *s);

static inline struct signal *signal_of(struct errand *e)
{
    return (struct signal *) (void *) e;
}

/* To its actor, wherever that is. If the address is not in the table at all: runs on this worker. */
void signal_send(struct worker *w, struct signal *s);

/* The actor, if it lives and is at home here. NULL with *moved: the signal has been sent on, and is gone; NULL without:
 * it has ended. */
struct cell *signal_target(struct worker *w, struct signal *s, bool *moved);

/* ---- tickets ---- */

/* NULL: out of memory. */
struct ticket *ticket_open(struct worker *w, void *what);
void ticket_close(struct worker *w, struct ticket *t);

static inline struct ticket_ref ticket_ref(struct worker *w, struct ticket *t)
{
    return (struct ticket_ref){ t, t->seq, w };
}

/* What it stands for, on its own worker; NULL: the wait is over. */
static inline void *ticket_what(struct ticket_ref ref)
{
    return ref.ticket->seq == ref.seq ? ref.ticket->what : NULL;
}

#endif
