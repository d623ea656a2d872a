/* SPDX-License-Identifier: MIT */
/* answer.c - answers to requests: their way to the asker's record; and requests that are handed on */
#include <stdarg.h>
#include <stdio.h>

#include "actor/ask.h"
#include "actor/deadletter.h"
#include "actor/error.h"
#include "actor/mailbox.h"
#include "actor/remote.h"
#include "actor/table.h"
#include "message/small.h"

void reply_return(struct worker *w, struct tr_msg *reply)
{
    gate_enter(&w->gate);
    struct cell *c = cell_at(&w->world->cells, reply->from.actor);
    reply->kind = MSG_SEND;
    reply->flags = (uint8_t) ((reply->flags & ~MSG_RETURN) | MSG_UNCOUNTED);
    reply->to = reply->from.actor;
    reply->ask = NULL;
    reply->ask_seq = 0;
    if (c != NULL && !cell_is_here(w, c)) {
        reply->errand.run = NULL;
        remote_push(w->world, c, &reply->errand);
    } else if (c != NULL && cell_is_ours(w, c, reply->to) && !(c->run.flags & CELL_CLOSED)) {
        mailbox_put(w, c, reply);
    } else {
        deadletter_note(w, TR_DEAD_LATE, reply, reply->to);
        msg_unref(&w->msgs, reply);
    }
    gate_leave(&w->gate);
}

__attribute__((noinline)) static void reply_is_late(struct worker *w, uint64_t to, struct tr_msg *reply)
{
    if (reply == NULL)
        return;
    if (reply->flags & MSG_RETURN) {
        reply_return(w, reply);
        return;
    }
    deadletter_note(w, TR_DEAD_LATE, reply, to);
    msg_unref(&w->msgs, reply);
}

void ask_settle(struct worker *w, struct ask *a, uint64_t seq, uint64_t to, tr_err err, struct tr_msg *reply)
{
    if (ask_is_open(a, seq))
        ask_complete(w, a, err, reply);
    else
        reply_is_late(w, to, reply);
}

static inline void ask_deliver(struct worker *w, struct tr_msg *m, tr_err err, struct tr_msg *reply)
{
    struct ask *a = m->ask;
    msg_is_answered(m);
    if (__builtin_expect(a->home != w, 0)) {
        remote_answer(w, m, err, reply);
        return;
    }
    gate_enter(&w->gate);
    if (__builtin_expect(ask_is_open(a, m->ask_seq), 1))
        ask_complete(w, a, err, reply);
    else
        reply_is_late(w, m->from.actor, reply);
    gate_leave(&w->gate);
}

void ask_answer(struct worker *w, struct tr_msg *m, struct tr_msg *reply)
{
    ask_deliver(w, m, TR_OK, reply);
}

void ask_answer_error_msg(struct worker *w, struct tr_msg *m, tr_err err, struct tr_msg *error)
{
    ask_deliver(w, m, err, error);
}

void ask_answer_error(struct worker *w, struct tr_msg *m, tr_err err, const char *text, const char *phase,
                      const char *actor)
{
    if (!ask_is_owed(m)) {
        msg_is_answered(m);
        return;
    }
    ask_deliver(w, m, err, msg_error(&w->msgs, err, text, phase, actor != NULL ? actor : "troupe", NULL));
}

/* ---- calls ---- */

bool tr_is_request(const tr_msg *m)
{
    return ask_is_owed(m);
}

bool tr_is_dead(const tr_msg *m)
{
    return (m->flags & MSG_OWED) && !ask_is_owed(m);
}

__attribute__((noinline)) static tr_err not_answerable(struct tr_self *self, const tr_msg *m, const char *phase)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    if (m->kind != MSG_ASK)
        return error_set(self, TR_ESTATE, phase, "\"%s\" is no request: nobody waits for an answer", tr_tag(m));
    return error_set(self, TR_ESTATE, phase, "\"%s\" was answered, or handed on, before", tr_tag(m));
}

static inline tr_err answerable(struct tr_self *self, const tr_msg *m, const char *phase)
{
    if (__builtin_expect(!self_is_current(self) || !(m->flags & MSG_OWED), 0))
        return not_answerable(self, m, phase);
    return TR_OK;
}

/* The long way to a reply. */
__attribute__((noinline)) static tr_err reply_slow(struct tr_self *self, struct tr_msg *m, const tr_value *values,
                                                   size_t n)
{
    const char *why;
    struct tr_msg *reply;
    tr_err err = answerable(self, m, "reply");
    if (err != TR_OK)
        return err;
    err = msg_build(&self->worker->msgs, values, n, false, &reply, &why);
    if (err != TR_OK)
        return error_set(self, err, "reply", "%s", why);
    reply->from = cell_addr(self->cell);
    ask_answer(self->worker, m, reply);
    return TR_OK;
}

__attribute__((noinline)) static tr_err reply_small_slow(struct tr_self *self, struct tr_msg *m, const tr_small *small)
{
    struct small_values values;
    const tr_value *value = small_unpack(small, &values);
    return reply_slow(self, m, value, values.n);
}

/* The usual: the asker is here, and waits for nothing else. Calls nothing but at its end. */
tr_err tr_reply_small(tr_self *self, const tr_msg *request, const tr_small *small)
{
    struct tr_msg *m = (struct tr_msg *) request;
    if (__builtin_expect(!self_is_running(self) || !(m->flags & MSG_OWED) || m->ask->home != self->worker, 0))
        return reply_small_slow(self, m, small);
    struct worker *w = self->worker;
    struct ask *a = m->ask;
    if (__builtin_expect(!gate_enter_at_once(&w->gate), 0))
        return reply_small_slow(self, m, small);
    struct tr_msg *reply = NULL;
    if (__builtin_expect(ask_is_open(a, m->ask_seq) && ask_is_waited_for(a), 1))
        reply = small_build(&w->msgs, small, MSG_REPLY);
    if (__builtin_expect(reply == NULL, 0)) {
        gate_leave_to_user(&w->gate);
        return reply_small_slow(self, m, small);
    }
    reply->from = cell_addr(self->cell);
    msg_is_answered(m);
    ask_done(a, TR_OK, reply);
    worker_wake(w, a->waiter);
    gate_leave_to_user(&w->gate);
    return TR_OK;
}

tr_err tr_reply_values(tr_self *self, const tr_msg *m, const tr_value *values, size_t n)
{
    tr_small small;
    if (small_pack_reply(values, n, &small))
        return tr_reply_small(self, m, &small);
    return reply_slow(self, (struct tr_msg *) m, values, n);
}

tr_err tr_reply_error(tr_self *self, const tr_msg *m, tr_err code, const char *fmt, ...)
{
    tr_err err = answerable(self, m, "reply");
    if (err != TR_OK)
        return err;
    if (code == TR_OK || code == TR_STOP)
        return error_set(self, TR_EINVAL, "reply", "%s is no error to answer with", tr_err_name(code));
    struct msg_pool *pool = &self->worker->msgs;
    struct tr_msg *cause = self->error != NULL && self->error->err == code ? self->error->msg : NULL;
    char text[512];
    va_list args;
    va_start(args, fmt);
    if (fmt != NULL)
        vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *phase = self->row != NULL ? self->row->def->tag : tr_tag(m);
    struct tr_msg *error = msg_error(pool, code, fmt != NULL ? text : tr_err_text(code), phase, cell_label(self->cell),
                                     cause);
    ask_answer_error_msg(self->worker, (struct tr_msg *) m, code, error);
    return TR_OK;
}

/* Puts a request with a new header into c's mailbox, if that takes it. In the gate. */
static tr_err forward_to(struct tr_self *self, struct cell *c, struct tr_msg *request, struct tr_msg *on)
{
    bool wait;
    uint64_t to = on->to;
    struct worker *w = self->worker;
    tr_err err = cell_is_ours(w, c, to) ? mailbox_offer(w, c, &on, &wait)
                                        : remote_send(self, c, &on, INT64_MAX, INT64_MAX, false);
    if (err != TR_OK) {
        msg_is_answered(on); /* the answer is still the original's to give */
        msg_unref(&w->msgs, on);
        return error_set(self, err, "forward", "the mailbox of %s is full", cell_label_any(w, c));
    }
    if (request->ask->home != w)
        remote_handed_on(w, request, to);
    else if (ask_is_owed(request))
        request->ask->holder = to;
    msg_is_answered(request);
    return TR_OK;
}

tr_err tr_forward(tr_self *self, const tr_msg *m, tr_addr to)
{
    tr_err err = answerable(self, m, "forward");
    if (err != TR_OK)
        return err;
    struct worker *w = self->worker;
    struct tr_msg *request = (struct tr_msg *) m;
    struct tr_msg *on = msg_share(&w->msgs, m);
    if (on == NULL)
        return error_set(self, TR_ENOMEM, "forward", "out of memory");
    gate_enter(&w->gate);
    struct cell *c = send_target(self, to, "forward", &err);
    if (c == NULL) {
        msg_unref(&w->msgs, on);
        ask_answer_error(w, request, err, "the actor it was handed on to has ended, or never was", "forward",
                         cell_label(self->cell));
    } else {
        on->kind = MSG_ASK;
        on->flags |= MSG_OWED;
        on->from = m->from;
        on->to = to.actor;
        on->ask = m->ask;
        on->ask_seq = m->ask_seq;
        err = forward_to(self, c, request, on);
    }
    gate_leave(&w->gate);
    return err;
}
