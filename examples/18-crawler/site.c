/* SPDX-License-Identifier: MIT */
/* site.c - a web site of a few pages that link to each other, one of them slow */
#include "site.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web.h" /* 05-web-server */

#define IDLE_MS 10000

static const struct page {
    const char *path, *body;
    int64_t after_ms;
} pages[] = {
    { "/", "<a href=\"/news\">news</a> <a href=\"/shop\">shop</a> <a href=\"/about\">about</a>", 50 },
    { "/news", "<a href=\"/news/1\">one</a> <a href=\"/news/2\">two</a> <a href=\"/\">home</a>", 50 },
    { "/news/1", "<a href=\"/news/2\">next</a>", 50 },
    { "/news/2", "<a href=\"/news/1\">back</a> <a href=\"/gone\">source</a>", 50 },
    { "/shop", "<a href=\"/shop/slow\">all of it</a> <a href=\"http://elsewhere.invalid/\">partners</a>", 50 },
    { "/shop/slow", "you have waited long enough", 60000 },
    { "/about", "nothing to see", 50 },
};

static const struct page *page_find(const char *head)
{
    const char *path = head + 4;
    size_t len = strcspn(path, " ");
    if (strncmp(head, "GET ", 4) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (strlen(pages[i].path) == len && memcmp(pages[i].path, path, len) == 0)
            return &pages[i];
    return NULL;
}

static tr_err head_read(tr_self *self, int fd, char head[2048])
{
    size_t len = 0;
    head[0] = '\0';
    while (strstr(head, "\r\n\r\n") == NULL) {
        ssize_t n = recv(fd, head + len, 2047 - len, 0);
        tr_err err = n > 0                      ? TR_OK
                     : n < 0 && errno == EAGAIN ? tr_fd_wait(self, fd, TR_READABLE, IDLE_MS, NULL)
                                                : TR_EIO;
        if (err != TR_OK)
            return err;
        len += n > 0 ? (size_t) n : 0;
        head[len] = '\0';
    }
    return TR_OK;
}

/* One request a connection. Its answer is small: what the socket does not take at once is nobody's loss here. */
static tr_err visitor(tr_self *self, void *arg)
{
    int fd = (int) (intptr_t) arg;
    char head[2048], text[1024];
    tr_err err = head_read(self, fd, head);
    const struct page *page = err == TR_OK ? page_find(head) : NULL;
    if (page != NULL)
        err = tr_sleep(self, page->after_ms);
    int len = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                       page != NULL ? "200 OK" : "404 Not Found", page != NULL ? strlen(page->body) : 0,
                       page != NULL ? page->body : "");
    if (err == TR_OK)
        (void) send(fd, text, (size_t) len, MSG_NOSIGNAL);
    return tr_fd_close(self, fd);
}

static tr_err accept_all(tr_self *self, tr_scope *scope, void *arg)
{
    const struct web *web = arg;
    tr_err err = TR_OK;
    while (err == TR_OK) {
        int fd = accept4(web->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            err = tr_spawn_in(self, scope, visitor, (void *) (intptr_t) fd, NULL);
        else if (errno == EAGAIN)
            err = tr_fd_wait(self, web->fd, TR_READABLE, TR_FOREVER, NULL);
        else if (errno != EINTR && errno != ECONNABORTED)
            err = tr_fail_with(self, TR_EIO, "accept: %s", strerror(errno));
    }
    return err;
}

tr_err site_serve(tr_self *self, void *arg)
{
    const struct web *web = arg;
    const tr_scope_opts opts = { .size = sizeof opts, .name = "visitors", .keep_going = true };
    tr_err err = tr_scope_run(self, &opts, accept_all, arg);
    tr_err closed = tr_fd_close(self, web->fd);
    return err == TR_ECANCELED ? closed : err;
}
