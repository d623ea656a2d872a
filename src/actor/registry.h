/* SPDX-License-Identifier: MIT */
/* registry.h - names of actors: one tree for the node, under a lock since other threads look names up */
#ifndef ACTOR_REGISTRY_H
#define ACTOR_REGISTRY_H

#include "actor/cell_ext.h"

#define NAME_MAX_BYTES 255

/* Errors: TR_EINVAL, TR_EEXIST, TR_ENOMEM. */
tr_err registry_add(struct worker *w, struct cell *c, const char *name);

/* Errors: TR_ENOPROC: not c's. */
tr_err registry_remove(struct worker *w, struct cell *c, const char *name);

/* All names of an actor. */
void registry_release(struct worker *w, struct cell *c);

/* 0: nobody. Thread: any. */
uint64_t registry_find(struct world *world, const char *name);

/* A name that this actor goes by, in buf. False: none. Looks through all of them. Thread: any. */
bool registry_name_of(struct world *world, uint64_t id, char *buf, size_t size);

void registry_fini(struct world *world);

#endif
