/* SPDX-License-Identifier: MIT */
/* test_fetcher.c - pages that come, from a server that means well */
#include "fixture/fixture.h"

#define OPTIONS(f, ...)                         \
    const tr_value options[] = { __VA_ARGS__ }; \
    (f).options = options;                      \
    (f).option_count = sizeof options / sizeof options[0]

static void page_comes_with_status_headers_body_url_and_times(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/2000"), .header_name = "content-type" };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.status, 200);
    assert_int_equal(f.body_len, 2000);
    assert_string_equal(f.final_url, f.url);
    assert_string_equal(f.header, "text/plain");
    assert_int_equal(f.headers, 2);
    assert_int_equal(f.connections, 1);
    assert_int_equal(f.downloaded, 2000);
    assert_true(f.total_us > 0);
}

static void status_404_is_a_page(void **state)
{
    struct fetch f = { .url = at(&web, "/status/404") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.status, 404);
    assert_string_equal(f.body, "status 404");
}

static void empty_page_is_a_page(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/0") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.body_len, 0);
}

static void chunked_page_is_put_together(void **state)
{
    struct fetch f = { .url = at(&web, "/chunked") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_string_equal(f.body, "one,two,three");
}

static void compressed_page_is_decompressed(void **state)
{
    struct fetch f = { .url = at(&web, "/gzip/10000") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.body_len, 10000);
    assert_int_equal(f.body[0], 'z');
    assert_true(f.downloaded < 1000);
}

static void big_page_comes_whole(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/5000000") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.body_len, 5000000);
}

static void page_without_an_end_in_sight_ends_with_the_connection(void **state)
{
    struct fetch f = { .url = at(&web, "/close") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_string_equal(f.body, "closing");
}

static void redirects_are_followed_and_counted(void **state)
{
    struct fetch f = { .url = at(&web, "/redirect/3") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.status, 200);
    assert_int_equal(f.redirects, 3);
    assert_string_equal(f.final_url, at(&web, "/ok/10"));
}

static void redirect_is_given_as_it_is_when_not_followed(void **state)
{
    struct fetch f = { .url = at(&web, "/redirect/3"), .header_name = "location" };
    OPTIONS(f, tr_str("follow"), tr_bool(false));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.status, 302);
    assert_string_equal(f.header, "/redirect/2");
}

static void method_headers_and_body_are_sent(void **state)
{
    struct fetch f = { .url = at(&web, "/echo") };
    const tr_value headers[] = { tr_str("X-One"), tr_str("first"), tr_str("X-Empty"), tr_str("") };
    OPTIONS(f, tr_str("method"), tr_str("PUT"), tr_str("headers"), tr_mapn(headers, 4), tr_str("body"),
            tr_str("the body"));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_non_null(strstr(f.body, "\"method\": \"PUT\""));
    assert_non_null(strstr(f.body, "[\"x-one\", \"first\"]"));
    assert_non_null(strstr(f.body, "[\"x-empty\", \"\"]"));
    assert_non_null(strstr(f.body, "\"body\": \"the body\""));
    assert_null(strstr(f.body, "expect"));
}

static void headers_may_be_an_array_of_pairs(void **state)
{
    struct fetch f = { .url = at(&web, "/echo") };
    const tr_value pair[] = { tr_str("X-Pair"), tr_str("yes") };
    const tr_value pairs[] = { tr_arrayn(pair, 2) };
    OPTIONS(f, tr_str("headers"), tr_arrayn(pairs, 1), tr_str("method"), tr_str("POST"));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_non_null(strstr(f.body, "[\"x-pair\", \"yes\"]"));
    assert_non_null(strstr(f.body, "\"method\": \"POST\""));
}

static void head_gives_no_body(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/99"), .header_name = "content-length" };
    OPTIONS(f, tr_str("method"), tr_str("HEAD"));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.body_len, 0);
    assert_string_equal(f.header, "99");
}

static void tls_page_comes_when_its_authority_is_trusted(void **state)
{
    struct fetch f = { .url = at(&tls_web, "/ok/10"), .pool = { .size = sizeof f.pool, .ca_file = tls_web.cert } };
    (void) state;
    fetch_alone(&f);
    assert_string_equal(f.text, "");
    assert_int_equal(f.status, 200);
}

static void tls_page_comes_when_nobody_verifies(void **state)
{
    struct fetch f = { .url = at(&tls_web, "/ok/10") };
    OPTIONS(f, tr_str("verify"), tr_bool(false));
    (void) state;
    fetch_alone(&f);
    assert_string_equal(f.text, "");
    assert_int_equal(f.status, 200);
}

/* The README quotes it. */
static tr_err fetch_page(tr_self *self, void *arg)
{
    struct fetch *f = arg;
    tr_addr web_pages;
    tr_err err = tr_fetcher_spawn(self, NULL, &web_pages);
    if (err != TR_OK)
        return err;
    const tr_msg *reply;
    tr_page page;
    err = tr_ask(self, web_pages, &reply, "fetch", f->url);
    if (err == TR_OK && (err = tr_page_read(reply, &page)) == TR_OK)
        snprintf(f->text, sizeof f->text, "%d, %zu bytes", page.status, page.body.len);
    return err; /* tr_error(self)->text: "connect 127.0.0.1:1: Connection refused" */
}

static void readme_does_what_it_says(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/12") };
    (void) state;
    run_actor(fetch_page, &f);
    assert_string_equal(f.text, "200, 12 bytes");
}

struct sequence {
    const char *path;
    int64_t fetched, connections;
};

static tr_err fetch_twenty(tr_self *self, void *arg)
{
    struct sequence *s = arg;
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err != TR_OK)
        return err;
    for (int i = 0; i < 20; i++) {
        struct fetch f = { .url = at(&web, s->path) };
        fetch_from(self, pool, &f);
        s->fetched += f.err == TR_OK && f.status == 200;
        s->connections += f.connections;
    }
    return TR_OK;
}

static void connection_is_used_again(void **state)
{
    struct sequence s = { .path = "/ok/10" };
    (void) state;
    run_actor(fetch_twenty, &s);
    assert_int_equal(s.fetched, 20);
    assert_int_equal(s.connections, 1);
}

static void kept_connection_that_the_server_closed_is_no_failure(void **state)
{
    struct sequence s = { .path = "/quiet-close" };
    (void) state;
    run_actor(fetch_twenty, &s);
    assert_int_equal(s.fetched, 20);
    assert_int_equal(s.connections, 20);
}

/* Each but the first is sent on a connection that dies then, and once more: for one handle that is more often than
 * libcurl counts to. */
static void request_on_a_connection_that_dies_is_sent_once_more(void **state)
{
    struct sequence s = { .path = "/close-next" };
    (void) state;
    run_actor(fetch_twenty, &s);
    assert_int_equal(s.fetched, 20);
    assert_int_equal(s.connections, 20);
}

/* A request with options leaves nothing behind for the next on the same handle. */
static tr_err custom_then_plain(tr_self *self, void *arg)
{
    struct fetch *plain = arg, custom = { .url = plain->url };
    OPTIONS(custom, tr_str("method"), tr_str("POST"), tr_str("body"), tr_str("secret"));
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err != TR_OK)
        return err;
    fetch_from(self, pool, &custom);
    fetch_from(self, pool, plain);
    return custom.err;
}

static void options_of_one_request_do_not_reach_the_next(void **state)
{
    struct fetch f = { .url = at(&web, "/echo") };
    (void) state;
    run_actor(custom_then_plain, &f);
    assert_int_equal(f.err, TR_OK);
    assert_non_null(strstr(f.body, "\"method\": \"GET\""));
    assert_null(strstr(f.body, "secret"));
    assert_int_equal(f.connections, 0);
}

static tr_err spawn_by_message(tr_self *self, void *arg)
{
    struct fetch *f = arg;
    tr_msg *args = NULL;
    tr_addr pool;
    tr_err err = tr_msg_new(&args, "fetcher", tr_map("user_agent", "test/1", "fetchers", 2));
    if (err != TR_OK)
        return err;
    const tr_spawn_opts opts = { .size = sizeof opts, .behaviour = &tr_fetcher_pool, .args = args };
    err = tr_spawn_with(self, &opts, &pool);
    tr_msg_free(&args);
    if (err == TR_OK)
        fetch_from(self, pool, f);
    return err;
}

static void pool_can_be_spawned_with_a_map_of_options(void **state)
{
    struct fetch f = { .url = at(&web, "/echo") };
    (void) state;
    run_actor(spawn_by_message, &f);
    assert_string_equal(f.text, "");
    assert_non_null(strstr(f.body, "[\"user-agent\", \"test/1\"]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_comes_with_status_headers_body_url_and_times),
        cmocka_unit_test(status_404_is_a_page),
        cmocka_unit_test(empty_page_is_a_page),
        cmocka_unit_test(chunked_page_is_put_together),
        cmocka_unit_test(compressed_page_is_decompressed),
        cmocka_unit_test(big_page_comes_whole),
        cmocka_unit_test(page_without_an_end_in_sight_ends_with_the_connection),
        cmocka_unit_test(redirects_are_followed_and_counted),
        cmocka_unit_test(redirect_is_given_as_it_is_when_not_followed),
        cmocka_unit_test(method_headers_and_body_are_sent),
        cmocka_unit_test(headers_may_be_an_array_of_pairs),
        cmocka_unit_test(head_gives_no_body),
        cmocka_unit_test(tls_page_comes_when_its_authority_is_trusted),
        cmocka_unit_test(tls_page_comes_when_nobody_verifies),
        cmocka_unit_test(readme_does_what_it_says),
        cmocka_unit_test(connection_is_used_again),
        cmocka_unit_test(kept_connection_that_the_server_closed_is_no_failure),
        cmocka_unit_test(request_on_a_connection_that_dies_is_sent_once_more),
        cmocka_unit_test(options_of_one_request_do_not_reach_the_next),
        cmocka_unit_test(pool_can_be_spawned_with_a_map_of_options),
    };
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
