/* SPDX-License-Identifier: MIT */
/* suspend.h - giving the stack up in the usual case, inline in who waits
 *
 * A call between two switches costs the saving of all registers once more, and there is nothing to gain from it: the
 * switch itself leaves none. So the shortest way stands here: a body waits, a loop is parked, and a cell is next. */
#ifndef ACTOR_SUSPEND_H
#define ACTOR_SUSPEND_H

#include "actor/worker.h"

/* What every stack does first when it runs again. */
static inline void worker_arrive(struct worker *w, struct tr_self *self)
{
    w->self = self;
    if (__builtin_expect(w->leaving != NULL, 0)) {
        stack_put(&w->stacks, &w->leaving->coro);
        w->leaving = NULL;
    }
}

/* In and out of the list of those who work for c and are suspended. */
static inline void cell_stack_push(struct worker *w, struct cell *c, struct tr_self *self)
{
    self->next_stack = c->stacks;
    self->since = w->now;
    c->stacks = self;
}

static inline void cell_stack_remove(struct cell *c, struct tr_self *self)
{
    struct tr_self **at = &c->stacks;
    while (*at != self)
        at = &(*at)->next_stack;
    *at = self->next_stack;
    self->next_stack = NULL;
}

static inline struct tr_self *self_of_coro(struct coro *c)
{
    return (struct tr_self *) (void *) c; /* its first member */
}

/* Leaves self's stack for to's; returns self, when somebody has switched back. */
static inline __attribute__((always_inline)) struct tr_self *self_switch(struct tr_self *self, struct tr_self *to)
{
    self = self_of_coro(coro_switch(&self->coro, &to->coro));
    worker_arrive(self->worker, self);
    return self;
}

/* As worker_suspend_inside. Leaves *self and *w as they were, but not for the compiler, which then keeps them in
 * registers before and after. */
static inline __attribute__((always_inline)) tr_err worker_suspend_usual(struct tr_self **self, struct worker **w)
{
    struct tr_self *s = *self, *loop = (*w)->idle_loop;
    struct cell *c = s->cell;
    const struct runnable *next = (*w)->batch_head;
    if (__builtin_expect(loop == NULL || c->table != NULL || next == NULL || !(next->flags & CELL_IS), 0))
        return worker_suspend_inside(s);
    (*w)->idle_loop = NULL;
    cell_stack_push(*w, c, s);
    *self = s = self_switch(s, loop);
    *w = s->worker;
    cell_stack_remove(s->cell, s);
    return TR_OK;
}

#endif
