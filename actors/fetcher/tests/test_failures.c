/* SPDX-License-Identifier: MIT */
/* test_failures.c - pages that do not come: each failure names its phase, the host and the reason, as the asker reads
 * it */
#include <unistd.h>

#include "fixture/fixture.h"

#define OPTIONS(f, ...)                         \
    const tr_value options[] = { __VA_ARGS__ }; \
    (f).options = options;                      \
    (f).option_count = sizeof options / sizeof options[0]

/* "PHASE 127.0.0.1:PORT: REASON"; valid until the next call. */
static const char *words(const char *phase, int port, const char *reason)
{
    static char text[400];
    snprintf(text, sizeof text, "%s 127.0.0.1:%d: %s", phase, port, reason);
    return text;
}

static void assert_fails(const char *path, tr_err err, const char *phase, const char *reason)
{
    struct fetch f = { .url = at(&web, path) };
    fetch_alone(&f);
    assert_failed(&f, err, words(phase, web.port, reason));
}

static void wrong_url_is_refused(void **state)
{
    struct fetch none = { .url = "example.org" }, other = { .url = "ftp://example.org/" },
                 spaced = { .url = "http://a b/" };
    (void) state;
    fetch_alone(&none);
    assert_failed(&none, TR_FETCH_URL, "url \"example.org\": it has no scheme, http:// or https://");
    fetch_alone(&other);
    assert_failed(&other, TR_FETCH_URL, "url \"ftp://example.org/\": only http and https are fetched");
    fetch_alone(&spaced);
    assert_failed(&spaced, TR_FETCH_URL, "url \"http://a b/\": it has a space or a control character");
}

static void url_that_only_curl_finds_wrong_is_refused(void **state)
{
    struct fetch f = { .url = "http://[::1]junk]/" }, g = { .url = "http://ex%00ample/" };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_FETCH_URL);
    fetch_alone(&g);
    assert_string_equal(tr_fetcher_err_name(g.err), "TR_FETCH_URL");
    assert_memory_equal(g.text, "url \"http://ex%00ample/\": ", 25);
}

static void host_that_does_not_resolve(void **state)
{
    struct fetch f = { .url = "http://nohost.invalid/" };
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_FETCH_RESOLVE, "resolve nohost.invalid:80: Couldn't resolve host name");
}

static void refused_port(void **state)
{
    char url[100];
    int port = web_refused_port();
    struct fetch f = { .url = url };
    (void) state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    fetch_alone(&f);
    assert_failed(&f, TR_FETCH_CONNECT, words("connect", port, "Connection refused"));
}

static void host_that_does_not_answer_hits_the_connect_timeout(void **state)
{
    char url[100];
    int fds[WEB_DEAF_FDS], port = web_deaf_port(fds);
    struct fetch f = { .url = url };
    OPTIONS(f, tr_str("connect_timeout_ms"), tr_int(200));
    (void) state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    fetch_alone(&f);
    web_deaf_close(fds);
    assert_failed(&f, TR_FETCH_TIMEOUT, words("connect", port, "not connected after 200 ms"));
}

static void server_that_is_mute_hits_the_connect_timeout_in_tls(void **state)
{
    (void) state;
    SKIP_UNDER_VALGRIND_BECAUSE("reading the authorities takes longer than the timeout");
    char url[100];
    int fd, port = web_mute_port(&fd);
    struct fetch f = { .url = url };
    OPTIONS(f, tr_str("connect_timeout_ms"), tr_int(200));
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
    fetch_alone(&f);
    close(fd);
    assert_failed(&f, TR_FETCH_TIMEOUT, words("tls", port, "not connected after 200 ms"));
}

static void unknown_authority_fails_in_tls(void **state)
{
    struct fetch f = { .url = at(&tls_web, "/ok/10") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_FETCH_TLS);
    assert_memory_equal(f.text, words("tls", tls_web.port, "SSL certificate problem: self"), 40);
}

static void plain_server_fails_in_tls(void **state)
{
    char url[100];
    struct fetch f = { .url = url };
    (void) state;
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", web.port);
    fetch_alone(&f);
    assert_int_equal(f.err, TR_FETCH_TLS);
    assert_memory_equal(f.text, "tls 127.0.0.1:", 14);
}

static void garbage_fails_in_header(void **state)
{
    (void) state;
    assert_fails("/garbage", TR_FETCH_HEADER, "header", "Received HTTP/0.9 when not allowed");
}

static void server_that_says_nothing_fails_in_header(void **state)
{
    (void) state;
    assert_fails("/stop/at-once", TR_FETCH_HEADER, "header", "Empty reply from server");
}

static void server_that_stops_in_the_header(void **state)
{
    (void) state;
    assert_fails("/stop/headers", TR_FETCH_HEADER, "header", "the connection was closed in the middle of the headers");
}

static void server_that_stops_in_the_body(void **state)
{
    struct fetch chunked = { .url = at(&web, "/stop/chunk") };
    (void) state;
    assert_fails("/stop/body", TR_FETCH_BODY, "body", "transfer closed with 990 bytes remaining to read");
    fetch_alone(&chunked);
    assert_int_equal(chunked.err, TR_FETCH_BODY);
}

static void body_that_is_not_compressed_as_it_says(void **state)
{
    struct fetch f = { .url = at(&web, "/bad-gzip") };
    (void) state;
    fetch_alone(&f);
    assert_string_equal(tr_fetcher_err_name(f.err), "TR_FETCH_BODY");
}

static void redirects_beyond_the_limit(void **state)
{
    struct fetch f = { .url = at(&web, "/loop") }, g = { .url = at(&web, "/redirect/3") };
    OPTIONS(g, tr_str("redirects_max"), tr_int(2));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_FETCH_REDIRECTS, words("redirect", web.port, "Maximum (10) redirects followed"));
    fetch_alone(&g);
    assert_failed(&g, TR_FETCH_REDIRECTS, words("redirect", web.port, "Maximum (2) redirects followed"));
}

static void redirect_to_a_file_is_refused(void **state)
{
    struct fetch f = { .url = at(&web, "/to/file/etc/passwd") };
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_FETCH_REDIRECTS);
    assert_memory_equal(f.text, "redirect ", 9);
}

static void failure_after_a_redirect_names_the_new_host(void **state)
{
    char path[100];
    int port = web_refused_port();
    struct fetch f = { .url = NULL };
    (void) state;
    snprintf(path, sizeof path, "/to/http/127.0.0.1:%d/", port);
    f.url = at(&web, path);
    fetch_alone(&f);
    assert_failed(&f, TR_FETCH_CONNECT, words("connect", port, "Connection refused"));
}

/* libcurl 7.88 sets its connect timer once, at the start: if the hop before the redirect took most of it, that is
 * spent while the second connection still has time. */
static void connect_timeout_after_a_slow_redirect_is_ours(void **state)
{
    char path[100];
    int fds[WEB_DEAF_FDS], port = web_deaf_port(fds);
    struct fetch f = { .url = NULL };
    OPTIONS(f, tr_str("connect_timeout_ms"), tr_int(300));
    (void) state;
    snprintf(path, sizeof path, "/slow-redirect/200/http/127.0.0.1:%d/", port);
    f.url = at(&web, path);
    fetch_alone(&f);
    web_deaf_close(fds);
    assert_failed(&f, TR_FETCH_TIMEOUT, words("connect", port, "not connected after 300 ms"));
    assert_true(f.elapsed_ms < 5000); /* not when the idle timeout looks at it */
}

static void connect_timeout_after_a_redirect_is_in_connect(void **state)
{
    char path[100];
    int fds[WEB_DEAF_FDS], port = web_deaf_port(fds);
    struct fetch f = { .url = NULL };
    OPTIONS(f, tr_str("connect_timeout_ms"), tr_int(200));
    (void) state;
    snprintf(path, sizeof path, "/to/http/127.0.0.1:%d/", port);
    f.url = at(&web, path);
    fetch_alone(&f);
    web_deaf_close(fds);
    assert_failed(&f, TR_FETCH_TIMEOUT, words("connect", port, "not connected after 200 ms"));
}

/* ---- size ---- */

static void compression_bomb_is_stopped(void **state)
{
    (void) state;
    assert_fails("/bomb", TR_FETCH_TOO_BIG, "body", "more than 16777216 bytes of body, the limit");
}

static void body_without_end_is_stopped(void **state)
{
    struct fetch f = { .url = at(&web, "/endless") };
    OPTIONS(f, tr_str("body_max"), tr_int(100000));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_FETCH_TOO_BIG, words("body", web.port, "more than 100000 bytes of body, the limit"));
}

static void body_that_is_announced_too_big_is_not_begun(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/5000") };
    OPTIONS(f, tr_str("download_max"), tr_int(1000));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_FETCH_TOO_BIG, words("body", web.port, "the page says it is more than 1000 bytes, the limit"));
}

static void body_just_at_the_limit_comes(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/1000") };
    OPTIONS(f, tr_str("download_max"), tr_int(1000), tr_str("body_max"), tr_int(1000));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.body_len, 1000);
}

static void flood_of_headers_is_stopped(void **state)
{
    (void) state;
    assert_fails("/headers/600", TR_FETCH_TOO_BIG, "header",
                 "more than 500 lines or 262144 bytes of headers, the limit");
}

/* ---- time ---- */

static void body_that_drips_hits_the_idle_timeout(void **state)
{
    struct fetch f = { .url = at(&web, "/drip") };
    OPTIONS(f, tr_str("idle_timeout_ms"), tr_int(300));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_FETCH_TIMEOUT, words("body", web.port, "no data for 300 ms"));
}

static void header_that_drips_hits_the_idle_timeout(void **state)
{
    struct fetch f = { .url = at(&web, "/drip-header") };
    OPTIONS(f, tr_str("idle_timeout_ms"), tr_int(300));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_FETCH_TIMEOUT, words("header", web.port, "no data for 300 ms"));
}

static void server_that_is_never_idle_but_too_slow_is_stopped(void **state)
{
    struct fetch f = { .url = at(&web, "/trickle/20") };
    OPTIONS(f, tr_str("idle_timeout_ms"), tr_int(400), tr_str("rate_min"), tr_int(1000));
    (void) state;
    fetch_alone(&f);
    assert_string_equal(tr_fetcher_err_name(f.err), "TR_FETCH_TIMEOUT");
    assert_non_null(strstr(f.text, ": too slow: "));
    assert_non_null(strstr(f.text, " bytes in 400 ms"));
}

static void server_that_never_answers_hits_the_total_timeout(void **state)
{
    struct fetch f = { .url = at(&web, "/hang") };
    OPTIONS(f, tr_str("timeout_ms"), tr_int(200));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_FETCH_TIMEOUT, words("header", web.port, "not done after 200 ms"));
}

/* ---- options ---- */

static void unknown_option_is_named(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/1") };
    OPTIONS(f, tr_str("timout_ms"), tr_int(1));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_EINVAL, "unknown option \"timout_ms\"");
}

static void option_of_wrong_type_or_range_is_named(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/1") }, g = f;
    OPTIONS(f, tr_str("timeout_ms"), tr_int(0));
    const tr_value wrong[] = { tr_str("verify"), tr_str("yes") };
    g.options = wrong;
    g.option_count = 2;
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_EINVAL, "option timeout_ms must be a number from 1 to 31536000000");
    fetch_alone(&g);
    assert_failed(&g, TR_EINVAL, "option verify must be true or false");
}

static void header_that_would_smuggle_another_is_refused(void **state)
{
    struct fetch f = { .url = at(&web, "/echo") };
    const tr_value header[] = { tr_str("X"), tr_str("a\r\nY: b") };
    OPTIONS(f, tr_str("headers"), tr_mapn(header, 2));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_EINVAL, "option headers must be a map or an array of [name, value], without line breaks");
}

static tr_err spawn_wrong_pool(tr_self *self, void *arg)
{
    struct fetch *f = arg;
    tr_addr pool;
    f->err = tr_fetcher_spawn(self, &f->pool, &pool);
    snprintf(f->text, sizeof f->text, "%s", tr_error(self)->text);
    return TR_OK;
}

static void pool_option_out_of_range_is_named(void **state)
{
    struct fetch f = { .pool = { .size = sizeof f.pool, .fetchers = 65 } };
    (void) state;
    run_actor(spawn_wrong_pool, &f);
    assert_failed(&f, TR_EINVAL, "option fetchers must be a number from 0 to 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_url_is_refused),
        cmocka_unit_test(url_that_only_curl_finds_wrong_is_refused),
        cmocka_unit_test(host_that_does_not_resolve),
        cmocka_unit_test(refused_port),
        cmocka_unit_test(host_that_does_not_answer_hits_the_connect_timeout),
        cmocka_unit_test(server_that_is_mute_hits_the_connect_timeout_in_tls),
        cmocka_unit_test(unknown_authority_fails_in_tls),
        cmocka_unit_test(plain_server_fails_in_tls),
        cmocka_unit_test(garbage_fails_in_header),
        cmocka_unit_test(server_that_says_nothing_fails_in_header),
        cmocka_unit_test(server_that_stops_in_the_header),
        cmocka_unit_test(server_that_stops_in_the_body),
        cmocka_unit_test(body_that_is_not_compressed_as_it_says),
        cmocka_unit_test(redirects_beyond_the_limit),
        cmocka_unit_test(redirect_to_a_file_is_refused),
        cmocka_unit_test(failure_after_a_redirect_names_the_new_host),
        cmocka_unit_test(connect_timeout_after_a_slow_redirect_is_ours),
        cmocka_unit_test(connect_timeout_after_a_redirect_is_in_connect),
        cmocka_unit_test(compression_bomb_is_stopped),
        cmocka_unit_test(body_without_end_is_stopped),
        cmocka_unit_test(body_that_is_announced_too_big_is_not_begun),
        cmocka_unit_test(body_just_at_the_limit_comes),
        cmocka_unit_test(flood_of_headers_is_stopped),
        cmocka_unit_test(body_that_drips_hits_the_idle_timeout),
        cmocka_unit_test(header_that_drips_hits_the_idle_timeout),
        cmocka_unit_test(server_that_is_never_idle_but_too_slow_is_stopped),
        cmocka_unit_test(server_that_never_answers_hits_the_total_timeout),
        cmocka_unit_test(unknown_option_is_named),
        cmocka_unit_test(option_of_wrong_type_or_range_is_named),
        cmocka_unit_test(header_that_would_smuggle_another_is_refused),
        cmocka_unit_test(pool_option_out_of_range_is_named),
    };
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
