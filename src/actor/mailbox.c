/* SPDX-License-Identifier: MIT */
/* mailbox.c - messages that wait for an actor: in order, bounded */
#include "actor/mailbox.h"

#include "actor/ask.h"
#include "actor/cancel.h"
#include "actor/deadletter.h"
#include "actor/deadlock.h"
#include "actor/error.h"

static void sender_settle(struct worker *w, struct sender *s, tr_err err)
{
    list_remove(&s->link);
    s->self->woken_err = err;
    s->self->run.flags |= SELF_WOKEN;
    worker_wake(w, s->self);
}

static void put_counted(struct worker *w, struct cell *c, struct tr_msg *m)
{
    watch_delivered(w, c, m);
    mailbox_put(w, c, m);
}

void mailbox_admit(struct worker *w, struct cell *c)
{
    struct list *senders = &c->ext->senders;
    while (!list_is_empty(senders)) {
        struct sender *s = list_entry(senders->next, struct sender, link);
        if (mailbox_is_over(c, s->msg->size))
            return;
        struct tr_msg *m = s->msg;
        s->msg = NULL;
        put_counted(w, c, m);
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
    if (before != NULL)
        before->next = m->next;
    else
        c->head = m->next;
    if (c->tail == m)
        c->tail = before;
    c->len--;
    c->bytes -= m->size;
    deadletter_discard(w, m, TR_DEAD_FULL, TR_EFULL, "dropped by a full mailbox in favour of a newer message");
    return true;
}

tr_err mailbox_offer(struct worker *w, struct cell *c, struct tr_msg **m, bool *wait)
{
    *wait = false;
    tr_err err = c->run.flags & CELL_WATCHED ? w->world->watch->sent(w->world->watch, c) : TR_OK;
    if (err != TR_OK)
        return err;
    if (!mailbox_is_over(c, (*m)->size) && !(c->run.flags & CELL_SENDERS)) {
        put_counted(w, c, *m);
        *m = NULL;
        return TR_OK;
    }
    switch (c->run.flags & CELL_BOUNDED ? c->ext->full_policy : TR_FULL_WAIT) {
    case TR_FULL_DROP_NEW:
        (*m)->to = cell_id(c);
        deadletter_discard(w, *m, TR_DEAD_FULL, TR_EFULL, "dropped by a full mailbox");
        *m = NULL;
        return TR_OK;
    case TR_FULL_DROP_OLD:
        while (mailbox_is_over(c, (*m)->size) && drop_oldest(w, c))
            ;
        put_counted(w, c, *m);
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

static tr_err full_error(struct tr_self *self, struct cell *c, tr_err err, const char *how)
{
    char text[CELL_TEXT_MAX];
    return error_set(self, err, "send", "the mailbox of %s is full (%u messages, %u bytes)%s", cell_text(c, text),
                     c->len, c->bytes, how);
}

/* Suspends until there was room, or something better came up. */
static tr_err wait_for_room(struct tr_self *self, struct cell *c, struct sender *s, int64_t patience)
{
    tr_err err = TR_OK;
    self->wait = (struct wait){ .kind = WAIT_ROOM, .deadline = patience, .target = cell_id(c), .sender = s };
    while (!(self->run.flags & SELF_WOKEN)) {
        if (self_is_canceled(self))
            err = error_set(self, TR_ECANCELED, "send", "cancelled while it waited for room: %s",
                            self_cancel_reason(self));
        else if (self->run.flags & SELF_TIMED_OUT)
            err = full_error(self, c, TR_EUNSENT, " and stayed so until the deadline; the message was not sent");
        else
            err = worker_suspend(self);
        if (err != TR_OK)
            break;
    }
    if (!(self->run.flags & SELF_WOKEN)) {
        sender_leave(self->worker, c, s);
        return err;
    }
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
        return full_error(self, c, TR_ECANCELED, ", and this actor is cancelled");
    tr_err err = deadlock_check(self, cell_id(c), patience, "send");
    if (err != TR_OK)
        return err;
    struct sender s = { .self = self, .msg = *m };
    list_push(&ext->senders, &s.link);
    c->run.flags |= CELL_SENDERS;
    err = self_wait_begin(self, deadline);
    if (err == TR_OK)
        err = wait_for_room(self, c, &s, patience);
    else
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
    tr_err err = mailbox_offer(self->worker, c, m, &wait);
    if (err == TR_OK)
        return TR_OK;
    if (err != TR_EFULL)
        return error_set(self, err, "send", "a test has made this send fail");
    if (!wait || !may_wait)
        return full_error(self, c, TR_EFULL, wait ? "" : " and refuses");
    return send_when_room(self, c, m, deadline, patience);
}

void mailbox_forget_sender(struct worker *w, uint64_t id, struct sender *s)
{
    if (list_is_linked(&s->link)) /* else it was told already, and has not run since */
        sender_leave(w, cell_find(&w->world->cells, id), s);
    if (s->msg != NULL)
        msg_unref_unsent(&w->msgs, s->msg);
}

void mailbox_close(struct worker *w, struct cell *c)
{
    struct tr_msg *m;
    if (c->ext != NULL)
        while (!list_is_empty(&c->ext->senders))
            sender_settle(w, list_entry(c->ext->senders.next, struct sender, link), TR_ENOPROC);
    c->run.flags &= ~(uint32_t) CELL_SENDERS;
    while ((m = mailbox_take(w, c)) != NULL)
        deadletter_discard(w, m, TR_DEAD_ENDED, TR_EDOWN, "the receiver ended before it got to the request");
}
