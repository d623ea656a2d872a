/* SPDX-License-Identifier: MIT */
/* test_codec.c - messages to bytes and back, and what does not come back */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "message/codec.h"
#include "support/messages.h"

#define BYTES(...) ((const unsigned char[]){ __VA_ARGS__ }), sizeof((const unsigned char[]){ __VA_ARGS__ })

struct encoded {
    void *data;
    size_t len;
};

static struct encoded encode(struct tr_msg *m)
{
    struct encoded e;
    assert_int_equal(tr_msg_encode(m, &e.data, &e.len), TR_OK);
    return e;
}

static struct tr_msg *decode(const void *data, size_t len)
{
    struct tr_msg *m = NULL;
    const char *why = "";
    if (codec_decode(&pool, data, len, NULL, 0, &m, &why) != TR_OK)
        fail_msg("not decoded: %s", why);
    return m;
}

static const char *refused(const void *data, size_t len, tr_err expected)
{
    struct tr_msg *m = (struct tr_msg *) &pool;
    const char *why = "nothing said";
    assert_int_equal(codec_decode(&pool, data, len, NULL, 0, &m, &why), expected);
    assert_ptr_equal(m, &pool);
    assert_int_equal(pool_live(), 0);
    return why;
}

/* m comes back from its bytes as it was: the same text, the same bytes again. */
static void comes_back(struct tr_msg *m)
{
    struct encoded e = encode(m);
    struct tr_msg *back = decode(e.data, e.len);
    struct encoded again = encode(back);
    size_t size = tr_msg_print(m, NULL, 0) + 1;
    char *was = malloc(size), *is = malloc(size);
    tr_msg_print(m, was, size);
    tr_msg_print(back, is, size);
    assert_string_equal(is, was);
    assert_int_equal(again.len, e.len);
    assert_memory_equal(again.data, e.data, e.len);
    assert_true(e.len <= m->size);
    free(was);
    free(is);
    free(e.data);
    free(again.data);
    drop(back);
    drop(m);
}

/* ---- the worked example of docs/messages.md ---- */

static FILE *doc_open(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", __FILE__);
    char *tail = strstr(path, "tests/unit/");
    assert_non_null(tail);
    strcpy(tail, "docs/messages.md");
    return fopen(path, "r");
}

/* The bytes of a line: pairs of hexadecimal digits with one space between, up to the first two spaces. */
static size_t line_bytes(const char *line, unsigned char *bytes)
{
    size_t n = 0;
    for (char *end; *line != ' ' && *line != '\n'; line = end + (*end == ' ')) {
        bytes[n++] = (unsigned char) strtoul(line, &end, 16);
        assert_true(end == line + 2);
    }
    return n;
}

static size_t doc_bytes(unsigned char *bytes)
{
    char line[256];
    size_t n = 0;
    FILE *doc = doc_open();
    assert_non_null(doc);
    while (fgets(line, sizeof line, doc) != NULL && strcmp(line, "```text\n") != 0)
        continue;
    while (fgets(line, sizeof line, doc) != NULL && strcmp(line, "```\n") != 0)
        n += line_bytes(line, bytes + n);
    fclose(doc);
    return n;
}

static struct tr_msg *doc_message(void)
{
    return make("move", ((tr_addr){ 0, UINT64_C(3) << 32 | 7 }), 2.5, tr_map("x", -1));
}

static void the_bytes_of_the_documentation_are_the_bytes_of_its_message(void **state)
{
    (void) state;
    unsigned char bytes[256];
    size_t n = doc_bytes(bytes);
    struct tr_msg *m = doc_message();
    struct encoded e = encode(m);
    assert_string_equal(text_of(m), "move <7.3> 2.5 {\"x\": -1}");
    assert_int_equal(e.len, n);
    assert_memory_equal(e.data, bytes, n);
    free(e.data);
    comes_back(m);
}

static void the_block_of_the_documentation_lies_as_it_says(void **state)
{
    (void) state;
    struct tr_msg *m = doc_message();
    tr_item map = tr_arg(m, 2);
    assert_int_equal(m->size, 194);
    assert_int_equal(m->size_class, 1);
    assert_int_equal(tr_arg(m, 0).at, 96);
    assert_int_equal(m->slot[0].v.at, 176);
    assert_int_equal(map.at, 128);
    assert_int_equal(tr_item_key(map, 0).at, 144);
    assert_int_equal(tr_item_at(map, 0).at, 160);
    assert_memory_equal((char *) m + 192, "x", 2);
    drop(m);
}

/* ---- there and back ---- */

static void every_type_comes_back(void **state)
{
    (void) state;
    char blob[] = "blob";
    comes_back(make("stop"));
    comes_back(make("a tag of more than thirty-one bytes, so with a head of two"));
    comes_back(make_values(NULL, 0, false));
    comes_back(make_reply(tr_nil(), tr_bool(true), tr_bool(false), 0, -1, INT64_MIN, INT64_MAX, UINT64_MAX));
    comes_back(make("t", 0.1, -0.0, 1e300, tr_strn("a\0b", 3), "", tr_bin(NULL, 0), tr_blob(blob, 4, NULL)));
    comes_back(make("t", ((tr_addr){ 9, UINT64_MAX }), tr_mapn(NULL, 0), tr_arrayn(NULL, 0), tr_map(1, 2, 1, 3)));
}

static void integers_of_every_size_come_back(void **state)
{
    (void) state;
    for (int bit = 0; bit < 64; bit++) {
        uint64_t u = UINT64_C(1) << bit;
        comes_back(make("t", u, u - 1, u + 1, (int64_t) (0 - u), (int64_t) (1 - u)));
    }
}

static void strings_of_every_form_come_back(void **state)
{
    (void) state;
    static char text[70000];
    static const size_t lens[] = { 0, 15, 16, 31, 32, 255, 256, 65535, 65536 };
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        comes_back(make("t", tr_strn(text, lens[i]), tr_bin(text, lens[i])));
}

static void containers_of_every_form_come_back(void **state)
{
    (void) state;
    static tr_value values[65536];
    static const size_t lens[] = { 0, 14, 16, 30, 32, 65534, 65536 };
    for (size_t i = 0; i < 65536; i++)
        values[i] = tr_int((int64_t) i);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        comes_back(make("t", tr_arrayn(values, lens[i]), tr_mapn(values, lens[i])));
}

static void the_deepest_message_comes_back(void **state)
{
    (void) state;
    tr_value storage[MSG_DEPTH_MAX], v = tr_int(1);
    for (int i = 0; i < MSG_DEPTH_MAX; i++) {
        storage[i] = v;
        v = tr_arrayn(&storage[i], 1);
    }
    comes_back(make("t", v));
}

static void a_share_encodes_as_its_content(void **state)
{
    (void) state;
    struct tr_msg *m = make("a longer tag", tr_array("x")), *share = msg_share(&pool, m);
    drop(m);
    comes_back(share);
}

/* Values for one random message; what nests stands in here. */
struct garden {
    struct random random;
    tr_value values[500];
    size_t used;
    char text[300];
};

static tr_value random_value(struct garden *g, unsigned depth);

static tr_value random_container(struct garden *g, unsigned depth)
{
    size_t n = random_below(&g->random, 5) * 2;
    tr_value *values = &g->values[g->used];
    if (depth == MSG_DEPTH_MAX || g->used + n > 500)
        return tr_nil();
    g->used += n;
    for (size_t i = 0; i < n; i++)
        values[i] = random_value(g, depth + 1);
    return random_below(&g->random, 2) == 0 ? tr_arrayn(values, n) : tr_mapn(values, n);
}

static tr_value random_value(struct garden *g, unsigned depth)
{
    uint64_t bits = random_next(&g->random) >> random_below(&g->random, 64);
    double d;
    memcpy(&d, &bits, 8);
    switch (random_below(&g->random, 10)) {
    case 0:
        return tr_nil();
    case 1:
        return tr_bool(bits & 1);
    case 2:
        return tr_int((int64_t) bits);
    case 3:
        return tr_int(-(int64_t) (bits >> 1));
    case 4:
        return tr_uint(bits);
    case 5:
        return tr_float(d);
    case 6:
        return tr_strn(g->text, random_below(&g->random, sizeof g->text));
    case 7:
        return tr_bin(g->text, random_below(&g->random, 40));
    case 8:
        return tr_v_addr((tr_addr){ bits, ~bits });
    default:
        return random_container(g, depth + 1);
    }
}

static void random_messages_come_back(void **state)
{
    (void) state;
    static struct garden g;
    random_seed(&g.random, 31337);
    for (int round = 0; round < 3000; round++) {
        tr_value values[1 + TR_ARGS_MAX] = { tr_str("random") };
        size_t n = 1 + random_below(&g.random, TR_ARGS_MAX + 1);
        g.used = 0;
        for (size_t i = 0; i < sizeof g.text; i++)
            g.text[i] = (char) random_below(&g.random, 256);
        for (size_t i = 1; i < n; i++)
            values[i] = random_value(&g, 0);
        bool tagged = random_below(&g.random, 2) == 0;
        comes_back(make_values(tagged ? values : values + 1, tagged ? n : n - 1, tagged));
    }
}

/* ---- addresses ---- */

static void addresses_change_their_node_at_the_border(void **state)
{
    (void) state;
    tr_addr mine = { 0, 5 }, yours = { 0xbeef, 6 }, third = { 0xcafe, 7 }, got[3];
    struct tr_msg *m = make("t", mine, yours, third), *arrived;
    void *data;
    size_t len;
    assert_int_equal(codec_encode(m, 0xfeed, &data, &len), TR_OK);
    assert_int_equal(codec_decode(&pool, data, len, NULL, 0xbeef, &arrived, NULL), TR_OK);
    assert_true(tr_is(arrived, "t", &got[0], &got[1], &got[2]));
    assert_true(tr_addr_eq(got[0], ((tr_addr){ 0xfeed, 5 })));
    assert_true(tr_addr_eq(got[1], ((tr_addr){ 0, 6 })));
    assert_true(tr_addr_eq(got[2], third));
    free(data);
    drop(m);
    drop(arrived);
}

/* ---- what is refused ---- */

static void a_pointer_does_not_leave_the_process(void **state)
{
    (void) state;
    struct tr_msg *m = make("t", 1, tr_array(tr_map("p", tr_local_ptr(&pool))));
    void *data = &pool;
    size_t len = 7;
    assert_int_equal(tr_msg_encode(m, &data, &len), TR_EINVAL);
    assert_true(data == &pool && len == 7);
    drop(m);
}

static void floats_of_32_bits_arrive_as_doubles(void **state)
{
    (void) state;
    double d;
    struct tr_msg *m = decode(BYTES(0x92, 0xa1, 't', 0xca, 0x3f, 0x80, 0, 0));
    assert_true(tr_is(m, "t", &d) && d == 1.0);
    drop(m);
}

static void what_is_no_array_with_a_tag_is_no_message(void **state)
{
    (void) state;
    refused(BYTES(0xc0), TR_EBADMSG);
    refused(BYTES(0x80), TR_EBADMSG);
    refused(BYTES(0x90), TR_EBADMSG);
    refused(BYTES(0x91, 5), TR_EBADMSG);
    refused(BYTES(0x91, 0xa0), TR_EBADMSG);
    refused(BYTES(0x91, 0xc4, 1, 't'), TR_EBADMSG);
    assert_string_equal(refused(BYTES(0x91, 0xa2, 't', 0), TR_EBADMSG), "the tag holds a NUL byte");
}

static void too_many_values_and_too_long_a_tag_are_refused(void **state)
{
    (void) state;
    unsigned char many[21] = { 0xdc, 0, 18, 0xc0 }, tag[4 + 256] = { 0x91, 0xda, 1, 0 };
    assert_string_equal(refused(many, 21, TR_ETOOBIG), "a message has at most 16 values");
    memset(tag + 4, 'x', 256);
    assert_string_equal(refused(tag, sizeof tag, TR_ETOOBIG), "a tag has at most 255 bytes");
    many[2] = 17;
    drop(decode(many, 20));
    tag[1] = 0xd9;
    tag[2] = 255;
    tag[3] = 'x';
    drop(decode(tag, 3 + 255));
}

static void what_the_validator_refuses_is_refused_with_its_words(void **state)
{
    (void) state;
    assert_string_equal(refused(BYTES(0x92, 0xa1, 't', 0xd4, 9, 0), TR_EBADMSG), "unknown ext type");
    assert_string_equal(refused(BYTES(0xdd, 4, 0, 0, 0), TR_EBADMSG),
                        "a container claims more values than there are bytes");
}

static void every_beginning_of_a_message_is_refused(void **state)
{
    (void) state;
    struct tr_msg *m = make("t", 1.5, "text", tr_map("k", tr_array(1, tr_nil())), ((tr_addr){ 1, 2 }), 70000);
    struct encoded e = encode(m);
    drop(m);
    for (size_t len = 0; len < e.len; len++) {
        void *cut = malloc(len > 0 ? len : 1);
        memcpy(cut, e.data, len);
        refused(cut, len, TR_EBADMSG);
        free(cut);
    }
    free(e.data);
}

/* ---- memory ---- */

static void every_allocation_of_encode_may_fail_and_nothing_leaks(void **state)
{
    (void) state;
    static char large[5000];
    struct tr_msg *m = make("t", tr_bin(large, sizeof large), tr_array(tr_bin(large, sizeof large)));
    struct encoded e = { NULL, 0 };
    uint64_t n = 0;
    tr_err err;
    do {
        mem_fail_at(++n);
        err = tr_msg_encode(m, &e.data, &e.len);
        mem_fail_at(0);
        assert_true(err == TR_OK || (err == TR_ENOMEM && e.data == NULL));
    } while (err != TR_OK);
    assert_true(n > 2);
    free(e.data);
    drop(m);
}

static void every_allocation_of_decode_may_fail_and_nothing_leaks(void **state)
{
    (void) state;
    struct tr_msg *m = NULL;
    uint64_t n = 0;
    tr_err err;
    do {
        mem_fail_at(++n);
        err = codec_decode(&pool, BYTES(0x93, 0xa1, 't', 1, 0x92, 2, 3), NULL, 0, &m, NULL);
        mem_fail_at(0);
        assert_true(err == TR_OK || (err == TR_ENOMEM && m == NULL && pool_live() == 0));
    } while (err != TR_OK);
    assert_int_equal(n, 2);
    drop(m);
}

static void decoding_without_a_pool_makes_a_message_of_the_heap(void **state)
{
    (void) state;
    tr_msg *m;
    int n;
    assert_int_equal(tr_msg_decode(BYTES(0x92, 0xa1, 't', 7), NULL, &m, NULL), TR_OK);
    assert_true(tr_is(m, "t", &n) && n == 7);
    tr_msg_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        message_test(the_bytes_of_the_documentation_are_the_bytes_of_its_message),
        message_test(the_block_of_the_documentation_lies_as_it_says),
        message_test(every_type_comes_back),
        message_test(integers_of_every_size_come_back),
        message_test(strings_of_every_form_come_back),
        message_test(containers_of_every_form_come_back),
        message_test(the_deepest_message_comes_back),
        message_test(a_share_encodes_as_its_content),
        message_test(random_messages_come_back),
        message_test(addresses_change_their_node_at_the_border),
        message_test(a_pointer_does_not_leave_the_process),
        message_test(floats_of_32_bits_arrive_as_doubles),
        message_test(what_is_no_array_with_a_tag_is_no_message),
        message_test(too_many_values_and_too_long_a_tag_are_refused),
        message_test(what_the_validator_refuses_is_refused_with_its_words),
        message_test(every_beginning_of_a_message_is_refused),
        message_test(every_allocation_of_encode_may_fail_and_nothing_leaks),
        message_test(every_allocation_of_decode_may_fail_and_nothing_leaks),
        message_test(decoding_without_a_pool_makes_a_message_of_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
