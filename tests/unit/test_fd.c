/* SPDX-License-Identifier: MIT */
/* test_fd.c - waiting for descriptors, on a real clock (docs/semantics.md, S12) */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "support/actor_test.h"

struct run {
    struct notes notes;
    int fd[2];
    tr_addr child;
};

/* Runs body on a node with a real clock and a socket pair; nothing may be left over. */
static void run_real(tr_body_fn *body, struct run *run)
{
    tr_node *node;
    char left[512];
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = body, .arg = run };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, run->fd), 0);
    assert_int_equal(tr_node_create(NULL, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    alarm(WATCHDOG_S);
    tr_err err = tr_node_run(node);
    alarm(0);
    size_t things = tr_test_leftovers(node, left, sizeof left);
    tr_node_destroy(&node);
    close(run->fd[0]);
    close(run->fd[1]);
    assert_int_equal(err, TR_OK);
    if (things > 0)
        fail_msg("left over: %s", left);
}

static void put(int fd)
{
    (void) !write(fd, "x", 1);
}

static void take(int fd)
{
    char c;
    (void) !read(fd, &c, 1);
}

/* ---- waiting ---- */

static tr_err waits_to_read(tr_self *self, void *arg)
{
    struct run *run = arg;
    unsigned revents = 0;
    tr_err err = tr_fd_wait(self, run->fd[0], TR_READABLE, TR_FOREVER, &revents);
    note(&run->notes, "read:%s:%u", tr_err_name(err) + 3, revents);
    return TR_OK;
}

static tr_err write_for_the_reader(tr_self *self, void *arg)
{
    struct run *run = arg;
    unsigned revents = 0;
    tr_err err = tr_spawn(self, waits_to_read, run, &run->child);
    (void) tr_yield(self);
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_READABLE, 10, NULL));
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_WRITABLE, 1000, &revents));
    note(&run->notes, "%u", revents);
    put(run->fd[1]);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S12.1, S12.2 */
static void one_reader_and_one_writer_wait_at_once_and_a_second_reader_is_refused(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(write_for_the_reader, &run);
    assert_string_equal(run.notes.text, "EBUSY OK 2 read:OK:1");
}

static tr_err runs_out_of_time(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_time before = tr_now(self);
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_READABLE, 5, NULL));
    note(&run->notes, "%d", tr_now(self) - before >= 5000000);
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_READABLE, 0, NULL));
    put(run->fd[1]);
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_READABLE, 1000, NULL));
    return TR_OK;
}

/* S12.4: and it can be waited for again */
static void wait_that_runs_out_of_its_time_says_so(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(runs_out_of_time, &run);
    assert_string_equal(run.notes.text, "ETIMEDOUT 1 ETIMEDOUT OK");
}

static tr_err waits_long(tr_self *self, void *arg)
{
    struct run *run = arg;
    return note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_READABLE, TR_FOREVER, NULL));
}

static tr_err cancel_the_reader(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, waits_long, run, &run->child);
    (void) tr_yield(self);
    tr_cancel(self, run->child, NULL);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    note_err(&run->notes, tr_within(self, 5, waits_long, run));
    put(run->fd[1]);
    note_err(&run->notes, waits_long(self, run));
    return err;
}

/* S5.1, S12.2 */
static void wait_ends_with_a_cancel_and_with_a_deadline_of_a_scope(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(cancel_the_reader, &run);
    assert_string_equal(run.notes.text, "ECANCELED ECANCELED ECANCELED ETIMEDOUT OK OK");
}

static tr_err close_under_the_reader(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, waits_to_read, run, &run->child);
    (void) tr_yield(self);
    int fd = run->fd[0];
    note_err(&run->notes, tr_fd_close(self, fd));
    note(&run->notes, "closed:%d", fcntl(fd, F_GETFD) < 0);
    (void) !tr_join(self, run->child, NULL);
    note_err(&run->notes, tr_fd_close(self, fd));
    run->fd[0] = -1;
    return err;
}

/* S12.3 */
static void close_wakes_who_waits_and_closes(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(close_under_the_reader, &run);
    assert_string_equal(run.notes.text, "OK closed:1 read:ECLOSED:0 EIO");
}

static tr_err other_side_goes(tr_self *self, void *arg)
{
    struct run *run = arg;
    unsigned revents = 0;
    tr_err err = tr_spawn(self, waits_to_read, run, &run->child);
    (void) tr_yield(self);
    close(run->fd[1]);
    run->fd[1] = -1;
    (void) !tr_join(self, run->child, NULL);
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_WRITABLE, 1000, &revents));
    note(&run->notes, "%d", (revents & TR_FD_ERROR) != 0);
    return err;
}

/* io.h: a hang-up wakes readers and writers */
static void hang_up_is_an_event(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(other_side_goes, &run);
    assert_string_equal(run.notes.text, "read:OK:5 OK 1");
}

static int regular_file(void)
{
    char path[] = "/tmp/troupe-fd-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    return fd;
}

static tr_err waits_for_a_file(tr_self *self, void *arg)
{
    struct run *run = arg;
    unsigned revents = 0;
    const tr_msg *m;
    int fd = regular_file();
    note_err(&run->notes, tr_fd_wait(self, fd, TR_READABLE | TR_WRITABLE, TR_FOREVER, &revents));
    note(&run->notes, "%u", revents);
    note_err(&run->notes, tr_fd_watch(self, fd, TR_READABLE, "file"));
    for (int i = 0; i < 2; i++)
        note_err(&run->notes, tr_recv_for(self, 1000, &m));
    note_err(&run->notes, tr_fd_watch(self, fd, 0, "file"));
    note_err(&run->notes, tr_recv_for(self, 5, &m));
    note_err(&run->notes, tr_fd_watch(self, fd, TR_READABLE, "file"));
    note_err(&run->notes, tr_recv_for(self, 1000, &m));
    return tr_fd_close(self, fd);
}

/* S12.7: watched as well, and after a pause */
static void regular_file_is_always_ready(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(waits_for_a_file, &run);
    assert_string_equal(run.notes.text, "OK 3 OK OK OK OK ETIMEDOUT OK OK");
}

static tr_err bad_descriptors(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_fd_wait(self, -1, TR_READABLE, 10, NULL));
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], 0, 10, NULL));
    note_err(&run->notes, tr_fd_wait(self, 100000, TR_READABLE, 10, NULL));
    note_err(&run->notes, tr_fd_watch(self, run->fd[0], TR_READABLE, ""));
    note_err(&run->notes, tr_fd_watch(self, run->fd[0], TR_READABLE, "a tag of more than thirty-one bytes"));
    note_err(&run->notes, tr_fd_watch(self, 100000, TR_READABLE, "x"));
    tr_fd_unwatch(self, run->fd[0]);
    tr_fd_unwatch(self, -1);
    return TR_OK;
}

/* io.h */
static void what_is_no_descriptor_is_refused(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(bad_descriptors, &run);
    assert_string_equal(run.notes.text, "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL");
}

/* ---- watching ---- */

static tr_err note_next(tr_self *self, struct run *run, int64_t timeout_ms)
{
    const tr_msg *m;
    int fd = -1, revents = -1;
    tr_err err = tr_recv_for(self, timeout_ms, &m);
    if (err == TR_OK && tr_args(m, &fd, &revents) == TR_OK)
        note(&run->notes, "%s:%d:%d", tr_tag(m), fd == run->fd[0], revents);
    else
        note(&run->notes, "%s", tr_err_name(err) + 3);
    return err;
}

static tr_err watch_one_at_a_time(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_fd_watch(self, run->fd[0], TR_READABLE, "in"));
    put(run->fd[1]);
    put(run->fd[1]);
    (void) tr_sleep(self, 2);
    put(run->fd[1]);
    (void) tr_sleep(self, 2);
    (void) note_next(self, run, 1000); /* three bytes, one message */
    (void) note_next(self, run, 1000); /* still ready */
    for (int i = 0; i < 3; i++)
        take(run->fd[0]);
    (void) note_next(self, run, 5);
    return TR_OK;
}

/* S12.5 */
static void watched_descriptor_has_at_most_one_message_and_the_next_while_it_is_ready(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(watch_one_at_a_time, &run);
    assert_string_equal(run.notes.text, "OK in:1:1 in:1:1 ETIMEDOUT");
}

static tr_err watch_pause_and_change(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) !tr_fd_watch(self, run->fd[0], TR_READABLE, "in");
    put(run->fd[1]);
    (void) tr_sleep(self, 2); /* the message is queued */
    (void) !tr_fd_watch(self, run->fd[0], 0, "in");
    (void) note_next(self, run, 5);
    (void) !tr_fd_watch(self, run->fd[0], TR_READABLE, "again");
    (void) note_next(self, run, 1000);
    take(run->fd[0]);
    (void) !tr_fd_watch(self, run->fd[0], TR_WRITABLE, "out");
    while (note_next(self, run, 1000) == TR_OK && strstr(run->notes.text, "out:1:2") == NULL)
        ;
    tr_fd_unwatch(self, run->fd[0]);
    (void) note_next(self, run, 5);
    return TR_OK;
}

/* S12.5, S12.6, io.h: events 0 pauses, other events and another tag replace */
static void watch_can_be_paused_changed_and_stopped(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(watch_pause_and_change, &run);
    assert_true(strncmp(run.notes.text, "ETIMEDOUT again:1:1 ", 20) == 0);
    assert_non_null(strstr(run.notes.text, "out:1:2 ETIMEDOUT"));
}

static tr_err unwatch_what_is_queued(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) !tr_fd_watch(self, run->fd[0], TR_READABLE, "in");
    put(run->fd[1]);
    (void) tr_sleep(self, 2);
    tr_fd_unwatch(self, run->fd[0]);
    (void) !tr_fd_watch(self, run->fd[1], TR_READABLE, "other"); /* takes the place of the first in memory */
    (void) note_next(self, run, 5);
    return TR_OK;
}

/* S12.6 */
static void unwatched_descriptor_sends_nothing_even_if_it_was_queued(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(unwatch_what_is_queued, &run);
    assert_string_equal(run.notes.text, "ETIMEDOUT");
}

static tr_err watches_and_waits(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    (void) !tr_fd_watch(self, run->fd[0], TR_READABLE, "in");
    return tr_recv(self, &m);
}

static tr_err end_the_watcher(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, watches_and_waits, run, &run->child);
    (void) tr_yield(self);
    note_err(&run->notes, tr_fd_watch(self, run->fd[0], TR_READABLE, "mine"));
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_READABLE, 10, NULL));
    tr_kill(self, run->child, NULL);
    (void) !tr_join(self, run->child, NULL);
    put(run->fd[1]);
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_READABLE, 1000, NULL));
    note(&run->notes, "open:%d", fcntl(run->fd[0], F_GETFD) >= 0);
    return err;
}

/* S12.8 */
static void end_of_the_actor_takes_its_descriptors_out_and_closes_none(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(end_the_watcher, &run);
    assert_string_equal(run.notes.text, "EBUSY EBUSY OK open:1");
}

static tr_err kill_the_waiter(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, waits_long, run, &run->child);
    (void) tr_yield(self);
    tr_kill(self, run->child, NULL);
    put(run->fd[1]);
    note_err(&run->notes, tr_fd_wait(self, run->fd[0], TR_READABLE, 1000, NULL));
    (void) !tr_join(self, run->child, NULL);
    return err;
}

/* S12.8, S5.20 */
static void killed_waiter_is_forgotten_at_once(void **state)
{
    struct run run = { .fd = { -1, -1 } };
    (void) state;
    run_real(kill_the_waiter, &run);
    assert_string_equal(run.notes.text, "OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_reader_and_one_writer_wait_at_once_and_a_second_reader_is_refused),
        cmocka_unit_test(wait_that_runs_out_of_its_time_says_so),
        cmocka_unit_test(wait_ends_with_a_cancel_and_with_a_deadline_of_a_scope),
        cmocka_unit_test(close_wakes_who_waits_and_closes),
        cmocka_unit_test(hang_up_is_an_event),
        cmocka_unit_test(regular_file_is_always_ready),
        cmocka_unit_test(what_is_no_descriptor_is_refused),
        cmocka_unit_test(watched_descriptor_has_at_most_one_message_and_the_next_while_it_is_ready),
        cmocka_unit_test(watch_can_be_paused_changed_and_stopped),
        cmocka_unit_test(unwatched_descriptor_sends_nothing_even_if_it_was_queued),
        cmocka_unit_test(end_of_the_actor_takes_its_descriptors_out_and_closes_none),
        cmocka_unit_test(killed_waiter_is_forgotten_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
