/* SPDX-License-Identifier: MIT */
/* test_build.c - values into a block: what is taken, what is refused, and that refusing changes nothing */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/messages.h"

static tr_err refused(const tr_value *values, size_t n, bool tagged, const char **why)
{
    struct tr_msg *m = (struct tr_msg *) &pool;
    *why = "nothing said";
    tr_err err = msg_build(&pool, values, n, tagged, &m, why);
    assert_ptr_equal(m, &pool);
    assert_int_equal(pool_live(), 0);
    return err;
}

static void a_built_message_is_new_and_going_nowhere(void **state)
{
    (void) state;
    struct tr_msg *m = make("add", 42);
    assert_int_equal(m->kind, MSG_SEND);
    assert_int_equal(m->refs, 1);
    assert_ptr_equal(m->body, m);
    assert_true(tr_addr_is_nil(m->from) && m->to == 0 && m->ask == NULL && m->ask_seq == 0);
    assert_int_equal(m->size, 96 + 16);
    assert_int_equal(m->slots, 1);
    drop(m);
}

static void a_recycled_block_shows_nothing_of_its_past(void **state)
{
    (void) state;
    struct tr_msg *m = make("longertag", 1);
    m->from.actor = m->to = m->ask_seq = 7;
    m->flags = MSG_KEPT;
    m->kind = MSG_ASK;
    m->missed = 3;
    m->next = m;
    drop(m);
    struct tr_msg *again = make_reply(1);
    assert_ptr_equal(again, m);
    assert_int_equal(again->kind, MSG_REPLY);
    assert_true(again->from.actor == 0 && again->to == 0 && again->ask_seq == 0 && again->missed == 0);
    assert_true(again->flags == 0 && again->next == NULL && again->tag == 0 && again->tag_len == 0);
    drop(again);
}

static void the_smallest_class_that_fits_is_taken(void **state)
{
    (void) state;
    static const char bytes[5000];
    for (size_t len = 0; len < sizeof bytes; len += 7) {
        struct tr_msg *m = make("t", tr_bin(bytes, len));
        size_t size = 96 + 16 + len, fits = 128;
        unsigned expected = 0;
        for (; fits < size; fits *= 2)
            expected++;
        assert_int_equal(m->size_class, expected < MSG_CLASSES ? expected : MSG_CLASS_LARGE);
        assert_int_equal(m->size, size);
        assert_int_equal(msg_pool_live(&pool), 1);
        drop(m);
    }
}

static void tags_of_every_length_read_back(void **state)
{
    (void) state;
    char tag[MSG_TAG_MAX + 1];
    for (size_t len = 1; len <= MSG_TAG_MAX; len++) {
        memset(tag, 'a', len);
        tag[0] = 'b';
        tag[len - 1] = 'c';
        tag[len] = '\0';
        struct tr_msg *m = make(tag, 1);
        assert_string_equal(tr_tag(m), tag);
        assert_int_equal(m->tag_len, len);
        assert_int_equal(m->tag_at != 0, len > 7);
        assert_true(msg_tag_is(m, msg_tag_word(tag, len), tag, len));
        drop(m);
    }
}

static void the_word_of_a_tag_is_its_first_bytes_and_reads_no_others(void **state)
{
    (void) state;
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + page, page, PROT_NONE), 0);
    for (size_t len = 0; len <= 20; len++) {
        char *tag = p + page - len;
        uint64_t word, expected = 0;
        for (size_t i = 0; i < len; i++)
            tag[i] = (char) ('A' + i);
        memcpy(&expected, tag, len < 8 ? len : 8);
        word = msg_tag_word(tag, len);
        assert_true(word == expected);
    }
    munmap(p, page * 2);
}

static void tags_that_begin_alike_differ(void **state)
{
    (void) state;
    struct tr_msg *m = make("get_all_of_it");
    assert_false(msg_tag_is(m, msg_tag_word("get_all_of_us", 13), "get_all_of_us", 13));
    assert_false(msg_tag_is(m, msg_tag_word("get_all_", 8), "get_all_", 8));
    drop(m);
}

static void wrong_tags_are_refused_with_the_reason(void **state)
{
    (void) state;
    static char text[300];
    const char *why;
    memset(text, 'x', sizeof text);
    assert_int_equal(refused(NULL, 0, true, &why), TR_EINVAL);
    assert_string_equal(why, "a message needs a tag");
    assert_int_equal(refused(TR_VALUES(42), true, &why), TR_EINVAL);
    assert_string_equal(why, "the tag must be a string");
    assert_int_equal(refused(TR_VALUES(""), true, &why), TR_EINVAL);
    assert_string_equal(why, "the tag is empty");
    assert_int_equal(refused(TR_VALUES(tr_strn(text, MSG_TAG_MAX + 1)), true, &why), TR_ETOOBIG);
    for (size_t len = 1; len < 20; len++)
        for (size_t at = 0; at < len; at++) {
            text[at] = '\0';
            assert_int_equal(refused(TR_VALUES(tr_strn(text, len)), true, &why), TR_EINVAL);
            assert_string_equal(why, "the tag holds a NUL byte");
            text[at] = 'x';
        }
}

static void tag_bytes_with_the_high_bit_are_no_nul(void **state)
{
    (void) state;
    struct tr_msg *m = make("\x80\x01\xff\x80");
    assert_string_equal(tr_tag(m), "\x80\x01\xff\x80");
    drop(m);
}

static void sixteen_values_go_and_seventeen_do_not(void **state)
{
    (void) state;
    tr_value values[18];
    const char *why;
    values[0] = tr_str("t");
    for (int i = 1; i < 18; i++)
        values[i] = tr_int(i);
    struct tr_msg *m = make_values(values, 17, true);
    assert_int_equal(tr_argc(m), 16);
    drop(m);
    assert_int_equal(refused(values, 18, true, &why), TR_ETOOBIG);
    assert_int_equal(refused(values, 17, false, &why), TR_ETOOBIG);
}

static void a_reply_may_be_empty(void **state)
{
    (void) state;
    struct tr_msg *m = make_values(NULL, 0, false);
    assert_int_equal(tr_argc(m), 0);
    assert_string_equal(tr_tag(m), "");
    drop(m);
}

static void values_that_are_none_are_refused(void **state)
{
    (void) state;
    const char *why;
    assert_int_equal(refused(TR_VALUES("t", (const char *) NULL), true, &why), TR_EINVAL);
    assert_non_null(strstr(why, "a NULL string (write tr_nil())"));
    assert_int_equal(refused(TR_VALUES("t", (const tr_msg *) NULL), true, &why), TR_EINVAL);
    assert_int_equal(refused(TR_VALUES("t", (tr_item){ 0 }), true, &why), TR_EINVAL);
    assert_int_equal(refused(TR_VALUES("t", tr_bin(NULL, 3)), true, &why), TR_EINVAL);
    assert_int_equal(refused(TR_VALUES("t", tr_arrayn(NULL, 3)), true, &why), TR_EINVAL);
    assert_int_equal(refused(TR_VALUES("t", tr_map("key")), true, &why), TR_EINVAL);
    assert_int_equal(refused(TR_VALUES("t", tr_array(1, (const char *) NULL)), true, &why), TR_EINVAL);
    assert_int_equal(refused(TR_VALUES("t", tr_value_make((tr_type) 77, 0)), true, &why), TR_EINVAL);
    assert_int_equal(refused(TR_VALUES("t", tr_value_make(TR_TYPE_MSG, 0)), true, &why), TR_EINVAL);
    tr_value odd = tr_arrayn(&(tr_value){ .type = TR_TYPE_NIL }, 1);
    odd.type = TR_TYPE_MAP;
    assert_int_equal(refused(TR_VALUES("t", odd), true, &why), TR_EINVAL);
    assert_string_equal(why, "a map with a key that has no value");
}

/* Containers in containers, levels deep, around one int. */
static tr_value nest(tr_value *storage, int levels)
{
    tr_value v = tr_int(1);
    for (int i = 0; i < levels; i++) {
        storage[i] = v;
        v = tr_arrayn(&storage[i], 1);
    }
    return v;
}

static void containers_nest_sixteen_deep_however_they_are_made(void **state)
{
    (void) state;
    tr_value storage[20];
    const char *why;
    struct tr_msg *deep = make("t", nest(storage, MSG_DEPTH_MAX));
    struct tr_msg *again = make("t", tr_arg(deep, 0));
    const tr_err item = msg_build(NULL, TR_VALUES("t", tr_array(tr_arg(deep, 0))), true, &again, &why);
    const tr_err whole = msg_build(NULL, TR_VALUES("t", (const tr_msg *) deep), true, &again, &why);
    drop(again);
    drop(deep);
    assert_int_equal(item, TR_ETOOBIG);
    assert_int_equal(whole, TR_ETOOBIG);
    assert_int_equal(refused(TR_VALUES("t", nest(storage, MSG_DEPTH_MAX + 1)), true, &why), TR_ETOOBIG);
    assert_string_equal(why, "containers nest at most 16 deep");
}

static void a_message_over_a_gigabyte_is_refused_unread(void **state)
{
    (void) state;
    char byte = 0;
    const char *why;
    tr_value half = tr_bin(&byte, MSG_SIZE_MAX / 2);
    assert_int_equal(refused(TR_VALUES("t", half, half), true, &why), TR_ETOOBIG);
    assert_int_equal(refused(TR_VALUES("t", tr_array(half, half)), true, &why), TR_ETOOBIG);
    assert_int_equal(refused(TR_VALUES("t", tr_blob(&byte, MSG_SIZE_MAX, NULL)), true, &why), TR_ETOOBIG);
    assert_string_equal(why, "a message has at most 1 GiB");
}

static void an_array_that_holds_itself_many_times_over_is_refused_in_time(void **state)
{
    (void) state;
    tr_value levels[14][8];
    const char *why;
    tr_value v = tr_int(1);
    for (int i = 0; i < 14; i++) {
        for (int k = 0; k < 8; k++)
            levels[i][k] = v;
        v = tr_arrayn(levels[i], 8);
    }
    assert_int_equal(refused(TR_VALUES("t", v), true, &why), TR_ETOOBIG);
}

static void the_limit_of_size_counts_what_items_bring(void **state)
{
    (void) state;
    char byte = 0;
    struct tr_msg *m = make("t", tr_blob(&byte, MSG_SIZE_MAX / 2, NULL)), *none = NULL;
    tr_item half = tr_arg(m, 0);
    assert_int_equal(msg_build(&pool, TR_VALUES("t", half, half), true, &none, NULL), TR_ETOOBIG);
    assert_int_equal(msg_build(&pool, TR_VALUES("t", m, m), true, &none, NULL), TR_ETOOBIG);
    drop(m);
}

static void integers_are_uint_only_where_int_ends(void **state)
{
    (void) state;
    tr_value hand_made = tr_value_make(TR_TYPE_UINT, 0);
    hand_made.v.u = 5;
    struct tr_msg *m = make("t", 5u, UINT64_MAX, hand_made, (uint64_t) INT64_MAX);
    assert_int_equal(tr_item_type(tr_arg(m, 0)), TR_TYPE_INT);
    assert_int_equal(tr_item_type(tr_arg(m, 1)), TR_TYPE_UINT);
    assert_int_equal(tr_item_type(tr_arg(m, 2)), TR_TYPE_INT);
    assert_int_equal(tr_item_type(tr_arg(m, 3)), TR_TYPE_INT);
    drop(m);
}

static void strings_of_every_length_are_copied_whole_and_end_in_nul(void **state)
{
    (void) state;
    char text[41];
    for (size_t len = 0; len <= 40; len++) {
        for (size_t i = 0; i < len; i++)
            text[i] = (char) ('a' + i % 26);
        text[len] = '\0';
        const char *first, *second;
        struct tr_msg *m = make("t", text, text);
        assert_true(tr_is(m, "t", &first, &second));
        assert_string_equal(first, text);
        assert_string_equal(second, text);
        assert_ptr_not_equal(first, text);
        drop(m);
    }
}

static void nested_values_are_copied_with_their_places(void **state)
{
    (void) state;
    tr_addr a = { 0, 77 };
    struct tr_msg *m = make("t", tr_map("k", tr_array(1, "two", tr_arrayn(NULL, 0)), "a", a), 9);
    assert_string_equal(text_of(m), "t {\"k\": [1, \"two\", []], \"a\": <77.0>} 9");
    drop(m);
}

static void items_and_messages_of_other_messages_outlive_them(void **state)
{
    (void) state;
    tr_addr a = { 0, 8 };
    struct tr_msg *from = make("from a far away land", tr_array("x", a, tr_bin("\1\2", 2)), 3.5);
    struct tr_msg *reply = make_reply(1);
    struct tr_msg *m = make("t", tr_arg(from, 0), from, tr_array(reply, tr_arg(from, 1)));
    drop(from);
    drop(reply);
    assert_string_equal(
        text_of(m), "t [\"x\", <8.0>, bin(2)\"0102\"] [\"from a far away land\", [\"x\", <8.0>, bin(2)\"0102\"], 3.5]"
                    " [[nil, 1], 3.5]");
    drop(m);
}

static int freed;

static void count_free(void *data)
{
    (void) data;
    freed++;
}

static void a_failing_build_leaves_blobs_to_their_giver(void **state)
{
    (void) state;
    char data[] = "blob";
    const char *why;
    freed = 0;
    assert_int_equal(refused(TR_VALUES("t", tr_blob(data, 4, count_free), (const char *) NULL), true, &why), TR_EINVAL);
    assert_int_equal(freed, 0);
}

static tr_err build_everything(struct msg_pool *from, struct tr_msg *other, struct tr_msg **m)
{
    static char data[] = "blob", large[6000];
    return msg_build(from,
                     TR_VALUES("a tag that is long", tr_array(tr_blob(data, 4, count_free), 1), tr_v_msg(other),
                               tr_blob(data, 4, count_free), tr_bin(large, sizeof large)),
                     true, m, NULL);
}

static void every_allocation_of_a_build_may_fail_and_nothing_leaks(void **state)
{
    (void) state;
    struct tr_msg *other = make("other", tr_blob(&pool, 1, NULL)), *m;
    size_t live = pool_live();
    uint64_t n = 0;
    tr_err err;
    freed = 0;
    do {
        mem_fail_at(++n);
        err = build_everything(&pool, other, &m);
        mem_fail_at(0);
        assert_true(err == TR_OK || err == TR_ENOMEM);
        assert_true(err == TR_OK || (pool_live() == live && freed == 0));
    } while (err != TR_OK);
    assert_int_equal(n, 4); /* two blobs, a block, and the round in which none fails */
    drop(m);
    assert_int_equal(freed, 2);
    drop(other);
}

static void a_pool_without_memory_refuses_a_plain_message(void **state)
{
    (void) state;
    const char *why;
    mem_fail_at(1);
    tr_err err = refused(TR_VALUES("add", 42), true, &why);
    mem_fail_at(0);
    assert_int_equal(err, TR_ENOMEM);
    assert_string_equal(why, "out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        message_test(a_built_message_is_new_and_going_nowhere),
        message_test(a_recycled_block_shows_nothing_of_its_past),
        message_test(the_smallest_class_that_fits_is_taken),
        message_test(tags_of_every_length_read_back),
        message_test(the_word_of_a_tag_is_its_first_bytes_and_reads_no_others),
        message_test(tags_that_begin_alike_differ),
        message_test(wrong_tags_are_refused_with_the_reason),
        message_test(tag_bytes_with_the_high_bit_are_no_nul),
        message_test(sixteen_values_go_and_seventeen_do_not),
        message_test(a_reply_may_be_empty),
        message_test(values_that_are_none_are_refused),
        message_test(containers_nest_sixteen_deep_however_they_are_made),
        message_test(a_message_over_a_gigabyte_is_refused_unread),
        message_test(an_array_that_holds_itself_many_times_over_is_refused_in_time),
        message_test(the_limit_of_size_counts_what_items_bring),
        message_test(integers_are_uint_only_where_int_ends),
        message_test(strings_of_every_length_are_copied_whole_and_end_in_nul),
        message_test(nested_values_are_copied_with_their_places),
        message_test(items_and_messages_of_other_messages_outlive_them),
        message_test(a_failing_build_leaves_blobs_to_their_giver),
        message_test(every_allocation_of_a_build_may_fail_and_nothing_leaks),
        message_test(a_pool_without_memory_refuses_a_plain_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
