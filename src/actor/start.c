/* SPDX-License-Identifier: MIT */
/* start.c - a start handshake: spawn, and wait until the new actor says that it is ready
 *
 * It is an ask. The request is not left in the mailbox, where user code would see it, but taken out of it before the
 * new actor runs, and kept with it (cell_ext.start) until tr_ready answers it. So deadlines, cancels, deadlocks, and
 * whatever may become of either side are those of any ask, and the only thing to be added is that an asker who gives up
 * takes the new actor with it (note.c). */
#include "actor/start.h"

#include "actor/ask.h"
#include "actor/cancel.h"
#include "actor/end.h"
#include "actor/error.h"
#include "actor/mailbox.h"
#include "actor/scope_kernel.h"
#include "actor/spawn.h"

#define START_GRACE_MS 5000 /* for an actor whose start was given up, before it is killed */

/* ---- the one who starts ---- */

struct giving_up {
    tr_addr who;
    bool killed;
};

/* Runs in a shield: the wait is bounded by the kill. */
static tr_err see_it_end(tr_self *self, void *arg)
{
    struct giving_up *g = arg;
    if (tr_cancel_wait(self, g->who, "it did not start", START_GRACE_MS) != TR_ETIMEDOUT)
        return TR_OK;
    g->killed = true;
    (void) !tr_join(self, g->who, NULL);
    return TR_OK;
}

static tr_err start_failed(struct tr_self *self, tr_addr who, tr_err err)
{
    struct giving_up g = { who, false };
    if (!tr_is_alive(self, who))
        return err;
    if (tr_shield(self, INT64_MAX, see_it_end, &g) != TR_OK) /* no memory for the shield: its owner waits for it */
        return error_set(self, err, "start", "out of memory while the new actor was given up");
    if (g.killed)
        error_set(self, err, "start", "given up; the new actor did not end within %d ms: killed", START_GRACE_MS);
    return err;
}

/* Asks the new actor, which has not run, and puts the request where tr_ready finds it. */
static tr_err start_ask(struct tr_self *self, struct cell *c, int64_t timeout_ms, tr_pending *pending)
{
    struct ask *ask;
    struct tr_msg *request;
    const tr_value tag = tr_str("start");
    tr_err err = ask_prepare(self, cell_id(c), timeout_ms, &tag, 1, &ask, &request);
    if (err != TR_OK)
        return err;
    c->ext->start = request;
    list_push(&self->asks, &ask->link);
    self->run.flags |= SELF_USED;
    *pending = (tr_pending){ ask, ask->seq };
    return TR_OK;
}

/* In the gate, so that it does not move before it has its request. */
static tr_err start_spawn(struct tr_self *self, const tr_spawn_opts *opts, int64_t timeout_ms, tr_pending *pending,
                          tr_addr *who)
{
    char why[192];
    struct cell *c;
    struct worker *w = self->worker;
    tr_spawn_opts held = *opts;
    held.flags |= SPAWN_HELD;
    struct owner *owner = spawn_owner(self, opts->scope, opts->flags);
    if (owner == NULL)
        return error_set(self, TR_ENOMEM, "start", "out of memory");
    tr_err err = spawn_actor(w, owner, &held, false, &c, why, sizeof why);
    if (err != TR_OK) {
        error_set(self, err, "start", "%s", why);
        return err;
    }
    *who = cell_addr(c);
    err = start_ask(self, c, timeout_ms, pending);
    if (err == TR_OK) {
        spawn_launch(w, c, opts);
        return TR_OK;
    }
    end_mark(w, c, TR_ECANCELED, NULL); /* it ends without having run, and has not failed */
    worker_ready(w, &c->run);
    return err;
}

tr_err tr_start_with(tr_self *self, const tr_spawn_opts *opts, int64_t timeout_ms, tr_addr *to, const tr_msg **value)
{
    tr_addr who;
    tr_pending pending = { 0 };
    tr_err err = self_enter(self, "start");
    if (err != TR_OK)
        return err;
    if (opts == NULL)
        return error_set(self, TR_EINVAL, "start", "no options");
    if (opts->scope != NULL && ((struct scope *) opts->scope)->self->worker != self->worker)
        return error_set(
            self, TR_EINVAL, "start",
            "that scope lives on another worker: only actors that share its worker can start others in it");
    gate_enter(&self->worker->gate);
    err = start_spawn(self, opts, timeout_ms, &pending, &who);
    gate_leave(&self->worker->gate);
    if (err != TR_OK)
        return err;
    err = tr_await(self, pending, value);
    if (err != TR_OK)
        return start_failed(self, who, err);
    if (to != NULL)
        *to = who;
    return TR_OK;
}

tr_err tr_start_body(tr_self *self, tr_scope *scope, tr_body_fn *body, void *arg, tr_addr *to, const tr_msg **value)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .body = body, .arg = arg, .scope = scope };
    return tr_start_with(self, &opts, TR_FOREVER, to, value);
}

tr_err tr_start_behaviour(tr_self *self, tr_scope *scope, const tr_behaviour *behaviour, void *arg, tr_addr *to,
                          const tr_msg **value)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .behaviour = behaviour, .arg = arg, .scope = scope };
    return tr_start_with(self, &opts, TR_FOREVER, to, value);
}

/* ---- the one who is started ---- */

tr_err tr_ready_values(tr_self *self, const tr_value *values, size_t n)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct cell_ext *ext = self->cell->ext;
    struct tr_msg *request = ext != NULL ? ext->start : NULL;
    if (request == NULL && ext != NULL && ext->was_ready)
        return error_set(self, TR_ESTATE, "ready", "this actor has said before that it is ready");
    if (request == NULL)
        return TR_OK;
    if (!ask_is_owed(request))
        return error_set(self, TR_ECANCELED, "ready", "whoever started this actor has given up");
    tr_err err = tr_reply_values(self, request, values, n);
    if (err != TR_OK)
        return err;
    ext->start = NULL;
    ext->was_ready = true;
    msg_unref(&self->worker->msgs, request);
    return TR_OK;
}

void start_settle(struct worker *w, struct cell *c, tr_err err)
{
    struct tr_msg *request = c->ext != NULL ? c->ext->start : NULL;
    if (request == NULL)
        return;
    c->ext->start = NULL;
    struct tr_msg *words = c->ext->end_error;
    if (!ask_is_owed(request)) {
        msg_is_answered(request);
    } else if (err == TR_OK || err == TR_STOP) {
        ask_answer_error(w, request, TR_ENOREPLY, "it ended before it said that it was ready", "start", cell_label(c));
    } else if (err == TR_ECANCELED) {
        ask_answer_error(w, request, TR_EDOWN, "it was cancelled before it was ready", "start", cell_label(c));
    } else {
        c->ext->start_told = true;
        struct tr_msg *copy = words != NULL ? msg_share(&w->msgs, words) : NULL; /* its way needs a header of its own */
        if (copy != NULL)
            copy->kind = MSG_ERROR;
        ask_answer_error_msg(w, request, err, copy);
    }
    msg_unref(&w->msgs, request);
}
