/* SPDX-License-Identifier: MIT */
/* test_main.c - tr_main: exit status, words, signals; in a process of its own each time (docs/semantics.md, S8.9) */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "support/actor_test.h"

struct outcome {
    int status;
    char text[4096];
};

static int answers; /* where the child's actors write what happened; the parent reads it as text */

/* Runs tr_main(body) in a child; its standard error and what it said come back in text. signals: sent when it said
 * "ready". */
static void run_main(tr_body_fn *body, const int *signals, struct outcome *out)
{
    int fd[2];
    size_t len = 0;
    ssize_t n;
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(fd[0]);
        answers = fd[1];
        dup2(fd[1], STDERR_FILENO);
        alarm(WATCHDOG_S);
        int status = tr_main(body, NULL);
        exit(status); /* so that a sanitizer looks for leaks */
    }
    close(fd[1]);
    while (len < sizeof out->text - 1 && (n = read(fd[0], out->text + len, sizeof out->text - 1 - len)) > 0) {
        len += (size_t) n;
        out->text[len] = '\0';
        if (signals != NULL && *signals != 0 && strstr(out->text, "ready") != NULL)
            kill(pid, *signals++);
    }
    out->text[len] = '\0';
    close(fd[0]);
    assert_int_equal(waitpid(pid, &out->status, 0), pid);
}

static void say(const char *word)
{
    (void) !write(answers, word, strlen(word));
}

static void assert_exit(const struct outcome *out, int status, const char *text)
{
    if (!WIFEXITED(out->status) || WEXITSTATUS(out->status) != status || strcmp(out->text, text) != 0)
        fail_msg("status %#x, text: %s", out->status, out->text);
}

static tr_err cleans_up(tr_self *self, void *arg)
{
    (void) arg;
    (void) tr_sleep(self, 1);
    say("[cleaned]");
    return TR_OK;
}

static tr_err good(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 1);
}

static void main_that_ends_well_exits_with_0_and_says_nothing(void **state)
{
    struct outcome out;
    (void) state;
    run_main(good, NULL, &out);
    assert_exit(&out, 0, "");
}

static tr_err bad(tr_self *self, void *arg)
{
    (void) arg;
    return tr_fail_with(self, TR_EUSER + 1, "no coffee");
}

static tr_err bare(tr_self *self, void *arg)
{
    (void) self;
    (void) arg;
    return TR_EIO;
}

static void main_that_ends_with_an_error_exits_with_1_and_says_which(void **state)
{
    struct outcome out;
    (void) state;
    run_main(bad, NULL, &out);
    assert_true(WIFEXITED(out.status) && WEXITSTATUS(out.status) == 1);
    assert_non_null(strstr(out.text, "TR_EUSER+1"));
    assert_non_null(strstr(out.text, "no coffee"));
    run_main(bare, NULL, &out);
    assert_true(WIFEXITED(out.status) && WEXITSTATUS(out.status) == 1);
    assert_non_null(strstr(out.text, "TR_EIO"));
}

static tr_err fails_hard(tr_self *self, void *arg)
{
    (void) arg;
    tr_fail(self, TR_EUSER + 2, "a broken promise");
}

static void main_that_fails_exits_with_1_and_its_words(void **state)
{
    struct outcome out;
    (void) state;
    run_main(fails_hard, NULL, &out);
    assert_true(WIFEXITED(out.status) && WEXITSTATUS(out.status) == 1);
    assert_non_null(strstr(out.text, "a broken promise"));
}

static tr_err interrupted(tr_self *self, void *arg)
{
    (void) arg;
    say("ready");
    tr_err err = tr_sleep(self, 3600000);
    say(err == TR_ECANCELED && strstr(tr_cancel_reason(self), "SIG") != NULL ? "[canceled]" : "[what]");
    return tr_shield(self, 1000, cleans_up, NULL);
}

/* node.h: the cleanup runs, and the status is 128 + n */
static void signal_cancels_main_and_the_status_tells_which(void **state)
{
    static const int interrupt[] = { SIGINT, 0 }, terminate[] = { SIGTERM, 0 };
    struct outcome out;
    (void) state;
    run_main(interrupted, interrupt, &out);
    assert_exit(&out, 130, "ready[canceled][cleaned]");
    run_main(interrupted, terminate, &out);
    assert_exit(&out, 143, "ready[canceled][cleaned]");
}

static tr_err stubborn(tr_self *self, void *arg)
{
    (void) arg;
    say("ready");
    (void) tr_sleep(self, 3600000);
    say("ready");
    return tr_shield(self, 3600000, deaf, NULL);
}

/* node.h: the first asks, the second ends the process */
static void second_signal_ends_the_process(void **state)
{
    static const int twice[] = { SIGINT, SIGINT, 0 };
    struct outcome out;
    (void) state;
    SKIP_UNDER_VALGRIND();
#if defined(__SANITIZE_THREAD__)
    print_message("skipped: ThreadSanitizer keeps a signal for the fiber that ran when it came\n");
    skip();
#endif
    run_main(stubborn, twice, &out);
    assert_true(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGINT);
}

static tr_err left_behind(tr_self *self, void *arg)
{
    (void) arg;
    (void) tr_sleep(self, 3600000);
    say("[left]");
    return TR_ECANCELED;
}

static tr_err leaves_some(tr_self *self, void *arg)
{
    const tr_spawn_opts detached = {
        .size = sizeof detached, .body = left_behind, .arg = arg, .flags = TR_SPAWN_DETACHED
    };
    tr_err err = tr_spawn(self, left_behind, arg, NULL);
    if (err == TR_OK)
        err = tr_spawn_with(self, &detached, NULL);
    (void) tr_yield(self);
    return err;
}

/* S8.9 */
static void main_returns_when_all_it_started_has_ended(void **state)
{
    struct outcome out;
    (void) state;
    run_main(leaves_some, NULL, &out);
    assert_exit(&out, 0, "[left][left]");
}

static tr_err failing_child(tr_self *self, void *arg)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .body = bad, .arg = arg, .name = "unlucky" };
    tr_err err = tr_spawn_with(self, &opts, NULL);
    (void) tr_yield(self);
    return err;
}

/* S14.10, S7.7 */
static void failures_that_nobody_joined_go_to_standard_error(void **state)
{
    struct outcome out;
    (void) state;
    run_main(failing_child, NULL, &out);
    assert_true(WIFEXITED(out.status) && WEXITSTATUS(out.status) == 0);
    assert_non_null(strstr(out.text, "unlucky"));
    assert_non_null(strstr(out.text, "no coffee"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(main_that_ends_well_exits_with_0_and_says_nothing),
        cmocka_unit_test(main_that_ends_with_an_error_exits_with_1_and_says_which),
        cmocka_unit_test(main_that_fails_exits_with_1_and_its_words),
        cmocka_unit_test(signal_cancels_main_and_the_status_tells_which),
        cmocka_unit_test(second_signal_ends_the_process),
        cmocka_unit_test(main_returns_when_all_it_started_has_ended),
        cmocka_unit_test(failures_that_nobody_joined_go_to_standard_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
