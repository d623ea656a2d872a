/* SPDX-License-Identifier: MIT */
/* test_run.c - a program from its start to its end (docs/semantics.md, S22) */
#include <fcntl.h>
#include <signal.h>

#include "machine/child.h"
#include "support/no_children.h"

struct run {
    struct notes notes;
    tr_addr actor;
    int begun[2]; /* the script says when it has begun, on a descriptor that is not collected */
};

static void run_both_ways(tr_body_fn *body, const char *expected)
{
    for (int i = 0; i < 2; i++) {
        struct run run = { .begun = { -1, -1 } };
        atomic_store(&child_without_pidfd, i == 1);
        assert_int_equal(run_real(body, &run), TR_OK);
        atomic_store(&child_without_pidfd, false);
        assert_string_equal(run.notes.text, expected);
        no_children();
    }
}

static const tr_stdio pipe_end = { .kind = TR_STDIO_PIPE };

static tr_err sh_with(tr_self *self, struct run *run, const char *script, tr_child_opts child, tr_run_opts opts)
{
    char status[TR_CHILD_STATUS_TEXT_MAX];
    tr_run_result result = { .memory = NULL };
    const char *const argv[] = { "/bin/sh", "-c", script, NULL };
    child.size = sizeof child;
    child.argv = argv;
    child.out = pipe_end;
    if (child.err.kind == TR_STDIO_INHERIT)
        child.err = pipe_end;
    opts.size = sizeof opts;
    tr_err err = tr_run(self, &child, &opts, &result);
    note(&run->notes, "%s|%s|%.40s|%.40s", tr_err_name(err) + 3, tr_child_status_text(&result.status, status),
         (const char *) result.out.data, (const char *) result.err.data);
    tr_run_free(self, &result);
    return err;
}

static tr_err sh(tr_self *self, struct run *run, const char *script, tr_run_opts opts)
{
    return sh_with(self, run, script, (tr_child_opts){ 0 }, opts);
}

static tr_err collects(tr_self *self, void *arg)
{
    (void) sh(self, arg, "printf out; printf err >&2; exit 4", (tr_run_opts){ 0 });
    (void) sh(self, arg, "cat; printf .", (tr_run_opts){ .input = "in", .input_len = 2 });
    (void) sh(self, arg, "kill -TERM $$", (tr_run_opts){ 0 });
    return TR_OK;
}

/* S22.10 */
static void run_gives_output_status_and_takes_input(void **state)
{
    (void) state;
    run_both_ways(collects, "OK|exit 4|out|err OK|exit 0|in.| OK|SIGTERM||");
}

#define MUCH 300000

static tr_err goes_through(tr_self *self, void *arg)
{
    struct run *run = arg;
    char *much = tr_temp(self, MUCH);
    tr_run_result result = { .memory = NULL };
    const char *const argv[] = { "/bin/cat", NULL };
    const tr_child_opts child = { .size = sizeof child, .argv = argv, .out = pipe_end };
    const tr_run_opts opts = { .size = sizeof opts, .input = much, .input_len = MUCH };
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char) i;
    tr_err err = tr_run(self, &child, &opts, &result);
    note(&run->notes, "%zu %d", result.out.len, err == TR_OK && memcmp(result.out.data, much, MUCH) == 0);
    return TR_OK; /* and the result goes with the call */
}

/* S22.10: more than both pipes hold, in both directions */
static void input_and_output_move_at_once(void **state)
{
    (void) state;
    run_both_ways(goes_through, "300000 1");
}

static tr_err drops_its_input(tr_self *self, void *arg)
{
    char *much = tr_temp(self, MUCH);
    (void) sh(self, arg, "exec <&-; printf done", (tr_run_opts){ .input = much, .input_len = MUCH });
    return TR_OK;
}

/* S22.10 */
static void input_that_the_program_does_not_read_is_dropped(void **state)
{
    (void) state;
    run_both_ways(drops_its_input, "OK|exit 0|done|");
}

static tr_err is_too_slow(tr_self *self, void *arg)
{
    (void) sh_with(self, arg, "trap 'printf bye; exit 1' TERM; printf hello; while :; do sleep 0.01; done",
                   (tr_child_opts){ 0 }, (tr_run_opts){ .timeout_ms = 400 });
    (void) sh_with(self, arg, "trap '' TERM; printf hello; while :; do sleep 0.01; done",
                   (tr_child_opts){ .grace_ms = 20 }, (tr_run_opts){ .timeout_ms = 400 });
    return TR_OK;
}

/* S22.11 */
static void timeout_stops_the_program_and_keeps_what_it_wrote_until_its_end(void **state)
{
    (void) state;
    run_both_ways(is_too_slow, "ETIMEDOUT|exit 1|hellobye| ETIMEDOUT|SIGKILL|hello|");
}

static tr_err runs_until_cancelled(tr_self *self, void *arg)
{
    struct run *run = arg;
    return sh_with(self, run, "trap 'printf bye; exit 1' TERM; printf hello; echo >&2; while :; do sleep 0.01; done",
                   (tr_child_opts){ .err = { .kind = TR_STDIO_FD, .fd = run->begun[1] } }, (tr_run_opts){ 0 });
}

/* Spawns one that runs a program, and waits until that has begun. */
static void begin(tr_self *self, struct run *run)
{
    char c;
    tr_check(self, pipe2(run->begun, O_CLOEXEC) == 0);
    tr_check(self, tr_spawn(self, runs_until_cancelled, run, &run->actor) == TR_OK);
    tr_check(self, tr_fd_wait(self, run->begun[0], TR_READABLE, TR_FOREVER, NULL) == TR_OK);
    tr_check(self, read(run->begun[0], &c, 1) == 1);
}

static void end(tr_self *self, struct run *run)
{
    (void) tr_fd_close(self, run->begun[0]);
    (void) close(run->begun[1]);
}

static tr_err cancels(tr_self *self, void *arg)
{
    struct run *run = arg;
    begin(self, run);
    tr_cancel(self, run->actor, "enough");
    tr_err err = tr_join(self, run->actor, NULL);
    end(self, run);
    return err == TR_ECANCELED ? TR_OK : TR_EFAILED;
}

/* S22.11 */
static void cancel_stops_the_program_and_keeps_what_it_wrote_until_its_end(void **state)
{
    (void) state;
    run_both_ways(cancels, "ECANCELED|exit 1|hellobye|");
}

static tr_err kills(tr_self *self, void *arg)
{
    struct run *run = arg;
    begin(self, run);
    tr_kill(self, run->actor, NULL);
    tr_err err = tr_join(self, run->actor, NULL);
    end(self, run);
    return err == TR_EKILLED ? TR_OK : TR_EFAILED;
}

/* S22.7 */
static void kill_leaves_no_process_and_no_memory(void **state)
{
    (void) state;
    run_both_ways(kills, "");
}

static tr_err says_too_much(tr_self *self, void *arg)
{
    (void) sh(self, arg, "printf 12345", (tr_run_opts){ .output_max = 5 });
    (void) sh(self, arg, "printf 123456; exec sleep 1000", (tr_run_opts){ .output_max = 5 });
    (void) sh(self, arg, "exec yes", (tr_run_opts){ .output_max = 4 });
    return TR_OK;
}

/* S22.12 */
static void output_over_its_bound_stops_the_program(void **state)
{
    (void) state;
    run_both_ways(says_too_much, "OK|exit 0|12345| ETOOBIG|SIGTERM|12345| ETOOBIG|SIGTERM|y\ny\n|");
}

static tr_err leaves_the_pipe_open(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_time before = tr_now(self);
    (void) sh_with(self, run, "sleep 1000 & printf out", (tr_child_opts){ .grace_ms = 30, .group = true },
                   (tr_run_opts){ 0 });
    note(&run->notes, "%d", tr_now(self) - before >= 30000000);
    return TR_OK;
}

/* S22.13 */
static void outputs_that_others_hold_open_are_read_for_the_grace_and_no_longer(void **state)
{
    (void) state;
    run_both_ways(leaves_the_pipe_open, "OK|exit 0|out| 1");
}

static tr_err insists(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) sh(self, run, "exit 0", (tr_run_opts){ .check = true });
    (void) sh(self, run, "echo 'no such thing' >&2; echo more >&2; exit 2", (tr_run_opts){ .check = true });
    note(&run->notes, "%s", tr_error(self)->text);
    return TR_OK;
}

/* S22.10 */
static void checked_run_fails_with_the_first_line_of_the_errors(void **state)
{
    (void) state;
    run_both_ways(insists, "OK|exit 0|| EFAILED|exit 2||no such thing\nmore\n /bin/sh: exit 2: no such thing");
}

static tr_err says_no(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_run_result result;
    const char *const argv[] = { "/no/such/program", NULL };
    const tr_child_opts child = { .size = sizeof child, .argv = argv };
    const tr_run_opts bad = { .size = sizeof bad, .input_len = 1 };
    note_err(&run->notes, tr_run(self, NULL, NULL, &result));
    note_err(&run->notes, tr_run(self, &child, &bad, &result));
    note_err(&run->notes, tr_run(self, &child, NULL, &result));
    return TR_OK;
}

/* S22.4 */
static void run_that_cannot_begin_says_why(void **state)
{
    (void) state;
    run_both_ways(says_no, "EINVAL EINVAL EIO");
}

static tr_err runs_out_of_memory(tr_self *self, void *arg)
{
    (void) arg;
    for (uint64_t n = 1;; n++) {
        tr_run_result result = { .memory = NULL };
        const char *const argv[] = { "/bin/sh", "-c", "printf out", NULL };
        const tr_child_opts child = { .size = sizeof child, .argv = argv, .out = pipe_end };
        tr_test_fail_alloc(n);
        tr_err err = tr_run(self, &child, NULL, &result);
        bool walked = tr_test_fail_alloc(0) < n;
        tr_check(self, err == TR_OK || err == TR_ENOMEM);
        tr_check(self, err != TR_OK || result.out.len == 3);
        tr_run_free(self, &result);
        if (walked)
            return TR_OK;
    }
}

static void without_memory_nothing_is_left(void **state)
{
    (void) state;
    run_both_ways(runs_out_of_memory, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_gives_output_status_and_takes_input),
        cmocka_unit_test(input_and_output_move_at_once),
        cmocka_unit_test(input_that_the_program_does_not_read_is_dropped),
        cmocka_unit_test(timeout_stops_the_program_and_keeps_what_it_wrote_until_its_end),
        cmocka_unit_test(cancel_stops_the_program_and_keeps_what_it_wrote_until_its_end),
        cmocka_unit_test(kill_leaves_no_process_and_no_memory),
        cmocka_unit_test(output_over_its_bound_stops_the_program),
        cmocka_unit_test(outputs_that_others_hold_open_are_read_for_the_grace_and_no_longer),
        cmocka_unit_test(checked_run_fails_with_the_first_line_of_the_errors),
        cmocka_unit_test(run_that_cannot_begin_says_why),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return run_on_one_and_two_workers(tests);
}
