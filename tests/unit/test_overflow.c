/* SPDX-License-Identifier: MIT */
/* test_overflow.c - an actor that runs over its stack is named before the process ends; in a process of its own each
 * time */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "support/actor_test.h"

struct outcome {
    int status;
    char text[4096];
};

/* Runs program in a child and collects its standard error and how it ended. */
static void run_in_child(void (*program)(void), struct outcome *out)
{
    int fd[2];
    size_t len = 0;
    ssize_t n;
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        alarm(WATCHDOG_S);
        dup2(fd[1], STDERR_FILENO);
        close(fd[0]);
        close(fd[1]);
        program();
        _exit(0);
    }
    close(fd[1]);
    while (len < sizeof out->text - 1 && (n = read(fd[0], out->text + len, sizeof out->text - 1 - len)) > 0)
        len += (size_t) n;
    out->text[len] = '\0';
    close(fd[0]);
    assert_int_equal(waitpid(pid, &out->status, 0), pid);
}

__attribute__((noinline)) static int dig(volatile char *above, int depth)
{
    volatile char here[512];
    here[0] = above != NULL ? above[0] : 'x';
    here[511] = (char) depth;
    int deeper = depth > 0 ? dig(here, depth - 1) : 0;
    return deeper + here[0] + here[511];
}

static tr_err digs(tr_self *self, void *arg)
{
    (void) self;
    (void) arg;
    return dig(NULL, 1 << 20) == 0 ? TR_OK : TR_EFAILED;
}

static tr_err on_dig(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    return digs(self, state);
}

static const tr_handler digger_rows[] = { { .tag = "dig", .args = "", .run = on_dig, .doc = "digs" }, { .tag = NULL } };
static const tr_behaviour digger = { .name = "digger", .handlers = digger_rows };

static void run_node(const tr_spawn_opts *spawn, bool post)
{
    tr_node *node;
    tr_addr to;
    if (tr_node_create(NULL, &node) != TR_OK || tr_node_spawn(node, spawn, &to) != TR_OK)
        _exit(3);
    if (post && tr_post(node, to, "dig") != TR_OK)
        _exit(4);
    (void) tr_node_run(node);
}

static void body_that_digs(void)
{
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = digs, .name = "mole" };
    run_node(&spawn, false);
}

static void behaviour_that_digs(void)
{
    const tr_spawn_opts spawn = { .size = sizeof spawn, .behaviour = &digger };
    run_node(&spawn, true);
}

static tr_err null_pointer(tr_self *self, void *arg)
{
    volatile char *nowhere = arg;
    (void) self;
    nowhere[1] = 1;
    return TR_OK;
}

static void on_own_fault(int number)
{
    (void) number;
    (void) !write(STDERR_FILENO, "own handler", 11);
    _exit(7);
}

static void fault_of_another_kind(void)
{
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = null_pointer };
    signal(SIGSEGV, on_own_fault);
    run_node(&spawn, false);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* A sanitizer has its own handler for faults, and enlarges frames: there the process ends in its way. */
#define REPORTED(out, words) ((void) (words), !WIFEXITED((out).status) || WEXITSTATUS((out).status) != 0)
#define OWN_HANDLER(out) true
#else
#define REPORTED(out, words) \
    (WIFSIGNALED((out).status) && WTERMSIG((out).status) == SIGABRT && strstr((out).text, (words)) != NULL)
#define OWN_HANDLER(out) \
    (WIFEXITED((out).status) && WEXITSTATUS((out).status) == 7 && strcmp((out).text, "own handler") == 0)
#endif

static void body_that_runs_over_its_stack_is_named(void **state)
{
    struct outcome out;
    (void) state;
    run_in_child(body_that_digs, &out);
    if (!REPORTED(out, "actor mole ") || !REPORTED(out, "ran over its stack of 256 KiB"))
        fail_msg("status %#x: %s", out.status, out.text);
}

static void behaviour_that_runs_over_its_stack_is_named(void **state)
{
    struct outcome out;
    (void) state;
    run_in_child(behaviour_that_digs, &out);
    if (!REPORTED(out, "actor digger "))
        fail_msg("status %#x: %s", out.status, out.text);
}

static void fault_that_is_no_overrun_goes_to_the_handler_there_was_before(void **state)
{
    struct outcome out;
    (void) state;
    SKIP_UNDER_VALGRIND();
    run_in_child(fault_of_another_kind, &out);
    if (!OWN_HANDLER(out))
        fail_msg("status %#x: %s", out.status, out.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_that_runs_over_its_stack_is_named),
        cmocka_unit_test(behaviour_that_runs_over_its_stack_is_named),
        cmocka_unit_test(fault_that_is_no_overrun_goes_to_the_handler_there_was_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
