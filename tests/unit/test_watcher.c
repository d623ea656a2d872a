/* SPDX-License-Identifier: MIT */
/* test_watcher.c - listings that a signal asks for, also while the loop is stuck (docs/semantics.md, S70.8 on) */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>

#include <troupe/debug.h>

#include "debug/watcher.h"
#include "support/actor_test.h"

#ifdef __SANITIZE_THREAD__
#define SKIP_SIGNALS() skip() /* it keeps a signal until the thread calls something that it knows */
#else
#define SKIP_SIGNALS() SKIP_UNDER_VALGRIND()
#endif

static tr_node *node_new(void)
{
    tr_node *node;
    const tr_node_opts opts = { .size = sizeof opts, .name = "stuck", .virtual_clock = true };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    return node;
}

/* ---- in a process of its own, whose standard error the test reads ---- */

/* Holds its worker until the test has seen what it wants and ends the process. */
static tr_err holds_the_loop(tr_self *self, void *arg)
{
    volatile uint64_t turns = 0;
    (void) self;
    (void) !write(*(const int *) arg, "x", 1);
    for (;;)
        turns = turns + 1;
    return TR_OK;
}

static void stuck_program(int ready)
{
    tr_node *node = node_new();
    const tr_spawn_opts spin = { .size = sizeof spin, .body = holds_the_loop, .arg = &ready, .name = "hog" };
    const tr_spawn_opts wait = { .size = sizeof wait, .body = deaf, .name = "victim" };
    if (tr_debug_on_signal(node, SIGUSR1) != TR_OK || tr_node_spawn(node, &wait, NULL) != TR_OK ||
        tr_node_spawn(node, &spin, NULL) != TR_OK)
        _exit(3);
    (void) tr_node_run(node);
}

static void log_to_stderr(void *ctx, tr_log_level level, const char *line)
{
    (void) ctx;
    (void) level;
    dprintf(STDERR_FILENO, "%s\n", line);
}

/* On a real clock: the ticker watches. */
static void slow_program(int ready)
{
    tr_node *node;
    const tr_node_opts opts = { .size = sizeof opts, .on_log = log_to_stderr, .slow_handler_ms = 20 };
    const tr_spawn_opts spin = { .size = sizeof spin, .body = holds_the_loop, .arg = &ready, .name = "hog" };
    if (tr_node_create(&opts, &node) != TR_OK || tr_debug_set(node, TR_DEBUG_SLOW) != TR_OK ||
        tr_debug_on_signal(node, SIGUSR1) != TR_OK || tr_node_spawn(node, &spin, NULL) != TR_OK)
        _exit(3);
    (void) tr_node_run(node);
}

/* The same, with nobody to ask for the stack. */
static void slow_program_without_signal(int ready)
{
    tr_node *node;
    const tr_node_opts opts = { .size = sizeof opts, .on_log = log_to_stderr, .slow_handler_ms = 20 };
    const tr_spawn_opts spin = { .size = sizeof spin, .body = holds_the_loop, .arg = &ready, .name = "hog" };
    if (tr_node_create(&opts, &node) != TR_OK || tr_debug_set(node, TR_DEBUG_SLOW) != TR_OK ||
        tr_node_spawn(node, &spin, NULL) != TR_OK)
        _exit(3);
    (void) tr_node_run(node);
}

struct child {
    pid_t pid;
    int err, ready;
};

static void child_start(struct child *c, void (*program)(int ready))
{
    int err[2], ready[2];
    assert_int_equal(pipe(err), 0);
    assert_int_equal(pipe(ready), 0);
    c->pid = fork();
    if (c->pid == 0) {
        alarm(WATCHDOG_S);
        dup2(err[1], STDERR_FILENO);
        program(ready[1]);
        _exit(0);
    }
    close(err[1]);
    close(ready[1]);
    c->err = err[0];
    c->ready = ready[0];
}

static void child_end(struct child *c)
{
    int status;
    kill(c->pid, SIGKILL);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    close(c->err);
    close(c->ready);
}

/* Until last is in it, or nothing comes any more. */
static void read_until(int fd, char *text, size_t size, const char *last)
{
    size_t len = 0;
    struct pollfd p = { .fd = fd, .events = POLLIN };
    text[0] = '\0';
    while (strstr(text, last) == NULL && len < size - 1 && poll(&p, 1, WATCHDOG_S * 500) > 0) {
        ssize_t n = read(fd, text + len, size - 1 - len);
        if (n <= 0)
            break;
        len += (size_t) n;
        text[len] = '\0';
    }
}

/* S70.8, S70.9 */
static void signal_prints_a_listing_while_an_actor_holds_the_loop(void **state)
{
    char text[8192], byte;
    struct child c;
    (void) state;
    SKIP_SIGNALS();
    child_start(&c, stuck_program);
    assert_int_equal(read(c.ready, &byte, 1), 1);
    for (int i = 0; i < 2; i++) { /* and again */
        kill(c.pid, SIGUSR1);
        read_until(c.err, text, sizeof text, "(frames by the dynamic linker alone");
        const char *hog = strstr(text, "hog <");
        if (strstr(text, "stuck: 2 actors") == NULL || strstr(text, "victim <") == NULL ||
            strstr(text, "waits for a time") == NULL || hog == NULL || strstr(text, "running, mailbox 0") == NULL)
            fail_msg("listing:\n%s", text);
        const char *runs = strstr(text, "  runs\n");
        assert_non_null(runs);
        if (strstr(runs, "    #0 ") == NULL || strstr(runs, " test-watcher+0x") == NULL)
            fail_msg("listing:\n%s", text);
    }
    child_end(&c);
}

/* S71.7 */
static void slow_handler_is_logged_with_its_stack(void **state)
{
    char text[8192];
    struct child c;
    (void) state;
    SKIP_SIGNALS();
    child_start(&c, slow_program);
    read_until(c.err, text, sizeof text, "    #1 ");
    child_end(&c);
    if (strstr(text, "hog <1.1> has held its worker for 20 ms") == NULL || strstr(text, "    #0 ") == NULL)
        fail_msg("log:\n%s", text);
    child_start(&c, slow_program_without_signal);
    read_until(c.err, text, sizeof text, "(its stack is not to be had: tr_debug_on_signal was not called)");
    child_end(&c);
    assert_non_null(strstr(text, "(its stack is not to be had: tr_debug_on_signal was not called)"));
}

/* ---- taking the signal, and giving it back ---- */

static void on_own(int signo)
{
    (void) signo;
}

static void (*handler_of(int signo))(int)
{
    struct sigaction now;
    sigaction(signo, NULL, &now);
    return now.sa_handler;
}

/* S70.10 */
static void handler_there_was_before_comes_back(void **state)
{
    tr_node *one = node_new(), *two = node_new();
    (void) state;
    signal(SIGUSR2, on_own);
    assert_int_equal(tr_debug_on_signal(one, SIGUSR2), TR_OK);
    assert_int_equal(tr_debug_on_signal(two, SIGUSR2), TR_OK);
    assert_int_equal(watcher_signo(one), SIGUSR2);
    assert_ptr_not_equal(handler_of(SIGUSR2), on_own);
    assert_int_equal(tr_debug_on_signal(one, 0), TR_OK);
    assert_int_equal(watcher_signo(one), 0);
    assert_ptr_not_equal(handler_of(SIGUSR2), on_own);
    tr_node_destroy(&two);
    assert_ptr_equal(handler_of(SIGUSR2), on_own);
    tr_node_destroy(&one);
    signal(SIGUSR2, SIG_DFL);
}

/* debug.h: TR_EINVAL, TR_EFULL */
static void signals_that_cannot_be_had_are_refused(void **state)
{
    tr_node *nodes[WATCHERS_MAX + 1];
    (void) state;
    for (size_t i = 0; i <= WATCHERS_MAX; i++)
        nodes[i] = node_new();
    assert_int_equal(tr_debug_on_signal(nodes[0], SIGKILL), TR_EINVAL);
    assert_int_equal(tr_debug_on_signal(nodes[0], SIGSEGV), TR_EINVAL);
    assert_int_equal(tr_debug_on_signal(nodes[0], -1), TR_EINVAL);
    assert_int_equal(tr_debug_on_signal(nodes[0], 9999), TR_EINVAL);
    for (size_t i = 0; i < WATCHERS_MAX; i++)
        assert_int_equal(tr_debug_on_signal(nodes[i], SIGUSR2), TR_OK);
    assert_int_equal(tr_debug_on_signal(nodes[WATCHERS_MAX], SIGUSR2), TR_EFULL);
    assert_int_equal(tr_debug_on_signal(nodes[0], SIGUSR1), TR_OK); /* it may change its mind */
    for (size_t i = 0; i <= WATCHERS_MAX; i++)
        tr_node_destroy(&nodes[i]);
    assert_ptr_equal(handler_of(SIGUSR1), SIG_DFL);
    assert_ptr_equal(handler_of(SIGUSR2), SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signal_prints_a_listing_while_an_actor_holds_the_loop),
        cmocka_unit_test(slow_handler_is_logged_with_its_stack),
        cmocka_unit_test(handler_there_was_before_comes_back),
        cmocka_unit_test(signals_that_cannot_be_had_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
