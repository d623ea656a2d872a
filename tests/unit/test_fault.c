/* SPDX-License-Identifier: MIT */
/* test_fault.c - whatever fails, it is told, nothing hangs, and nothing is left over (docs/semantics.md, S59) */
#include <errno.h>

#include "support/actor_test.h"

struct run {
    struct notes notes;
    uint64_t send_at;
    tr_err send_err;
    tr_addr other;
    int fds[2];
    bool began;
};

/* ---- sends ---- */

static tr_err sends(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr other;
    tr_err err = tr_spawn(self, echo, NULL, &other);
    (void) tr_test_fail_send(tr_self_node(self), run->send_at, run->send_err);
    note_err(&run->notes, tr_send(self, other, "one"));
    note_err(&run->notes, tr_try_send(self, other, "two"));
    note_err(&run->notes, tr_ask(self, other, NULL, "three", 3));
    note_err(&run->notes, tr_send(self, other, "four"));
    note(&run->notes, "%d", (int) tr_test_fail_send(tr_self_node(self), 0, TR_OK));
    return err;
}

/* S59.3 */
static void nth_send_fails_with_what_was_asked_for_and_the_others_go_through(void **state)
{
    static const struct {
        uint64_t at;
        tr_err err;
        const char *text;
    } ways[] = {
        { 0, TR_OK, "OK OK OK OK 4" },           { 1, TR_ENOPROC, "ENOPROC OK OK OK 4" },
        { 2, TR_EFULL, "OK EFULL OK OK 4" },     { 3, TR_ENOMEM, "OK OK ENOMEM OK 4" },
        { 4, TR_EUNSENT, "OK OK OK EUNSENT 4" },
    };
    (void) state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct run run = { .send_at = ways[i].at, .send_err = ways[i].err };
        assert_int_equal(run_actor(sends, &run), TR_OK);
        assert_string_equal(run.notes.text, ways[i].text);
    }
}

/* ---- system calls ---- */

static tr_err waits_for_a_byte(tr_self *self, void *arg)
{
    struct run *run = arg;
    char byte;
    tr_err err = tr_fd_wait(self, run->fds[0], TR_READABLE, 1000, NULL);
    return err == TR_OK && read(run->fds[0], &byte, 1) != 1 ? TR_EIO : err;
}

static tr_err uses_everything(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr reader;
    run->began = true;
    tr_err err = tr_spawn(self, waits_for_a_byte, run, &reader);
    if (err == TR_OK)
        err = tr_sleep(self, 2);
    if (err == TR_OK && write(run->fds[1], "x", 1) != 1)
        err = TR_EIO;
    tr_err joined = err == TR_OK ? tr_join(self, reader, NULL) : TR_OK;
    if (joined != TR_OK)
        return joined;
    return err == TR_OK ? tr_fd_wait(self, run->fds[1], TR_WRITABLE, 1000, NULL) : err;
}

static void no_log(void *ctx, tr_log_level level, const char *line)
{
    (void) ctx;
    (void) level;
    (void) line;
}

/* On the real clock, whose timers are the kernel's. Returns TR_ESTATE if something was left over. */
static tr_err really_run(struct run *run)
{
    tr_node *node;
    char left[256];
    const tr_node_opts opts = { .size = sizeof opts, .on_log = no_log };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = uses_everything, .arg = run };
    tr_err err = tr_node_create(&opts, &node);
    if (err != TR_OK)
        return err;
    alarm(WATCHDOG_S);
    err = tr_node_spawn(node, &spawn, NULL);
    if (err == TR_OK)
        err = tr_node_run(node);
    alarm(0);
    if (run->began && tr_test_leftovers(node, left, sizeof left) > 0) {
        print_message("left over when %s failed: %s\n", tr_test_failed_syscall(), left);
        err = TR_ESTATE;
    }
    tr_node_destroy(&node);
    return err;
}

/* S59.2: an error of the call, or none, since there is another way; never a hang */
static void whichever_system_call_fails_nothing_hangs_and_nothing_is_left(void **state)
{
    bool came = true;
    (void) state;
    for (uint64_t n = 1; came && n < 200; n++) {
        struct run run = { .began = false };
        assert_int_equal(pipe(run.fds), 0);
        (void) tr_test_fail_syscall(n, 0);
        tr_err err = really_run(&run);
        came = tr_test_fail_syscall(0, 0) >= n;
        close(run.fds[0]);
        close(run.fds[1]);
        if (err == TR_ESTATE)
            fail_msg("system call %d, %s", (int) n, tr_test_failed_syscall());
    }
    assert_false(came);
}

/* S59.2 */
static void node_that_cannot_have_its_descriptors_is_not_made(void **state)
{
    tr_node *node = NULL;
    (void) state;
    for (uint64_t n = 1; n <= 5; n++) {
        (void) tr_test_fail_syscall(n, EMFILE);
        assert_int_equal(tr_node_create(NULL, &node), TR_EIO);
        (void) tr_test_fail_syscall(0, 0);
    }
    assert_null(node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_send_fails_with_what_was_asked_for_and_the_others_go_through),
        cmocka_unit_test(whichever_system_call_fails_nothing_hangs_and_nothing_is_left),
        cmocka_unit_test(node_that_cannot_have_its_descriptors_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
