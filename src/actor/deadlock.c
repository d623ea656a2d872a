/* SPDX-License-Identifier: MIT */
/* deadlock.c - a wait that would close a cycle is an error, told before it begins */
#include "actor/deadlock.h"

#include <stdio.h>
#include <string.h>

#include "actor/ask.h"
#include "actor/error.h"

#include "actor/cell_ext.h"
#include "actor/scope_kernel.h"
#include "actor/table.h"

struct search {
    const struct tr_self *self;
    int64_t deadline;
    unsigned visits, depth;
    const struct cell *path[DEADLOCK_DEPTH + 1]; /* found: from the first actor to self's, deepest last */
    unsigned path_len;
};

static bool leads_home(struct search *s, uint64_t id);

/* An ask ends by its own deadline. One of self's own (depth 0) sets the time that the others' are compared with. */
static bool ask_leads_home(struct search *s, const struct ask *a)
{
    int64_t deadline = s->deadline;
    if (ask_state(a) != ASK_OPEN || (s->depth > 0 && ask_patience(a) < deadline))
        return false;
    if (s->depth == 0 && ask_patience(a) < deadline)
        s->deadline = ask_patience(a);
    bool home = leads_home(s, a->holder);
    s->deadline = deadline;
    return home;
}

static bool asks_lead_home(struct search *s, const struct tr_pending *pending, size_t n, bool all)
{
    size_t open = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ask *a = pending[i].ask;
        if (a == NULL || !ask_is(a, pending[i].seq))
            continue;
        open++;
        if (ask_leads_home(s, a) == all)
            return all;
    }
    return open > 0 && !all;
}

static bool item_leads_home(struct search *s, const struct tr_wait_item *item)
{
    if (item->kind == TR_WAIT_REPLY)
        return asks_lead_home(s, &item->pending, 1, true);
    return item->kind == TR_WAIT_END && leads_home(s, item->actor.actor);
}

static bool items_lead_home(struct search *s, const struct tr_wait_item *items, size_t n, bool all)
{
    for (size_t i = 0; i < n; i++)
        if (!items[i].done && item_leads_home(s, &items[i]) == all)
            return all;
    return !all;
}

static bool children_lead_home(struct search *s, const struct owner *o)
{
    for (const struct cell *c = o->first; c != NULL; c = c->sibling_next)
        if (leads_home(s, cell_id(c)))
            return true;
    return false;
}

/* The earliest deadline of a stack's scopes, which ends whatever it waits for. */
int64_t deadlock_scopes_deadline(const struct tr_self *self)
{
    int64_t deadline = INT64_MAX;
    for (const struct scope *sc = self->scope; sc != NULL; sc = sc->shield ? NULL : sc->outer)
        if (sc->deadline < deadline)
            deadline = sc->deadline;
    return deadline;
}

static bool wait_leads_home(struct search *s, const struct tr_self *blocked)
{
    const struct wait *wait = &blocked->wait;
    if ((wait->kind != WAIT_ASK && wait->deadline < s->deadline) || deadlock_scopes_deadline(blocked) < s->deadline)
        return false;
    switch (wait->kind) {
    case WAIT_ASK:
        return ask_leads_home(s, wait->ask);
    case WAIT_ASKS:
        return asks_lead_home(s, wait->pending, wait->n, wait->all);
    case WAIT_ITEMS:
        return items_lead_home(s, wait->items, wait->n, wait->all);
    case WAIT_ROOM:
    case WAIT_END:
        return leads_home(s, wait->target);
    case WAIT_CHILDREN:
        return children_lead_home(s, wait->owner);
    default:
        return false;
    }
}

/* The stack that keeps an actor from its mailbox, if it is suspended and nobody has woken it. */
const struct tr_self *deadlock_blocked_stack(const struct cell *c)
{
    if (!(c->run.flags & CELL_BUSY) || (c->run.flags & CELL_WANTS_MAIL))
        return NULL;
    for (const struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        if (c->table == NULL || (s->run.flags & SELF_HELD))
            return s->run.flags & CELL_QUEUED ? NULL : s;
    return NULL;
}

static bool leads_home(struct search *s, uint64_t id)
{
    const struct cell *c = cell_find(s->self->worker, id);
    if (c == NULL || s->depth >= DEADLOCK_DEPTH || s->visits++ >= DEADLOCK_VISITS)
        return false;
    bool home = c == s->self->cell;
    if (!home) {
        const struct tr_self *blocked = deadlock_blocked_stack(c);
        s->depth++;
        if (blocked != NULL)
            home = wait_leads_home(s, blocked);
        else if (c->ext != NULL && c->ext->stands_for != 0)
            home = leads_home(s, c->ext->stands_for);
        s->depth--;
    }
    if (home && s->path_len < DEADLOCK_DEPTH)
        s->path[s->path_len++] = c;
    return home;
}

/* "a <1.1> waits for b <2.1> waits for a <1.1>"; the path was noted from its end. */
static void chain_print(const struct search *s, char *chain, size_t size)
{
    char text[CELL_TEXT_MAX];
    int len = snprintf(chain, size, "deadlock: %s", cell_text(s->self->cell, text));
    for (unsigned i = s->path_len; i > 0 && len > 0 && (size_t) len < size; i--)
        len += snprintf(chain + len, size - (size_t) len, " waits for %s",
                        cell_text_any(s->self->worker, s->path[i - 1], text));
}

static tr_err deadlock_error(const struct search *s, struct tr_self *self, const char *phase)
{
    char chain[DEADLOCK_TEXT_MAX];
    chain_print(s, chain, sizeof chain);
    return error_set(self, TR_EDEADLK, phase, "%s", chain);
}

static struct search search_of(const struct tr_self *self, int64_t deadline)
{
    int64_t scopes = deadlock_scopes_deadline(self);
    return (struct search){ .self = self, .deadline = scopes < deadline ? scopes : deadline };
}

/* A handler whose row is reentrant does not keep its actor from the mailbox. */
bool deadlock_is_reachable(const struct tr_self *self)
{
    return self->cell->table != NULL && self->row != NULL && (self->row->flags & TR_REENTRANT);
}

tr_err deadlock_check_slow(struct tr_self *self, uint64_t id, int64_t deadline, const char *phase)
{
    struct gate *gate = &self->worker->gate;
    struct search s = search_of(self, deadline);
    gate_enter(gate);
    bool home = !deadlock_is_reachable(self) && leads_home(&s, id);
    gate_leave(gate);
    return home ? deadlock_error(&s, self, phase) : TR_OK;
}

bool deadlock_is_closed_by(const struct tr_self *waiter, uint64_t id, int64_t deadline, char *chain, size_t size)
{
    struct gate *gate = &waiter->worker->gate;
    struct search s = search_of(waiter, deadline);
    gate_enter(gate);
    bool home = !deadlock_is_reachable(waiter) && leads_home(&s, id);
    gate_leave(gate);
    if (home)
        chain_print(&s, chain, size);
    return home;
}

tr_err deadlock_check_asks(struct tr_self *self, const struct tr_pending *pending, size_t n, bool all, int64_t deadline)
{
    struct gate *gate = &self->worker->gate;
    struct search s = search_of(self, deadline);
    gate_enter(gate);
    bool home = !deadlock_is_reachable(self) && asks_lead_home(&s, pending, n, all);
    gate_leave(gate);
    return home ? deadlock_error(&s, self, all ? "gather" : "wait") : TR_OK;
}

tr_err deadlock_check_items(struct tr_self *self, const struct tr_wait_item *items, size_t n, bool all,
                            int64_t deadline)
{
    struct gate *gate = &self->worker->gate;
    struct search s = search_of(self, deadline);
    gate_enter(gate);
    bool home = !deadlock_is_reachable(self) && items_lead_home(&s, items, n, all);
    gate_leave(gate);
    return home ? deadlock_error(&s, self, "wait") : TR_OK;
}

tr_err deadlock_check_children(struct tr_self *self, const struct owner *o)
{
    struct gate *gate = &self->worker->gate;
    struct search s = { .self = self, .deadline = INT64_MAX };
    gate_enter(gate);
    bool home = !deadlock_is_reachable(self) && children_lead_home(&s, o);
    gate_leave(gate);
    return home ? deadlock_error(&s, self, "scope") : TR_OK;
}
