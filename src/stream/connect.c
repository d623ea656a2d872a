/* SPDX-License-Identifier: MIT */
/* connect.c - the first of several addresses that answers (RFC 8305)
 *
 * Each attempt is a stream of the actor's from the beginning, so that whatever ends the actor closes them all. One wait
 * for all of them: it ends when one has an outcome, or when it is time for the next. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actor/cancel.h"
#include "actor/error.h"
#include "base/clock.h"
#include "stream/address.h"
#include "stream/stream.h"

struct race {
    const tr_endpoint *list;
    size_t n, next;                 /* of list; the next to be tried */
    tr_stream open[TR_RESOLVE_MAX]; /* attempts that have no outcome yet */
    size_t tried[TR_RESOLVE_MAX];   /* of list: where these go */
    size_t len;
    int64_t delay_ns;
    int64_t next_ns; /* when it is time for the next */
    int64_t deadline;
    int number;  /* errno of the last that failed */
    size_t last; /* of list: that one */
};

/* Between two attempts at a Unix socket whose queue is full. The system says EAGAIN, and has no way to wait. */
#define QUEUE_PAUSE_MS 10

static void race_drop(tr_self *self, struct race *r, size_t i)
{
    tr_stream_close(self, r->open[i]);
    r->open[i] = r->open[--r->len];
    r->tried[i] = r->tried[r->len];
}

static int socket_to_connect(const tr_endpoint *e)
{
    int one = 1;
    int fd = socket(e->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && e->family != AF_UNIX)
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* TR_OK: under way, or failed and noted. */
static tr_err race_start_one(tr_self *self, struct race *r)
{
    struct stream *s;
    const tr_endpoint *e = &r->list[r->next++];
    int fd = socket_to_connect(e);
    r->next_ns = tr_now(self) + r->delay_ns;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
        return error_set(self, TR_EIO, "connect", "no socket: %s", strerror(errno));
    if (fd < 0 || (connect(fd, (const struct sockaddr *) &e->addr, e->len) != 0 && errno != EINPROGRESS)) {
        bool is_full = e->family == AF_UNIX && errno == EAGAIN;
        r->number = errno;
        r->last = is_full ? --r->next : r->next - 1;
        r->next_ns = is_full ? tr_now(self) + QUEUE_PAUSE_MS * NS_PER_MS : 0;
        if (fd >= 0)
            close(fd);
        return TR_OK;
    }
    tr_err err = stream_new(self->worker, self->cell, fd, 0, true, &s);
    if (err != TR_OK) {
        close(fd);
        return error_set(self, err, "connect", "out of memory");
    }
    r->tried[r->len] = r->next - 1;
    r->open[r->len++] = (tr_stream){ s->port.hook.id };
    return TR_OK;
}

/* Of attempt i, which is writable. True: it is connected. */
static bool race_outcome(tr_self *self, struct race *r, size_t i)
{
    int number = 0;
    socklen_t len = sizeof number;
    if (getsockopt(fd_of_id(r->open[i].id), SOL_SOCKET, SO_ERROR, &number, &len) != 0)
        number = errno;
    if (number == 0)
        return true;
    r->number = number;
    r->last = r->tried[i];
    r->next_ns = 0; /* the next one need not wait any longer */
    race_drop(self, r, i);
    return false;
}

/* Waits until an attempt has an outcome, or it is time for the next or to give up. *won: the index of a winner. */
static tr_err race_wait(tr_self *self, struct race *r, bool *has_won, size_t *won)
{
    tr_wait_item items[TR_RESOLVE_MAX + 1];
    size_t n = r->len, done;
    int64_t until = r->next < r->n && r->next_ns < r->deadline ? r->next_ns : r->deadline;
    for (size_t i = 0; i < n; i++)
        items[i] = (tr_wait_item){ .kind = TR_WAIT_FD, .fd = fd_of_id(r->open[i].id), .events = TR_WRITABLE };
    items[n] = (tr_wait_item){ .kind = TR_WAIT_TIME, .deadline = until };
    tr_err err = tr_wait(self, items, until == INT64_MAX ? n : n + 1, TR_WAIT_FIRST, TR_FOREVER, &done);
    if (err != TR_OK)
        return err;
    for (size_t i = n; i-- > 0 && !*has_won;) /* downwards: a failed one is replaced by the last */
        if (items[i].done && race_outcome(self, r, i)) {
            *has_won = true;
            *won = i;
        }
    return TR_OK;
}

static tr_err race_lost(tr_self *self, const struct race *r)
{
    char words[ADDRESS_WORDS_MAX];
    (void) address_words(&r->list[r->last], words);
    if (r->n == 1)
        return error_set(self, TR_ENOCONN, "connect", "%s: %s", words, strerror(r->number));
    return error_set(self, TR_ENOCONN, "connect", "none of %zu addresses, %s at last: %s", r->n, words,
                     strerror(r->number));
}

static tr_err race_too_late(tr_self *self, const struct race *r)
{
    char words[ADDRESS_WORDS_MAX];
    bool is_full = r->len == 0 && r->next < r->n && r->number == EAGAIN;
    (void) address_words(&r->list[r->next > 0 && !is_full ? r->next - 1 : r->next], words);
    return error_set(self, TR_ETIMEDOUT, "connect", "%s: %s", words,
                     is_full ? "more than its listener accepts wait there, before the timeout"
                             : "no answer before the timeout");
}

static tr_err race_run(tr_self *self, struct race *r, size_t *won)
{
    bool has_won = false;
    tr_err err = TR_OK;
    while (err == TR_OK && !has_won) {
        int64_t now = tr_now(self);
        if (r->next < r->n && r->next_ns <= now)
            err = race_start_one(self, r);
        else if (r->len == 0 && r->next == r->n)
            return race_lost(self, r);
        else if (now >= r->deadline)
            return race_too_late(self, r);
        else
            err = race_wait(self, r, &has_won, won);
    }
    return err;
}

tr_err tr_tcp_connect_to(tr_self *self, const tr_endpoint *list, size_t n, int64_t delay_ms, int64_t timeout_ms,
                         tr_stream *stream)
{
    size_t won = 0;
    tr_err err = self_enter(self, "connect");
    if (err != TR_OK)
        return err;
    if (n == 0 || n > TR_RESOLVE_MAX || delay_ms < 0)
        return error_set(self, TR_EINVAL, "connect", "%zu addresses (1 to %d), %lld ms between them", n, TR_RESOLVE_MAX,
                         (long long) delay_ms);
    struct race r = { .list = list, .n = n, .delay_ns = delay_ms * NS_PER_MS };
    r.deadline = port_deadline(self, timeout_ms);
    err = race_run(self, &r, &won);
    tr_stream winner = r.open[won];
    for (size_t i = r.len; i-- > 0;)
        if (err != TR_OK || i != won)
            tr_stream_close(self, r.open[i]);
    if (err == TR_OK)
        *stream = winner;
    return err;
}

/* The families in turn, beginning with the one that the system puts first. */
static void interleave(const tr_endpoint *list, size_t n, tr_endpoint *out)
{
    size_t at[2] = { 0, 0 };
    for (size_t i = 0; i < n; i++) {
        size_t which = i % 2;
        for (int tries = 0; tries < 2; tries++, which = 1 - which) {
            while (at[which] < n && (list[at[which]].family == list[0].family) == (which == 1))
                at[which]++;
            if (at[which] < n)
                break;
        }
        out[i] = list[at[which]++];
    }
}

tr_err tr_tcp_connect(tr_self *self, const char *host, const char *service, int64_t timeout_ms, tr_stream *stream)
{
    tr_endpoint found[TR_RESOLVE_MAX], list[TR_RESOLVE_MAX];
    size_t n;
    if (!self_is_current(self))
        return TR_ESTATE;
    int64_t deadline = port_deadline(self, timeout_ms);
    tr_err err = tr_resolve(self, host, service, NULL, timeout_ms, found, TR_RESOLVE_MAX, &n);
    if (err == TR_EUNSENT)
        return error_set(self, TR_ETIMEDOUT, "connect", "the name was not looked up before the timeout");
    if (err != TR_OK)
        return err;
    interleave(found, n, list);
    int64_t left_ms = deadline == INT64_MAX ? TR_FOREVER : (deadline - tr_now(self) + NS_PER_MS - 1) / NS_PER_MS;
    return tr_tcp_connect_to(self, list, n, TR_CONNECT_DELAY_MS, deadline == INT64_MAX || left_ms > 0 ? left_ms : 0,
                             stream);
}

tr_err tr_unix_connect(tr_self *self, const char *path, int64_t timeout_ms, tr_stream *stream)
{
    tr_endpoint e;
    if (!self_is_current(self))
        return TR_ESTATE;
    tr_err err = unix_address(self, path, &e);
    return err == TR_OK ? tr_tcp_connect_to(self, &e, 1, 0, timeout_ms, stream) : err;
}
