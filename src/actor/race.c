/* SPDX-License-Identifier: MIT */
/* race.c - bodies against each other: one wins, and the others have ended when that is told */
#include "actor/cancel.h"
#include "actor/ender.h"
#include "actor/error.h"
#include "actor/scope_kernel.h"
#include "base/clock.h"

#define RACERS_MAX 64

struct race {
    const tr_race_opts *opts;
    tr_racer *racers;
    size_t n, started;
    tr_time next; /* when the next one is to be started */
    bool won;
    bool unknown; /* there was no memory to note how one of them ended */
    size_t winner;
    tr_err err; /* how the winner ended */
    const tr_msg *result;
};

static tr_err opts_check(struct tr_self *self, const tr_race_opts *o, size_t n)
{
    if (n == 0)
        return error_set(self, TR_EINVAL, "race", "nobody to run");
    if (n > RACERS_MAX)
        return error_set(self, TR_ETOOBIG, "race", "%zu runners, of %d at most", n, RACERS_MAX);
    if (o->size != sizeof *o)
        return error_set(self, TR_EINVAL, "race", "opts.size is %zu, not sizeof(tr_race_opts) = %zu", o->size,
                         sizeof *o);
    if (o->delay_ms < 0 || o->grace_ms < 0)
        return error_set(self, TR_EINVAL, "race", "a negative time");
    return TR_OK;
}

static size_t racer_index(const struct race *r, uint64_t id)
{
    size_t i = 0;
    while (i < r->n && r->racers[i].addr.actor != id)
        i++;
    return i;
}

/* Whether somebody has won: the records of a scope stand in the order of the ends. */
static bool race_is_over(struct race *r, const struct owner *o)
{
    list_each (l, &o->records) {
        const struct record *record = list_entry(l, struct record, link);
        tr_err err = record->outcome != NULL ? record->outcome->err : TR_OK;
        size_t i = racer_index(r, record->id);
        if (i == r->n || !(err == TR_OK || r->opts->first_to_end))
            continue;
        r->won = true;
        r->winner = i;
        r->err = err == TR_ECANCELED ? TR_EDOWN : err;
        return true;
    }
    return false;
}

static bool has_ended(struct tr_self *self, struct race *r, struct owner *o, size_t i)
{
    if (owner_find(o, r->racers[i].addr.actor) != NULL)
        return true;
    if (tr_is_alive(self, r->racers[i].addr))
        return false;
    return r->unknown = true;
}

/* ---- starting ---- */

static bool next_is_due(struct tr_self *self, struct race *r, struct owner *o)
{
    if (r->started == r->n)
        return false;
    return r->started == 0 || tr_now(self) >= r->next ||
           has_ended(self, r, o, r->started - 1); /* it failed, or the race would be over */
}

static tr_err start_those_due(struct tr_self *self, tr_scope *scope, struct race *r)
{
    while (next_is_due(self, r, &((struct scope *) scope)->owner)) {
        tr_racer *racer = &r->racers[r->started];
        tr_err err = tr_spawn_body_in(self, scope, racer->body, racer->arg, &racer->addr);
        if (err != TR_OK)
            return err;
        r->started++;
        r->next = clock_after_ms(tr_now(self), r->opts->delay_ms);
    }
    return TR_OK;
}

/* Suspends until one that runs has ended, or the next is to be started. */
static tr_err wait_for_news(struct tr_self *self, struct race *r, struct owner *o)
{
    tr_wait_item items[RACERS_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < r->started; i++)
        if (!has_ended(self, r, o, i))
            items[n++] = (tr_wait_item){ .kind = TR_WAIT_END, .actor = r->racers[i].addr };
    if (r->started < r->n)
        items[n++] = (tr_wait_item){ .kind = TR_WAIT_TIME, .deadline = r->next };
    return tr_wait(self, items, n, TR_WAIT_FIRST, TR_FOREVER, NULL);
}

static bool all_have_lost(const struct race *r, const struct owner *o)
{
    return r->started == r->n && o->count == 0;
}

static tr_err run(tr_self *self, tr_scope *scope, void *arg)
{
    struct race *r = arg;
    struct owner *o = &((struct scope *) scope)->owner;
    tr_err err = start_those_due(self, scope, r);
    while (err == TR_OK && !race_is_over(r, o) && !all_have_lost(r, o)) {
        err = wait_for_news(self, r, o);
        if (err == TR_OK && !race_is_over(r, o))
            err = start_those_due(self, scope, r);
    }
    if (!race_is_over(r, o)) { /* also after a cancel: who came in before it has won */
        for (size_t i = 0; i < r->started && err == TR_OK; i++)
            (void) has_ended(self, r, o, i);
        return err;
    }
    if (r->err == TR_OK) /* does not wait: it has ended */
        (void) !tr_join(self, r->racers[r->winner].addr, &r->result);
    tr_scope_cancel(self, scope, "another one won the race");
    return TR_OK;
}

/* ---- the public call ---- */

static tr_err race_verdict(struct tr_self *self, const struct race *r, tr_err err)
{
    if (r->won && r->err == TR_EDOWN)
        return error_set(self, TR_EDOWN, "race", "the first to end had been cancelled");
    if (r->won)
        return r->err;
    if (err == TR_OK && r->unknown)
        return error_set(self, TR_ENOMEM, "race", "out of memory for how they ended");
    return err != TR_OK ? err : error_set(self, TR_EDOWN, "race", "all who ran were cancelled");
}

tr_err tr_race(tr_self *self, const tr_race_opts *opts, tr_racer *racers, size_t n, size_t *winner,
               const tr_msg **result)
{
    static const tr_race_opts usual = { .size = sizeof usual };
    struct race r = { .opts = opts != NULL ? opts : &usual, .racers = racers, .n = n };
    tr_err err = self_enter(self, "race");
    if (err == TR_OK)
        err = opts_check(self, r.opts, n);
    if (err != TR_OK)
        return err;
    for (size_t i = 0; i < n; i++)
        racers[i].addr = TR_ADDR_NIL;
    const tr_scope_opts scope = { .size = sizeof scope,
                                  .name = "tr_race",
                                  .timeout_ms = r.opts->timeout_ms < 0 ? TR_FOREVER : r.opts->timeout_ms,
                                  .keep_going = true,
                                  .grace_ms = r.opts->grace_ms };
    err = race_verdict(self, &r, tr_scope_run(self, &scope, run, &r));
    if (r.won && winner != NULL)
        *winner = r.winner;
    if (err == TR_OK && result != NULL)
        *result = r.result;
    return err;
}
