/* SPDX-License-Identifier: MIT */
/* json.c - a page as a JSON object on one line */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli.h"

/* The length of the UTF-8 character that stands at p, 0 if none does. Overlong forms and surrogates are none (RFC
 * 3629). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    static const unsigned smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    unsigned c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
    if (len == 0 || len > left || p[0] >= 0xf8)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    return (len > 1 && c < smallest[len]) || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

/* Servers and lists of URLs send what they like; a byte that is no UTF-8 becomes U+FFFD. */
static json_t *json_text(const char *s)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t len = strlen(s), at = 0;
    char *clean = malloc(len * 3 + 1);
    if (clean == NULL)
        return NULL;
    for (size_t i = 0; i < len;) {
        size_t n = utf8_length((const unsigned char *) s + i, len - i);
        memcpy(clean + at, n > 0 ? s + i : replacement, n > 0 ? n : 3);
        at += n > 0 ? n : 3;
        i += n > 0 ? n : 1;
    }
    json_t *text = json_stringn(clean, at);
    free(clean);
    return text;
}

static json_t *json_times(const tr_page *page)
{
    json_t *times = json_object();
    for (size_t i = 0; i < tr_item_count(page->info); i++) {
        const char *key;
        const char *text;
        int64_t n;
        if (tr_read(tr_item_key(page->info, i), &key) != TR_OK)
            continue;
        if (tr_read(tr_item_at(page->info, i), &n) == TR_OK)
            (void) json_object_set_new(times, key, json_integer(n));
        else if (tr_read(tr_item_at(page->info, i), &text) == TR_OK)
            (void) json_object_set_new(times, key, json_text(text));
    }
    return times;
}

static void json_add_page(json_t *object, const tr_page *page, int64_t bytes)
{
    const char *type = tr_page_header(page, "content-type");
    (void) json_object_set_new(object, "status", json_integer(page->status));
    (void) json_object_set_new(object, "bytes", json_integer(bytes));
    (void) json_object_set_new(object, "final_url", json_text(page->url));
    if (type != NULL)
        (void) json_object_set_new(object, "content_type", json_text(type));
    (void) json_object_set_new(object, "info", json_times(page));
}

/* The phase is the first word of the text. */
static void json_add_failure(json_t *object, const struct failure *failure)
{
    if (failure->err == TR_OK || (failure->err >= TR_FETCH_URL && failure->err <= TR_FETCH_PROXY))
        (void) json_object_set_new(object, "phase", json_stringn(failure->text, strcspn(failure->text, " ")));
    if (failure->err != TR_OK)
        (void) json_object_set_new(object, "code", json_string(tr_fetcher_err_name(failure->err)));
    (void) json_object_set_new(object, "error", json_text(failure->text));
}

char *json_page(const char *url, const tr_page *page, int64_t bytes, const struct failure *failure, const char *saved)
{
    json_t *object = json_object();
    (void) json_object_set_new(object, "url", json_text(url));
    (void) json_object_set_new(object, "ok", json_boolean(failure == NULL));
    if (page != NULL)
        json_add_page(object, page, bytes);
    if (failure != NULL)
        json_add_failure(object, failure);
    if (saved != NULL)
        (void) json_object_set_new(object, "file", json_text(saved));
    char *line = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return line;
}
