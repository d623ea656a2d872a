/* SPDX-License-Identifier: MIT */
/* ender.c - waiting for an actor's end: join, cancel-and-wait, kill */
#include "actor/ender.h"

#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/deadlock.h"
#include "actor/end.h"
#include "actor/error.h"
#include "actor/scope_kernel.h"
#include "base/clock.h"

void ender_tell(struct worker *w, struct cell *c, struct outcome *out)
{
    struct list *l;
    while ((l = list_pop(&c->ext->enders)) != NULL) {
        struct ender *e = list_entry(l, struct ender, link);
        e->outcome = outcome_ref(out);
        e->told = true;
        e->failed = out != NULL && out->err != TR_OK;
        e->self->woken_err = TR_OK;
        e->self->run.flags |= SELF_WOKEN;
        worker_wake(w, e->self);
    }
}

void ender_forget(struct worker *w, struct ender *e)
{
    list_remove(&e->link);
    outcome_unref(w, e->outcome);
}

bool ender_begin(struct worker *w, struct ender *e, struct tr_self *self, struct cell *c, tr_err *err)
{
    *e = (struct ender){ .self = self };
    list_init(&e->link);
    struct cell_ext *ext = cell_ext_get(w, c);
    if (ext == NULL) {
        *err = TR_ENOMEM;
        return false;
    }
    list_push(&ext->enders, &e->link);
    return true;
}

struct record *ender_record(struct tr_self *self, uint64_t id)
{
    struct record *r = NULL;
    for (struct scope *s = self->scope; s != NULL && r == NULL; s = s->outer)
        r = owner_find(&s->owner, id);
    if (r == NULL && self->cell->owned != NULL)
        r = owner_find(self->cell->owned, id);
    return r;
}

/* ---- joining ---- */

static tr_err join_result(struct tr_self *self, const struct outcome *out, const tr_msg **result)
{
    struct worker *w = self->worker;
    if (self->reply != NULL)
        msg_unref(&w->msgs, self->reply);
    self->reply = NULL;
    if (out == NULL || out->err == TR_OK) {
        self->reply = out != NULL && out->result != NULL ? msg_ref(out->result) : NULL;
        if (result != NULL)
            *result = self->reply;
        return TR_OK;
    }
    return error_take(self, out->err, "join", out->error != NULL ? msg_ref(out->error) : NULL);
}

/* Suspends until c has ended, until deadline, or a cancel. *e holds its outcome. */
static tr_err wait_for_end(struct tr_self *self, struct cell *c, int64_t deadline, struct ender *e, const char *phase)
{
    tr_err err = deadlock_check(self, cell_id(c), deadline, phase);
    if (err != TR_OK)
        return err;
    if (!ender_begin(self->worker, e, self, c, &err))
        return error_set(self, err, phase, "out of memory");
    self->wait = (struct wait){ .kind = WAIT_END, .deadline = deadline, .target = cell_id(c), .ender = e };
    err = self_wait_woken(self, deadline);
    if (err != TR_OK)
        list_remove(&e->link);
    return err;
}

static void mark_seen(struct tr_self *self, uint64_t id)
{
    struct record *r = ender_record(self, id);
    if (r != NULL)
        record_seen(self->worker, r);
}

tr_err tr_join(tr_self *self, tr_addr who, const tr_msg **result)
{
    char addr[TR_ADDR_TEXT_MAX];
    struct ender e = { 0 };
    if (!self_is_current(self))
        return TR_ESTATE;
    struct record *r = ender_record(self, who.actor);
    if (r != NULL) {
        record_seen(self->worker, r);
        return join_result(self, r->outcome, result);
    }
    struct cell *c = cell_find(&self->worker->world->cells, who.actor);
    if (c == NULL)
        return error_set(self, TR_ENOPROC, "join", "%s has ended, and this actor holds no record of it",
                         tr_addr_text(who, addr));
    tr_err err = self_enter(self, "join");
    if (err == TR_OK)
        err = wait_for_end(self, c, INT64_MAX, &e, "join");
    if (err == TR_ECANCELED)
        return error_set(self, err, "join", "cancelled: %s", self_cancel_reason(self));
    if (err != TR_OK)
        return err;
    mark_seen(self, who.actor);
    err = join_result(self, e.outcome, result);
    ender_forget(self->worker, &e);
    return err;
}

void tr_forget(tr_self *self, tr_addr who)
{
    struct record *r = self_is_current(self) ? ender_record(self, who.actor) : NULL;
    if (r != NULL)
        record_free(self->worker, r);
}

/* ---- cancelling others ---- */

static struct cell *victim(struct tr_self *self, tr_addr who)
{
    struct cell *c = who.node == 0 ? cell_find(&self->worker->world->cells, who.actor) : NULL;
    return c != NULL && !(c->run.flags & CELL_INTERNAL) ? c : NULL;
}

tr_err tr_cancel(tr_self *self, tr_addr who, const char *reason)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct cell *c = victim(self, who);
    if (c != NULL)
        cell_cancel(self->worker, c, reason);
    return TR_OK;
}

tr_err tr_cancel_wait(tr_self *self, tr_addr who, const char *reason, int64_t timeout_ms)
{
    struct ender e = { 0 };
    tr_err err = self_enter(self, "cancel");
    if (err != TR_OK)
        return err;
    struct cell *c = victim(self, who);
    if (c == NULL)
        return TR_OK;
    if (c == self->cell)
        return error_set(self, TR_EDEADLK, "cancel", "an actor cannot wait for its own end");
    cell_cancel(self->worker, c, reason);
    err = wait_for_end(self, c, timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms), &e, "cancel");
    if (err == TR_OK) {
        mark_seen(self, who.actor);
        ender_forget(self->worker, &e);
    }
    c = err == TR_ETIMEDOUT ? cell_find(&self->worker->world->cells, who.actor) : NULL;
    if (c != NULL) {
        char text[CELL_TEXT_MAX];
        error_set(self, TR_ETIMEDOUT, "cancel", "%s did not end within %lld ms: killed", cell_text(c, text),
                  (long long) timeout_ms);
        cell_kill(self->worker, c, reason);
    }
    return err;
}

tr_err tr_kill(tr_self *self, tr_addr who, const char *reason)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct cell *c = victim(self, who);
    if (c == NULL)
        return TR_OK;
    if (c != self->cell) {
        cell_kill(self->worker, c, reason);
        return TR_OK;
    }
    c->run.flags |= CELL_KILLED;
    end_self(self, TR_EKILLED,
             msg_error(&self->worker->msgs, TR_EKILLED, reason != NULL ? reason : "killed by itself", "kill",
                       cell_label(c), NULL));
}
