/* SPDX-License-Identifier: MIT */
/* wait.h - waiting for different things at once */
#ifndef ACTOR_WAIT_H
#define ACTOR_WAIT_H

#include "actor/worker.h"

/* A stack that waited in tr_wait is abandoned: nothing points at it any more. */
void wait_items_forget(struct tr_self *self);

#endif
