/* SPDX-License-Identifier: MIT */
/* web.c - a web server as small as it can be */
#include "web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE_MAX 999999999u
#define DELAY_MAX_MS 99999
#define HEAD_MAX 4096
#define BACKLOG 128
#define IDLE_MS 10000 /* a client that neither reads nor writes for so long is let go */
#define PAGE_MS 60000 /* a page takes at most so long */

struct client {
    int fd;
    char head[HEAD_MAX + 1]; /* the last request's, up to its blank line */
};

/* ---- one connection ---- */

static tr_err client_send(tr_self *self, struct client *c, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        tr_err err = TR_OK;
        if (n >= 0) {
            data += n;
            len -= (size_t) n;
        } else if (errno == EAGAIN) {
            err = tr_fd_wait(self, c->fd, TR_WRITABLE, IDLE_MS, NULL);
        } else if (errno != EINTR) {
            err = tr_fail_with(self, TR_EIO, "send: %s", strerror(errno));
        }
        if (err != TR_OK)
            return err;
    }
    return TR_OK;
}

/* Reads a request up to its blank line. A client must wait for an answer before it asks again. */
static tr_err client_read_head(tr_self *self, struct client *c)
{
    size_t len = 0;
    c->head[0] = '\0';
    while (strstr(c->head, "\r\n\r\n") == NULL) {
        if (len == HEAD_MAX)
            return tr_fail_with(self, TR_ETOOBIG, "a request of more than %d bytes", HEAD_MAX);
        ssize_t n = recv(c->fd, c->head + len, HEAD_MAX - len, 0);
        tr_err err = TR_OK;
        if (n > 0)
            len += (size_t) n;
        else if (n == 0)
            err = TR_ECLOSED;
        else if (errno == EAGAIN)
            err = tr_fd_wait(self, c->fd, TR_READABLE, IDLE_MS, NULL);
        else if (errno != EINTR)
            err = tr_fail_with(self, TR_EIO, "recv: %s", strerror(errno));
        if (err != TR_OK)
            return err;
        c->head[len] = '\0';
    }
    return TR_OK;
}

static tr_err client_send_page(tr_self *self, struct client *c, size_t len)
{
    char block[4096];
    memset(block, '.', sizeof block);
    while (len > 0) {
        size_t n = len < sizeof block ? len : sizeof block;
        tr_err err = client_send(self, c, block, n);
        if (err != TR_OK)
            return err;
        len -= n;
    }
    return TR_OK;
}

/* "GET /LEN " or "GET /LEN/MS ": a page of LEN bytes, after MS milliseconds. */
static bool request_parse(const char *head, size_t *len, int64_t *after_ms)
{
    char *end;
    if (strncmp(head, "GET /", 5) != 0 || head[5] < '0' || head[5] > '9')
        return false;
    *len = strtoul(head + 5, &end, 10);
    *after_ms = *end == '/' ? strtol(end + 1, &end, 10) : 0;
    return *end == ' ' && *len <= PAGE_MAX && *after_ms >= 0 && *after_ms <= DELAY_MAX_MS;
}

static tr_err client_respond(tr_self *self, void *arg)
{
    struct client *c = arg;
    size_t len = 0;
    int64_t after_ms = 0;
    bool found = request_parse(c->head, &len, &after_ms);
    if (!found)
        len = 0;
    else if (after_ms > 0) {
        tr_err err = tr_sleep(self, after_ms);
        if (err != TR_OK)
            return err;
    }
    char head[128];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
                     found ? "200 OK" : "404 Not Found", len);
    tr_err err = client_send(self, c, head, (size_t) n);
    return err != TR_OK ? err : client_send_page(self, c, len);
}

static bool client_stays(const struct client *c)
{
    return strstr(c->head, " HTTP/1.1\r\n") != NULL && strcasestr(c->head, "\r\nConnection: close\r\n") == NULL;
}

/* The body of a connection. What goes wrong with one client is no failure of the server, so the result is always TR_OK.
 * The shield lets a response that has begun end, even when the server is told to stop. */
static tr_err client_serve(tr_self *self, void *arg)
{
    struct client c = { .fd = (int) (intptr_t) arg };
    while (client_read_head(self, &c) == TR_OK && tr_shield(self, PAGE_MS, client_respond, &c) == TR_OK &&
           client_stays(&c))
        continue;
    return tr_fd_close(self, c.fd);
}

/* ---- the server ---- */

tr_err web_open(tr_self *self, uint16_t port, struct web *web)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof addr;
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return tr_fail_with(self, TR_EIO, "socket: %s", strerror(errno));
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *) &addr, sizeof addr) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *) &addr, &len) != 0) {
        tr_err err = tr_fail_with(self, TR_EIO, "port %u: %s", (unsigned) port, strerror(errno));
        close(fd);
        return err;
    }
    web->fd = fd;
    web->port = ntohs(addr.sin_port);
    return TR_OK;
}

/* What to do about accept4's errno: wait for a client, for a free descriptor, try again, or give up. */
static tr_err accept_again(tr_self *self, const struct web *web)
{
    switch (errno) {
    case EAGAIN:
        return tr_fd_wait(self, web->fd, TR_READABLE, TR_FOREVER, NULL);
    case EMFILE:
    case ENFILE:
        return tr_sleep(self, 100);
    case EINTR:
    case ECONNABORTED:
        return TR_OK;
    default:
        return tr_fail_with(self, TR_EIO, "accept: %s", strerror(errno));
    }
}

static tr_err accept_all(tr_self *self, tr_scope *scope, void *arg)
{
    const struct web *web = arg;
    tr_err err = TR_OK;
    while (err == TR_OK) {
        int fd = accept4(web->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            err = accept_again(self, web);
            continue;
        }
        err = tr_spawn_in(self, scope, client_serve, (void *) (intptr_t) fd, NULL);
        if (err != TR_OK)
            close(fd);
    }
    return err;
}

tr_err web_serve(tr_self *self, void *arg)
{
    const struct web *web = arg;
    tr_err err = tr_scope_run(self, NULL, accept_all, arg);
    tr_err closed = tr_fd_close(self, web->fd);
    return err == TR_ECANCELED ? closed : err;
}
