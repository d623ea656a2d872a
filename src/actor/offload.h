/* SPDX-License-Identifier: MIT */
/* offload.h - work on a helper thread, with an actor that waits for it */
#ifndef ACTOR_OFFLOAD_H
#define ACTOR_OFFLOAD_H

#include <troupe/offload.h>

#include "actor/worker.h"
#include "base/helpers.h"

#define OFFLOAD_THREADS_EXTRA 4 /* beyond one for each processor: most of this work sleeps */
#define OFFLOAD_THREADS_MAX 32
#define RESOLVER_THREADS_MAX 8
#define REAPER_THREADS_MAX 16

struct work;

/* The helpers of a node. */
void offload_init(struct world *world);

/* Waits for what is being done. Nobody may wait for work any more; results that nobody took stand as errands. */
void offload_fini(struct world *world);

/* As tr_offload_own, by those helpers, with phase as the call's name in errors. */
tr_err offload_run(struct tr_self *self, struct helpers *helpers, const char *phase, tr_offload_fn *fn, void *arg,
                   tr_free_fn *release, int64_t timeout_ms, int *result);

/* Work that nobody waits for: done before the node is gone, on a helper thread, or, where there is none to be had,
 * here and now. */
void offload_post(struct helpers *helpers, tr_offload_fn *fn, void *arg);

/* Who waited was abandoned: the work is dropped, or goes on without. */
void offload_forget(struct work *work);

#endif
