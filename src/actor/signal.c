/* SPDX-License-Identifier: MIT */
/* signal.c - what crosses from one worker to another beside messages and replies */
#include "actor/signal.h"

#include <string.h>

#include "actor/remote.h"
#include "base/alloc.h"

struct signal *signal_new(struct worker *w, void (*run)(struct worker *w, struct errand *e), uint64_t to,
                          const char *text)
{
    struct signal *s = slab_alloc(&w->signals);
    if (s == NULL)
        return NULL;
    memset(s, 0, sizeof *s);
    s->errand.run = run;
    s->to = to;
    s->text = text != NULL ? mem_strdup(text) : NULL;
    return s;
}

void signal_free(struct worker *w, struct signal *s)
{
    if (s->result != NULL)
        msg_unref(&w->msgs, s->result);
    if (s->error != NULL)
        msg_unref(&w->msgs, s->error);
    mem_free(s->text);
    slab_free(&w->signals, s);
}

void signal_send(struct worker *w, struct signal *s)
{
    struct cell *c = cell_at(&w->world->cells, s->to);
    if (c != NULL)
        remote_push(w->world, c, &s->errand);
    else
        errand_post(w, &s->errand); /* it has ended; run sees that, between turns as always */
}

struct cell *signal_target(struct worker *w, struct signal *s, bool *moved)
{
    struct cell *c = cell_at(&w->world->cells, s->to);
    *moved = c != NULL && !cell_is_here(w, c);
    if (*moved)
        remote_push(w->world, c, &s->errand);
    return c != NULL && !*moved && cell_is_ours(w, c, s->to) ? c : NULL;
}

/* ---- tickets ---- */

struct ticket *ticket_open(struct worker *w, void *what)
{
    struct ticket *t = slab_alloc(&w->tickets);
    if (t != NULL)
        t->what = what;
    return t;
}

void ticket_close(struct worker *w, struct ticket *t)
{
    t->seq++;
    slab_free(&w->tickets, t);
}
