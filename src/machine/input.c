/* SPDX-License-Identifier: MIT */
/* input.c - reading a descriptor that may be anything: a terminal, a pipe, a socket, a file */
#include <troupe/input.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <troupe/io.h>

#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/error.h"
#include "base/alloc.h"
#include "base/clock.h"

#define READ_MAX 65536
#define ROOM_FIRST (READ_MAX + 1)

/* How it is read so that it does not block. */
enum input_way {
    INPUT_NONBLOCKING, /* read says EAGAIN */
    INPUT_SOCKET,      /* recv does, when asked to */
    INPUT_FILE,        /* never has to wait */
    INPUT_ONCE         /* one read each time it is ready */
};

struct tr_input {
    int fd;
    int own; /* the same, when it was opened anew; -1 */
    enum input_way way;
    bool over;
    bool skipping; /* the rest of a line that was too long */
    size_t line_max;
    char *data;
    size_t start, len, room; /* start: of what was not given yet; len: of all that stands there */
    size_t seen;             /* up to here there is no newline */
};

/* ---- which way ---- */

/* Opening the master's side of a pseudoterminal would make a new one. */
static bool is_terminal(int fd, const struct stat *st)
{
    return S_ISCHR(st->st_mode) && isatty(fd) && !(major(st->st_rdev) == 5 && minor(st->st_rdev) == 2);
}

static int open_anew(int fd, const struct stat *st)
{
    char path[40];
    struct stat now;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0 && fstat(own, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino)
        return own;
    if (own >= 0)
        close(own);
    return -1;
}

static enum input_way way_of(struct tr_input *in, int flags, const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        return INPUT_FILE;
    if (flags & O_NONBLOCK)
        return INPUT_NONBLOCKING;
    if (S_ISSOCK(st->st_mode))
        return INPUT_SOCKET;
    if (S_ISFIFO(st->st_mode) || is_terminal(in->fd, st))
        in->own = open_anew(in->fd, st);
    if (in->own < 0)
        return INPUT_ONCE;
    in->fd = in->own;
    return INPUT_NONBLOCKING;
}

static void input_end(void *input)
{
    struct tr_input *in = input;
    if (in->own >= 0)
        close(in->own);
    mem_free(in->data);
    mem_free(in);
}

tr_err tr_input_open(tr_self *self, int fd, const tr_input_opts *opts, tr_input **input)
{
    struct stat st;
    if (!self_is_current(self))
        return TR_ESTATE;
    if (opts != NULL && (opts->size != sizeof *opts || opts->line_max > SIZE_MAX / 4))
        return error_set(self, TR_EINVAL, "input", "options of another size, or a line of more than there is memory");
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &st) != 0)
        return error_set(self, TR_EINVAL, "input", "descriptor %d: %s", fd, strerror(errno));
    if ((flags & O_ACCMODE) == O_WRONLY || S_ISDIR(st.st_mode))
        return error_set(self, TR_EINVAL, "input", "descriptor %d is not for reading", fd);
    struct tr_input *in = mem_zalloc(sizeof *in);
    if (in == NULL)
        return error_set(self, TR_ENOMEM, "input", "out of memory");
    in->fd = fd;
    in->own = -1;
    in->line_max = opts != NULL && opts->line_max > 0 ? opts->line_max : TR_INPUT_LINE_MAX;
    in->way = way_of(in, flags, &st);
    if (tr_defer(self, input_end, in) != TR_OK) /* and it has been called */
        return error_set(self, TR_ENOMEM, "input", "out of memory");
    *input = in;
    return TR_OK;
}

void tr_input_close(tr_self *self, tr_input **input)
{
    struct tr_input *in = *input;
    if (in == NULL || !self_is_current(self))
        return;
    *input = NULL;
    call_undefer(self, input_end, in);
    if (in->own >= 0)
        (void) tr_fd_close(self, in->own);
    in->own = -1;
    input_end(in);
}

/* ---- reading ---- */

/* Room for a byte at least, and a NUL. What was given is forgotten first. */
static bool make_room(struct tr_input *in)
{
    if (in->start > 0) {
        memmove(in->data, in->data + in->start, in->len - in->start);
        in->len -= in->start;
        in->seen -= in->start;
        in->start = 0;
    }
    if (in->room > in->len + 1)
        return true;
    size_t room = in->room == 0 ? ROOM_FIRST : in->room * 2;
    char *data = mem_realloc(in->data, room);
    if (data == NULL)
        return false;
    in->data = data;
    in->room = room;
    return true;
}

static ssize_t read_now(struct tr_input *in, char *to, size_t room)
{
    room = room < READ_MAX ? room : READ_MAX;
    return in->way == INPUT_SOCKET ? recv(in->fd, to, room, MSG_DONTWAIT) : read(in->fd, to, room);
}

static tr_err wait_ready(struct tr_self *self, const struct tr_input *in, int64_t deadline_ns)
{
    int64_t left = deadline_ns - tr_now(self);
    int64_t left_ms = deadline_ns == INT64_MAX ? TR_FOREVER : left <= 0 ? 0 : (left + NS_PER_MS - 1) / NS_PER_MS;
    return tr_fd_wait(self, in->fd, TR_READABLE, left_ms, NULL);
}

/* Reads more, or sees the end. Errors in words, and then nothing has changed. */
static tr_err refill(struct tr_self *self, struct tr_input *in, int64_t deadline_ns)
{
    if (!make_room(in))
        return error_set(self, TR_ENOMEM, "input", "out of memory");
    for (;;) {
        tr_err err = in->way == INPUT_ONCE   ? wait_ready(self, in, deadline_ns)
                     : in->way == INPUT_FILE ? tr_yield(self)
                                             : TR_OK;
        if (err != TR_OK)
            return err;
        ssize_t n = read_now(in, in->data + in->len, in->room - in->len - 1);
        if (n >= 0) {
            in->len += (size_t) n;
            in->over = n == 0;
            return TR_OK;
        }
        if (errno == EAGAIN)
            err = wait_ready(self, in, deadline_ns);
        else if (errno != EINTR)
            err = error_set(self, TR_EIO, "input", "descriptor %d: %s", in->fd, strerror(errno));
        if (err != TR_OK)
            return err;
    }
}

static int64_t deadline_of(struct tr_self *self, int64_t timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms);
}

tr_err tr_input_bytes(tr_self *self, tr_input *input, void *buf, size_t size, int64_t timeout_ms, size_t *n)
{
    tr_err err = self_enter(self, "input");
    if (err == TR_OK && size == 0)
        err = error_set(self, TR_EINVAL, "input", "no room");
    int64_t deadline = err == TR_OK ? deadline_of(self, timeout_ms) : 0;
    while (err == TR_OK && input->start == input->len && !input->over)
        err = refill(self, input, deadline);
    if (err != TR_OK)
        return err;
    size_t there = input->len - input->start;
    *n = there < size ? there : size;
    if (*n > 0)
        memcpy(buf, input->data + input->start, *n);
    input->start += *n;
    if (input->seen < input->start)
        input->seen = input->start;
    input->skipping = false;
    return TR_OK;
}

/* ---- lines ---- */

/* Where the line ends that begins at start: its newline; NULL: not here yet. */
static char *newline_of(struct tr_input *in)
{
    char *end = in->len > in->seen ? memchr(in->data + in->seen, '\n', in->len - in->seen) : NULL;
    if (end == NULL)
        in->seen = in->len;
    return end;
}

/* Gives what stands up to end, and goes on behind it. False: it is the rest of a line that was too long. */
static bool line_give(struct tr_input *in, char *end, size_t newline, const char **line, size_t *len)
{
    bool wanted = !in->skipping;
    if (wanted) {
        *end = '\0';
        *line = in->data + in->start;
        if (len != NULL)
            *len = (size_t) (end - in->data) - in->start;
    }
    in->skipping = false;
    in->start = in->seen = (size_t) (end - in->data) + newline;
    return wanted;
}

static tr_err line_too_long(struct tr_self *self, struct tr_input *in, bool all_here)
{
    in->skipping = !all_here;
    return error_set(self, TR_ETOOBIG, "input", "a line of more than %zu bytes: skipped", in->line_max);
}

/* One look at what is there. *done: line, or the returned error, is the answer. */
static tr_err line_look(struct tr_self *self, struct tr_input *in, const char **line, size_t *len, bool *done)
{
    char *end = newline_of(in);
    size_t got = (end != NULL ? (size_t) (end - in->data) : in->len) - in->start;
    *done = true;
    if (got > in->line_max && !in->skipping) {
        in->start = in->seen = end != NULL ? (size_t) (end - in->data) + 1 : in->len;
        return line_too_long(self, in, end != NULL);
    }
    if (end != NULL) {
        *done = line_give(in, end, 1, line, len);
        return TR_OK;
    }
    if (in->skipping)
        in->start = in->seen = in->len;
    *done = in->over;
    if (!in->over)
        return TR_OK;
    if (in->start == in->len)
        return error_set(self, TR_ECLOSED, "input", "the end of the input");
    (void) line_give(in, in->data + in->len, 0, line,
                     len); /* the last one, without a newline; there is room for a NUL */
    return TR_OK;
}

tr_err tr_input_line(tr_self *self, tr_input *input, int64_t timeout_ms, const char **line, size_t *len)
{
    tr_err err = self_enter(self, "input");
    if (err != TR_OK)
        return err;
    int64_t deadline = deadline_of(self, timeout_ms);
    bool done = false;
    while (err == TR_OK && !done) {
        err = line_look(self, input, line, len, &done);
        bool all_seen = input->seen == input->len;
        if (err == TR_OK && !done && all_seen && !input->over)
            err = refill(self, input, deadline);
    }
    return err;
}
