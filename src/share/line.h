/* SPDX-License-Identifier: MIT */
/* line.h - requests that wait, first come first served; and what was given to whom
 *
 * Places are memory of the actor (tr_alloc): used again, and gone with it
 * however it ends. */
#ifndef SHARE_LINE_H
#define SHARE_LINE_H

#include <troupe/actor.h>

#include "base/list.h"

struct place {
    struct list link;
    tr_msg *m;    /* a kept request that waits, or a claim (hand.h); or NULL */
    tr_msg *wait; /* of a claim: "share.wait", kept until it is answered */
    tr_msg *item; /* a kept message, or NULL */
    int64_t n;
    bool took; /* the answer was read */
};

struct line {
    struct list places;
    struct list *spare; /* of all lines of the actor */
    size_t len;
};

void line_init(struct line *line, struct list *spare);

/* A place at the end; m, if not NULL, is kept. NULL: out of memory. */
struct place *line_join(tr_self *self, struct line *line, const tr_msg *m);

/* Lets a place go with what it keeps; a request that was not answered gets TR_ENOREPLY. */
void line_leave(tr_self *self, struct line *line, struct place *place);

/* The first whose asker has not given up; those before it leave. NULL: none. */
struct place *line_first(tr_self *self, struct line *line);

/* From one line to the other's end, or its head. */
void line_move(struct line *from, struct line *to, struct place *place, bool first);

/* "share.wait" belongs to the claim that its sender has just made: the place of that. NULL: there is none, or memory is
 * out. */
struct place *line_wait(tr_self *self, struct line *line, const tr_msg *m);

/* Whoever waits gave up: its claim will end, too. */
void line_wait_gone(tr_self *self, struct line *line, const tr_msg *m);

struct place *line_find(const struct line *line, const tr_msg *m);

/* The place of the claim that a message ("share.took", "share.done") speaks of. */
struct place *line_find_claim(const struct line *line, const tr_msg *m);

/* Answers all with that error; they leave. */
void line_dismiss(tr_self *self, struct line *line, tr_err err, const char *text, const char *phase);

#endif
