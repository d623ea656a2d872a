/* SPDX-License-Identifier: MIT */
/* main.c - fetch: web pages, all at once, printed in order; without URLs three slow pages of a server of its own */
#include <stdio.h>

#include <troupe/fetcher.h>

#include "web.h" /* 05-web-server */

#define PAGES 3

static bool print_page(const char *url, const tr_outcome *outcome)
{
    tr_page page;
    if (outcome->err != TR_OK || tr_page_read(outcome->reply, &page) != TR_OK) {
        fprintf(stderr, "%s: %s\n", url, outcome->err != TR_OK ? outcome->text : "the reply is no page");
        return false;
    }
    if (page.status >= 400)
        fprintf(stderr, "%s: status %d\n", url, page.status);
    else
        printf("Fetched %zu bytes from %s\n", page.body.len, url);
    return page.status < 400;
}

static tr_err fetch(tr_self *self, size_t n, const char *const urls[])
{
    tr_pending *asks = tr_alloc(self, n * sizeof *asks);
    tr_outcome *outcomes = tr_alloc(self, n * sizeof *outcomes);
    if (asks == NULL || outcomes == NULL)
        return tr_fail_with(self, TR_ENOMEM, "no memory for %zu pages", n);
    tr_addr fetcher;
    tr_err err = tr_fetcher_spawn(self, NULL, &fetcher);
    for (size_t i = 0; i < n && err == TR_OK; i++)
        err = tr_ask_start(self, fetcher, &asks[i], "fetch", urls[i]);
    if (err == TR_OK)
        err = tr_gather(self, asks, n, TR_COLLECT, outcomes);
    if (err != TR_OK)
        return err;
    size_t missing = 0;
    for (size_t i = 0; i < n; i++)
        missing += !print_page(urls[i], &outcomes[i]);
    return missing == 0 ? TR_OK : tr_fail_with(self, TR_EUSER, "%zu of %zu pages did not come", missing, n);
}

static tr_err serve_and_fetch(tr_self *self, tr_scope *scope, void *arg)
{
    static const struct {
        int bytes, after_ms;
    } pages[PAGES] = { { 1000, 600 }, { 20000, 900 }, { 300000, 300 } };
    struct web *web = arg;
    char text[PAGES][64];
    const char *urls[PAGES];
    for (int i = 0; i < PAGES; i++) {
        snprintf(text[i], sizeof text[i], "http://127.0.0.1:%u/%d/%d", (unsigned) web->port, pages[i].bytes,
                 pages[i].after_ms);
        urls[i] = text[i];
    }
    tr_addr server;
    tr_err err = tr_spawn_in(self, scope, web_serve, web, &server);
    if (err != TR_OK)
        return err;
    tr_time started = tr_now(self);
    if ((err = fetch(self, PAGES, urls)) != TR_OK)
        return err;
    fprintf(stderr, "took %.1f s: as long as the slowest page (0.9 s), not the sum (1.8 s)\n",
            (double) (tr_now(self) - started) / 1e9);
    return tr_cancel_wait(self, server, "all pages fetched", 5000);
}

static tr_err fetch_main(tr_self *self, void *arg)
{
    char **urls = arg;
    size_t n = 0;
    while (urls[n] != NULL)
        n++;
    if (n > 0)
        return fetch(self, n, (const char *const *) urls);
    struct web web;
    tr_err err = web_open(self, 0, &web);
    return err != TR_OK ? err : tr_scope_run(self, NULL, serve_and_fetch, &web);
}

int main(int argc, char **argv)
{
    (void) argc;
    return tr_main(fetch_main, argv + 1);
}
