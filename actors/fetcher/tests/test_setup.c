/* SPDX-License-Identifier: MIT */
/* test_setup.c - credentials: sent where they belong, nowhere else, and never shown */
#include "fixture/fixture.h"

#define OPTIONS(f, ...)                         \
    const tr_value options[] = { __VA_ARGS__ }; \
    (f).options = options;                      \
    (f).option_count = sizeof options / sizeof options[0]

static void basic_credentials_open_the_door(void **state)
{
    struct fetch f = { .url = at(&web, "/auth/basic/me/pass:word") };
    OPTIONS(f, tr_str("user"), tr_str("me:pass:word"));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.status, 200);
}

static void bearer_token_opens_the_door(void **state)
{
    struct fetch f = { .url = at(&web, "/auth/bearer/t0ken") };
    OPTIONS(f, tr_str("bearer"), tr_str("t0ken"));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.status, 200);
}

static void credentials_in_the_url_open_the_door(void **state)
{
    char url[200];
    struct fetch f = { .url = url };
    (void) state;
    snprintf(url, sizeof url, "http://me:pw@127.0.0.1:%d/auth/basic/me/pw", web.port);
    fetch_alone(&f);
    assert_int_equal(f.status, 200);
}

static void wrong_credentials_are_a_page_of_401(void **state)
{
    struct fetch f = { .url = at(&web, "/auth/basic/me/right") };
    OPTIONS(f, tr_str("user"), tr_str("me:wrong"));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.err, TR_OK);
    assert_int_equal(f.status, 401);
}

/* The server is the same; that its name is another is what counts. */
static const char *elsewhere(void)
{
    static char path[100];
    snprintf(path, sizeof path, "/to/http/localhost:%d/echo", web.port);
    return path;
}

static void assert_not_forwarded(struct fetch *f, const char *secret)
{
    f->url = at(&web, elsewhere());
    fetch_alone(f);
    assert_string_equal(f->text, "");
    assert_int_equal(f->redirects, 1);
    assert_null(strstr(f->body, "authorization"));
    assert_null(strstr(f->body, secret));
}

static void credentials_do_not_follow_a_redirect_to_another_host(void **state)
{
    struct fetch user = { .url = NULL }, bearer = { .url = NULL }, header = { .url = NULL };
    const tr_value by_user[] = { tr_str("user"), tr_str("me:secret") };
    const tr_value by_bearer[] = { tr_str("bearer"), tr_str("s3cret") };
    const tr_value headers[] = { tr_str("Authorization"), tr_str("Basic s3cret"), tr_str("Cookie"),
                                 tr_str("id=s3cret") };
    const tr_value by_header[] = { tr_str("headers"), tr_mapn(headers, 4) };
    (void) state;
    user.options = by_user, bearer.options = by_bearer, header.options = by_header;
    user.option_count = bearer.option_count = header.option_count = 2;
    assert_not_forwarded(&user, "secret");
    assert_not_forwarded(&bearer, "s3cret");
    assert_not_forwarded(&header, "s3cret");
}

static void credentials_follow_a_redirect_on_the_same_host(void **state)
{
    char path[100];
    struct fetch f = { .url = NULL };
    OPTIONS(f, tr_str("user"), tr_str("me:secret"));
    (void) state;
    snprintf(path, sizeof path, "/to/http/127.0.0.1:%d/auth/basic/me/secret", web.port);
    f.url = at(&web, path);
    fetch_alone(&f);
    assert_int_equal(f.status, 200);
}

static void failures_do_not_show_credentials(void **state)
{
    char url[200];
    struct fetch refused = { .url = url }, wrong = { .url = "http://me:secret@a b/" },
                 malformed = { .url = "http://me:secret@ex%00ample/" };
    OPTIONS(refused, tr_str("bearer"), tr_str("secret"));
    (void) state;
    snprintf(url, sizeof url, "http://me:secret@127.0.0.1:%d/", web_refused_port());
    fetch_alone(&refused);
    assert_int_equal(refused.err, TR_FETCH_CONNECT);
    assert_null(strstr(refused.text, "secret"));
    fetch_alone(&wrong);
    assert_int_equal(wrong.err, TR_FETCH_URL);
    assert_null(strstr(wrong.text, "secret"));
    fetch_alone(&malformed);
    assert_int_equal(malformed.err, TR_FETCH_URL);
    assert_null(strstr(malformed.text, "secret"));
}

static void wrong_credentials_of_an_option_are_not_repeated(void **state)
{
    struct fetch f = { .url = at(&web, "/ok") }, g = { .url = at(&web, "/ok") }, h = { .url = at(&web, "/ok") };
    OPTIONS(f, tr_str("user"), tr_str("secret"));
    const tr_value injected[] = { tr_str("bearer"), tr_str("secret\r\nX-Smuggled: 1") };
    const tr_value both[] = { tr_str("bearer"), tr_str("secret"), tr_str("user"), tr_str("me:secret") };
    (void) state;
    fetch_alone(&f);
    assert_failed(&f, TR_EINVAL, "option user must be a name and a password with a colon between them");
    g.options = injected;
    g.option_count = 2;
    fetch_alone(&g);
    assert_failed(&g, TR_EINVAL, "option bearer must be a token");
    h.options = both;
    h.option_count = 4;
    fetch_alone(&h);
    assert_failed(&h, TR_EINVAL, "options user and bearer exclude each other");
}

static void credentials_of_one_request_do_not_reach_the_next(void **state)
{
    struct fetch f = { .url = at(&web, "/auth/basic/me/pw") };
    OPTIONS(f, tr_str("user"), tr_str("me:pw"));
    (void) state;
    f.next_url = at(&web, "/echo");
    fetch_alone(&f);
    assert_int_equal(f.status, 200);
    assert_null(strstr(f.body, "authorization"));
}

static void page_is_given_as_it_came_when_nothing_is_to_be_decompressed(void **state)
{
    struct fetch f = { .url = at(&web, "/gzip/10000"), .header_name = "content-encoding" };
    OPTIONS(f, tr_str("compressed"), tr_bool(false));
    (void) state;
    fetch_alone(&f);
    assert_string_equal(f.header, "gzip");
    assert_true(f.body_len < 1000);
}

static void rate_max_is_kept_to(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/2000000") };
    OPTIONS(f, tr_str("rate_max"), tr_int(1000000));
    (void) state;
    fetch_alone(&f);
    assert_int_equal(f.body_len, 2000000);
    assert_true(f.elapsed_ms >= 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_credentials_open_the_door),
        cmocka_unit_test(bearer_token_opens_the_door),
        cmocka_unit_test(credentials_in_the_url_open_the_door),
        cmocka_unit_test(wrong_credentials_are_a_page_of_401),
        cmocka_unit_test(credentials_do_not_follow_a_redirect_to_another_host),
        cmocka_unit_test(credentials_follow_a_redirect_on_the_same_host),
        cmocka_unit_test(failures_do_not_show_credentials),
        cmocka_unit_test(wrong_credentials_of_an_option_are_not_repeated),
        cmocka_unit_test(credentials_of_one_request_do_not_reach_the_next),
        cmocka_unit_test(page_is_given_as_it_came_when_nothing_is_to_be_decompressed),
        cmocka_unit_test(rate_max_is_kept_to),
    };
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
