/* SPDX-License-Identifier: MIT */
/* child.c - child processes: their start, their end, and that they are reaped
 *
 * Until a child is reaped its number cannot be given to another process, so it may be signalled; afterwards never. A
 * group is signalled while its leader is not reaped yet, for the same reason: so tr_child_stop waits for the end first
 * (WNOWAIT), kills what is left of the group, and reaps then.
 *
 * At the end of its call a child that still runs moves, with its struct, to a helper thread, which has the time to
 * wait for the grace. It is reaped there whatever became of the actor. */
#include "machine/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/error.h"
#include "actor/offload.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <troupe/io.h>
#include <troupe/scope.h>
#include <troupe/signal.h>
#include <troupe/time.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

atomic_bool child_without_pidfd;

const char *tr_child_status_text(const tr_child_status *status, char buf[TR_CHILD_STATUS_TEXT_MAX])
{
    if (status->signal == 0)
        snprintf(buf, TR_CHILD_STATUS_TEXT_MAX, "exit %d", status->code);
    else
        snprintf(buf, TR_CHILD_STATUS_TEXT_MAX, "%s%s", tr_signal_name(status->signal),
                 status->core ? " (core dumped)" : "");
    return buf;
}

/* ---- its end, seen ---- */

static void status_take(struct tr_child *c, const siginfo_t *info)
{
    bool exited = info->si_code == CLD_EXITED;
    c->status = (tr_child_status){ .code = exited ? info->si_status : -1,
                                   .signal = exited ? 0 : info->si_status,
                                   .core = info->si_code == CLD_DUMPED };
}

bool child_has_ended(struct tr_child *c, bool keep)
{
    siginfo_t info = { 0 };
    int rc;
    if (c->reaped)
        return true;
    do
        rc = waitid(P_PID, (id_t) c->pid, &info, WEXITED | WNOHANG | (keep ? WNOWAIT : 0));
    while (rc != 0 && errno == EINTR);
    if (rc == 0 && info.si_pid == 0)
        return false;
    c->lost = rc != 0;
    if (rc == 0)
        status_take(c, &info);
    c->reaped = c->lost || !keep;
    return true;
}

int child_kill(const struct tr_child *c, int number)
{
    if (c->reaped)
        return ESRCH;
    return kill(c->group ? -c->pid : c->pid, number) == 0 ? 0 : errno;
}

/* ---- waiting for it ---- */

/* Without a pidfd: looks again and again, at first soon. */
static tr_err await_by_looking(struct tr_self *self, struct tr_child *c, int64_t deadline_ns, bool keep)
{
    int64_t pause = NS_PER_MS;
    tr_err err = TR_OK;
    while (err == TR_OK && !child_has_ended(c, keep)) {
        if (tr_now(self) >= deadline_ns)
            return TR_ETIMEDOUT;
        int64_t next = tr_now(self) + pause;
        err = tr_sleep_until(self, next < deadline_ns ? next : deadline_ns);
        pause = pause * 2 < CHILD_PAUSE_MAX_MS * NS_PER_MS ? pause * 2 : CHILD_PAUSE_MAX_MS * NS_PER_MS;
    }
    return err;
}

static int64_t ms_until(struct tr_self *self, int64_t deadline_ns)
{
    int64_t left = deadline_ns - tr_now(self);
    return deadline_ns == INT64_MAX ? TR_FOREVER : left <= 0 ? 0 : (left + NS_PER_MS - 1) / NS_PER_MS;
}

tr_err child_await(struct tr_self *self, struct tr_child *c, int64_t deadline_ns, bool keep)
{
    if (c->pidfd < 0)
        return await_by_looking(self, c, deadline_ns, keep);
    tr_err err = TR_OK;
    while (err == TR_OK && !child_has_ended(c, keep))
        err = tr_fd_wait(self, c->pidfd, TR_READABLE, ms_until(self, deadline_ns), NULL);
    return err;
}

static tr_err wait_error(struct tr_self *self, const struct tr_child *c, tr_err err)
{
    if (err == TR_ETIMEDOUT)
        return error_set(self, err, "child", "%s (process %d) had not ended at the deadline", c->name, (int) c->pid);
    if (err == TR_OK && c->lost)
        return error_set(
            self, TR_EIO, "child",
            "%s has ended, and its status was taken by someone else: the program ignores SIGCHLD, or waits "
            "for any child",
            c->name);
    return err;
}

tr_err tr_child_wait(tr_self *self, tr_child *child, int64_t timeout_ms, tr_child_status *status)
{
    tr_err err = self_is_current(self) && child->reaped ? TR_OK : self_enter(self, "child");
    if (err != TR_OK)
        return err;
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms);
    err = wait_error(self, child, child_await(self, child, deadline, false));
    if (err == TR_OK && status != NULL)
        *status = child->status;
    return err;
}

/* ---- ending it ---- */

static tr_err stop_body(tr_self *self, void *arg)
{
    struct tr_child *c = arg;
    tr_err err = TR_ETIMEDOUT;
    if (c->grace_ms >= 0) {
        (void) child_kill(c, SIGTERM);
        (void) child_kill(c, SIGCONT); /* one that is stopped could not end */
        err = child_await(self, c, clock_after_ms(tr_now(self), c->grace_ms), true);
    }
    if (err != TR_OK || c->group)
        (void) child_kill(c, SIGKILL);
    return child_await(self, c, clock_after_ms(tr_now(self), CHILD_KILL_WAIT_MS), false);
}

tr_err tr_child_stop(tr_self *self, tr_child *child, tr_child_status *status)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    tr_err err = TR_OK;
    if (!child->reaped)
        err = tr_shield(self, (child->grace_ms > 0 ? child->grace_ms : 0) + 2 * CHILD_KILL_WAIT_MS, stop_body, child);
    err = wait_error(self, child, err);
    if (err == TR_OK && status != NULL)
        *status = child->status;
    return err;
}

tr_err tr_child_signal(tr_self *self, tr_child *child, int number)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    int rc = child_kill(child, number);
    if (rc == 0)
        return TR_OK;
    return error_set(self,
                     rc == ESRCH    ? TR_ENOPROC
                     : rc == EINVAL ? TR_EINVAL
                                    : TR_EIO,
                     "child", "%s to %s: %s", tr_signal_name(number), child->name, strerror(rc));
}

/* ---- letting it go ---- */

static int pidfd_open_of(pid_t pid)
{
    return atomic_load(&child_without_pidfd) ? -1 : (int) syscall(SYS_pidfd_open, pid, 0u);
}

/* On a thread: whether it has ended, after at most so long. */
static bool reap_within(struct tr_child *c, int64_t ms)
{
    int64_t deadline = clock_after_ms(clock_monotonic_ns(), ms);
    struct pollfd p = { .fd = c->pidfd, .events = POLLIN }; /* -1: only sleeps */
    while (!child_has_ended(c, true)) {
        int64_t left = (deadline - clock_monotonic_ns()) / NS_PER_MS;
        if (left <= 0)
            return false;
        int64_t pause = c->pidfd < 0 && left > CHILD_PAUSE_MAX_MS ? CHILD_PAUSE_MAX_MS : left;
        (void) poll(&p, 1, (int) (pause < 1000 ? pause : 1000));
    }
    return true;
}

static int reap(void *arg)
{
    struct tr_child *c = arg;
    c->pidfd = pidfd_open_of(c->pid); /* one of its own: that of before stood in the worker's epoll set */
    bool ended = c->grace_ms >= 0 && reap_within(c, c->grace_ms);
    if (!ended || c->group)
        (void) child_kill(c, SIGKILL);
    siginfo_t how;
    int rc = c->reaped ? 0 : waitid(P_PID, (id_t) c->pid, &how, WEXITED); /* dies for certain, now or soon */
    while (rc != 0 && errno == EINTR)
        rc = waitid(P_PID, (id_t) c->pid, &how, WEXITED);
    if (c->pidfd >= 0)
        close(c->pidfd);
    mem_free(c);
    return 0;
}

void child_end(void *child)
{
    struct tr_child *c = child;
    for (int i = 0; i < LAUNCH_STREAMS; i++)
        if (c->fd[i] >= 0)
            close(c->fd[i]);
    if (c->pidfd >= 0)
        close(c->pidfd);
    c->pidfd = -1;
    if (c->reaped || (!c->group && child_has_ended(c, false))) {
        mem_free(c);
        return;
    }
    if (c->grace_ms >= 0) {
        (void) child_kill(c, SIGTERM);
        (void) child_kill(c, SIGCONT);
    }
    offload_post(&c->world->reapers, reap, c);
}

void tr_child_free(tr_self *self, tr_child **child)
{
    struct tr_child *c = *child;
    if (c == NULL || !self_is_current(self))
        return;
    *child = NULL;
    for (int i = 0; i < LAUNCH_STREAMS; i++)
        tr_child_close(self, c, (enum tr_child_stream) i);
    call_undefer(self, child_end, c);
    child_end(c);
}

/* ---- its start ---- */

static tr_err opts_check(struct tr_self *self, const tr_child_opts *o)
{
    const char *why = NULL;
    if (o == NULL || o->size != sizeof *o)
        why = "no options, or of another size";
    else if (o->argv == NULL || o->argv[0] == NULL || o->argv[0][0] == '\0')
        why = "no program";
    else if (o->in.kind == TR_STDIO_OUT || o->out.kind == TR_STDIO_OUT)
        why = "TR_STDIO_OUT is for err alone";
    else if (o->out.kind == TR_STDIO_FROM || o->err.kind == TR_STDIO_FROM)
        why = "TR_STDIO_FROM is for in alone";
    else if (o->in.kind == TR_STDIO_FROM && (o->in.from == NULL || o->in.from->fd[TR_CHILD_OUT] < 0))
        why = "the child that in is to read from has no output pipe";
    return why == NULL ? TR_OK : error_set(self, TR_EINVAL, "child", "%s", why);
}

static tr_err start_error(struct tr_self *self, const tr_child_opts *o, const struct launch *l, int rc)
{
    tr_err err = rc == ENOMEM ? TR_ENOMEM : rc == EINVAL ? TR_EINVAL : TR_EIO;
    return error_set(self, err, "child", "starting %.100s%s%.100s (%s): %s", o->argv[0], o->dir != NULL ? " in " : "",
                     o->dir != NULL ? o->dir : "", l->failed, strerror(rc));
}

tr_err tr_child_start(tr_self *self, const tr_child_opts *opts, tr_child **child)
{
    struct launch l;
    if (!self_is_current(self))
        return TR_ESTATE;
    tr_err err = opts_check(self, opts);
    if (err != TR_OK)
        return err;
    struct tr_child *c = mem_zalloc(sizeof *c);
    if (c == NULL)
        return error_set(self, TR_ENOMEM, "child", "out of memory");
    tr_child *from = opts->in.kind == TR_STDIO_FROM ? opts->in.from : NULL;
    int rc = launch(opts, from != NULL ? from->fd[TR_CHILD_OUT] : -1, &l);
    if (rc != 0) {
        mem_free(c);
        return start_error(self, opts, &l, rc);
    }
    if (from != NULL)
        from->fd[TR_CHILD_OUT] = -1;
    c->world = self->worker->world;
    c->pid = l.pid;
    c->pidfd = pidfd_open_of(l.pid);
    memcpy(c->fd, l.ours, sizeof c->fd);
    c->group = opts->group;
    c->grace_ms = opts->grace_ms != 0 ? opts->grace_ms : TR_CHILD_GRACE_MS;
    snprintf(c->name, sizeof c->name, "%s", opts->argv[0]);
    if (tr_defer(self, child_end, c) != TR_OK) /* and it has been called */
        return error_set(self, TR_ENOMEM, "child", "out of memory");
    *child = c;
    return TR_OK;
}
