/* SPDX-License-Identifier: MIT */
/* post.c - what other threads hand to a worker: errands, cells with something in their inbox, cells given away */
#include "sched/post.h"

#include "actor/deadletter.h"
#include "actor/remote.h"
#include "actor/worker.h"
#include "sched/share.h"

/* ---- errands ---- */

static void errand_push(struct worker *to, struct errand *e)
{
    struct errand *next = atomic_load_explicit(&to->errands, memory_order_relaxed);
    do
        e->next = next; /* the exchange in errands_run pairs with the swap, and sees e and what it says */
    while (!atomic_compare_exchange_weak(&to->errands, &next, e));
}

void errand_post(struct worker *to, struct errand *e)
{
    errand_push(to, e);
    worker_nudge(to, ATTENTION_MAIL);
}

void errand_leave(struct worker *to, struct errand *e)
{
    errand_push(to, e);
    worker_note(to, ATTENTION_MAIL);
}

static bool errands_run(struct worker *w)
{
    struct errand *e = NULL, *taken = atomic_exchange(&w->errands, NULL);
    bool any = taken != NULL;
    while (taken != NULL) { /* turned round: the oldest first */
        struct errand *next = taken->next;
        taken->next = e;
        e = taken;
        taken = next;
    }
    while (e != NULL) {
        struct errand *next = e->next;
        e->run(w, e);
        e = next;
    }
    return any;
}

/* ---- cells ---- */

static bool announced_take(struct worker *w)
{
    struct cell *c = atomic_exchange(&w->announced, NULL);
    bool any = c != NULL;
    while (c != NULL) {
        struct cell *next = c->announced_next; /* before it is taken over: then it can be announced anew */
        remote_announced(w, c);
        c = next;
    }
    return any;
}

bool post_drain(struct worker *w)
{
    bool any = share_receive(w);
    any = announced_take(w) || any;
    return errands_run(w) || any;
}

/* ---- messages of threads that are no workers ---- */

/* Nobody has that address: the first worker, between turns, sees to the dead letter. */
static void message_lost(struct worker *w, struct errand *e)
{
    struct tr_msg *m = msg_of_errand(e);
    m->prev = NULL;
    deadletter_discard(w, m, TR_DEAD_NOPROC, TR_ENOPROC, "the receiver has ended, or never was");
}

void post_message(struct world *world, struct tr_msg *m)
{
    struct cell *c = cell_at(&world->cells, m->to);
    if (c != NULL) {
        m->flags |= MSG_POSTED;
        m->errand.run = NULL;
        remote_push(world, c, &m->errand);
        return;
    }
    m->errand.run = message_lost;
    errand_post(world->worker[0], &m->errand);
}
