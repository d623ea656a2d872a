/* SPDX-License-Identifier: MIT */
/* scope.c - structured concurrency: what is started inside has ended when it returns */
#include <string.h>

#include "actor/ask.h"
#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/deadlock.h"
#include "actor/scope_kernel.h"
#include "actor/stop.h"
#include "base/clock.h"

#define GRACE_MS_DEFAULT 5000

/* ---- cancelling ---- */

static void grace_over(struct worker *w, struct timer *t, int64_t now)
{
    (void) now;
    struct scope *s = list_entry(t, struct scope, grace);
    char text[CELL_TEXT_MAX];
    for (const struct cell *c = s->owner.first; c != NULL; c = c->sibling_next)
        log_line(&w->world->log, TR_LOG_WARN, "%s did not end within the grace of scope %s: killed",
                 cell_text_any(w, c, text), s->name != NULL ? s->name : "(no name)");
    owner_kill_children(w, &s->owner, "it did not end within the grace after a cancel");
}

static void scope_cancel_children(struct worker *w, struct scope *s)
{
    owner_cancel_children(w, &s->owner, s->reason);
    int64_t until = clock_after_ms(worker_now(w), s->grace_ms);
    if (s->owner.count > 0 && until != INT64_MAX && !heap_has(&s->grace.node))
        (void) timer_arm(w, &s->grace, until); /* without memory: no kill, the wait goes on */
}

/* Whether inner lies inside outer with no shield between. */
static bool reaches(const struct scope *outer, const struct scope *inner)
{
    for (; inner != NULL && inner != outer; inner = inner->outer)
        if (inner->shield)
            return false;
    return inner == outer;
}

void scope_cancel(struct worker *w, struct scope *s, const char *reason)
{
    if (s->canceled)
        return;
    s->canceled = true;
    snprintf(s->reason, sizeof s->reason, "%s", reason != NULL ? reason : "cancelled");
    for (struct scope *inner = s->self->scope; inner != NULL; inner = inner->outer) {
        if (reaches(s, inner)) {
            inner->cut_short = inner->cut_short || (inner != s && inner->owner.count > 0);
            scope_cancel_children(w, inner);
        }
        if (inner == s)
            break;
    }
    if (w->self != s->self) {
        ask_wait_canceled(w, s->self);
        worker_wake(w, s->self);
    }
}

void scope_time_out(struct worker *w, struct scope *s)
{
    if (s->canceled)
        return;
    s->timed_out = true;
    s->cut_short = s->owner.count > 0;
    scope_cancel(w, s, "the scope's deadline came");
}

static void deadline_come(struct worker *w, struct timer *t, int64_t now)
{
    (void) now;
    scope_time_out(w, list_entry(t, struct scope, timer));
}

/* ---- children ---- */

static void scope_note_error(struct worker *w, struct scope *s, struct tr_msg *error)
{
    s->errors_total++;
    if (s->errors_len < ERROR_LIST_MAX)
        s->errors[s->errors_len++] = error;
    else if (error != NULL)
        msg_unref(&w->msgs, error);
}

void scope_child_ended(struct worker *w, struct scope *s, struct cell *c, struct outcome *out)
{
    (void) c;
    if (out == NULL || out->err == TR_OK || out->err == TR_ECANCELED || out->told)
        return;
    if (!s->child_failed)
        s->first_err = out->err;
    s->child_failed = true;
    scope_note_error(w, s, out->error != NULL ? msg_ref(out->error) : NULL);
    if (!s->keep_going)
        scope_cancel(w, s, "another actor in the scope failed");
}

/* ---- opening and closing ---- */

static tr_err opts_check(struct tr_self *self, const tr_scope_opts *opts)
{
    if (opts == NULL)
        return TR_OK;
    if (opts->size != sizeof *opts)
        return error_set(self, TR_EINVAL, "scope", "opts.size is %zu, not sizeof(tr_scope_opts) = %zu", opts->size,
                         sizeof *opts);
    if (opts->timeout_ms < TR_FOREVER || opts->grace_ms < 0)
        return error_set(self, TR_EINVAL, "scope", "a negative time");
    if (opts->shield && opts->timeout_ms <= 0)
        return error_set(self, TR_EINVAL, "scope", "a shield needs a timeout_ms, or nothing could ever stop it");
    return TR_OK;
}

static tr_err fn_missing(struct tr_self *self)
{
    return error_set(self, TR_EINVAL, "scope", "no function to run in the scope");
}

static tr_err scope_open(struct tr_self *self, const tr_scope_opts *opts, bool zero_is_now, struct scope **scope)
{
    struct worker *w = self->worker;
    struct scope *s = slab_alloc(&w->scopes);
    if (s == NULL)
        return error_set(self, TR_ENOMEM, "scope", "out of memory");
    memset(s, 0, offsetof(struct scope, errors));
    owner_init(&s->owner, self->cell, s);
    s->outer = self->scope;
    s->self = self;
    s->deadline = INT64_MAX;
    s->grace_ms = GRACE_MS_DEFAULT;
    s->timer.fire = deadline_come;
    s->grace.fire = grace_over;
    s->reason[0] = '\0';
    if (opts != NULL) {
        s->name = opts->name;
        s->shield = opts->shield;
        s->keep_going = opts->keep_going;
        s->until_stop = opts->until_stop;
        s->moved_on = opts->moved_on;
        if (opts->grace_ms > 0)
            s->grace_ms = opts->grace_ms;
        if (opts->timeout_ms > 0 || (zero_is_now && opts->timeout_ms == 0))
            s->deadline = clock_after_ms(tr_now(self), opts->timeout_ms);
    }
    if (s->deadline != INT64_MAX && !timer_arm(w, &s->timer, s->deadline)) {
        slab_free(&w->scopes, s);
        return error_set(self, TR_ENOMEM, "scope", "out of memory");
    }
    self->scope = s;
    self->run.flags |= SELF_USED;
    *scope = s;
    if (s->until_stop && tr_is_stopping(self))
        stop_scope_inside(w, s, tr_stop_reason(self));
    return TR_OK;
}

static void scope_free(struct worker *w, struct scope *s)
{
    timer_disarm(w, &s->timer);
    timer_disarm(w, &s->grace);
    timer_disarm(w, &s->stop);
    owner_fini(w, &s->owner);
    slab_free(&w->scopes, s);
}

void scope_dissolve(struct worker *w, struct scope *s, struct owner *owner)
{
    s->owner.waiter = NULL;
    if (owner != NULL) {
        owner_cancel_children(w, &s->owner, "its scope is gone");
        owner_move_children(owner, &s->owner);
    }
    for (size_t i = 0; i < s->errors_len; i++)
        if (s->errors[i] != NULL)
            msg_unref(&w->msgs, s->errors[i]);
    scope_free(w, s);
}

/* Its own deadline, or a request to stop, cut it short, and nothing from outside did. */
static tr_err cut_short(struct tr_self *self, struct scope *s)
{
    if (s->stopped)
        return TR_STOP;
    if (s->moved_on == NULL)
        return error_set(self, TR_ETIMEDOUT, "scope", "the deadline of scope %s came before it was done",
                         s->name != NULL ? s->name : "(no name)");
    *s->moved_on = true;
    return TR_OK;
}

/* What the scope comes to, given how its body ended. An outside cancel is told as that, whatever else came. */
static tr_err scope_verdict(struct tr_self *self, struct scope *s, tr_err result)
{
    if (s->child_failed && (result == TR_OK || result == TR_ECANCELED))
        return error_take(self, s->first_err, "scope",
                          s->errors_len > 0 && s->errors[0] != NULL ? msg_ref(s->errors[0]) : NULL);
    bool cut = result == TR_ECANCELED || (result == TR_OK && s->cut_short) || (result == TR_ETIMEDOUT && !s->stopped);
    if (!cut || !(s->timed_out || s->stopped))
        return result;
    if (!self_is_canceled(self))
        return cut_short(self, s);
    return result == TR_ETIMEDOUT ? result
                                  : error_set(self, TR_ECANCELED, "scope", "cancelled: %s", self_cancel_reason(self));
}

/* Waits for the children, leaves, and says how it went. */
static tr_err scope_close(struct tr_self *self, struct scope *s, tr_err result)
{
    struct worker *w = self->worker;
    if (result != TR_OK && result != TR_STOP && s->owner.count > 0)
        scope_cancel(w, s, "the body of the scope failed");
    if (result != TR_OK && result != TR_STOP && result != TR_ECANCELED)
        scope_note_error(w, s, error_message(self, result, "scope"));
    if (s->owner.count > 0) {
        tr_err err = s->canceled ? TR_OK : deadlock_check_children(self, &s->owner);
        if (err != TR_OK)
            scope_cancel(w, s, "waiting for its children would be a deadlock");
        tr_err waited = owner_wait(self, &s->owner, INT64_MAX);
        if (waited == TR_EDEADLK)
            err = waited;
        else if (waited != TR_OK) { /* no stack for the others: who cannot be waited for here is the actor's */
            scope_cancel(w, s, "out of memory");
            owner_move_children(owner_of(w, self->cell), &s->owner);
        }
        result = err != TR_OK && result == TR_OK ? err : result;
    }
    s->owner.closing = true;
    self->scope = s->outer;
    if (s->moved_on != NULL)
        *s->moved_on = false;
    if ((s->canceled || s->cut_short) && !s->timed_out && !s->child_failed && result == TR_OK && self_is_canceled(self))
        result = error_set(self, TR_ECANCELED, "scope", "cancelled: %s", self_cancel_reason(self));
    result = scope_verdict(self, s, result);
    error_list_set(self, s->errors, s->errors_len, s->errors_total);
    scope_free(w, s);
    return result;
}

void scope_close_left(struct tr_self *self)
{
    char text[CELL_TEXT_MAX];
    struct scope *s = self->scope;
    log_line(&self->worker->world->log, TR_LOG_WARN, "%s left scope %s open: it is cancelled and waited for",
             cell_text(self->cell, text), s->name != NULL ? s->name : "(no name)");
    scope_cancel(self->worker, s, "the call that opened it returned");
    (void) scope_close(self, s, TR_ECANCELED);
}

/* Those that a function began in s and did not end. */
static void close_left_inside(struct tr_self *self, const struct scope *s)
{
    while (self->scope != s)
        scope_close_left(self);
}

tr_err tr_scope_run(tr_self *self, const tr_scope_opts *opts, tr_scope_fn *fn, void *arg)
{
    struct scope *s;
    if (!self_is_current(self))
        return TR_ESTATE;
    if (fn == NULL)
        return fn_missing(self);
    tr_err err = opts_check(self, opts);
    if (err == TR_OK)
        err = scope_open(self, opts, false, &s);
    if (err != TR_OK)
        return err;
    s->runs = true;
    err = fn(self, (tr_scope *) s, arg);
    close_left_inside(self, s);
    return scope_close(self, s, err);
}

tr_err scope_run_under(tr_self *self, const tr_scope_opts *opts, tr_body_fn *fn, void *arg)
{
    struct scope *s;
    if (!self_is_current(self))
        return TR_ESTATE;
    if (fn == NULL)
        return fn_missing(self);
    tr_err err = scope_open(self, opts, true, &s);
    if (err != TR_OK)
        return err;
    s->runs = true;
    err = fn(self, arg);
    close_left_inside(self, s);
    return scope_close(self, s, err);
}

tr_err tr_within(tr_self *self, int64_t timeout_ms, tr_body_fn *fn, void *arg)
{
    tr_scope_opts opts = { .size = sizeof opts,
                           .name = "tr_within",
                           .timeout_ms = timeout_ms < 0 ? TR_FOREVER : timeout_ms };
    return scope_run_under(self, &opts, fn, arg);
}

tr_err tr_shield(tr_self *self, int64_t timeout_ms, tr_body_fn *fn, void *arg)
{
    tr_scope_opts opts = { .size = sizeof opts, .name = "tr_shield", .timeout_ms = timeout_ms, .shield = true };
    if (self_is_current(self) && timeout_ms < 0)
        return error_set(self, TR_EINVAL, "shield", "a shield needs a timeout, or nothing could ever stop it");
    return scope_run_under(self, &opts, fn, arg);
}

tr_err tr_scope_begin(tr_self *self, const tr_scope_opts *opts, tr_scope **scope)
{
    struct scope *s;
    if (!self_is_current(self))
        return TR_ESTATE;
    tr_err err = opts_check(self, opts);
    if (err == TR_OK)
        err = scope_open(self, opts, false, &s);
    if (err == TR_OK)
        *scope = (tr_scope *) s;
    return err;
}

tr_err tr_scope_end(tr_self *self, tr_scope **scope, tr_err result)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct scope *s = (struct scope *) *scope;
    if (s == NULL || self->scope != s || s->runs)
        return error_set(self, TR_ESTATE, "scope",
                         "scopes end in reverse order of their beginnings; this is not the innermost open one");
    *scope = NULL;
    return scope_close(self, s, result);
}

/* The call has no result of its own, so that it is said aloud, too. */
static void refused_elsewhere(struct tr_self *self, const struct scope *s)
{
    char text[CELL_TEXT_MAX];
    (void) error_set(self, TR_ESTATE, "scope", "that scope lives on another thread: ask an actor there to cancel it");
    log_line(&self->worker->world->log, TR_LOG_ERROR,
             "%s would cancel scope %s of another thread: refused; ask an actor there to do it",
             cell_text(self->cell, text), s->name != NULL ? s->name : "(no name)");
}

void tr_scope_cancel(tr_self *self, tr_scope *scope, const char *reason)
{
    struct scope *s = (struct scope *) scope;
    if (!self_is_current(self) || s == NULL)
        return;
    if (s->self->worker != self->worker) {
        refused_elsewhere(self, s);
        return;
    }
    gate_enter(&self->worker->gate);
    scope_cancel(self->worker, s, reason);
    gate_leave(&self->worker->gate);
}

size_t tr_scope_count(const tr_scope *scope)
{
    return ((const struct scope *) scope)->owner.count;
}
