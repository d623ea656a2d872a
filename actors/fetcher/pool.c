/* SPDX-License-Identifier: MIT */
/* pool.c - the pool: many fetchers behind one address
 *
 * A request goes to the fetcher that its host hashes to, which answers the asker directly; the pool keeps nothing of
 * it. So one host has one fetcher: its connections are used again and its limit is exact. More than one fetcher pays on
 * more than one worker thread, where they spread: they are spawned with message arguments and share no memory, neither
 * with the pool nor with each other.
 *
 * A cookie that one host sets may be for others, so a pool with a jar has one fetcher, which owns it.
 */
#include <string.h>

#include "internal.h"

struct pool {
    tr_fetcher_opts opts; /* what each fetcher is told; its strings are the pool's own */
    unsigned count, total_max;
    tr_addr slots, fetchers[FETCHERS_MAX];
};

static tr_err pool_spawn(tr_self *self, const tr_behaviour *behaviour, tr_msg *args, tr_addr *to)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .behaviour = behaviour, .args = args };
    tr_err err = tr_spawn_with(self, &opts, to);
    tr_msg_free(&args);
    return err;
}

static tr_err pool_spawn_slots(tr_self *self, struct pool *p)
{
    tr_msg *args = NULL;
    tr_err err = tr_msg_new(&args, "slots", p->total_max);
    return err == TR_OK ? pool_spawn(self, &slots_behaviour, args, &p->slots) : err;
}

static tr_err pool_seat(tr_self *self, struct pool *p, unsigned i)
{
    tr_value map[2 * CONFIG_FIELDS_MAX];
    size_t n = config_values(&p->opts, map);
    tr_msg *args = NULL;
    tr_err err = tr_msg_new(&args, "fetcher", tr_mapn(map, n), p->slots, i);
    return err == TR_OK ? pool_spawn(self, &fetcher_behaviour, args, &p->fetchers[i]) : err;
}

/* Whoever was killed: another takes its place. A fetcher holds on to those who shared out its slots, so when they go
 * all are made anew. */
static tr_err pool_revive(tr_self *self, struct pool *p, unsigned i)
{
    tr_err err = TR_OK;
    if (tr_is_alive(self, p->slots))
        return tr_is_alive(self, p->fetchers[i]) ? TR_OK : pool_seat(self, p, i);
    err = pool_spawn_slots(self, p);
    for (unsigned k = 0; k < p->count && err == TR_OK; k++) {
        (void) tr_cancel(self, p->fetchers[k], "its slots are gone");
        err = pool_seat(self, p, k);
    }
    return err;
}

/* To the fetcher of this URL's host. */
static tr_err pool_hand_on(tr_self *self, struct pool *p, const tr_msg *m, const char *url)
{
    struct origin origin;
    char shown[URL_SHOWN_MAX];
    const char *why;
    if (!origin_parse(url, &origin, &why))
        return tr_fail_with(self, TR_FETCH_URL, "url \"%s\": %s", url_shown(url, shown), why);
    unsigned i = (unsigned) (origin_hash(&origin) % p->count);
    tr_err err = pool_revive(self, p, i);
    return err == TR_OK ? tr_forward(self, m, p->fetchers[i]) : err;
}

static tr_err on_fetch(tr_self *self, void *state, const tr_msg *m)
{
    const char *url;
    if (tr_read(tr_arg(m, 0), &url) != TR_OK)
        return TR_EBADMSG;
    return pool_hand_on(self, state, m, url);
}

/* To the fetcher with the jar, which says so if it has none. */
static tr_err on_jar(tr_self *self, void *state, const tr_msg *m)
{
    struct pool *p = state;
    tr_err err = pool_revive(self, p, 0);
    return err == TR_OK ? tr_forward(self, m, p->fetchers[0]) : err;
}

static tr_err on_stats(tr_self *self, void *state, const tr_msg *m)
{
    struct pool *p = state;
    int64_t sum[6] = { 0 };
    for (unsigned i = 0; i < p->count; i++) {
        const tr_msg *r;
        tr_err err = tr_ask(self, p->fetchers[i], &r, "stats");
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
    struct config config;
    p->opts.size = sizeof p->opts;
    tr_err err = TR_OK;
    if (arg == NULL && tr_start_args(self) != NULL)
        err = config_read(self, tr_arg(tr_start_args(self), 0), &p->opts);
    else if (arg != NULL)
        err = config_copy(self, arg, &p->opts);
    if (err == TR_OK)
        err = config_fill(self, &p->opts, &config);
    if (err != TR_OK)
        return err;
    p->count = config.fetchers;
    p->total_max = config.total_max;
    err = pool_spawn_slots(self, p);
    for (unsigned i = 0; i < p->count && err == TR_OK; i++)
        err = pool_seat(self, p, i);
    return err;
}

static const tr_handler pool_handlers[] = {
    { "fetch", "url:str, options:map?", "status:int, headers:array, body:bin, url:str, info:map", on_fetch,
      "fetch a page", 0, NULL },
    { "stream", "url:str, options:map?", "parts: head status:int headers:array url:str, data bin; end info:map",
      on_fetch, "fetch a page part by part, through a flow", 0, NULL },
    { "stats", "", "active:int, waiting:int, done:int, failed:int, canceled:int, connections:int", on_stats,
      "what all fetchers do, and did, in sum", TR_REENTRANT, NULL },
    { "cookies", "", "lines:array", on_jar, "the jar, as lines of a Netscape cookie file", 0, NULL },
    { "cookies_add", "line:str", "", on_jar, "put a cookie into the jar", 0, NULL },
    { "cookies_clear", "", "", on_jar, "forget all cookies", 0, NULL },
    { "cookies_save", "", "", on_jar, "write the cookie_file now", 0, NULL },
    { 0 },
};

const tr_behaviour tr_fetcher_pool = {
    .name = "fetcher-pool",
    .state_size = sizeof(struct pool),
    .handlers = pool_handlers,
    .init = pool_init,
    .doc = "fetches web pages, many at a time",
};

/* What is wrong is told here, not by an actor that ends at once. */
tr_err tr_fetcher_spawn(tr_self *self, const tr_fetcher_opts *opts, tr_addr *pool)
{
    struct config config;
    tr_value map[2 * CONFIG_FIELDS_MAX];
    tr_msg *args = NULL;
    tr_err err = config_fill(self, opts, &config);
    if (err != TR_OK || opts == NULL)
        return err == TR_OK ? tr_spawn_behaviour(self, &tr_fetcher_pool, NULL, pool) : err;
    size_t n = config_values(opts, map);
    err = tr_msg_new(&args, "fetcher-pool", tr_mapn(map, n));
    return err == TR_OK ? pool_spawn(self, &tr_fetcher_pool, args, pool) : err;
}
