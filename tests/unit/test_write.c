/* SPDX-License-Identifier: MIT */
/* test_write.c - writing streams: backpressure, queues, half-close (docs/semantics.md, S31) */
#include <signal.h>
#include <sys/socket.h>

#include "support/stream_test.h"

#define BIG 3000000u

struct run {
    struct notes notes;
    tr_stream ends[2];
    tr_addr child;
    char *big;
    size_t got;
    bool child_done;
};

static struct run *run_new(void)
{
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->big = malloc(BIG);
    assert_non_null(run->big);
    for (size_t i = 0; i < BIG; i++)
        run->big[i] = (char) (i * 7 + i / 251);
    return run;
}

static void run_free(struct run *run)
{
    free(run->big);
    free(run);
}

/* Reads to the end and compares. */
static tr_err drinks(tr_self *self, void *arg)
{
    struct run *run = arg;
    static char buf[50000];
    size_t n;
    tr_err err;
    while ((err = tr_stream_read(self, run->ends[1], buf, sizeof buf, 5000, &n)) == TR_OK) {
        if (run->got + n > BIG || memcmp(buf, run->big + run->got, n) != 0)
            return tr_fail_with(self, TR_EBADMSG, "other bytes at %zu", run->got);
        run->got += n;
    }
    return err == TR_ECLOSED ? TR_OK : err;
}

static tr_err writes_much(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_stream_pair(self, run->ends);
    if (err == TR_OK)
        err = tr_spawn(self, drinks, run, &run->child);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], run->big, BIG, 10000));
    tr_stream_close(self, run->ends[0]);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    note(&run->notes, "%d", run->got == BIG);
    return err;
}

/* S31.1 */
static void write_sends_all_of_it_at_the_readers_pace(void **state)
{
    struct run *run = run_new();
    (void) state;
    run_streams(writes_much, run);
    assert_string_equal(run->notes.text, "OK OK 1");
    run_free(run);
}

static tr_err writes_to_a_deaf_peer(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream_status status = { .size = sizeof status };
    tr_err err = tr_stream_pair(self, run->ends);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], run->big, BIG, 5));
    note_err(&run->notes, tr_stream_info(self, run->ends[0], &status));
    size_t written = (size_t) status.written;
    note(&run->notes, "%d", written > 0 && written < BIG);
    if (err == TR_OK)
        err = tr_spawn(self, drinks, run, &run->child);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], run->big + written, BIG - written, 10000));
    tr_stream_close(self, run->ends[0]);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    note(&run->notes, "%d", run->got == BIG);
    return err;
}

/* S31.1, S31.2: a reader that stalls stops its writer; what was written is known, and can be gone on from */
static void write_that_ran_out_of_time_says_how_far_it_came(void **state)
{
    struct run *run = run_new();
    (void) state;
    run_streams(writes_to_a_deaf_peer, run);
    assert_string_equal(run->notes.text, "ETIMEDOUT OK 1 OK OK 1");
    run_free(run);
}

static tr_err child_writes(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_stream_write(self, run->ends[0], run->big, BIG, TR_FOREVER);
    note(&run->notes, "child:%s", tr_err_name(err) + 3);
    return TR_OK;
}

static tr_err writes_beside_another(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_stream_pair(self, run->ends);
    if (err == TR_OK)
        err = tr_spawn(self, child_writes, run, &run->child);
    (void) tr_yield(self);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], "x", 1, 1000));
    note_err(&run->notes, tr_stream_queue(self, run->ends[0], "x", 1));
    note_err(&run->notes, tr_stream_finish(self, run->ends[0], 1000));
    (void) tr_kill(self, run->child, NULL);
    (void) !tr_join(self, run->child, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, child_writes, run, &run->child);
    (void) tr_yield(self);
    tr_stream_close(self, run->ends[0]);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S30.7, S30.8: and a killed writer keeps nobody out */
static void second_writer_is_refused_and_closing_wakes_the_first(void **state)
{
    struct run *run = run_new();
    (void) state;
    run_streams(writes_beside_another, run);
    assert_string_equal(run->notes.text, "EBUSY EBUSY EBUSY child:ECLOSED");
    run_free(run);
}

static tr_err writes_to_nobody(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_stream_pipe(self, &run->ends[1], &run->ends[0]);
    tr_stream_close(self, run->ends[1]);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], "x", 1, 1000));
    note_err(&run->notes, tr_stream_write(self, run->ends[0], "x", 1, 1000));
    tr_stream_close(self, run->ends[0]);
    err = err == TR_OK ? tr_stream_pair(self, run->ends) : err;
    tr_stream_close(self, run->ends[1]);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], "x", 1, 1000));
    return err;
}

/* S31.5 */
static void writing_to_who_has_gone_is_closed_and_raises_no_signal(void **state)
{
    struct run *run = run_new();
    sigset_t pending;
    (void) state;
    run_streams(writes_to_nobody, run);
    assert_string_equal(run->notes.text, "ECLOSED ECLOSED ECLOSED");
    assert_int_equal(sigpending(&pending), 0);
    assert_false(sigismember(&pending, SIGPIPE));
    run_free(run);
}

/* ---- half-close ---- */

static tr_err finishes(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[8];
    size_t n = 0;
    tr_err err = tr_stream_pair(self, run->ends);
    note_err(&run->notes, tr_stream_queue(self, run->ends[0], "abc", 3));
    note_err(&run->notes, tr_stream_finish(self, run->ends[0], 1000));
    note_err(&run->notes, tr_stream_write(self, run->ends[0], "x", 1, 1000));
    note_err(&run->notes, tr_stream_read(self, run->ends[1], buf, sizeof buf, 1000, &n));
    note_err(&run->notes, tr_stream_read(self, run->ends[1], buf, sizeof buf, 1000, &n));
    note_err(&run->notes, tr_stream_write(self, run->ends[1], "back", 4, 1000));
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, sizeof buf, 1000, &n));
    note(&run->notes, "%zu", n);
    tr_stream pipe[2];
    err = err == TR_OK ? tr_stream_pipe(self, &pipe[0], &pipe[1]) : err;
    note_err(&run->notes, tr_stream_finish(self, pipe[1], 1000));
    return err;
}

/* S31.4 */
static void finished_stream_is_read_to_its_end_and_still_reads(void **state)
{
    struct run *run = run_new();
    (void) state;
    run_streams(finishes, run);
    assert_string_equal(run->notes.text, "OK OK ECLOSED OK ECLOSED OK OK 4 EINVAL");
    run_free(run);
}

/* ---- queues ---- */

static tr_err queues_to_a_deaf_peer(tr_self *self, void *arg)
{
    struct run *run = arg;
    size_t queued = 0;
    tr_stream_status status = { .size = sizeof status };
    tr_err err = tr_stream_pair(self, run->ends);
    note_err(&run->notes, tr_stream_set_queue_max(self, run->ends[0], 100000));
    note_err(&run->notes, tr_stream_queue(self, run->ends[0], run->big, 100001));
    tr_err full = TR_OK;
    while (queued + 10000 <= BIG && (full = tr_stream_queue(self, run->ends[0], run->big + queued, 10000)) == TR_OK)
        queued += 10000;
    note_err(&run->notes, full);
    (void) !tr_stream_info(self, run->ends[0], &status);
    note(&run->notes, "%d %d", status.queued > 90000 && status.queued <= 100000, status.written == queued);
    if (err == TR_OK)
        err = tr_spawn(self, drinks, run, &run->child);
    while (status.queued > 0 && err == TR_OK) { /* it goes out by itself */
        err = tr_sleep(self, 1);
        (void) !tr_stream_info(self, run->ends[0], &status);
    }
    note_err(&run->notes, tr_stream_write(self, run->ends[0], run->big + queued, BIG - queued, 10000));
    tr_stream_close(self, run->ends[0]);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    note(&run->notes, "%d", run->got == BIG);
    return err;
}

/* S31.3 */
static void queue_is_bounded_and_goes_out_by_itself_in_order(void **state)
{
    struct run *run = run_new();
    (void) state;
    run_streams(queues_to_a_deaf_peer, run);
    assert_string_equal(run->notes.text, "OK EFULL EFULL 1 1 OK OK 1");
    run_free(run);
}

static tr_err queues_without_memory(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_stream_pair(self, run->ends);
    (void) !tr_stream_write(self, run->ends[0], run->big, BIG, 0);
    (void) tr_test_fail_alloc(1);
    note_err(&run->notes, tr_stream_queue(self, run->ends[0], "abc", 3));
    (void) tr_test_fail_alloc(0);
    note_err(&run->notes, tr_stream_queue(self, run->ends[0], "abc", 3));
    return err;
}

static void queue_without_memory_has_taken_nothing(void **state)
{
    struct run *run = run_new();
    (void) state;
    run_streams(queues_without_memory, run);
    assert_string_equal(run->notes.text, "ENOMEM OK");
    run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_sends_all_of_it_at_the_readers_pace),
        cmocka_unit_test(write_that_ran_out_of_time_says_how_far_it_came),
        cmocka_unit_test(second_writer_is_refused_and_closing_wakes_the_first),
        cmocka_unit_test(writing_to_who_has_gone_is_closed_and_raises_no_signal),
        cmocka_unit_test(finished_stream_is_read_to_its_end_and_still_reads),
        cmocka_unit_test(queue_is_bounded_and_goes_out_by_itself_in_order),
        cmocka_unit_test(queue_without_memory_has_taken_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
