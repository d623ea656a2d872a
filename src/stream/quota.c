/* SPDX-License-Identifier: MIT */
/* quota.c - how many connections of one listener are open, wherever they went */
#include "stream/quota.h"

#include "base/alloc.h"

struct quota *quota_new(struct worker *w, struct listener *l)
{
    struct quota *q = mem_zalloc(sizeof *q);
    if (q == NULL)
        return NULL;
    atomic_init(&q->refs, 1);
    q->worker = w;
    q->listener = l;
    list_init(&q->conns);
    return q;
}

void quota_unref(struct quota *q)
{
    if (atomic_fetch_sub_explicit(&q->refs, 1, memory_order_acq_rel) == 1)
        mem_free(q);
}

void quota_join(struct quota *q, struct stream *s)
{
    atomic_fetch_add_explicit(&q->refs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&q->open, 1, memory_order_relaxed);
    s->quota = q;
    quota_list(s);
}

static void quota_told(struct worker *w, struct errand *e)
{
    struct quota *q = list_entry(e, struct quota, errand);
    (void) w;
    atomic_store_explicit(&q->state, QUOTA_IDLE, memory_order_seq_cst);
    if (q->listener != NULL)
        listener_has_room(q->listener);
    quota_unref(q);
}

/* Pairs with quota_wait: either this sees that the listener waits, or the listener sees that there is one less. The
 * errand is posted by whoever turns WAITING into TOLD, and is over when it turns that into IDLE: one at a time. By
 * errand also from its own thread, since whoever closes a stream is in the middle of something. */
void quota_leave(struct stream *s)
{
    struct quota *q = s->quota;
    unsigned waiting = QUOTA_WAITING;
    s->quota = NULL;
    quota_unlist(s);
    atomic_fetch_sub_explicit(&q->open, 1, memory_order_seq_cst);
    if (atomic_compare_exchange_strong_explicit(&q->state, &waiting, QUOTA_TOLD, memory_order_seq_cst,
                                                memory_order_seq_cst)) {
        q->errand.run = quota_told;
        errand_post(q->worker, &q->errand); /* with this stream's reference */
        return;
    }
    quota_unref(q);
}

bool quota_wait(struct quota *q, unsigned open)
{
    unsigned idle = QUOTA_IDLE;
    if (atomic_load_explicit(&q->open, memory_order_relaxed) < open)
        return false;
    (void) atomic_compare_exchange_strong_explicit(&q->state, &idle, QUOTA_WAITING, memory_order_seq_cst,
                                                   memory_order_seq_cst);
    return atomic_load_explicit(&q->open, memory_order_seq_cst) >= open;
}

void quota_unlist(struct stream *s)
{
    if (list_is_linked(&s->conn))
        list_remove(&s->conn);
}

void quota_list(struct stream *s)
{
    struct quota *q = s->quota;
    if (q == NULL || s->port.worker != q->worker)
        return;
    list_push(&q->conns, &s->conn);
    if (q->draining)
        s->draining = true;
}
