/* SPDX-License-Identifier: MIT */
/* main.c - crawler: all pages of a site, by a few workers that share a queue; what is slow is given up, and Ctrl-C ends
 * it with what is known by then */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <troupe/fetcher.h>

#include "site.h"
#include "web.h" /* 05-web-server */

#define WORKERS 3
#define PAGES_MAX 1000
#define PATH_MAX_BYTES 200 /* a longer link is not followed */
#define PAGE_TIMEOUT_MS 1000

struct page {
    char path[PATH_MAX_BYTES + 1];
    int status; /* 0: not fetched, and err says why not */
    tr_err err; /* TR_OK: nobody has tried yet */
    int links;
};

struct crawl {
    char root[256]; /* "http://host:port" */
    tr_addr queue, web;
    struct page pages[PAGES_MAX];
    size_t n;
};

/* A path that was not seen before is work. */
static tr_err page_found(tr_self *self, struct crawl *c, const char *path, size_t len)
{
    for (size_t i = 0; i < c->n; i++)
        if (strlen(c->pages[i].path) == len && memcmp(c->pages[i].path, path, len) == 0)
            return TR_OK;
    if (c->n == PAGES_MAX || len > PATH_MAX_BYTES)
        return TR_OK;
    memcpy(c->pages[c->n].path, path, len);
    return tr_work_put(self, c->queue, "page", c->n++);
}

/* Links of this site only, and only those that are written the plain way. */
static tr_err links_follow(tr_self *self, struct crawl *c, struct page *page, const tr_page *reply)
{
    static const char mark[] = "href=\"/";
    const char *text = reply->body.data, *end = text + reply->body.len;
    tr_err err = TR_OK;
    while (err == TR_OK && (text = memmem(text, (size_t) (end - text), mark, sizeof mark - 1)) != NULL) {
        text += sizeof mark - 2;
        const char *quote = memchr(text, '"', (size_t) (end - text));
        if (quote == NULL)
            break;
        page->links++;
        err = page_found(self, c, text, (size_t) (quote - text));
        text = quote;
    }
    return err;
}

static tr_err page_fetch(tr_self *self, struct crawl *c, struct page *page)
{
    char url[1024];
    const tr_msg *reply;
    tr_page got;
    snprintf(url, sizeof url, "%s%s", c->root, page->path);
    page->err = tr_ask_for(self, c->web, PAGE_TIMEOUT_MS, &reply, "fetch", url);
    if (page->err == TR_OK)
        page->err = tr_page_read(reply, &got);
    if (page->err != TR_OK)
        return page->err == TR_ECANCELED ? TR_ECANCELED : TR_OK; /* one page is not the crawl */
    page->status = got.status;
    return links_follow(self, c, page, &got);
}

static tr_err worker(tr_self *self, void *arg)
{
    struct crawl *c = arg;
    const tr_msg *item;
    tr_hold hold;
    tr_err err;
    size_t i;
    while ((err = tr_work_take(self, c->queue, &hold, &item)) == TR_OK) {
        tr_check(self, tr_is(item, "page", &i) && i < c->n);
        err = page_fetch(self, c, &c->pages[i]);
        tr_hold_release(self, &hold); /* its links are queued: the queue is not done before they are */
        if (err != TR_OK)
            break;
    }
    return err == TR_ECLOSED ? TR_OK : err;
}

/* ---- the crawl ---- */

static tr_err crawl_all(tr_self *self, tr_scope *scope, void *arg)
{
    struct crawl *c = arg;
    tr_err err = page_found(self, c, "/", 1);
    for (int i = 0; i < WORKERS && err == TR_OK; i++)
        err = tr_spawn_in(self, scope, worker, c, NULL);
    if (err == TR_OK)
        err = tr_work_join(self, c->queue); /* nothing is queued, and no page is being read */
    return err == TR_OK ? tr_work_close(self, c->queue) : err;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct page *) a)->path, ((const struct page *) b)->path);
}

static void report(struct crawl *c)
{
    qsort(c->pages, c->n, sizeof c->pages[0], by_path);
    for (size_t i = 0; i < c->n; i++) {
        const struct page *p = &c->pages[i];
        if (p->status != 0)
            printf("%d %s, %d links\n", p->status, p->path, p->links);
        else
            printf("--- %s, %s\n", p->path, p->err != TR_OK ? tr_err_text(p->err) : "not fetched");
    }
}

static tr_err crawl(tr_self *self, struct crawl *c)
{
    tr_err err = tr_fetcher_spawn(self, NULL, &c->web);
    if (err == TR_OK)
        err = tr_work_create(self, 0, NULL, &c->queue);
    if (err == TR_OK)
        err = tr_scope_run(self, NULL, crawl_all, c); /* Ctrl-C cancels it: the workers have ended when it returns */
    report(c);
    return err;
}

static tr_err serve_and_crawl(tr_self *self, tr_scope *scope, void *arg)
{
    struct crawl *c = arg;
    struct web web;
    tr_addr server;
    tr_err err = web_open(self, 0, &web);
    if (err != TR_OK)
        return err;
    snprintf(c->root, sizeof c->root, "http://127.0.0.1:%u", (unsigned) web.port);
    err = tr_spawn_in(self, scope, site_serve, &web, &server);
    if (err == TR_OK)
        err = crawl(self, c);
    return err == TR_OK ? tr_cancel_wait(self, server, "all pages are crawled", 5000) : err;
}

static tr_err crawl_main(tr_self *self, void *arg)
{
    char **argv = arg;
    struct crawl *c = tr_alloc(self, sizeof *c);
    if (c == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    if (argv[0] == NULL)
        return tr_scope_run(self, NULL, serve_and_crawl, c);
    if (snprintf(c->root, sizeof c->root, "%s", argv[0]) >= (int) sizeof c->root)
        return tr_fail_with(self, TR_EINVAL, "a URL of that length");
    return crawl(self, c);
}

int main(int argc, char **argv)
{
    (void) argc;
    return tr_main(crawl_main, argv + 1);
}
