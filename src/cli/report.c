/* SPDX-License-Identifier: MIT */
/* report.c - a page in words: what -w asks for, its head, and its phases */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct report {
    const char *url, *saved;
    const tr_page *page;
    int64_t bytes;
    const struct failure *failure;
};

static int64_t info_of(const struct report *r, const char *key)
{
    return r->page != NULL ? tr_page_info(r->page, key) : 0;
}

static void print_seconds(FILE *out, const struct report *r, const char *key)
{
    fprintf(out, "%.6f", (double) info_of(r, key) / 1e6);
}

static void print_http(FILE *out, int64_t version)
{
    if (version == 10 || version == 11)
        fprintf(out, "1.%d", (int) version - 10);
    else
        fprintf(out, "%d", (int) version / 10);
}

static void print_header(FILE *out, const struct report *r, const char *name)
{
    const char *value = r->page != NULL ? tr_page_header(r->page, name) : NULL;
    fputs(value != NULL ? value : "", out);
}

/* Names as curl has them, and where their value stands in a page's info. */
static const struct {
    const char *name, *key;
} times[] = {
    { "time_namelookup", "resolve_us" },       { "time_connect", "connect_us" },
    { "time_appconnect", "tls_us" },           { "time_pretransfer", "send_us" },
    { "time_starttransfer", "first_byte_us" }, { "time_redirect", "redirect_us" },
    { "time_total", "total_us" },
}, numbers[] = {
    { "num_redirects", "redirects" },  { "num_connects", "connections" }, { "num_retries", "retries" },
    { "size_upload", "uploaded" },     { "size_request", "request_bytes" }, { "size_header", "header_bytes" },
};

static bool print_number(FILE *out, const struct report *r, const char *name)
{
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (strcmp(times[i].name, name) == 0) {
            print_seconds(out, r, times[i].key);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(numbers[i].name, name) == 0) {
            fprintf(out, "%lld", (long long) info_of(r, numbers[i].key));
            return true;
        }
    }
    return false;
}

/* What has no name here is nothing, as in curl. */
static void print_variable(FILE *out, const struct report *r, const char *name)
{
    bool page = r->page != NULL;
    int64_t speed = info_of(r, "total_us") > 0 ? r->bytes * 1000000 / info_of(r, "total_us") : 0;
    if (print_number(out, r, name))
        return;
    if (strcmp(name, "http_code") == 0 || strcmp(name, "response_code") == 0)
        fprintf(out, "%03d", page ? r->page->status : 0);
    else if (strcmp(name, "url") == 0)
        fputs(r->url, out);
    else if (strcmp(name, "url_effective") == 0)
        fputs(page ? r->page->url : r->url, out);
    else if (strcmp(name, "size_download") == 0)
        fprintf(out, "%lld", (long long) r->bytes);
    else if (strcmp(name, "speed_download") == 0)
        fprintf(out, "%lld", (long long) speed);
    else if (strcmp(name, "content_type") == 0)
        print_header(out, r, "content-type");
    else if (strcmp(name, "http_version") == 0)
        print_http(out, info_of(r, "http"));
    else if (strcmp(name, "filename_effective") == 0)
        fputs(r->saved != NULL ? r->saved : "", out);
    else if (strcmp(name, "errormsg") == 0)
        fputs(r->failure != NULL ? r->failure->text : "", out);
    else if (strcmp(name, "exitcode") == 0)
        fputs(r->failure != NULL ? "1" : "0", out);
}

/* "%{name}", "%%"; returns what is behind it. */
static const char *print_percent(FILE *out, const struct report *r, const char *at)
{
    char name[64];
    const char *end = at[1] == '{' ? strchr(at, '}') : NULL;
    if (end == NULL) {
        putc('%', out);
        return at[1] == '%' ? at + 2 : at + 1;
    }
    snprintf(name, sizeof name, "%.*s", (int) (end - at - 2), at + 2);
    print_variable(out, r, name);
    return end + 1;
}

static const char *print_backslash(FILE *out, const char *at)
{
    static const char letters[] = "ntr\\", meanings[] = "\n\t\r\\";
    const char *letter = at[1] != '\0' ? strchr(letters, at[1]) : NULL;
    putc(letter != NULL ? meanings[letter - letters] : '\\', out);
    return letter != NULL ? at + 2 : at + 1;
}

static void print_format(FILE *out, const struct report *r, const char *format)
{
    for (const char *at = format; *at != '\0';) {
        if (*at == '%')
            at = print_percent(out, r, at);
        else if (*at == '\\')
            at = print_backslash(out, at);
        else
            putc(*at++, out);
    }
}

static char *finish(FILE *out, char **text)
{
    if (out == NULL || fclose(out) != 0)
        return NULL;
    return *text;
}

char *report_write_out(const char *format, const char *url, const tr_page *page, int64_t bytes,
                       const struct failure *failure, const char *saved)
{
    const struct report r = { url, saved, page, bytes, failure };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL)
        print_format(out, &r, format);
    return finish(out, &text);
}

char *report_head(const tr_page *page)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fprintf(out, "HTTP/");
    print_http(out, tr_page_info(page, "http"));
    fprintf(out, " %d %s\n", page->status, status_text(page->status));
    for (size_t i = 0; i < tr_item_count(page->headers); i++) {
        const char *name = "", *value = "";
        tr_item pair = tr_item_at(page->headers, i);
        if (tr_read(tr_item_at(pair, 0), &name) == TR_OK && tr_read(tr_item_at(pair, 1), &value) == TR_OK)
            fprintf(out, "%s: %s\n", name, value);
    }
    return finish(out, &text);
}

char *report_phases(const tr_page *page)
{
    const struct report r = { "", NULL, page, 0, NULL };
    const char *address = "";
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    (void) !tr_read(tr_item_get(page->info, "address"), &address);
    fprintf(out, "%s, %s", address, info_of(&r, "reused") ? "a connection that was there" : "a new connection");
    if (info_of(&r, "redirects") > 0)
        fprintf(out, ", %lld redirects", (long long) info_of(&r, "redirects"));
    if (info_of(&r, "retries") > 0)
        fprintf(out, ", %lld retries", (long long) info_of(&r, "retries"));
    fprintf(out, "\nseconds: name ");
    print_format(out, &r,
                 "%{time_namelookup}, connect %{time_connect}, tls %{time_appconnect}, sent "
                 "%{time_pretransfer}, first byte %{time_starttransfer}, total %{time_total}");
    fprintf(out, "\nbytes: %lld + %lld sent, %lld + %lld received\n", (long long) info_of(&r, "request_bytes"),
            (long long) info_of(&r, "uploaded"), (long long) info_of(&r, "header_bytes"),
            (long long) info_of(&r, "downloaded"));
    return finish(out, &text);
}
