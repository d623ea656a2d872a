/* SPDX-License-Identifier: MIT */
/* test_symbols.c - stacks as names: frame pointers, and whatever the program gave for it */
#include <stdio.h>

#include "debug/symbols.h"
#include "support/unit.h"

struct seen {
    uintptr_t ip[FRAMES_MAX * 2];
    int n, enough;
};

static bool see(void *ctx, const tr_debug_frame *frame)
{
    struct seen *s = ctx;
    s->ip[s->n++] = frame->ip;
    return s->n != s->enough;
}

static void walk(const tr_debug_stack *stack, struct seen *seen)
{
    struct symbols symbols;
    symbols_open(&symbols);
    symbols_walk(&symbols, stack, see, seen);
    symbols_close(&symbols);
}

/* A copy of a stack that lay at 0x1000: words, and its frame pointer. */
static tr_debug_stack stack_of(const uintptr_t *words, size_t n, uintptr_t bp)
{
    return (tr_debug_stack){
        .ip = 1, .sp = 0x1000, .bp = bp, .low = 0x1000, .size = n * sizeof *words, .bytes = (const char *) words
    };
}

static void frame_pointers_are_followed_to_the_outermost(void **state)
{
    const uintptr_t words[] = { 0, 0x1000 + 4 * sizeof(uintptr_t), 2, 0, 0, 3 };
    const tr_debug_stack stack = stack_of(words, 6, 0x1000 + sizeof(uintptr_t));
    struct seen seen = { .n = 0 };
    (void) state;
    walk(&stack, &seen);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.ip[0], 1);
    assert_int_equal(seen.ip[1], 2);
    assert_int_equal(seen.ip[2], 3);
}

/* Torn, misaligned, circular, out of the copy: the walk ends, and reads nothing else. */
static void chain_that_is_no_chain_ends_the_walk(void **state)
{
    uintptr_t loop[] = { 0x1000, 2, 0x1000, 3 };
    const tr_debug_stack stacks[] = {
        stack_of(loop, 4, 0x1000),
        stack_of(loop, 4, 0x1003),
        stack_of(loop, 4, 0x0ff8),
        stack_of(loop, 4, UINTPTR_MAX - 7),
        stack_of(loop, 4, 0x1000 + 3 * sizeof(uintptr_t)), /* half a record */
        stack_of(loop, 0, 0x1000),
    };
    const int frames[] = { 2, 1, 1, 1, 1, 1 };
    (void) state;
    for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
        struct seen seen = { .n = 0 };
        walk(&stacks[i], &seen);
        assert_int_equal(seen.n, frames[i]);
    }
}

static void walk_ends_when_its_reader_has_enough(void **state)
{
    const uintptr_t words[] = { 0x1000 + 2 * sizeof(uintptr_t), 2, 0, 3 };
    const tr_debug_stack stack = stack_of(words, 4, 0x1000);
    struct seen seen = { .enough = 2 };
    (void) state;
    walk(&stack, &seen);
    assert_int_equal(seen.n, 2);
}

static void *opened(void)
{
    static int object;
    return &object;
}

static void *refuses(void)
{
    return NULL;
}

static void closed(void *symbols)
{
    *(int *) symbols += 1;
}

static void endless(void *symbols, const tr_debug_stack *stack, tr_debug_frame_fn *fn, void *ctx)
{
    tr_debug_frame frame = { .ip = stack->ip + 41 };
    (void) symbols;
    while (fn(ctx, &frame))
        ;
}

static void none(void *symbols, const tr_debug_stack *stack, tr_debug_frame_fn *fn, void *ctx)
{
    (void) symbols;
    (void) stack;
    (void) fn;
    (void) ctx;
}

/* debug.h */
static void given_symbols_are_used_closed_and_bounded(void **state)
{
    const tr_debug_symbols given = { sizeof given, opened, closed, endless };
    const uintptr_t words[] = { 0, 0 };
    const tr_debug_stack stack = stack_of(words, 2, 0);
    struct seen seen = { .n = 0 };
    (void) state;
    assert_int_equal(tr_debug_symbols_set(&given), TR_OK);
    walk(&stack, &seen);
    assert_int_equal(seen.n, FRAMES_MAX);
    assert_int_equal(seen.ip[0], 42);
    assert_int_equal(*(int *) opened(), 1);
    assert_int_equal(tr_debug_symbols_set(NULL), TR_OK);
}

/* debug.h: a listing does without what cannot be had */
static void frame_pointers_stand_in_where_symbols_fail(void **state)
{
    const tr_debug_symbols closed_door = { sizeof closed_door, refuses, NULL, endless };
    const tr_debug_symbols empty = { sizeof empty, opened, NULL, none };
    const uintptr_t words[] = { 0, 2 };
    const tr_debug_stack stack = stack_of(words, 2, 0x1000);
    struct seen first = { .n = 0 }, second = { .n = 0 };
    (void) state;
    assert_int_equal(tr_debug_symbols_set(&closed_door), TR_OK);
    walk(&stack, &first);
    assert_int_equal(tr_debug_symbols_set(&empty), TR_OK);
    walk(&stack, &second);
    assert_int_equal(tr_debug_symbols_set(NULL), TR_OK);
    assert_int_equal(first.n, 2);
    assert_int_equal(second.n, 2);
}

/* debug.h: TR_EINVAL */
static void symbols_of_another_size_are_refused(void **state)
{
    const tr_debug_symbols small = { 8, opened, closed, endless }, useless = { sizeof useless, NULL, closed, endless };
    (void) state;
    assert_int_equal(tr_debug_symbols_set(&small), TR_EINVAL);
    assert_int_equal(tr_debug_symbols_set(&useless), TR_EINVAL);
}

static void frame_in_words_says_what_is_known(void **state)
{
    char text[64];
    const tr_debug_frame frames[] = {
        { .ip = 0x10, .function = "f", .file = "a.c", .line = 7, .module = "m", .offset = 3 },
        { .ip = 0x10, .function = "f", .file = "a.c", .line = 7, .inlined = true },
        { .ip = 0x10, .function = "f", .module = "m", .offset = 3 },
        { .ip = 0x10, .function = "f" },
        { .ip = 0x10, .module = "m", .offset = 3 },
        { .ip = 0x10 },
    };
    const char *const words[] = { "f at a.c:7", "f at a.c:7 (inlined)", "f in m+0x3", "f", "m+0x3", "0x10" };
    (void) state;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        frame_text(&frames[i], text, sizeof text);
        assert_string_equal(text, words[i]);
    }
}

static void frames_of_the_scheduler_are_known_by_file_else_by_name(void **state)
{
    const tr_debug_frame by_file = { .function = "handle", .file = "/x/src/actor/turn.c" };
    const tr_debug_frame by_name = { .function = "worker_suspend" };
    const tr_debug_frame namesake = { .function = "loop", .file = "app.c" }, unknown = { .ip = 1 };
    (void) state;
    assert_true(frame_is_of_loop(&by_file));
    assert_true(frame_is_of_loop(&by_name));
    assert_false(frame_is_of_loop(&namesake));
    assert_false(frame_is_of_loop(&unknown));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_pointers_are_followed_to_the_outermost),
        cmocka_unit_test(chain_that_is_no_chain_ends_the_walk),
        cmocka_unit_test(walk_ends_when_its_reader_has_enough),
        cmocka_unit_test(given_symbols_are_used_closed_and_bounded),
        cmocka_unit_test(frame_pointers_stand_in_where_symbols_fail),
        cmocka_unit_test(symbols_of_another_size_are_refused),
        cmocka_unit_test(frame_in_words_says_what_is_known),
        cmocka_unit_test(frames_of_the_scheduler_are_known_by_file_else_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
