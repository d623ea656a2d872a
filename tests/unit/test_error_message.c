/* SPDX-License-Identifier: MIT */
/* test_error_message.c - error replies and the chain of what led to them */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "support/messages.h"

static void an_error_says_what_where_and_who(void **state)
{
    (void) state;
    tr_error_info info[3];
    struct tr_msg *m = msg_error(&pool, TR_EFULL, "no room", "send", "counter", NULL);
    assert_int_equal(m->kind, MSG_ERROR);
    assert_int_equal(msg_error_code(m), TR_EFULL);
    assert_string_equal(msg_error_text(m), "no room");
    assert_int_equal(msg_error_read(m, info, 3), 1);
    assert_string_equal(info[0].phase, "send");
    assert_string_equal(info[0].actor, "counter");
    assert_null(info[0].cause);
    drop(m);
}

static void parts_that_are_missing_read_as_empty(void **state)
{
    (void) state;
    tr_error_info info;
    struct tr_msg *m = msg_error(&pool, TR_EUSER, NULL, NULL, NULL, NULL), *odd = make_reply("not a code", 5);
    assert_string_equal(msg_error_text(m), "");
    assert_int_equal(msg_error_code(odd), TR_EFAILED);
    assert_string_equal(msg_error_text(odd), "");
    assert_int_equal(msg_error_read(odd, &info, 1), 1);
    assert_string_equal(info.actor, "");
    drop(m);
    drop(odd);
}

static void a_code_that_is_no_error_reads_as_failed(void **state)
{
    (void) state;
    const tr_value codes[] = { tr_int(0), tr_int(-1), tr_int(TR_STOP), tr_int(INT64_C(1) << 40), tr_nil() };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct tr_msg *m = make_reply(codes[i]);
        assert_int_equal(msg_error_code(m), TR_EFAILED);
        drop(m);
    }
}

/* Errors 1 to n, each caused by the one before. */
static struct tr_msg *chain_of(int n)
{
    struct tr_msg *m = NULL;
    for (int i = 1; i <= n; i++) {
        char text[20];
        snprintf(text, sizeof text, "error %d", i);
        struct tr_msg *next = msg_error(&pool, TR_EFAILED, text, "ask", "who", m);
        assert_non_null(next);
        if (m != NULL)
            drop(m);
        m = next;
    }
    return m;
}

static void causes_are_linked_newest_first(void **state)
{
    (void) state;
    tr_error_info info[5];
    struct tr_msg *m = chain_of(3);
    assert_int_equal(msg_error_read(m, info, 5), 3);
    assert_string_equal(info[0].text, "error 3");
    assert_ptr_equal(info[0].cause, &info[1]);
    assert_string_equal(info[1].text, "error 2");
    assert_ptr_equal(info[1].cause, &info[2]);
    assert_string_equal(info[2].text, "error 1");
    assert_null(info[2].cause);
    drop(m);
}

static void a_chain_is_read_no_further_than_there_is_room(void **state)
{
    (void) state;
    tr_error_info info[2];
    struct tr_msg *m = chain_of(3);
    assert_int_equal(msg_error_read(m, info, 2), 2);
    assert_null(info[1].cause);
    assert_int_equal(msg_error_read(m, info, 0), 0);
    drop(m);
}

static void a_chain_too_long_keeps_its_newest_and_its_oldest(void **state)
{
    (void) state;
    tr_error_info info[40];
    struct tr_msg *m = chain_of(40);
    size_t n = msg_error_read(m, info, 40);
    assert_int_equal(n, MSG_DEPTH_MAX + 1);
    assert_string_equal(info[0].text, "error 40");
    assert_string_equal(info[n - 1].text, "error 1");
    drop(m);
}

static void without_memory_there_is_no_error_message(void **state)
{
    (void) state;
    mem_fail_at(1);
    struct tr_msg *m = msg_error(&pool, TR_EFULL, "no room", "send", "counter", NULL);
    mem_fail_at(0);
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        message_test(an_error_says_what_where_and_who),
        message_test(parts_that_are_missing_read_as_empty),
        message_test(a_code_that_is_no_error_reads_as_failed),
        message_test(causes_are_linked_newest_first),
        message_test(a_chain_is_read_no_further_than_there_is_room),
        message_test(a_chain_too_long_keeps_its_newest_and_its_oldest),
        message_test(without_memory_there_is_no_error_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
