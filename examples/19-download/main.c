/* SPDX-License-Identifier: MIT */
/* main.c - download: a page of any size into a file, part by part, telling how far it is; without arguments a page of a
 * server of its own into a file that is thrown away */
#include <stdio.h>
#include <stdlib.h>

#include <troupe/fetcher.h>
#include <troupe/flow.h>

#include "web.h" /* 05-web-server */

struct download {
    const char *url;
    FILE *file;
    long long bytes, total; /* total: 0 if the server does not say */
};

static void tell(const struct download *d)
{
    if (d->total > 0)
        fprintf(stderr, "\r%3lld%% of %lld bytes", d->bytes * 100 / d->total, d->total);
    else
        fprintf(stderr, "\r%lld bytes", d->bytes);
}

static tr_err take_head(tr_self *self, struct download *d, const tr_page *head)
{
    if (head->status >= 400)
        return tr_fail_with(self, TR_EUSER, "status %d", head->status);
    const char *length = tr_page_header(head, "content-length");
    d->total = length != NULL ? strtoll(length, NULL, 10) : 0;
    return TR_OK;
}

static tr_err take_data(tr_self *self, struct download *d, tr_bytes bytes)
{
    if (fwrite(bytes.data, 1, bytes.len, d->file) != bytes.len)
        return tr_fail_with(self, TR_EIO, "the file cannot be written");
    d->bytes += (long long) bytes.len;
    tell(d);
    return TR_OK;
}

static tr_err download(tr_self *self, void *arg)
{
    struct download *d = arg;
    tr_addr fetcher;
    tr_flow flow;
    const tr_msg *part;
    tr_err err = tr_fetcher_spawn(self, NULL, &fetcher);
    if (err == TR_OK)
        err = tr_flow_open(self, fetcher, NULL, &flow, "stream", d->url);
    if (err != TR_OK)
        return err;
    while (err == TR_OK && (err = tr_flow_next(self, &flow, &part)) == TR_OK) { /* a slow disk slows the server */
        tr_page head;
        tr_bytes bytes;
        if (tr_page_read_head(part, &head) == TR_OK)
            err = take_head(self, d, &head);
        else if (tr_is(part, "data", &bytes))
            err = take_data(self, d, bytes);
    }
    tr_flow_close(self, &flow);
    fprintf(stderr, "\n");
    return err == TR_ECLOSED ? TR_OK : err; /* closed: that was all of it */
}

static tr_err serve_and_download(tr_self *self, tr_scope *scope, void *arg)
{
    struct web *web = arg;
    char url[64];
    struct download d = { .url = url, .file = tmpfile() };
    tr_addr server;
    if (d.file == NULL)
        return tr_fail_with(self, TR_EIO, "no temporary file");
    snprintf(url, sizeof url, "http://127.0.0.1:%u/300000/0", (unsigned) web->port);
    tr_err err = tr_spawn_in(self, scope, web_serve, web, &server);
    if (err == TR_OK)
        err = download(self, &d);
    fclose(d.file);
    if (err != TR_OK)
        return err;
    printf("Saved %lld bytes\n", d.bytes);
    return tr_cancel_wait(self, server, "the page is saved", 5000);
}

static tr_err download_main(tr_self *self, void *arg)
{
    char **args = arg;
    struct download d = { .url = args[0] };
    struct web web;
    if (args[0] == NULL) {
        tr_err err = web_open(self, 0, &web);
        return err != TR_OK ? err : tr_scope_run(self, NULL, serve_and_download, &web);
    }
    d.file = fopen(args[1], "wb");
    if (d.file == NULL)
        return tr_fail_with(self, TR_EIO, "%s cannot be written", args[1]);
    tr_err err = download(self, &d);
    if (fclose(d.file) != 0 && err == TR_OK)
        err = tr_fail_with(self, TR_EIO, "%s cannot be written", args[1]);
    if (err == TR_OK)
        printf("Saved %lld bytes as %s\n", d.bytes, args[1]);
    return err;
}

int main(int argc, char **argv)
{
    if (argc != 1 && argc != 3) {
        fprintf(stderr, "usage: %s [URL FILE]\n", argv[0]);
        return 2;
    }
    return tr_main(download_main, argv + 1);
}
