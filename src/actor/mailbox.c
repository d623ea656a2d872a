/* SPDX-License-Identifier: MIT */
/* mailbox.c - messages that wait for an actor: in order, bounded */
#include "actor/mailbox.h"

#include "actor/ask.h"
#include "actor/cancel.h"
#include "actor/deadletter.h"
#include "actor/deadlock.h"
#include "actor/error.h"
#include "actor/probe.h"
#include "actor/remote.h"
#include "actor/signal.h"

/* Puts a message in, and tells who watches. */
static void put(struct worker *w, struct cell *c, struct tr_msg *m)
{
    watch_delivered(w, c, m);
    mailbox_put(w, c, m);
    if (c->run.flags & CELL_TRACED)
        debug_sent(w, c, m);
}

/* The same for one that is counted already, or not at all. */
static void append(struct worker *w, struct cell *c, struct tr_msg *m)
{
    watch_delivered(w, c, m);
    mailbox_append(w, c, m);
    if ((c->run.flags & CELL_TRACED) && !(m->flags & MSG_UNCOUNTED))
        debug_sent(w, c, m);
}

void mailbox_taken(struct worker *w, struct cell *c, const struct tr_msg *m)
{
    if (c->run.flags & CELL_TRACED)
        debug_taken(w, c, m);
    if (c->run.flags & CELL_SENDERS)
        mailbox_admit(w, c);
}

static void sender_settle(struct worker *w, struct sender *s, tr_err err)
{
    list_remove(&s->link);
    if (s->self == NULL) {
        remote_room_tell(list_entry(s, struct signal, sender), err);
        return;
    }
    s->self->woken_err = err;
    s->self->run.flags |= SELF_WOKEN;
    worker_wake(w, s->self);
}

void mailbox_admit(struct worker *w, struct cell *c)
{
    struct list *senders = &c->ext->senders;
    while (!list_is_empty(senders)) {
        struct sender *s = list_entry(senders->next, struct sender, link);
        if (mailbox_is_over(c, s->size))
            return;
        struct tr_msg *m = s->msg;
        s->msg = NULL;
        if (m != NULL)
            put(w, c, m);
        else
            mailbox_count(c, s->size);
        sender_settle(w, s, TR_OK);
    }
    c->run.flags &= ~(uint32_t) CELL_SENDERS;
}

/* It gives up; whoever waits behind it may fit now. */
static void sender_leave(struct worker *w, struct cell *c, struct sender *s)
{
    list_remove(&s->link);
    mailbox_admit(w, c);
}

/* Takes the oldest counted message out and drops it. False: there is none. */
static bool drop_oldest(struct worker *w, struct cell *c)
{
    struct tr_msg *before = NULL, *m = c->head;
    while (m != NULL && (m->flags & MSG_UNCOUNTED)) {
        before = m;
        m = m->next;
    }
    if (m == NULL)
        return false;
    struct tr_msg *last = c->head->prev;
    if (before != NULL)
        before->next = m->next;
    else
        c->head = m->next;
    if (c->head != NULL)
        c->head->prev = last == m ? before : last;
    mailbox_uncount(c, m->size);
    deadletter_discard(w, m, TR_DEAD_FULL, TR_EFULL, "dropped by a full mailbox in favour of a newer message");
    return true;
}

static tr_full_policy policy_of(const struct cell *c)
{
    return c->run.flags & CELL_BOUNDED ? (tr_full_policy) c->ext->full_policy : TR_FULL_WAIT;
}

static void make_room(struct worker *w, struct cell *c, uint32_t size)
{
    while (mailbox_is_over(c, size) && drop_oldest(w, c))
        ;
}

tr_err mailbox_offer(struct worker *w, struct cell *c, struct tr_msg **m, bool *wait)
{
    *wait = false;
    tr_err err = c->run.flags & CELL_WATCHED ? w->world->watch->sent(w->world->watch, c) : TR_OK;
    if (err != TR_OK)
        return err;
    if (!mailbox_has_no_room(c, (*m)->size)) {
        put(w, c, *m);
        *m = NULL;
        return TR_OK;
    }
    switch (policy_of(c)) {
    case TR_FULL_DROP_NEW:
        (*m)->to = cell_id(c);
        deadletter_discard(w, *m, TR_DEAD_FULL, TR_EFULL, "dropped by a full mailbox");
        *m = NULL;
        return TR_OK;
    case TR_FULL_DROP_OLD:
        make_room(w, c, (*m)->size);
        put(w, c, *m);
        *m = NULL;
        return TR_OK;
    case TR_FULL_REJECT:
        return TR_EFULL;
    case TR_FULL_WAIT:
    default:
        *wait = true;
        return TR_EFULL;
    }
}

tr_err mailbox_full_error(struct tr_self *self, const struct cell *c, tr_err err, const char *how)
{
    char text[CELL_TEXT_MAX];
    return error_set(self, err, "send", "the mailbox of %s is full (%u messages, %u bytes)%s",
                     cell_text_any(self->worker, c, text), __atomic_load_n(&c->len, __ATOMIC_RELAXED),
                     __atomic_load_n(&c->bytes, __ATOMIC_RELAXED), how);
}

/* Suspends until it is told that there is room, or something better came up. */
tr_err mailbox_wait_for_room(struct tr_self *self, const struct cell *c, struct sender *s, int64_t patience)
{
    tr_err err = TR_OK;
    self->wait = (struct wait){ .kind = WAIT_ROOM, .deadline = patience, .target = s->msg->to, .sender = s };
    probe_note(self);
    while (!(self->run.flags & SELF_WOKEN)) {
        if (probe_found(self))
            err = TR_EDEADLK;
        else if (self_is_canceled(self))
            err = error_set(self, TR_ECANCELED, "send", "cancelled while it waited for room: %s",
                            self_cancel_reason(self));
        else if (self->run.flags & SELF_TIMED_OUT)
            err = mailbox_full_error(self, c, TR_EUNSENT,
                                     " and stayed so until the deadline; the message was not sent");
        else
            err = worker_suspend(self);
        if (err != TR_OK)
            break;
    }
    probe_forget(self);
    if (!(self->run.flags & SELF_WOKEN))
        return err;
    if (self->woken_err != TR_OK)
        error_set(self, self->woken_err, "send", "the receiver ended while the message waited for room");
    return self->woken_err;
}

static tr_err send_when_room(struct tr_self *self, struct cell *c, struct tr_msg **m, int64_t deadline,
                             int64_t patience)
{
    struct worker *w = self->worker;
    struct cell_ext *ext = cell_ext_get(w, c);
    if (ext == NULL)
        return error_set(self, TR_ENOMEM, "send", "out of memory");
    if (self_is_canceled(self))
        return mailbox_full_error(self, c, TR_ECANCELED, ", and this actor is cancelled");
    tr_err err = deadlock_check(self, cell_id(c), patience, "send");
    if (err != TR_OK)
        return err;
    struct sender s = { .self = self, .msg = *m, .size = (*m)->size };
    list_push(&ext->senders, &s.link);
    c->run.flags |= CELL_SENDERS;
    err = self_wait_begin(self, deadline);
    if (err == TR_OK)
        err = mailbox_wait_for_room(self, c, &s, patience);
    if (list_is_linked(&s.link))
        sender_leave(self->worker, c, &s);
    self_wait_end(self);
    if (err == TR_OK)
        *m = NULL;
    return err;
}

tr_err mailbox_send(struct tr_self *self, struct cell *c, struct tr_msg **m, int64_t deadline, int64_t patience,
                    bool may_wait)
{
    bool wait;
    struct worker *w = self->worker;
    uint64_t id = (*m)->to;
    gate_enter(&w->gate);
    tr_err err;
    bool here = cell_is_here(w, c);
    if (here ? !cell_is_ours(w, c, id) : cell_id(c) != id)
        err = error_set(self, TR_ENOPROC, "send", "the receiver has ended");
    else if (!here)
        err = remote_send(self, c, m, deadline, patience, may_wait);
    else if ((err = mailbox_offer(w, c, m, &wait)) == TR_EFULL)
        err = wait && may_wait ? send_when_room(self, c, m, deadline, patience)
                               : mailbox_full_error(self, c, TR_EFULL, wait ? "" : " and refuses");
    else if (err != TR_OK)
        (void) error_set(self, err, "send", "a test has made this send fail");
    gate_leave(&w->gate);
    return err;
}

void mailbox_forget_sender(struct worker *w, uint64_t id, struct sender *s)
{
    if (s->ticket != NULL)
        remote_sender_end(w, id, s);
    else if (list_is_linked(&s->link)) /* else it was told already, and has not run since */
        sender_leave(w, cell_find(w, id), s);
    if (s->msg != NULL)
        msg_unref_unsent(&w->msgs, s->msg);
}

void mailbox_close(struct worker *w, struct cell *c)
{
    struct tr_msg *m;
    if (atomic_load_explicit(&c->inbox, memory_order_relaxed) > INBOX_ANNOUNCED)
        mailbox_take_over(w, c);
    if (c->ext != NULL)
        while (!list_is_empty(&c->ext->senders))
            sender_settle(w, list_entry(c->ext->senders.next, struct sender, link), TR_ENOPROC);
    c->run.flags &= ~(uint32_t) CELL_SENDERS;
    while ((m = mailbox_take(w, c)) != NULL)
        deadletter_discard(w, m, TR_DEAD_ENDED, TR_EDOWN, "the receiver ended before it got to the request");
}

/* ---- from other threads ---- */

/* Appends, and never takes over: what has been pushed since belongs behind the rest that is under way with m. */
void mailbox_arrive(struct worker *w, struct cell *c, struct tr_msg *m)
{
    uint8_t flags = m->flags;
    m->flags &= (uint8_t) ~(MSG_POSTED | MSG_RESERVED);
    if (flags & (MSG_UNCOUNTED | MSG_RESERVED)) {
        append(w, c, m);
        return;
    }
    tr_full_policy policy = policy_of(c);
    if (policy == TR_FULL_DROP_OLD) {
        make_room(w, c, m->size);
    } else if ((flags & MSG_POSTED) && mailbox_has_no_room(c, m->size)) { /* others' senders saw to the bounds, as far
                                                                         as they could see */
        deadletter_discard(w, m, TR_DEAD_FULL, TR_EFULL,
                           policy == TR_FULL_DROP_NEW ? "dropped by a full mailbox" : "the receiver's mailbox is full");
        return;
    }
    watch_delivered(w, c, m);
    mailbox_count(c, m->size);
    append(w, c, m);
}

void mailbox_reserve(struct worker *w, struct cell *c, struct signal *s)
{
    struct cell_ext *ext = cell_ext_get(w, c);
    s->sender = (struct sender){ .size = s->size };
    if (ext == NULL) {
        remote_room_tell(s, TR_ENOMEM);
    } else if (!mailbox_has_no_room(c, s->size)) {
        mailbox_count(c, s->size);
        remote_room_tell(s, TR_OK);
    } else {
        list_push(&ext->senders, &s->sender.link);
        c->run.flags |= CELL_SENDERS;
    }
}
