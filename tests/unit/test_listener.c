/* SPDX-License-Identifier: MIT */
/* test_listener.c - listening, accepting, stopping (docs/semantics.md, S34) */
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "support/stream_test.h"

struct run {
    struct notes notes;
    tr_listener listener;
    char port[8];
    tr_stream conns[4], clients[4];
    tr_addr child;
    char dir[64];
};

static tr_err listens(tr_self *self, struct run *run, const tr_listen_opts *opts)
{
    tr_endpoint e;
    tr_err err = tr_tcp_listen(self, NULL, "0", opts, &run->listener);
    if (err == TR_OK)
        err = tr_listener_endpoint(self, run->listener, &e);
    if (err == TR_OK)
        snprintf(run->port, sizeof run->port, "%u", tr_endpoint_port(&e));
    return err;
}

static tr_err connects(tr_self *self, struct run *run, int i)
{
    return tr_tcp_connect(self, "127.0.0.1", run->port, 1000, &run->clients[i]);
}

static tr_err accepts(tr_self *self, struct run *run, int i, int64_t timeout_ms)
{
    return tr_listener_accept(self, run->listener, timeout_ms, &run->conns[i]);
}

/* ---- accepting ---- */

static tr_err accepts_two(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[8] = "", text[2][TR_ENDPOINT_TEXT_MAX];
    tr_endpoint e[2];
    tr_err err = listens(self, run, NULL);
    note_err(&run->notes, accepts(self, run, 0, 0));
    note_err(&run->notes, accepts(self, run, 0, 5));
    note_err(&run->notes, connects(self, run, 0));
    note_err(&run->notes, accepts(self, run, 0, 10000));
    (void) !tr_stream_write(self, run->clients[0], "hi", 2, 10000);
    note_err(&run->notes, tr_stream_read_exactly(self, run->conns[0], buf, 2, 10000));
    note_err(&run->notes, tr_stream_peer(self, run->clients[0], &e[0]));
    note_err(&run->notes, tr_listener_endpoint(self, run->listener, &e[1]));
    note(&run->notes, "%d %zu", strcmp(tr_endpoint_text(&e[0], text[0]), tr_endpoint_text(&e[1], text[1])),
         tr_listener_count(self, run->listener));
    tr_listener_close(self, run->listener);
    tr_listener_close(self, run->listener);
    note_err(&run->notes, accepts(self, run, 0, 5));
    note_err(&run->notes, tr_stream_write(self, run->clients[0], "hi", 2, 10000));
    return err;
}

/* S34.1 */
static void connection_is_accepted_and_outlives_its_listener(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(accepts_two, &run);
    assert_string_equal(run.notes.text, "ETIMEDOUT ETIMEDOUT OK OK OK OK OK 0 1 ECLOSED OK");
}

static tr_err child_accepts(tr_self *self, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "child:%s", tr_err_name(accepts(self, run, 3, TR_FOREVER)) + 3);
    return TR_OK;
}

static tr_err accepts_beside_another(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = listens(self, run, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, child_accepts, run, &run->child);
    settle(self);
    note_err(&run->notes, accepts(self, run, 0, 10000));
    note_err(&run->notes, tr_listener_once(self, run->listener, "conn"));
    tr_listener_close(self, run->listener);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S30.7, S30.8 */
static void second_acceptor_is_refused_and_closing_wakes_the_first(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(accepts_beside_another, &run);
    assert_string_equal(run.notes.text, "EBUSY EBUSY child:ECLOSED");
}

/* ---- bounds ---- */

static tr_err accepts_at_most_one(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_listen_opts opts = { .size = sizeof opts, .conns_max = 1 };
    tr_err err = listens(self, run, &opts);
    (void) connects(self, run, 0);
    (void) connects(self, run, 1);
    note_err(&run->notes, accepts(self, run, 0, 10000));
    note_err(&run->notes, accepts(self, run, 1, 5));
    if (err == TR_OK)
        err = tr_spawn(self, child_accepts, run, &run->child);
    settle(self);
    note_err(&run->notes, accepts(self, run, 1, 10000));
    (void) tr_kill(self, run->child, NULL);
    (void) !tr_join(self, run->child, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, child_accepts, run, &run->child);
    settle(self);
    tr_stream_close(self, run->conns[0]);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S34.2 */
static void at_the_limit_accepting_waits_until_a_connection_is_closed(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(accepts_at_most_one, &run);
    assert_string_equal(run.notes.text, "OK ETIMEDOUT EBUSY child:OK");
}

static tr_err closes_later(tr_self *self, void *arg)
{
    const struct rlimit *limit = arg;
    tr_err err = tr_sleep(self, 20);
    (void) setrlimit(RLIMIT_NOFILE, limit);
    return err;
}

static tr_err runs_out_of_descriptors(tr_self *self, void *arg)
{
    struct run *run = arg;
    struct rlimit limit, tight;
    tr_err err = listens(self, run, NULL);
    (void) connects(self, run, 0);
    getrlimit(RLIMIT_NOFILE, &limit);
    int next = dup(0);
    close(next);
    tight = (struct rlimit){ .rlim_cur = (rlim_t) next, .rlim_max = limit.rlim_max };
    setrlimit(RLIMIT_NOFILE, &tight);
    note_err(&run->notes, accepts(self, run, 0, 5));
    tr_time before = tr_now(self);
    if (err == TR_OK)
        err = tr_spawn(self, closes_later, &limit, &run->child);
    note_err(&run->notes, accepts(self, run, 0, 5000));
    note(&run->notes, "%d", tr_now(self) - before >= 95000000);
    return err;
}

/* S34.3 */
static void without_descriptors_accepting_tries_again_later(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    SKIP_UNDER_VALGRIND(); /* it has descriptors of its own above ours */
    run_streams(runs_out_of_descriptors, &run);
    assert_string_equal(run.notes.text, "ETIMEDOUT OK 1");
}

/* ---- active once ---- */

static void note_conn(tr_self *self, struct run *run, int i, int64_t timeout_ms)
{
    const tr_msg *m;
    int64_t code, listener;
    tr_err err = tr_recv_for(self, timeout_ms, &m);
    if (err != TR_OK)
        note(&run->notes, "recv:%s", tr_err_name(err) + 3);
    else if (tr_is(m, "conn", &listener, &run->conns[i].id, &code))
        note(&run->notes, "conn:%s", tr_err_name((tr_err) code) + 3);
    else
        note(&run->notes, "?%s/%zu", tr_tag(m), tr_argc(m));
}

static tr_err accepts_once(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    const tr_listen_opts opts = { .size = sizeof opts, .conns_max = 2 };
    tr_err err = listens(self, run, &opts);
    note_err(&run->notes, tr_listener_once(self, run->listener, "conn"));
    note_conn(self, run, 0, 5);
    (void) connects(self, run, 0);
    (void) connects(self, run, 1);
    (void) connects(self, run, 2);
    note_conn(self, run, 0, 10000);
    note_conn(self, run, 1, 5);
    note_err(&run->notes, tr_listener_once(self, run->listener, "conn"));
    note_conn(self, run, 1, 10000);
    note_err(&run->notes, tr_listener_once(self, run->listener, "conn"));
    note_conn(self, run, 2, 5);
    tr_stream_close(self, run->conns[0]);
    tr_listener_close(self, (tr_listener){ 0 });
    note_conn(self, run, 2, 10000);
    (void) !tr_stream_write(self, run->clients[2], "x", 1, 10000);
    note_err(&run->notes, tr_stream_read_exactly(self, run->conns[2], &c, 1, 10000));
    return err;
}

/* S32.5, S34.2 */
static void once_active_listener_gives_one_connection_for_each_asking_within_its_limit(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(accepts_once, &run);
    assert_string_equal(run.notes.text,
                        "OK recv:ETIMEDOUT conn:OK recv:ETIMEDOUT OK conn:OK OK recv:ETIMEDOUT conn:OK OK");
}

static tr_err drains_by_message(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    tr_err err = listens(self, run, NULL);
    (void) connects(self, run, 0);
    (void) accepts(self, run, 0, 10000);
    note_err(&run->notes, tr_listener_drain(self, run->listener, "idle"));
    note_err(&run->notes, tr_stream_read(self, run->conns[0], &c, 1, TR_FOREVER, &n));
    note_err(&run->notes, accepts(self, run, 1, 10000));
    note_conn(self, run, 1, 5);
    tr_stream_close(self, run->conns[0]);
    note_conn(self, run, 1, 10000);
    note_err(&run->notes, connects(self, run, 1));
    return err;
}

/* S34.6 */
static void behaviour_is_told_when_the_last_connection_is_closed(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(drains_by_message, &run);
    assert_string_equal(run.notes.text, "OK ECLOSED ECLOSED recv:ETIMEDOUT ?idle/1 ENOCONN");
}

/* ---- stopping ---- */

static tr_err answers_and_closes(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[8];
    tr_err err;
    while ((err = tr_stream_read_exactly(self, run->conns[0], buf, 4, TR_FOREVER)) == TR_OK && err == TR_OK)
        err = tr_stream_write(self, run->conns[0], buf, 4, 10000);
    note(&run->notes, "server:%s", tr_err_name(err) + 3);
    tr_stream_close(self, run->conns[0]);
    return TR_OK;
}

static tr_err finishes_its_request(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[8] = "";
    tr_err err = tr_sleep(self, 10);
    (void) !tr_stream_write(self, run->clients[0], "cd", 2, 10000);
    note_err(&run->notes, tr_stream_read_exactly(self, run->clients[0], buf, 4, 10000));
    return err;
}

static tr_err stops_kindly(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = listens(self, run, NULL);
    (void) connects(self, run, 0);
    (void) accepts(self, run, 0, 10000);
    (void) !tr_stream_write(self, run->clients[0], "ab", 2, 10000); /* half a request */
    if (err == TR_OK)
        err = tr_spawn(self, answers_and_closes, run, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, finishes_its_request, run, &run->child);
    (void) tr_sleep(self, 3);
    tr_err stopped = tr_listener_stop(self, run->listener, 5000);
    (void) !tr_join(self, run->child, NULL);
    note_err(&run->notes, stopped);
    note_err(&run->notes, accepts(self, run, 0, 10000));
    return err;
}

/* S34.4: what has begun is finished first */
static void stop_waits_for_what_has_begun(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(stops_kindly, &run);
    assert_string_equal(run.notes.text, "server:ECLOSED OK OK ECLOSED");
}

static tr_err stops_a_stalled_one(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    tr_err err = listens(self, run, NULL);
    (void) connects(self, run, 0);
    (void) accepts(self, run, 0, 10000);
    note_err(&run->notes, tr_listener_stop(self, run->listener, 5));
    note_err(&run->notes, tr_stream_write(self, run->conns[0], "x", 1, 10000));
    note_err(&run->notes, tr_stream_read(self, run->clients[0], &c, 1, 10000, &n));
    return err;
}

/* S34.5 */
static void stop_aborts_what_is_open_at_its_deadline(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(stops_a_stalled_one, &run);
    assert_string_equal(run.notes.text, "ETIMEDOUT ECLOSED EIO");
}

static void note_data(tr_self *self, struct run *run, int64_t timeout_ms)
{
    const tr_msg *m;
    int64_t id, code;
    tr_bytes data;
    tr_err err = tr_recv_for(self, timeout_ms, &m);
    bool is_data = err == TR_OK && tr_is(m, "data", &id, &data, &code) && id == run->conns[0].id;
    note(&run->notes, "%s", is_data ? tr_err_name((tr_err) code) + 3 : "nothing");
}

static tr_err stops_once_active_ones(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = listens(self, run, NULL);
    (void) connects(self, run, 0);
    (void) accepts(self, run, 0, 10000);
    (void) !tr_stream_write(self, run->clients[0], "ab", 2, 10000); /* half a packet: draining does not end it */
    note_err(&run->notes, tr_stream_once_exactly(self, run->conns[0], 4, "data"));
    note_err(&run->notes, tr_listener_stop(self, run->listener, 5));
    note_data(self, run, 1000);
    note_data(self, run, 0);
    return err;
}

/* S34.5, S32.6 */
static void stop_tells_the_owners_of_once_active_connections_that_it_aborts(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(stops_once_active_ones, &run);
    assert_string_equal(run.notes.text, "OK ETIMEDOUT ECLOSED nothing");
}

static tr_err stops_it(tr_self *self, void *arg)
{
    const struct run *run = arg;
    return tr_listener_stop(self, run->listener, 5);
}

static tr_err closes_it(tr_self *self, void *arg)
{
    const struct run *run = arg;
    tr_listener_close(self, run->listener);
    return TR_OK;
}

static tr_err is_stopped_by_another(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 2 && err == TR_OK; i++) {
        err = listens(self, run, NULL);
        note_err(&run->notes, tr_listener_once(self, run->listener, "conn"));
        if (err == TR_OK)
            err = tr_spawn(self, i == 0 ? stops_it : closes_it, run, &run->child);
        (void) !tr_join(self, run->child, NULL);
        note_conn(self, run, 0, 1000);
        note_conn(self, run, 0, 0);
    }
    return err;
}

/* S32.6 */
static void owner_is_told_when_another_stops_or_closes_the_listener_it_asked(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(is_stopped_by_another, &run);
    assert_string_equal(run.notes.text, "OK conn:ECLOSED recv:ETIMEDOUT OK conn:ECLOSED recv:ETIMEDOUT");
}

static tr_err stops_for_long(tr_self *self, void *arg)
{
    struct run *run = arg;
    return note_err(&run->notes, tr_listener_stop(self, run->listener, TR_FOREVER));
}

static tr_err cancels_a_stop(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = listens(self, run, NULL);
    (void) connects(self, run, 0);
    (void) accepts(self, run, 0, 10000);
    note_err(&run->notes, tr_within(self, 5, stops_for_long, run));
    note_err(&run->notes, tr_stream_write(self, run->conns[0], "x", 1, 10000));
    return err;
}

/* S34.5 */
static void stop_that_is_cancelled_aborts_at_once(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(cancels_a_stop, &run);
    assert_string_equal(run.notes.text, "ECANCELED ETIMEDOUT ECLOSED");
}

/* ---- Unix sockets ---- */

static tr_err uses_a_unix_socket(tr_self *self, void *arg)
{
    struct run *run = arg;
    char path[96], name[96], buf[4];
    tr_listener other;
    struct stat st;
    snprintf(path, sizeof path, "%s/socket", run->dir);
    snprintf(name, sizeof name, "@%s/name", run->dir);
    tr_err err = tr_unix_listen(self, path, NULL, &run->listener);
    note_err(&run->notes, tr_unix_listen(self, path, NULL, &other));
    note_err(&run->notes, tr_unix_connect(self, path, 1000, &run->clients[0]));
    note_err(&run->notes, accepts(self, run, 0, 10000));
    (void) !tr_stream_write(self, run->clients[0], "unix", 4, 10000);
    note_err(&run->notes, tr_stream_read_exactly(self, run->conns[0], buf, 4, 10000));
    tr_listener_close(self, run->listener);
    note(&run->notes, "%d", stat(path, &st));
    note_err(&run->notes, tr_unix_connect(self, path, 1000, &run->clients[1]));
    note_err(&run->notes, tr_unix_listen(self, name, NULL, &run->listener));
    note_err(&run->notes, tr_unix_connect(self, name, 1000, &run->clients[1]));
    note_err(&run->notes, tr_unix_connect(self, "", 1000, &run->clients[1]));
    return err;
}

static tr_err replaces_a_left_over(tr_self *self, void *arg)
{
    struct run *run = arg;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    snprintf(un.sun_path, sizeof un.sun_path, "%s/socket", run->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (const struct sockaddr *) &un, sizeof un) != 0)
        return TR_EIO;
    close(fd); /* as a process leaves it that was killed */
    return note_err(&run->notes, tr_unix_listen(self, un.sun_path, NULL, &run->listener));
}

/* S34.7 */
static void unix_socket_has_a_file_that_goes_with_it(void **state)
{
    struct run run = { .notes = { "" }, .dir = "/tmp/troupe-unix-XXXXXX" };
    (void) state;
    assert_non_null(mkdtemp(run.dir));
    run_streams(uses_a_unix_socket, &run);
    run_streams(replaces_a_left_over, &run);
    assert_int_equal(rmdir(run.dir), 0);
    assert_string_equal(run.notes.text, "EEXIST OK OK OK -1 ENOCONN OK OK EINVAL OK");
}

static tr_err accepts_later(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_sleep(self, 30);
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = accepts(self, run, i, 10000);
    return err;
}

static tr_err fills_the_queue(tr_self *self, void *arg)
{
    struct run *run = arg;
    char name[96];
    const tr_listen_opts opts = { .size = sizeof opts, .backlog = 1 }; /* the system lets one more in */
    snprintf(name, sizeof name, "@troupe-queue-%d", (int) getpid());
    tr_err err = tr_unix_listen(self, name, &opts, &run->listener);
    for (int i = 0; i < 2; i++)
        note_err(&run->notes, tr_unix_connect(self, name, 1000, &run->clients[i]));
    note_err(&run->notes, tr_unix_connect(self, name, 20, &run->clients[2]));
    note_err(&run->notes, tr_unix_connect(self, name, 0, &run->clients[2]));
    if (err == TR_OK)
        err = tr_spawn(self, accepts_later, run, &run->child);
    note_err(&run->notes, tr_unix_connect(self, name, 10000, &run->clients[2]));
    (void) !tr_join(self, run->child, NULL);
    return err;
}

/* S35.5: the system says EAGAIN, where over TCP it would let wait */
static void connecting_waits_while_the_queue_of_a_unix_socket_is_full(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(fills_the_queue, &run);
    assert_string_equal(run.notes.text, "OK OK ETIMEDOUT ETIMEDOUT OK");
}

/* ---- failing ---- */

static tr_err listens_wrongly(tr_self *self, void *arg)
{
    struct run *run = arg;
    char words[96];
    const tr_listen_opts opts = { .size = 1 };
    tr_err err = listens(self, run, NULL);
    note_err(&run->notes, tr_tcp_listen(self, NULL, run->port, NULL, &run->listener));
    snprintf(words, sizeof words, "127.0.0.1:%s: Address already in use", run->port);
    note(&run->notes, "%d", strcmp(tr_error(self)->text, words));
    note_err(&run->notes, tr_unix_listen(self, "/nonexistent/socket", NULL, &run->listener));
    note(&run->notes, "%d", strcmp(tr_error(self)->text, "/nonexistent/socket: No such file or directory"));
    note_err(&run->notes, tr_tcp_listen(self, NULL, "0", &opts, &run->listener));
    for (uint64_t n = 1; n < 50; n++) {
        tr_listener l;
        (void) tr_test_fail_alloc(n);
        tr_err got = tr_tcp_listen(self, NULL, "0", NULL, &l);
        (void) tr_test_fail_alloc(0);
        if (got == TR_OK)
            break;
        if (got != TR_ENOMEM)
            note_err(&run->notes, got);
    }
    return err;
}

static void listening_in_vain_leaves_nothing_open(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(listens_wrongly, &run);
    assert_string_equal(run.notes.text, "EEXIST 0 EINVAL 0 EINVAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_is_accepted_and_outlives_its_listener),
        cmocka_unit_test(second_acceptor_is_refused_and_closing_wakes_the_first),
        cmocka_unit_test(at_the_limit_accepting_waits_until_a_connection_is_closed),
        cmocka_unit_test(without_descriptors_accepting_tries_again_later),
        cmocka_unit_test(once_active_listener_gives_one_connection_for_each_asking_within_its_limit),
        cmocka_unit_test(behaviour_is_told_when_the_last_connection_is_closed),
        cmocka_unit_test(stop_waits_for_what_has_begun),
        cmocka_unit_test(stop_aborts_what_is_open_at_its_deadline),
        cmocka_unit_test(stop_that_is_cancelled_aborts_at_once),
        cmocka_unit_test(stop_tells_the_owners_of_once_active_connections_that_it_aborts),
        cmocka_unit_test(owner_is_told_when_another_stops_or_closes_the_listener_it_asked),
        cmocka_unit_test(unix_socket_has_a_file_that_goes_with_it),
        cmocka_unit_test(connecting_waits_while_the_queue_of_a_unix_socket_is_full),
        cmocka_unit_test(listening_in_vain_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
