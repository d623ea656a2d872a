/* SPDX-License-Identifier: MIT */
/* slots.c - how many transfers the whole pool may run, shared by its fetchers
 *
 * A slot is a right to run one transfer. Fetchers are different actors and may stand on different workers, so the count
 * is atomic; a limit split evenly in advance would leave most of it unused when all pages are on one host.
 *
 * A fetcher that finds no slot marks itself starved, then tries once more; one that gives a slot back looks for the
 * starved afterwards. Both are sequentially consistent, so one of the two sees the other: no wake-up is lost. The
 * wake-up is a message "slot" that is never waited for: should the starved one's mailbox be full, then it has messages
 * to handle, and tries again at each of them. While others starve, a fetcher does not take back what it just gave, so
 * slots go round.
 */
#include "internal.h"

void slots_init(struct slots *slots, unsigned total, unsigned fetchers)
{
    atomic_init(&slots->free, total);
    atomic_init(&slots->starved, 0);
    slots->count = fetchers;
    for (unsigned i = 0; i < FETCHERS_MAX; i++)
        atomic_init(&slots->held[i], 0);
}

static bool slots_try(struct slots *slots, unsigned who)
{
    unsigned n = atomic_load(&slots->free);
    while (n > 0) {
        if (atomic_compare_exchange_weak(&slots->free, &n, n - 1)) {
            atomic_fetch_add(&slots->held[who], 1);
            return true;
        }
    }
    return false;
}

bool slots_take(struct slots *slots, unsigned who)
{
    if (slots_try(slots, who))
        return true;
    atomic_fetch_or(&slots->starved, UINT64_C(1) << who);
    return slots_try(slots, who);
}

void slots_give(struct slots *slots, unsigned who)
{
    atomic_fetch_sub(&slots->held[who], 1);
    atomic_fetch_add(&slots->free, 1);
}

void slots_satisfied(struct slots *slots, unsigned who)
{
    uint64_t bit = UINT64_C(1) << who;
    if (atomic_load(&slots->starved) & bit)
        atomic_fetch_and(&slots->starved, ~bit);
}

bool slots_others_starve(struct slots *slots, unsigned who)
{
    return (atomic_load(&slots->starved) & ~(UINT64_C(1) << who)) != 0;
}

/* The next starved one behind who, or who itself when it is the only one. */
static unsigned slots_next(const struct slots *slots, uint64_t starved, unsigned who)
{
    unsigned i = who;
    do
        i = (i + 1) % slots->count;
    while (i != who && !(starved & UINT64_C(1) << i));
    return i;
}

/* Wakes the next starved one if there is something for it. */
void slots_pass(struct slots *slots, unsigned who, tr_self *self)
{
    uint64_t starved = atomic_load(&slots->starved);
    if (starved == 0 || atomic_load(&slots->free) == 0)
        return;
    unsigned next = slots_next(slots, starved, who);
    if (starved & UINT64_C(1) << next)
        (void) tr_try_send(self, slots->fetchers[next], "slot");
}

/* The fetcher has ended without giving back: killed. */
void slots_reclaim(struct slots *slots, unsigned who)
{
    slots_satisfied(slots, who);
    atomic_fetch_add(&slots->free, atomic_exchange(&slots->held[who], 0));
}
