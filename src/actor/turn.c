/* SPDX-License-Identifier: MIT */
/* turn.c - one turn of one actor: its handlers called, or its body begun */
#include "actor/turn.h"

#include "actor/ask.h"
#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/deadletter.h"
#include "actor/end.h"
#include "actor/error.h"
#include "actor/mail.h"
#include "actor/mailbox.h"
#include "actor/scope_kernel.h"
#include "actor/table.h"

static void body_run(struct tr_self *self, struct cell *c)
{
    c->run.flags = (c->run.flags & ~(uint32_t) CELL_QUEUED) | CELL_STARTED | CELL_BUSY;
    error_clear(self);
    gate_leave(&self->worker->gate);
    tr_err err = c->body(self, c->arg);
    gate_enter(&self->worker->gate);
    while (self->scope != NULL)
        scope_close_left(self);
    actor_end(self, err, err == TR_OK || err == TR_STOP ? NULL : error_message(self, err, "body"));
}

/* False: it ended. */
__attribute__((noinline)) static bool behaviour_start(struct tr_self *self, struct cell *c)
{
    const tr_behaviour *def = c->table->def;
    error_clear(self);
    tr_err err = TR_OK;
    if (def->init != NULL) {
        gate_leave(&self->worker->gate);
        err = def->init(self, c->state, c->arg);
        gate_enter(&self->worker->gate);
    }
    if (err == TR_OK) {
        c->run.flags |= CELL_STARTED;
        call_release_rest(self);
        return true;
    }
    actor_end(self, err, err == TR_STOP ? NULL : error_message(self, err, "init"));
    return false;
}

/* A message that no row takes, or whose values do not fit: an error reply, or a dead letter. */
static void message_refuse(struct tr_self *self, struct tr_msg *m, tr_err err, const char *text)
{
    if (m->kind == MSG_ASK)
        ask_answer_error(self->worker, m, err, text, tr_tag(m), cell_label(self->cell));
    else
        deadletter_note(self->worker, TR_DEAD_UNKNOWN, m, m->to);
    msg_unref(&self->worker->msgs, m);
}

__attribute__((cold, noinline)) static void message_misfits(struct tr_self *self, const struct row *row,
                                                            struct tr_msg *m)
{
    char text[256];
    signature_explain(&row->args, row->def->args, m, text, sizeof text);
    message_refuse(self, m, TR_EBADMSG, text);
}

__attribute__((cold, noinline)) static void message_is_unknown(struct tr_self *self, struct tr_msg *m)
{
    char text[256];
    snprintf(text, sizeof text, "%s understands no \"%.100s\" (ask it to describe itself)", cell_label(self->cell),
             tr_tag(m));
    message_refuse(self, m, TR_EUNKNOWN, text);
}

/* Whether reentrant handlers of this actor are suspended elsewhere: its end waits for them, since they were told to
 * clean up. */
static bool others_at_work(const struct cell *c)
{
    for (const struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        if (!(s->run.flags & SELF_DEAD))
            return true;
    return false;
}

/* A handler returned TR_STOP. False: the actor ended; true: it will, when its other handlers have seen the cancel and
 * returned. */
__attribute__((noinline)) static bool stop(struct tr_self *self, struct cell *c)
{
    if (!others_at_work(c)) {
        actor_end(self, TR_OK, NULL);
        return false;
    }
    end_mark(self->worker, c, TR_OK, NULL);
    cell_cancel(self->worker, c, cell_id(c), "another handler of this actor returned TR_STOP");
    return true;
}

/* The actor is cancelled, or marked for its end. */
__attribute__((cold, noinline)) static void end_or_wait(struct tr_self *self, struct cell *c)
{
    if (c->table != NULL && others_at_work(c))
        c->run.flags &= ~(uint32_t) CELL_QUEUED; /* the last of them takes it up again */
    else if (c->run.flags & CELL_END)
        actor_end(self, c->end_err, end_error_take(c));
    else
        actor_end(self, TR_ECANCELED, NULL);
}

/* Calls the handler for m. False: the actor ended. */
static bool handle(struct tr_self *self, struct cell *c, struct tr_msg *m)
{
    const struct row *row = table_find(c->table, m);
    tr_handler_fn *run = row != NULL ? row->def->run : c->table->def->other;
    if (__builtin_expect(run == NULL, 0)) {
        message_is_unknown(self, m);
        return true;
    }
    if (row != NULL && !signature_fits(&row->args, m)) {
        message_misfits(self, row, m);
        return true;
    }
    self->received = m;
    self->row = row;
    error_clear(self);
    struct gate *gate = &self->worker->gate;
    gate_leave_to_user(gate);
    tr_err err = run(self, c->state, m);
    gate_enter_from_user(gate);
    while (__builtin_expect(self->scope != NULL, 0))
        scope_close_left(self);
    call_release_message(self, err);
    call_release_rest(self);
    return __builtin_expect(err != TR_STOP, 1) || stop(self, c);
}

/* Takes up the actor again after its handler has run. False: somebody else works for it now, or it ended. */
static inline bool turn_goes_on(struct tr_self *self, struct cell *c)
{
    if (__builtin_expect(!(self->run.flags & (SELF_HELD | SELF_LET_GO)), 1))
        return true;
    if (self->run.flags & SELF_HELD) { /* it had been suspended, and kept the others out */
        self->run.flags &= ~(uint32_t) SELF_HELD;
        c->run.flags &= ~(uint32_t) CELL_BUSY;
        c->run.flags |= CELL_QUEUED;
        return true;
    }
    if (self->run.flags & SELF_LET_GO) { /* it had been suspended, and let others in */
        self->run.flags &= ~(uint32_t) SELF_LET_GO;
        if (c->run.flags & (CELL_QUEUED | CELL_BUSY))
            return false;
        c->run.flags |= CELL_QUEUED;
    }
    return true;
}

/* Handles messages until there are none, the actor is to end, or it has had its share. False: it ended, or others work
 * for it. */
static bool behaviour_messages(struct tr_self *self, struct cell *c)
{
    struct worker *w = self->worker;
    for (int n = 0; n < TURN_MESSAGES; n++) {
        if (c->run.flags & (CELL_CANCELED | CELL_THEN | CELL_END)) {
            if (c->run.flags & (CELL_CANCELED | CELL_END))
                return true;
            bool stopped = !ask_run_thens(self);
            call_release_rest(self);
            if (stopped && !stop(self, c))
                return false;
            if (!turn_goes_on(self, c))
                return false;
        }
        struct tr_msg *m = mail_take(self);
        if (m == NULL)
            return turn_goes_on(self, c); /* an on_cancel may have waited */
        if (!handle(self, c, m))
            return false;
        if (!turn_goes_on(self, c))
            return false;
        if (worker_is_called(w))
            break;
    }
    return true;
}

static void behaviour_run(struct tr_self *self, struct cell *c)
{
    if (c->run.flags & CELL_CANCELED) {
        end_or_wait(self, c);
        return;
    }
    if (!(c->run.flags & CELL_STARTED)) {
        if (!behaviour_start(self, c))
            return;
        if (!turn_goes_on(self, c))
            return;
    }
    if (!behaviour_messages(self, c))
        return;
    if (__builtin_expect((c->run.flags & (CELL_END | CELL_CANCELED)) != 0, 0)) {
        end_or_wait(self, c);
        return;
    }
    c->run.flags &= ~(uint32_t) CELL_QUEUED;
    if (c->head != NULL || (c->run.flags & CELL_THEN))
        worker_ready_last(self->worker, &c->run);
}

void turn_run(struct tr_self *self, struct cell *c)
{
    self->cell = c;
    __builtin_prefetch(c->state); /* the handler will want it, a hundred instructions from here */
    self->sends = self->recvs = self->ignored = 0;
    if (c->run.flags & CELL_END)
        end_or_wait(self, c);
    else if (c->table != NULL)
        behaviour_run(self, c);
    else
        body_run(self, c);
    if (self->reply != NULL || self->gathered != NULL || self->error != NULL)
        self_strip(self);
    self->cell = NULL;
}
