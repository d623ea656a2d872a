/* SPDX-License-Identifier: MIT */
/* call.h - what belongs to one call of user code: its message, temporary memory, defers, scopes, asks */
#ifndef ACTOR_CALL_H
#define ACTOR_CALL_H

#include "actor/worker.h"
#include "message/small.h"

/* Lets the received message go; an owed answer becomes err (TR_ENOREPLY for TR_OK and TR_STOP). */
void call_release_message_slow(struct tr_self *self, tr_err err);

static inline void call_release_message(struct worker *w, struct tr_self *self, tr_err err)
{
    struct tr_msg *m = self->received;
    if (m == NULL)
        return;
    if (__builtin_expect(err == TR_OK && small_is_last(m, MSG_OWED), 1)) {
        self->received = NULL;
        small_free(&w->msgs, m);
    } else {
        call_release_message_slow(self, err);
    }
}

/* Scopes left open, which give their children to the actor, and asks not collected. */
void call_release_scopes(struct tr_self *self);

/* Everything but the message. Runs defers, last first. */
void call_release_rest_slow(struct tr_self *self);

static inline void call_release_rest(struct tr_self *self)
{
    self->row = NULL;
    if (__builtin_expect((self->run.flags & (SELF_USED | SELF_ASKER_GONE)) != 0, 0))
        call_release_rest_slow(self);
}

/* Frees what a stack keeps between calls: last reply, gathered replies, error words. Before it goes back to the pool.
 */
void self_strip(struct tr_self *self);

/* A stack that has just been made or recycled. */
void self_init(struct tr_self *self, struct worker *w, bool fresh);

/* Takes a message out of an actor's list of kept ones. */
void kept_unlink(struct cell *c, struct tr_msg *m);

/* Takes the last defer of fn(arg) back; there may be none. */
void call_undefer(struct tr_self *self, void (*fn)(void *arg), const void *arg);

/* Memory chained on *list, zeroed; memory_free frees all of it. */
struct temp;
void *memory_alloc(struct temp **list, size_t size);
void memory_free(struct temp **list);

#endif
