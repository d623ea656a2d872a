/* SPDX-License-Identifier: MIT */
/* test_input.c - reading a terminal, a pipe, a socket, a file (docs/semantics.md, S23) */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <troupe/input.h>

#include "support/real_test.h"

struct run {
    struct notes notes;
    int in, out; /* what is read, what is written to it; -1 */
    size_t line_max;
    tr_addr actor;
};

static void put(const struct run *run, const char *text)
{
    (void) !write(run->out, text, strlen(text));
}

static void put_end(struct run *run)
{
    close(run->out);
    run->out = -1;
}

/* Runs body on in, which out writes to. */
static const char *run_on(tr_body_fn *body, int in, int out)
{
    static struct run run;
    run = (struct run){ .in = in, .out = out, .line_max = 8 };
    tr_err err = run_real(body, &run);
    close(run.in);
    if (run.out >= 0)
        close(run.out);
    assert_int_equal(err, TR_OK);
    return run.notes.text;
}

static const char *run_on_pipe(tr_body_fn *body)
{
    int fd[2];
    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    return run_on(body, fd[0], fd[1]);
}

static const char *run_on_socket(tr_body_fn *body)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    return run_on(body, fd[0], fd[1]);
}

static const char *run_on_file(tr_body_fn *body, const char *text)
{
    char path[] = "/tmp/troupe-input-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return run_on(body, fd, -1);
}

static tr_input *open_it(tr_self *self, const struct run *run)
{
    tr_input *in = NULL;
    const tr_input_opts opts = { .size = sizeof opts, .line_max = run->line_max };
    tr_check(self, tr_input_open(self, run->in, &opts, &in) == TR_OK);
    return in;
}

static tr_err note_line(tr_self *self, struct run *run, tr_input *in, int64_t timeout_ms)
{
    size_t len = 99;
    const char *line = "?";
    tr_err err = tr_input_line(self, in, timeout_ms, &line, &len);
    if (err == TR_OK)
        note(&run->notes, "%zu:%s", len, line);
    else
        note_err(&run->notes, err);
    return err;
}

/* ---- lines ---- */

static tr_err reads_lines(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_input *in = open_it(self, run);
    while (note_line(self, run, in, TR_FOREVER) != TR_ECLOSED)
        ;
    return note_line(self, run, in, TR_FOREVER) == TR_ECLOSED ? TR_OK : TR_EFAILED;
}

static tr_err writes_and_reads_lines(tr_self *self, void *arg)
{
    struct run *run = arg;
    put(run, "one\n\n12345678\n123456789\nlast");
    put_end(run);
    return reads_lines(self, run);
}

#define LINES "3:one 0: 8:12345678 ETOOBIG 4:last ECLOSED ECLOSED"

/* S23.1, S23.3 */
static void lines_come_one_by_one_from_a_pipe_a_socket_and_a_file(void **state)
{
    (void) state;
    assert_string_equal(run_on_pipe(writes_and_reads_lines), LINES);
    assert_string_equal(run_on_socket(writes_and_reads_lines), LINES);
    assert_string_equal(run_on_file(reads_lines, "one\n\n12345678\n123456789\nlast"), LINES);
}

static tr_err reads_in_pieces(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_input *in = open_it(self, run);
    note_line(self, run, in, 0);
    put(run, "be");
    note_line(self, run, in, 5);
    put(run, "gun");
    note_line(self, run, in, 5);
    put(run, "\nand more");
    note_line(self, run, in, TR_FOREVER);
    note_line(self, run, in, 0);
    return TR_OK;
}

/* S23.2 */
static void timeout_keeps_what_has_come_of_the_line(void **state)
{
    (void) state;
    assert_string_equal(run_on_pipe(reads_in_pieces), "ETIMEDOUT ETIMEDOUT ETIMEDOUT 5:begun ETIMEDOUT");
    assert_string_equal(run_on_socket(reads_in_pieces), "ETIMEDOUT ETIMEDOUT ETIMEDOUT 5:begun ETIMEDOUT");
}

static tr_err reads_a_long_line(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_input *in = open_it(self, run);
    put(run, "123456789");
    note_line(self, run, in, TR_FOREVER); /* known before its end */
    put(run, "and so on");
    note_line(self, run, in, 5);
    put(run, " and on\nshort\n");
    note_line(self, run, in, TR_FOREVER);
    put(run, "123456789 again");
    note_line(self, run, in, TR_FOREVER);
    put_end(run);
    note_line(self, run, in, TR_FOREVER);
    return TR_OK;
}

/* S23.3 */
static void line_that_is_too_long_is_an_error_once_and_skipped_to_its_end(void **state)
{
    (void) state;
    assert_string_equal(run_on_pipe(reads_a_long_line), "ETOOBIG ETIMEDOUT 5:short ETOOBIG ECLOSED");
}

static tr_err mixes(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[8];
    size_t n = 9;
    tr_input *in = open_it(self, run);
    put(run, "abcdef\nnext\n");
    note_err(&run->notes, tr_input_bytes(self, in, buf, 2, TR_FOREVER, &n));
    note(&run->notes, "%zu:%.2s", n, buf);
    note_line(self, run, in, TR_FOREVER);
    note_err(&run->notes, tr_input_bytes(self, in, buf, sizeof buf, TR_FOREVER, &n));
    note(&run->notes, "%zu:%.4s", n, buf);
    note_err(&run->notes, tr_input_bytes(self, in, buf, sizeof buf, 0, &n));
    note_err(&run->notes, tr_input_bytes(self, in, buf, 0, 0, &n));
    put_end(run);
    note_err(&run->notes, tr_input_bytes(self, in, buf, sizeof buf, TR_FOREVER, &n));
    note(&run->notes, "%zu", n);
    tr_input_close(self, &in);
    tr_input_close(self, &in);
    return TR_OK;
}

/* S23.1 */
static void bytes_and_lines_may_be_mixed(void **state)
{
    (void) state;
    assert_string_equal(run_on_pipe(mixes), "OK 2:ab 4:cdef OK 5:next ETIMEDOUT EINVAL OK 0");
}

/* ---- giving up ---- */

static tr_err waits_for_a_line(tr_self *self, void *arg)
{
    struct run *run = arg;
    return note_line(self, run, open_it(self, run), TR_FOREVER);
}

static tr_err cancels_the_reader(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_check(self, tr_spawn(self, waits_for_a_line, run, &run->actor) == TR_OK);
    (void) tr_yield(self);
    tr_cancel(self, run->actor, NULL);
    note_err(&run->notes, tr_join(self, run->actor, NULL));
    note_err(&run->notes, tr_within(self, 5, waits_for_a_line, run));
    put(run, "there\n");
    tr_check(self, tr_spawn(self, waits_for_a_line, run, &run->actor) == TR_OK);
    (void) tr_yield(self);
    tr_kill(self, run->actor, NULL);
    note_err(&run->notes, tr_join(self, run->actor, NULL));
    tr_cancel(self, tr_self_addr(self), NULL);
    (void) waits_for_a_line(self, run);
    return TR_OK;
}

/* S5.1 */
static void reader_ends_with_a_cancel_a_scope_and_a_kill(void **state)
{
    (void) state;
    const char *text = run_on_pipe(cancels_the_reader);
    assert_non_null(strstr(text, "ECANCELED ECANCELED ECANCELED ETIMEDOUT"));
    assert_string_equal(text + strlen(text) - strlen(" ECANCELED"), " ECANCELED");
}

/* ---- what others see ---- */

static tr_err looks_at_flags(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_input *in = open_it(self, run);
    put(run, "x\n");
    note_line(self, run, in, TR_FOREVER);
    note(&run->notes, "%d", (fcntl(run->in, F_GETFL) & O_NONBLOCK) != 0);
    return TR_OK;
}

static void open_pair_of_terminals(int *master, int *slave)
{
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*master < 0 || grantpt(*master) != 0 || unlockpt(*master) != 0)
        skip();
    *slave = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(*slave >= 0);
}

/* S23.4 */
static void shared_open_file_stays_blocking_and_a_terminal_gives_lines(void **state)
{
    int master, slave;
    (void) state;
    assert_string_equal(run_on_pipe(looks_at_flags), "1:x 0");
    assert_string_equal(run_on_socket(looks_at_flags), "1:x 0");
    open_pair_of_terminals(&master, &slave);
    assert_string_equal(run_on(looks_at_flags, slave, master), "1:x 0");
}

static tr_err reads_an_eventfd(tr_self *self, void *arg)
{
    struct run *run = arg;
    uint64_t count = 0, one = 3;
    size_t n = 0;
    tr_input *in = open_it(self, run);
    note_err(&run->notes, tr_input_bytes(self, in, &count, sizeof count, 5, &n));
    tr_check(self, write(run->in, &one, sizeof one) == (ssize_t) sizeof one);
    note_err(&run->notes, tr_input_bytes(self, in, &count, sizeof count, TR_FOREVER, &n));
    note(&run->notes, "%zu:%d", n, (int) count);
    return TR_OK;
}

/* S23.4 */
static void what_cannot_be_opened_anew_is_read_once_when_it_is_ready(void **state)
{
    (void) state;
    assert_string_equal(run_on(reads_an_eventfd, eventfd(0, EFD_CLOEXEC), -1), "ETIMEDOUT OK 8:3");
}

static void null_device_is_at_its_end(void **state)
{
    (void) state;
    assert_string_equal(run_on(reads_lines, open("/dev/null", O_RDONLY | O_CLOEXEC), -1), "ECLOSED ECLOSED");
}

static tr_err says_no(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_input *in = NULL;
    const tr_input_opts bad = { .size = 1 };
    note_err(&run->notes, tr_input_open(self, 9999, NULL, &in));
    note_err(&run->notes, tr_input_open(self, run->out, NULL, &in));
    note_err(&run->notes, tr_input_open(self, run->in, &bad, &in));
    int dir = open("/", O_RDONLY | O_CLOEXEC);
    note_err(&run->notes, tr_input_open(self, dir, NULL, &in));
    close(dir);
    note(&run->notes, "%d", in == NULL);
    return TR_OK;
}

/* S23.5 */
static void what_cannot_be_read_is_refused(void **state)
{
    (void) state;
    assert_string_equal(run_on_pipe(says_no), "EINVAL EINVAL EINVAL EINVAL 1");
}

static tr_err runs_out_of_memory(tr_self *self, void *arg)
{
    struct run *run = arg;
    for (uint64_t n = 1;; n++) {
        tr_input *in = NULL;
        const char *line = NULL;
        put(run, "x\n");
        tr_test_fail_alloc(n);
        tr_err err = tr_input_open(self, run->in, NULL, &in);
        if (err == TR_OK)
            err = tr_input_line(self, in, TR_FOREVER, &line, NULL);
        bool walked = tr_test_fail_alloc(0) < n;
        tr_check(self, err == TR_OK ? line != NULL : err == TR_ENOMEM && line == NULL);
        tr_input_close(self, &in);
        if (walked)
            return TR_OK;
    }
}

static void without_memory_nothing_is_taken(void **state)
{
    (void) state;
    (void) run_on_pipe(runs_out_of_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_one_by_one_from_a_pipe_a_socket_and_a_file),
        cmocka_unit_test(timeout_keeps_what_has_come_of_the_line),
        cmocka_unit_test(line_that_is_too_long_is_an_error_once_and_skipped_to_its_end),
        cmocka_unit_test(bytes_and_lines_may_be_mixed),
        cmocka_unit_test(reader_ends_with_a_cancel_a_scope_and_a_kill),
        cmocka_unit_test(shared_open_file_stays_blocking_and_a_terminal_gives_lines),
        cmocka_unit_test(what_cannot_be_opened_anew_is_read_once_when_it_is_ready),
        cmocka_unit_test(null_device_is_at_its_end),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(without_memory_nothing_is_taken),
    };
    return run_on_one_and_two_workers(tests);
}
