/* SPDX-License-Identifier: MIT */
/* registry.c - names of actors: one tree for the node, under a lock since other threads look names up */
#include "actor/registry.h"

#include <search.h>
#include <stdio.h>
#include <string.h>

#include "actor/error.h"
#include "base/alloc.h"

struct name {
    struct list link; /* cell_ext.names */
    uint64_t id;
    const char *text; /* the key; of a search key: the caller's */
    char copy[];
};

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    return strcmp(x->text, y->text);
}

static struct name *find_locked(struct world *world, const char *text)
{
    struct name key = { .text = text };
    void *found = tfind(&key, &world->names, compare_names);
    return found != NULL ? *(struct name **) found : NULL;
}

static tr_err add_locked(struct world *world, struct cell *c, struct name *n)
{
    struct name *there = find_locked(world, n->text);
    if (there != NULL)
        return TR_EEXIST;
    if (tsearch(n, &world->names, compare_names) == NULL)
        return TR_ENOMEM;
    list_push(&c->ext->names, &n->link);
    if (c->ext->names.next == &n->link)
        c->ext->name = n->text;
    return TR_OK;
}

tr_err registry_add(struct worker *w, struct cell *c, const char *name)
{
    size_t len = name != NULL ? strlen(name) : 0;
    if (len == 0 || len > NAME_MAX_BYTES)
        return TR_EINVAL;
    struct name *n = cell_ext_get(w, c) != NULL ? mem_alloc(sizeof *n + len + 1) : NULL;
    if (n == NULL)
        return TR_ENOMEM;
    memcpy(n->copy, name, len + 1);
    n->text = n->copy;
    n->id = cell_id(c);
    pthread_mutex_lock(&w->world->names_lock);
    tr_err err = add_locked(w->world, c, n);
    pthread_mutex_unlock(&w->world->names_lock);
    if (err != TR_OK)
        mem_free(n);
    return err;
}

static void remove_locked(struct world *world, struct cell *c, struct name *n)
{
    tdelete(n, &world->names, compare_names);
    list_remove(&n->link);
    struct list *first = c->ext->names.next;
    c->ext->name = first != &c->ext->names ? list_entry(first, struct name, link)->text : NULL;
    mem_free(n);
}

tr_err registry_remove(struct worker *w, struct cell *c, const char *name)
{
    pthread_mutex_lock(&w->world->names_lock);
    struct name *n = name != NULL ? find_locked(w->world, name) : NULL;
    bool ours = n != NULL && n->id == cell_id(c);
    if (ours)
        remove_locked(w->world, c, n);
    pthread_mutex_unlock(&w->world->names_lock);
    return ours ? TR_OK : TR_ENOPROC;
}

void registry_release(struct worker *w, struct cell *c)
{
    if (list_is_empty(&c->ext->names))
        return;
    pthread_mutex_lock(&w->world->names_lock);
    while (!list_is_empty(&c->ext->names))
        remove_locked(w->world, c, list_entry(c->ext->names.next, struct name, link));
    pthread_mutex_unlock(&w->world->names_lock);
}

uint64_t registry_find(struct world *world, const char *name)
{
    pthread_mutex_lock(&world->names_lock);
    const struct name *n = find_locked(world, name);
    uint64_t id = n != NULL ? n->id : 0;
    pthread_mutex_unlock(&world->names_lock);
    return id;
}

struct name_search {
    uint64_t id;
    const char *found;
};

static void name_visit(const void *node, VISIT visit, void *closure)
{
    struct name_search *search = closure;
    const struct name *n = *(struct name *const *) node;
    if ((visit == leaf || visit == postorder) && n->id == search->id)
        search->found = n->text;
}

bool registry_name_of(struct world *world, uint64_t id, char *buf, size_t size)
{
    struct name_search search = { id, NULL };
    pthread_mutex_lock(&world->names_lock);
    twalk_r(world->names, name_visit, &search);
    if (search.found != NULL)
        snprintf(buf, size, "%s", search.found);
    pthread_mutex_unlock(&world->names_lock);
    return search.found != NULL;
}

void registry_fini(struct world *world)
{
    tdestroy(world->names, mem_free);
    world->names = NULL;
}

tr_err tr_register(tr_self *self, const char *name)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    tr_err err = registry_add(self->worker, self->cell, name);
    if (err == TR_EEXIST)
        return error_set(self, err, "register", "the name \"%s\" is taken", name);
    if (err == TR_EINVAL)
        return error_set(self, err, "register", "a name has 1 to %d bytes", NAME_MAX_BYTES);
    return err != TR_OK ? error_set(self, err, "register", "out of memory") : TR_OK;
}

tr_err tr_unregister(tr_self *self, const char *name)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    tr_err err = registry_remove(self->worker, self->cell, name);
    return err != TR_OK
               ? error_set(self, err, "unregister", "\"%s\" is not this actor's name", name != NULL ? name : "(null)")
               : TR_OK;
}

tr_err tr_whereis(tr_self *self, const char *name, tr_addr *who)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    uint64_t id = name != NULL ? registry_find(self->worker->world, name) : 0;
    if (id == 0)
        return error_set(self, TR_ENOPROC, "whereis", "no actor goes by the name \"%s\"",
                         name != NULL ? name : "(null)");
    *who = (tr_addr){ 0, id };
    return TR_OK;
}
