/* SPDX-License-Identifier: MIT */
/* probe.h - the search for a cycle of waits that goes over several workers
 *
 * A wait for an actor of another worker is not followed before it begins, since nobody may look at what that does. It
 * is noted, and when it has lasted for a while a probe is sent along it: a signal that goes from each actor that is
 * blocked to those for whom it waits, on their own workers. One that comes back to where it started has found a cycle;
 * the wait that sent it ends with TR_EDEADLK. A cycle is stable, so it does not matter when it is looked for; probes
 * are sent again, at longer and longer pauses, while a wait lasts. Nothing of this is on the way of a message that is
 * answered in time. (Edge chasing: Chandy, Misra, Haas 1983.)
 *
 * What is not found: a cycle through a wait for one of several things, and one all of whose far edges were near when
 * their waits began; those end by their deadlines. */
#ifndef ACTOR_PROBE_H
#define ACTOR_PROBE_H

#include "actor/worker.h"

/* Around a wait that may be for something elsewhere. With one worker they do nothing. In the gate. */
void probe_note_slow(struct tr_self *self);
void probe_forget(struct tr_self *self);

static inline void probe_note(struct tr_self *self)
{
    if (self->worker->world->workers > 1)
        probe_note_slow(self);
}

/* Whether a probe came back. */
static inline bool probe_found(const struct tr_self *self)
{
    return __builtin_expect((self->run.flags & SELF_DEADLOCK) != 0, 0);
}

#endif
