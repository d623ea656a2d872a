/* SPDX-License-Identifier: MIT */
/* test_message.c - the life of a block: pools, references, shared and copied content */
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "support/messages.h"

static int freed;

static void count_free(void *data)
{
    (void) data;
    freed++;
}

static void a_header_takes_96_bytes_and_a_slot_16(void **state)
{
    (void) state;
    assert_int_equal(sizeof(struct tr_msg), 96);
    assert_int_equal(offsetof(struct tr_msg, from), 48);
    assert_int_equal(offsetof(struct tr_msg, slot), 96);
    assert_int_equal(sizeof(struct msg_slot), 16);
}

static void a_freed_block_is_the_next_one_handed_out(void **state)
{
    (void) state;
    struct tr_msg *m = make("a", 1);
    assert_int_equal((uintptr_t) m % 64, 0);
    drop(m);
    struct tr_msg *next = make("b", 2);
    assert_ptr_equal(next, m);
    drop(next);
}

static void a_block_goes_when_its_last_holder_lets_go(void **state)
{
    (void) state;
    struct tr_msg *m = make("a", 1);
    msg_ref(m);
    drop(m);
    assert_int_equal(msg_pool_live(&pool), 1);
    assert_int_equal(tr_argc(m), 1);
    drop(m);
    assert_int_equal(msg_pool_live(&pool), 0);
}

static void shared_content_lives_as_long_as_its_last_header(void **state)
{
    (void) state;
    struct tr_msg *m = make("a longer tag", "content", 1);
    struct tr_msg *first = msg_share(&pool, m), *second = msg_share(&pool, first);
    drop(m);
    drop(first);
    const char *text;
    int one;
    assert_true(tr_is(second, "a longer tag", &text, &one));
    assert_string_equal(text, "content");
    assert_ptr_equal(second->body, m);
    assert_int_equal(second->size, m->size);
    drop(second);
}

static void a_share_is_a_send_or_a_reply_and_has_no_past(void **state)
{
    (void) state;
    struct tr_msg *m = make("ask", 1), *r = make_reply(2);
    m->kind = MSG_ASK;
    m->ask_seq = 9;
    r->kind = MSG_ERROR;
    struct tr_msg *s = msg_share(&pool, m), *t = msg_share(&pool, r);
    assert_int_equal(s->kind, MSG_SEND);
    assert_int_equal(s->ask_seq, 0);
    assert_int_equal(t->kind, MSG_REPLY);
    drop(s);
    drop(t);
    drop(m);
    drop(r);
}

static void items_of_a_share_are_items_of_its_content(void **state)
{
    (void) state;
    struct tr_msg *m = make("t", tr_array(1, 2));
    struct tr_msg *s = msg_share(&pool, m);
    assert_ptr_equal(tr_arg(s, 0).msg, m);
    struct tr_msg *copy = make("u", tr_arg(s, 0), s);
    drop(s);
    drop(m);
    assert_string_equal(text_of(copy), "u [1, 2] [\"t\", [1, 2]]");
    drop(copy);
}

static void a_blob_is_freed_once_after_its_last_message(void **state)
{
    (void) state;
    char data[] = "blob";
    tr_bytes got;
    freed = 0;
    struct tr_msg *m = make("t", tr_array(1, tr_blob(data, 4, count_free)));
    struct tr_msg *other = make("u", tr_item_at(tr_arg(m, 0), 1));
    struct tr_msg *share = msg_share(&pool, m);
    drop(m);
    drop(share);
    assert_int_equal(freed, 0);
    assert_true(tr_is(other, "u", &got));
    assert_ptr_equal(got.data, data);
    drop(other);
    assert_int_equal(freed, 1);
}

static void blobs_are_found_in_every_container(void **state)
{
    (void) state;
    char d[] = "x";
    freed = 0;
    tr_value blob = tr_blob(d, 1, count_free);
    drop(make("t", tr_array(tr_array(1, blob), tr_map("k", tr_array(blob))), blob, tr_map(blob, tr_array(2, blob))));
    assert_int_equal(freed, 5);
}

static void a_blob_counts_in_the_size_of_a_message(void **state)
{
    (void) state;
    static char data[10000];
    struct tr_msg *m = make("t", tr_blob(data, sizeof data, NULL));
    assert_int_equal(m->size, 96 + 16 + sizeof data);
    assert_int_equal(m->size_class, 0);
    drop(m);
}

static void a_heap_copy_outlives_pool_and_original(void **state)
{
    (void) state;
    char data[] = "blob";
    freed = 0;
    struct tr_msg *m = make("a longer tag", "text", tr_array(1, tr_blob(data, 4, count_free)));
    m->from.actor = 5;
    m->kind = MSG_ASK;
    struct tr_msg *share = msg_share(&pool, m), *copy = msg_copy_heap(m), *of_share = msg_copy_heap(share);
    drop(share);
    drop(m);
    assert_int_equal(copy->size_class, MSG_CLASS_HEAP);
    assert_int_equal(copy->kind, MSG_ASK);
    assert_int_equal(tr_sender(copy).actor, 5);
    static const char expected[] = "a\\x20longer\\x20tag \"text\" [1, bin(4)\"626c6f62\"]";
    assert_string_equal(text_of(copy), expected);
    assert_string_equal(text_of(of_share), expected);
    tr_msg_free(&copy);
    assert_int_equal(freed, 0);
    tr_msg_free(&of_share);
    assert_int_equal(freed, 1);
}

static void heap_blocks_are_not_the_pools_to_count(void **state)
{
    (void) state;
    tr_msg *m;
    assert_int_equal(tr_msg_new(&m, "t", 1), TR_OK);
    assert_int_equal(msg_pool_live(&pool), 0);
    msg_unref(&pool, m); /* a worker may be the last to hold one */
    assert_int_equal(msg_pool_live(&pool), 0);
}

static void making_and_freeing_needs_no_pool(void **state)
{
    (void) state;
    tr_msg *m = NULL;
    tr_msg_free(&m);
    assert_int_equal(tr_msg_new(&m, "t", "x", tr_array(1, 2)), TR_OK);
    assert_string_equal(text_of(m), "t \"x\" [1, 2]");
    tr_msg_free(&m);
    assert_null(m);
    assert_int_equal(tr_msg_new(&m, 1), TR_EINVAL);
    assert_null(m);
}

static void without_memory_no_copy_and_no_reference_is_left(void **state)
{
    (void) state;
    char data[] = "blob";
    freed = 0;
    struct tr_msg *m = make("t", tr_blob(data, 4, count_free));
    mem_fail_at(1);
    struct tr_msg *copy = msg_copy_heap(m);
    mem_fail_at(0);
    assert_null(copy);
    drop(m);
    assert_int_equal(freed, 1);
}

static void without_memory_no_share_and_no_reference_is_left(void **state)
{
    (void) state;
    struct tr_msg *m;
    struct msg_pool empty;
    msg_pool_init(&empty);
    assert_int_equal(msg_build(&pool, TR_VALUES("t", 1), true, &m, NULL), TR_OK);
    mem_fail_at(1);
    struct tr_msg *share = msg_share(&empty, m);
    mem_fail_at(0);
    assert_null(share);
    assert_int_equal(m->refs, 1);
    assert_int_equal(msg_pool_live(&empty), 0);
    drop(m);
    msg_pool_fini(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        message_test(a_header_takes_96_bytes_and_a_slot_16),
        message_test(a_freed_block_is_the_next_one_handed_out),
        message_test(a_block_goes_when_its_last_holder_lets_go),
        message_test(shared_content_lives_as_long_as_its_last_header),
        message_test(a_share_is_a_send_or_a_reply_and_has_no_past),
        message_test(items_of_a_share_are_items_of_its_content),
        message_test(a_blob_is_freed_once_after_its_last_message),
        message_test(blobs_are_found_in_every_container),
        message_test(a_blob_counts_in_the_size_of_a_message),
        message_test(a_heap_copy_outlives_pool_and_original),
        message_test(heap_blocks_are_not_the_pools_to_count),
        message_test(making_and_freeing_needs_no_pool),
        message_test(without_memory_no_copy_and_no_reference_is_left),
        message_test(without_memory_no_share_and_no_reference_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
