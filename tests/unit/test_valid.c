/* SPDX-License-Identifier: MIT */
/* test_valid.c - what passes is msgpack within limits, and nothing else passes */
#include <string.h>

#include <msgpack.h>

#include "base/alloc.h"
#include "base/random.h"
#include "message/codec.h"
#include "support/unit.h"

#define BYTES(...) ((const unsigned char[]){ __VA_ARGS__ }), sizeof((const unsigned char[]){ __VA_ARGS__ })

static const char *why;

static tr_err check(const void *data, size_t len)
{
    why = "";
    return valid_check(data, len, NULL, NULL, &why);
}

/* n arrays in one another around a nil. */
static size_t nest(unsigned char *data, size_t n)
{
    memset(data, 0x91, n);
    data[n] = 0xc0;
    return n + 1;
}

static void every_form_of_value_passes_whole_and_not_otherwise(void **state)
{
    (void) state;
    static const struct {
        unsigned char first;
        size_t rest;
    } forms[] = { { 0x00, 0 }, { 0x7f, 0 }, { 0xe0, 0 }, { 0xff, 0 }, { 0xa3, 3 }, { 0xc0, 0 },
                  { 0xc2, 0 }, { 0xc3, 0 }, { 0xca, 4 }, { 0xcb, 8 }, { 0xcc, 1 }, { 0xcd, 2 },
                  { 0xce, 4 }, { 0xcf, 8 }, { 0xd0, 1 }, { 0xd1, 2 }, { 0xd2, 4 }, { 0xd3, 8 } };
    unsigned char data[32] = { 0 };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        data[0] = forms[i].first;
        assert_int_equal(check(data, 1 + forms[i].rest), TR_OK);
        assert_int_equal(check(data, 2 + forms[i].rest), TR_EBADMSG);
        if (forms[i].rest > 0)
            assert_int_equal(check(data, forms[i].rest), TR_EBADMSG);
    }
}

static void lengths_of_every_size_are_big_endian(void **state)
{
    (void) state;
    assert_int_equal(check(BYTES(0xc4, 2, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xc5, 0, 2, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xc6, 0, 0, 0, 2, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xd9, 2, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xda, 0, 2, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xdb, 0, 0, 0, 2, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xdc, 0, 2, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xdd, 0, 0, 0, 2, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xde, 0, 1, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xdf, 0, 0, 0, 1, 1, 1)), TR_OK);
    assert_int_equal(check(BYTES(0xda, 2, 0, 1, 1)), TR_EBADMSG);
}

static void values_are_counted_with_keys_and_containers(void **state)
{
    (void) state;
    size_t objects = 0;
    assert_int_equal(valid_check(BYTES(0x93, 1, 0x81, 0xa1, 'k', 0x92, 2, 3, 0x90), NULL, &objects, NULL), TR_OK);
    assert_int_equal(objects, 8);
}

static void claims_that_the_bytes_cannot_hold_are_refused(void **state)
{
    (void) state;
    assert_int_equal(check(BYTES(0xdd, 0x10, 0, 0, 0, 0xc0)), TR_EBADMSG);
    assert_int_equal(check(BYTES(0xdd, 0xff, 0xff, 0xff, 0xff)), TR_EBADMSG);
    assert_int_equal(check(BYTES(0xdf, 0xff, 0xff, 0xff, 0xff)), TR_EBADMSG);
    assert_int_equal(check(BYTES(0xdf, 0x80, 0, 0, 1, 1, 1)), TR_EBADMSG);
    assert_int_equal(check(BYTES(0xc6, 0xff, 0xff, 0xff, 0xff)), TR_EBADMSG);
    assert_int_equal(check(BYTES(0xdb, 0xff, 0xff, 0xff, 0xff)), TR_EBADMSG);
    assert_int_equal(check(BYTES(0xc9, 0xff, 0xff, 0xff, 0xff, 1)), TR_EBADMSG);
    assert_int_equal(check(BYTES(0x92, 0x92, 0xc0, 0xc0)), TR_EBADMSG);
    unsigned char tower[155];
    for (size_t i = 0; i < sizeof tower; i += 5)
        memcpy(tower + i, "\xdd\x04\x00\x00\x00", 5);
    assert_int_equal(check(tower, sizeof tower), TR_EBADMSG);
}

static void nothing_is_allocated_whatever_comes(void **state)
{
    (void) state;
    mem_fail_at(0);
    check(BYTES(0xdd, 0x10, 0, 0, 0, 0xc0));
    check(BYTES(0x93, 1, 0x81, 0xa1, 'k', 0x92, 2, 3, 0x90));
    assert_int_equal(mem_fail_at(0), 0);
}

static void sixteen_containers_may_stand_inside_the_outermost(void **state)
{
    (void) state;
    unsigned char data[128];
    assert_int_equal(check(data, nest(data, 17)), TR_OK);
    static const size_t too_deep[] = { 18, 32, 33, 100 };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(check(data, nest(data, too_deep[i])), TR_ETOOBIG);
        assert_string_equal(why, "containers nest too deep");
    }
}

static void limits_of_the_caller_hold(void **state)
{
    (void) state;
    unsigned char data[32];
    tr_limits deep = { .size = sizeof deep, .depth = 2 }, few = { .size = sizeof few, .objects = 3 };
    tr_limits small = { .size = sizeof small, .bytes = 3 }, greedy = { .size = sizeof greedy, .depth = 1000 };
    assert_int_equal(valid_check(data, nest(data, 3), &deep, NULL, NULL), TR_OK);
    assert_int_equal(valid_check(data, nest(data, 4), &deep, NULL, NULL), TR_ETOOBIG);
    assert_int_equal(valid_check(data, nest(data, 18), &greedy, NULL, NULL), TR_ETOOBIG);
    assert_int_equal(valid_check(BYTES(0x92, 1, 2), &few, NULL, NULL), TR_OK);
    assert_int_equal(valid_check(BYTES(0x93, 1, 2, 3), &few, NULL, &why), TR_ETOOBIG);
    assert_string_equal(why, "too many values");
    assert_int_equal(valid_check(BYTES(0xa2, 'a', 'b'), &small, NULL, NULL), TR_OK);
    assert_int_equal(valid_check(BYTES(0xa3, 'a', 'b', 'c'), &small, NULL, &why), TR_ETOOBIG);
    assert_string_equal(why, "too many bytes");
}

static void limits_of_an_older_caller_are_read_as_far_as_they_go(void **state)
{
    (void) state;
    tr_limits older = { .size = offsetof(tr_limits, depth), .bytes = 2, .depth = 1, .objects = 1 };
    tr_limits unset = { 0 };
    assert_int_equal(valid_check(BYTES(0x91, 0x90), &older, NULL, NULL), TR_OK);
    assert_int_equal(valid_check(BYTES(0x92, 1, 1), &older, NULL, NULL), TR_ETOOBIG);
    assert_int_equal(valid_check(BYTES(0xc0), &unset, NULL, &why), TR_EINVAL);
    assert_string_equal(why, "tr_limits.size is not set");
}

static void a_mebibyte_of_nils_is_over_the_limit_of_values(void **state)
{
    (void) state;
    static unsigned char nils[5 + (1 << 20)];
    memset(nils, 0xc0, sizeof nils);
    memcpy(nils, "\xdd\x00\x10\x00\x00", 5);
    assert_int_equal(check(nils, sizeof nils), TR_ETOOBIG);
}

static void of_exts_only_whole_addresses_pass(void **state)
{
    (void) state;
    unsigned char addr[19] = { 0xd8, CODEC_EXT_ADDR }, ext8[20] = { 0xc7, 16, CODEC_EXT_ADDR };
    assert_int_equal(check(addr, 18), TR_OK);
    assert_int_equal(check(addr, 17), TR_EBADMSG);
    assert_int_equal(check(ext8, 19), TR_OK);
    addr[1] = 2;
    assert_int_equal(check(addr, 18), TR_EBADMSG);
    assert_string_equal(why, "unknown ext type");
    assert_int_equal(check(BYTES(0xd4, CODEC_EXT_ADDR, 0)), TR_EBADMSG);
    assert_string_equal(why, "an address has 16 bytes");
    assert_int_equal(check(BYTES(0xd6, 0xff, 0, 0, 0, 0)), TR_EBADMSG); /* a timestamp */
}

static void no_bytes_and_the_byte_that_is_never_used_are_refused(void **state)
{
    (void) state;
    assert_int_equal(check("", 0), TR_EBADMSG);
    assert_int_equal(check(BYTES(0xc1)), TR_EBADMSG);
    assert_int_equal(check(BYTES(0x91, 0xc1)), TR_EBADMSG);
}

static size_t objects_in(const msgpack_object *o)
{
    size_t n = 1;
    if (o->type == MSGPACK_OBJECT_ARRAY)
        for (uint32_t i = 0; i < o->via.array.size; i++)
            n += objects_in(&o->via.array.ptr[i]);
    if (o->type == MSGPACK_OBJECT_MAP)
        for (uint32_t i = 0; i < o->via.map.size; i++)
            n += objects_in(&o->via.map.ptr[i].key) + objects_in(&o->via.map.ptr[i].val);
    return n;
}

/* Mostly containers and short values, so that many inputs are right. Never the forms with 32-bit counts, for which
 * msgpack-c would reserve gigabytes. */
static size_t random_bytes(struct random *r, unsigned char *data, size_t max)
{
    size_t len = 1 + random_below(r, max);
    for (size_t i = 0; i < len; i++) {
        uint64_t dice = random_below(r, 10);
        unsigned char any = (unsigned char) random_below(r, 256);
        data[i] = dice < 3 ? (unsigned char) (0x80 | (any & 0x13)) : dice < 7 ? any & 0x7f : any;
        if (data[i] == 0xdd || data[i] == 0xdf)
            data[i] = 0xdc;
    }
    return len;
}

static void agree(const unsigned char *data, size_t len, msgpack_zone *zone, size_t counts[2])
{
    msgpack_object object;
    size_t at = 0, objects = 0;
    tr_err err = valid_check(data, len, NULL, &objects, &why);
    if (err == TR_ETOOBIG || (err != TR_OK && strstr("unknown ext type, an address has 16 bytes", why) != NULL))
        return;
    bool theirs = msgpack_unpack((const char *) data, len, &at, zone, &object) == MSGPACK_UNPACK_SUCCESS;
    assert_int_equal(err == TR_OK, theirs && at == len);
    if (err == TR_OK)
        assert_int_equal(objects, objects_in(&object));
    counts[err == TR_OK]++;
    msgpack_zone_clear(zone);
}

static void random_bytes_are_judged_as_msgpack_c_judges_them(void **state)
{
    (void) state;
    struct random r;
    unsigned char data[16];
    size_t counts[2] = { 0 };
    msgpack_zone *zone = msgpack_zone_new(4096);
    random_seed(&r, 4711);
    for (int i = 0; i < 60000; i++)
        agree(data, random_bytes(&r, data, sizeof data), zone, counts);
    msgpack_zone_free(zone);
    assert_true(counts[0] > 5000 && counts[1] > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_value_passes_whole_and_not_otherwise),
        cmocka_unit_test(lengths_of_every_size_are_big_endian),
        cmocka_unit_test(values_are_counted_with_keys_and_containers),
        cmocka_unit_test(claims_that_the_bytes_cannot_hold_are_refused),
        cmocka_unit_test(nothing_is_allocated_whatever_comes),
        cmocka_unit_test(sixteen_containers_may_stand_inside_the_outermost),
        cmocka_unit_test(limits_of_the_caller_hold),
        cmocka_unit_test(limits_of_an_older_caller_are_read_as_far_as_they_go),
        cmocka_unit_test(a_mebibyte_of_nils_is_over_the_limit_of_values),
        cmocka_unit_test(of_exts_only_whole_addresses_pass),
        cmocka_unit_test(no_bytes_and_the_byte_that_is_never_used_are_refused),
        cmocka_unit_test(random_bytes_are_judged_as_msgpack_c_judges_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
