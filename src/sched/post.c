/* SPDX-License-Identifier: MIT */
/* post.c - messages from threads that are no actors: a lock-free stack, taken whole */
#include "sched/post.h"

#include "actor/deadletter.h"
#include "actor/mailbox.h"
#include "sched/poll.h"

void post_push(struct posts *posts, struct poller *poller, struct tr_msg *m)
{
    struct tr_msg *head = atomic_load_explicit(&posts->head, memory_order_relaxed);
    do
        m->next = head;
    while (!atomic_compare_exchange_weak_explicit(&posts->head, &head, m, memory_order_release, memory_order_relaxed));
    /* Pairs with the exchange in post_drain: who finds the stack empty is the one to wake the worker, since the worker
     * has taken everything and may be about to sleep. The eventfd remembers, so a wake-up that comes first is not lost.
     */
    if (head == NULL)
        poll_wake(poller);
}

static struct tr_msg *reversed(struct tr_msg *m)
{
    struct tr_msg *list = NULL;
    while (m != NULL) {
        struct tr_msg *next = m->next;
        m->next = list;
        list = m;
        m = next;
    }
    return list;
}

static void post_deliver(struct worker *w, struct tr_msg *m)
{
    bool wait;
    struct cell *c = cell_find(&w->world->cells, m->to);
    if (c == NULL || (c->run.flags & CELL_CLOSED))
        deadletter_discard(w, m, TR_DEAD_NOPROC, TR_ENOPROC, "the receiver has ended, or never was");
    else if (mailbox_offer(w, c, &m, &wait) != TR_OK)
        deadletter_discard(w, m, TR_DEAD_FULL, TR_EFULL, "the receiver's mailbox is full");
}

bool post_drain(struct worker *w, struct posts *posts)
{
    if (atomic_load_explicit(&posts->head, memory_order_relaxed) == NULL)
        return false;
    struct tr_msg *m = reversed(atomic_exchange_explicit(&posts->head, NULL, memory_order_acquire));
    while (m != NULL) {
        struct tr_msg *next = m->next;
        post_deliver(w, m);
        m = next;
    }
    return true;
}
