/* SPDX-License-Identifier: MIT */
/* spawn.c - making actors */
#include "actor/spawn.h"

#include <stdio.h>

#include "actor/cell_ext.h"
#include "actor/end.h"
#include "actor/error.h"
#include "actor/mailbox.h"
#include "actor/registry.h"
#include "actor/scope_kernel.h"
#include "actor/state.h"

static tr_err table_for(struct worker *w, const tr_behaviour *def, const struct table **table, char *why,
                        size_t why_size)
{
    if (def == w->last_behaviour) {
        *table = w->last_table;
        return TR_OK;
    }
    tr_err err = table_get(w->world, def, table, why, why_size);
    if (err == TR_OK) {
        w->last_behaviour = def;
        w->last_table = *table;
    }
    return err;
}

/* The cell with its state, not yet owned, named or queued. */
static tr_err cell_make(struct worker *w, tr_body_fn *body, const struct table *table, void *arg, struct cell **cell)
{
    bool full;
    struct cell *c = cell_new(&w->cells, &full);
    if (c == NULL)
        return full ? TR_EFULL : TR_ENOMEM;
    __atomic_store_n(&c->table, table, __ATOMIC_RELAXED);
    c->arg = arg;
    if (table == NULL) {
        c->body = body;
    } else if (table->def->state_size > 0) {
        c->state = state_alloc(w, table);
        if (c->state == NULL) {
            cell_free(&w->cells, c);
            return TR_ENOMEM;
        }
    }
    *cell = c;
    return TR_OK;
}

static void cell_unmake(struct worker *w, struct cell *c)
{
    if (c->ext != NULL)
        registry_release(w, c);
    cell_ext_free(w, c);
    if (c->table != NULL)
        state_free(w, c->table, c->state);
    cell_free(&w->cells, c);
}

static bool has_bounds(const tr_spawn_opts *o)
{
    return o->mailbox_len_max != 0 || o->mailbox_bytes_max != 0 || o->full_policy != TR_FULL_WAIT;
}

/* What the options ask for beyond the usual. */
static tr_err cell_equip(struct worker *w, struct cell *c, const tr_spawn_opts *o)
{
    size_t stack_size = o->stack_size != 0 ? o->stack_size : c->table != NULL ? c->table->def->stack_size : 0;
    bool big = stack_size > w->world->opts.stack_size;
    if (!big && !has_bounds(o) && o->args == NULL && o->name == NULL && !(o->flags & SPAWN_HELD))
        return TR_OK;
    struct cell_ext *ext = cell_ext_get(w, c);
    if (ext == NULL)
        return TR_ENOMEM;
    if (big) {
        c->run.flags |= CELL_BIG_STACK;
        ext->stack_size = stack_size;
    }
    if (has_bounds(o)) {
        c->run.flags |= CELL_BOUNDED;
        cell_ext_set_bounds(ext, o->mailbox_len_max != 0 ? o->mailbox_len_max : MAILBOX_LEN_MAX,
                            o->mailbox_bytes_max != 0 ? (uint32_t) o->mailbox_bytes_max : MAILBOX_BYTES_MAX,
                            o->full_policy);
    }
    if (o->args != NULL) {
        ext->start_args = msg_share(&w->msgs, o->args);
        if (ext->start_args == NULL)
            return TR_ENOMEM;
    }
    return o->name != NULL ? registry_add(w, c, o->name) : TR_OK;
}

static void spawn_why(const struct worker *w, const tr_spawn_opts *o, tr_err err, char *why, size_t why_size)
{
    if (err == TR_EEXIST)
        snprintf(why, why_size, "the name \"%.100s\" is taken", o->name);
    else if (err == TR_EINVAL)
        snprintf(why, why_size, "a name has 1 to %d bytes", NAME_MAX_BYTES);
    else if (err == TR_EFULL)
        snprintf(why, why_size, "the node's limit of %u actors is reached", w->world->cells.max);
    else
        snprintf(why, why_size, "%s", tr_err_text(err));
}

static tr_err opts_check(const tr_spawn_opts *o, unsigned workers, char *why, size_t why_size)
{
    const char *text = NULL;
    if (o->size != sizeof *o)
        text = "opts.size is not sizeof(tr_spawn_opts)";
    else if ((o->body == NULL) == (o->behaviour == NULL))
        text = "give a body or a behaviour, not both and not neither";
    else if (o->mailbox_bytes_max > UINT32_MAX)
        text = "mailbox_bytes_max is at most 4 GiB - 1";
    else if ((unsigned) o->full_policy > TR_FULL_DROP_OLD)
        text = "no such full_policy";
    else if ((unsigned) o->place > TR_PLACE_WORKER)
        text = "no such place";
    else if (o->place == TR_PLACE_WORKER && o->worker >= workers)
        text = "there is no such worker: they are numbered from 0, tr_node_workers tells how many there are";
    if (text == NULL)
        return TR_OK;
    snprintf(why, why_size, "%s", text);
    return TR_EINVAL;
}

static tr_err owner_accepts(const struct worker *w, const struct owner *o, char *why, size_t why_size)
{
    bool stopping = world_is_stopping(w->world);
    if (!o->closing && !stopping && (o->scope == NULL || !(o->scope->canceled || o->scope->stopping)))
        return TR_OK;
    snprintf(why, why_size, "%s",
             stopping ? "the node is stopping" : "its owner is closing: nothing new may start there");
    return TR_ECLOSED;
}

/* Whether it stays where it is made: it was told to, or shares memory with its spawner, who wrote it without locks. */
static bool is_placed(const tr_spawn_opts *o)
{
    switch (o->place) {
    case TR_PLACE_ANY:
        return false;
    case TR_PLACE_HERE:
    case TR_PLACE_WORKER:
        return true;
    case TR_PLACE_AUTO:
    default:
        return o->behaviour == NULL && (o->arg != NULL || o->args == NULL);
    }
}

static void cell_own(struct worker *w, struct owner *owner, struct cell *c, const tr_spawn_opts *o, bool internal)
{
    if (w->world->watch != NULL)
        c->run.flags |= CELL_WATCHED;
    if (internal || is_placed(o))
        c->run.flags |= CELL_PLACED;
    if (internal)
        c->run.flags |= CELL_INTERNAL;
    else
        worker_count(&w->spawned);
    c->run.owner_home = w->index;
    owner_add(owner, c);
    if (atomic_load_explicit(&w->world->debug.traced, memory_order_relaxed))
        debug_spawned(w, c);
}

void spawn_launch(struct worker *w, struct cell *c, const tr_spawn_opts *o)
{
    bool ready = c->table == NULL || c->table->def->init != NULL;
    if (!ready) /* there is nothing to run before its first message */
        c->run.flags |= CELL_STARTED;
    if (o->place == TR_PLACE_WORKER && o->worker != w->index) {
        worker_send_off(w, c, o->worker, ready);
    } else if (ready) {
        gate_enter(&w->gate);
        worker_ready(w, &c->run);
        gate_leave(&w->gate);
    }
}

tr_err spawn_actor(struct worker *w, struct owner *owner, const tr_spawn_opts *opts, bool internal, struct cell **cell,
                   char *why, size_t why_size)
{
    struct cell *c;
    const struct table *table = NULL;
    tr_err err = opts_check(opts, w->world->workers, why, why_size);
    if (err == TR_OK && !internal)
        err = owner_accepts(w, owner, why, why_size);
    if (err == TR_OK && opts->behaviour != NULL)
        err = table_for(w, opts->behaviour, &table, why, why_size);
    if (err != TR_OK)
        return err;
    err = cell_make(w, opts->body, table, opts->arg, &c);
    if (err == TR_OK) {
        err = cell_equip(w, c, opts);
        if (err != TR_OK)
            cell_unmake(w, c);
    }
    if (err != TR_OK) {
        spawn_why(w, opts, err, why, why_size);
        return err;
    }
    cell_own(w, owner, c, opts, internal);
    if (!(opts->flags & SPAWN_HELD))
        spawn_launch(w, c, opts);
    *cell = c;
    return TR_OK;
}

/* ---- the public calls ---- */

struct owner *spawn_owner(struct tr_self *self, tr_scope *scope, unsigned flags)
{
    if (scope != NULL)
        return &((struct scope *) scope)->owner;
    if (flags & TR_SPAWN_DETACHED)
        return &self->worker->root;
    struct owner *o = owner_of(self->worker, self->cell);
    return self->cell->owned != NULL ? o : NULL; /* the node's it may not be: it may share memory with its spawner */
}

tr_err tr_spawn_with(tr_self *self, const tr_spawn_opts *opts, tr_addr *to)
{
    char why[192];
    struct cell *c;
    if (!self_is_current(self))
        return TR_ESTATE;
    if (opts == NULL)
        return error_set(self, TR_EINVAL, "spawn", "no options");
    if (opts->scope != NULL && ((struct scope *) opts->scope)->self->worker != self->worker)
        return error_set(self, TR_EINVAL, "spawn",
                         "that scope lives on another worker: only actors that share its worker can spawn into it");
    struct owner *owner = spawn_owner(self, opts->scope, opts->flags);
    if (owner == NULL)
        return error_set(self, TR_ENOMEM, "spawn", "out of memory");
    tr_err err = spawn_actor(self->worker, owner, opts, false, &c, why, sizeof why);
    if (err != TR_OK)
        return error_set(self, err, "spawn", "%s", why);
    if (to != NULL)
        *to = cell_addr(c);
    return TR_OK;
}

/* The short way: nothing but a body or a behaviour and its argument. */
static tr_err spawn_plain(struct tr_self *self, tr_scope *scope, tr_body_fn *body, const tr_behaviour *def, void *arg,
                          tr_addr *to)
{
    tr_spawn_opts opts = { .size = sizeof opts, .body = body, .behaviour = def, .arg = arg, .scope = scope };
    return tr_spawn_with(self, &opts, to);
}

tr_err tr_spawn_body(tr_self *self, tr_body_fn *body, void *arg, tr_addr *to)
{
    return spawn_plain(self, NULL, body, NULL, arg, to);
}

tr_err tr_spawn_behaviour(tr_self *self, const tr_behaviour *behaviour, void *arg, tr_addr *to)
{
    return spawn_plain(self, NULL, NULL, behaviour, arg, to);
}

tr_err tr_spawn_body_in(tr_self *self, tr_scope *scope, tr_body_fn *body, void *arg, tr_addr *to)
{
    return spawn_plain(self, scope, body, NULL, arg, to);
}

tr_err tr_spawn_behaviour_in(tr_self *self, tr_scope *scope, const tr_behaviour *behaviour, void *arg, tr_addr *to)
{
    return spawn_plain(self, scope, NULL, behaviour, arg, to);
}

const tr_msg *tr_start_args(tr_self *self)
{
    return self_is_current(self) && self->cell->ext != NULL ? self->cell->ext->start_args : NULL;
}

/* ---- small questions ---- */

tr_addr tr_self_addr(tr_self *self)
{
    return self->cell != NULL ? cell_addr(self->cell) : TR_ADDR_NIL;
}

tr_node *tr_self_node(tr_self *self)
{
    return self->worker->world->node;
}

bool tr_is_alive(tr_self *self, tr_addr who)
{
    return who.node == 0 && cell_seen_alive(self->worker, who.actor) != NULL;
}

unsigned tr_self_worker(tr_self *self)
{
    return self->worker->index;
}

tr_err tr_pin(tr_self *self)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    self->cell->run.flags |= CELL_PINNED;
    return TR_OK;
}

tr_err tr_unpin(tr_self *self)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    self->cell->run.flags &= ~(uint32_t) CELL_PINNED;
    return TR_OK;
}

tr_time tr_now(tr_self *self)
{
    worker_refresh(self->worker);
    return self->worker->now;
}

int tr_call(tr_self *self, int (*fn)(void *arg), void *arg)
{
    return worker_call(self, fn, arg);
}

tr_err tr_result_values(tr_self *self, const tr_value *values, size_t n)
{
    const char *why;
    struct tr_msg *m;
    if (!self_is_current(self))
        return TR_ESTATE;
    struct cell_ext *ext = cell_ext_get(self->worker, self->cell);
    if (ext == NULL)
        return error_set(self, TR_ENOMEM, "result", "out of memory");
    tr_err err = msg_build(&self->worker->msgs, values, n, false, &m, &why);
    if (err != TR_OK)
        return error_set(self, err, "result", "%s", why);
    if (ext->result != NULL)
        msg_unref(&self->worker->msgs, ext->result);
    ext->result = m;
    return TR_OK;
}
