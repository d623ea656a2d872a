/* SPDX-License-Identifier: MIT */
/* udp.c - datagrams: each whole, or not at all */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actor/error.h"
#include "base/alloc.h"
#include "stream/address.h"
#include "stream/stream.h"

#define DATAGRAM_MAX 65536u
#define RETRY_MS 20 /* when memory was out */

struct udp {
    struct port port;
    bool asked;
    char tag[STREAM_TAG_MAX + 1];
};

static struct udp *udp_of(struct port *p)
{
    return list_entry(p, struct udp, port);
}

static void udp_destroy(struct port *p)
{
    close(port_fd(p));
    mem_free(udp_of(p));
}

/* ---- once ---- */

/* One datagram into buf. True, or errno. An error that an earlier datagram met (its port is closed) is not of this one.
 */
static bool take(int fd, void *buf, size_t size, size_t *len, tr_endpoint *from)
{
    ssize_t n;
    do {
        *from = (tr_endpoint){ .type = SOCK_DGRAM, .len = sizeof from->addr };
        n = recvfrom(fd, buf, size, MSG_DONTWAIT, (struct sockaddr *) &from->addr, &from->len);
    } while (n < 0 && (errno == EINTR || errno == ECONNREFUSED));
    if (n < 0)
        return false;
    from->family = from->addr.ss_family;
    *len = (size_t) n;
    return true;
}

static bool once_send(struct udp *u, const void *data, size_t len, const tr_endpoint *from, tr_err err)
{
    const tr_value values[] = { tr_str(u->tag), tr_int(u->port.hook.id), tr_bin(data, len), tr_bin(from, sizeof *from),
                                tr_int((int64_t) err) };
    if (u->port.cell->run.flags & CELL_CLOSED)
        return true;
    return fd_hook_send(u->port.worker, u->port.cell, NULL, 0, values, 5);
}

/* False: out of memory; a datagram is lost with it, as datagrams may be. */
static bool once_take(struct udp *u)
{
    size_t len = 0;
    tr_endpoint from;
    char *buf = mem_alloc(DATAGRAM_MAX);
    if (buf == NULL)
        return false;
    bool got = take(port_fd(&u->port), buf, DATAGRAM_MAX, &len, &from);
    bool ok = true;
    if (got || errno != EAGAIN) {
        ok = once_send(u, buf, len, &from, got ? TR_OK : TR_EIO);
        u->asked = !ok;
    }
    mem_free(buf);
    return ok;
}

static void udp_ready(struct worker *w, struct fd_hook *h, unsigned revents)
{
    struct udp *u = udp_of(port_of_hook(h));
    (void) revents;
    bool ok = !u->asked || once_take(u);
    (void) fd_hook_want(w, h, u->asked && ok ? TR_READABLE : 0);
    if (!ok)
        port_retry(&u->port, RETRY_MS);
}

tr_err tr_udp_once(tr_self *self, tr_udp udp, const char *tag)
{
    struct port *p;
    size_t len = tag != NULL ? strlen(tag) : 0;
    tr_err err = port_get(self, udp.id, PORT_UDP, "once", &p);
    if (err != TR_OK)
        return err;
    if (len == 0 || len > STREAM_TAG_MAX)
        return error_set(self, TR_EINVAL, "once", "a tag of %zu bytes; 1 to %d", len, STREAM_TAG_MAX);
    if (p->cell != self->cell)
        return error_set(self, TR_ESTATE, "once", "the socket is another actor's");
    if (p->hook.reader != NULL || udp_of(p)->asked)
        return error_set(self, TR_EBUSY, "once", "asked already, or another receives from it");
    memcpy(udp_of(p)->tag, tag, len + 1);
    udp_of(p)->asked = true;
    udp_ready(self->worker, &p->hook, 0);
    return TR_OK;
}

tr_err tr_udp_from(tr_item from, tr_endpoint *endpoint)
{
    tr_bytes bytes;
    if (tr_read(from, &bytes) != TR_OK || bytes.len != sizeof *endpoint)
        return TR_EBADMSG;
    memcpy(endpoint, bytes.data, sizeof *endpoint);
    return TR_OK;
}

/* ---- opening, closing ---- */

tr_err tr_udp_open(tr_self *self, const char *host, const char *service, tr_udp *udp)
{
    tr_endpoint e;
    int fd;
    tr_err err = address_to_bind(self, host, service != NULL ? service : "0", SOCK_DGRAM, &e);
    if (err == TR_OK)
        err = socket_bound(self, &e, NULL, &fd);
    if (err != TR_OK)
        return err;
    struct udp *u = mem_zalloc(sizeof *u);
    err = TR_ENOMEM;
    if (u != NULL) {
        port_init(&u->port, fd, PORT_UDP, udp_destroy);
        u->port.hook.ready = udp_ready;
        u->port.is_socket = true;
        err = port_attach(self->worker, self->cell, &u->port);
    }
    if (err != TR_OK) {
        mem_free(u);
        close(fd);
        return error_set(self, err, "udp", "%s", tr_err_text(err));
    }
    *udp = (tr_udp){ u->port.hook.id };
    return TR_OK;
}

void tr_udp_close(tr_self *self, tr_udp udp)
{
    struct port *p = self_is_current(self) ? port_find(self, udp.id, PORT_UDP) : NULL;
    if (p != NULL)
        port_close(p);
}

/* ---- receiving, sending ---- */

/* The length of the datagram that is there; -1 with errno. */
static ssize_t peek(int fd)
{
    ssize_t n;
    char none;
    do
        n = recv(fd, &none, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
    while (n < 0 && (errno == EINTR || errno == ECONNREFUSED));
    return n;
}

tr_err tr_udp_recv(tr_self *self, tr_udp udp, void *buf, size_t size, int64_t timeout_ms, size_t *len,
                   tr_endpoint *from)
{
    struct port *p;
    tr_endpoint sender;
    tr_err err = port_enter(self, udp.id, PORT_UDP, "recv", &p);
    if (err == TR_OK && (p->hook.reader != NULL || udp_of(p)->asked))
        err = error_set(self, TR_EBUSY, "recv", "another receives from this socket");
    int64_t deadline = err == TR_OK ? port_deadline(self, timeout_ms) : 0;
    while (err == TR_OK) {
        ssize_t n = peek(port_fd(p));
        if (n > (ssize_t) size)
            return error_set(self, TR_ETOOBIG, "recv", "a datagram of %zd bytes; there is room for %zu", n, size);
        if (n >= 0 && take(port_fd(p), buf, size, len, &sender)) {
            if (from != NULL)
                *from = sender;
            return TR_OK;
        }
        if (errno != EAGAIN)
            return port_error(self, TR_EIO, errno, "recv");
        err = timeout_ms == 0 ? error_set(self, TR_ETIMEDOUT, "recv", "no datagram is there now")
                              : port_wait(self, &p, TR_READABLE, deadline, "recv");
    }
    return err;
}

tr_err tr_udp_send(tr_self *self, tr_udp udp, const tr_endpoint *to, const void *data, size_t len, int64_t timeout_ms)
{
    struct port *p;
    tr_err err = port_enter(self, udp.id, PORT_UDP, "send", &p);
    if (err == TR_OK && p->hook.writer != NULL)
        err = error_set(self, TR_EBUSY, "send", "another sends from this socket");
    int64_t deadline = err == TR_OK ? port_deadline(self, timeout_ms) : 0;
    while (err == TR_OK) {
        if (sendto(port_fd(p), data, len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *) &to->addr, to->len) >=
            0)
            return TR_OK;
        if (errno == EINTR || errno == ECONNREFUSED) /* of an earlier datagram */
            continue;
        if (errno != EAGAIN)
            return port_error(self, errno == EMSGSIZE ? TR_ETOOBIG : TR_EIO, errno, "send");
        err = timeout_ms == 0 ? error_set(self, TR_ETIMEDOUT, "send", "there is no room now")
                              : port_wait(self, &p, TR_WRITABLE, deadline, "send");
    }
    return err;
}
