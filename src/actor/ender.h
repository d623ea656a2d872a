/* SPDX-License-Identifier: MIT */
/* ender.h - waiting for an actor's end */
#ifndef ACTOR_ENDER_H
#define ACTOR_ENDER_H

#include "actor/worker.h"

struct outcome;

/* Someone who waits; lies on its stack. */
struct ender {
    struct list link; /* cell_ext.enders */
    struct tr_self *self;
    struct outcome *outcome; /* when it is told */
    bool told;
    bool failed; /* told, and it was a failure */
};

/* c has ended that way: everyone who waits is woken. */
void ender_tell(struct worker *w, struct cell *c, struct outcome *out);

/* A waiter whose stack is abandoned; it may have been told already. */
void ender_forget(struct worker *w, struct ender *e);

/* Begins to wait: false if the actor has ended already, or memory is out (*err). */
bool ender_begin(struct worker *w, struct ender *e, struct tr_self *self, struct cell *c, tr_err *err);

/* The record of an ended child of self's actor or of one of its open scopes; NULL: none. */
struct record *ender_record(struct tr_self *self, uint64_t id);

#endif
