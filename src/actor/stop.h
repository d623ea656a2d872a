/* SPDX-License-Identifier: MIT */
/* stop.h - requests to stop, which cancel nobody */
#ifndef ACTOR_STOP_H
#define ACTOR_STOP_H

#include "actor/scope_kernel.h"
#include "actor/worker.h"

/* A scope that is open until its actor is asked to stop: that has happened. */
void stop_scope_inside(struct worker *w, struct scope *s, const char *reason);

#endif
