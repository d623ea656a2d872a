/* SPDX-License-Identifier: MIT */
/* test_tcp.c - connections and listeners by message: what actors/tcp/README.md says */
#include <troupe/tcp.h>

#include "support/stream_test.h"

struct run {
    struct notes notes;
    tr_addr tcp, listener, here, there;
    char port[8];
};

static void text_of(const tr_msg *r, char buf[32])
{
    tr_bytes data = { "", 0 };
    (void) !tr_read(tr_arg(r, 0), &data);
    snprintf(buf, 32, "%.*s", (int) data.len, (const char *) data.data);
}

static tr_err listens(tr_self *self, struct run *run)
{
    const tr_msg *r;
    unsigned port = 0;
    tr_err err = tr_spawn(self, &tr_tcp, NULL, &run->tcp);
    if (err == TR_OK)
        err = tr_ask(self, run->tcp, &r, "listen", tr_nil(), "0");
    if (err == TR_OK)
        err = tr_args(r, &run->listener, &port);
    snprintf(run->port, sizeof run->port, "%u", port);
    return err;
}

/* here is the client's connection, there the server's. */
static tr_err connects(tr_self *self, struct run *run)
{
    const tr_msg *r;
    tr_err err = tr_ask(self, run->tcp, &r, "connect", "127.0.0.1", run->port);
    if (err == TR_OK)
        err = tr_args(r, &run->here);
    if (err == TR_OK)
        err = tr_ask(self, run->listener, &r, "accept");
    return err == TR_OK ? tr_args(r, &run->there, tr_skip()) : err;
}

static tr_err talks(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *r;
    char text[32];
    tr_err err = listens(self, run);
    if (err == TR_OK)
        err = connects(self, run);
    if (err != TR_OK)
        return err;
    note_err(&run->notes, tr_ask(self, run->here, &r, "write", tr_bin("one\ntwo\nthree", 13)));
    note_err(&run->notes, tr_ask(self, run->there, &r, "read_until", tr_bin("\n", 1), 100));
    text_of(r, text);
    note(&run->notes, "%.3s", text);
    note_err(&run->notes, tr_ask(self, run->there, &r, "read_exactly", 4));
    note_err(&run->notes, tr_ask(self, run->there, &r, "read"));
    text_of(r, text);
    note(&run->notes, "%s", text);
    note_err(&run->notes, tr_ask(self, run->there, &r, "peer"));
    note_err(&run->notes, tr_ask(self, run->here, &r, "finish"));
    note_err(&run->notes, tr_ask(self, run->there, &r, "read"));
    note_err(&run->notes, tr_ask(self, run->there, &r, "write", tr_bin("back", 4)));
    note_err(&run->notes, tr_ask(self, run->here, &r, "read"));
    note_err(&run->notes, tr_ask(self, run->here, &r, "close"));
    note_err(&run->notes, tr_ask(self, run->here, &r, "read"));
    return TR_OK;
}

static void connection_is_read_written_and_closed_by_message(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(talks, &run);
    assert_string_equal(run.notes.text, "OK OK one OK OK three OK OK ECLOSED OK OK OK ENOPROC");
}

static tr_err gives_up(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *r;
    char text[32];
    tr_pending reading;
    tr_err err = listens(self, run);
    if (err == TR_OK)
        err = connects(self, run);
    if (err == TR_OK)
        err = tr_ask_start(self, run->there, &reading, "read_exactly", 4);
    if (err != TR_OK)
        return err;
    note_err(&run->notes, tr_ask(self, run->there, &r, "read"));
    (void) !tr_ask(self, run->here, &r, "write", tr_bin("ab", 2));
    tr_ask_cancel(self, reading);
    note_err(&run->notes, tr_ask_for(self, run->there, 20, &r, "read_exactly", 4));
    (void) !tr_ask(self, run->here, &r, "write", tr_bin("cd", 2));
    note_err(&run->notes, tr_ask(self, run->there, &r, "read_exactly", 4));
    text_of(r, text);
    note(&run->notes, "%s", text);
    note_err(&run->notes, tr_ask(self, run->there, &r, "read_exactly", 0));
    note_err(&run->notes, tr_ask(self, run->there, &r, "read_until", tr_bin("", 0), 10));
    return TR_OK;
}

static void read_that_is_given_up_has_taken_nothing(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(gives_up, &run);
    assert_string_equal(run.notes.text, "EBUSY ETIMEDOUT OK abcd EINVAL EINVAL");
}

static tr_err is_refused(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *r;
    tr_err err = listens(self, run);
    note_err(&run->notes, tr_ask(self, run->tcp, &r, "listen", "127.0.0.1", run->port));
    note_err(&run->notes, tr_ask(self, run->tcp, &r, "listen", tr_nil(), "0", tr_map("no_such", 1)));
    note_err(&run->notes, tr_ask(self, run->listener, &r, "stop", 1000));
    note_err(&run->notes, tr_ask(self, run->tcp, &r, "connect", "127.0.0.1", run->port));
    return err;
}

static void what_cannot_be_had_is_an_error_reply(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(is_refused, &run);
    assert_string_equal(run.notes.text, "EEXIST EINVAL OK ENOCONN");
}

static tr_err stops(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *r;
    bool drained = true;
    tr_pending stopping;
    tr_err err = listens(self, run);
    if (err == TR_OK)
        err = connects(self, run);
    if (err == TR_OK)
        err = tr_ask_start(self, run->listener, &stopping, "stop", 10000);
    if (err != TR_OK)
        return err;
    note_err(&run->notes, tr_ask(self, run->there, &r, "read"));
    note_err(&run->notes, tr_ask(self, run->there, &r, "close"));
    note_err(&run->notes, tr_await(self, stopping, &r));
    note(&run->notes, "%d", tr_args(r, &drained) == TR_OK && drained);
    err = tr_ask(self, run->tcp, &r, "listen", tr_nil(), "0", tr_map("connections_max", 5));
    unsigned port = 0;
    if (err == TR_OK)
        err = tr_args(r, &run->listener, &port);
    snprintf(run->port, sizeof run->port, "%u", port);
    if (err == TR_OK)
        err = connects(self, run);
    note_err(&run->notes, tr_ask(self, run->listener, &r, "stop", 5));
    note(&run->notes, "%d", tr_args(r, &drained) == TR_OK && !drained);
    note_err(&run->notes, tr_ask(self, run->here, &r, "read"));
    return err;
}

static void stop_waits_for_connections_and_then_closes_what_is_left(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(stops, &run);
    assert_string_equal(run.notes.text, "ECLOSED OK OK 1 OK 1 ECLOSED");
}

static tr_err accept_is_given_up(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *r;
    tr_err err = listens(self, run);
    note_err(&run->notes, tr_ask_for(self, run->listener, 5, &r, "accept"));
    if (err == TR_OK)
        err = connects(self, run);
    note_err(&run->notes, tr_ask(self, run->here, &r, "write", tr_bin("x", 1)));
    note_err(&run->notes, tr_ask(self, run->there, &r, "read"));
    return err;
}

static void accept_that_is_given_up_leaves_the_connection_to_the_next(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(accept_is_given_up, &run);
    assert_string_equal(run.notes.text, "ETIMEDOUT OK OK");
}

static void everything_runs_on_two_workers_too(void **state)
{
    tr_body_fn *const bodies[] = { talks, gives_up, stops };
    (void) state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct run run = { .notes = { "" } };
        run_streams_on(2, bodies[i], &run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_is_read_written_and_closed_by_message),
        cmocka_unit_test(read_that_is_given_up_has_taken_nothing),
        cmocka_unit_test(what_cannot_be_had_is_an_error_reply),
        cmocka_unit_test(stop_waits_for_connections_and_then_closes_what_is_left),
        cmocka_unit_test(accept_that_is_given_up_leaves_the_connection_to_the_next),
        cmocka_unit_test(everything_runs_on_two_workers_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
