/* SPDX-License-Identifier: MIT */
/* test_retry.c - what is tried again, what is not, and that resting costs nobody anything */
#include "fixture/fixture.h"

#define OPTIONS(f, ...)                         \
    const tr_value options[] = { __VA_ARGS__ }; \
    (f).options = options;                      \
    (f).option_count = sizeof options / sizeof options[0]

#define RETRIES(n) tr_str("retries_max"), tr_int(n), tr_str("retry_delay_ms"), tr_int(1)

static void page_that_fails_is_tried_again_until_it_comes(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/closes/2/close") };
    OPTIONS(f, RETRIES(3));
    (void) state;
    fetch_alone(&f);
    assert_string_equal(f.text, "");
    assert_string_equal(f.body, "try 3");
    assert_int_equal(f.retries, 2);
}

static void nothing_is_tried_again_unless_asked_for(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/unasked/1/503/0") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.status, 503);
    assert_int_equal(f.retries, 0);
}

static void pool_can_ask_for_it(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/pool/1/502"),
                       .pool = { .size = sizeof f.pool, .retries_max = 1, .retry_delay_ms = 1 } };
    (void) state;
    fetch_alone(&f);
    assert_string_equal(f.body, "try 2");
}

static void last_failure_is_the_answer_when_all_tries_are_used(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/never/100/503") }, g = { .url = at(&web, "/flaky/gone/100/close") };
    OPTIONS(f, RETRIES(2));
    (void) state;
    g.options = options;
    g.option_count = f.option_count;
    fetch_alone(&f);
    assert_int_equal(f.status, 503);
    assert_string_equal(f.body, "later");
    assert_int_equal(f.retries, 2);
    fetch_alone(&g);
    assert_string_equal(tr_fetcher_err_name(g.err), "TR_FETCH_HEADER");
}

static void status_that_will_not_pass_is_not_tried_again(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/missing/1/404") };
    OPTIONS(f, RETRIES(3));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.status, 404);
    assert_int_equal(f.retries, 0);
}

static void post_that_was_sent_is_not_sent_again(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/sent/1/close") }, g = { .url = at(&web, "/flaky/busy/1/503") },
                 tries = { .url = at(&web, "/tries/sent") };
    OPTIONS(f, RETRIES(3), tr_str("method"), tr_str("POST"), tr_str("body"), tr_str("order"));
    (void) state;
    g.options = options;
    g.option_count = f.option_count;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_FETCH_HEADER);
    fetch_alone(&tries);
    assert_string_equal(tries.body, "1");
    fetch_alone(&g);
    assert_int_equal(g.status, 503);
    assert_int_equal(g.retries, 0);
}

static void post_is_sent_again_when_the_server_says_when(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/limited/1/429/0") };
    OPTIONS(f, RETRIES(3), tr_str("method"), tr_str("POST"), tr_str("body"), tr_str("order"));
    (void) state;
    fetch_alone(&f);
    assert_string_equal(f.body, "try 2");
}

static void retry_after_is_waited_for_within_bounds(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/second/1/503/1") }, g = { .url = at(&web, "/flaky/hour/1/503/3600") };
    OPTIONS(f, RETRIES(1));
    (void) state;
    g.options = options;
    g.option_count = f.option_count;
    fetch_alone(&f);
    assert_string_equal(f.body, "try 2");
    assert_true(f.elapsed_ms >= 1000);
    fetch_alone(&g);
    assert_int_equal(g.status, 503);
    assert_int_equal(g.retries, 0);
}

static void retry_after_that_is_a_date_in_the_past_is_now(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/date/1/503/Wed,%2001%20Jan%202020%2000:00:00%20GMT") };
    OPTIONS(f, RETRIES(1));
    (void) state;
    fetch_alone(&f);
    assert_string_equal(f.body, "try 2");
}

/* ---- counting tries ---- */

struct seen {
    struct fetch fetch;
    int started, ended;
};

static void count_event(void *ctx, const tr_fetch_event *e)
{
    struct seen *seen = ctx;
    seen->started += !e->done;
    seen->ended += e->done;
}

static void fetch_counted(struct seen *seen)
{
    seen->fetch.pool = (tr_fetcher_opts){ .size = sizeof seen->fetch.pool,
                                          .on_event = count_event,
                                          .on_event_ctx = seen };
    fetch_alone(&seen->fetch);
}

static void post_that_finds_nobody_is_tried_again(void **state)
{
    char url[100];
    struct seen seen = { .fetch = { .url = url } };
    OPTIONS(seen.fetch, RETRIES(2), tr_str("method"), tr_str("POST"), tr_str("body"), tr_str("order"));
    (void) state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", web_refused_port());
    fetch_counted(&seen);
    assert_int_equal(seen.fetch.err, TR_FETCH_CONNECT);
    assert_int_equal(seen.started, 3);
    assert_int_equal(seen.ended, 3);
}

static void certificate_that_is_not_trusted_is_tried_once(void **state)
{
    struct seen seen = { .fetch = { .url = at(&tls_web, "/ok") } };
    OPTIONS(seen.fetch, RETRIES(2));
    (void) state;
    fetch_counted(&seen);
    assert_int_equal(seen.fetch.err, TR_FETCH_TLS);
    assert_int_equal(seen.started, 1);
    assert_int_equal(seen.ended, 1);
}

static void failure_is_told_at_once_when_no_time_is_left_for_another_try(void **state)
{
    struct fetch f = { .url = at(&web, "/flaky/late/1/close") };
    OPTIONS(f, tr_str("retries_max"), tr_int(3), tr_str("retry_delay_ms"), tr_int(60000), tr_str("retry_delay_max_ms"),
            tr_int(60000), tr_str("timeout_ms"), tr_int(20000));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_FETCH_HEADER);
    assert_true(f.elapsed_ms < 15000);
}

/* ---- resting ---- */

struct rest {
    struct fetch other;
    int64_t active, waiting, canceled;
};

static tr_err rest_main(tr_self *self, void *arg)
{
    struct rest *r = arg;
    const tr_fetcher_opts opts = {
        .size = sizeof opts, .total_max = 1, .per_host_max = 1, .retries_max = 1, .retry_delay_ms = 20000
    };
    tr_pending ask = { 0 };
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    if (err == TR_OK)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &ask, "fetch", at(&web, "/flaky/rests/1/close"));
    if (err != TR_OK)
        return err;
    fetch_from(self, pool, &r->other);
    r->active = pool_count_becomes(self, pool, POOL_ACTIVE, 0);
    r->waiting = pool_count_becomes(self, pool, POOL_WAITING, 0);
    tr_ask_cancel(self, ask);
    r->canceled = pool_count_becomes(self, pool, POOL_CANCELED, 1);
    return TR_OK;
}

static void request_that_rests_holds_no_slot_and_is_forgotten_when_its_asker_gives_up(void **state)
{
    struct rest r = { .other = { .url = at(&web, "/ok/4") } };
    (void) state;
    run_actor(rest_main, &r);
    assert_int_equal(r.other.status, 200);
    assert_int_equal(r.active, 0);
    assert_int_equal(r.waiting, 0);
    assert_int_equal(r.canceled, 1);
}

static tr_err end_resting_main(tr_self *self, void *arg)
{
    const tr_fetcher_opts opts = { .size = sizeof opts, .per_host_max = 1, .retries_max = 1, .retry_delay_ms = 20000 };
    tr_pending ask = { 0 };
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    if (err == TR_OK)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &ask, "fetch", at(&web, "/flaky/ends/1/close"));
    if (err == TR_OK)
        fetch_from(self, pool, arg);
    return err;
}

/* run_actor says what is left over. */
static void pool_that_ends_while_a_request_rests_leaves_nothing(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/4") };
    (void) state;
    run_actor(end_resting_main, &f);
    assert_int_equal(f.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_that_fails_is_tried_again_until_it_comes),
        cmocka_unit_test(nothing_is_tried_again_unless_asked_for),
        cmocka_unit_test(pool_can_ask_for_it),
        cmocka_unit_test(last_failure_is_the_answer_when_all_tries_are_used),
        cmocka_unit_test(status_that_will_not_pass_is_not_tried_again),
        cmocka_unit_test(post_that_was_sent_is_not_sent_again),
        cmocka_unit_test(post_is_sent_again_when_the_server_says_when),
        cmocka_unit_test(retry_after_is_waited_for_within_bounds),
        cmocka_unit_test(retry_after_that_is_a_date_in_the_past_is_now),
        cmocka_unit_test(post_that_finds_nobody_is_tried_again),
        cmocka_unit_test(certificate_that_is_not_trusted_is_tried_once),
        cmocka_unit_test(failure_is_told_at_once_when_no_time_is_left_for_another_try),
        cmocka_unit_test(request_that_rests_holds_no_slot_and_is_forgotten_when_its_asker_gives_up),
        cmocka_unit_test(pool_that_ends_while_a_request_rests_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
