/* SPDX-License-Identifier: MIT */
/* test_origin.c - what a URL says of its host, and what is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../internal.h"

static void assert_origin(const char *url, const char *expected, bool tls)
{
    struct origin o;
    const char *why = "";
    char buf[300];
    if (!origin_parse(url, &o, &why))
        fail_msg("%s: %s", url, why);
    assert_string_equal(origin_print(&o, buf, sizeof buf), expected);
    assert_int_equal(o.tls, tls);
}

static void assert_refused(const char *url, const char *expected)
{
    struct origin o;
    const char *why = "taken";
    assert_false(origin_parse(url, &o, &why));
    assert_string_equal(why, expected);
}

static uint64_t hash_of(const char *url)
{
    struct origin o;
    const char *why;
    assert_true(origin_parse(url, &o, &why));
    return origin_hash(&o);
}

static void host_and_port_are_found(void **state)
{
    (void) state;
    assert_origin("http://example.org", "example.org:80", false);
    assert_origin("HTTPS://example.org/a?b#c", "example.org:443", true);
    assert_origin("http://example.org:8080?x", "example.org:8080", false);
    assert_origin("http://example.org:/", "example.org:80", false);
    assert_origin("http://user:pass@host:81/", "host:81", false);
    assert_origin("http://a@b@host/", "host:80", false);
    assert_origin("http://host/@not:user", "host:80", false);
    assert_origin("http://[::1]:8080/", "[::1]:8080", false);
    assert_origin("http://[::1]", "[::1]:80", false);
}

static void wrong_urls_are_refused_in_words(void **state)
{
    (void) state;
    assert_refused("", "it has no scheme, http:// or https://");
    assert_refused("example.org/x", "it has no scheme, http:// or https://");
    assert_refused("ftp://example.org/", "only http and https are fetched");
    assert_refused("http://", "it has no host");
    assert_refused("http:///path", "it has no host");
    assert_refused("http://:80/", "it has no host");
    assert_refused("http://host:99999/", "its port is no number up to 65535");
    assert_refused("http://host:8a/", "its port is no number up to 65535");
    assert_refused("http://host:0/", "its port is 0");
    assert_refused("http://a b/", "it has a space or a control character");
    assert_refused("http://host/\r\nX: y", "it has a space or a control character");
    assert_refused("http://[::1/", "its address has no closing bracket");
    assert_refused("http://[::1]x/", "its address has no closing bracket");
}

static void same_host_has_same_hash_whatever_its_case_or_path(void **state)
{
    (void) state;
    assert_true(hash_of("http://Example.org/a") == hash_of("HTTP://example.ORG:80/b"));
    assert_true(hash_of("http://example.org/") != hash_of("https://example.org/"));
    assert_true(hash_of("http://example.org/") != hash_of("http://example.org:81/"));
    assert_true(hash_of("http://example.org:443/") != hash_of("https://example.org/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_and_port_are_found),
        cmocka_unit_test(wrong_urls_are_refused_in_words),
        cmocka_unit_test(same_host_has_same_hash_whatever_its_case_or_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
