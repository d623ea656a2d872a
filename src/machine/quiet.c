/* SPDX-License-Identifier: MIT */
/* quiet.c - write(2) to a pipe that nobody reads any more: an error, and no SIGPIPE
 *
 * Pipes have no MSG_NOSIGNAL. The signal goes to the thread that writes: it is blocked there for the time of the call,
 * and what came of it is taken away before the mask is put back, unless one was pending before, which is not ours. */
#include "machine/quiet.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

ssize_t quiet_write(int fd, const void *data, size_t len)
{
    sigset_t pipe_signal, before, pending;
    const struct timespec now = { 0, 0 };
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigemptyset(&pending);
    (void) sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    ssize_t n = write(fd, data, len);
    int number = errno;
    if (n < 0 && number == EPIPE && !was_pending)
        while (sigtimedwait(&pipe_signal, NULL, &now) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
    return n;
}
