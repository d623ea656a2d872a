/* SPDX-License-Identifier: MIT */
/* watch.h - what a test sees of messages on their way into mailboxes
 *
 * Costs nothing where no test looks: cells of a watched node bear CELL_WATCHED, which sends what is for them the slow
 * way round, as if they were full, and there this is asked. */
#ifndef ACTOR_WATCH_H
#define ACTOR_WATCH_H

#include "actor/worker.h"

struct watch {
    /* A message is sent to c. An error: the send fails with that. */
    tr_err (*sent)(struct watch *watch, const struct cell *c);
    /* m goes into the mailbox of c. */
    void (*delivered)(struct watch *watch, struct worker *w, const struct cell *c, const struct tr_msg *m);
};

static inline void watch_delivered(struct worker *w, const struct cell *c, const struct tr_msg *m)
{
    if (__builtin_expect((c->run.flags & CELL_WATCHED) != 0, 0))
        w->world->watch->delivered(w->world->watch, w, c, m);
}

#endif
