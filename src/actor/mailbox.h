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

struct signal;
struct ticket;

/* A sender that waits for room. Lies on its stack, or, where its worker is another, in the signal by which it asked. */
struct sender {
    struct list link;     /* cell_ext.senders */
    struct tr_self *self; /* NULL: elsewhere; room is reserved for it, and it is told */
    struct tr_msg *msg;   /* its message, until it is let in */
    uint32_t size;
    struct ticket *ticket;  /* of one whose receiver is elsewhere */
    struct signal *granted; /* of the same: room is reserved for it, and this gives it back */
    bool told;              /* of the same: nobody there waits on its behalf any more */
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

/* The same for one that comes now, and does not overtake those who wait. */
static inline bool mailbox_has_no_room(const struct cell *c, uint32_t size)
{
    return mailbox_is_over(c, size) || (c->run.flags & CELL_SENDERS);
}

/* Whether one that comes now may be put in and nobody has to know: else it goes by mailbox_offer. */
static inline bool mailbox_lets_in(const struct cell *c, uint32_t size)
{
    return !mailbox_is_over(c, size) && !(c->run.flags & (CELL_SENDERS | CELL_TRACED | CELL_WATCHED));
}

#define MAILBOX_LEN(load) ((uint32_t) (load))
#define MAILBOX_BYTES(load) ((uint32_t) ((load) >> 32))
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MAILBOX_LOAD(bytes) ((uint64_t) (bytes) << 32 | 1)
#else
#error "struct cell: len is to be the lower half of load"
#endif

/* One more, or less, of this size is counted. Also read by senders on other workers. */
static inline void mailbox_count(struct cell *c, uint32_t size)
{
    __atomic_store_n(&c->load, c->load + MAILBOX_LOAD(size), __ATOMIC_RELAXED);
}

static inline void mailbox_uncount(struct cell *c, uint32_t size)
{
    __atomic_store_n(&c->load, c->load - MAILBOX_LOAD(size), __ATOMIC_RELAXED);
}

/* The same of a message that is no timer's. */
static inline void mailbox_count_usual(struct cell *c, const struct tr_msg *m)
{
    __atomic_store_n(&c->load, c->load + msg_load(m), __ATOMIC_RELAXED);
}

static inline void mailbox_uncount_usual(struct cell *c, const struct tr_msg *m)
{
    __atomic_store_n(&c->load, c->load - msg_load(m), __ATOMIC_RELAXED);
}

#define MAILBOX_SMALL 128u /* bytes of a message that mailbox_is_open has room for */

/* The usual: the slot has that actor, alive, at home here (cell_is_ours), with the default bounds and room for a small
 * message, and nothing stands in its inbox. Then mailbox_link is all there is to do. In the gate. */
static inline bool mailbox_is_open(const struct worker *w, const struct cell *c, uint64_t id)
{
    const uint32_t odd = CELL_CLOSED | CELL_BOUNDED | CELL_SENDERS | CELL_TRACED | CELL_WATCHED;
    return cell_is_here(w, c) && cell_id(c) == id && (c->run.flags & (CELL_LIVE | odd)) == CELL_LIVE &&
           MAILBOX_LEN(c->load) < MAILBOX_LEN_MAX && MAILBOX_BYTES(c->load) <= MAILBOX_BYTES_MAX - MAILBOX_SMALL &&
           atomic_load_explicit(&c->inbox, memory_order_relaxed) <= INBOX_ANNOUNCED;
}

/* Takes over what other threads have pushed, in its order: nothing that is put now may overtake it. What is no message
 * (remote.h) is left to the worker to do between turns. */
void mailbox_take_over(struct worker *w, struct cell *c);

/* Appends m, whose receiver must be set, and sees to it that somebody runs, and nothing else. */
static inline void mailbox_link(struct worker *w, struct cell *c, struct tr_msg *m)
{
    m->next = NULL;
    struct tr_msg *head = c->head;
    if (head != NULL) {
        head->prev->next = m;
        head->prev = m;
    } else {
        c->head = m;
        m->prev = m;
    }
    w->messages++;
    if (!(c->run.flags & (CELL_QUEUED | CELL_BUSY))) {
        worker_ready(w, &c->run);
    } else if (c->run.flags & CELL_WANTS_MAIL) {
        c->run.flags &= ~(uint32_t) CELL_WANTS_MAIL;
        worker_wake(w, c->stacks);
    }
}

static inline void mailbox_append(struct worker *w, struct cell *c, struct tr_msg *m)
{
    m->to = cell_id(c);
    mailbox_link(w, c, m);
}

/* Appends m, which must fit or be uncounted. c's home is here. Owns: moved. */
static inline void mailbox_put(struct worker *w, struct cell *c, struct tr_msg *m)
{
    if (__builtin_expect(atomic_load_explicit(&c->inbox, memory_order_relaxed) > INBOX_ANNOUNCED, 0))
        mailbox_take_over(w, c);
    if (!(m->flags & MSG_UNCOUNTED))
        mailbox_count(c, m->size);
    else
        watch_delivered(w, c, m);
    mailbox_append(w, c, m);
}

/* Lets waiting senders' messages in as far as there is room. */
void mailbox_admit(struct worker *w, struct cell *c);

/* m was taken, and somebody wants to know it: who waits for room, or debug mode. */
void mailbox_taken(struct worker *w, struct cell *c, const struct tr_msg *m);

static inline void mailbox_unlink_head(struct cell *c, const struct tr_msg *head)
{
    struct tr_msg *next = head->next;
    c->head = next;
    if (next != NULL)
        next->prev = head->prev;
}

/* Takes out the oldest message, which is counted, and of which nobody has to be told. */
static inline void mailbox_take_usual(struct cell *c, const struct tr_msg *head)
{
    mailbox_unlink_head(c, head);
    mailbox_uncount_usual(c, head);
}

/* The oldest message, or NULL. */
static inline struct tr_msg *mailbox_take(struct worker *w, struct cell *c)
{
    struct tr_msg *m = c->head;
    if (m == NULL)
        return NULL;
    mailbox_unlink_head(c, m);
    if (!(m->flags & MSG_UNCOUNTED)) {
        mailbox_uncount(c, m->size);
        if (c->run.flags & (CELL_SENDERS | CELL_TRACED))
            mailbox_taken(w, c, m);
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

/* What send_when_room and its like elsewhere share: the words for a full mailbox, and the wait until self is told. */
tr_err mailbox_full_error(struct tr_self *self, const struct cell *c, tr_err err, const char *how);
tr_err mailbox_wait_for_room(struct tr_self *self, const struct cell *c, struct sender *s, int64_t patience);

/* A message from another thread, over the bounds or not: what the sender could not see is decided here, by the
 * receiver's policy. Owns: moved. */
void mailbox_arrive(struct worker *w, struct cell *c, struct tr_msg *m);

/* A sender on another worker asks for room, which is reserved, now or when it is there. Owns: s moves. */
void mailbox_reserve(struct worker *w, struct cell *c, struct signal *s);

/* A sender whose stack is abandoned: its message goes with it, unless it was let in. id: the receiver, which may have
 * ended. */
void mailbox_forget_sender(struct worker *w, uint64_t id, struct sender *s);

/* Ending: discards all that is queued, wakes waiting senders with TR_ENOPROC. */
void mailbox_close(struct worker *w, struct cell *c);

#endif
