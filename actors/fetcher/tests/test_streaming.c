/* SPDX-License-Identifier: MIT */
/* test_streaming.c - bodies in parts, both ways, with whoever is behind holding up the other side and nobody else */
#include <stdlib.h>
#include <sys/resource.h>

#include <troupe/flow.h>

#include "fixture/fixture.h"

enum { BIG = 100000000 };

struct stream {
    const char *path;
    const tr_value *options;
    size_t option_count;
    int64_t nap_ms; /* after the head */
    size_t upload;  /* bytes to write, in parts of 50,000 */
    const char *seen_by_server;
    tr_err err;
    char text[400], body[400];
    int status;
    int64_t bytes, parts, end_total_us, server_count, active;
};

static void stream_take(struct stream *s, const tr_msg *part)
{
    tr_page head;
    tr_bytes bytes;
    tr_item info;
    if (tr_page_read_head(part, &head) == TR_OK) {
        s->status = head.status;
    } else if (tr_is(part, "data", &bytes)) {
        if (s->bytes + (int64_t) bytes.len < (int64_t) sizeof s->body)
            memcpy(s->body + s->bytes, bytes.data, bytes.len);
        s->bytes += (int64_t) bytes.len;
        s->parts++;
    } else if (tr_is(part, "end", &info)) {
        (void) !tr_read(tr_item_get(info, "total_us"), &s->end_total_us);
    }
}

/* To its end, whatever that is. */
static void stream_read(tr_self *self, tr_flow *flow, struct stream *s)
{
    const tr_msg *part;
    while ((s->err = tr_flow_next_for(self, flow, PATIENCE_MS, &part)) == TR_OK)
        stream_take(s, part);
    if (s->err != TR_ECLOSED)
        snprintf(s->text, sizeof s->text, "%s", tr_error(self)->text);
}

static tr_err stream_open(tr_self *self, tr_addr pool, struct stream *s, tr_flow *flow)
{
    const tr_value values[] = { tr_str("stream"), tr_str(s->path[0] == '/' ? at(&web, s->path) : s->path),
                                tr_mapn(s->options, s->option_count) };
    return tr_flow_open_values(self, pool, NULL, flow, values, 3);
}

static tr_err read_main(tr_self *self, void *arg)
{
    struct stream *s = arg;
    const tr_fetcher_opts opts = { .size = sizeof opts, .insecure = true };
    const tr_msg *part;
    tr_addr pool;
    tr_flow flow;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    if (err == TR_OK)
        err = stream_open(self, pool, s, &flow);
    if (err == TR_OK && s->nap_ms > 0) {
        err = tr_flow_next(self, &flow, &part);
        if (err == TR_OK)
            stream_take(s, part);
        if (err == TR_OK)
            err = tr_sleep(self, s->nap_ms);
    }
    if (err != TR_OK)
        return err;
    stream_read(self, &flow, s);
    tr_flow_close(self, &flow);
    s->active = pool_count_becomes(self, pool, POOL_ACTIVE, 0);
    return TR_OK;
}

static void page_comes_in_parts_and_ends_with_its_trace(void **state)
{
    struct stream s = { .path = "/ok/200000" };
    (void) state;
    run_actor(read_main, &s);
    assert_int_equal(s.err, TR_ECLOSED);
    assert_int_equal(s.status, 200);
    assert_int_equal(s.bytes, 200000);
    assert_true(s.parts > 1);
    assert_true(s.end_total_us > 0);
    assert_int_equal(s.active, 0);
}

static void page_without_a_body_is_a_head_and_an_end(void **state)
{
    struct stream s = { .path = "/ok/0" };
    (void) state;
    run_actor(read_main, &s);
    assert_int_equal(s.err, TR_ECLOSED);
    assert_int_equal(s.status, 200);
    assert_int_equal(s.parts, 0);
}

static void compressed_page_is_decompressed_on_the_way(void **state)
{
    struct stream s = { .path = "/gzip/3000000" };
    (void) state;
    run_actor(read_main, &s);
    assert_int_equal(s.err, TR_ECLOSED);
    assert_int_equal(s.bytes, 3000000);
}

static void body_of_any_size_takes_no_memory(void **state)
{
    char path[50];
    struct rusage before, after;
    struct stream s = { .path = path };
    (void) state;
    snprintf(path, sizeof path, "/big/%d", BIG);
    getrusage(RUSAGE_SELF, &before);
    run_actor(read_main, &s);
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(s.err, TR_ECLOSED);
    assert_int_equal(s.bytes, BIG);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which keep what is freed for a while */
    assert_true(after.ru_maxrss - before.ru_maxrss < 20000);
#endif
}

/* The server has sent no more than the buffers on the way hold: asked until that stands still. */
static tr_err behind_main(tr_self *self, void *arg)
{
    struct stream *s = arg;
    struct fetch reset = { .url = at(&web, "/reset") };
    const tr_msg *part;
    tr_addr pool;
    tr_flow flow;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err != TR_OK)
        return err;
    fetch_from(self, pool, &reset);
    if ((err = stream_open(self, pool, s, &flow)) != TR_OK || (err = tr_flow_next(self, &flow, &part)) != TR_OK)
        return err;
    for (int64_t last = -1; last != s->server_count;) {
        last = s->server_count;
        if ((err = tr_sleep(self, 100)) != TR_OK)
            return err;
        s->server_count = server_count(self, pool, "sent");
    }
    stream_read(self, &flow, s);
    tr_flow_close(self, &flow);
    return TR_OK;
}

static void reader_that_is_behind_stops_the_server(void **state)
{
    char path[50];
    struct stream s = { .path = path };
    (void) state;
    snprintf(path, sizeof path, "/big/%d", BIG);
    run_actor(behind_main, &s);
    assert_true(s.server_count < BIG / 4);
    assert_int_equal(s.bytes, BIG);
}

static void server_is_not_judged_while_the_reader_is_behind(void **state)
{
    const tr_value options[] = { tr_str("idle_timeout_ms"), tr_int(200), tr_str("rate_min"), tr_int(1000000) };
    struct stream s = { .path = "/big/20000000", .options = options, .option_count = 4, .nap_ms = 1000 };
    (void) state;
    run_actor(read_main, &s);
    assert_string_equal(s.text, "");
    assert_int_equal(s.bytes, 20000000);
}

static void server_that_falls_silent_is_given_up(void **state)
{
    const tr_value options[] = { tr_str("idle_timeout_ms"), tr_int(200) };
    struct stream s = { .path = "/drip", .options = options, .option_count = 2 };
    (void) state;
    run_actor(read_main, &s);
    assert_int_equal(s.err, TR_FETCH_TIMEOUT);
    assert_int_equal(s.status, 200);
}

static void failure_comes_behind_the_parts_before_it(void **state)
{
    struct stream s = { .path = "/stop/body" };
    (void) state;
    run_actor(read_main, &s);
    assert_int_equal(s.err, TR_FETCH_BODY);
    assert_int_equal(s.bytes, 10);
    assert_int_equal(s.active, 0);
}

static void failure_to_connect_is_the_first_part(void **state)
{
    char url[100];
    struct stream s = { .path = url };
    (void) state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", web_refused_port());
    run_actor(read_main, &s);
    assert_int_equal(s.err, TR_FETCH_CONNECT);
    assert_non_null(strstr(s.text, "Connection refused"));
}

static void limit_of_the_body_holds_when_asked_for(void **state)
{
    const tr_value options[] = { tr_str("body_max"), tr_int(100000) };
    struct stream s = { .path = "/endless", .options = options, .option_count = 2 };
    (void) state;
    run_actor(read_main, &s);
    assert_int_equal(s.err, TR_FETCH_TOO_BIG);
}

static void status_that_is_tried_again_is_not_seen(void **state)
{
    const tr_value options[] = { tr_str("retries_max"), tr_int(2), tr_str("retry_delay_ms"), tr_int(1) };
    struct stream s = { .path = "/flaky/stream/2/503/0", .options = options, .option_count = 4 };
    (void) state;
    run_actor(read_main, &s);
    assert_int_equal(s.status, 200);
    assert_string_equal(s.body, "try 3");
}

static tr_err close_main(tr_self *self, void *arg)
{
    struct stream *s = arg;
    struct fetch reset = { .url = at(&web, "/reset") }, noticed = { .url = at(&web, "/wait/hung_up/1") };
    tr_addr pool;
    tr_flow flow;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err != TR_OK)
        return err;
    fetch_from(self, pool, &reset);
    if ((err = stream_open(self, pool, s, &flow)) != TR_OK)
        return err;
    for (int i = 0; i < 1000 && pool_count(self, pool, POOL_ACTIVE) == 0; i++)
        (void) tr_yield(self);
    fetch_from(self, pool, &(struct fetch){ .url = at(&web, "/wait/hanging/1") });
    tr_flow_close(self, &flow);
    fetch_from(self, pool, &noticed);
    s->status = noticed.status;
    s->active = pool_count_becomes(self, pool, POOL_ACTIVE, 0);
    return TR_OK;
}

static void asker_that_closes_ends_the_transfer(void **state)
{
    struct stream s = { .path = "/hang" };
    (void) state;
    run_actor(close_main, &s);
    assert_int_equal(s.status, 200);
    assert_int_equal(s.active, 0);
}

static tr_err leave_main(tr_self *self, void *arg)
{
    const tr_msg *part;
    tr_addr pool;
    tr_flow flow;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err == TR_OK)
        err = stream_open(self, pool, arg, &flow);
    return err == TR_OK ? tr_flow_next(self, &flow, &part) : err;
}

/* run_actor says what is left over. */
static void all_that_end_with_a_stream_under_way_leave_nothing(void **state)
{
    struct stream s = { .path = "/big/20000000" };
    (void) state;
    run_actor(leave_main, &s);
}

static tr_err plain_ask_main(tr_self *self, void *arg)
{
    struct stream *s = arg;
    const tr_msg *reply;
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err != TR_OK)
        return err;
    s->err = tr_ask(self, pool, &reply, "stream", at(&web, "/ok"));
    snprintf(s->text, sizeof s->text, "%s", tr_error(self)->text);
    return TR_OK;
}

static void stream_without_a_flow_is_refused(void **state)
{
    struct stream s = { .path = NULL };
    (void) state;
    run_actor(plain_ask_main, &s);
    assert_int_equal(s.err, TR_ESTATE);
    assert_string_equal(s.text,
                        "a stream is opened with tr_flow_open: the asker waits for one answer: it opened no flow");
}

/* ---- up ---- */

static tr_err write_parts(tr_self *self, tr_flow *flow, struct stream *s)
{
    static char piece[50000];
    tr_err err = TR_OK;
    for (size_t left = s->upload; left > 0 && err == TR_OK;) {
        size_t n = left < sizeof piece ? left : sizeof piece;
        err = tr_flow_write(self, flow, "data", tr_bin(piece, n));
        left -= err == TR_OK ? n : 0;
        s->upload = left;
    }
    return err;
}

static tr_err upload_main(tr_self *self, void *arg)
{
    struct stream *s = arg;
    tr_addr pool;
    tr_flow flow;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err == TR_OK)
        err = stream_open(self, pool, s, &flow);
    if (err != TR_OK)
        return err;
    err = write_parts(self, &flow, s);
    if (err == TR_OK)
        err = tr_flow_end(self, &flow);
    if (err != TR_OK && err != TR_ECLOSED)
        return err;
    stream_read(self, &flow, s);
    tr_flow_close(self, &flow);
    s->active = pool_count_becomes(self, pool, POOL_ACTIVE, 0);
    return TR_OK;
}

static void body_goes_up_in_parts(void **state)
{
    const tr_value options[] = { tr_str("upload"), tr_bool(true), tr_str("method"), tr_str("PUT") };
    struct stream s = { .path = "/upload", .options = options, .option_count = 4, .upload = 5000000 };
    (void) state;
    run_actor(upload_main, &s);
    assert_string_equal(s.text, "");
    assert_int_equal(s.status, 200);
    assert_non_null(strstr(s.body, "\"size\": 5000000,"));
    assert_non_null(strstr(s.body, "\"chunked\": true"));
    assert_non_null(strstr(s.body, "\"PUT\""));
}

static void body_of_a_known_size_goes_up_as_it_is(void **state)
{
    const tr_value options[] = { tr_str("upload"), tr_int(120000) };
    struct stream s = { .path = "/upload", .options = options, .option_count = 2, .upload = 120000 };
    (void) state;
    run_actor(upload_main, &s);
    assert_string_equal(s.text, "");
    assert_non_null(strstr(s.body, "\"size\": 120000,"));
    assert_non_null(strstr(s.body, "\"chunked\": false"));
    assert_non_null(strstr(s.body, "\"POST\""));
}

static void empty_body_goes_up(void **state)
{
    const tr_value options[] = { tr_str("upload"), tr_bool(true) };
    struct stream s = { .path = "/upload", .options = options, .option_count = 2 };
    (void) state;
    run_actor(upload_main, &s);
    assert_non_null(strstr(s.body, "\"size\": 0,"));
}

static void server_that_wants_no_body_is_heard(void **state)
{
    const tr_value options[] = { tr_str("upload"), tr_bool(true) };
    struct stream s = { .path = "/upload/refuse", .options = options, .option_count = 2, .upload = 100000 };
    (void) state;
    run_actor(upload_main, &s);
    assert_int_equal(s.active, 0);
    assert_true(s.status == 413 || s.err == TR_FETCH_SEND || s.err == TR_FETCH_HEADER);
}

struct deaf {
    struct stream s;
    tr_flow flow;
};

static tr_err write_all(tr_self *self, void *arg)
{
    struct deaf *d = arg;
    return write_parts(self, &d->flow, &d->s);
}

static tr_err deaf_main(tr_self *self, void *arg)
{
    struct deaf *d = arg;
    struct fetch reset = { .url = at(&web, "/reset") }, go = { .url = at(&web, "/go") };
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err != TR_OK)
        return err;
    fetch_from(self, pool, &reset);
    if ((err = stream_open(self, pool, &d->s, &d->flow)) != TR_OK)
        return err;
    err = tr_within(self, 1000, write_all, d);
    d->s.server_count = (int64_t) d->s.upload; /* what could not be written */
    if (err != TR_ETIMEDOUT)
        return tr_fail_with(self, TR_EFAILED, "writing ended with %s", tr_err_name(err));
    fetch_from(self, pool, &go);
    err = write_parts(self, &d->flow, &d->s);
    if (err == TR_OK)
        err = tr_flow_end(self, &d->flow);
    if (err != TR_OK)
        return err;
    stream_read(self, &d->flow, &d->s);
    tr_flow_close(self, &d->flow);
    return TR_OK;
}

static void server_that_does_not_read_stops_the_writer(void **state)
{
    const tr_value options[] = { tr_str("upload"), tr_bool(true) };
    struct deaf d = {
        .s = { .path = "/upload/deaf", .options = options, .option_count = 2, .upload = 30000000 },
    };
    (void) state;
    run_actor(deaf_main, &d);
    assert_true(d.s.server_count > 10000000);
    assert_string_equal(d.s.text, "");
    assert_non_null(strstr(d.s.body, "\"size\": 30000000,"));
}

static tr_err fail_main(tr_self *self, void *arg)
{
    struct stream *s = arg;
    tr_addr pool;
    tr_flow flow;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err == TR_OK)
        err = stream_open(self, pool, s, &flow);
    if (err == TR_OK)
        err = write_parts(self, &flow, s);
    if (err == TR_OK)
        err = tr_flow_fail(self, &flow, TR_EUSER, "the disk is gone");
    if (err != TR_OK)
        return err;
    stream_read(self, &flow, s);
    tr_flow_close(self, &flow);
    s->active = pool_count_becomes(self, pool, POOL_ACTIVE, 0);
    return TR_OK;
}

static void writer_that_fails_fails_the_request(void **state)
{
    const tr_value options[] = { tr_str("upload"), tr_bool(true) };
    struct stream s = { .path = "/upload", .options = options, .option_count = 2, .upload = 100000 };
    (void) state;
    run_actor(fail_main, &s);
    assert_int_equal(s.err, TR_EUSER);
    assert_string_equal(s.text, "body of the request: the disk is gone");
    assert_int_equal(s.active, 0);
}

static void upload_is_for_streams_alone(void **state)
{
    const tr_value options[] = { tr_str("upload"), tr_bool(true) };
    struct fetch f = { .url = at(&web, "/upload"), .options = options, .option_count = 2 };
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_EINVAL, "option upload is for streams alone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_comes_in_parts_and_ends_with_its_trace),
        cmocka_unit_test(page_without_a_body_is_a_head_and_an_end),
        cmocka_unit_test(compressed_page_is_decompressed_on_the_way),
        cmocka_unit_test(body_of_any_size_takes_no_memory),
        cmocka_unit_test(reader_that_is_behind_stops_the_server),
        cmocka_unit_test(server_is_not_judged_while_the_reader_is_behind),
        cmocka_unit_test(server_that_falls_silent_is_given_up),
        cmocka_unit_test(failure_comes_behind_the_parts_before_it),
        cmocka_unit_test(failure_to_connect_is_the_first_part),
        cmocka_unit_test(limit_of_the_body_holds_when_asked_for),
        cmocka_unit_test(status_that_is_tried_again_is_not_seen),
        cmocka_unit_test(asker_that_closes_ends_the_transfer),
        cmocka_unit_test(all_that_end_with_a_stream_under_way_leave_nothing),
        cmocka_unit_test(stream_without_a_flow_is_refused),
        cmocka_unit_test(body_goes_up_in_parts),
        cmocka_unit_test(body_of_a_known_size_goes_up_as_it_is),
        cmocka_unit_test(empty_body_goes_up),
        cmocka_unit_test(server_that_wants_no_body_is_heard),
        cmocka_unit_test(server_that_does_not_read_stops_the_writer),
        cmocka_unit_test(writer_that_fails_fails_the_request),
        cmocka_unit_test(upload_is_for_streams_alone),
    };
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
