/* SPDX-License-Identifier: MIT */
/* test_quiet.c - writing to a pipe that nobody reads */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "machine/quiet.h"
#include "support/unit.h"

static volatile sig_atomic_t caught;

static void on_pipe(int number)
{
    (void) number;
    caught++;
}

static void write_to_nobody_is_an_error_and_no_signal(void **state)
{
    int fd[2];
    (void) state;
    caught = 0;
    void (*before)(int) = signal(SIGPIPE, on_pipe);
    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    assert_int_equal(quiet_write(fd[1], "x", 1), 1);
    close(fd[0]);
    errno = 0;
    assert_int_equal(quiet_write(fd[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(fd[1]);
    signal(SIGPIPE, before);
    assert_int_equal(caught, 0);
}

static void signal_that_was_pending_before_stays_pending(void **state)
{
    int fd[2];
    sigset_t mask, before, pending;
    (void) state;
    caught = 0;
    void (*was)(int) = signal(SIGPIPE, on_pipe);
    sigemptyset(&mask);
    sigaddset(&mask, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &mask, &before);
    raise(SIGPIPE);
    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    close(fd[0]);
    assert_int_equal(quiet_write(fd[1], "x", 1), -1);
    close(fd[1]);
    sigpending(&pending);
    assert_true(sigismember(&pending, SIGPIPE));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, was);
    assert_int_equal(caught, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_to_nobody_is_an_error_and_no_signal),
        cmocka_unit_test(signal_that_was_pending_before_stays_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
