/* SPDX-License-Identifier: MIT */
/* spawn.h - making actors */
#ifndef ACTOR_SPAWN_H
#define ACTOR_SPAWN_H

#include "actor/owner.h"
#include "actor/worker.h"

/* In opts.flags, internal: with its cell_ext made. */
#define SPAWN_WITH_EXT (1u << 31)

/* Makes an actor owned by owner and queues it. internal: the runtime's own. Errors as tr_spawn_with; why (of size
 * why_size) gets the words. */
tr_err spawn_actor(struct worker *w, struct owner *owner, const tr_spawn_opts *opts, bool internal, struct cell **cell,
                   char *why, size_t why_size);

#endif
