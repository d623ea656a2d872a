/* SPDX-License-Identifier: MIT */
/* owner.c - who answers for whom, and what became of those who have ended */
#include "actor/owner.h"

#include "actor/cell_ext.h"
#include "actor/scope_kernel.h"

void owner_init(struct owner *o, struct cell *cell, struct scope *scope)
{
    *o = (struct owner){ .cell = cell, .scope = scope };
    list_init(&o->records);
}

struct owner *owner_of(struct worker *w, struct cell *c)
{
    if (c->owned == NULL) {
        c->owned = slab_alloc(&w->owners);
        if (c->owned != NULL)
            owner_init(c->owned, c, NULL);
    }
    return c->owned != NULL ? c->owned : &w->root;
}

void owner_add(struct owner *o, struct cell *c)
{
    c->owner = o;
    c->sibling_prev = NULL;
    c->sibling_next = o->first;
    if (o->first != NULL)
        o->first->sibling_prev = c;
    o->first = c;
    o->count++;
}

void owner_remove(struct owner *o, struct cell *c)
{
    if (c->sibling_prev != NULL)
        c->sibling_prev->sibling_next = c->sibling_next;
    else
        o->first = c->sibling_next;
    if (c->sibling_next != NULL)
        c->sibling_next->sibling_prev = c->sibling_prev;
    c->sibling_next = c->sibling_prev = NULL;
    c->owner = NULL;
    o->count--;
}

void owner_move_children(struct owner *to, struct owner *from)
{
    while (from->first != NULL) {
        struct cell *c = from->first;
        owner_remove(from, c);
        owner_add(to, c);
    }
}

/* ---- outcomes ---- */

static struct outcome emergency = { .err = TR_ENOMEM }; /* a failure for which there was no memory is still one */

struct outcome *outcome_new(struct worker *w, tr_err err, struct tr_msg *result, struct tr_msg *error)
{
    struct outcome *o = slab_alloc(&w->outcomes);
    if (o == NULL) {
        if (result != NULL)
            msg_unref(&w->msgs, result);
        if (error != NULL)
            msg_unref(&w->msgs, error);
        return err != TR_OK ? &emergency : NULL;
    }
    *o = (struct outcome){ .result = result, .error = error, .refs = 1, .err = err };
    return o;
}

void outcome_unref(struct worker *w, struct outcome *o)
{
    if (o == NULL || o->refs == 0 || --o->refs > 0)
        return;
    if (o->result != NULL)
        msg_unref(&w->msgs, o->result);
    if (o->error != NULL)
        msg_unref(&w->msgs, o->error);
    slab_free(&w->outcomes, o);
}

struct outcome *outcome_alone(struct worker *w, struct outcome *o)
{
    if (o == NULL || o->refs <= 1)
        return o;
    struct outcome *copy = outcome_new(w, o->err, o->result != NULL ? msg_ref(o->result) : NULL,
                                       o->error != NULL ? msg_ref(o->error) : NULL);
    if (copy != NULL && copy->refs > 0)
        copy->told = o->told;
    outcome_unref(w, o);
    return copy;
}

void failure_report(struct worker *w, uint64_t id, const struct outcome *out)
{
    struct world *world = w->world;
    char addr[TR_ADDR_TEXT_MAX];
    tr_error_info info = { out->err, tr_err_text(out->err), "", "actor", NULL };
    if (out->error != NULL)
        (void) msg_error_read(out->error, &info, 1);
    tr_failure failure = { { 0, id }, info.actor, out->err, info.text };
    if (id != world->told_elsewhere)
        log_line(&world->log, TR_LOG_ERROR, "%s %s failed and nobody joined it: %s: %s", info.actor,
                 tr_addr_text(failure.actor, addr), tr_err_name(out->err), info.text);
    if (world->opts.on_failure == NULL)
        return;
    world_hooks_lock(world);
    world->opts.on_failure(world->opts.ctx, &failure);
    world_hooks_unlock(world);
}

/* ---- records ---- */

void record_seen(struct worker *w, struct record *r)
{
    if (r->unseen)
        r->owner->unseen--;
    r->unseen = false;
    timer_disarm(w, &r->timer);
}

void record_free(struct worker *w, struct record *r)
{
    if (r->unseen)
        failure_report(w, r->id, r->outcome);
    record_seen(w, r);
    list_remove(&r->link);
    r->owner->records_len--;
    outcome_unref(w, r->outcome);
    slab_free(&w->records, r);
}

static void record_grace_over(struct worker *w, struct timer *t, int64_t now)
{
    (void) now;
    struct record *r = list_entry(t, struct record, timer);
    if (!r->unseen)
        return;
    r->unseen = false;
    r->owner->unseen--;
    failure_report(w, r->id, r->outcome);
}

static bool is_failure(const struct outcome *out)
{
    return out != NULL && out->err != TR_OK && out->err != TR_ECANCELED;
}

/* Not one that the starter has been told of. */
static bool is_to_be_told(const struct outcome *out)
{
    return is_failure(out) && !out->told;
}

/* Keeps a record; out of memory, a failure is reported at once instead. */
static void record_add(struct worker *w, struct owner *o, struct cell *c, struct outcome *out)
{
    if (o->records_len >= RECORDS_MAX)
        record_free(w, list_entry(o->records.next, struct record, link));
    struct record *r = slab_alloc(&w->records);
    if (r == NULL) {
        if (is_to_be_told(out) && !(out->err == TR_EKILLED &&
                                    world_is_stopping(w->world))) /* what a stop had to kill has been logged by it */
            failure_report(w, cell_id(c), out);
        outcome_unref(w, out);
        return;
    }
    r->id = cell_id(c);
    r->outcome = out;
    r->owner = o;
    r->unseen = is_to_be_told(out) && o->scope == NULL;
    r->timer.fire = record_grace_over;
    r->timer.node.place = 0;
    r->link.next = r->link.prev = NULL;
    list_push(&o->records, &r->link);
    o->records_len++;
    o->unseen += r->unseen;
    if (r->unseen)
        (void) timer_arm(w, &r->timer,
                         w->now + FAILURE_GRACE_NS); /* without memory: reported when the record is let go */
}

struct record *owner_find(struct owner *o, uint64_t id)
{
    for (struct list *l = o->records.prev; l != &o->records; l = l->prev) {
        struct record *r = list_entry(l, struct record, link);
        if (r->id == id)
            return r;
    }
    return NULL;
}

void owner_fini(struct worker *w, struct owner *o)
{
    while (!list_is_empty(&o->records))
        record_free(w, list_entry(o->records.next, struct record, link));
}

void owner_child_ended(struct worker *w, struct cell *c, struct outcome *out)
{
    struct owner *o = c->owner;
    owner_remove(o, c);
    if (o->cell == NULL && o->scope == NULL) { /* the root: nobody will join */
        if (is_to_be_told(out))
            failure_report(w, cell_id(c), out);
        outcome_unref(w, out);
        return;
    }
    if (o->scope != NULL)
        scope_child_ended(w, o->scope, c, out);
    if (o->closing && o->scope == NULL && !is_failure(out))
        outcome_unref(w, out); /* its owner is ending and will never ask */
    else
        record_add(w, o, c, out);
    if (o->waiter != NULL && o->count == 0)
        worker_wake(w, o->waiter);
}
