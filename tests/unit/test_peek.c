/* SPDX-License-Identifier: MIT */
/* test_peek.c - memory of this process, read by the kernel */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "debug/peek.h"
#include "support/unit.h"

#define PAGE 4096u

/* Two pages, of which the second can not be read. */
static char *half_readable(void)
{
    char *m = mmap(NULL, 2 * (size_t) PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(m != MAP_FAILED);
    memset(m, 'x', 2 * (size_t) PAGE);
    assert_int_equal(munmap(m + PAGE, PAGE), 0);
    return m;
}

static void what_is_there_is_copied(void **state)
{
    const char text[] = "there";
    char copy[sizeof text];
    (void) state;
    assert_true(peek_all(copy, text, sizeof text));
    assert_string_equal(copy, "there");
    memset(copy, 0, sizeof copy);
    assert_int_equal(peek_by_file(copy, text, sizeof text), sizeof text);
    assert_string_equal(copy, "there");
}

static void copy_ends_where_memory_ends(void **state)
{
    char copy[3 * PAGE];
    char *m = half_readable();
    (void) state;
    assert_int_equal(peek(copy, m + 100, sizeof copy), PAGE - 100);
    assert_int_equal(peek_by_file(copy, m + 100, sizeof copy), PAGE - 100);
    assert_int_equal(copy[0], 'x');
    assert_false(peek_all(copy, m + PAGE - 1, 2));
    munmap(m, PAGE);
}

static void address_that_is_no_memory_gives_nothing_and_keeps_errno(void **state)
{
    char copy[8] = "before";
    (void) state;
    errno = ENOTTY;
    assert_int_equal(peek(copy, (const void *) 8, sizeof copy), 0);
    assert_int_equal(peek(copy, (const void *) (UINTPTR_MAX - 4), 4), 0);
    assert_int_equal(peek_by_file(copy, (const void *) 8, sizeof copy), 0);
    assert_false(peek_all(copy, NULL, 1));
    assert_string_equal(copy, "before");
    assert_int_equal(errno, ENOTTY);
}

static void text_is_cut_and_made_printable(void **state)
{
    char text[6];
    char *m = half_readable();
    (void) state;
    assert_true(peek_text(text, sizeof text, "a\nlong one"));
    assert_string_equal(text, "a?lon");
    assert_true(peek_text(text, sizeof text, "it"));
    assert_string_equal(text, "it");
    assert_true(peek_text(text, sizeof text, m + PAGE - 2)); /* no NUL before its end */
    assert_string_equal(text, "xx");
    assert_false(peek_text(text, sizeof text, NULL));
    assert_string_equal(text, "");
    munmap(m, PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_copied),
        cmocka_unit_test(copy_ends_where_memory_ends),
        cmocka_unit_test(address_that_is_no_memory_gives_nothing_and_keeps_errno),
        cmocka_unit_test(text_is_cut_and_made_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
