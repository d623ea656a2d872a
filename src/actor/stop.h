/* SPDX-License-Identifier: MIT */
/* stop.h - requests to stop, which cancel nobody */
#ifndef ACTOR_STOP_H
#define ACTOR_STOP_H

#include "actor/scope_kernel.h"
#include "actor/worker.h"

/* c, and everyone below it, sees from now on that it is to stop. */
void stop_cell(struct worker *w, struct cell *c, const char *reason);

/* A scope that is open until its actor is asked to stop: that has happened. */
void stop_scope_inside(struct worker *w, struct scope *s, const char *reason);

#endif
