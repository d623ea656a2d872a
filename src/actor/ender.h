/* SPDX-License-Identifier: MIT */
/* ender.h - waiting for an actor's end */
#ifndef ACTOR_ENDER_H
#define ACTOR_ENDER_H

#include "actor/worker.h"

struct outcome;

struct ticket;

/* Someone who waits. Lies on its stack, or, where its worker is another than the actor's, in the signal by which it
 * asked. */
struct ender {
    struct list link;        /* cell_ext.enders */
    struct tr_self *self;    /* NULL: elsewhere */
    struct outcome *outcome; /* when it is told */
    struct ticket *ticket;   /* of one who waits for an actor elsewhere */
    uint64_t id;             /* that actor */
    bool told;
    bool failed; /* told, and it was a failure */
    bool late;   /* told, and it had ended before: the outcome is not known */
};

/* c has ended that way: everyone who waits here is woken. What is to be told to other workers is returned, by next, for
 * ender_post. */
struct errand *ender_tell(struct worker *w, struct cell *c, struct outcome *out);

/* Tells the others: after the owner, so that a record is there before the one who joins is woken. */
void ender_post(struct errand *others);

/* Ends the wait, told or not. */
void ender_forget(struct worker *w, struct ender *e);

/* Begins to wait for c, wherever it is: false if memory is out (*err). id: its address. */
bool ender_begin(struct worker *w, struct ender *e, struct tr_self *self, struct cell *c, uint64_t id, tr_err *err);

/* The record of an ended child of self's actor or of one of its open scopes; NULL: none. */
struct record *ender_record(struct tr_self *self, uint64_t id);

#endif
