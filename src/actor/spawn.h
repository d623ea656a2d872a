/* SPDX-License-Identifier: MIT */
/* spawn.h - making actors */
#ifndef ACTOR_SPAWN_H
#define ACTOR_SPAWN_H

#include "actor/owner.h"
#include "actor/worker.h"

/* In opts.flags, internal: it has its cell_ext, and does not run, nor move, before spawn_launch. */
#define SPAWN_HELD (1u << 31)

void spawn_launch(struct worker *w, struct cell *c, const tr_spawn_opts *opts);

/* Who is to own what self spawns: the scope, the node, or self. NULL: out of memory for what self would own. */
struct owner *spawn_owner(struct tr_self *self, tr_scope *scope, unsigned flags);

/* Makes an actor owned by owner and queues it. internal: the runtime's own. Errors as tr_spawn_with; why (of size
 * why_size) gets the words. */
tr_err spawn_actor(struct worker *w, struct owner *owner, const tr_spawn_opts *opts, bool internal, struct cell **cell,
                   char *why, size_t why_size);

#endif
