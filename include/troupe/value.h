/* SPDX-License-Identifier: MIT */
/* value.h - what a message can hold, on its way in and on its way out
 *
 * In: any argument of tr_send, tr_ask, tr_reply, ... is turned into a tr_value by its C type. bool, every integer type,
 * float, double, char *, tr_addr, tr_item (a value out of another message) and tr_msg * (a whole message, as an array)
 * travel; a type that cannot is a compile error. Mind C: true and 'a' are ints; NULL is not a string (write tr_nil());
 * an enum is unsigned. Strings and binaries are copied when the message is made; a tr_blob is handed over.
 *
 * Out: tr_is and tr_args (message.h) store into variables by the type of the pointer. They never truncate: a value that
 * does not fit does not match. A string goes into a const char *, never into an array: that does not compile. A tr_item
 * is a value still inside its message: valid as long as the message is.
 */
#ifndef TROUPE_VALUE_H
#define TROUPE_VALUE_H

#include <string.h>

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_ARGS_MAX 16 /* values in one message, the tag not counted */

typedef enum tr_type {
    TR_TYPE_INVALID = 0,
    TR_TYPE_NIL,
    TR_TYPE_BOOL,
    TR_TYPE_INT,   /* any integer that fits int64_t, whatever its C type was */
    TR_TYPE_UINT,  /* an integer above INT64_MAX */
    TR_TYPE_FLOAT, /* double */
    TR_TYPE_STR,   /* bytes with a NUL behind them; by convention UTF-8 */
    TR_TYPE_BIN,
    TR_TYPE_ADDR,
    TR_TYPE_ARRAY,
    TR_TYPE_MAP,
    TR_TYPE_PTR, /* tr_local_ptr: never leaves the process */
    /* Only in a tr_value, on the way in: */
    TR_TYPE_BLOB, /* arrives as TR_TYPE_BIN */
    TR_TYPE_ITEM, /* arrives as what the item is */
    TR_TYPE_MSG   /* arrives as TR_TYPE_ARRAY */
} tr_type;

/* The name used in signatures and messages to people: "int", "str", ... Static storage. Thread: any. */
TR_API const char *tr_type_name(tr_type type);

typedef void tr_free_fn(void *data);

/* A value on its way into a message: lent until the call returns, but for a blob, which moves if the call succeeds. */
typedef struct tr_value {
    uint32_t type; /* tr_type */
    uint32_t len;  /* bytes, elements, or pairs * 2 */
    union {
        int64_t i;
        uint64_t u;
        double d;
        const void *p;
    } v;
    union {
        uint64_t u; /* of a string: 0, or its bytes as one word */
        tr_free_fn *free_fn;
    } x;
} tr_value;

/* Bytes inside a message; valid as long as the message is. */
typedef struct tr_bytes {
    const void *data;
    size_t len;
} tr_bytes;

/* A value inside a message. The zero item has type TR_TYPE_INVALID. */
typedef struct tr_item {
    const tr_msg *msg;
    uint32_t at;
} tr_item;

static inline tr_value tr_value_make(tr_type type, uint32_t len)
{
    tr_value v;
    v.type = (uint32_t) type;
    v.len = len;
    v.v.u = 0;
    v.x.u = 0;
    return v;
}

static inline tr_value tr_nil(void)
{
    return tr_value_make(TR_TYPE_NIL, 0);
}

static inline tr_value tr_bool(bool b)
{
    tr_value v = tr_value_make(TR_TYPE_BOOL, 0);
    v.v.u = b;
    return v;
}

static inline tr_value tr_int(int64_t i)
{
    tr_value v = tr_value_make(TR_TYPE_INT, 0);
    v.v.i = i;
    return v;
}

static inline tr_value tr_uint(uint64_t u)
{
    tr_value v = tr_value_make(u > INT64_MAX ? TR_TYPE_UINT : TR_TYPE_INT, 0);
    v.v.u = u;
    return v;
}

static inline tr_value tr_float(double d)
{
    tr_value v = tr_value_make(TR_TYPE_FLOAT, 0);
    v.v.d = d;
    return v;
}

/* n bytes as a string; they may hold NULs. Over 4 GiB - 1, or p NULL: the call that takes it returns TR_EINVAL. */
static inline tr_value tr_strn(const char *p, size_t n)
{
    tr_value v = tr_value_make(p != NULL && n < UINT32_MAX ? TR_TYPE_STR : TR_TYPE_INVALID, (uint32_t) n);
    v.v.p = p;
    return v;
}

/* Byte i of a string of n, where it stands in a word; 0 behind its end. */
#define TR_STR_BYTE(s, n, i) ((n) > (i) ? (uint64_t) (unsigned char) (s)[i] << (i) *8 : 0)

/* A NUL-terminated string. A literal of up to 7 bytes, as most tags are, goes along as a word made by the compiler. */
static inline tr_value tr_str(const char *s)
{
    size_t n = s != NULL ? __builtin_strlen(s) : 0;
    tr_value v = tr_strn(s, n);
    if (__builtin_constant_p(n) && n > 0 && n < 8)
        v.x.u = TR_STR_BYTE(s, n, 0) | TR_STR_BYTE(s, n, 1) | TR_STR_BYTE(s, n, 2) | TR_STR_BYTE(s, n, 3) |
                TR_STR_BYTE(s, n, 4) | TR_STR_BYTE(s, n, 5) | TR_STR_BYTE(s, n, 6);
    return v;
}

/* n bytes, copied. */
static inline tr_value tr_bin(const void *p, size_t n)
{
    tr_value v = tr_value_make((p != NULL || n == 0) && n < UINT32_MAX ? TR_TYPE_BIN : TR_TYPE_INVALID, (uint32_t) n);
    v.v.p = p;
    return v;
}

/* n bytes, handed over: if the call that takes it succeeds, free_fn(p) is called once, from any thread, when the last
 * message that holds it is gone; if the call fails, p is still the caller's (an ask has taken it when the request was
 * sent, whatever the answer is). NULL for free_fn: p outlives everything. */
static inline tr_value tr_blob(void *p, size_t n, tr_free_fn *free_fn)
{
    tr_value v = tr_value_make((p != NULL || n == 0) && n < UINT32_MAX ? TR_TYPE_BLOB : TR_TYPE_INVALID, (uint32_t) n);
    v.v.p = p;
    v.x.free_fn = free_fn;
    return v;
}

/* A pointer for another actor of the same process. Encoding a message that holds one fails. */
static inline tr_value tr_local_ptr(void *p)
{
    tr_value v = tr_value_make(TR_TYPE_PTR, 0);
    v.v.p = p;
    return v;
}

static inline tr_value tr_v_addr(tr_addr a)
{
    tr_value v = tr_value_make(TR_TYPE_ADDR, 0);
    v.v.u = a.node;
    v.x.u = a.actor;
    return v;
}

static inline tr_value tr_v_item(tr_item item)
{
    tr_value v = tr_value_make(TR_TYPE_ITEM, item.at);
    v.v.p = item.msg;
    return v;
}

static inline tr_value tr_v_msg(const tr_msg *m)
{
    tr_value v = tr_value_make(m != NULL ? TR_TYPE_MSG : TR_TYPE_INVALID, 0);
    v.v.p = m;
    return v;
}

static inline tr_value tr_v_value(tr_value v)
{
    return v;
}

/* n values that stand in memory; kv: keys and values in turn, n of them in all. Lent until the call that takes them
 * returns. */
static inline tr_value tr_arrayn(const tr_value *items, size_t n)
{
    tr_value v = tr_value_make(n < UINT32_MAX ? TR_TYPE_ARRAY : TR_TYPE_INVALID, (uint32_t) n);
    v.v.p = items;
    return v;
}

static inline tr_value tr_mapn(const tr_value *kv, size_t n)
{
    tr_value v = tr_value_make(n % 2 == 0 && n < UINT32_MAX ? TR_TYPE_MAP : TR_TYPE_INVALID, (uint32_t) n);
    v.v.p = kv;
    return v;
}

/* Where a value goes on its way out; made by TR_DEST from a pointer. */
typedef struct tr_dest {
    uint32_t kind; /* enum tr_dest_kind */
    uint32_t size; /* of the integer or float behind ptr */
    void *ptr;
} tr_dest;

enum tr_dest_kind {
    TR_DEST_BOOL = 1,
    TR_DEST_SIGNED,
    TR_DEST_UNSIGNED,
    TR_DEST_FLOAT,
    TR_DEST_STR,
    TR_DEST_BYTES,
    TR_DEST_ADDR,
    TR_DEST_ITEM,
    TR_DEST_PTR,
    TR_DEST_SKIP
};

static inline tr_dest tr_dest_make(enum tr_dest_kind kind, size_t size, void *ptr)
{
    tr_dest d;
    d.kind = (uint32_t) kind;
    d.size = (uint32_t) size;
    d.ptr = ptr;
    return d;
}

/* Matches any value and stores nothing. */
static inline tr_dest tr_skip(void)
{
    return tr_dest_make(TR_DEST_SKIP, 0, NULL);
}

static inline tr_dest tr_d_dest(tr_dest d)
{
    return d;
}

/* ---- reading an item ---- */

/* Thread: any, as long as the message is held. A map's count is the number of its pairs. */
TR_API tr_type tr_item_type(tr_item item);
TR_API size_t tr_item_count(tr_item item); /* elements of an array, pairs of a map, else 0 */

/* Element i of an array, value i of a map; the zero item if there is none. */
TR_API tr_item tr_item_at(tr_item item, size_t i);

/* Key i of a map; the zero item if there is none. */
TR_API tr_item tr_item_key(tr_item item, size_t i);

/* The value under a string key of a map (the first, should it stand there twice); the zero item if there is none. */
TR_API tr_item tr_item_get(tr_item item, const char *key);

/* Stores the item into *dest if it fits. Errors: TR_EBADMSG, nothing stored. Use tr_read. */
TR_API TR_MUST_CHECK tr_err tr_item_read(tr_item item, tr_dest dest);

#ifdef __cplusplus
} /* extern "C" */
#include "detail_cpp.h"
#else
#include "detail_c.h"
#endif
#include "detail_small.h"

/* tr_array(1, "two", 3.0): an array of up to 33 values. tr_map("key", value, ...): a map of up to 16 pairs.
 * Both lent until the call that takes them returns. */
#define tr_array(...) tr_arrayn(TR_VALUES(__VA_ARGS__))
#define tr_map(...) tr_mapn(TR_VALUES(__VA_ARGS__))

/* tr_read(item, &n): TR_OK and n is set, or TR_EBADMSG and n is untouched. */
#define tr_read(item, ptr) tr_item_read((item), TR_DEST(ptr))

#endif
