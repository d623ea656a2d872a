/* SPDX-License-Identifier: MIT */
/* call.c - what belongs to one call of user code: its message, temporary memory, defers, scopes, asks */
#include "actor/call.h"

#include <string.h>

#include "actor/ask.h"
#include "actor/cell_ext.h"
#include "actor/deadletter.h"
#include "actor/error.h"
#include "actor/scope_kernel.h"
#include "actor/table.h"
#include "base/alloc.h"
#include "base/clock.h"

struct temp {
    struct temp *next;
    _Alignas(max_align_t) char data[];
};

struct defer {
    struct defer *next;
    void (*fn)(void *arg);
    void *arg;
};

void *memory_alloc(struct temp **list, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct temp))
        return NULL;
    struct temp *t = mem_zalloc(sizeof *t + size);
    if (t == NULL)
        return NULL;
    t->next = *list;
    *list = t;
    return t->data;
}

void memory_free(struct temp **list)
{
    while (*list != NULL) {
        struct temp *t = *list;
        *list = t->next;
        mem_free(t);
    }
}

void *tr_temp(tr_self *self, size_t size)
{
    if (!self_is_current(self))
        return NULL;
    self->run.flags |= SELF_USED;
    return memory_alloc(&self->temps, size);
}

void *tr_alloc(tr_self *self, size_t size)
{
    if (!self_is_current(self))
        return NULL;
    struct cell_ext *ext = cell_ext_get(self->worker, self->cell);
    return ext != NULL ? memory_alloc(&ext->memory, size) : NULL;
}

tr_err tr_defer(tr_self *self, void (*fn)(void *arg), void *arg)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct defer *d = mem_alloc(sizeof *d);
    if (d == NULL) {
        fn(arg);
        return error_set(self, TR_ENOMEM, "defer", "out of memory; it was called at once");
    }
    self->run.flags |= SELF_USED;
    *d = (struct defer){ self->defers, fn, arg };
    self->defers = d;
    return TR_OK;
}

void call_undefer(struct tr_self *self, void (*fn)(void *arg), const void *arg)
{
    for (struct defer **at = &self->defers; *at != NULL; at = &(*at)->next) {
        struct defer *d = *at;
        if (d->fn != fn || d->arg != arg)
            continue;
        *at = d->next;
        mem_free(d);
        return;
    }
}

/* Out of the gate, as all code of users: who is stuck in here can be helped. */
static void defers_run(struct tr_self *self)
{
    unsigned depth = gate_open(&self->worker->gate);
    while (self->defers != NULL) {
        struct defer d = *self->defers;
        mem_free(self->defers); /* first: fn may end the actor, and not come back */
        self->defers = d.next;
        d.fn(d.arg);
    }
    gate_close(&self->worker->gate, depth);
}

/* ---- the message ---- */

static void answer_for(struct tr_self *self, struct tr_msg *m, tr_err err)
{
    const char *label = cell_label(self->cell);
    if (err == TR_OK || err == TR_STOP)
        ask_answer_error(self->worker, m, TR_ENOREPLY, "the receiver finished with the request and did not answer it",
                         tr_tag(m), label);
    else if (err == TR_ECANCELED) /* to the asker this would say that it was cancelled itself */
        ask_answer_error(self->worker, m, TR_EDOWN, "the receiver was cancelled before it answered", tr_tag(m), label);
    else
        ask_answer_error_msg(self->worker, m, err, error_message(self, err, tr_tag(m)));
}

void call_release_message_slow(struct tr_self *self, tr_err err)
{
    struct tr_msg *m = self->received;
    self->received = NULL;
    if ((m->flags & (MSG_OWED | MSG_KEPT)) == MSG_OWED)
        answer_for(self, m, err);
    else if (err != TR_OK && err != TR_STOP && !(m->flags & MSG_KEPT))
        deadletter_note(self->worker, TR_DEAD_FAILED, m, m->to);
    msg_unref(&self->worker->msgs, m);
}

static void scopes_leave_open(struct tr_self *self)
{
    struct worker *w = self->worker;
    char text[CELL_TEXT_MAX];
    log_line(&w->world->log, TR_LOG_WARN, "%s left a scope open: its children are cancelled",
             cell_text(self->cell, text));
    struct owner *owner = owner_of(w, self->cell);
    while (self->scope != NULL) {
        struct scope *s = self->scope;
        self->scope = s->outer;
        scope_dissolve(w, s, owner);
    }
}

void call_release_scopes(struct tr_self *self)
{
    if (self->scope != NULL)
        scopes_leave_open(self);
    if (!list_is_empty(&self->asks))
        ask_end_started(self);
}

void call_release_rest_slow(struct tr_self *self)
{
    self->run.flags &= ~(uint32_t) SELF_ASKER_GONE;
    call_release_scopes(self);
    if (self->defers != NULL)
        defers_run(self);
    if (self->temps != NULL)
        memory_free(&self->temps);
    error_clear(self);
    self->run.flags &= ~(
        uint32_t) SELF_USED; /* last: a defer may end the actor, and then the rest is still to be done */
}

/* ---- a stack between calls ---- */

void self_init(struct tr_self *self, struct worker *w, bool fresh)
{
    if (fresh)
        memset((char *) self + sizeof(struct coro), 0, sizeof *self - sizeof(struct coro));
    self->worker = w;
    self->run.flags = 0;
    list_init(&self->asks);
    list_init(&self->far);
}

void self_strip(struct tr_self *self)
{
    struct worker *w = self->worker;
    if (self->reply != NULL)
        msg_unref(&w->msgs, self->reply);
    self->reply = NULL;
    while (self->gathered != NULL) {
        struct tr_msg *m = self->gathered;
        self->gathered = m->next;
        msg_unref(&w->msgs, m);
    }
    if (self->error != NULL)
        error_free(self);
}
