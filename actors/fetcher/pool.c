/* SPDX-License-Identifier: MIT */
/* pool.c - the pool: many fetchers behind one address
 *
 * A request goes to the fetcher that its host hashes to, which answers the asker directly; the pool keeps nothing of
 * it. So one host has one fetcher: its connections are used again and its limit is exact. More than one fetcher pays on
 * more than one worker thread.
 */
#include <string.h>

#include "internal.h"

struct pool {
    struct config config;
    struct slots slots;
    struct seat seats[FETCHERS_MAX];
};

/* The fetcher's memory of the pool is safe: the pool waits for what it owns before its own memory goes. */
static tr_err pool_seat(tr_self *self, struct pool *p, unsigned i)
{
    p->seats[i] = (struct seat){ &p->config, &p->slots, i };
    const tr_spawn_opts opts = { .size = sizeof opts, .behaviour = &fetcher_behaviour, .arg = &p->seats[i] };
    return tr_spawn_with(self, &opts, &p->slots.fetchers[i]);
}

/* A fetcher that was killed: another takes its place, and its slots are free again. */
static tr_err pool_revive(tr_self *self, struct pool *p, unsigned i)
{
    slots_reclaim(&p->slots, i);
    return pool_seat(self, p, i);
}

static tr_err on_fetch(tr_self *self, void *state, const tr_msg *m)
{
    struct pool *p = state;
    struct origin origin;
    const char *url, *why;
    if (tr_read(tr_arg(m, 0), &url) != TR_OK)
        return TR_EBADMSG;
    if (!origin_parse(url, &origin, &why))
        return tr_fail_with(self, TR_FETCH_URL, "url \"%.200s\": %s", url, why);
    unsigned i = (unsigned) (origin_hash(&origin) % p->config.fetchers);
    tr_err err = tr_forward(self, m, p->slots.fetchers[i]);
    return err == TR_ENOPROC ? pool_revive(self, p, i) : err;
}

static tr_err on_stats(tr_self *self, void *state, const tr_msg *m)
{
    struct pool *p = state;
    int64_t sum[6] = { 0 };
    for (unsigned i = 0; i < p->config.fetchers; i++) {
        const tr_msg *r;
        tr_err err = tr_ask(self, p->slots.fetchers[i], &r, "stats");
        if (err != TR_OK)
            return err;
        for (size_t k = 0; k < 6; k++) {
            int64_t n = 0;
            (void) !tr_read(tr_arg(r, k), &n);
            sum[k] += n;
        }
    }
    return tr_reply(self, m, sum[0], sum[1], sum[2], sum[3], sum[4], sum[5]);
}

/* The options: given as a pointer, else as a map among the message arguments, else none. */
static tr_err pool_init(tr_self *self, void *state, void *arg)
{
    struct pool *p = state;
    tr_fetcher_opts opts = { .size = sizeof opts };
    tr_err err = TR_OK;
    if (arg == NULL && tr_start_args(self) != NULL)
        err = config_read(self, tr_arg(tr_start_args(self), 0), &opts);
    if (err == TR_OK)
        err = config_fill(self, arg != NULL ? arg : &opts, &p->config);
    if (err != TR_OK)
        return err;
    slots_init(&p->slots, p->config.total_max, p->config.fetchers);
    for (unsigned i = 0; i < p->config.fetchers && err == TR_OK; i++)
        err = pool_seat(self, p, i);
    return err;
}

static const tr_handler pool_handlers[] = {
    { "fetch", "url:str, options:map?", "status:int, headers:array, body:bin, url:str, info:map", on_fetch,
      "fetch a page", 0, NULL },
    { "stats", "", "active:int, waiting:int, done:int, failed:int, canceled:int, connections:int", on_stats,
      "what all fetchers do, and did, in sum", TR_REENTRANT, NULL },
    { 0 },
};

const tr_behaviour tr_fetcher_pool = {
    .name = "fetcher-pool",
    .state_size = sizeof(struct pool),
    .handlers = pool_handlers,
    .init = pool_init,
    .doc = "fetches web pages, many at a time",
};

/* What is wrong is told here, not by an actor that ends at once. The pool reads its options when it first runs, so they
 * are copied into the memory of its owner, which outlives it. */
tr_err tr_fetcher_spawn(tr_self *self, const tr_fetcher_opts *opts, tr_addr *pool)
{
    struct config config;
    tr_err err = config_fill(self, opts, &config);
    if (err != TR_OK || opts == NULL)
        return err == TR_OK ? tr_spawn_behaviour(self, &tr_fetcher_pool, NULL, pool) : err;
    tr_fetcher_opts *copy = tr_alloc(self, sizeof *copy);
    if (copy == NULL)
        return TR_ENOMEM;
    *copy = *opts;
    copy->ca_file = config.limits.ca_file;
    copy->user_agent = config.user_agent;
    return tr_spawn_behaviour(self, &tr_fetcher_pool, copy, pool);
}
