/* SPDX-License-Identifier: MIT */
/* slots.c - how many transfers the whole pool may run: an actor that its fetchers ask
 *
 * A slot is a right to run one transfer. Fetchers may stand on different workers, so nothing is shared: each has a
 * quota of its own, spent and earned without a word to anyone, and only its size is talked about. A limit split evenly
 * in advance would leave most of it unused when all pages are on one host.
 *
 *   want(n)   is answered with a grant as soon as there is one; a fetcher has one open at a time
 *   hold()    is answered when others begin, or cease, to want what is not there: while they do, a fetcher gives back
 *             what it does not use and each slot that becomes free, so slots go round
 *   give(n)   gives back
 *
 * Grants and that news are replies, which no full mailbox refuses, so no wake-up is lost. An open hold also tells of
 * its fetcher's end, however it ended: what it held is free again.
 */
#include <string.h>

#include "internal.h"

struct holder {
    tr_addr who; /* nil: nobody */
    unsigned held, wants;
    tr_msg *hold, *want;
    bool told_short;
};

struct slots {
    unsigned free, next; /* next: whom to serve first */
    struct holder holders[FETCHERS_MAX];
};

static struct holder *slots_find(struct slots *s, tr_addr who)
{
    for (unsigned i = 0; i < FETCHERS_MAX; i++) {
        if (tr_addr_eq(s->holders[i].who, who))
            return &s->holders[i];
    }
    return NULL;
}

static unsigned slots_count_wanting(const struct slots *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < FETCHERS_MAX; i++)
        n += s->holders[i].want != NULL;
    return n;
}

/* One alone gets some to spare, so that it need not ask for each; of several each gets its share. */
static unsigned slots_share(const struct slots *s, const struct holder *h, unsigned wanting)
{
    unsigned n = wanting > 1 ? s->free / wanting : h->wants > s->free / 8 ? h->wants : s->free / 8;
    n = n > 0 ? n : 1;
    return n < s->free ? n : s->free;
}

static void slots_grant(tr_self *self, struct slots *s)
{
    unsigned wanting = slots_count_wanting(s);
    for (unsigned i = 0; i < FETCHERS_MAX && wanting > 0 && s->free > 0; i++) {
        struct holder *h = &s->holders[s->next];
        s->next = (s->next + 1) % FETCHERS_MAX;
        if (h->want == NULL)
            continue;
        unsigned n = slots_share(s, h, wanting--);
        if (tr_reply(self, h->want, n) == TR_OK) {
            h->held += n;
            s->free -= n;
        }
        tr_drop(self, &h->want);
    }
}

/* What is still wanted is not there: the others are told, or that it is over. */
static void slots_tell(tr_self *self, struct slots *s)
{
    unsigned wanting = slots_count_wanting(s);
    for (unsigned i = 0; i < FETCHERS_MAX; i++) {
        struct holder *h = &s->holders[i];
        bool is_short = wanting > (h->want != NULL);
        if (h->hold == NULL || is_short == h->told_short)
            continue;
        if (tr_reply(self, h->hold, tr_bool(is_short)) == TR_OK)
            h->told_short = is_short;
        tr_drop(self, &h->hold);
    }
}

static void slots_serve(tr_self *self, struct slots *s)
{
    slots_grant(self, s);
    slots_tell(self, s);
}

static tr_err on_hold(tr_self *self, void *state, const tr_msg *m)
{
    struct slots *s = state;
    struct holder *h = slots_find(s, tr_sender(m));
    if (h == NULL)
        h = slots_find(s, TR_ADDR_NIL);
    if (h == NULL || h->hold != NULL)
        return TR_EFULL;
    h->who = tr_sender(m);
    h->hold = tr_keep(self, m);
    if (h->hold == NULL)
        return TR_ENOMEM;
    slots_tell(self, s);
    return TR_OK;
}

/* The fetcher has ended. */
static tr_err on_holder_ended(tr_self *self, void *state, const tr_msg *m)
{
    struct slots *s = state;
    for (unsigned i = 0; i < FETCHERS_MAX; i++) {
        struct holder *h = &s->holders[i];
        if (h->hold != m)
            continue;
        tr_drop(self, &h->hold);
        if (h->want != NULL)
            tr_drop(self, &h->want);
        s->free += h->held;
        memset(h, 0, sizeof *h);
        slots_serve(self, s);
        break;
    }
    return TR_OK;
}

static tr_err on_want(tr_self *self, void *state, const tr_msg *m)
{
    struct slots *s = state;
    struct holder *h = slots_find(s, tr_sender(m));
    unsigned n = 1;
    tr_args(m, &n);
    if (h == NULL || h->want != NULL)
        return TR_ESTATE;
    h->want = tr_keep(self, m);
    if (h->want == NULL)
        return TR_ENOMEM;
    h->wants = n;
    slots_serve(self, s);
    return TR_OK;
}

static tr_err on_want_dropped(tr_self *self, void *state, const tr_msg *m)
{
    struct slots *s = state;
    for (unsigned i = 0; i < FETCHERS_MAX; i++) {
        if (s->holders[i].want == m)
            tr_drop(self, &s->holders[i].want);
    }
    slots_tell(self, s);
    return TR_OK;
}

/* From a fetcher that has ended since: what it held is back already. */
static tr_err on_give(tr_self *self, void *state, const tr_msg *m)
{
    struct slots *s = state;
    struct holder *h = slots_find(s, tr_sender(m));
    unsigned n = 0;
    tr_args(m, &n);
    if (h == NULL)
        return TR_OK;
    n = n < h->held ? n : h->held;
    h->held -= n;
    s->free += n;
    slots_serve(self, s);
    return TR_OK;
}

static tr_err slots_init(tr_self *self, void *state, void *arg)
{
    struct slots *s = state;
    (void) arg;
    return tr_start_args(self) != NULL ? tr_args(tr_start_args(self), &s->free) : TR_EINVAL;
}

static const tr_handler slots_handlers[] = {
    { "hold", "", "short:bool", on_hold, "from a fetcher: tell me when others are short of slots", 0, on_holder_ended },
    { "want", "n:uint", "n:uint", on_want, "from a fetcher: give me slots", 0, on_want_dropped },
    { "give", "n:uint", NULL, on_give, "from a fetcher: slots that it does not need", 0, NULL },
    { 0 },
};

const tr_behaviour slots_behaviour = {
    .name = "fetcher-slots",
    .state_size = sizeof(struct slots),
    .handlers = slots_handlers,
    .init = slots_init,
    .doc = "shares out the transfers that a pool may run at a time",
};
