/* SPDX-License-Identifier: MIT */
/* child_io.c - the pipes to a child process */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <troupe/io.h>

#include "actor/cancel.h"
#include "actor/error.h"
#include "base/clock.h"
#include "machine/child.h"
#include "machine/quiet.h"

pid_t tr_child_pid(const tr_child *child)
{
    return child->reaped ? -1 : child->pid;
}

int tr_child_end_fd(const tr_child *child)
{
    return child->pidfd;
}

int tr_child_fd(const tr_child *child, enum tr_child_stream stream)
{
    return child->fd[stream];
}

int tr_child_take_fd(tr_child *child, enum tr_child_stream stream)
{
    int fd = child->fd[stream];
    child->fd[stream] = -1;
    return fd;
}

void tr_child_close(tr_self *self, tr_child *child, enum tr_child_stream stream)
{
    int fd = tr_child_take_fd(child, stream);
    if (fd >= 0)
        (void) tr_fd_close(self, fd);
}

static const char *const stream_names[] = { "input", "output", "error output" };

static tr_err no_pipe(struct tr_self *self, const struct tr_child *c, enum tr_child_stream stream)
{
    return error_set(self, TR_ESTATE, "child", "there is no pipe to the %s of %s, or it was closed",
                     stream_names[stream], c->name);
}

static tr_err io_error(struct tr_self *self, const struct tr_child *c, enum tr_child_stream stream)
{
    int number = errno;
    if (number == EPIPE)
        return error_set(self, TR_ECLOSED, "child", "%s reads its input no more", c->name);
    return error_set(self, TR_EIO, "child", "the %s of %s: %s", stream_names[stream], c->name, strerror(number));
}

static int64_t left_ms(struct tr_self *self, int64_t deadline_ns)
{
    int64_t left = deadline_ns - tr_now(self);
    return deadline_ns == INT64_MAX ? TR_FOREVER : left <= 0 ? 0 : (left + NS_PER_MS - 1) / NS_PER_MS;
}

tr_err tr_child_write(tr_self *self, tr_child *child, const void *data, size_t len, int64_t timeout_ms, size_t *written)
{
    size_t done = 0;
    tr_err err = self_enter(self, "child");
    if (err == TR_ESTATE)
        return err;
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms);
    int fd = child->fd[TR_CHILD_IN];
    if (err == TR_OK && fd < 0)
        err = no_pipe(self, child, TR_CHILD_IN);
    while (err == TR_OK && done < len) {
        ssize_t n = quiet_write(fd, (const char *) data + done, len - done);
        if (n >= 0)
            done += (size_t) n;
        else if (errno == EAGAIN)
            err = tr_fd_wait(self, fd, TR_WRITABLE, left_ms(self, deadline), NULL);
        else if (errno != EINTR)
            err = io_error(self, child, TR_CHILD_IN);
    }
    if (written != NULL)
        *written = done;
    return err;
}

tr_err tr_child_read(tr_self *self, tr_child *child, enum tr_child_stream stream, void *buf, size_t size,
                     int64_t timeout_ms, size_t *n)
{
    tr_err err = self_enter(self, "child");
    if (err != TR_OK)
        return err;
    if ((stream != TR_CHILD_OUT && stream != TR_CHILD_ERR) || size == 0)
        return error_set(self, TR_EINVAL, "child", "no stream to read from, or no room");
    if (child->fd[stream] < 0)
        return no_pipe(self, child, stream);
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms);
    for (;;) {
        ssize_t got = read(child->fd[stream], buf, size);
        if (got >= 0) {
            *n = (size_t) got;
            return TR_OK;
        }
        if (errno == EAGAIN)
            err = tr_fd_wait(self, child->fd[stream], TR_READABLE, left_ms(self, deadline), NULL);
        else if (errno != EINTR)
            err = io_error(self, child, stream);
        if (err != TR_OK)
            return err;
    }
}
