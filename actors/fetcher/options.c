/* SPDX-License-Identifier: MIT */
/* options.c - what may be set for one request, as a map */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "internal.h"

static const int64_t ms_max = INT64_C(1000) * 60 * 60 * 24 * 365;

#define LIMIT_FIELD(name, kind, min, max) FIELD(struct limits, name, kind, min, max)
static const struct field request_fields[] = {
    LIMIT_FIELD(timeout_ms, FIELD_INT, 1, ms_max),
    LIMIT_FIELD(connect_timeout_ms, FIELD_INT, 1, INT32_MAX),
    LIMIT_FIELD(idle_timeout_ms, FIELD_INT, 1, ms_max),
    LIMIT_FIELD(rate_min, FIELD_INT, 0, INT32_MAX),
    LIMIT_FIELD(rate_max, FIELD_INT, 0, INT64_MAX),
    LIMIT_FIELD(body_max, FIELD_INT, 0, INT64_MAX),
    LIMIT_FIELD(download_max, FIELD_INT, 1, INT64_MAX),
    LIMIT_FIELD(redirects_max, FIELD_INT, 0, 1000),
    LIMIT_FIELD(retries_max, FIELD_INT, 0, RETRIES_MAX),
    LIMIT_FIELD(retry_delay_ms, FIELD_INT, 1, ms_max),
    LIMIT_FIELD(retry_delay_max_ms, FIELD_INT, 1, ms_max),
    LIMIT_FIELD(verify, FIELD_BOOL, 0, 0),
    LIMIT_FIELD(ca_file, FIELD_STR, 0, 0),
    LIMIT_FIELD(no_proxy, FIELD_STR, 0, 0),
    FIELD_END,
};

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

static const char *take_method(struct request_opts *opts, tr_item value)
{
    return tr_read(value, &opts->method) == TR_OK && is_token(opts->method) ? NULL : "must be the name of a method";
}

static const char *take_body(struct request_opts *opts, tr_item value)
{
    return tr_read(value, &opts->body) == TR_OK ? NULL : "must be a string or binary";
}

static const char *take_headers(struct request_opts *opts, tr_item value)
{
    opts->headers = value;
    return headers_are_good(value) ? NULL : "must be a map or an array of [name, value], without line breaks";
}

static const char *take_follow(struct request_opts *opts, tr_item value)
{
    bool follow;
    if (tr_read(value, &follow) != TR_OK)
        return "must be true or false";
    if (!follow)
        opts->limits.redirects_max = -1;
    return NULL;
}

static const char *take_compressed(struct request_opts *opts, tr_item value)
{
    bool compressed;
    if (tr_read(value, &compressed) != TR_OK)
        return "must be true or false";
    opts->as_it_is = !compressed;
    return NULL;
}

/* true: a size that is not known. */
static const char *take_upload(struct request_opts *opts, tr_item value)
{
    bool upload;
    if (!opts->is_stream)
        return "is for streams alone";
    if (tr_read(value, &upload) == TR_OK)
        opts->upload_size = upload ? -1 : NO_UPLOAD;
    else if (tr_read(value, &opts->upload_size) != TR_OK || opts->upload_size < 0)
        return "must be true, or a number of bytes";
    return NULL;
}

/* Never repeated in an error. */
static const char *take_user(struct request_opts *opts, tr_item value)
{
    bool good = tr_read(value, &opts->user) == TR_OK && is_field_value(opts->user) && strchr(opts->user, ':') != NULL;
    return good ? NULL : "must be a name and a password with a colon between them";
}

static const char *take_bearer(struct request_opts *opts, tr_item value)
{
    return tr_read(value, &opts->bearer) == TR_OK && is_field_value(opts->bearer) ? NULL : "must be a token";
}

static const char *take_http(struct request_opts *opts, tr_item value)
{
    const char *http;
    if (tr_read(value, &http) != TR_OK)
        return "must be a string";
    opts->limits.http = http;
    return http_version_check(http);
}

static const char *take_proxy(struct request_opts *opts, tr_item value)
{
    const char *proxy;
    if (tr_read(value, &proxy) != TR_OK)
        return "must be a string";
    opts->limits.proxy = proxy;
    return proxy_check(proxy);
}

/* The options that are no plain field. NULL: taken; else what is wrong. */
static const struct {
    const char *key;
    const char *(*take)(struct request_opts *opts, tr_item value);
} specials[] = {
    { "method", take_method }, { "body", take_body },   { "headers", take_headers },
    { "follow", take_follow }, { "user", take_user },   { "bearer", take_bearer },
    { "http", take_http },     { "proxy", take_proxy }, { "compressed", take_compressed },
    { "upload", take_upload },
};

/* As they; "" means that there is no such option. */
static const char *request_special(struct request_opts *opts, const char *key, tr_item value)
{
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (strcmp(specials[i].key, key) == 0)
            return specials[i].take(opts, value);
    }
    return "";
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

/* A stream may be of any size and take any time, as long as it goes on. */
static void limits_of_stream(struct limits *l)
{
    l->timeout_ms = l->body_max = l->download_max = INT64_MAX;
}

tr_err request_opts_read(const struct config *config, bool is_stream, tr_item options, struct request_opts *opts,
                         char *why, size_t why_size)
{
    memset(opts, 0, sizeof *opts);
    opts->limits = config->limits;
    opts->upload_size = NO_UPLOAD;
    opts->is_stream = opts->custom = is_stream;
    if (is_stream)
        limits_of_stream(&opts->limits);
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
    if (opts->upload_size != NO_UPLOAD && opts->body.data != NULL) {
        snprintf(why, why_size, "options body and upload exclude each other");
        return TR_EINVAL;
    }
    if (opts->user != NULL && opts->bearer != NULL) {
        snprintf(why, why_size, "options user and bearer exclude each other");
        return TR_EINVAL;
    }
    return TR_OK;
}
