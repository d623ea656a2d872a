/* SPDX-License-Identifier: MIT */
/* reply.c - a page as a reply: built from a transfer, taken apart by the asker */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- building ---- */

/* "Name: value\r\n" as a pair, the name in lower case, in place. False: no header line. */
static bool line_split(char *line, size_t len, tr_value pair[2])
{
    char *colon = memchr(line, ':', len), *end = line + len;
    if (colon == NULL || colon == line || isspace((unsigned char) line[0]))
        return false;
    for (char *p = line; p < colon; p++)
        *p = (char) tolower((unsigned char) *p);
    char *value = colon + 1;
    while (value < end && isspace((unsigned char) *value))
        value++;
    while (end > value && isspace((unsigned char) end[-1]))
        end--;
    pair[0] = tr_strn(line, (size_t) (colon - line));
    pair[1] = tr_strn(value, (size_t) (end - value));
    return true;
}

/* All header lines as an array of pairs, in the fetcher's scratch: the arrays first, their members behind them. */
bool reply_headers(struct fetcher *f, struct transfer *t, tr_value *headers)
{
    if (f->scratch == NULL && (f->scratch = malloc(3 * HEADERS_MAX * sizeof *f->scratch)) == NULL)
        return false;
    tr_value *rows = f->scratch, *pairs = f->scratch + HEADERS_MAX;
    size_t n = 0;
    char *at = t->head.data, *end = at + t->head.len;
    while (at < end && n < HEADERS_MAX) {
        char *line_end = memchr(at, '\n', (size_t) (end - at));
        size_t len = line_end != NULL ? (size_t) (line_end - at) : (size_t) (end - at);
        if (line_split(at, len, pairs + 2 * n)) {
            rows[n] = tr_arrayn(pairs + 2 * n, 2);
            n++;
        }
        at += len + 1;
    }
    *headers = tr_arrayn(rows, n);
    return true;
}

/* The body changes hands without a copy; what a buffer has too much of is given back first. */
static tr_value reply_body(struct transfer *t)
{
    struct buffer *b = &t->body;
    if (b->len == 0)
        return tr_bin(NULL, 0);
    if (b->size - b->len > b->len / 4) {
        char *fitting = realloc(b->data, b->len);
        if (fitting != NULL) {
            b->data = fitting;
            b->size = b->len;
        }
    }
    return tr_blob(b->data, b->len, free);
}

/* Answers the request with its page. Errors: as tr_reply; the transfer keeps the body. */
tr_err reply_page(struct fetcher *f, struct transfer *t)
{
    struct request *r = t->request;
    tr_fetch_trace trace;
    tr_value info[TRACE_VALUES_MAX];
    long status = 0;
    const char *url = r->url;
    tr_value headers;
    if (!reply_headers(f, t, &headers))
        return TR_ENOMEM;
    (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    (void) curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    trace_fill(t, &trace);
    tr_err err = tr_reply(f->self, r->msg, status, headers, reply_body(t), url,
                          tr_mapn(info, trace_values(&trace, info)));
    if (err == TR_OK)
        memset(&t->body, 0, sizeof t->body);
    return err;
}

/* ---- taking apart ---- */

tr_err tr_page_read(const tr_msg *reply, tr_page *page)
{
    tr_page p;
    tr_err err = tr_args(reply, &p.status, &p.headers, &p.body, &p.url, &p.info);
    if (err == TR_OK)
        *page = p;
    return err;
}

tr_err tr_page_read_head(const tr_msg *part, tr_page *page)
{
    tr_page p = { .status = 0 };
    if (!tr_is(part, "head", &p.status, &p.headers, &p.url))
        return TR_EBADMSG;
    *page = p;
    return TR_OK;
}

const char *tr_page_header(const tr_page *page, const char *name)
{
    for (size_t i = 0; i < tr_item_count(page->headers); i++) {
        const char *key, *value;
        tr_item pair = tr_item_at(page->headers, i);
        if (tr_read(tr_item_at(pair, 0), &key) == TR_OK && strcmp(key, name) == 0 &&
            tr_read(tr_item_at(pair, 1), &value) == TR_OK)
            return value;
    }
    return NULL;
}

int64_t tr_page_info(const tr_page *page, const char *key)
{
    int64_t n = 0;
    (void) !tr_read(tr_item_get(page->info, key), &n);
    return n;
}
