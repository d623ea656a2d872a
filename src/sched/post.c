/* SPDX-License-Identifier: MIT */
/* post.c - what other threads hand to a worker: a lock-free stack of errands, taken whole */
#include "sched/post.h"

#include "actor/deadletter.h"
#include "actor/mailbox.h"
#include "sched/poll.h"
#include "sched/sched.h"

void post_push(struct posts *posts, struct poller *poller, struct errand *e)
{
    struct errand *head = atomic_load_explicit(&posts->head, memory_order_relaxed);
    do
        e->next = head;
    while (!atomic_compare_exchange_weak_explicit(&posts->head, &head, e, memory_order_release, memory_order_relaxed));
    /* Pairs with the exchange in post_drain: who finds the stack empty is the one to wake the worker, since the worker
     * has taken everything and may be about to sleep. The eventfd remembers, so a wake-up that comes first is not lost.
     */
    if (head == NULL)
        poll_wake(poller);
}

void errand_post(struct worker *to, struct errand *e)
{
    struct sched *s = sched_of(to);
    post_push(&s->posts, &s->poller, e);
}

static struct errand *reversed(struct errand *e)
{
    struct errand *list = NULL;
    while (e != NULL) {
        struct errand *next = e->next;
        e->next = list;
        list = e;
        e = next;
    }
    return list;
}

bool post_drain(struct worker *w, struct posts *posts)
{
    if (atomic_load_explicit(&posts->head, memory_order_relaxed) == NULL)
        return false;
    struct errand *e = reversed(atomic_exchange_explicit(&posts->head, NULL, memory_order_acquire));
    while (e != NULL) {
        struct errand *next = e->next;
        e->run(w, e);
        e = next;
    }
    return true;
}

/* ---- messages ---- */

static void message_deliver(struct worker *w, struct errand *e)
{
    bool wait;
    struct tr_msg *m = msg_of_errand(e);
    struct cell *c = cell_find(&w->world->cells, m->to);
    if (c == NULL || (c->run.flags & CELL_CLOSED))
        deadletter_discard(w, m, TR_DEAD_NOPROC, TR_ENOPROC, "the receiver has ended, or never was");
    else if (mailbox_offer(w, c, &m, &wait) != TR_OK)
        deadletter_discard(w, m, TR_DEAD_FULL, TR_EFULL, "the receiver's mailbox is full");
}

void post_message(struct posts *posts, struct poller *poller, struct tr_msg *m)
{
    m->errand.run = message_deliver;
    post_push(posts, poller, &m->errand);
}
