/* SPDX-License-Identifier: MIT */
/* kit_user.c - how a program outside of this tree tests its actors: cmocka, and what is installed
 *
 * Built by tests/check_install.sh against an installed prefix, and quoted by docs/testing.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <troupe/test.h>
#include <troupe/troupe.h>

/* ---- the actor under test: greets, and says when nobody came for a minute ---- */

static tr_err greeter(tr_self *self, void *arg)
{
    const tr_addr *boss = arg;
    const tr_msg *m;
    const char *name;
    for (;;) {
        tr_err err = tr_recv_for(self, 60000, &m);
        if (err == TR_ETIMEDOUT)
            err = tr_send(self, *boss, "bored");
        else if (err == TR_OK && tr_is(m, "greet", &name))
            err = tr_reply(self, m, "hello", name);
        if (err != TR_OK)
            return err;
    }
}

/* ---- hours in milliseconds, and nothing left over ---- */

static tr_err greets_and_is_bored(tr_self *self, void *arg)
{
    tr_addr me = tr_self_addr(self), to;
    const tr_msg *r;
    (void) arg;
    tr_err err = tr_spawn(self, greeter, &me, &to);
    if (err == TR_OK)
        err = tr_ask(self, to, &r, "greet", "world");
    if (err == TR_OK && !tr_matches(r, "hello", "world"))
        err = tr_fail_with(self, TR_EBADMSG, "that is no greeting");
    if (err == TR_OK)
        err = tr_expect_nothing(self, 59000);
    if (err == TR_OK)
        err = tr_expect(self, 2000, NULL, "bored");
    return err;
}

static void greeter_answers_and_is_bored_after_a_minute(void **state)
{
    char left[256] = "";
    int64_t ms = 0;
    (void) state;
    assert_int_equal(tr_test_run(greets_and_is_bored, NULL, &ms, left, sizeof left), TR_OK);
    assert_string_equal(left, "");
    assert_int_equal(ms, 60000);
}

/* ---- whatever order, whatever fails ---- */

static tr_err under_one_seed(void *arg, char *why, size_t size)
{
    return tr_test_run(greets_and_is_bored, arg, NULL, why, size);
}

static void order_does_not_matter(void **state)
{
    char why[256];
    (void) state;
    if (tr_test_seeds(100, 5000, under_one_seed, NULL, NULL, why, sizeof why) != TR_OK)
        fail_msg("%s", why);
}

static void whichever_allocation_fails_nothing_is_left(void **state)
{
    char left[256] = "";
    (void) state;
    bool came = true;
    for (uint64_t n = 1; came; n++) {
        (void) tr_test_fail_alloc(n);
        (void) tr_test_run(greets_and_is_bored, NULL, NULL, left, sizeof left);
        came = tr_test_fail_alloc(0) >= n;
        assert_string_equal(left, "");
    }
}

/* ---- what is said to whom, seen from outside ---- */

static void greeter_tells_its_boss_once_a_minute(void **state)
{
    tr_node *node;
    tr_record *said;
    tr_addr boss;
    const tr_node_opts opts = { .size = sizeof opts, .virtual_clock = true };
    const tr_spawn_opts recorder = { .size = sizeof recorder, .behaviour = &tr_recorder };
    const tr_spawn_opts tested = { .size = sizeof tested, .body = greeter, .arg = &boss };
    (void) state;
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &recorder, &boss), TR_OK);
    assert_int_equal(tr_node_spawn(node, &tested, NULL), TR_OK);
    assert_int_equal(tr_record_open(node, boss, &said), TR_OK);
    assert_int_equal(tr_record_expect(said, 60000, "bored"), TR_OK);
    assert_int_equal(tr_record_expect_nothing(said, 59999), TR_OK);
    assert_int_equal(tr_record_expect(said, 1, "bored"), TR_OK);
    tr_record_close(&said);
    tr_node_destroy(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greeter_answers_and_is_bored_after_a_minute),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(whichever_allocation_fails_nothing_is_left),
        cmocka_unit_test(greeter_tells_its_boss_once_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
