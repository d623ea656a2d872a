/* SPDX-License-Identifier: MIT */
/* test_serve.c - a server with a body for each connection, and its end (docs/semantics.md, S34) */
#include "support/stream_test.h"

struct run {
    struct notes notes;
    tr_listener listener;
    char port[8];
    tr_serve_opts opts;
    tr_addr server;
    tr_err result;
};

static tr_err echo_lines(tr_self *self, tr_stream s, void *arg)
{
    struct run *run = arg;
    char line[64];
    size_t n;
    tr_err err;
    while ((err = tr_stream_read_line(self, s, line, sizeof line - 2, TR_FOREVER, &n)) == TR_OK) {
        memcpy(line + n++, "\n", 2);
        if (strcmp(line, "fail\n") == 0)
            return tr_fail_with(self, TR_EUSER, "asked to");
        if (strcmp(line, "die\n") == 0)
            tr_fail(self, TR_EUSER, "asked to");
        err = tr_stream_write(self, s, line, n, 1000);
        if (err != TR_OK)
            break;
    }
    note(&run->notes, "body:%s", tr_err_name(err) + 3);
    return err;
}

static void on_error(tr_self *self, tr_err err, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "on_error:%s:%s", tr_err_name(err) + 3, tr_error(self)->text);
}

static tr_err serves(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_endpoint e;
    tr_err err = tr_tcp_listen(self, NULL, "0", NULL, &run->listener);
    if (err == TR_OK)
        err = tr_listener_endpoint(self, run->listener, &e);
    if (err != TR_OK)
        return err;
    snprintf(run->port, sizeof run->port, "%u", tr_endpoint_port(&e));
    run->opts.size = sizeof run->opts;
    run->opts.on_error = on_error;
    run->result = tr_serve(self, run->listener, echo_lines, run, &run->opts);
    return TR_OK;
}

static tr_err starts(tr_self *self, struct run *run, tr_stream *client)
{
    tr_err err = tr_spawn(self, serves, run, &run->server);
    (void) tr_yield(self);
    return err == TR_OK ? tr_tcp_connect(self, "127.0.0.1", run->port, 1000, client) : err;
}

static tr_err says(tr_self *self, tr_stream s, const char *text)
{
    char line[64];
    tr_err err = tr_stream_write(self, s, text, strlen(text), 1000);
    return err == TR_OK ? tr_stream_read_line(self, s, line, sizeof line, 1000, NULL) : err;
}

static tr_err stop_and_note(tr_self *self, struct run *run)
{
    (void) tr_cancel(self, run->server, "stop");
    tr_err err = tr_join(self, run->server, NULL);
    note(&run->notes, "served:%s", tr_err_name(run->result) + 3);
    return err;
}

static tr_err serves_and_stops(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream idle, failing, dying;
    char c;
    size_t n;
    tr_err err = starts(self, run, &idle);
    if (err == TR_OK)
        err = tr_tcp_connect(self, "localhost", run->port, 1000, &failing);
    if (err == TR_OK)
        err = tr_tcp_connect(self, "127.0.0.1", run->port, 1000, &dying);
    if (err != TR_OK)
        return err;
    note_err(&run->notes, says(self, idle, "a\n"));
    note_err(&run->notes, says(self, failing, "fail\n"));
    note_err(&run->notes, says(self, dying, "die\n"));
    note_err(&run->notes, says(self, idle, "b\n"));
    err = stop_and_note(self, run);
    note_err(&run->notes, tr_stream_read(self, idle, &c, 1, 1000, &n));
    return err;
}

/* S34.8, S34.9: an idle connection ends at once, and a failed one was alone with it */
static void server_serves_each_connection_and_stops_when_cancelled(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(serves_and_stops, &run);
    assert_string_equal(run.notes.text, "OK on_error:EUSER:asked to ECLOSED ECLOSED OK body:ECLOSED served:OK ECLOSED");
}

static tr_err stalls(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream stalled;
    run->opts.drain_ms = 10;
    tr_err err = starts(self, run, &stalled);
    if (err != TR_OK)
        return err;
    note_err(&run->notes, tr_stream_write(self, stalled, "half a li", 9, 1000));
    (void) tr_sleep(self, 5);
    return stop_and_note(self, run);
}

/* S34.5 */
static void server_aborts_what_is_stalled_when_the_time_to_drain_is_over(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(stalls, &run);
    assert_string_equal(run.notes.text, "OK body:ECLOSED served:ETIMEDOUT");
}

static tr_err scope_of_server(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    tr_stream client;
    tr_err err = tr_spawn_in(self, scope, serves, run, &run->server);
    (void) tr_yield(self);
    if (err == TR_OK)
        err = tr_tcp_connect(self, "127.0.0.1", run->port, 1000, &client);
    if (err != TR_OK)
        return err;
    note_err(&run->notes, says(self, client, "a\n"));
    (void) !tr_stream_write(self, client, "half", 4, 1000);
    (void) tr_sleep(self, 5);
    tr_scope_cancel(self, scope, "enough");
    return TR_OK;
}

static tr_err finishes_late(tr_self *self, void *arg)
{
    struct run *run = arg;
    run->opts.drain_ms = 30;
    tr_err err = tr_scope_run(self, NULL, scope_of_server, run);
    note(&run->notes, "served:%s", tr_err_name(run->result) + 3);
    return err;
}

/* S34.8: a cancel that comes through a scope drains, too */
static void server_in_a_cancelled_scope_drains_first(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(finishes_late, &run);
    assert_string_equal(run.notes.text, "OK body:ECLOSED served:ETIMEDOUT");
}

static tr_err kills_the_server(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream client;
    char c;
    size_t n;
    tr_err err = starts(self, run, &client);
    if (err != TR_OK)
        return err;
    note_err(&run->notes, says(self, client, "a\n"));
    (void) tr_kill(self, run->server, NULL);
    note_err(&run->notes, tr_join(self, run->server, NULL));
    note_err(&run->notes, tr_stream_read(self, client, &c, 1, 1000, &n));
    return TR_OK;
}

static void killed_server_leaves_no_connection(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(kills_the_server, &run);
    assert_string_equal(run.notes.text, "OK EKILLED ECLOSED");
}

static tr_err closes_the_listener(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream client;
    tr_err err = starts(self, run, &client);
    if (err != TR_OK)
        return err;
    note_err(&run->notes, says(self, client, "a\n"));
    tr_listener_close(self, run->listener);
    err = tr_join(self, run->server, NULL);
    note(&run->notes, "served:%s", tr_err_name(run->result) + 3);
    return err;
}

/* S34.8: then nobody is left to tell the connections kindly */
static void server_ends_with_its_listener(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(closes_the_listener, &run);
    assert_string_equal(run.notes.text, "OK body:ECANCELED served:OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_serves_each_connection_and_stops_when_cancelled),
        cmocka_unit_test(server_aborts_what_is_stalled_when_the_time_to_drain_is_over),
        cmocka_unit_test(server_in_a_cancelled_scope_drains_first),
        cmocka_unit_test(killed_server_leaves_no_connection),
        cmocka_unit_test(server_ends_with_its_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
