/* SPDX-License-Identifier: MIT */
/* recv.c - a body takes its messages itself */
#include "actor/ask.h"
#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/end.h"
#include "actor/error.h"
#include "actor/mail.h"
#include "base/clock.h"

/* A body that finds its mailbox full again and again lets the others run. */
static tr_err recv_is_fair(struct tr_self *self)
{
    struct worker *w = self->worker;
    if (++self->recvs < TURN_MESSAGES && !worker_is_called(w))
        return TR_OK;
    self->recvs = 0;
    return worker_yield(self);
}

static struct tr_msg *recv_now(struct tr_self *self)
{
    if ((self->cell->run.flags & CELL_THEN) && !ask_run_thens(self))
        end_self(self, TR_OK, NULL);
    return mail_take(self);
}

static tr_err recv_suspended(struct tr_self *self, int64_t deadline, struct tr_msg **m)
{
    struct cell *c = self->cell;
    tr_err err = TR_OK;
    while (err == TR_OK) {
        err = self_wait_begin(self, deadline); /* each time: a callback that waited has used the timer for itself */
        if (err != TR_OK)
            break;
        self->wait = (struct wait){ .kind = WAIT_MAIL, .deadline = deadline };
        c->run.flags |= CELL_WANTS_MAIL;
        err = worker_suspend(self);
        c->run.flags &= ~(uint32_t) CELL_WANTS_MAIL;
        if (err == TR_OK && self_is_canceled(self))
            err = error_set(self, TR_ECANCELED, "recv", "cancelled: %s", self_cancel_reason(self));
        else if (err == TR_OK && (*m = recv_now(self)) != NULL)
            break;
        else if (err == TR_OK && (self->run.flags & SELF_TIMED_OUT))
            err = error_set(self, TR_ETIMEDOUT, "recv", "no message came before the timeout");
    }
    self_wait_end(self);
    return err;
}

/* In the gate: room that a message makes goes to whoever waits for it. */
static tr_err recv_for(struct tr_self *self, tr_err err, int64_t timeout_ms, struct tr_msg **got)
{
    if (self->received != NULL)
        call_release_message(self->worker, self, TR_OK);
    if (err == TR_OK)
        err = recv_is_fair(self);
    if (err == TR_OK && self_is_canceled(self))
        err = error_set(self, TR_ECANCELED, "recv", "cancelled: %s", self_cancel_reason(self));
    if (err != TR_OK)
        return err;
    *got = recv_now(self);
    if (*got == NULL && timeout_ms == 0)
        return error_set(self, TR_ETIMEDOUT, "recv", "the mailbox is empty");
    if (*got == NULL)
        err = recv_suspended(self, timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms), got);
    if (err == TR_OK && self->received != NULL) /* a callback of tr_ask_then has received, too */
        call_release_message(self->worker, self, TR_OK);
    return err;
}

tr_err tr_recv_for(tr_self *self, int64_t timeout_ms, const tr_msg **m)
{
    struct tr_msg *got = NULL;
    tr_err err = self_enter(self, "recv");
    if (err == TR_ESTATE)
        return err;
    if (self->cell->table != NULL)
        return error_set(self, TR_ESTATE, "recv",
                         "a behaviour gets its messages in its handlers; only a body receives");
    gate_enter(&self->worker->gate);
    err = recv_for(self, err, timeout_ms, &got);
    gate_leave(&self->worker->gate);
    if (err != TR_OK)
        return err;
    self->received = got;
    *m = got;
    return TR_OK;
}

tr_err tr_recv(tr_self *self, const tr_msg **m)
{
    return tr_recv_for(self, TR_FOREVER, m);
}
