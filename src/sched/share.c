/* SPDX-License-Identifier: MIT */
/* share.c - actors that move from one worker to another */
#include "sched/share.h"

#include "actor/cell_ext.h"
#include "actor/owner.h"
#include "actor/worker.h"
#include "base/clock.h"

#define LOOK_MAX 4096       /* entries of a run queue that are looked at in one go */
#define OFFER_WORK_NS 50000 /* what it takes to wake a worker: less is done sooner here */
#define OFFER_TURN_NS 800   /* so counting to that is 63 entries at most */

/* ---- what may move ---- */

static bool ext_lets_go(const struct cell_ext *e)
{
    return e == NULL || (list_is_empty(&e->ticks) && list_is_empty(&e->watches) && list_is_empty(&e->things) &&
                         list_is_empty(&e->thens) && list_is_empty(&e->thens_done) && list_is_empty(&e->enders) &&
                         list_is_empty(&e->senders));
}

/* A cell that is neither on nor suspended: everything that ties it to its worker hangs on it. One whose reentrant
 * handler goes on after a wait may stand in the queue for its next message while that runs. */
static bool cell_may_move(const struct worker *home, const struct cell *c)
{
    if (home->self != NULL && home->self->cell == c)
        return false;
    const uint32_t tied = CELL_PINNED | CELL_PLACED | CELL_INTERNAL | CELL_BUSY | CELL_CLOSED | CELL_ZOMBIE |
                          CELL_THEN | CELL_SENDERS;
    if (!(c->run.flags & CELL_LIVE) || (c->run.flags & tied) || c->stacks != NULL)
        return false;
    if (c->table == NULL && (c->run.flags & CELL_STARTED))
        return false;
    return (c->owned == NULL || (c->owned->count == 0 && c->owned->unseen == 0)) && ext_lets_go(c->ext);
}

static void cell_move(struct cell *c, const struct worker *to)
{
    /* Release: pairs with the acquire in cell_home, so that who finds it at its new home sees all that was done to it.
     */
    atomic_store_explicit(&c->run.home, to->index, memory_order_release);
}

/* ---- giving ---- */

/* A chain of cells, by next. */
struct chain {
    struct runnable *first, *last;
    unsigned len;
};

static void chain_push(struct chain *chain, struct runnable *r)
{
    r->next = NULL;
    if (chain->last != NULL)
        chain->last->next = r;
    else
        chain->first = r;
    chain->last = r;
    chain->len++;
}

/* Every step-th cell that may move leaves the queue for that worker. A tree's branches of all sizes stand in the queue
 * one behind another, so every second is about half of the work. */
static void queue_pick(const struct worker *from, struct runnable **head, struct runnable **tail, unsigned step,
                       const struct worker *to, unsigned *seen, struct chain *chain)
{
    struct runnable *before = NULL, *r = *head;
    for (unsigned n = 0; r != NULL && n < LOOK_MAX; n++) {
        struct runnable *next = r->next;
        bool moves = (r->flags & CELL_IS) && cell_may_move(from, cell_of(r)) && ++*seen % step == 0;
        if (!moves) {
            before = r;
            r = next;
            continue;
        }
        if (before != NULL)
            before->next = next;
        else
            *head = next;
        if (next == NULL)
            *tail = before;
        chain_push(chain, r);
        cell_move(cell_of(r), to);
        r = next;
    }
}

static void chain_give(struct worker *to, const struct chain *chain)
{
    struct runnable *next = atomic_load_explicit(&to->given, memory_order_relaxed);
    do
        chain->last->next = next;
    while (!atomic_compare_exchange_weak(&to->given, &next, chain->first));
    worker_nudge(to, ATTENTION_MAIL);
}

static struct worker *hungry_one(struct world *world, const struct worker *but)
{
    uint64_t hungry = atomic_load(&world->hungry) & ~(UINT64_C(1) << but->index);
    while (hungry != 0) { /* whoever takes its bit away feeds it */
        uint64_t bit = hungry & (~hungry + 1);
        if (atomic_fetch_and(&world->hungry, ~bit) & bit)
            return world->worker[__builtin_ctzll(bit)];
        hungry &= ~bit;
    }
    return NULL;
}

/* The batch is what stands in front: with one entry in all there is nothing to give, that one is next. */
static bool has_several(const struct worker *w)
{
    const struct runnable *first = w->batch_head != NULL   ? w->batch_head
                                   : w->front_head != NULL ? w->front_head
                                                           : w->fifo_head;
    if (first == NULL)
        return false;
    return first->next != NULL || (w->batch_head != NULL && (w->front_head != NULL || w->fifo_head != NULL)) ||
           (w->front_head != NULL && w->fifo_head != NULL);
}

void share_out(struct worker *w)
{
    struct world *world = w->world;
    if (world->workers == 1 || atomic_load_explicit(&world->hungry, memory_order_relaxed) == 0 || worker_keeps(w) ||
        !has_several(w))
        return;
    struct worker *to = hungry_one(world, w);
    if (to == NULL)
        return;
    unsigned seen = 0;
    struct chain chain = { NULL, NULL, 0 };
    queue_pick(w, &w->fifo_head, &w->fifo_tail, 2, to, &seen, &chain);
    queue_pick(w, &w->front_head, &w->front_tail, 2, to, &seen, &chain);
    if (chain.len > 0)
        chain_give(to, &chain);
    else /* one alone stays: it most likely serves those that are suspended here, and every message would cross */
        atomic_fetch_or(&world->hungry, UINT64_C(1) << to->index);
}

void share_offer(struct worker *w)
{
    int64_t work = 0, turn = w->compact.turn_ns;
    if (turn < OFFER_TURN_NS || worker_keeps(w))
        return;
    for (const struct runnable *r = w->front_head; r != NULL && work < OFFER_WORK_NS; r = r->next)
        work += turn;
    for (const struct runnable *r = w->fifo_head; r != NULL && work < OFFER_WORK_NS; r = r->next)
        work += turn;
    if (work >= OFFER_WORK_NS)
        atomic_fetch_or_explicit(&w->attention, ATTENTION_SHARE, memory_order_relaxed);
}

bool share_receive(struct worker *w)
{
    struct runnable *r = atomic_load(&w->given); /* in order behind the clearing of attention */
    if (r == NULL)
        return false;
    r = atomic_exchange_explicit(&w->given, NULL, memory_order_acquire);
    while (r != NULL) {
        struct runnable *next = r->next;
        worker_ready_last(w, r);
        w->moved++;
        r = next;
    }
    return true;
}

/* ---- hunger ---- */

void share_ask(struct worker *w)
{
    struct world *world = w->world;
    atomic_fetch_or(&world->hungry, UINT64_C(1) << w->index);
    for (unsigned i = 0; i < world->workers; i++) {
        struct worker *other = world->worker[i];
        if (other != w && !atomic_load_explicit(&other->asleep, memory_order_relaxed))
            worker_nudge(other, ATTENTION_SHARE);
    }
}

/* Whether anybody else is at work. */
static bool others_awake(const struct worker *w)
{
    const struct world *world = w->world;
    for (unsigned i = 0; i < world->workers; i++)
        if (world->worker[i] != w && !atomic_load_explicit(&world->worker[i]->asleep, memory_order_relaxed))
            return true;
    return false;
}

bool share_linger(const struct worker *w, int64_t for_ns)
{
    bool called = atomic_load_explicit(&w->attention, memory_order_relaxed) != 0;
    int64_t until = called || !others_awake(w) ? 0 : clock_monotonic_ns() + for_ns;
    while (!called && clock_monotonic_ns() < until)
        called = atomic_load_explicit(&w->attention, memory_order_relaxed) != 0;
    return called;
}

void share_fed(struct worker *w)
{
    uint64_t bit = UINT64_C(1) << w->index;
    if (atomic_load_explicit(&w->world->hungry, memory_order_relaxed) & bit)
        atomic_fetch_and(&w->world->hungry, ~bit);
}

/* ---- robbing ---- */

void share_help(struct worker *stuck)
{
    struct world *world = stuck->world;
    struct worker *to = world->workers > 1 ? hungry_one(world, stuck) : NULL;
    if (to == NULL)
        return;
    atomic_store_explicit(&to->victim, stuck->index + 1u, memory_order_relaxed);
    worker_nudge(to, ATTENTION_ROB);
}

void share_rob(struct worker *w)
{
    unsigned which = atomic_exchange_explicit(&w->victim, 0, memory_order_relaxed);
    if (which == 0)
        return;
    struct worker *victim = w->world->worker[which - 1];
    if (victim == w || !gate_seize(&victim->gate, false))
        return; /* it is out of its handler again, and gives by itself */
    unsigned seen = 0;
    struct chain chain = { NULL, NULL, 0 };
    queue_pick(victim, &victim->fifo_head, &victim->fifo_tail, 1, w, &seen, &chain);
    queue_pick(victim, &victim->front_head, &victim->front_tail, 1, w, &seen, &chain);
    queue_pick(victim, &victim->batch_head, &victim->batch_tail, 1, w, &seen, &chain);
    gate_release(&victim->gate);
    for (struct runnable *r = chain.first; r != NULL;) {
        struct runnable *next = r->next;
        worker_ready_last(w, r);
        w->moved++;
        r = next;
    }
}

/* ---- pulling, gathering, sending off ---- */

bool worker_seize_asleep(struct worker *w)
{
    if (!atomic_load(&w->asleep) || !gate_seize(&w->gate, true))
        return false;
    /* It said that it sleeps before it left the gate, and sees us when it comes back. What was read before the gate was
     * seized may be of a sleep that is over. */
    if (atomic_load(&w->asleep) && gate_is_left(&w->gate))
        return true;
    gate_release(&w->gate);
    return false;
}

bool worker_pull(struct worker *w, struct cell *c)
{
    unsigned home = cell_home(c);
    struct worker *other = w->world->worker[home];
    if (home == w->index || !worker_seize_asleep(other))
        return home == w->index;
    bool idle = cell_home(c) == home && !(c->run.flags & (CELL_QUEUED | CELL_LINKED));
    bool pulled = idle && cell_may_move(other, c);
    if (pulled) {
        cell_move(c, w);
        w->moved++;
    }
    gate_release(&other->gate);
    return pulled;
}

/* The home of whom the newest message in its inbox is from. Only the home takes out of an inbox, so it stays there. */
static unsigned sender_home(const struct worker *w, const struct cell *c)
{
    struct errand *e = (struct errand *) (uintptr_t) (atomic_load(&c->inbox) & INBOX_POINTER);
    uint64_t from = e != NULL && e->run == NULL ? msg_of_errand(e)->from.actor : 0;
    const struct cell *sender = from != 0 ? cell_at(&w->world->cells, from) : NULL;
    return sender != NULL ? cell_home(sender) : w->index;
}

bool worker_gather(struct worker *w, struct cell *c)
{
    unsigned to = sender_home(w, c);
    if (to >= w->index || (c->run.flags & (CELL_QUEUED | CELL_LINKED)) || !cell_may_move(w, c))
        return false;
    cell_move(c, w->world->worker[to]);
    w->moved++;
    return true;
}

void worker_send_off(struct worker *w, struct cell *c, unsigned to, bool ready)
{
    struct worker *other = w->world->worker[to];
    struct chain chain = { NULL, NULL, 0 };
    if (ready)
        c->run.flags |= CELL_QUEUED | CELL_LINKED;
    cell_move(c, other);
    if (!ready)
        return;
    chain_push(&chain, &c->run);
    chain_give(other, &chain);
}
