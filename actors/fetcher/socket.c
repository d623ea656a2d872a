/* SPDX-License-Identifier: MIT */
/* socket.c - curl's descriptors and its timer, on the worker's epoll set
 *
 * curl says which descriptor it wants to hear of and when it wants to be called at the latest; readiness and time come
 * as messages.
 *
 * A connection that is kept for the next request loses curl's interest at the end of each page and gets it back a
 * moment later. Telling epoll so twice a page would cost more than it is worth, so a descriptor stays watched; only if
 * it becomes ready while nobody wants it (its server closed it, mostly) is it let go. This is safe for descriptors that
 * curl closes through on_close: connections that stand. Its others, such as those by which a resolver thread reports,
 * are watched to the letter.
 *
 * An attempt to connect that is given up is closed by curl 7.88 itself, and only then taken back. By that time its
 * number may be a file of somebody else's, who would find it taken, or lose it from the set. So what is watched of an
 * attempt is a duplicate of its own, the twin, until it stands.
 *
 * The timer is lazy too: a later time than the one it is set for touches nothing, and it is set again when it has
 * fired.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

enum {
    SOCKET_WANTED = TR_READABLE | TR_WRITABLE, /* by curl */
    SOCKET_WATCHED_SHIFT = 2,
    SOCKET_WATCHED = SOCKET_WANTED << SOCKET_WATCHED_SHIFT, /* by the worker */
    SOCKET_OURS = 16,                                       /* made by on_open */
    SOCKET_UP = 32,                                         /* and connected: closed by on_close */
    SOCKET_TWIN = 64                                        /* a duplicate: curl does not know it */
};

struct socket {
    unsigned flags;
    int twin; /* of one of ours: its duplicate; of a duplicate: what it stands for; 0: none */
};

#define TWIN_MIN 3 /* the standard ones stay free for who has closed them */

/* NULL: out of memory. Until the next call. */
static struct socket *socket_at(struct fetcher *f, int fd)
{
    size_t i = (size_t) fd;
    if (i >= f->sockets_size) {
        size_t size = i < 256 ? 256 : 2 * i;
        struct socket *bigger = realloc(f->sockets, size * sizeof *bigger);
        if (bigger == NULL)
            return NULL;
        memset(bigger + f->sockets_size, 0, (size - f->sockets_size) * sizeof *bigger);
        f->sockets = bigger;
        f->sockets_size = size;
    }
    return &f->sockets[i];
}

/* ---- twins ---- */

/* Without one fd is watched itself. */
static void twin_open(struct fetcher *f, int fd)
{
    int twin = fcntl(fd, F_DUPFD_CLOEXEC, TWIN_MIN);
    struct socket *t = twin >= 0 ? socket_at(f, twin) : NULL;
    if (t == NULL) {
        if (twin >= 0)
            close(twin);
        return;
    }
    *t = (struct socket){ SOCKET_TWIN, fd };
    f->sockets[fd].twin = twin;
}

static void twin_close(struct fetcher *f, int fd)
{
    struct socket *s = &f->sockets[fd];
    int twin = s->twin;
    if (twin == 0)
        return;
    *s = (struct socket){ s->flags & ~(unsigned) SOCKET_WATCHED, 0 };
    f->sockets[twin] = (struct socket){ 0 };
    (void) tr_fd_close(f->self, twin);
}

/* When curl is gone. */
void sockets_free(struct fetcher *f)
{
    for (size_t fd = 0; fd < f->sockets_size; fd++)
        if (!(f->sockets[fd].flags & SOCKET_TWIN))
            twin_close(f, (int) fd);
    free(f->sockets);
}

/* ---- what curl wants to hear of ---- */

/* What curl calls a descriptor that has become ready. */
int socket_name(const struct fetcher *f, int fd)
{
    bool is_twin = fd >= 0 && (size_t) fd < f->sockets_size && (f->sockets[fd].flags & SOCKET_TWIN);
    return is_twin ? f->sockets[fd].twin : fd;
}

/* Whether curl does not care about fd now. */
bool socket_is_idle(const struct fetcher *f, int fd)
{
    return fd >= 0 && (size_t) fd < f->sockets_size && (f->sockets[fd].flags & SOCKET_WANTED) == 0;
}

void socket_unwatch(struct fetcher *f, int fd)
{
    struct socket *s = socket_at(f, fd);
    if (s != NULL)
        twin_close(f, fd);
    tr_fd_unwatch(f->self, fd);
    if (s != NULL)
        s->flags &= ~(unsigned) (SOCKET_WATCHED | SOCKET_WANTED);
}

static int socket_want(struct fetcher *f, int fd, unsigned events)
{
    struct socket *s = &f->sockets[fd];
    unsigned watched = (s->flags & SOCKET_WATCHED) >> SOCKET_WATCHED_SHIFT;
    s->flags = (s->flags & ~(unsigned) SOCKET_WANTED) | events;
    if (watched == events)
        return 0;
    if ((s->flags & (SOCKET_OURS | SOCKET_UP)) == SOCKET_OURS && s->twin == 0)
        twin_open(f, fd);
    s = &f->sockets[fd];
    if (tr_fd_watch(f->self, s->twin != 0 ? s->twin : fd, events, "ready") != TR_OK)
        return -1;
    s->flags = (s->flags & ~(unsigned) SOCKET_WATCHED) | events << SOCKET_WATCHED_SHIFT;
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct fetcher *f = arg;
    struct socket *s = socket_at(f, fd);
    (void) unused;
    if (s == NULL)
        return -1;
    if ((s->flags & SOCKET_OURS) && (what & CURL_POLL_IN)) {
        twin_close(f, fd);
        s->flags |= SOCKET_UP;
        transfer_note_connected(easy);
    }
    if (what != CURL_POLL_REMOVE)
        return socket_want(f, fd, (what & CURL_POLL_IN ? TR_READABLE : 0u) | (what & CURL_POLL_OUT ? TR_WRITABLE : 0u));
    if (s->flags & SOCKET_UP)
        s->flags &= ~(unsigned) SOCKET_WANTED;
    else
        socket_unwatch(f, fd);
    return 0;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetcher *f = arg;
    (void) purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    struct socket *s = socket_at(f, fd);
    if (s == NULL) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    twin_close(f, fd); /* of an attempt that curl has closed, and will take back when it gets to it */
    *s = (struct socket){ SOCKET_OURS, 0 };
    f->connections++;
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct fetcher *f = arg;
    struct socket *s = socket_at(f, fd);
    if (s != NULL) {
        twin_close(f, fd);
        *s = (struct socket){ 0 };
    }
    f->connections--;
    return tr_fd_close(f->self, fd) == TR_OK ? 0 : -1;
}

/* 0 is answered within this turn (f->kick): curl must not be called from here. */
static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct fetcher *f = arg;
    (void) multi;
    f->kick = timeout_ms == 0;
    f->due = timeout_ms < 0 ? TR_NEVER : tr_now(f->self) + (tr_time) timeout_ms * 1000000;
    return 0;
}

/* At the end of a turn: sees to it that curl is called when it wants to be. It is asked, too: on_timer only hears of
 * changes, and a time that curl has moved while it worked on a descriptor may not be one in its eyes. */
void timer_arm(struct fetcher *f)
{
    long timeout_ms = -1;
    (void) curl_multi_timeout(f->multi, &timeout_ms);
    tr_time due = timeout_ms < 0 ? TR_NEVER : tr_now(f->self) + (timeout_ms + 1) * (tr_time) 1000000;
    if (due < f->due)
        f->due = due;
    if (f->due >= f->armed)
        return;
    tr_timer_cancel(f->self, f->timer);
    if (tr_timer_start(f->self, f->due, 0, &f->timer, "timer") == TR_OK)
        f->armed = f->due;
}

bool socket_hook_multi(struct fetcher *f)
{
    CURLM *m = f->multi;
    return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_SOCKETDATA, f) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_TIMERDATA, f) == CURLM_OK;
}

void socket_hook_easy(struct fetcher *f, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, f);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, f);
}
