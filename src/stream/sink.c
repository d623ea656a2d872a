/* SPDX-License-Identifier: MIT */
/* sink.c - writing to the descriptor, without waiting
 *
 * A pipe whose reader is gone raises SIGPIPE, which no flag of write(2) prevents; the signal is blocked for the time of
 * the call and taken if it came. Sockets have MSG_NOSIGNAL. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stream/layer.h"

#define BLOCKING_PIECE 4096u /* a writable pipe takes that much without blocking (PIPE_BUF) */

static ssize_t write_without_signal(int fd, const void *data, size_t len)
{
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigemptyset(&pending);
    (void) sigpending(&pending);
    (void) pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t n = write(fd, data, len);
    int number = errno;
    if (n < 0 && number == EPIPE && !sigismember(&pending, SIGPIPE))
        (void) sigtimedwait(&pipe, NULL, &(struct timespec){ 0, 0 });
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
    return n;
}

static bool is_writable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, 0) != 0;
}

/* As write(2), but never blocks nor signals, and -1 with EAGAIN when there is no room. */
static ssize_t raw_write(const struct stream *s, const void *data, size_t len)
{
    int fd = port_fd(&s->port);
    ssize_t n;
    if (s->blocking && !is_writable(fd)) {
        errno = EAGAIN;
        return -1;
    }
    if (s->blocking && len > BLOCKING_PIECE)
        len = BLOCKING_PIECE;
    do
        n = s->port.is_socket ? send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) : write_without_signal(fd, data, len);
    while (n < 0 && errno == EINTR);
    return n;
}

enum flush stream_send(struct stream *s, const void *data, size_t len, size_t *n)
{
    *n = 0;
    if (s->out_err != TR_OK)
        return FLUSH_FAILED;
    ssize_t sent = raw_write(s, data, len);
    if (sent >= 0) {
        *n = (size_t) sent;
        return (size_t) sent == len ? FLUSH_DONE : FLUSH_AGAIN;
    }
    if (errno == EAGAIN)
        return FLUSH_AGAIN;
    s->out_errno = errno;
    s->out_err = errno == EPIPE ? TR_ECLOSED : TR_EIO;
    return FLUSH_FAILED;
}

enum flush stream_flush(struct stream *s)
{
    size_t n = 0;
    enum flush flush = FLUSH_DONE;
    if (s->out.len == 0)
        return s->out_err != TR_OK ? FLUSH_FAILED : FLUSH_DONE;
    while (s->out.len > 0 && (flush = stream_send(s, buffer_bytes(&s->out), s->out.len, &n)) != FLUSH_FAILED) {
        buffer_take(&s->out, n);
        if (n == 0)
            break;
    }
    if (flush == FLUSH_FAILED)
        buffer_free(&s->out);
    return s->out.len > 0 ? FLUSH_AGAIN : flush == FLUSH_FAILED ? FLUSH_FAILED : FLUSH_DONE;
}

tr_err stream_push(struct stream *s, const void *data, size_t len, bool end)
{
    if (s->out_err != TR_OK)
        return s->out_err;
    if (s->layer != NULL)
        return layer_encode(s, data, len, end);
    return buffer_append(&s->out, data, len) ? TR_OK : TR_ENOMEM;
}
