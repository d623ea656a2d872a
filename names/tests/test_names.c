/* SPDX-License-Identifier: MIT */
/* test_names.c - function names and lines of suspended stacks, by libdw */
#include <stdio.h>

#include <troupe/debug_names.h>

#include "support/actor_test.h"

static char *listing(tr_node *node)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(tr_debug_print(node, out), TR_OK);
    fclose(out);
    return text;
}

static int line_of_sleep;

__attribute__((noinline, noclone)) static tr_err sleeps_inside(tr_self *self, volatile int *kept)
{
    line_of_sleep = __LINE__ + 1;
    tr_err err = tr_sleep(self, 1000);
    return *kept == 1 ? err : TR_EFAILED;
}

static inline __attribute__((always_inline)) tr_err inlined_helper(tr_self *self, volatile int *kept)
{
    tr_err err = sleeps_inside(self, kept);
    *kept = 2;
    return err;
}

static tr_err static_body(tr_self *self, void *arg)
{
    volatile int kept = 1;
    (void) arg;
    tr_err err = inlined_helper(self, &kept);
    return kept == 2 ? err : TR_EFAILED;
}

static char *listing_of_a_sleeper(void)
{
    tr_node *node;
    const tr_node_opts opts = { .size = sizeof opts, .virtual_clock = true };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = static_body, .name = "sleeper" };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    tr_test_settle(node);
    char *text = listing(node);
    tr_node_destroy(&node);
    return text;
}

/* S70.7 */
static void suspended_stack_has_names_of_static_and_inlined_functions_and_lines(void **state)
{
    char line[64];
    (void) state;
    assert_int_equal(tr_debug_names(), TR_OK);
    char *text = listing_of_a_sleeper();
    snprintf(line, sizeof line, "test_names.c:%d", line_of_sleep);
    const char *sleep = strstr(text, " tr_sleep at ");
    const char *inside = sleep != NULL ? strstr(sleep, " sleeps_inside at ") : NULL;
    const char *inlined = inside != NULL ? strstr(inside, " inlined_helper at ") : NULL;
    if (inlined == NULL || strstr(inlined, " static_body at ") == NULL || strstr(inside, line) == NULL ||
        strstr(inlined, "(inlined)") == NULL)
        fail_msg("not as it should be:\n%s", text);
    assert_null(strstr(text, "worker_suspend"));
    assert_null(strstr(text, "loop_entry"));
    assert_null(strstr(text, "link troupe_debug"));
    free(text);
}

/* debug.h */
static void listing_without_names_says_how_to_get_them(void **state)
{
    (void) state;
    assert_int_equal(tr_debug_symbols_set(NULL), TR_OK);
    char *text = listing_of_a_sleeper();
    assert_non_null(strstr(text, "link troupe_debug for names"));
    assert_non_null(strstr(text, "test-names+0x"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suspended_stack_has_names_of_static_and_inlined_functions_and_lines),
        cmocka_unit_test(listing_without_names_says_how_to_get_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
