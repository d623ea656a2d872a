/* SPDX-License-Identifier: MIT */
/* launch.c - starting a process: posix_spawn(3) with a clean slate, and the pipes to it
 *
 * In the child the descriptors 0, 1 and 2 are made by dup2, in this order, from descriptors of ours. One that is itself
 * 0, 1 or 2 could be overwritten before it is used, so it is first moved above them. dup2 of a descriptor onto itself
 * clears its close-on-exec flag, which is what "inherit" wants. */
#include "machine/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "machine/close_from.h"

struct stdio {
    int theirs[LAUNCH_STREAMS];
    bool opened[LAUNCH_STREAMS]; /* by us, to be closed when the child has it */
};

static void stdio_init(struct stdio *s, struct launch *l)
{
    for (int i = 0; i < LAUNCH_STREAMS; i++) {
        s->theirs[i] = l->ours[i] = -1;
        s->opened[i] = false;
    }
}

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void stdio_close(struct stdio *s)
{
    for (int i = 0; i < LAUNCH_STREAMS; i++)
        if (s->opened[i])
            fd_close(&s->theirs[i]);
}

static bool nonblocking_set(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == 0;
}

static bool open_null(struct stdio *s, int i)
{
    s->theirs[i] = open("/dev/null", (i == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    s->opened[i] = s->theirs[i] >= 0;
    return s->opened[i];
}

/* Only our end is made non-blocking: each end is an open file of its own. */
static bool open_pipe(struct stdio *s, struct launch *l, int i)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    l->ours[i] = ends[i == 0 ? 1 : 0];
    s->theirs[i] = ends[i == 0 ? 0 : 1];
    s->opened[i] = true;
    return nonblocking_set(l->ours[i], true);
}

static bool open_stream(struct stdio *s, struct launch *l, int i, const tr_stdio *how, int from)
{
    switch (how->kind) {
    case TR_STDIO_INHERIT:
        s->theirs[i] = i;
        return fcntl(i, F_GETFD) >= 0 || open_null(s, i);
    case TR_STDIO_NULL:
        return open_null(s, i);
    case TR_STDIO_PIPE:
        return open_pipe(s, l, i);
    case TR_STDIO_FD:
        s->theirs[i] = how->fd;
        return fcntl(how->fd, F_GETFD) >= 0;
    case TR_STDIO_OUT: /* known when that one has its number */
        return true;
    case TR_STDIO_FROM: /* the child expects a blocking one; its own reading end is nobody else's */
        s->theirs[i] = from;
        return nonblocking_set(from, false);
    }
    errno = EINVAL;
    return false;
}

/* Above the standard three, unless it is in its place already. */
static bool stream_lift(struct stdio *s, int i)
{
    int fd = s->theirs[i];
    if (fd > STDERR_FILENO || fd == i)
        return true;
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (lifted < 0)
        return false;
    if (s->opened[i])
        close(fd);
    s->theirs[i] = lifted;
    s->opened[i] = true;
    return true;
}

static int attributes_set(posix_spawnattr_t *attr, const tr_child_opts *opts)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    int rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &all);
    if (rc == 0 && opts->group) {
        flags |= POSIX_SPAWN_SETPGROUP;
        rc = posix_spawnattr_setpgroup(attr, 0);
    }
    return rc == 0 ? posix_spawnattr_setflags(attr, flags) : rc;
}

static int actions_add(posix_spawn_file_actions_t *actions, const struct stdio *s, const tr_child_opts *opts)
{
    int rc = 0;
    for (int i = 0; i < LAUNCH_STREAMS && rc == 0; i++)
        rc = posix_spawn_file_actions_adddup2(actions, s->theirs[i], i);
    if (rc == 0)
        rc = close_from(actions, STDERR_FILENO + 1);
    if (rc == 0 && opts->dir != NULL)
        rc = posix_spawn_file_actions_addchdir_np(actions, opts->dir);
    return rc;
}

static int start(const struct stdio *s, const tr_child_opts *opts, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc == 0) {
        char *const *env = opts->env != NULL ? (char *const *) (uintptr_t) opts->env : environ;
        rc = attributes_set(&attr, opts);
        if (rc == 0)
            rc = actions_add(&actions, s, opts);
        if (rc == 0)
            rc = posix_spawnp(pid, opts->argv[0], &actions, &attr, (char *const *) (uintptr_t) opts->argv, env);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static int streams_open(struct stdio *s, struct launch *l, const tr_child_opts *opts, int from)
{
    const tr_stdio *how[LAUNCH_STREAMS] = { &opts->in, &opts->out, &opts->err };
    static const char *const names[LAUNCH_STREAMS] = { "its input", "its output", "its error output" };
    for (int i = 0; i < LAUNCH_STREAMS; i++) {
        l->failed = names[i];
        if (!open_stream(s, l, i, how[i], from))
            return errno;
    }
    for (int i = 0; i < LAUNCH_STREAMS; i++) {
        if (how[i]->kind == TR_STDIO_OUT)
            s->theirs[i] = s->theirs[TR_CHILD_OUT];
        if (!stream_lift(s, i))
            return errno;
    }
    return 0;
}

int launch(const tr_child_opts *opts, int from, struct launch *l)
{
    struct stdio s;
    stdio_init(&s, l);
    int rc = streams_open(&s, l, opts, from);
    if (rc == 0) {
        l->failed = "it";
        rc = start(&s, opts, &l->pid);
    }
    stdio_close(&s);
    for (int i = 0; i < LAUNCH_STREAMS && rc != 0; i++)
        fd_close(&l->ours[i]);
    if (opts->in.kind == TR_STDIO_FROM && rc == 0)
        close(from);
    else if (opts->in.kind == TR_STDIO_FROM)
        (void) nonblocking_set(from, true);
    return rc;
}
