/* SPDX-License-Identifier: MIT */
/* main.c - web server: serves pages on the port given, until Ctrl-C; without a port it looks at two pages and stops */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "web.h"

/* Reads to the end, and prints the first line and how many bytes there were. */
static tr_err print_answer(tr_self *self, int fd, const char *path)
{
    char buf[4096] = "";
    size_t len = 0;
    for (;;) {
        ssize_t n = recv(fd, buf + len, sizeof buf - 1 - len, MSG_DONTWAIT);
        if (n == 0)
            break;
        if (n > 0) {
            len += (size_t) n;
            continue;
        }
        if (errno != EAGAIN)
            return tr_fail_with(self, TR_EIO, "recv: %s", strerror(errno));
        tr_err err = tr_fd_wait(self, fd, TR_READABLE, 5000, NULL); /* others run meanwhile: the server */
        if (err != TR_OK)
            return err;
    }
    printf("GET %s: %.*s, %zu bytes\n", path, (int) strcspn(buf, "\r\n"), buf, len);
    return TR_OK;
}

static tr_err visit(tr_self *self, uint16_t port, const char *path)
{
    const struct sockaddr_in addr = { .sin_family = AF_INET,
                                      .sin_port = htons(port),
                                      .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return tr_fail_with(self, TR_EIO, "socket: %s", strerror(errno));
    char request[256];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nConnection: close\r\n\r\n", path);
    tr_err err;
    if (connect(fd, (const struct sockaddr *) &addr, sizeof addr) != 0 /* to this machine: does not block */
        || send(fd, request, (size_t) len, MSG_NOSIGNAL) != len)
        err = tr_fail_with(self, TR_EIO, "port %u: %s", (unsigned) port, strerror(errno));
    else
        err = print_answer(self, fd, path);
    tr_err closed = tr_fd_close(self, fd);
    return err != TR_OK ? err : closed;
}

static tr_err serve_and_visit(tr_self *self, tr_scope *scope, void *arg)
{
    struct web *web = arg;
    tr_addr server;
    tr_err err = tr_spawn_in(self, scope, web_serve, web, &server);
    if (err == TR_OK)
        err = visit(self, web->port, "/1000");
    if (err == TR_OK)
        err = visit(self, web->port, "/no-such-page");
    return err != TR_OK ? err : tr_cancel_wait(self, server, "seen enough", 5000);
}

static tr_err web_main(tr_self *self, void *arg)
{
    const char *port = arg;
    struct web web;
    tr_err err = web_open(self, port != NULL ? (uint16_t) strtoul(port, NULL, 10) : 0, &web);
    if (err != TR_OK)
        return err;
    if (port == NULL)
        return tr_scope_run(self, NULL, serve_and_visit, &web);
    printf("http://127.0.0.1:%u/1000\n", (unsigned) web.port);
    fflush(stdout);
    return web_serve(self, &web); /* a body is a function: it can be called as well as spawned */
}

int main(int argc, char **argv)
{
    return tr_main(web_main, argc > 1 ? argv[1] : NULL);
}
