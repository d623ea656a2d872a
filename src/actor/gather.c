/* SPDX-License-Identifier: MIT */
/* gather.c - waiting for many asks: all of them, or the next */
#include "actor/ask.h"
#include "actor/cancel.h"
#include "actor/deadlock.h"
#include "actor/error.h"
#include "actor/probe.h"

static void gathered_clear(struct tr_self *self)
{
    while (self->gathered != NULL) {
        struct tr_msg *m = self->gathered;
        self->gathered = m->next;
        msg_unref(&self->worker->msgs, m);
    }
}

/* How many are open; makes self the one to be woken. ESTATE: one is not self's. */
static tr_err asks_attach(struct tr_self *self, const tr_pending *pending, size_t n, uint32_t *open, bool *failed)
{
    *open = 0;
    *failed = false;
    for (size_t i = 0; i < n; i++) {
        struct ask *a = ask_of(self, pending[i]);
        if (a == NULL || a->then != NULL)
            return error_set(self, TR_ESTATE, "gather", "ask %zu was collected before, or is another actor's", i);
        if (a->waiter == self)
            return error_set(self, TR_EINVAL, "gather", "ask %zu stands there twice", i);
        ask_adopt(self, a);
        *open += ask_state(a) == ASK_OPEN;
        *failed = *failed || (ask_state(a) == ASK_DONE && a->err != TR_OK);
    }
    return TR_OK;
}

static void asks_detach(struct tr_self *self, const tr_pending *pending, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ask *a = ask_of(self, pending[i]);
        if (a != NULL)
            ask_let_go(self->worker, a);
    }
}

/* Waits until wait.left asks have come, or, failing fast, one has failed. */
static tr_err asks_wait(struct tr_self *self, const tr_pending *pending, size_t n, uint32_t left, bool all,
                        bool fail_fast)
{
    tr_err err = deadlock_check_asks(self, pending, n, all, INT64_MAX);
    self->wait = (struct wait){ .kind = WAIT_ASKS,
                                .all = all,
                                .fail_fast = fail_fast,
                                .n = (uint32_t) n,
                                .left = left,
                                .deadline = INT64_MAX,
                                .pending = pending };
    gate_enter(&self->worker->gate);
    probe_note(self);
    while (err == TR_OK && self->wait.left > 0) {
        if (probe_found(self))
            err = TR_EDEADLK;
        else if (self_is_canceled(self))
            err = error_set(self, TR_ECANCELED, "gather", "cancelled: %s", self_cancel_reason(self));
        else
            err = worker_suspend(self);
    }
    self->wait.kind = WAIT_NONE;
    probe_forget(self);
    gate_leave(&self->worker->gate);
    return err;
}

static const char *outcome_text(const struct ask *a)
{
    if (a->reply != NULL)
        return msg_error_text(a->reply);
    return a->err == TR_ETIMEDOUT ? "no answer came before the deadline" : tr_err_text(a->err);
}

/* Collects one into its outcome; the words and replies live in the list of gathered ones. */
static void outcome_take(struct tr_self *self, struct ask *a, tr_outcome *out)
{
    if (ask_state(a) == ASK_OPEN)
        *out = (tr_outcome){ TR_ECANCELED, NULL, "cancelled, since another failed" };
    else if (a->err == TR_OK)
        *out = (tr_outcome){ TR_OK, a->reply, NULL };
    else
        *out = (tr_outcome){ a->err, NULL, outcome_text(a) };
    if (ask_state(a) == ASK_DONE && a->reply != NULL) {
        a->reply->next = self->gathered;
        self->gathered = a->reply;
        a->reply = NULL;
    }
    list_remove(&a->link);
    ask_end(self->worker, a);
}

/* The failure that came first. */
static struct ask *first_failed(struct tr_self *self, const tr_pending *pending, size_t n)
{
    struct ask *first = NULL;
    for (size_t i = 0; i < n; i++) {
        struct ask *a = ask_of(self, pending[i]);
        if (ask_state(a) == ASK_DONE && a->err != TR_OK && (first == NULL || a->order < first->order))
            first = a;
    }
    return first;
}

static tr_err gather_verdict(struct tr_self *self, const tr_pending *pending, size_t n)
{
    struct ask *a = first_failed(self, pending, n);
    if (a == NULL)
        return TR_OK;
    if (a->reply != NULL)
        return error_take(self, a->err, "gather", msg_ref(a->reply));
    return error_set(self, a->err, "gather", "%s", outcome_text(a));
}

tr_err tr_gather(tr_self *self, const tr_pending *pending, size_t n, tr_gather_mode mode, tr_outcome *outcomes)
{
    uint32_t open;
    bool failed, fast = mode == TR_FAIL_FAST;
    tr_err err = self_enter(self, "gather");
    if (err == TR_ESTATE)
        return err;
    gathered_clear(self);
    tr_err bad = asks_attach(self, pending, n, &open, &failed);
    if (bad != TR_OK) {
        asks_detach(self, pending, n);
        return bad;
    }
    if (err == TR_OK && open > 0 && !(fast && failed))
        err = asks_wait(self, pending, n, open, true, fast);
    if (err == TR_OK && fast)
        err = gather_verdict(self, pending, n);
    for (size_t i = 0; i < n; i++)
        outcome_take(self, ask_of(self, pending[i]), &outcomes[i]);
    return err;
}

/* The one that came first of those not yet collected; *open: how many are still to come. */
static struct ask *next_done(struct tr_self *self, const tr_pending *pending, size_t n, size_t *index, size_t *open)
{
    struct ask *first = NULL;
    *open = 0;
    for (size_t i = 0; i < n; i++) {
        struct ask *a = ask_of(self, pending[i]);
        if (a == NULL || a->then != NULL)
            continue;
        ask_adopt(self, a);
        *open += ask_state(a) == ASK_OPEN;
        if (ask_state(a) == ASK_DONE && (first == NULL || a->order < first->order)) {
            first = a;
            *index = i;
        }
    }
    return first;
}

tr_err tr_next(tr_self *self, const tr_pending *pending, size_t n, size_t *index, const tr_msg **reply)
{
    size_t open, which = 0;
    tr_err err = self_enter(self, "next");
    if (err == TR_ESTATE)
        return err;
    struct ask *a = next_done(self, pending, n, &which, &open);
    if (a == NULL && open == 0)
        return error_set(self, TR_ESTATE, "next", "none of the %zu asks is left", n);
    if (a == NULL && err == TR_OK) {
        err = asks_wait(self, pending, n, 1, false, false);
        a = next_done(self, pending, n, &which, &open);
    }
    asks_detach(self, pending, n);
    if (a == NULL)
        return err;
    list_remove(&a->link);
    *index = which;
    return ask_collect(self, a, reply);
}
