/* SPDX-License-Identifier: MIT */
/* snapshot.c - a copy of who is there, what it waits for, and of its stacks, taken while they run */
#include "debug/snapshot.h"

#include <string.h>

#include "actor/ask.h"
#include "actor/cell_ext.h"
#include "actor/scope_kernel.h"
#include "actor/table.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "debug/peek.h"

#define CELLS_AT_ONCE 32
#define TRIES 3

/* ---- room ---- */

/* Makes room for n more; false and out_of_memory: there is none. */
static bool reserve(struct snapshot *s, void **array, size_t *cap, size_t len, size_t n, size_t size)
{
    if (len + n <= *cap)
        return true;
    size_t cap_new = (len + n) * 2 > 64 ? (len + n) * 2 : 64;
    void *bigger = mem_realloc(*array, cap_new * size);
    if (bigger == NULL) {
        s->out_of_memory = true;
        return false;
    }
    *array = bigger;
    *cap = cap_new;
    return true;
}

#define RESERVE(s, what, n) \
    reserve((s), (void **) (void *) &(s)->what, &(s)->what##_cap, (s)->what##_len, (n), sizeof *(s)->what)

static const void *peek_pointer(const void *from)
{
    const void *p = NULL;
    (void) peek_all(&p, from, sizeof p);
    return p;
}

/* ---- one stack ---- */

static void scopes_take(struct snapshot *s, struct snap_stack *out, const struct scope *at, const struct tr_self *self)
{
    struct scope scope;
    out->scopes_at = s->scopes_len;
    while (out->scopes_len < SNAP_SCOPES_MAX && RESERVE(s, scopes, 1) && peek_all(&scope, at, sizeof scope) &&
           scope.self == self) {
        struct snap_scope *o = &s->scopes[s->scopes_len++];
        *o = (struct snap_scope){ (uintptr_t) at, scope.owner.count, scope.deadline, scope.shield, scope.canceled, "" };
        if (!peek_text(o->name, sizeof o->name, scope.name))
            memcpy(o->name, "(no name)", sizeof "(no name)");
        out->scopes_len++;
        at = scope.outer;
    }
}

/* What hangs on the wait: the record of an ask, an owner's count. */
static void wait_take(struct snap_stack *out)
{
    struct ask ask;
    struct owner owner;
    const struct wait *w = &out->wait;
    if (w->kind == WAIT_ASK && peek_all(&ask, w->ask, sizeof ask))
        out->target = ask.holder;
    else if (w->kind == WAIT_ROOM || w->kind == WAIT_END)
        out->target = w->target;
    else if (w->kind == WAIT_CHILDREN && peek_all(&owner, w->owner, sizeof owner))
        out->count = owner.count;
}

static void handling_take(struct snap_stack *out, const struct tr_self *self)
{
    struct row row;
    tr_handler def;
    if (!peek_all(&row, self->row, offsetof(struct row, args)) || !peek_all(&def, row.def, sizeof def) ||
        !peek_text(out->handling, sizeof out->handling, def.tag))
        out->handling[0] = '\0';
}

static void bytes_take(struct snapshot *s, struct snap_stack *out, uintptr_t top)
{
    uintptr_t low = out->registers.sp;
    size_t size = low < top ? top - low : 0;
    size = size < SNAP_STACK_BYTES ? size : SNAP_STACK_BYTES;
    if (s->bytes_len + size > SNAP_BYTES_MAX || !RESERVE(s, bytes, size))
        return;
    out->low = low;
    out->bytes_at = s->bytes_len;
    out->bytes_len = peek(s->bytes + s->bytes_len, (const void *) low, size);
    s->bytes_len += out->bytes_len;
}

static bool waits_the_same(const struct wait *a, const struct wait *b)
{
    return a->kind == b->kind && a->n == b->n && a->left == b->left && a->deadline == b->deadline &&
           a->target == b->target;
}

static bool is_same(const struct tr_self *a, const struct tr_self *b)
{
    return memcmp(&a->coro.context, &b->coro.context, sizeof a->coro.context) == 0 && a->cell == b->cell &&
           a->since == b->since && a->scope == b->scope && waits_the_same(&a->wait, &b->wait);
}

/* False: nothing can be said of it. */
static bool stack_try(struct snapshot *s, const struct tr_self *at, const struct cell *cell, struct tr_self *self,
                      struct snap_stack *out)
{
    struct tr_self again;
    size_t bytes_len = s->bytes_len, scopes_len = s->scopes_len;
    *out = (struct snap_stack){ .wait = self->wait, .since = self->since };
    out->registers = registers_of_context(&self->coro.context);
    wait_take(out);
    handling_take(out, self);
    scopes_take(s, out, self->scope, at);
    bytes_take(s, out, (uintptr_t) at);
    if (peek_all(&again, at, sizeof again) && is_same(self, &again))
        return true;
    s->bytes_len = bytes_len;
    s->scopes_len = scopes_len;
    *self = again;
    *out = (struct snap_stack){ .moving = true };
    return self->cell != cell; /* then it is another's: no use in trying again */
}

/* The stacks of a cell, from first on; false: one of them was not the cell's. */
static void stacks_take(struct snapshot *s, struct snap_actor *actor, const struct cell *cell,
                        const struct tr_self *first)
{
    struct tr_self self;
    const struct tr_self *at = first;
    actor->stacks_at = s->stacks_len;
    while (at != NULL && actor->stacks_len < SNAP_STACKS_MAX && RESERVE(s, stacks, 1) &&
           peek_all(&self, at, sizeof self) && self.cell == cell) {
        struct snap_stack *out = &s->stacks[s->stacks_len];
        const struct tr_self *next = self.next_stack;
        if (!(self.run.flags & SELF_DEAD)) {
            for (int i = 0; i < TRIES && !stack_try(s, at, cell, &self, out); i++)
                ;
            s->stacks_len++;
            actor->stacks_len++;
        }
        at = next;
    }
}

/* The stack that a worker runs: its scopes, and the message it handles; its frames are not here. */
static void running_take(struct snapshot *s, struct snap_actor *actor, const struct cell *cell)
{
    struct tr_self self;
    const struct tr_self *at;
    for (size_t i = 0; i < s->workers_len; i++) {
        if (s->workers[i].runs != actor->id || (at = peek_pointer(&s->workers[i].at->self)) == NULL ||
            !peek_all(&self, at, sizeof self) || self.cell != cell || !RESERVE(s, stacks, 1))
            continue;
        struct snap_stack *out = &s->stacks[s->stacks_len++];
        *out = (struct snap_stack){ .runs = true, .worker = i };
        handling_take(out, &self);
        scopes_take(s, out, self.scope, at);
        actor->stacks_len++;
    }
}

/* ---- one actor ---- */

/* A name it was registered by, its behaviour's, or "body". */
static void label_take(struct snap_actor *actor, const struct cell *cell, const struct cell_ext *ext)
{
    struct table table;
    tr_behaviour def;
    const char *name = ext != NULL ? ext->name : NULL;
    if (name != NULL && peek_text(actor->label, sizeof actor->label, name))
        return;
    memcpy(actor->label, "body", sizeof "body");
    if (cell->table == NULL)
        return;
    if (!peek_all(&table, cell->table, offsetof(struct table, row)) || !peek_all(&def, table.def, sizeof def) ||
        !peek_text(actor->label, sizeof actor->label, def.name))
        memcpy(actor->label, "behaviour", sizeof "behaviour");
}

static bool is_listed(const struct cell *c)
{
    return (c->run.flags & CELL_LIVE) && !(c->run.flags & CELL_INTERNAL);
}

static void actor_take(struct snapshot *s, const struct cell *at, const struct cell *cell)
{
    struct cell_ext ext;
    struct cell again;
    size_t stacks_len = s->stacks_len, scopes_len = s->scopes_len, bytes_len = s->bytes_len;
    if (s->actors_len >= SNAP_ACTORS_MAX) {
        s->more++;
        return;
    }
    if (!RESERVE(s, actors, 1))
        return;
    struct snap_actor *actor = &s->actors[s->actors_len];
    *actor = (struct snap_actor){ .id = cell->id,
                                  .flags = cell->run.flags,
                                  .len = cell->len,
                                  .bytes = cell->bytes,
                                  .owner_at = (uintptr_t) cell->owner,
                                  .owned_at = (uintptr_t) cell->owned };
    label_take(actor, cell, peek_all(&ext, cell->ext, sizeof ext) ? &ext : NULL);
    stacks_take(s, actor, at, cell->stacks);
    running_take(s, actor, at);
    if (peek_all(&again, at, sizeof again) && again.id == actor->id && is_listed(&again)) {
        s->actors_len++;
        return;
    }
    s->stacks_len = stacks_len;
    s->scopes_len = scopes_len;
    s->bytes_len = bytes_len;
}

/* ---- all ---- */

static void actors_take(struct snapshot *s, const struct cell_table *table)
{
    struct cell cells[CELLS_AT_ONCE];
    const struct cell *chunk;
    uint32_t used = 0;
    (void) peek(&used, &table->used, sizeof used);
    for (uint32_t slot = 0; slot < used && slot < CELL_MAX; slot += CELLS_AT_ONCE) {
        if ((chunk = peek_pointer(&table->chunk[slot / CELL_CHUNK])) == NULL)
            return;
        const struct cell *at = chunk + slot % CELL_CHUNK;
        size_t n = used - slot < CELLS_AT_ONCE ? used - slot : CELLS_AT_ONCE;
        n = peek(cells, at, n * sizeof cells[0]) / sizeof cells[0];
        for (size_t i = 0; i < n; i++)
            if (is_listed(&cells[i]))
                actor_take(s, at + i, &cells[i]);
    }
}

static void worker_take(struct snapshot *s, const struct worker *w)
{
    struct snap_worker *out = &s->workers[s->workers_len++];
    const struct sched *sched = sched_of((struct worker *) w);
    out->at = w;
    out->turn = atomic_load_explicit(&w->turns, memory_order_acquire);
    const struct cell *runs = atomic_load_explicit(&w->running, memory_order_relaxed);
    out->runs = runs != NULL ? cell_id(runs) : 0;
    out->tid = atomic_load_explicit(&sched->tid, memory_order_relaxed);
    out->sleeps = atomic_load_explicit(&w->asleep, memory_order_relaxed) != 0;
    out->root_at = (uintptr_t) &w->root;
    (void) peek(&out->now, &w->now, sizeof out->now);
}

void snapshot_take(struct snapshot *s, const tr_node *node)
{
    const struct world *world = &node->world;
    memset(s, 0, sizeof *s);
    s->readable = peek_text(s->name, sizeof s->name, node->name);
    for (unsigned i = 0; i < world->workers; i++)
        worker_take(s, world->worker[i]);
    actors_take(s, &world->cells);
    s->now = world->opts.virtual_clock ? s->workers[0].now : clock_monotonic_ns();
}

void snapshot_fini(struct snapshot *s)
{
    mem_free(s->actors);
    mem_free(s->stacks);
    mem_free(s->scopes);
    mem_free(s->bytes);
    *s = (struct snapshot){ 0 };
}

void snapshot_give_stack(struct snapshot *s, struct snap_stack *stack, struct registers registers, uintptr_t low,
                         const char *bytes, size_t size)
{
    if (!RESERVE(s, bytes, size))
        return;
    memcpy(s->bytes + s->bytes_len, bytes, size);
    stack->registers = registers;
    stack->low = low;
    stack->bytes_at = s->bytes_len;
    stack->bytes_len = size;
    s->bytes_len += size;
}

bool snapshot_still_runs(const struct snapshot *s, const struct snap_stack *stack)
{
    const struct snap_worker *w = &s->workers[stack->worker];
    return atomic_load_explicit(&w->at->turns, memory_order_acquire) == w->turn;
}

tr_debug_stack snapshot_stack(const struct snapshot *s, const struct snap_stack *stack)
{
    const struct registers *r = &stack->registers;
    return (tr_debug_stack){ r->ip, r->sp, r->bp, stack->low, stack->bytes_len, s->bytes + stack->bytes_at };
}

const struct snap_actor *snapshot_find(const struct snapshot *s, uint64_t id)
{
    size_t low = 0, high = s->actors_len;
    while (low < high) { /* they stand in the order of their slots */
        size_t middle = low + (high - low) / 2;
        if ((uint32_t) s->actors[middle].id < (uint32_t) id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->actors_len && s->actors[low].id == id ? &s->actors[low] : NULL;
}
