/* SPDX-License-Identifier: MIT */
/* test_proxy.c - the way to a host: proxies, and versions of HTTP */
#include <stdlib.h>

#include "fixture/fixture.h"

#define OPTIONS(f, ...)                         \
    const tr_value options[] = { __VA_ARGS__ }; \
    (f).options = options;                      \
    (f).option_count = sizeof options / sizeof options[0]

static struct web h2_web;

/* "SCHEME://[USER@]127.0.0.1:PORT"; valid until the next call. */
static const char *proxy(const char *before, int port)
{
    static char text[200];
    snprintf(text, sizeof text, "%s127.0.0.1:%d", before, port);
    return text;
}

static void assert_comes_through(const char *before, const char *url)
{
    struct fetch f = { .url = url, .counted = "proxied" };
    OPTIONS(f, tr_str("proxy"), tr_str(proxy(before, web.port)), tr_str("verify"), tr_bool(false));
    fetch_alone(&f);
    assert_string_equal(f.text, "");
    assert_int_equal(f.status, 200);
    assert_int_equal(f.body_len, 5);
    assert_int_equal(f.count, 1);
}

static void page_comes_through_an_http_proxy(void **state)
{
    (void) state;
    assert_comes_through("http://", at(&web, "/ok/5"));
    assert_comes_through("", at(&web, "/ok/5"));
}

static void tls_page_comes_through_a_tunnel(void **state)
{
    (void) state;
    assert_comes_through("http://", at(&tls_web, "/ok/5"));
}

static void page_comes_through_socks(void **state)
{
    (void) state;
    assert_comes_through("socks5h://", at(&web, "/ok/5"));
    assert_comes_through("socks5://", at(&tls_web, "/ok/5"));
}

static void host_of_no_proxy_is_reached_without_it(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/5"), .counted = "proxied" };
    OPTIONS(f, tr_str("proxy"), tr_str(proxy("http://", web.port)), tr_str("no_proxy"), tr_str("other,127.0.0.1"));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.status, 200);
    assert_int_equal(f.count, 0);
}

static void environment_counts_only_when_asked(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/5"), .counted = "proxied" },
                 g = { .url = at(&web, "/ok/5"), .counted = "proxied" };
    (void) state;
    setenv("http_proxy", proxy("http://", web.port), 1);
    fetch_alone(&f);
    g.pool = (tr_fetcher_opts){ .size = sizeof g.pool, .proxy_from_env = true };
    fetch_alone(&g);
    unsetenv("http_proxy");
    assert_int_equal(f.count, 0);
    assert_int_equal(g.status, 200);
    assert_int_equal(g.count, 1);
}

static void proxy_of_the_environment_that_is_not_there(void **state)
{
    char text[200];
    int port = web_refused_port();
    struct fetch f = { .url = at(&web, "/ok/5"), .pool = { .size = sizeof f.pool, .proxy_from_env = true } };
    struct fetch g = { .url = "http://127.0.0.1:1/", .pool = { .size = sizeof f.pool, .proxy_from_env = true } };
    (void) state;
    setenv("http_proxy", proxy("http://user:secret@", port), 1);
    fetch_alone(&f);
    unsetenv("http_proxy");
    snprintf(text, sizeof text, "Failed to connect to 127.0.0.1 port %d ", port);
    assert_string_equal(tr_fetcher_err_name(f.err), "TR_FETCH_PROXY");
    assert_non_null(strstr(f.text, text));
    fetch_alone(&g);
    assert_failed(&g, TR_FETCH_CONNECT, "connect 127.0.0.1:1: Connection refused");
}

static void proxy_that_is_not_there_is_named_without_its_password(void **state)
{
    char text[200];
    int port = web_refused_port();
    struct fetch f = { .url = at(&web, "/ok/5") };
    OPTIONS(f, tr_str("proxy"), tr_str(proxy("http://user:secret@", port)));
    (void) state;
    fetch_alone(&f);
    snprintf(text, sizeof text, "proxy 127.0.0.1:%d: Connection refused", port);
    assert_failed(&f, TR_FETCH_PROXY, text);
}

static void proxy_that_lets_nobody_through(void **state)
{
    struct fetch f = { .url = at(&tls_web, "/ok/5") };
    OPTIONS(f, tr_str("proxy"), tr_str(proxy("http://no:entry@", web.port)));
    (void) state;
    fetch_alone(&f);
    assert_string_equal(tr_fetcher_err_name(f.err), "TR_FETCH_PROXY");
    assert_non_null(strstr(f.text, "403"));
    assert_null(strstr(f.text, "entry"));
}

static void proxy_that_is_none_is_refused_without_repeating_it(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/5") }, g = { .url = at(&web, "/ok/5") };
    OPTIONS(f, tr_str("proxy"), tr_str("ftp://user:secret@host"));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_EINVAL,
                  "option proxy must begin with http://, https://, socks4://, socks4a://, socks5:// or "
                  "socks5h://");
    g.pool = (tr_fetcher_opts){ .size = sizeof g.pool, .proxy = "ftp://user:secret@host" };
    g.expects_no_pool = true;
    fetch_alone(&g);
    assert_int_equal(g.err, TR_EINVAL);
    assert_null(strstr(g.text, "secret"));
}

static void proxy_with_a_port_that_is_none_does_not_show_its_password(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/5") };
    OPTIONS(f, tr_str("proxy"), tr_str("http://user:secret@host:notaport"));
    (void) state;
    fetch_alone(&f);
    assert_int_not_equal(f.err, TR_OK);
    assert_null(strstr(f.text, "secret"));
}

/* ---- versions of HTTP ---- */

static bool has_h2(void)
{
    if (h2_web.port == 0)
        print_message("skipped: there is no nginx to speak HTTP/2 with\n");
    return h2_web.port != 0;
}

static void http_2_is_spoken_with_a_server_that_can(void **state)
{
    struct fetch f = { .url = at(&h2_web, "/") };
    OPTIONS(f, tr_str("http"), tr_str("2"), tr_str("verify"), tr_bool(false));
    (void) state;
    if (!has_h2())
        skip();
    fetch_alone(&f);
    assert_string_equal(f.text, "");
    assert_string_equal(f.body, "HTTP/2.0");
    assert_int_equal(f.http, 20);
}

static void http_1_1_is_spoken_when_asked(void **state)
{
    struct fetch f = { .url = at(&h2_web, "/") };
    OPTIONS(f, tr_str("http"), tr_str("1.1"), tr_str("verify"), tr_bool(false));
    (void) state;
    if (!has_h2())
        skip();
    fetch_alone(&f);
    assert_string_equal(f.body, "HTTP/1.1");
    assert_int_equal(f.http, 11);
}

static tr_err many_main(tr_self *self, void *arg)
{
    struct fetch *f = arg;
    const tr_fetcher_opts opts = { .size = sizeof opts, .per_host_max = 20, .http = "2", .insecure = true };
    tr_pending asks[20];
    tr_outcome outcomes[20];
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    for (size_t i = 0; i < 20 && err == TR_OK; i++)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &asks[i], "fetch", at(&h2_web, "/file"));
    if (err == TR_OK)
        err = tr_gather(self, asks, 20, TR_FAIL_FAST, outcomes);
    for (size_t i = 0; i < 20 && err == TR_OK; i++) {
        tr_page page;
        err = tr_page_read(outcomes[i].reply, &page);
        if (err != TR_OK)
            return err;
        f->connections += tr_page_info(&page, "connections");
        f->body_len += page.body.len;
    }
    return err;
}

static void http_2_carries_many_pages_on_one_connection(void **state)
{
    struct fetch f = { .url = NULL };
    (void) state;
    if (!has_h2())
        skip();
    run_actor(many_main, &f);
    assert_int_equal(f.body_len, 60000000);
    assert_int_equal(f.connections, 1);
}

static void version_that_is_none_is_refused(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/5") };
    OPTIONS(f, tr_str("http"), tr_str("4"));
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_EINVAL, "option http must be 1.0, 1.1, 2 or 2-prior-knowledge");
}

static int start(void **state)
{
    return servers_start(state) == 0 && web_start_h2(&h2_web) ? 0 : -1;
}

static int stop(void **state)
{
    web_stop(&h2_web);
    return servers_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_comes_through_an_http_proxy),
        cmocka_unit_test(tls_page_comes_through_a_tunnel),
        cmocka_unit_test(page_comes_through_socks),
        cmocka_unit_test(host_of_no_proxy_is_reached_without_it),
        cmocka_unit_test(environment_counts_only_when_asked),
        cmocka_unit_test(proxy_of_the_environment_that_is_not_there),
        cmocka_unit_test(proxy_that_is_not_there_is_named_without_its_password),
        cmocka_unit_test(proxy_that_lets_nobody_through),
        cmocka_unit_test(proxy_that_is_none_is_refused_without_repeating_it),
        cmocka_unit_test(proxy_with_a_port_that_is_none_does_not_show_its_password),
        cmocka_unit_test(http_2_is_spoken_with_a_server_that_can),
        cmocka_unit_test(http_1_1_is_spoken_when_asked),
        cmocka_unit_test(http_2_carries_many_pages_on_one_connection),
        cmocka_unit_test(version_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
