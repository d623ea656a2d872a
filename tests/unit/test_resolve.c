/* SPDX-License-Identifier: MIT */
/* test_resolve.c - names to socket addresses; without a network (docs/semantics.md, S20) */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <troupe/resolve.h>

#include "support/real_test.h"

struct seen {
    struct notes notes;
    char text[512];
};

static void look_up(tr_self *self, struct seen *s, const char *host, const char *service, const tr_resolve_opts *opts)
{
    char text[TR_ENDPOINT_TEXT_MAX];
    tr_endpoint list[TR_RESOLVE_MAX];
    size_t n = 0;
    tr_err err = tr_resolve(self, host, service, opts, 10000, list, TR_RESOLVE_MAX, &n);
    if (err == TR_OK)
        note(&s->notes, "%zu:%s", n, tr_endpoint_text(&list[0], text));
    else
        note_err(&s->notes, err);
    if (err != TR_OK)
        snprintf(s->text, sizeof s->text, "%s", tr_error(self)->text);
}

static tr_err numbers(tr_self *self, void *arg)
{
    const tr_resolve_opts passive = { .size = sizeof passive, .passive = true, .family = AF_INET };
    tr_node_stats before = { .size = sizeof before }, after = { .size = sizeof after };
    tr_node_stats_get(tr_self_node(self), &before);
    look_up(self, arg, "127.0.0.1", "80", NULL);
    look_up(self, arg, "::1", "443", NULL);
    look_up(self, arg, "192.0.2.7", NULL, NULL);
    look_up(self, arg, NULL, "8080", &passive);
    tr_node_stats_get(tr_self_node(self), &after);
    return before.turns == after.turns ? TR_OK : TR_EFAILED;
}

/* S20.11 */
static void numbers_are_taken_as_they_are_without_suspending(void **state)
{
    struct seen s = { 0 };
    (void) state;
    assert_int_equal(run_actor(numbers, &s), TR_OK);
    assert_string_equal(s.notes.text, "1:127.0.0.1:80 1:[::1]:443 1:192.0.2.7:0 1:0.0.0.0:8080");
}

static tr_err names(tr_self *self, void *arg)
{
    const tr_resolve_opts datagrams = { .size = sizeof datagrams, .family = AF_INET, .type = SOCK_DGRAM };
    look_up(self, arg, "localhost", "9", &datagrams);
    return TR_OK;
}

/* S20.11 */
static void name_of_the_hosts_file_is_found_on_a_thread(void **state)
{
    struct seen s = { 0 };
    (void) state;
    assert_int_equal(run_real(names, &s), TR_OK);
    assert_string_equal(s.notes.text, "1:127.0.0.1:9");
}

static tr_err nonsense(tr_self *self, void *arg)
{
    struct seen *s = arg;
    const tr_resolve_opts numeric = { .size = sizeof numeric, .numeric = true };
    look_up(self, s, "no-such-host", "80", &numeric);
    return TR_OK;
}

/* S20.12 */
static void name_that_is_none_is_an_error_that_names_it_and_what_was_said(void **state)
{
    struct seen s = { 0 };
    (void) state;
    assert_int_equal(run_real(nonsense, &s), TR_OK);
    assert_string_equal(s.notes.text, "EIO");
    assert_string_equal(s.text, "host no-such-host, service 80: Name or service not known (EAI_NONAME)");
}

static tr_err unknown_service(tr_self *self, void *arg)
{
    look_up(self, arg, "127.0.0.1", "no-such-service", NULL);
    return TR_OK;
}

/* S20.12 */
static void service_that_is_none_is_an_error_that_names_it(void **state)
{
    struct seen s = { 0 };
    (void) state;
    assert_int_equal(run_real(unknown_service, &s), TR_OK);
    assert_string_equal(s.notes.text, "EIO");
    assert_non_null(strstr(s.text, "service no-such-service: "));
    assert_non_null(strstr(s.text, "(EAI_SERVICE)"));
}

static tr_err wrong(tr_self *self, void *arg)
{
    struct seen *s = arg;
    char long_name[1100];
    size_t n = 0;
    tr_endpoint one;
    const tr_resolve_opts unsized = { 0 };
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    look_up(self, s, NULL, NULL, NULL);
    look_up(self, s, long_name, "1", NULL);
    look_up(self, s, "127.0.0.1", "1", &unsized);
    note_err(&s->notes, tr_resolve(self, "127.0.0.1", "1", NULL, 0, &one, 0, &n));
    return TR_OK;
}

static void wrong_arguments_are_refused(void **state)
{
    struct seen s = { 0 };
    (void) state;
    assert_int_equal(run_actor(wrong, &s), TR_OK);
    assert_string_equal(s.notes.text, "EINVAL EINVAL EINVAL EINVAL");
}

static tr_err in_vain(tr_self *self, void *arg)
{
    struct seen *s = arg;
    const tr_resolve_opts numeric = { .size = sizeof numeric, .numeric = true };
    for (uint64_t n = 1;; n++) {
        size_t found = 0;
        tr_endpoint one;
        tr_test_fail_alloc(n);
        tr_err err = tr_resolve(self, "no-such-host", "80", &numeric, TR_FOREVER, &one, 1, &found);
        bool walked = tr_test_fail_alloc(0) < n;
        tr_check(self, err == TR_EIO || err == TR_ENOMEM);
        tr_check(self, found == 0);
        if (walked)
            break;
    }
    tr_cancel(self, tr_self_addr(self), "enough");
    look_up(self, s, "no-such-host", "80", &numeric);
    return TR_OK;
}

/* S20.4 */
static void lookup_leaves_nothing_behind_without_memory_or_when_cancelled(void **state)
{
    struct seen s = { 0 };
    (void) state;
    assert_int_equal(run_real(in_vain, &s), TR_OK);
    assert_string_equal(s.notes.text, "ECANCELED");
}

static void endpoint_of_another_family_has_no_text(void **state)
{
    char text[TR_ENDPOINT_TEXT_MAX];
    const tr_endpoint e = { .family = AF_UNIX };
    (void) state;
    assert_string_equal(tr_endpoint_text(&e, text), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_taken_as_they_are_without_suspending),
        cmocka_unit_test(name_of_the_hosts_file_is_found_on_a_thread),
        cmocka_unit_test(name_that_is_none_is_an_error_that_names_it_and_what_was_said),
        cmocka_unit_test(service_that_is_none_is_an_error_that_names_it),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(lookup_leaves_nothing_behind_without_memory_or_when_cancelled),
        cmocka_unit_test(endpoint_of_another_family_has_no_text),
    };
    return run_on_one_and_two_workers(tests);
}
