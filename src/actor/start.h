/* SPDX-License-Identifier: MIT */
/* start.h - a start handshake, seen from the actor that is started */
#ifndef ACTOR_START_H
#define ACTOR_START_H

#include "actor/cell_ext.h"

/* c ends that way; its mailbox is closed. Whoever still waits for it to be ready is told. */
void start_settle(struct worker *w, struct cell *c, tr_err err);

/* Whether its failure was told to the one who started it, and is nobody else's. */
static inline bool start_was_told(const struct cell *c)
{
    return c->ext != NULL && c->ext->start_told;
}

#endif
