/* SPDX-License-Identifier: MIT */
/* mailbox.h - messages that wait for an actor: in order, bounded
 *
 * Bounded by count and by bytes for what user code sends; ticks and the like are not counted and never refused. One
 * message larger than the byte bound is let in alone. When it is full a suspended sender keeps its message; room that
 * is made goes to the one that waits longest, message and all, before the sender runs: it cannot be lost between the
 * two, nor can a newcomer take the place. */
#ifndef ACTOR_MAILBOX_H
#define ACTOR_MAILBOX_H

#include "actor/cell_ext.h"
#include "actor/watch.h"

#define MAILBOX_LEN_MAX 8192u
#define MAILBOX_BYTES_MAX (4u * 1024u * 1024u)

/* A sender that waits for room; lies on its stack. */
struct sender {
    struct list link; /* cell_ext.senders */
    struct tr_self *self;
    struct tr_msg *msg; /* its message, until it is let in */
};

/* Whether a message of this size is over the bounds. */
static inline bool mailbox_is_over(const struct cell *c, uint32_t size)
{
    uint32_t len_max = MAILBOX_LEN_MAX, bytes_max = MAILBOX_BYTES_MAX;
    if (__builtin_expect((c->run.flags & CELL_BOUNDED) != 0, 0)) {
        len_max = c->ext->len_max;
        bytes_max = c->ext->bytes_max;
    }
    return c->len >= len_max || (c->len > 0 && (uint64_t) c->bytes + size > bytes_max);
}

/* The same for one that comes now: it does not overtake those who wait. A watched one takes the long way, too. */
static inline bool mailbox_is_full(const struct cell *c, uint32_t size)
{
    return mailbox_is_over(c, size) || (c->run.flags & (CELL_SENDERS | CELL_WATCHED));
}

/* Appends m, which must fit or be uncounted, and sees to it that somebody runs. Owns: moved. */
static inline void mailbox_put(struct worker *w, struct cell *c, struct tr_msg *m)
{
    m->to = cell_id(c);
    m->next = NULL;
    if (c->tail != NULL)
        c->tail->next = m;
    else
        c->head = m;
    c->tail = m;
    if (!(m->flags & MSG_UNCOUNTED)) {
        c->len++;
        c->bytes += m->size;
    } else {
        watch_delivered(w, c, m);
    }
    w->messages++;
    if (!(c->run.flags & (CELL_QUEUED | CELL_BUSY))) {
        worker_ready(w, &c->run);
    } else if (c->run.flags & CELL_WANTS_MAIL) {
        c->run.flags &= ~(uint32_t) CELL_WANTS_MAIL;
        worker_wake(w, c->stacks);
    }
}

/* Lets waiting senders' messages in as far as there is room. */
void mailbox_admit(struct worker *w, struct cell *c);

/* The oldest message, or NULL. */
static inline struct tr_msg *mailbox_take(struct worker *w, struct cell *c)
{
    struct tr_msg *m = c->head;
    if (m == NULL)
        return NULL;
    c->head = m->next;
    if (c->head == NULL)
        c->tail = NULL;
    if (!(m->flags & MSG_UNCOUNTED)) {
        c->len--;
        c->bytes -= m->size;
        if (c->run.flags & CELL_SENDERS)
            mailbox_admit(w, c);
    }
    return m;
}

/* Sends m to c by the rules of a full mailbox, without suspending. Owns: *m is moved on TR_OK (dropped by policy counts
 * as that), else untouched. Errors: TR_EFULL, or what a
 * test has asked for. *wait: the policy is to wait, and a sender that can may do so. */
tr_err mailbox_offer(struct worker *w, struct cell *c, struct tr_msg **m, bool *wait);

/* The same, suspending self until deadline if that is the policy; patience is the deadline as the search for deadlocks
 * sees it. Errors: TR_EFULL, TR_EUNSENT, TR_ECANCELED, TR_EDEADLK, TR_ENOPROC, TR_ENOMEM, in words on self. */
tr_err mailbox_send(struct tr_self *self, struct cell *c, struct tr_msg **m, int64_t deadline, int64_t patience,
                    bool may_wait);

/* A sender whose stack is abandoned: its message goes with it, unless it was let in. id: the receiver, which may have
 * ended. */
void mailbox_forget_sender(struct worker *w, uint64_t id, struct sender *s);

/* Ending: discards all that is queued, wakes waiting senders with TR_ENOPROC. */
void mailbox_close(struct worker *w, struct cell *c);

#endif
