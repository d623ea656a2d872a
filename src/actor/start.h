/* SPDX-License-Identifier: MIT */
/* start.h - a start handshake, seen from the actor that is started */
#ifndef ACTOR_START_H
#define ACTOR_START_H

#include "actor/cell_ext.h"

/* c ends that way; its mailbox is closed. Whoever still waits for it to be ready is told. */
void start_settle(struct worker *w, struct cell *c, tr_err err);

#endif
