/* SPDX-License-Identifier: MIT */
/* options.c - what may be set: for a pool, in C or as a map, and for one request, as a map
 *
 * Two tables say it all: a key, where its value goes, and the range it must lie in. An unknown key is an error that
 * names it, since an option that is silently ignored is a limit that silently does not hold.
 */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum field_kind { FIELD_UNSIGNED, FIELD_INT, FIELD_BOOL, FIELD_STR };

struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    int64_t min, max;
};

static const int64_t ms_max = INT64_C(1000) * 60 * 60 * 24 * 365;

#define POOL_FIELD(name, kind, min, max)                       \
    {                                                          \
#name, kind, offsetof(tr_fetcher_opts, name), min, max \
    }
static const struct field pool_fields[] = {
    POOL_FIELD(fetchers, FIELD_UNSIGNED, 0, FETCHERS_MAX),
    POOL_FIELD(total_max, FIELD_UNSIGNED, 0, 1000000),
    POOL_FIELD(per_host_max, FIELD_UNSIGNED, 0, 1000000),
    POOL_FIELD(queue_max, FIELD_UNSIGNED, 0, UINT32_MAX),
    POOL_FIELD(timeout_ms, FIELD_INT, -1, ms_max),
    POOL_FIELD(connect_timeout_ms, FIELD_INT, 0, INT32_MAX),
    POOL_FIELD(idle_timeout_ms, FIELD_INT, -1, ms_max),
    POOL_FIELD(rate_min, FIELD_INT, -1, INT32_MAX),
    POOL_FIELD(body_max, FIELD_INT, -1, INT64_MAX),
    POOL_FIELD(download_max, FIELD_INT, -1, INT64_MAX),
    POOL_FIELD(redirects_max, FIELD_INT, -1, 1000),
    POOL_FIELD(insecure, FIELD_BOOL, 0, 0),
    POOL_FIELD(ca_file, FIELD_STR, 0, 0),
    POOL_FIELD(user_agent, FIELD_STR, 0, 0),
    { NULL, FIELD_INT, 0, 0, 0 },
};

#define LIMIT_FIELD(name, kind, min, max)                    \
    {                                                        \
#name, kind, offsetof(struct limits, name), min, max \
    }
static const struct field request_fields[] = {
    LIMIT_FIELD(timeout_ms, FIELD_INT, 1, ms_max),
    LIMIT_FIELD(connect_timeout_ms, FIELD_INT, 1, INT32_MAX),
    LIMIT_FIELD(idle_timeout_ms, FIELD_INT, 1, ms_max),
    LIMIT_FIELD(rate_min, FIELD_INT, 0, INT32_MAX),
    LIMIT_FIELD(body_max, FIELD_INT, 0, INT64_MAX),
    LIMIT_FIELD(download_max, FIELD_INT, 1, INT64_MAX),
    LIMIT_FIELD(redirects_max, FIELD_INT, 0, 1000),
    LIMIT_FIELD(verify, FIELD_BOOL, 0, 0),
    LIMIT_FIELD(ca_file, FIELD_STR, 0, 0),
    { NULL, FIELD_INT, 0, 0, 0 },
};

static const struct field *field_find(const struct field *fields, const char *key)
{
    const struct field *f = fields;
    while (f->key != NULL && strcmp(f->key, key) != 0)
        f++;
    return f->key != NULL ? f : NULL;
}

static bool field_set_int(const struct field *f, tr_item value, void *base)
{
    int64_t n;
    if (tr_read(value, &n) != TR_OK || n < f->min || n > f->max)
        return false;
    if (f->kind == FIELD_UNSIGNED)
        *(unsigned *) ((char *) base + f->offset) = (unsigned) n;
    else
        *(int64_t *) ((char *) base + f->offset) = n;
    return true;
}

/* False: the value has another type or is out of range. */
static bool field_set(const struct field *f, tr_item value, void *base)
{
    switch (f->kind) {
    case FIELD_BOOL:
        return tr_read(value, (bool *) ((char *) base + f->offset)) == TR_OK;
    case FIELD_STR:
        return tr_read(value, (const char **) ((char *) base + f->offset)) == TR_OK;
    default:
        return field_set_int(f, value, base);
    }
}

/* In words, what the value of a field must be. */
static const char *field_wants(const struct field *f, char *buf, size_t size)
{
    if (f->kind == FIELD_BOOL || f->kind == FIELD_STR)
        return f->kind == FIELD_BOOL ? "true or false" : "a string";
    if (f->max == INT64_MAX)
        snprintf(buf, size, "a number, at least %lld", (long long) f->min);
    else
        snprintf(buf, size, "a number from %lld to %lld", (long long) f->min, (long long) f->max);
    return buf;
}

/* ---- the pool ---- */

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
    l->body_max = or_no_limit(o->body_max, 16 << 20);
    l->download_max = or_no_limit(o->download_max, 16 << 20);
    l->redirects_max = or_default(o->redirects_max, 10);
    l->verify = !o->insecure;
    l->ca_file = o->ca_file;
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

static bool opts_in_range(const tr_fetcher_opts *o, const struct field *f)
{
    int64_t n = 0;
    if (f->kind == FIELD_UNSIGNED)
        n = *(const unsigned *) ((const char *) o + f->offset);
    else if (f->kind == FIELD_INT)
        n = *(const int64_t *) ((const char *) o + f->offset);
    return n >= f->min && n <= f->max;
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
        if (!opts_in_range(&o, f))
            return tr_fail_with(self, TR_EINVAL, "option %s must be %s", f->key, field_wants(f, wants, sizeof wants));
    }
    config->fetchers = (unsigned) or_default(o.fetchers, 4);
    config->total_max = (unsigned) or_default(o.total_max, 100);
    config->per_host_max = (unsigned) or_default(o.per_host_max, 6);
    config->queue_max = (unsigned) or_default(o.queue_max, 65536);
    limits_fill(&o, &config->limits);
    config->user_agent = o.user_agent != NULL ? o.user_agent : "troupe/" TR_FETCHER_VERSION;
    tr_err err = string_copy(self, &config->limits.ca_file);
    return err == TR_OK ? string_copy(self, &config->user_agent) : err;
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

/* ---- a request ---- */

static bool is_token(const char *s)
{
    const char *p = s;
    while (isalnum((unsigned char) *p) || (*p != '\0' && strchr("!#$%&'*+-.^_`|~", *p) != NULL))
        p++;
    return *p == '\0' && p > s;
}

/* What would end a line early, and so let a value smuggle further lines in, is refused. */
static bool is_field_value(const char *s)
{
    return s[strcspn(s, "\r\n")] == '\0';
}

static bool header_is_good(tr_item name, tr_item value)
{
    const char *n, *v;
    return tr_read(name, &n) == TR_OK && tr_read(value, &v) == TR_OK && is_token(n) && is_field_value(v);
}

/* headers: {"name": "value"} or [["name", "value"]]. */
static bool headers_are_good(tr_item headers)
{
    bool is_map = tr_item_type(headers) == TR_TYPE_MAP;
    if (!is_map && tr_item_type(headers) != TR_TYPE_ARRAY)
        return false;
    for (size_t i = 0; i < tr_item_count(headers); i++) {
        tr_item at = tr_item_at(headers, i);
        bool good = is_map ? header_is_good(tr_item_key(headers, i), at)
                           : tr_item_count(at) == 2 && header_is_good(tr_item_at(at, 0), tr_item_at(at, 1));
        if (!good)
            return false;
    }
    return true;
}

/* The options that are no plain field. NULL: taken; else what is wrong, and "" means that there is no such option. */
static const char *request_special(struct request_opts *opts, const char *key, tr_item value)
{
    bool follow;
    if (strcmp(key, "method") == 0)
        return tr_read(value, &opts->method) == TR_OK && is_token(opts->method) ? NULL : "must be the name of a method";
    if (strcmp(key, "body") == 0)
        return tr_read(value, &opts->body) == TR_OK ? NULL : "must be a string or binary";
    if (strcmp(key, "headers") == 0) {
        opts->headers = value;
        return headers_are_good(value) ? NULL : "must be a map or an array of [name, value], without line breaks";
    }
    if (strcmp(key, "follow") != 0)
        return "";
    if (tr_read(value, &follow) != TR_OK)
        return "must be true or false";
    if (!follow)
        opts->limits.redirects_max = -1;
    return NULL;
}

static bool request_option(struct request_opts *opts, const char *key, tr_item value, char *why, size_t why_size)
{
    char wants[96];
    const struct field *f = field_find(request_fields, key);
    if (f != NULL) {
        if (field_set(f, value, &opts->limits))
            return true;
        snprintf(why, why_size, "option %s must be %s", key, field_wants(f, wants, sizeof wants));
        return false;
    }
    const char *wrong = request_special(opts, key, value);
    if (wrong == NULL)
        return true;
    if (*wrong != '\0')
        snprintf(why, why_size, "option %s %s", key, wrong);
    else
        snprintf(why, why_size, "unknown option \"%.100s\"", key);
    return false;
}

tr_err request_opts_read(const struct config *config, tr_item options, struct request_opts *opts, char *why,
                         size_t why_size)
{
    memset(opts, 0, sizeof *opts);
    opts->limits = config->limits;
    if (tr_item_type(options) == TR_TYPE_INVALID || tr_item_type(options) == TR_TYPE_NIL)
        return TR_OK;
    for (size_t i = 0; i < tr_item_count(options); i++) {
        const char *key;
        if (tr_read(tr_item_key(options, i), &key) != TR_OK) {
            snprintf(why, why_size, "the name of an option must be a string");
            return TR_EINVAL;
        }
        if (!request_option(opts, key, tr_item_at(options, i), why, why_size))
            return TR_EINVAL;
        opts->custom = true;
    }
    return TR_OK;
}
