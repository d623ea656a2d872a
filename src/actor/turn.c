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

/* Answered by the runtime where the table has no row for it, also if it has a handler for the rest. */
static bool is_describe(const struct tr_msg *m)
{
    return m->kind == MSG_ASK && m->tag == MAIL_DESCRIBE && m->tag_len == 8;
}

/* Of a message that no row takes at first sight; also sets self->row. NULL: it has been taken care of. */
__attribute__((noinline)) static tr_handler_fn *handler_of(struct tr_self *self, struct cell *c, struct tr_msg *m)
{
    const struct row *row = table_find(c->table, m);
    self->row = row;
    if (row != NULL && signature_fits_slow(&row->args, m))
        return row->run;
    self->row = NULL;
    if (row != NULL) {
        message_misfits(self, row, m);
    } else if (is_describe(m)) {
        describe_answer(self, m);
        msg_unref(&self->worker->msgs, m);
    } else if (c->table->def->other != NULL) {
        return c->table->def->other;
    } else {
        message_is_unknown(self, m);
    }
    return NULL;
}

/* Takes up the actor again after its handler has run. False: somebody else works for it now, or it ended. */
static bool turn_goes_on(struct tr_self *self, struct cell *c)
{
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

/* After a call that used something, failed, or was suspended. False: the turn is over. */
__attribute__((noinline)) static bool handled(struct tr_self *self, struct cell *c, tr_err err)
{
    while (self->scope != NULL)
        scope_close_left(self);
    call_release_message(self->worker, self, err);
    call_release_rest(self);
    if (err == TR_STOP && !stop(self, c))
        return false;
    return turn_goes_on(self, c);
}

/* Calls the handler for m. False: the turn is over, since the actor ended or others work for it. */
static inline bool handle(struct worker *w, struct tr_self *self, struct cell *c, struct tr_msg *m)
{
    const struct row *row = table_match(c->table, m);
    tr_handler_fn *run;
    if (__builtin_expect(row != NULL, 1)) {
        run = row->run;
        self->row = row;
    } else if ((run = handler_of(self, c, m)) == NULL) {
        return turn_goes_on(self, c); /* before it, an on_cancel may have waited */
    }
    self->received = m;
    gate_leave_to_user(&w->gate);
    tr_err err = run(self, c->state, m);
    gate_enter_from_user(&w->gate);
    if (__builtin_expect(err != TR_OK || (self->run.flags & SELF_CALL_ODD) != 0, 0))
        return handled(self, c, err);
    self->row = NULL;
    call_release_message(w, self, TR_OK);
    return true;
}

/* Between two messages, where there is more to do than to take the next, which is returned. NULL: the turn is over, and
 * so it is for its cell (*gone) if that ended, or others work for it. */
__attribute__((noinline)) static struct tr_msg *turn_next_odd(struct tr_self *self, struct cell *c, bool *gone)
{
    *gone = false;
    if (c->run.flags & (CELL_CANCELED | CELL_END))
        return NULL;
    if (c->run.flags & CELL_THEN) {
        bool stopped = !ask_run_thens(self);
        call_release_rest(self);
        *gone = (stopped && !stop(self, c)) || !turn_goes_on(self, c);
        if (*gone)
            return NULL;
    }
    struct tr_msg *m = mail_take(self);
    if (m == NULL) /* an on_cancel may have waited */
        *gone = !turn_goes_on(self, c);
    return m;
}

/* What is looked at between two messages, or is to know that one was taken. */
#define CELL_MAIL_ODD (CELL_CANCELED | CELL_THEN | CELL_END | CELL_SENDERS | CELL_TRACED)

static inline void turn_begin(struct tr_self *self, struct cell *c)
{
    self->cell = c;
    __builtin_prefetch(c->state); /* the handler will want it, a hundred instructions from here */
    self->sends = self->recvs = self->ignored = 0;
}

static inline void turn_end(struct tr_self *self)
{
    if (__builtin_expect(((uintptr_t) self->reply | (uintptr_t) self->gathered | (uintptr_t) self->error) != 0, 0))
        self_strip(self);
    self->cell = NULL;
}

/* After its last message of this turn: the next turn, if there is more to do. */
__attribute__((noinline)) static void turn_rests(struct tr_self *self, struct cell *c)
{
    if (c->run.flags & (CELL_END | CELL_CANCELED)) {
        end_or_wait(self, c);
        return;
    }
    c->run.flags &= ~(uint32_t) CELL_QUEUED;
    if (c->head != NULL || (c->run.flags & CELL_THEN))
        worker_ready_last(self->worker, &c->run);
}

/* Calls handlers until there are no messages, the actor is to end, or it has had its share. */
static inline __attribute__((always_inline)) void turn_messages(struct worker *w, struct tr_self *self, struct cell *c)
{
    for (int n = TURN_MESSAGES; n > 0; n--) {
        struct tr_msg *m = c->head;
        if (__builtin_expect(!(c->run.flags & CELL_MAIL_ODD) && (m == NULL || mail_is_usual(m)), 1)) {
            if (m == NULL) {
                c->run.flags &= ~(uint32_t) CELL_QUEUED;
                return;
            }
            mailbox_take_usual(c, m);
        } else {
            bool gone;
            m = turn_next_odd(self, c, &gone);
            if (gone)
                return;
            if (m == NULL)
                break;
        }
        if (__builtin_expect(!handle(w, self, c, m), 0))
            return;
        if (worker_is_called(w))
            break;
    }
    turn_rests(self, c);
}

__attribute__((noinline)) void turn_run_plain(struct tr_self *self, struct cell *c)
{
    turn_begin(self, c);
    turn_messages(self->worker, self, c);
    turn_end(self);
}

/* False: it is not to have a turn now, or was ended. */
static bool behaviour_begin(struct tr_self *self, struct cell *c)
{
    if (c->run.flags & CELL_CANCELED) {
        end_or_wait(self, c);
        return false;
    }
    return (c->run.flags & CELL_STARTED) || (behaviour_start(self, c) && turn_goes_on(self, c));
}

void turn_run(struct tr_self *self, struct cell *c)
{
    turn_begin(self, c);
    if (c->run.flags & CELL_END) {
        end_or_wait(self, c);
    } else if (c->table == NULL) {
        body_run(self, c);
    } else if (behaviour_begin(self, c)) {
        turn_run_plain(self, c);
        return;
    }
    turn_end(self);
}
