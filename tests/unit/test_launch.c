/* SPDX-License-Identifier: MIT */
/* test_launch.c - how a child process begins (docs/semantics.md, S22) */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "machine/close_from.h"
#include "machine/launch.h"
#include "support/unit.h"
#include <unistd.h>

static int setup(void **state)
{
    (void) state;
    alarm(20);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    alarm(0);
    return 0;
}

static const char *read_all(int fd)
{
    static char text[4096];
    size_t len = 0;
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    for (ssize_t n; (n = read(fd, text + len, sizeof text - 1 - len)) > 0; len += (size_t) n)
        ;
    text[len] = '\0';
    close(fd);
    return text;
}

static int status_of(const struct launch *l)
{
    int status = -1;
    assert_int_equal(waitpid(l->pid, &status, 0), l->pid);
    return status;
}

static tr_child_opts shell(const char *const *argv)
{
    return (tr_child_opts){ .size = sizeof(tr_child_opts), .argv = argv, .out = { .kind = TR_STDIO_PIPE } };
}

/* What the script prints. */
static const char *says(const char *script, tr_child_opts opts)
{
    struct launch l;
    const char *const argv[] = { "/bin/sh", "-c", script, NULL };
    opts.argv = argv;
    assert_int_equal(launch(&opts, -1, &l), 0);
    const char *text = read_all(l.ours[TR_CHILD_OUT]);
    if (l.ours[TR_CHILD_IN] >= 0)
        close(l.ours[TR_CHILD_IN]);
    assert_int_equal(status_of(&l), 0);
    return text;
}

/* S22.1 */
static void child_has_an_empty_mask_and_default_dispositions(void **state)
{
    sigset_t some, before;
    (void) state;
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    sigprocmask(SIG_BLOCK, &some, &before);
    void (*was)(int) = signal(SIGPIPE, SIG_IGN);
    const char *text = says("sed -n 's/^Sig[BI].*:\t//p' /proc/self/status", shell(NULL));
    signal(SIGPIPE, was);
    sigprocmask(SIG_SETMASK, &before, NULL);
    char *rest;
    assert_int_equal(strtoull(text, &rest, 16), 0);                  /* blocked */
    const unsigned long long the_c_librarys = 3ull << 31;            /* 32 and 33, which nobody else may set */
    assert_int_equal(strtoull(rest, NULL, 16) & ~the_c_librarys, 0); /* ignored */
}

/* S22.1 */
static void child_has_no_descriptor_but_three(void **state)
{
    (void) state;
    int left_open = open("/dev/null", O_RDONLY); /* no O_CLOEXEC */
    assert_true(left_open > 2);
    const char *text = says("for fd in /proc/self/fd/*; do [ -e $fd ] && echo ${fd##*/}; done | tr '\\n' ' '",
                            shell(NULL));
    close(left_open);
    assert_string_equal(text, "0 1 2 ");
}

static void descriptors_are_closed_one_by_one_where_the_c_library_cannot_close_from(void **state)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    (void) state;
    int left_open = open("/dev/null", O_RDONLY);
    char script[64];
    snprintf(script, sizeof script, "[ ! -e /proc/self/fd/%d ]", left_open);
    char *argv[] = { (char *) "/bin/sh", (char *) "-c", script, NULL };
    posix_spawn_file_actions_init(&actions);
    assert_int_equal(close_from_listed(&actions, 3), 0);
    assert_int_equal(posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(left_open);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* S22.2 */
static void streams_go_where_they_are_told(void **state)
{
    char path[] = "/tmp/troupe-launch-XXXXXX";
    (void) state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    tr_child_opts opts = shell(NULL);
    opts.in.kind = TR_STDIO_NULL;
    opts.err = (tr_stdio){ .kind = TR_STDIO_FD, .fd = file };
    assert_string_equal(says("cat; echo words >&2; echo out", opts), "out\n");
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    assert_string_equal(read_all(file), "words\n");
    opts.err = (tr_stdio){ .kind = TR_STDIO_OUT };
    assert_string_equal(says("echo one; echo two >&2", opts), "one\ntwo\n");
}

/* S22.2: 1 is made from 2 and 2 from 1, and neither overwrites the other before it is used */
static void standard_descriptors_can_be_exchanged(void **state)
{
    int out[2], err[2], saved_out = dup(1), saved_err = dup(2);
    struct launch l;
    const char *const argv[] = { "/bin/sh", "-c", "echo out; echo err >&2", NULL };
    const tr_child_opts opts = { .size = sizeof opts,
                                 .argv = argv,
                                 .out = { .kind = TR_STDIO_FD, .fd = 2 },
                                 .err = { .kind = TR_STDIO_FD, .fd = 1 } };
    (void) state;
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    int rc = launch(&opts, -1, &l);
    dup2(saved_out, 1);
    dup2(saved_err, 2);
    close(saved_out);
    close(saved_err);
    close(out[1]);
    close(err[1]);
    assert_int_equal(rc, 0);
    assert_string_equal(read_all(out[0]), "err\n");
    assert_string_equal(read_all(err[0]), "out\n");
    assert_int_equal(status_of(&l), 0);
}

/* S22.2 */
static void closed_standard_input_is_inherited_as_null(void **state)
{
    (void) state;
    int saved = fcntl(0, F_DUPFD_CLOEXEC, 3);
    close(0);
    const char *text = says("cat && echo end", shell(NULL));
    if (saved >= 0) {
        dup2(saved, 0);
        close(saved);
    }
    assert_string_equal(text, "end\n");
}

/* S22.3 */
static void environment_and_directory_are_those_given(void **state)
{
    const char *const env[] = { "COLOUR=green", NULL };
    (void) state;
    tr_child_opts opts = shell(NULL);
    opts.env = env;
    opts.dir = "/usr";
    assert_string_equal(says("echo $COLOUR $HOME; pwd", opts), "green\n/usr\n");
}

/* S22.3 */
static void group_is_the_childs_own(void **state)
{
    (void) state;
    tr_child_opts opts = shell(NULL);
    opts.group = true;
    assert_string_equal(says("set -- $(cat /proc/$$/stat); [ $1 = $5 ] && echo own", opts), "own\n");
    opts.group = false;
    assert_string_equal(says("set -- $(cat /proc/$$/stat); [ $1 = $5 ] || echo ours", opts), "ours\n");
}

/* S22.4 */
static void program_that_is_not_there_is_an_error_and_leaves_no_descriptor(void **state)
{
    struct launch l;
    const char *const argv[] = { "/no/such/program", NULL };
    tr_child_opts opts = shell(argv);
    (void) state;
    opts.in.kind = TR_STDIO_PIPE;
    int next = dup(0);
    close(next);
    assert_int_equal(launch(&opts, -1, &l), ENOENT);
    int after = dup(0);
    close(after);
    assert_int_equal(next, after);
    opts.dir = "/no/such/directory";
    assert_int_equal(launch(&opts, -1, &l), ENOENT);
    opts.err = (tr_stdio){ .kind = TR_STDIO_FD, .fd = 9999 };
    assert_int_equal(launch(&opts, -1, &l), EBADF);
    assert_string_equal(l.failed, "its error output");
}

static void program_is_looked_for_in_the_path(void **state)
{
    struct launch l;
    const char *const argv[] = { "true", NULL };
    const tr_child_opts opts = { .size = sizeof opts, .argv = argv };
    (void) state;
    assert_int_equal(launch(&opts, -1, &l), 0);
    assert_int_equal(status_of(&l), 0);
}

#define launch_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        launch_test(child_has_an_empty_mask_and_default_dispositions),
        launch_test(child_has_no_descriptor_but_three),
        launch_test(descriptors_are_closed_one_by_one_where_the_c_library_cannot_close_from),
        launch_test(streams_go_where_they_are_told),
        launch_test(standard_descriptors_can_be_exchanged),
        launch_test(closed_standard_input_is_inherited_as_null),
        launch_test(environment_and_directory_are_those_given),
        launch_test(group_is_the_childs_own),
        launch_test(program_that_is_not_there_is_an_error_and_leaves_no_descriptor),
        launch_test(program_is_looked_for_in_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
