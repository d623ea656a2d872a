/* SPDX-License-Identifier: MIT */
/* error.c - the last failing call of a self, in words */
#include "actor/error.h"

#include <stdio.h>
#include <string.h>

#include "actor/cell_ext.h"
#include "actor/table.h"

static struct error_state *error_get(struct tr_self *self)
{
    if (self->error == NULL) {
        self->error = slab_alloc(&self->worker->errors);
        if (self->error != NULL)
            memset(self->error, 0, sizeof *self->error);
    }
    self->run.flags |= SELF_USED;
    return self->error;
}

static void error_drop_msg(struct tr_self *self, struct error_state *e)
{
    if (e->msg != NULL)
        msg_unref(&self->worker->msgs, e->msg);
    e->msg = NULL;
}

tr_err error_setv(struct tr_self *self, tr_err err, const char *phase, const char *fmt, va_list args)
{
    struct error_state *e = error_get(self);
    if (e == NULL)
        return err;
    char text[sizeof e->text]; /* the arguments may point into the old text */
    vsnprintf(text, sizeof text, fmt, args);
    error_drop_msg(self, e);
    memcpy(e->text, text, sizeof text);
    snprintf(e->phase, sizeof e->phase, "%s", phase);
    e->err = err;
    return err;
}

tr_err error_set(struct tr_self *self, tr_err err, const char *phase, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_setv(self, err, phase, fmt, args);
    va_end(args);
    return err;
}

tr_err error_take(struct tr_self *self, tr_err err, const char *phase, struct tr_msg *msg)
{
    if (msg == NULL)
        return error_set(self, err, phase, "%s", tr_err_text(err));
    struct error_state *e = error_get(self);
    if (e == NULL) {
        msg_unref(&self->worker->msgs, msg);
        return err;
    }
    error_drop_msg(self, e);
    e->msg = msg;
    e->err = err;
    return err;
}

struct tr_msg *error_message(struct tr_self *self, tr_err err, const char *phase)
{
    const struct error_state *e = self->error;
    const char *label = cell_label(self->cell);
    struct msg_pool *pool = &self->worker->msgs;
    if (e == NULL || e->err != err)
        return msg_error(pool, err, tr_err_text(err), phase, label, NULL);
    if (e->msg != NULL)
        return msg_error(pool, err, msg_error_text(e->msg), phase, label, e->msg);
    return msg_error(pool, err, e->text, e->phase[0] != '\0' ? e->phase : phase, label, NULL);
}

static void error_list_clear(struct tr_self *self, struct error_state *e)
{
    for (size_t i = 0; i < e->list_len; i++)
        if (e->list[i] != NULL)
            msg_unref(&self->worker->msgs, e->list[i]);
    e->list_len = e->list_total = 0;
}

void error_list_set(struct tr_self *self, struct tr_msg **errors, size_t len, size_t total)
{
    struct error_state *e = total > 0 ? error_get(self) : self->error;
    if (e != NULL) {
        error_list_clear(self, e);
        for (size_t i = 0; i < len; i++)
            e->list[i] = errors[i];
        e->list_len = len;
        e->list_total = total;
        return;
    }
    for (size_t i = 0; i < len; i++)
        if (errors[i] != NULL)
            msg_unref(&self->worker->msgs, errors[i]);
}

void error_free(struct tr_self *self)
{
    struct error_state *e = self->error;
    if (e == NULL)
        return;
    error_drop_msg(self, e);
    error_list_clear(self, e);
    self->error = NULL;
    slab_free(&self->worker->errors, e);
}

const tr_error_info *tr_error(tr_self *self)
{
    static const tr_error_info none = { TR_OK, "no call has failed", "", "", NULL };
    static const tr_error_info unknown = { TR_ENOMEM, "out of memory, also for the words of an error", "", "", NULL };
    struct error_state *e = self->error;
    if (e == NULL)
        return &none;
    if (e->err == TR_OK)
        return &none;
    if (e->msg != NULL)
        return msg_error_read(e->msg, e->chain, ERROR_CHAIN_MAX) > 0 ? e->chain : &unknown;
    e->chain[0] = (tr_error_info){ e->err, e->text, e->phase, self->cell != NULL ? cell_label(self->cell) : "", NULL };
    return e->chain;
}

size_t tr_error_count(tr_self *self)
{
    return self->error != NULL ? self->error->list_total : 0;
}

const tr_error_info *tr_error_at(tr_self *self, size_t i)
{
    static const tr_error_info none = { TR_OK, "no such error", "", "", NULL };
    struct error_state *e = self->error;
    if (e == NULL || i >= e->list_len || e->list[i] == NULL ||
        msg_error_read(e->list[i], e->item, ERROR_CHAIN_MAX) == 0)
        return &none;
    return e->item;
}

tr_err tr_fail_with(tr_self *self, tr_err err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_setv(self, err, self->row != NULL ? self->row->def->tag : "", fmt, args);
    va_end(args);
    return err;
}
