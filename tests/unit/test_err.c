/* SPDX-License-Identifier: MIT */
/* test_err.c - errors and addresses as text */
#include <string.h>

#include <troupe/base.h>

#include "support/unit.h"

static void every_code_has_a_name_and_a_sentence(void **state)
{
    (void) state;
    for (int i = 0; i <= TR_EKILLED; i++) {
        assert_int_equal(strncmp(tr_err_name((tr_err) i), "TR_", 3), 0);
        assert_string_not_equal(tr_err_text((tr_err) i), "an unknown error");
    }
    assert_string_equal(tr_err_name(TR_ETIMEDOUT), "TR_ETIMEDOUT");
    assert_string_equal(tr_err_text(TR_ETIMEDOUT), "the deadline came first");
}

static void codes_of_the_program_are_named_by_their_distance(void **state)
{
    (void) state;
    assert_string_equal(tr_err_name(TR_EUSER), "TR_EUSER");
    assert_string_equal(tr_err_name((tr_err) (TR_EUSER + 3)), "TR_EUSER+3");
    assert_string_equal(tr_err_text((tr_err) (TR_EUSER + 3)), "an error of the program's own");
    assert_string_equal(tr_err_name(TR_STOP), "TR_STOP");
    assert_string_equal(tr_err_text(TR_STOP), "the actor is done");
}

static void codes_that_do_not_exist_are_shown_as_numbers(void **state)
{
    (void) state;
    assert_string_equal(tr_err_name((tr_err) 500), "tr_err(500)");
    assert_string_equal(tr_err_name((tr_err) -7), "tr_err(-7)");
    assert_string_equal(tr_err_text((tr_err) 500), "an unknown error");
}

static void addresses_show_slot_and_generation_and_the_node_of_others(void **state)
{
    (void) state;
    char buf[TR_ADDR_TEXT_MAX];
    assert_string_equal(tr_addr_text((tr_addr){ 0, UINT64_C(1) << 32 | 3 }, buf), "<3.1>");
    assert_string_equal(tr_addr_text(TR_ADDR_NIL, buf), "<0.0>");
    assert_string_equal(tr_addr_text((tr_addr){ 0xabc, UINT64_C(2) << 32 | 7 }, buf), "<abc:7.2>");
}

static void the_longest_address_fits(void **state)
{
    (void) state;
    char buf[TR_ADDR_TEXT_MAX];
    tr_addr_text((tr_addr){ UINT64_MAX, UINT64_MAX }, buf);
    assert_string_equal(buf, "<ffffffffffffffff:4294967295.4294967295>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_and_a_sentence),
        cmocka_unit_test(codes_of_the_program_are_named_by_their_distance),
        cmocka_unit_test(codes_that_do_not_exist_are_shown_as_numbers),
        cmocka_unit_test(addresses_show_slot_and_generation_and_the_node_of_others),
        cmocka_unit_test(the_longest_address_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
