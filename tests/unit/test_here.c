/* SPDX-License-Identifier: MIT */
/* test_here.c - the stack of the code that asks */
#include <stdio.h>

#include "debug/here.h"
#include "support/unit.h"

static uintptr_t asked_from;

__attribute__((noinline)) static void ask(struct here *here)
{
    asked_from = (uintptr_t) __builtin_return_address(0);
    here_take(here);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

struct seen {
    int n;
    bool caller;
};

static bool see(void *ctx, const tr_debug_frame *frame)
{
    struct seen *s = ctx;
    s->n++;
    s->caller = s->caller || frame->ip == asked_from;
    return true;
}

static void stack_begins_at_the_caller_and_leads_outwards(void **state)
{
    static struct here here;
    struct symbols symbols;
    struct seen seen = { 0 };
    (void) state;
    ask(&here);
    const tr_debug_stack stack = here_stack(&here);
    symbols_open(&symbols);
    symbols_walk(&symbols, &stack, see, &seen);
    symbols_close(&symbols);
    assert_true(seen.caller);
    assert_true(seen.n >= 2);
    assert_true(stack.size > 0 && stack.sp >= stack.low);
    assert_in_range(stack.ip, (uintptr_t) ask, (uintptr_t) ask + 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stack_begins_at_the_caller_and_leads_outwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
