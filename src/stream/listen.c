/* SPDX-License-Identifier: MIT */
/* listen.c - binding: where connections come to; and who is where */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actor/error.h"
#include "base/alloc.h"
#include "stream/address.h"
#include "stream/listener.h"

#define BACKLOG 4096

tr_err unix_address(struct tr_self *self, const char *path, tr_endpoint *e)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t len = path != NULL ? strlen(path) : 0;
    if (len == 0 || len >= sizeof un.sun_path)
        return error_set(self, TR_EINVAL, "unix", "a path of %zu bytes; 1 to %zu", len, sizeof un.sun_path - 1);
    memcpy(un.sun_path, path, len + 1);
    *e = (tr_endpoint){ .family = AF_UNIX, .type = SOCK_STREAM };
    e->len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len + 1);
    if (path[0] == '@') { /* without a file: the name starts with a zero, and ends where the address does */
        un.sun_path[0] = '\0';
        e->len--;
    }
    memcpy(&e->addr, &un, sizeof un);
    return TR_OK;
}

const char *address_words(const tr_endpoint *e, char buf[ADDRESS_WORDS_MAX])
{
    const char *path = ((const struct sockaddr_un *) (const void *) &e->addr)->sun_path;
    if (e->family == AF_UNIX)
        snprintf(buf, ADDRESS_WORDS_MAX, "%s%s", path[0] == '\0' ? "@" : "", path[0] == '\0' ? path + 1 : path);
    else
        (void) tr_endpoint_text(e, buf);
    return buf;
}

static tr_err bind_error(struct tr_self *self, const tr_endpoint *e, int number)
{
    char words[ADDRESS_WORDS_MAX];
    tr_err err = number == EADDRINUSE ? TR_EEXIST : number == EINVAL || number == ENOENT ? TR_EINVAL : TR_EIO;
    return error_set(self, err, "listen", "%s: %s", address_words(e, words), strerror(number));
}

static int socket_to_bind(const tr_endpoint *e, const tr_listen_opts *opts)
{
    int one = 1;
    int fd = socket(e->family, e->type | SOCK_CLOEXEC | SOCK_NONBLOCK, e->protocol);
    if (fd < 0)
        return -1;
    if (e->family != AF_UNIX && e->type == SOCK_STREAM)
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (opts != NULL && opts->reuse_port)
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    return fd;
}

/* A file that nobody listens on any more may be replaced. Of another type than what would listen there: somebody who
 * does gets no connection from this, but it is refused in another way (EPROTOTYPE). */
static bool is_left_over(const tr_endpoint *e)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *) &e->addr, e->len) != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}

static bool bind_to(int fd, const tr_endpoint *e)
{
    const struct sockaddr *addr = (const struct sockaddr *) &e->addr;
    if (bind(fd, addr, e->len) == 0)
        return true;
    const char *path = ((const struct sockaddr_un *) (const void *) addr)->sun_path;
    if (errno != EADDRINUSE || e->family != AF_UNIX || path[0] == '\0')
        return false;
    if (is_left_over(e) && unlink(path) == 0)
        return bind(fd, addr, e->len) == 0;
    errno = EADDRINUSE;
    return false;
}

tr_err socket_bound(struct tr_self *self, const tr_endpoint *e, const tr_listen_opts *opts, int *out)
{
    int fd = socket_to_bind(e, opts);
    if (fd < 0)
        return bind_error(self, e, errno);
    int backlog = opts != NULL && opts->backlog > 0 ? opts->backlog : BACKLOG;
    if (!bind_to(fd, e) || (e->type == SOCK_STREAM && listen(fd, backlog) != 0)) {
        int number = errno;
        close(fd);
        return bind_error(self, e, number);
    }
    *out = fd;
    return TR_OK;
}

static tr_err listen_on(struct tr_self *self, const tr_endpoint *e, const tr_listen_opts *opts, struct listener **l)
{
    int fd = -1;
    if (opts != NULL && opts->size < sizeof *opts)
        return error_set(self, TR_EINVAL, "listen", "opts.size is not set");
    tr_err err = socket_bound(self, e, opts, &fd);
    if (err != TR_OK)
        return err;
    err = listener_new(self, fd, opts, l);
    if (err != TR_OK)
        close(fd);
    return err;
}

tr_err address_to_bind(struct tr_self *self, const char *host, const char *service, int type, tr_endpoint *e)
{
    size_t n;
    const tr_resolve_opts opts = { .size = sizeof opts, .type = type, .passive = true, .all = true };
    return tr_resolve(self, host != NULL ? host : "127.0.0.1", service, &opts, TR_FOREVER, e, 1, &n);
}

tr_err tr_tcp_listen(tr_self *self, const char *host, const char *service, const tr_listen_opts *opts,
                     tr_listener *listener)
{
    tr_endpoint e = { 0 };
    struct listener *l;
    tr_err err = address_to_bind(self, host, service, SOCK_STREAM, &e);
    if (err == TR_OK)
        err = listen_on(self, &e, opts, &l);
    if (err == TR_OK)
        *listener = (tr_listener){ l->port.hook.id };
    return err;
}

tr_err tr_unix_listen(tr_self *self, const char *path, const tr_listen_opts *opts, tr_listener *listener)
{
    tr_endpoint e = { 0 };
    struct listener *l;
    struct stat st;
    if (!self_is_current(self))
        return TR_ESTATE;
    tr_err err = unix_address(self, path, &e);
    if (err == TR_OK)
        err = listen_on(self, &e, opts, &l);
    if (err != TR_OK)
        return err;
    if (path[0] != '@' && lstat(path, &st) == 0) {
        l->path = mem_strdup(path);
        l->dev = st.st_dev;
        l->ino = st.st_ino;
        if (l->path == NULL) {
            (void) unlink(path);
            port_close(&l->port);
            return error_set(self, TR_ENOMEM, "listen", "out of memory");
        }
    }
    *listener = (tr_listener){ l->port.hook.id };
    return TR_OK;
}

/* ---- who is where ---- */

typedef int name_fn(int fd, struct sockaddr *addr, socklen_t *len);

static tr_err endpoint_of(struct tr_self *self, int64_t id, enum port_kind kind, name_fn *name, tr_endpoint *endpoint)
{
    struct port *p;
    tr_endpoint e = { .type = kind == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM, .len = sizeof e.addr };
    tr_err err = port_get(self, id, kind, "endpoint", &p);
    if (err != TR_OK)
        return err;
    if (name(port_fd(p), (struct sockaddr *) &e.addr, &e.len) != 0)
        return port_error(self, TR_EIO, errno, "endpoint");
    e.family = e.addr.ss_family;
    *endpoint = e;
    return TR_OK;
}

tr_err tr_stream_peer(tr_self *self, tr_stream stream, tr_endpoint *endpoint)
{
    return endpoint_of(self, stream.id, PORT_STREAM, getpeername, endpoint);
}

tr_err tr_listener_endpoint(tr_self *self, tr_listener listener, tr_endpoint *endpoint)
{
    return endpoint_of(self, listener.id, PORT_LISTENER, getsockname, endpoint);
}

tr_err tr_udp_endpoint(tr_self *self, tr_udp udp, tr_endpoint *endpoint)
{
    return endpoint_of(self, udp.id, PORT_UDP, getsockname, endpoint);
}

unsigned tr_endpoint_port(const tr_endpoint *endpoint)
{
    if (endpoint->family == AF_INET)
        return ntohs(((const struct sockaddr_in *) (const void *) &endpoint->addr)->sin_port);
    if (endpoint->family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *) (const void *) &endpoint->addr)->sin6_port);
    return 0;
}
