/* SPDX-License-Identifier: MIT */
/* output.c - standard output that never blocks the loop
 *
 * A pipe whose reader is slow would block write(2), and with it every transfer. Its flags are not ours to change (a
 * terminal shares them with the shell), so what is written at once is no more than a pipe that polls writable takes
 * whole, and otherwise this actor waits, not the thread.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { PATIENCE_MS = 100 }; /* with a reader that does not read, at the end */

void output_init(struct output *out, int fd)
{
    out->fd = fd;
    out->error = 0;
    out->len = 0;
    out->closing = false;
    out->eager = isatty(fd) == 1;
}

static bool is_writable(int fd, int timeout_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, timeout_ms) != 0; /* errors are for write to find */
}

/* One write. Returns how much of the buffer is done with, 0: try again. */
static size_t output_write(struct output *out, size_t at)
{
    size_t n = out->len - at < PIPE_BUF ? out->len - at : PIPE_BUF;
    ssize_t written = write(out->fd, out->data + at, n);
    if (written >= 0)
        return (size_t) written;
    if (errno != EINTR && errno != EAGAIN) {
        out->error = errno;
        return n;
    }
    return 0;
}

static void output_keep_from(struct output *out, size_t at)
{
    memmove(out->data, out->data + at, out->len - at);
    out->len -= at;
}

/* What the reader takes; the rest is given up. */
static tr_err output_drain(struct output *out)
{
    size_t at = 0;
    while (at < out->len && out->error == 0 && is_writable(out->fd, PATIENCE_MS))
        at += output_write(out, at);
    out->len = 0;
    return out->error == 0 ? TR_OK : TR_EIO;
}

tr_err output_flush(tr_self *self, struct output *out)
{
    size_t at = 0;
    tr_err err = TR_OK;
    if (out->closing)
        return output_drain(out);
    while (err == TR_OK && at < out->len && out->error == 0) {
        if (is_writable(out->fd, 0))
            at += output_write(out, at);
        else
            err = tr_fd_wait(self, out->fd, TR_WRITABLE, TR_FOREVER, NULL);
    }
    output_keep_from(out, out->error == 0 ? at : out->len);
    return out->error == 0 ? err : TR_EIO;
}

tr_err output_add(tr_self *self, struct output *out, const char *data, size_t len)
{
    tr_err err = TR_OK;
    while (err == TR_OK && len > 0) {
        size_t n = len < OUTPUT_SIZE - out->len ? len : OUTPUT_SIZE - out->len;
        memcpy(out->data + out->len, data, n);
        out->len += n;
        data += n;
        len -= n;
        if (out->len == OUTPUT_SIZE)
            err = output_flush(self, out);
    }
    return err;
}

tr_err output_line(tr_self *self, struct output *out, const char *head, const char *tail)
{
    tr_err err = output_add(self, out, head, strlen(head));
    if (err == TR_OK)
        err = output_add(self, out, tail, strlen(tail));
    if (err == TR_OK)
        err = output_add(self, out, "\n", 1);
    return err == TR_OK && out->eager ? output_flush(self, out) : err;
}
