/* SPDX-License-Identifier: MIT */
/* mail.c - which of an actor's messages user code sees */
#include "actor/mail.h"

#include "actor/ask.h"
#include "actor/call.h"
#include "actor/deadletter.h"
#include "actor/fd.h"
#include "actor/mailbox.h"
#include "actor/table.h"
#include "actor/tick.h"

/* The asker of a kept request gave up: on_cancel is called with that request, if it is still kept. A call like a
 * handler's: it may wait. */
static void deliver_gone(struct tr_self *self, struct tr_msg *note)
{
    struct cell *c = self->cell;
    struct tr_msg *kept = note->source;
    const struct row *row = c->table != NULL ? table_find(c->table, note) : NULL;
    msg_unref(&self->worker->msgs, note);
    self->received = kept;
    if ((kept->flags & MSG_KEPT) && row != NULL && row->def->on_cancel != NULL) {
        unsigned depth = gate_open(&self->worker->gate);
        (void) row->def->on_cancel(self, c->state, kept); /* there is nobody left to tell of an error */
        gate_close(&self->worker->gate, depth);
    }
    call_release_message(self->worker, self, TR_OK);
    call_release_rest(self);
}

static bool is_describe(const struct cell *c, const struct tr_msg *m)
{
    return m->tag == msg_tag_word("describe", 8) && m->tag_len == 8 &&
           (c->table == NULL || table_find(c->table, m) == NULL);
}

/* Whether user code is to see m; if not, it has been taken care of. */
static bool mail_is_for_user(struct tr_self *self, struct tr_msg *m)
{
    struct worker *w = self->worker;
    switch ((enum msg_kind) m->kind) {
    case MSG_SEND:
        return true;
    case MSG_ASK:
        if (!ask_is_owed(m))
            deadletter_note(w, TR_DEAD_CANCELED, m, m->to);
        else if (is_describe(self->cell, m))
            describe_answer(self, m);
        else
            return true;
        break;
    case MSG_TICK:
        if (tick_taken(w, m))
            return true;
        break;
    case MSG_FD:
        if (fd_watch_taken(w, m))
            return true;
        break;
    case MSG_GONE:
        deliver_gone(self, m);
        return false;
    case MSG_REPLY:
    case MSG_ERROR:
        return true;
    }
    msg_unref(&w->msgs, m);
    return false;
}

struct tr_msg *mail_take_any(struct tr_self *self)
{
    struct tr_msg *m;
    while ((m = mailbox_take(self->worker, self->cell)) != NULL)
        if (m->kind == MSG_SEND || mail_is_for_user(self, m))
            return m;
    return NULL;
}

/* Whether user code would be given it now. */
static bool mail_is_current(struct worker *w, const struct tr_msg *m)
{
    switch ((enum msg_kind) m->kind) {
    case MSG_TICK:
        return tick_is_current(m);
    case MSG_FD:
        return fd_watch_is_current(w, m);
    case MSG_ASK:
        return mail_is_plain(m);
    default:
        return m->kind != MSG_GONE;
    }
}

/* What is there stays where it is: taken out, a timer could not be stopped any more, and there would be room for one
 * that waits. */
bool mail_is_there(struct tr_self *self)
{
    struct cell *c = self->cell;
    while (c->head != NULL && !mail_is_current(self->worker, c->head))
        (void) mail_is_for_user(self, mailbox_take(self->worker, c));
    return c->head != NULL;
}
