/* SPDX-License-Identifier: MIT */
/* ask.h - a request under way, seen from the asker's side
 *
 * The record is the reply's address: a one-shot alias of record and 64-bit number. An answer counts only while the
 * record is open and has the number that the request carries; closing comes first on every path (answer, deadline,
 * cancel, the asker's end), so a reply is delivered or dropped whole. Records are type-stable: a late answer may look
 * at one that has been recycled. Answers never pass through a mailbox.
 *
 * Invariant: an open ask is held by exactly one suspended tr_ask, one self's list of started asks, or one actor's list
 * of tr_ask_then. */
#ifndef ACTOR_ASK_H
#define ACTOR_ASK_H

#include <troupe/await.h>

#include "actor/worker.h"

enum ask_state { ASK_FREE = 0, ASK_OPEN, ASK_DONE };

#define ASK_STATES 4u /* a state is two bits of seq */

/* Where a deadline comes from. */
enum ask_limit {
    ASK_LIMIT_NONE = 0, /* nobody set one: the 30 s that hold then are a last resort, for which no cycle has to wait */
    ASK_LIMIT_SCOPE,    /* its expiry is a cancel, told by the scope */
    ASK_LIMIT_OWN,      /* the call's, or that of the request being handled */
    ASK_LIMIT_KEPT      /* that of a kept request (ask.under), wherever it is moved */
};

struct ask {
    struct tr_msg *reply;   /* ASK_DONE: the answer, or an error message, or NULL; also the slab's free link */
    uint64_t seq;           /* the alias: a number, raised when the record is freed, and behind it the state */
    struct worker *home;    /* whose record it is; set once */
    struct tr_self *waiter; /* while it is open: to be woken; NULL: nobody waits now */
    uint64_t asker;         /* the asking actor's id */
    uint64_t holder;        /* the id of the actor that owes the answer now */
    int64_t deadline;       /* with seq and limit read by all threads */
    union {
        struct {
            tr_err err;        /* ASK_DONE */
            uint8_t limit;     /* enum ask_limit */
            uint8_t own_limit; /* ASK_LIMIT_SCOPE: what would hold without the scope, and until when: own */
        };
        uint64_t terms; /* all of these, where they are written at once: ASK_TERMS */
    };
    struct timer timer; /* lazy */
    union {
        int64_t own;                /* ASK_OPEN */
        const struct tr_msg *under; /* ASK_OPEN, ASK_LIMIT_KEPT */
        uint64_t order;             /* ASK_DONE, if nobody was there to take it: worker.completions when it came */
    };
    tr_reply_fn *then; /* NULL in a free record */
    void *ctx;
    struct list link;
};

/* TR_OK, and this limit. */
#define ASK_TERMS(limit) ((uint64_t) (limit) << 32)

/* What other threads may look at is written and read in one piece: the number tells whether the rest is still the same
 * ask's. What they see may be over the next moment; the answer itself is judged at home. */
static inline bool ask_is_open(const struct ask *a, uint64_t seq)
{
    return __atomic_load_n(&a->seq, __ATOMIC_ACQUIRE) == seq;
}

/* Of a record that is held. */
static inline enum ask_state ask_state(const struct ask *a)
{
    return (enum ask_state)(a->seq % ASK_STATES);
}

/* Whether the record is still that of the ask which was opened with this number: not collected yet. */
static inline bool ask_is(const struct ask *a, uint64_t seq)
{
    return a->seq == seq || a->seq == seq + (ASK_DONE - ASK_OPEN);
}

/* Whether m is a request whose answer is still owed and wanted. */
static inline bool ask_is_owed(const struct tr_msg *m)
{
    return (m->flags & MSG_OWED) && ask_is_open(m->ask, m->ask_seq);
}

/* The deadline and limit of the ask behind m. False: it is over. */
bool ask_read_deadline(const struct tr_msg *m, int64_t *deadline, enum ask_limit *limit);

/* The earliest deadline that holds for a new ask of self: own, scopes', the request's being handled, 30 s if none. */
int64_t ask_deadline_slow(struct tr_self *self, int64_t timeout_ms, enum ask_limit *limit);

#define ASK_TIMEOUT_NS (TR_ASK_TIMEOUT_MS * INT64_C(1000000))

static inline int64_t ask_deadline(struct tr_self *self, struct worker *w, int64_t timeout_ms, enum ask_limit *limit)
{
    if (__builtin_expect(timeout_ms >= 0 || self->received != NULL || self->scope != NULL, 0)) {
        enum ask_limit found; /* the caller's stays in a register */
        int64_t deadline = ask_deadline_slow(self, timeout_ms, &found);
        *limit = found;
        return deadline;
    }
    *limit = ASK_LIMIT_NONE;
    return worker_now(w) + ASK_TIMEOUT_NS;
}

#define ASK_FAR INT64_C(1000000000000000000) /* a deadline that is none */

/* The deadline as the search for deadlocks sees it. */
static inline int64_t ask_patience(const struct ask *a)
{
    return a->limit == ASK_LIMIT_NONE || a->deadline >= ASK_FAR ? INT64_MAX : a->deadline;
}

/* The living actor behind an address; NULL, with *err and words on self, if there is none. One of another worker is
 * pulled over if that sleeps and nothing holds it there; otherwise it stays, and !cell_is_here. In the gate. */
struct cell *send_target_slow(struct tr_self *self, uint64_t node, uint64_t actor, const char *phase, tr_err *err);

static inline struct cell *send_target(struct tr_self *self, tr_addr to, const char *phase, tr_err *err)
{
    struct cell *c = to.node == 0 ? cell_find(self->worker, to.actor) : NULL;
    if (__builtin_expect(c != NULL && !(c->run.flags & CELL_CLOSED), 1))
        return c;
    return send_target_slow(self, to.node, to.actor, phase, err);
}

/* An answer has come home. to: the asker, for the dead letter if the ask is over. Owns: reply moves. */
void ask_settle(struct worker *w, struct ask *a, uint64_t seq, uint64_t to, tr_err err, struct tr_msg *reply);

/* Opens an ask, builds the message, sends it. May suspend for room. The caller holds the ask, and sets waiter. Errors:
 * in words on self. */
tr_err ask_begin(struct tr_self *self, tr_addr to, int64_t timeout_ms, const tr_value *values, size_t n,
                 struct ask **ask);

/* The first half of it: the ask is open, the request is made, and c is to have it; its way is the caller's. In the
 * gate. Owns: *m the caller. */
tr_err ask_prepare(struct tr_self *self, uint64_t to, int64_t timeout_ms, const tr_value *values, size_t n,
                   struct ask **ask, struct tr_msg **m);

/* A self that waits in ask_wait was cancelled: its ask is over now. */
void ask_wait_canceled(struct worker *w, struct tr_self *self);

/* Closes it, frees what came, recycles it. The callee is told if it still has the request. */
void ask_end(struct worker *w, struct ask *ask);

/* Takes a finished ask's outcome: reply goes to the self's reply slot, an error to its words. Ends the ask. */
tr_err ask_collect(struct tr_self *self, struct ask *ask, const tr_msg **reply);

/* The outcome of an open ask, on its own worker: kept, and who waits is woken. Owns: reply moves. */
void ask_wake_odd(struct worker *w, struct ask *a);

static inline void ask_done(struct ask *a, tr_err err, struct tr_msg *reply)
{
    __atomic_store_n(&a->seq, a->seq + (ASK_DONE - ASK_OPEN), __ATOMIC_RELAXED);
    a->err = err;
    a->reply = reply;
}

/* Whether somebody waits for it and nothing else, who then takes it whatever happens. */
static inline bool ask_is_waited_for(const struct ask *a)
{
    return a->waiter != NULL && a->waiter->wait.kind == WAIT_ASK;
}

static inline void ask_complete(struct worker *w, struct ask *a, tr_err err, struct tr_msg *reply)
{
    ask_done(a, err, reply);
    if (ask_is_waited_for(a))
        worker_wake(w, a->waiter);
    else
        ask_wake_odd(w, a);
}

/* Answers m, which must be owed, and marks it so. reply moves in. */
void ask_answer(struct worker *w, struct tr_msg *m, struct tr_msg *reply);

/* The same with an error; actor NULL: the runtime says so. */
void ask_answer_error(struct worker *w, struct tr_msg *m, tr_err err, const char *text, const char *phase,
                      const char *actor);

/* Answers m with an error message, which may be NULL if memory is out. */
void ask_answer_error_msg(struct worker *w, struct tr_msg *m, tr_err err, struct tr_msg *error);

/* A reply marked MSG_RETURN that its asker did not read (it came late, or the asker ended with it in its hand) goes
 * back to who sent it, as an uncounted message from itself. Owns: moved. */
void reply_return(struct worker *w, struct tr_msg *reply);

/* The open ask behind a handle; NULL: collected before, or not self's. */
struct ask *ask_of(struct tr_self *self, tr_pending pending);

/* Makes self the one who waits for a started ask, and holds it: the handler call that started it may end meanwhile. */
void ask_adopt(struct tr_self *self, struct ask *ask);

/* Calls back the tr_ask_then answers that wait for the actor of self. False: the actor is to end (a callback returned
 * TR_STOP). */
bool ask_run_thens(struct tr_self *self);

/* Its deadline has been moved: it ends then, without memory for that at once. In the gate. */
void ask_cover(struct worker *w, struct ask *ask);

/* From now on an open ask has the deadline of a request that its actor keeps for as long as it asks; and, later, looks
 * where that is now, which it does by itself when its own seems to have come. In the gate. */
void ask_put_under(struct worker *w, struct ask *ask, const struct tr_msg *kept);
void ask_renew(struct worker *w, struct ask *ask);

/* Nobody waits for it any more, but it goes on: if its deadline came while a scope was to tell of it, it is over soon.
 */
void ask_let_go(struct worker *w, struct ask *ask);

/* Cancels all asks that self started, or that c waits for with tr_ask_then. */
void ask_end_started(struct tr_self *self);
void ask_end_thens(struct worker *w, struct cell *c);

#endif
