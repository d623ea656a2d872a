/* SPDX-License-Identifier: MIT */
/* test_read.c - reading streams: some, exactly, until; nothing is lost (docs/semantics.md, S30) */
#include <fcntl.h>
#include <sys/socket.h>

#include "support/stream_test.h"

struct run {
    struct notes notes;
    tr_stream ends[2];
    tr_addr child;
    char big[200000];
};

static tr_err put(tr_self *self, tr_stream s, const char *text)
{
    return tr_stream_write(self, s, text, strlen(text), 1000);
}

/* ---- what is read ---- */

static tr_err reads_some(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[8] = "";
    size_t n = 0;
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "abcdefghij");
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 4, 1000, &n));
    note(&run->notes, "%zu:%.*s", n, (int) n, buf);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 8, 1000, &n));
    note(&run->notes, "%zu:%.*s", n, (int) n, buf);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 8, 0, &n));
    tr_stream_close(self, run->ends[1]);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 8, 1000, &n));
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 8, 1000, &n));
    return err;
}

/* S30.3, S30.5 */
static void read_gives_what_is_there_and_says_the_end_again_and_again(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(reads_some, &run);
    assert_string_equal(run.notes.text, "OK 4:abcd OK 6:efghij ETIMEDOUT ECLOSED ECLOSED");
}

static tr_err reads_exactly(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[8] = "";
    size_t n = 0;
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "abc");
    note_err(&run->notes, tr_stream_read_exactly(self, run->ends[0], buf, 5, 5));
    tr_stream_status status = { .size = sizeof status };
    note_err(&run->notes, tr_stream_info(self, run->ends[0], &status));
    note(&run->notes, "%zu", status.buffered);
    (void) put(self, run->ends[1], "defg");
    note_err(&run->notes, tr_stream_read_exactly(self, run->ends[0], buf, 5, 1000));
    note(&run->notes, "%.5s", buf);
    tr_stream_close(self, run->ends[1]);
    note_err(&run->notes, tr_stream_read_exactly(self, run->ends[0], buf, 5, 1000));
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 8, 1000, &n));
    note(&run->notes, "%.*s", (int) n, buf);
    return err;
}

/* S30.4 */
static void read_that_ran_out_of_time_or_input_has_taken_nothing(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(reads_exactly, &run);
    assert_string_equal(run.notes.text, "ETIMEDOUT OK 3 OK abcde ECLOSED OK fg");
}

static tr_err reads_until(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[16] = "";
    size_t n = 0;
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "head\r\n\r\nbody\r");
    note_err(&run->notes, tr_stream_read_until(self, run->ends[0], "\r\n\r\n", 4, buf, sizeof buf, 1000, &n));
    note(&run->notes, "%zu", n);
    note_err(&run->notes, tr_stream_read_line(self, run->ends[0], buf, sizeof buf, 5, NULL));
    (void) put(self, run->ends[1], "\nnext\n");
    note_err(&run->notes, tr_stream_read_line(self, run->ends[0], buf, sizeof buf, 1000, &n));
    note(&run->notes, "%s:%zu", buf, n);
    note_err(&run->notes, tr_stream_read_line(self, run->ends[0], buf, sizeof buf, 1000, NULL));
    note(&run->notes, "%s", buf);
    note_err(&run->notes, tr_stream_read_until(self, run->ends[0], "", 0, buf, sizeof buf, 1000, &n));
    return err;
}

/* S30.3 */
static void read_until_stops_at_the_delimiter(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(reads_until, &run);
    assert_string_equal(run.notes.text, "OK 8 ETIMEDOUT OK body:4 OK next EINVAL");
}

/* ---- hostile peers ---- */

static tr_err one_byte_at_a_time(tr_self *self, void *arg)
{
    struct run *run = arg;
    for (const char *p = "GET / HTTP/1.1\r\n\r\n"; *p != '\0'; p++) {
        tr_err err = tr_stream_write(self, run->ends[1], p, 1, 1000);
        if (err == TR_OK)
            err = tr_yield(self);
        if (err != TR_OK)
            return err;
    }
    return TR_OK;
}

static tr_err reads_slow_head(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[64] = "";
    size_t n = 0;
    tr_err err = tr_stream_pair(self, run->ends);
    if (err == TR_OK)
        err = tr_spawn(self, one_byte_at_a_time, run, &run->child);
    note_err(&run->notes, tr_stream_read_until(self, run->ends[0], "\r\n\r\n", 4, buf, sizeof buf, 1000, &n));
    note(&run->notes, "%zu", n);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

static void head_that_comes_one_byte_at_a_time_is_read(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(reads_slow_head, &run);
    assert_string_equal(run.notes.text, "OK 18");
}

static tr_err never_a_delimiter(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[100];
    size_t n = 0;
    tr_err err = tr_stream_pair(self, run->ends);
    memset(run->big, 'x', sizeof run->big);
    (void) !tr_stream_write(self, run->ends[1], run->big, 50000, 1000);
    note_err(&run->notes, tr_stream_read_line(self, run->ends[0], buf, sizeof buf, 1000, &n));
    tr_stream_status status = { .size = sizeof status };
    (void) !tr_stream_info(self, run->ends[0], &status);
    note(&run->notes, "%d", status.buffered <= 65536 + sizeof buf);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, sizeof buf, 1000, &n));
    note(&run->notes, "%zu", n);
    return err;
}

/* S30.3 */
static void delimiter_that_never_comes_is_too_big_and_reads_no_further(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(never_a_delimiter, &run);
    assert_string_equal(run.notes.text, "ETOOBIG 1 OK 100");
}

static tr_err meets_a_reset(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[8];
    size_t n = 0;
    tr_listener l;
    tr_endpoint e;
    char port[8];
    tr_err err = tr_tcp_listen(self, NULL, "0", NULL, &l);
    if (err == TR_OK)
        err = tr_listener_endpoint(self, l, &e);
    if (err != TR_OK)
        return err;
    snprintf(port, sizeof port, "%u", tr_endpoint_port(&e));
    err = tr_tcp_connect(self, "127.0.0.1", port, 1000, &run->ends[0]);
    if (err == TR_OK)
        err = tr_listener_accept(self, l, 1000, &run->ends[1]);
    if (err != TR_OK)
        return err;
    (void) put(self, run->ends[1], "abc");
    note_err(&run->notes, tr_stream_read_exactly(self, run->ends[0], buf, 3, 1000));
    tr_stream_abort(self, run->ends[1]);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, sizeof buf, 1000, &n));
    note(&run->notes, "%d", strstr(tr_error(self)->text, "reset") != NULL);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], "x", 1, 1000));
    return TR_OK;
}

static void reset_is_an_error_and_not_the_end(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(meets_a_reset, &run);
    assert_string_equal(run.notes.text, "OK EIO 1 ECLOSED");
}

/* ---- who waits ---- */

static tr_err child_reads(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[4];
    tr_err err = tr_stream_read_exactly(self, run->ends[0], buf, 4, TR_FOREVER);
    note(&run->notes, "child:%s", tr_err_name(err) + 3);
    return TR_OK;
}

static tr_err reads_beside_another(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[4];
    size_t n;
    tr_err err = tr_stream_pair(self, run->ends);
    if (err == TR_OK)
        err = tr_spawn(self, child_reads, run, &run->child);
    (void) tr_yield(self);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 4, 1000, &n));
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
    (void) put(self, run->ends[0], "out");
    note_err(&run->notes, tr_stream_read(self, run->ends[1], buf, 4, 1000, &n));
    (void) put(self, run->ends[1], "full");
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S30.7 */
static void second_reader_is_refused_and_a_writer_is_not(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(reads_beside_another, &run);
    assert_string_equal(run.notes.text, "EBUSY EBUSY OK child:OK");
}

static tr_err closes_under_the_reader(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[4];
    size_t n;
    tr_err err = tr_stream_pair(self, run->ends);
    if (err == TR_OK)
        err = tr_spawn(self, child_reads, run, &run->child);
    (void) tr_yield(self);
    tr_stream_close(self, run->ends[0]);
    tr_stream_close(self, run->ends[0]);
    (void) !tr_join(self, run->child, NULL);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 4, 1000, &n));
    note_err(&run->notes, tr_stream_read(self, (tr_stream){ 0 }, buf, 4, 1000, &n));
    note_err(&run->notes, tr_stream_read(self, (tr_stream){ INT64_MAX }, buf, 4, 1000, &n));
    return err;
}

/* S30.2, S30.8 */
static void closing_wakes_the_reader_and_the_number_is_good_for_nothing_more(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(closes_under_the_reader, &run);
    assert_string_equal(run.notes.text, "child:ECLOSED ECLOSED ECLOSED ECLOSED");
}

static tr_err reader_in_a_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[4];
    return note_err(&run->notes, tr_stream_read_exactly(self, run->ends[0], buf, 4, TR_FOREVER));
}

static tr_err cancels_and_kills_readers(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[4];
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "ab");
    note_err(&run->notes, tr_within(self, 5, reader_in_a_scope, run));
    if (err == TR_OK)
        err = tr_spawn(self, child_reads, run, &run->child);
    (void) tr_yield(self);
    (void) tr_cancel(self, run->child, "enough");
    (void) !tr_join(self, run->child, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, child_reads, run, &run->child);
    (void) tr_yield(self);
    (void) tr_kill(self, run->child, "enough");
    note_err(&run->notes, tr_join(self, run->child, NULL));
    (void) put(self, run->ends[1], "cd");
    note_err(&run->notes, tr_stream_read_exactly(self, run->ends[0], buf, 4, 1000));
    note(&run->notes, "%.4s", buf);
    return err;
}

/* S30.4, S30.6: after a deadline of a scope, a cancel and a kill the next reader gets it all */
static void reader_that_was_cancelled_or_killed_has_taken_nothing(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(cancels_and_kills_readers, &run);
    assert_string_equal(run.notes.text, "ECANCELED ETIMEDOUT child:ECANCELED EKILLED OK abcd");
}

static tr_err drained_reader(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[4];
    size_t n = 0;
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "abcd");
    note_err(&run->notes, tr_stream_drain(self, run->ends[0]));
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 4, TR_FOREVER, &n));
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 4, TR_FOREVER, &n));
    tr_stream_close(self, run->ends[0]);
    tr_stream_close(self, run->ends[1]);
    err = err == TR_OK ? tr_stream_pair(self, run->ends) : err;
    if (err == TR_OK)
        err = tr_spawn(self, child_reads, run, &run->child);
    (void) tr_yield(self);
    note_err(&run->notes, tr_stream_drain(self, run->ends[0]));
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S30.14 */
static void drained_stream_gives_what_is_there_and_then_ends(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(drained_reader, &run);
    assert_string_equal(run.notes.text, "OK OK ECLOSED OK child:ECLOSED");
}

/* ---- what can be a stream ---- */

static tr_err reads_a_file(tr_self *self, void *arg)
{
    struct run *run = arg;
    char path[] = "/tmp/troupe-read-XXXXXX", line[32];
    int fd = mkstemp(path);
    tr_stream file;
    if (fd < 0 || write(fd, "one\ntwo\n", 8) != 8 || lseek(fd, 0, SEEK_SET) != 0)
        return TR_EIO;
    unlink(path);
    tr_err err = tr_stream_open(self, fd, TR_STREAM_LENT, &file);
    note_err(&run->notes, err);
    note_err(&run->notes, tr_stream_read_line(self, file, line, sizeof line, 1000, NULL));
    note_err(&run->notes, tr_stream_read_line(self, file, line, sizeof line, 1000, NULL));
    note(&run->notes, "%s", line);
    note_err(&run->notes, tr_stream_read_line(self, file, line, sizeof line, 1000, NULL));
    note_err(&run->notes, tr_stream_open(self, fd, 0, &file));
    tr_stream_close(self, file);
    note(&run->notes, "%d %d", fcntl(fd, F_GETFD) >= 0, fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
    return TR_OK;
}

/* S30.10, S30.11 */
static void regular_file_that_is_lent_is_read_and_left_as_it_was(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(reads_a_file, &run);
    assert_string_equal(run.notes.text, "OK OK OK two ECLOSED EBUSY 1 0");
}

static tr_err pipe_writer(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_yield(self);
    return put(self, run->ends[1], "late\n");
}

static tr_err reads_a_blocking_pipe(tr_self *self, void *arg)
{
    struct run *run = arg;
    char line[16];
    int fd[2];
    tr_stream lent;
    if (pipe(fd) != 0)
        return TR_EIO;
    tr_err err = tr_stream_open(self, fd[0], TR_STREAM_LENT, &lent);
    if (err == TR_OK)
        err = tr_stream_open(self, fd[1], 0, &run->ends[1]);
    if (err == TR_OK)
        err = tr_spawn(self, pipe_writer, run, &run->child);
    note_err(&run->notes, tr_stream_read_line(self, lent, line, sizeof line, 5000, NULL));
    note(&run->notes, "%s", line);
    note_err(&run->notes, tr_stream_read_line(self, lent, line, sizeof line, 5, NULL));
    (void) !tr_join(self, run->child, NULL);
    tr_stream_close(self, lent);
    close(fd[0]);
    return err;
}

/* S30.11: whose flags are not ours; it must never block the thread */
static void blocking_descriptor_that_is_lent_is_waited_for(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(reads_a_blocking_pipe, &run);
    assert_string_equal(run.notes.text, "OK late ETIMEDOUT");
}

/* ---- out of memory ---- */

static tr_err reads_without_memory(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[6] = "";
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "abcdef");
    for (uint64_t n = 1; n < 20; n++) {
        (void) tr_test_fail_alloc(n);
        tr_err got = tr_stream_read_exactly(self, run->ends[0], buf, 6, 1000);
        (void) tr_test_fail_alloc(0);
        if (got == TR_OK)
            break;
        note_err(&run->notes, got);
    }
    note(&run->notes, "%.6s", buf);
    return err;
}

static void read_without_memory_says_so_and_can_be_tried_again(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(reads_without_memory, &run);
    assert_non_null(strstr(run.notes.text, "ENOMEM"));
    assert_non_null(strstr(run.notes.text, "abcdef"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_gives_what_is_there_and_says_the_end_again_and_again),
        cmocka_unit_test(read_that_ran_out_of_time_or_input_has_taken_nothing),
        cmocka_unit_test(read_until_stops_at_the_delimiter),
        cmocka_unit_test(head_that_comes_one_byte_at_a_time_is_read),
        cmocka_unit_test(delimiter_that_never_comes_is_too_big_and_reads_no_further),
        cmocka_unit_test(reset_is_an_error_and_not_the_end),
        cmocka_unit_test(second_reader_is_refused_and_a_writer_is_not),
        cmocka_unit_test(closing_wakes_the_reader_and_the_number_is_good_for_nothing_more),
        cmocka_unit_test(reader_that_was_cancelled_or_killed_has_taken_nothing),
        cmocka_unit_test(drained_stream_gives_what_is_there_and_then_ends),
        cmocka_unit_test(regular_file_that_is_lent_is_read_and_left_as_it_was),
        cmocka_unit_test(blocking_descriptor_that_is_lent_is_waited_for),
        cmocka_unit_test(read_without_memory_says_so_and_can_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
