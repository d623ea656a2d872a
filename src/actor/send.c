/* SPDX-License-Identifier: MIT */
/* send.c - plain messages; and keeping what was received */
#include "actor/ask.h"
#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/deadletter.h"
#include "actor/error.h"
#include "actor/mailbox.h"
#include "actor/remote.h"
#include "actor/table.h"
#include "base/clock.h"
#include "message/small.h"

/* A body that only produces lets the others run: after 64 sends in one turn it goes to the end of the queue. */
__attribute__((noinline)) static tr_err send_pause(struct tr_self *self)
{
    self->sends = 0;
    if (self->cell->table == NULL && !(self->run.flags & SELF_ENDING))
        (void) worker_yield(self);
    return TR_OK;
}

/* After one that was sent: TR_OK. */
static inline tr_err send_count(struct tr_self *self)
{
    return __builtin_expect(++self->sends >= SENDS_BEFORE_YIELD, 0) ? send_pause(self) : TR_OK;
}

/* The mailbox is full, or elsewhere. Owns: m is moved or freed. Out of the gate. */
__attribute__((noinline)) static tr_err send_slow(struct tr_self *self, struct cell *c, struct tr_msg *m, bool may_wait)
{
    enum ask_limit limit;
    int64_t deadline = ask_deadline(self, self->worker, TR_FOREVER, &limit);
    tr_err err = mailbox_send(self, c, &m, limit == ASK_LIMIT_SCOPE ? INT64_MAX : deadline,
                              limit == ASK_LIMIT_OWN ? deadline : INT64_MAX, may_wait);
    if (m != NULL)
        msg_unref_unsent(&self->worker->msgs, m);
    return err;
}

/* The long way to a message; NULL, and words on self, if there is none. */
__attribute__((noinline)) static struct tr_msg *build(struct tr_self *self, const tr_value *values, size_t n,
                                                      tr_err *err)
{
    const char *why;
    struct tr_msg *m;
    *err = msg_build(&self->worker->msgs, values, n, true, &m, &why);
    if (*err == TR_OK)
        return m;
    error_set(self, *err, "send", "%s", why);
    return NULL;
}

/* In the gate, and out of it when it returns: c may move as soon as that is left. to: the address that was meant; the
 * slot of an actor elsewhere may be another's by now. */
static tr_err send_built(struct tr_self *self, struct cell *c, uint64_t to, struct tr_msg *m, bool may_wait)
{
    struct worker *w = self->worker;
    m->from = cell_addr(self->cell);
    m->to = to;
    if (__builtin_expect(cell_is_ours(w, c, to) && mailbox_lets_in(c, m->size), 1)) {
        mailbox_put(w, c, m);
        gate_leave(&w->gate);
    } else {
        gate_leave(&w->gate);
        tr_err err = send_slow(self, c, m, may_wait);
        if (err != TR_OK)
            return err;
    }
    return may_wait ? send_count(self) : TR_OK;
}

/* Whom m was for has ended. Owns: m is freed. */
__attribute__((noinline)) static void send_to_dead(struct tr_self *self, tr_addr to, struct tr_msg *m)
{
    m->from = cell_addr(self->cell);
    deadletter_note(self->worker, TR_DEAD_NOPROC, m, to.actor);
    msg_unref_unsent(&self->worker->msgs, m);
}

__attribute__((noinline)) static tr_err send_to_none(struct tr_self *self, tr_addr to, const tr_value *values, size_t n,
                                                     tr_err err)
{
    struct tr_msg *m;
    if (err == TR_ENOPROC && msg_build(&self->worker->msgs, values, n, true, &m, NULL) == TR_OK)
        send_to_dead(self, to, m);
    return err;
}

/* Every way but the shortest. */
__attribute__((noinline)) static tr_err send_values_slow(struct tr_self *self, tr_addr to, const tr_value *values,
                                                         size_t n, bool may_wait)
{
    tr_err err;
    struct gate *gate = &self->worker->gate;
    gate_enter(gate);
    struct cell *c = send_target(self, to, "send", &err);
    if (__builtin_expect(c == NULL, 0)) {
        gate_leave(gate);
        return send_to_none(self, to, values, n, err);
    }
    struct tr_msg *m = build(self, values, n, &err);
    if (m == NULL) {
        gate_leave(gate);
        return err;
    }
    return send_built(self, c, to.actor, m, may_wait);
}

__attribute__((noinline)) static tr_err send_small_slow(struct tr_self *self, tr_addr to, const tr_small *small,
                                                        bool may_wait)
{
    struct small_values values;
    const tr_value *value = small_unpack(small, &values);
    return self_is_current(self) ? send_values_slow(self, to, value, values.n, may_wait) : TR_ESTATE;
}

/* Calls nothing but at its end. */
static inline tr_err send_small(struct tr_self *self, tr_addr to, const tr_small *small, bool may_wait)
{
    if (__builtin_expect(!self_is_running(self) || !gate_enter_at_once(&self->worker->gate), 0))
        return send_small_slow(self, to, small, may_wait);
    struct worker *w = self->worker;
    struct cell *c = to.node == 0 ? cell_slot(&w->world->cells, to.actor) : NULL;
    struct tr_msg *m = NULL;
    if (__builtin_expect(c != NULL && mailbox_is_open(w, c, to.actor), 1))
        m = small_build(&w->msgs, small, MSG_SEND);
    if (__builtin_expect(m == NULL, 0)) {
        gate_leave_to_user(&w->gate);
        return send_small_slow(self, to, small, may_wait);
    }
    m->from = cell_addr(self->cell);
    m->to = to.actor;
    mailbox_count_usual(c, m);
    mailbox_link(w, c, m);
    gate_leave_to_user(&w->gate);
    return may_wait ? send_count(self) : TR_OK;
}

tr_err tr_send_small(tr_self *self, tr_addr to, const tr_small *m)
{
    return send_small(self, to, m, true);
}

static tr_err send_values(struct tr_self *self, tr_addr to, const tr_value *values, size_t n, bool may_wait)
{
    tr_small small;
    if (small_pack(values, n, &small))
        return send_small(self, to, &small, may_wait);
    return self_is_current(self) ? send_values_slow(self, to, values, n, may_wait) : TR_ESTATE;
}

tr_err tr_send_values(tr_self *self, tr_addr to, const tr_value *values, size_t n)
{
    return send_values(self, to, values, n, true);
}

tr_err tr_try_send_values(tr_self *self, tr_addr to, const tr_value *values, size_t n)
{
    return send_values(self, to, values, n, false);
}

tr_err tr_send_msg(tr_self *self, tr_addr to, const tr_msg *m)
{
    tr_err err;
    if (!self_is_current(self))
        return TR_ESTATE;
    if (m->tag == 0)
        return error_set(self, TR_EINVAL, "send", "a reply has no tag: put its values into a message of your own");
    struct tr_msg *copy = msg_share(&self->worker->msgs, m);
    if (copy == NULL)
        return error_set(self, TR_ENOMEM, "send", "out of memory");
    gate_enter(&self->worker->gate);
    struct cell *c = send_target(self, to, "send", &err);
    if (c != NULL)
        return send_built(self, c, to.actor, copy, true);
    gate_leave(&self->worker->gate);
    if (err == TR_ENOPROC)
        send_to_dead(self, to, copy);
    else
        msg_unref_unsent(&self->worker->msgs, copy);
    return err;
}

/* ---- keeping ---- */

tr_msg *tr_keep(tr_self *self, const tr_msg *m)
{
    if (!self_is_current(self) || m == NULL || (m != self->received && m != self->reply))
        return NULL;
    struct cell_ext *ext = cell_ext_get(self->worker, self->cell);
    struct tr_msg *kept = (struct tr_msg *) m;
    if (ext == NULL || (kept->flags & MSG_KEPT))
        return NULL;
    msg_ref(kept);
    kept->flags |= MSG_KEPT;
    kept->prev = NULL;
    kept->next = ext->kept;
    if (ext->kept != NULL)
        ext->kept->prev = kept;
    ext->kept = kept;
    return kept;
}

void kept_unlink(struct cell *c, struct tr_msg *m)
{
    if (m->prev != NULL)
        m->prev->next = m->next;
    else
        c->ext->kept = m->next;
    if (m->next != NULL)
        m->next->prev = m->prev;
    m->next = m->prev = NULL;
    m->flags &= (uint8_t) ~MSG_KEPT;
}

void tr_drop(tr_self *self, tr_msg **m)
{
    struct tr_msg *kept = *m;
    if (kept == NULL || !self_is_current(self) || !(kept->flags & MSG_KEPT))
        return;
    *m = NULL;
    kept_unlink(self->cell, kept);
    if (kept != self->received)
        ask_answer_error(self->worker, kept, TR_ENOREPLY, "the receiver dropped the request without an answer",
                         tr_tag(kept), cell_label(self->cell));
    msg_unref(&self->worker->msgs, kept);
}
