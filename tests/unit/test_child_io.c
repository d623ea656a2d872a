/* SPDX-License-Identifier: MIT */
/* test_child_io.c - the pipes to a child process (docs/semantics.md, S22) */
#include <fcntl.h>

#include "support/no_children.h"

struct run {
    struct notes notes;
    char block[200000];
};

static const char *run_it(tr_body_fn *body)
{
    static struct run run;
    memset(&run, 0, sizeof run);
    assert_int_equal(run_real(body, &run), TR_OK);
    no_children();
    return run.notes.text;
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

static const tr_stdio pipe_end = { .kind = TR_STDIO_PIPE };

static void note_read(tr_self *self, struct run *run, tr_child *child, enum tr_child_stream stream, int64_t timeout_ms)
{
    char text[64];
    size_t n = 99;
    tr_err err = tr_child_read(self, child, stream, text, sizeof text - 1, timeout_ms, &n);
    if (err == TR_OK)
        text[n] = '\0';
    note(&run->notes, "%s", err != TR_OK ? tr_err_name(err) + 3 : n == 0 ? "end" : text);
}

static tr_err talks(tr_self *self, void *arg)
{
    struct run *run = arg;
    size_t n = 99;
    tr_child *child = start(self, "read line; printf \"got $line\"; cat >&2",
                            (tr_child_opts){ .in = pipe_end, .out = pipe_end, .err = pipe_end });
    note_read(self, run, child, TR_CHILD_OUT, 0);
    note_err(&run->notes, tr_child_write(self, child, "hello\n", 6, TR_FOREVER, &n));
    note(&run->notes, "%zu", n);
    note_read(self, run, child, TR_CHILD_OUT, TR_FOREVER);
    note_err(&run->notes, tr_child_write(self, child, "more", 4, TR_FOREVER, NULL));
    tr_child_close(self, child, TR_CHILD_IN);
    note_read(self, run, child, TR_CHILD_ERR, TR_FOREVER);
    note_read(self, run, child, TR_CHILD_ERR, TR_FOREVER);
    note_err(&run->notes, tr_child_write(self, child, "x", 1, TR_FOREVER, NULL));
    note_read(self, run, child, TR_CHILD_IN, TR_FOREVER);
    return tr_child_wait(self, child, TR_FOREVER, NULL);
}

/* S22.8 */
static void child_is_talked_to_line_by_line(void **state)
{
    (void) state;
    assert_string_equal(run_it(talks), "ETIMEDOUT OK 6 got hello OK more end ESTATE EINVAL");
}

static tr_err writes_too_much(tr_self *self, void *arg)
{
    struct run *run = arg;
    size_t n = 0;
    tr_child *child = start(self, "exec sleep 1000", (tr_child_opts){ .in = pipe_end, .grace_ms = -1 });
    note_err(&run->notes, tr_child_write(self, child, run->block, sizeof run->block, 10, &n));
    note(&run->notes, "%d", n > 0 && n < sizeof run->block);
    note_err(&run->notes, tr_child_write(self, child, "\n", 1, 0, &n));
    return TR_OK;
}

/* S22.8 */
static void write_into_a_full_pipe_waits_and_tells_how_much_went(void **state)
{
    (void) state;
    assert_string_equal(run_it(writes_too_much), "ETIMEDOUT 1 ETIMEDOUT");
}

static tr_err writes_to_nobody(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child *child = start(self, "exit 0", (tr_child_opts){ .in = pipe_end });
    (void) !tr_child_wait(self, child, TR_FOREVER, NULL);
    return note_err(&run->notes, tr_child_write(self, child, "x", 1, TR_FOREVER, NULL)) == TR_ECLOSED ? TR_OK
                                                                                                      : TR_EFAILED;
}

/* S22.8 */
static void write_that_nobody_reads_is_closed_and_no_signal(void **state)
{
    (void) state;
    assert_string_equal(run_it(writes_to_nobody), "ECLOSED");
}

static tr_err cancelled(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child *child = start(self, "echo there; cat", (tr_child_opts){ .in = pipe_end, .out = pipe_end });
    tr_check(self, tr_fd_wait(self, tr_child_fd(child, TR_CHILD_OUT), TR_READABLE, TR_FOREVER, NULL) == TR_OK);
    tr_cancel(self, tr_self_addr(self), NULL);
    note_read(self, run, child, TR_CHILD_OUT, TR_FOREVER);
    note_err(&run->notes, tr_child_write(self, child, "x", 1, TR_FOREVER, NULL));
    return TR_OK;
}

/* S5.1: also where they would not have to wait */
static void cancelled_actor_neither_reads_nor_writes(void **state)
{
    (void) state;
    assert_string_equal(run_it(cancelled), "ECANCELED ECANCELED");
}

static tr_err pipes_on(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_child *first = start(self, "printf 'b\\na\\n'", (tr_child_opts){ .out = pipe_end });
    tr_child *second = start(self, "sort",
                             (tr_child_opts){ .in = { .kind = TR_STDIO_FROM, .from = first }, .out = pipe_end });
    note(&run->notes, "%d", tr_child_fd(first, TR_CHILD_OUT));
    note_read(self, run, second, TR_CHILD_OUT, TR_FOREVER);
    return TR_OK;
}

/* S22.9 */
static void output_of_one_is_the_input_of_the_next(void **state)
{
    (void) state;
    assert_string_equal(run_it(pipes_on), "-1 a\nb\n");
}

static tr_err takes_over(tr_self *self, void *arg)
{
    struct run *run = arg;
    char text[8] = "";
    tr_child *child = start(self, "echo hello", (tr_child_opts){ .out = pipe_end });
    (void) !tr_child_wait(self, child, TR_FOREVER, NULL);
    int fd = tr_child_take_fd(child, TR_CHILD_OUT);
    note(&run->notes, "%d %d", tr_child_take_fd(child, TR_CHILD_OUT), (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    tr_child_free(self, &child);
    note(&run->notes, "%zd %.5s", read(fd, text, sizeof text), text);
    return tr_fd_close(self, fd);
}

/* S22.8 */
static void descriptor_that_was_taken_outlives_the_child(void **state)
{
    (void) state;
    assert_string_equal(run_it(takes_over), "-1 1 6 hello");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_is_talked_to_line_by_line),
        cmocka_unit_test(write_into_a_full_pipe_waits_and_tells_how_much_went),
        cmocka_unit_test(write_that_nobody_reads_is_closed_and_no_signal),
        cmocka_unit_test(cancelled_actor_neither_reads_nor_writes),
        cmocka_unit_test(output_of_one_is_the_input_of_the_next),
        cmocka_unit_test(descriptor_that_was_taken_outlives_the_child),
    };
    return run_on_one_and_two_workers(tests);
}
