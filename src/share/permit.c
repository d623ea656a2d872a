/* SPDX-License-Identifier: MIT */
/* permit.c - locks and semaphores: permits that are lent, and come back however their holder ends
 *
 * A holder's claim is open here as long as it waits or holds (hand.h). A claim that ends in the line leaves it; one
 * that was granted and whose answer was not read was a grant in vain; one that was read and not released belongs to a
 * holder that died. A lock is a semaphore of one permit that tells the next holder of that, and that deadlock detection
 * sees through: who waits for it waits for its holder. */
#include <troupe/share.h>

#include "actor/cell_ext.h"
#include "actor/deadlock.h"
#include "share/hand.h"
#include "share/line.h"

struct permits {
    struct line waiting, held;
    struct list spare;
    int64_t total, free;
    bool is_lock;
    bool died; /* a holder ended without releasing; until one has released */
};

static tr_err permits_init(tr_self *self, void *state, void *arg)
{
    struct permits *p = state;
    int64_t is_lock;
    (void) arg;
    tr_err err = tr_args(tr_start_args(self), &p->total, &is_lock);
    p->free = p->total;
    p->is_lock = is_lock != 0;
    list_init(&p->spare);
    line_init(&p->waiting, &p->spare);
    line_init(&p->held, &p->spare);
    return err;
}

/* Lets the first in the line go on. Errors: TR_ENOMEM, told to it. */
static void grant(tr_self *self, struct permits *p, struct place *place)
{
    if (hand_number(self, place->wait, p->died) != TR_OK) {
        hand_error(self, &place->wait, TR_ENOMEM, "out of memory", "share.wait", NULL);
        line_leave(self, &p->waiting, place);
        return;
    }
    tr_drop(self, &place->wait);
    line_move(&p->waiting, &p->held, place, false);
    p->free -= place->n;
    if (p->is_lock)
        self->cell->ext->stands_for = tr_sender(place->m).actor;
}

/* The first may have made its claim, and the word that it waits is still to come. */
static void serve(tr_self *self, struct permits *p)
{
    struct place *place;
    while ((place = line_first(self, &p->waiting)) != NULL && place->n <= p->free && place->wait != NULL)
        grant(self, p, place);
}

/* The permits of a holder are free again. */
static void take_back(tr_self *self, struct permits *p, struct place *place)
{
    p->free += place->n;
    line_leave(self, &p->held, place);
    if (p->is_lock)
        self->cell->ext->stands_for = 0;
    serve(self, p);
}

static tr_err on_claim(tr_self *self, void *state, const tr_msg *m)
{
    struct permits *p = state;
    return line_join(self, &p->waiting, m) != NULL ? TR_OK : tr_fail_with(self, TR_ENOMEM, "out of memory");
}

/* Whether who asks would wait for ever, since the holder waits for it. It is looked at here and not by the asker: a
 * release that came before has been seen. */
static bool closes_a_cycle(tr_self *self, const struct permits *p, const tr_msg *m)
{
    char chain[DEADLOCK_TEXT_MAX];
    const struct ask *ask = m->ask;
    if (!p->is_lock || p->free > 0 || ask->home != self->worker)
        return false; /* what waits on other workers cannot be looked at */
    gate_enter(&self->worker->gate);
    bool closes = ask_is_open(ask, m->ask_seq) && ask->waiter != NULL &&
                  deadlock_is_closed_by(ask->waiter, cell_id(self->cell), ask_patience(ask), chain, sizeof chain);
    gate_leave(&self->worker->gate);
    if (closes)
        tr_fail_with(self, TR_EDEADLK, "%s", chain);
    return closes;
}

static tr_err on_wait(tr_self *self, void *state, const tr_msg *m)
{
    struct permits *p = state;
    int64_t n;
    tr_args(m, &n);
    if (n < 1 || n > p->total)
        return tr_fail_with(self, TR_EINVAL, "%lld permits were asked for, of %lld", (long long) n,
                            (long long) p->total);
    if (closes_a_cycle(self, p, m))
        return TR_EDEADLK;
    struct place *place = line_wait(self, &p->waiting, m);
    if (place == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    place->n = n;
    serve(self, p);
    return TR_OK;
}

static tr_err on_wait_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct permits *p = state;
    line_wait_gone(self, &p->waiting, m);
    return TR_OK;
}

static tr_err on_claim_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct permits *p = state;
    struct place *place = line_find(&p->waiting, m);
    if (place != NULL) {
        line_leave(self, &p->waiting, place);
        serve(self, p); /* it may have stood before one that wants less */
        return TR_OK;
    }
    place = line_find(&p->held, m);
    if (place == NULL)
        return TR_OK;
    p->died = p->died || (p->is_lock && place->took);
    take_back(self, p, place);
    return TR_OK;
}

static tr_err on_took(tr_self *self, void *state, const tr_msg *m)
{
    struct permits *p = state;
    (void) self;
    struct place *place = line_find_claim(&p->held, m);
    if (place != NULL)
        place->took = true;
    return TR_OK;
}

static tr_err on_done(tr_self *self, void *state, const tr_msg *m)
{
    struct permits *p = state;
    struct place *place = line_find_claim(&p->held, m);
    if (place == NULL)
        return TR_OK;
    p->died = false;
    take_back(self, p, place);
    return TR_OK;
}

static const tr_handler handlers[] = {
    { "share.claim", "", NULL, on_claim, "never answered: open as long as permits are wanted or held", 0,
      on_claim_gone },
    { "share.wait", "n:int", "died:int", on_wait, "answered when the claim before it holds n permits", 0,
      on_wait_gone },
    { "share.took", "claim:uint, number:uint", NULL, on_took, "the answer was read", 0, NULL },
    { "share.done", "claim:uint, number:uint", NULL, on_done, "give them back", 0, NULL },
    { 0 },
};
static const tr_behaviour lock = {
    .name = "lock", .state_size = sizeof(struct permits), .handlers = handlers, .init = permits_init
};
static const tr_behaviour semaphore = {
    .name = "semaphore", .state_size = sizeof(struct permits), .handlers = handlers, .init = permits_init
};

/* ---- public ---- */

tr_err tr_lock_create(tr_self *self, const tr_share_opts *opts, tr_addr *to)
{
    return share_spawn(self, &lock, opts, 1, true, to);
}

static tr_err take(tr_self *self, tr_addr at, int64_t n, int64_t timeout_ms, tr_hold *hold, bool *died)
{
    tr_msg *saved;
    const tr_msg *answer;
    int64_t word = 0;
    if (!hand_save(self, &saved, "take"))
        return TR_ENOMEM;
    tr_err err = hold_take(self, at, timeout_ms, hold, &answer, TR_VALUES("share.wait", n));
    if (err == TR_OK && died != NULL)
        *died = tr_args(answer, &word) == TR_OK && word != 0;
    hand_restore(self, saved);
    return err;
}

tr_err tr_lock_take_for(tr_self *self, tr_addr at, int64_t timeout_ms, tr_hold *hold, bool *died)
{
    tr_err err = share_check(self, at, &lock, "lock");
    return err == TR_OK ? take(self, at, 1, timeout_ms, hold, died) : err;
}

tr_err tr_semaphore_create(tr_self *self, uint32_t permits, const tr_share_opts *opts, tr_addr *to)
{
    if (permits == 0)
        return tr_fail_with(self, TR_EINVAL, "a semaphore has at least one permit");
    return share_spawn(self, &semaphore, opts, permits, false, to);
}

tr_err tr_semaphore_take_for(tr_self *self, tr_addr at, uint32_t n, int64_t timeout_ms, tr_hold *hold)
{
    tr_err err = share_check(self, at, &semaphore, "semaphore");
    return err == TR_OK ? take(self, at, n, timeout_ms, hold, NULL) : err;
}
