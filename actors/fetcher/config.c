/* SPDX-License-Identifier: MIT */
/* config.c - what may be set for a pool: in C, as a map, and on its way from the one to the other */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "internal.h"

static const int64_t ms_max = INT64_C(1000) * 60 * 60 * 24 * 365;

#define POOL_FIELD(name, kind, min, max) FIELD(tr_fetcher_opts, name, kind, min, max)
static const struct field pool_fields[] = {
    POOL_FIELD(fetchers, FIELD_UNSIGNED, 0, FETCHERS_MAX),
    POOL_FIELD(total_max, FIELD_UNSIGNED, 0, 1000000),
    POOL_FIELD(per_host_max, FIELD_UNSIGNED, 0, 1000000),
    POOL_FIELD(queue_max, FIELD_UNSIGNED, 0, UINT32_MAX),
    POOL_FIELD(timeout_ms, FIELD_INT, -1, ms_max),
    POOL_FIELD(connect_timeout_ms, FIELD_INT, 0, INT32_MAX),
    POOL_FIELD(idle_timeout_ms, FIELD_INT, -1, ms_max),
    POOL_FIELD(rate_min, FIELD_INT, -1, INT32_MAX),
    POOL_FIELD(rate_max, FIELD_INT, 0, INT64_MAX),
    POOL_FIELD(body_max, FIELD_INT, -1, INT64_MAX),
    POOL_FIELD(download_max, FIELD_INT, -1, INT64_MAX),
    POOL_FIELD(redirects_max, FIELD_INT, -1, 1000),
    POOL_FIELD(retries_max, FIELD_INT, 0, RETRIES_MAX),
    POOL_FIELD(retry_delay_ms, FIELD_INT, 0, ms_max),
    POOL_FIELD(retry_delay_max_ms, FIELD_INT, 0, ms_max),
    POOL_FIELD(insecure, FIELD_BOOL, 0, 0),
    POOL_FIELD(ca_file, FIELD_STR, 0, 0),
    POOL_FIELD(user_agent, FIELD_STR, 0, 0),
    POOL_FIELD(http, FIELD_STR, 0, 0),
    POOL_FIELD(proxy, FIELD_STR, 0, 0),
    POOL_FIELD(no_proxy, FIELD_STR, 0, 0),
    POOL_FIELD(proxy_from_env, FIELD_BOOL, 0, 0),
    POOL_FIELD(cookies, FIELD_BOOL, 0, 0),
    POOL_FIELD(cookie_file, FIELD_STR, 0, 0),
    POOL_FIELD(hook, FIELD_ADDR, 0, 0),
    POOL_FIELD(on_event, FIELD_PTR, 0, 0),
    POOL_FIELD(on_event_ctx, FIELD_PTR, 0, 0),
    FIELD_END,
};
_Static_assert(sizeof pool_fields / sizeof pool_fields[0] <= CONFIG_FIELDS_MAX, "config_values fills a smaller array");

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value != 0 ? value : fallback;
}

static int64_t or_no_limit(int64_t value, int64_t fallback)
{
    return value < 0 ? INT64_MAX : or_default(value, fallback);
}

static void limits_fill(const tr_fetcher_opts *o, struct limits *l)
{
    l->timeout_ms = or_no_limit(o->timeout_ms, 300000);
    l->connect_timeout_ms = or_default(o->connect_timeout_ms, 10000);
    l->idle_timeout_ms = or_no_limit(o->idle_timeout_ms, 30000);
    l->rate_min = o->rate_min < 0 ? 0 : or_default(o->rate_min, 10);
    l->rate_max = o->rate_max;
    l->body_max = or_no_limit(o->body_max, 16 << 20);
    l->download_max = or_no_limit(o->download_max, 16 << 20);
    l->redirects_max = or_default(o->redirects_max, 10);
    l->retries_max = o->retries_max;
    l->retry_delay_ms = or_default(o->retry_delay_ms, 200);
    l->retry_delay_max_ms = or_default(o->retry_delay_max_ms, 30000);
    l->verify = !o->insecure;
    l->ca_file = o->ca_file;
    l->http = o->http;
    l->proxy = o->proxy;
    l->no_proxy = o->no_proxy;
}

/* A copy that lives as long as the actor; NULL stays NULL. */
static tr_err string_copy(tr_self *self, const char **s)
{
    if (*s == NULL)
        return TR_OK;
    size_t size = strlen(*s) + 1;
    char *copy = tr_alloc(self, size);
    if (copy == NULL)
        return TR_ENOMEM;
    memcpy(copy, *s, size);
    *s = copy;
    return TR_OK;
}

tr_err config_copy(tr_self *self, const tr_fetcher_opts *opts, tr_fetcher_opts *copy)
{
    if (opts->size != sizeof *opts)
        return tr_fail_with(self, TR_EINVAL, "tr_fetcher_opts.size is %zu, not %zu", opts->size, sizeof *opts);
    *copy = *opts;
    for (const struct field *f = pool_fields; f->key != NULL; f++) {
        const char **text = (const char **) (void *) ((char *) copy + f->offset);
        if (f->kind == FIELD_STR && string_copy(self, text) != TR_OK)
            return TR_ENOMEM;
    }
    return TR_OK;
}

/* What a table of ranges does not say. */
static tr_err config_check(tr_self *self, const tr_fetcher_opts *o)
{
    const char *wrong;
    if (o->http != NULL && (wrong = http_version_check(o->http)) != NULL)
        return tr_fail_with(self, TR_EINVAL, "option http %s", wrong);
    if (o->proxy != NULL && (wrong = proxy_check(o->proxy)) != NULL)
        return tr_fail_with(self, TR_EINVAL, "option proxy %s", wrong);
    return TR_OK;
}

tr_err config_fill(tr_self *self, const tr_fetcher_opts *opts, struct config *config)
{
    tr_fetcher_opts o = { .size = sizeof o };
    if (opts != NULL) {
        if (opts->size != sizeof o)
            return tr_fail_with(self, TR_EINVAL, "tr_fetcher_opts.size is %zu, not %zu", opts->size, sizeof o);
        o = *opts;
    }
    for (const struct field *f = pool_fields; f->key != NULL; f++) {
        char wants[96];
        if (!field_is_in_range(f, &o))
            return tr_fail_with(self, TR_EINVAL, "option %s must be %s", f->key, field_wants(f, wants, sizeof wants));
    }
    tr_err err = config_check(self, &o);
    if (err != TR_OK)
        return err;
    config->cookies = o.cookies || o.cookie_file != NULL;
    config->fetchers = config->cookies ? 1 : (unsigned) or_default(o.fetchers, 4);
    config->total_max = (unsigned) or_default(o.total_max, 100);
    config->per_host_max = (unsigned) or_default(o.per_host_max, 6);
    config->queue_max = (unsigned) or_default(o.queue_max, 65536);
    limits_fill(&o, &config->limits);
    config->user_agent = o.user_agent != NULL ? o.user_agent : "troupe/" TR_FETCHER_VERSION;
    config->proxy_from_env = o.proxy_from_env;
    config->cookie_file = o.cookie_file;
    config->hook = o.hook;
    config->on_event = o.on_event;
    config->on_event_ctx = o.on_event_ctx;
    return TR_OK;
}

tr_err config_read(tr_self *self, tr_item map, tr_fetcher_opts *opts)
{
    if (tr_item_type(map) != TR_TYPE_MAP)
        return tr_fail_with(self, TR_EINVAL, "a fetcher pool is spawned with a map of options, not with %s",
                            tr_type_name(tr_item_type(map)));
    for (size_t i = 0; i < tr_item_count(map); i++) {
        char wants[96];
        const char *key;
        if (tr_read(tr_item_key(map, i), &key) != TR_OK)
            return tr_fail_with(self, TR_EINVAL, "the name of an option must be a string");
        const struct field *f = field_find(pool_fields, key);
        if (f == NULL)
            return tr_fail_with(self, TR_EINVAL, "unknown option \"%s\"", key);
        if (!field_set(f, tr_item_at(map, i), opts))
            return tr_fail_with(self, TR_EINVAL, "option %s must be %s", key, field_wants(f, wants, sizeof wants));
    }
    return TR_OK;
}

size_t config_values(const tr_fetcher_opts *opts, tr_value *kv)
{
    return fields_values(pool_fields, opts, kv);
}
