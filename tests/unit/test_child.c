/* SPDX-License-Identifier: MIT */
/* test_child.c - child processes: their end, and that they are reaped (docs/semantics.md, S22) */
#include <signal.h>

#include "machine/child.h"
#include "support/no_children.h"

struct run {
    struct notes notes;
    tr_addr actor;
    pid_t pid;
};

static void run_it(tr_body_fn *body, struct run *run)
{
    *run = (struct run){ .pid = 0 };
    assert_int_equal(run_real(body, run), TR_OK);
    no_children();
}

/* Runs it with pidfds, and as on a kernel without. */
static void run_both_ways(tr_body_fn *body, const char *expected)
{
    struct run run;
    run_it(body, &run);
    assert_string_equal(run.notes.text, expected);
    atomic_store(&child_without_pidfd, true);
    run_it(body, &run);
    atomic_store(&child_without_pidfd, false);
    assert_string_equal(run.notes.text, expected);
}

static tr_child *start(tr_self *self, const char *script, tr_child_opts opts)
{
    tr_child *child = NULL;
    const char *const argv[] = { "/bin/sh", "-c", script, NULL };
    opts.size = sizeof opts;
    opts.argv = argv;
    tr_check(self, tr_child_start(self, &opts, &child) == TR_OK);
    return child;
}

/* Returns when the script has said so. */
static tr_child *start_and_hear(tr_self *self, const char *script, tr_child_opts opts)
{
    char c;
    size_t n;
    opts.out.kind = TR_STDIO_PIPE;
    tr_child *child = start(self, script, opts);
    tr_check(self, tr_child_read(self, child, TR_CHILD_OUT, &c, 1, TR_FOREVER, &n) == TR_OK && n == 1);
    return child;
}

static void note_status(struct notes *notes, tr_err err, const tr_child_status *status)
{
    char text[TR_CHILD_STATUS_TEXT_MAX];
    note(notes, "%s", err == TR_OK ? tr_child_status_text(status, text) : tr_err_name(err) + 3);
}

/* ---- waiting ---- */

static tr_err waits_for_both(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child_status status = { 0 };
    tr_child *exits = start(self, "exit 3", (tr_child_opts){ 0 });
    tr_child *dies = start(self, "kill -ABRT $$", (tr_child_opts){ 0 });
    tr_err err = tr_child_wait(self, exits, TR_FOREVER, &status);
    note_status(&run->notes, err, &status);
    err = tr_child_wait(self, dies, TR_FOREVER, &status);
    status.core = false; /* the machine's business */
    note_status(&run->notes, err, &status);
    err = tr_child_wait(self, exits, 0, &status);
    note_status(&run->notes, err, &status);
    note(&run->notes, "%d", (int) tr_child_pid(exits));
    note_err(&run->notes, tr_child_signal(self, exits, SIGTERM));
    return TR_OK;
}

/* S22.5 */
static void wait_tells_exit_code_or_signal_again_and_again(void **state)
{
    (void) state;
    run_both_ways(waits_for_both, "exit 3 SIGABRT exit 3 -1 ENOPROC");
}

static tr_err sleeps_long(tr_self *self, void *arg)
{
    return tr_child_wait(self, arg, TR_FOREVER, NULL);
}

static tr_err runs_out_of_time(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child_status status = { 0 };
    tr_child *child = start(self, "exec sleep 1000", (tr_child_opts){ 0 });
    note_err(&run->notes, tr_child_wait(self, child, 5, NULL));
    note_err(&run->notes, tr_child_wait(self, child, 0, NULL));
    note_err(&run->notes, tr_within(self, 5, sleeps_long, child));
    note_err(&run->notes, tr_child_signal(self, child, SIGKILL));
    tr_err err = tr_child_wait(self, child, TR_FOREVER, &status);
    note_status(&run->notes, err, &status);
    return TR_OK;
}

/* S22.5 */
static void wait_ends_with_its_timeout_or_a_scope_and_the_child_runs_on(void **state)
{
    (void) state;
    run_both_ways(runs_out_of_time, "ETIMEDOUT ETIMEDOUT ETIMEDOUT OK SIGKILL");
}

static tr_err loses_the_status(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child *child = start(self, "exit 0", (tr_child_opts){ 0 });
    waitpid(tr_child_pid(child), NULL, 0);
    note_err(&run->notes, tr_child_wait(self, child, TR_FOREVER, NULL));
    note(&run->notes, "%s", strstr(tr_error(self)->text, "taken by someone else") != NULL ? "said" : "");
    return TR_OK;
}

/* S22.5 */
static void status_that_somebody_else_took_is_an_error(void **state)
{
    (void) state;
    run_both_ways(loses_the_status, "EIO said");
}

/* ---- stopping ---- */

static tr_err stops_both(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child_status status = { 0 };
    tr_child *kind = start_and_hear(self, "trap 'exit 7' TERM; echo; while :; do sleep 0.01; done",
                                    (tr_child_opts){ 0 });
    tr_child *deaf = start_and_hear(self, "trap '' TERM; echo; while :; do sleep 0.01; done",
                                    (tr_child_opts){ .grace_ms = 20 });
    tr_child *none = start_and_hear(self, "trap 'exit 7' TERM; echo; while :; do sleep 0.01; done",
                                    (tr_child_opts){ .grace_ms = -1 });
    tr_child *children[] = { kind, deaf, none, kind };
    for (int i = 0; i < 4; i++) {
        tr_err err = tr_child_stop(self, children[i], &status);
        note_status(&run->notes, err, &status);
    }
    return TR_OK;
}

/* S22.6 */
static void stop_asks_then_kills_after_the_grace(void **state)
{
    (void) state;
    run_both_ways(stops_both, "exit 7 SIGKILL SIGKILL exit 7");
}

static tr_err stopped_in_cleanup(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child_status status = { 0 };
    tr_child *child = start(self, "exec sleep 1000", (tr_child_opts){ 0 });
    tr_cancel(self, tr_self_addr(self), "enough");
    note_err(&run->notes, tr_child_wait(self, child, TR_FOREVER, NULL));
    tr_err err = tr_child_stop(self, child, &status);
    note_status(&run->notes, err, &status);
    return TR_OK;
}

/* S22.6 */
static void stop_waits_in_a_cancelled_actor_too(void **state)
{
    (void) state;
    run_both_ways(stopped_in_cleanup, "ECANCELED SIGTERM");
}

static tr_err stops_a_group(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n = 1;
    /* One of the group does not hear TERM, and holds the pipe as long as it lives. */
    tr_child *child = start_and_hear(self, "(trap '' TERM; echo; while :; do sleep 0.01; done) & wait",
                                     (tr_child_opts){ .group = true, .grace_ms = 1000 });
    note_err(&run->notes, tr_child_stop(self, child, NULL));
    note_err(&run->notes, tr_child_read(self, child, TR_CHILD_OUT, &c, 1, TR_FOREVER, &n));
    note(&run->notes, "%zu", n);
    return TR_OK;
}

/* S22.6 */
static void stop_of_a_group_leaves_none_of_it(void **state)
{
    (void) state;
    run_both_ways(stops_a_group, "OK OK 0");
}

/* ---- the end of its call ---- */

static tr_err leaves_it(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child *child = start(self, "exec sleep 1000", (tr_child_opts){ 0 });
    run->pid = tr_child_pid(child);
    return TR_OK;
}

static tr_err leaves_a_deaf_one(tr_self *self, void *arg)
{
    (void) arg;
    (void) start_and_hear(self, "trap '' TERM; echo; while :; do sleep 0.01; done", (tr_child_opts){ .grace_ms = 20 });
    (void) start_and_hear(self, "(trap '' TERM; echo; exec sleep 1000) & wait",
                          (tr_child_opts){ .group = true, .grace_ms = 1000 });
    return TR_OK;
}

static tr_err frees_it(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child *child = start(self, "exec sleep 1000", (tr_child_opts){ .in = { .kind = TR_STDIO_PIPE } });
    tr_child *ended = start(self, "exit 0", (tr_child_opts){ 0 });
    (void) !tr_child_wait(self, ended, TR_FOREVER, NULL);
    tr_child_free(self, &child);
    tr_child_free(self, &ended);
    tr_child_free(self, &ended);
    note(&run->notes, "%d", child == NULL && ended == NULL);
    return TR_OK;
}

static tr_err waits_until_killed(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child *child = start(self, "exec sleep 1000", (tr_child_opts){ 0 });
    run->pid = tr_child_pid(child);
    return tr_child_wait(self, child, TR_FOREVER, NULL);
}

static tr_err kills_the_owner(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_check(self, tr_spawn(self, waits_until_killed, run, &run->actor) == TR_OK);
    while (run->pid == 0)
        (void) tr_yield(self);
    tr_kill(self, run->actor, NULL);
    return note_err(&run->notes, tr_join(self, run->actor, NULL)) == TR_EKILLED ? TR_OK : TR_EFAILED;
}

/* S22.7: each is stopped and reaped, which run_it looks for */
static void child_of_a_call_that_has_ended_is_stopped_and_reaped(void **state)
{
    (void) state;
    run_both_ways(leaves_it, "");
    run_both_ways(leaves_a_deaf_one, "");
    run_both_ways(frees_it, "1");
    run_both_ways(kills_the_owner, "EKILLED");
}

static tr_err says_no(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child *child = NULL;
    const char *const nothing[] = { NULL }, *const nowhere[] = { "no-such-program-here", NULL };
    const tr_child_opts bad[] = {
        { .size = 1, .argv = nowhere },
        { .size = sizeof bad[0] },
        { .size = sizeof bad[0], .argv = nothing },
        { .size = sizeof bad[0], .argv = nowhere, .out = { .kind = TR_STDIO_OUT } },
        { .size = sizeof bad[0], .argv = nowhere, .err = { .kind = TR_STDIO_FROM } },
        { .size = sizeof bad[0], .argv = nowhere, .in = { .kind = TR_STDIO_FROM } },
        { .size = sizeof bad[0], .argv = nowhere },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        note_err(&run->notes, tr_child_start(self, &bad[i], &child));
    note(&run->notes, "%d %s", child == NULL, tr_error(self)->text);
    return TR_OK;
}

/* S22.4 */
static void start_says_what_is_wrong(void **state)
{
    struct run run;
    (void) state;
    run_it(says_no, &run);
    assert_string_equal(run.notes.text, "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EIO 1 "
                                        "starting no-such-program-here (it): No such file or directory");
}

static tr_err runs_out_of_memory(tr_self *self, void *arg)
{
    (void) arg;
    for (uint64_t n = 1;; n++) {
        tr_child *child = NULL;
        const char *const argv[] = { "/bin/true", NULL };
        const tr_child_opts opts = { .size = sizeof opts, .argv = argv, .in = { .kind = TR_STDIO_PIPE } };
        tr_test_fail_alloc(n);
        tr_err err = tr_child_start(self, &opts, &child);
        if (err == TR_OK)
            tr_child_free(self, &child);
        bool walked = tr_test_fail_alloc(0) < n;
        tr_check(self, err == TR_OK || err == TR_ENOMEM);
        if (walked)
            return TR_OK;
    }
}

static void without_memory_nothing_is_left(void **state)
{
    (void) state;
    run_both_ways(runs_out_of_memory, "");
}

static void status_has_a_text(void **state)
{
    char text[TR_CHILD_STATUS_TEXT_MAX];
    (void) state;
    assert_string_equal(tr_child_status_text(&(tr_child_status){ .code = 0 }, text), "exit 0");
    assert_string_equal(tr_child_status_text(&(tr_child_status){ .code = -1, .signal = SIGTERM }, text), "SIGTERM");
    assert_string_equal(tr_child_status_text(&(tr_child_status){ .code = -1, .signal = SIGSEGV, .core = true }, text),
                        "SIGSEGV (core dumped)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_tells_exit_code_or_signal_again_and_again),
        cmocka_unit_test(wait_ends_with_its_timeout_or_a_scope_and_the_child_runs_on),
        cmocka_unit_test(status_that_somebody_else_took_is_an_error),
        cmocka_unit_test(stop_asks_then_kills_after_the_grace),
        cmocka_unit_test(stop_waits_in_a_cancelled_actor_too),
        cmocka_unit_test(stop_of_a_group_leaves_none_of_it),
        cmocka_unit_test(child_of_a_call_that_has_ended_is_stopped_and_reaped),
        cmocka_unit_test(start_says_what_is_wrong),
        cmocka_unit_test(without_memory_nothing_is_left),
        cmocka_unit_test(status_has_a_text),
    };
    return run_on_one_and_two_workers(tests);
}
