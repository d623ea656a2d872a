/* SPDX-License-Identifier: MIT */
/* shuffle.c - another order in which actors might have run, for tests */
#include "sched/shuffle.h"

#include "actor/worker.h"
#include "base/random.h"

#define REACH 256 /* how far back in front a newcomer may come to stand */

static struct runnable *batch_take(struct worker *w)
{
    struct runnable *r = w->batch_head;
    w->batch_head = r->next;
    if (w->batch_head == NULL)
        w->batch_tail = NULL;
    return r;
}

static void front_insert(struct worker *w, struct runnable **at, struct runnable *r)
{
    r->next = *at;
    *at = r;
    if (r->next == NULL)
        w->front_tail = r;
}

static uint64_t length(const struct runnable *r)
{
    uint64_t n = 0;
    for (; r != NULL && n < REACH; r = r->next)
        n++;
    return n;
}

void shuffle_batch(struct worker *w)
{
    uint64_t ours = length(w->batch_head), theirs = length(w->front_head);
    struct runnable **at = &w->front_head;
    while (w->batch_head != NULL) {
        if (theirs > 0 && random_below(w->shuffle, ours + theirs) >= ours) {
            at = &(*at)->next;
            theirs--;
            continue;
        }
        struct runnable *r = batch_take(w);
        front_insert(w, at, r);
        at = &r->next;
        ours = ours > 1 ? ours - 1 : 1;
    }
}

void shuffle_each(struct worker *w)
{
    while (w->batch_head != NULL) {
        uint64_t steps = random_below(w->shuffle, length(w->front_head) + 1);
        struct runnable **at = &w->front_head;
        for (; steps > 0; steps--)
            at = &(*at)->next;
        front_insert(w, at, batch_take(w));
    }
}
