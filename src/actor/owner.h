/* SPDX-License-Identifier: MIT */
/* owner.h - who answers for whom, and what became of those who have ended
 *
 * Every actor has one owner: the actor that spawned it, a scope, or the node's root. An owner keeps a record of each
 * child that has ended: bounded, and gone with the owner. A failure is seen when its record is joined, or by a scope;
 * otherwise it is reported when its record is let go, or after a grace. */
#ifndef ACTOR_OWNER_H
#define ACTOR_OWNER_H

#include "actor/timer.h"
#include "base/list.h"
#include "message/message.h"

struct cell;
struct scope;
struct worker;

#define RECORDS_MAX 1024                           /* of one owner; then the oldest goes */
#define FAILURE_GRACE_NS (5 * INT64_C(1000000000)) /* before a failure that nobody joined is reported */

struct owner {
    struct cell *first; /* children: cell.sibling_next */
    size_t count;
    struct cell *cell;      /* the actor that owns; NULL: the root */
    struct scope *scope;    /* NULL: implicit */
    struct tr_self *waiter; /* suspended until count is 0 */
    struct list records;    /* struct record.link, oldest first */
    uint32_t records_len;
    uint32_t unseen; /* of them: failures whose grace runs, by a timer of this worker */
    bool closing;    /* refuses further children */
};

/* How an actor ended. Shared by its record and by those who joined it while it lived. */
struct outcome {
    struct tr_msg *result; /* or NULL */
    struct tr_msg *error;  /* or NULL */
    uint32_t refs;         /* 0: the emergency one, which is nobody's */
    tr_err err;
    bool told; /* a failure that whoever started it has been told of: it is nobody else's */
};

struct record {
    struct list link;
    uint64_t id;
    struct outcome *outcome; /* NULL: ended well, without a result */
    struct owner *owner;
    struct timer timer; /* of the grace, while the failure is unseen */
    bool unseen;
};

void owner_init(struct owner *o, struct cell *cell, struct scope *scope);

/* What c owns, made on first use; the root if memory is out. */
struct owner *owner_of(struct worker *w, struct cell *c);

/* Lets all records go; unseen failures are reported. */
void owner_fini(struct worker *w, struct owner *o);

void owner_add(struct owner *o, struct cell *c);
void owner_remove(struct owner *o, struct cell *c);

/* Moves all children of from to to. */
void owner_move_children(struct owner *to, struct owner *from);

/* c has ended that way: it leaves its owner, which keeps a record, is woken if it waited for this, or, being a scope,
 * fails. */
void owner_child_ended(struct worker *w, struct cell *c, struct outcome *out);

/* The record of an ended child; NULL: none. */
struct record *owner_find(struct owner *o, uint64_t id);
void record_seen(struct worker *w, struct record *r);
void record_free(struct worker *w, struct record *r); /* an unseen failure is reported */

/* ok: NULL. Never NULL for failures (an emergency outcome without words if memory is out). */
struct outcome *outcome_new(struct worker *w, tr_err err, struct tr_msg *result, struct tr_msg *error);
static inline struct outcome *outcome_ref(struct outcome *o)
{
    if (o != NULL && o->refs > 0)
        o->refs++;
    return o;
}
void outcome_unref(struct worker *w, struct outcome *o);

/* One that nobody else on this worker refers to, so that it can go to another. Owns: o moves. */
struct outcome *outcome_alone(struct worker *w, struct outcome *o);

/* Tells hook and log of a failure that nobody saw. */
void failure_report(struct worker *w, uint64_t id, const struct outcome *out);

#endif
