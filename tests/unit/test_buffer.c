/* SPDX-License-Identifier: MIT */
/* test_buffer.c - bytes in at one end, out at the other */
#include "base/buffer.h"

#include <troupe/test.h>

#include "support/unit.h"

static void what_goes_in_comes_out_in_order_and_empty_holds_no_memory(void **state)
{
    struct buffer b = { 0 };
    char want[5000];
    size_t in = 0, out = 0;
    (void) state;
    for (size_t i = 0; i < sizeof want; i++)
        want[i] = (char) (i * 31);
    while (out < sizeof want) {
        size_t n = in + 37 <= sizeof want ? 37 : sizeof want - in;
        assert_true(buffer_append(&b, want + in, n));
        in += n;
        n = b.len < 23 && in < sizeof want ? b.len : b.len > 23 ? 23 : b.len;
        assert_memory_equal(buffer_bytes(&b), want + out, n);
        buffer_take(&b, n);
        out += n;
    }
    assert_int_equal(b.len, 0);
    assert_null(b.data);
}

static void room_is_what_was_reserved_and_nothing_written_gives_it_back(void **state)
{
    struct buffer b = { 0 };
    (void) state;
    assert_non_null(buffer_reserve(&b, 1000));
    assert_true(buffer_room(&b) >= 1000);
    buffer_commit(&b, 0);
    assert_null(b.data);
}

static void growing_without_memory_changes_nothing(void **state)
{
    struct buffer b = { 0 };
    (void) state;
    assert_true(buffer_append(&b, "abc", 3));
    (void) tr_test_fail_alloc(1);
    assert_null(buffer_reserve(&b, 100000));
    (void) tr_test_fail_alloc(0);
    assert_null(buffer_reserve(&b, SIZE_MAX - 1));
    assert_int_equal(b.len, 3);
    assert_memory_equal(buffer_bytes(&b), "abc", 3);
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order_and_empty_holds_no_memory),
        cmocka_unit_test(room_is_what_was_reserved_and_nothing_written_gives_it_back),
        cmocka_unit_test(growing_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
