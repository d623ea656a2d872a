/* SPDX-License-Identifier: MIT */
/* valid.c - whether bytes from outside are one msgpack value, before anything is allocated for them
 *
 * A decoder believes counts: 155 bytes of nested arrays that claim millions of elements make msgpack-c reserve 63 GB.
 * So every byte passes here first. One walk from front to back, no recursion, no allocation, and one invariant that
 * decides the matter: every value that is still owed takes a byte at least, so there are never more of them than bytes
 * left. A count that would break it is a lie, and is refused where it stands.
 */
#include "message/codec.h"

#include <string.h>

#define BYTES_DEFAULT ((size_t) 16 << 20)
#define OBJECTS_DEFAULT ((size_t) 1000000)
#define ADDR_BYTES 16

enum form_kind {
    FORM_NEVER,
    FORM_FIXED, /* n bytes */
    FORM_BYTES, /* n bytes: str, bin */
    FORM_EXT,   /* a type and n bytes */
    FORM_ARRAY, /* n values */
    FORM_MAP    /* n pairs */
};

/* How a value begins. */
struct form {
    uint8_t kind;     /* enum form_kind */
    uint8_t len_size; /* bytes of n that follow, big-endian; 0: n is known */
    uint8_t n;
};

/* First bytes 0xc0 to 0xdf; the others hold their n, or their whole value, in themselves. */
static const struct form forms[32] = {
    { FORM_FIXED, 0, 0 }, { FORM_NEVER, 0, 0 }, { FORM_FIXED, 0, 0 }, { FORM_FIXED, 0, 0 }, /* nil, -, false, true */
    { FORM_BYTES, 1, 0 }, { FORM_BYTES, 2, 0 }, { FORM_BYTES, 4, 0 },                       /* bin */
    { FORM_EXT, 1, 0 },   { FORM_EXT, 2, 0 },   { FORM_EXT, 4, 0 },                         /* ext */
    { FORM_FIXED, 0, 4 }, { FORM_FIXED, 0, 8 },                                             /* float */
    { FORM_FIXED, 0, 1 }, { FORM_FIXED, 0, 2 }, { FORM_FIXED, 0, 4 }, { FORM_FIXED, 0, 8 }, /* uint */
    { FORM_FIXED, 0, 1 }, { FORM_FIXED, 0, 2 }, { FORM_FIXED, 0, 4 }, { FORM_FIXED, 0, 8 }, /* int */
    { FORM_EXT, 0, 1 },   { FORM_EXT, 0, 2 },   { FORM_EXT, 0, 4 },   { FORM_EXT, 0, 8 },   /* fixext */
    { FORM_EXT, 0, 16 },                                                                    /* fixext 16 */
    { FORM_BYTES, 1, 0 }, { FORM_BYTES, 2, 0 }, { FORM_BYTES, 4, 0 },                       /* str */
    { FORM_ARRAY, 2, 0 }, { FORM_ARRAY, 4, 0 }, { FORM_MAP, 2, 0 },   { FORM_MAP, 4, 0 },   /* array, map */
};

struct walk {
    const uint8_t *p, *end;
    uint64_t owed;                    /* values still to come, in all open containers */
    uint64_t left[MSG_DEPTH_MAX + 1]; /* of which in each; the outermost container counts no depth */
    size_t open;
    size_t objects;
    tr_limits limits;
    const char *why;
};

static tr_err walk_fail(struct walk *w, tr_err err, const char *why)
{
    w->why = why;
    return err;
}

static struct form form_of(uint8_t first)
{
    if (first < 0x80 || first >= 0xe0)
        return (struct form){ FORM_FIXED, 0, 0 };
    if (first < 0x90)
        return (struct form){ FORM_MAP, 0, first & 0x0f };
    if (first < 0xa0)
        return (struct form){ FORM_ARRAY, 0, first & 0x0f };
    if (first < 0xc0)
        return (struct form){ FORM_BYTES, 0, first & 0x1f };
    return forms[first - 0xc0];
}

static size_t walk_left(const struct walk *w)
{
    return (size_t) (w->end - w->p);
}

/* Reads what n is; false: the bytes end before it does. */
static bool take_count(struct walk *w, struct form f, uint64_t *n)
{
    if (walk_left(w) < f.len_size)
        return false;
    *n = f.n;
    for (unsigned i = 0; i < f.len_size; i++)
        *n = *n << 8 | *w->p++;
    return true;
}

static tr_err check_ext(struct walk *w, uint64_t n)
{
    if (walk_left(w) == 0)
        return walk_fail(w, TR_EBADMSG, "the bytes end inside a value");
    if (*w->p++ != CODEC_EXT_ADDR)
        return walk_fail(w, TR_EBADMSG, "unknown ext type");
    if (n != ADDR_BYTES)
        return walk_fail(w, TR_EBADMSG, "an address has 16 bytes");
    return TR_OK;
}

static tr_err open_container(struct walk *w, uint64_t values)
{
    if (w->open > w->limits.depth)
        return walk_fail(w, TR_ETOOBIG, "containers nest too deep");
    w->owed += values;
    w->left[w->open++] = values;
    return TR_OK;
}

static tr_err skip_bytes(struct walk *w, uint64_t n)
{
    if (n > walk_left(w))
        return walk_fail(w, TR_EBADMSG, "the bytes end inside a value");
    w->p += n;
    return TR_OK;
}

/* Past the head of one value, and past all of it unless it is a container. */
static tr_err walk_value(struct walk *w)
{
    uint64_t n;
    struct form f = form_of(*w->p++);
    if (!take_count(w, f, &n))
        return walk_fail(w, TR_EBADMSG, "the bytes end inside a value");
    if (f.kind == FORM_NEVER)
        return walk_fail(w, TR_EBADMSG, "0xc1 begins no value");
    if (f.kind == FORM_ARRAY || f.kind == FORM_MAP)
        return open_container(w, f.kind == FORM_MAP ? n * 2 : n);
    tr_err err = f.kind == FORM_EXT ? check_ext(w, n) : TR_OK;
    return err == TR_OK ? skip_bytes(w, n) : err;
}

static tr_err walk_all(struct walk *w)
{
    while (w->owed > 0) {
        w->owed--;
        w->objects++;
        if (w->open > 0)
            w->left[w->open - 1]--;
        tr_err err = walk_value(w);
        if (err != TR_OK)
            return err;
        if (w->owed > walk_left(w))
            return walk_fail(w, TR_EBADMSG, "a container claims more values than there are bytes");
        if (w->objects + w->owed > w->limits.objects)
            return walk_fail(w, TR_ETOOBIG, "too many values");
        while (w->open > 0 && w->left[w->open - 1] == 0)
            w->open--;
    }
    return w->p == w->end ? TR_OK : walk_fail(w, TR_EBADMSG, "there are bytes behind the value");
}

/* A caller built against an older header has fewer fields: what is not there has its default. */
static tr_err limits_read(struct walk *w, const tr_limits *given)
{
    tr_limits l = { 0 };
    if (given != NULL && given->size < sizeof given->size)
        return walk_fail(w, TR_EINVAL, "tr_limits.size is not set");
    if (given != NULL)
        memcpy(&l, given, given->size < sizeof l ? given->size : sizeof l);
    w->limits.bytes = l.bytes > 0 ? l.bytes : BYTES_DEFAULT;
    w->limits.depth = l.depth > 0 && l.depth < MSG_DEPTH_MAX ? l.depth : MSG_DEPTH_MAX;
    w->limits.objects = l.objects > 0 ? l.objects : OBJECTS_DEFAULT;
    return TR_OK;
}

static tr_err walk_start(struct walk *w, const void *data, size_t len, const tr_limits *limits)
{
    tr_err err = limits_read(w, limits);
    if (err != TR_OK)
        return err;
    if (len > w->limits.bytes)
        return walk_fail(w, TR_ETOOBIG, "too many bytes");
    if (len == 0)
        return walk_fail(w, TR_EBADMSG, "there are no bytes");
    w->p = data;
    w->end = w->p + len;
    w->owed = 1;
    return walk_all(w);
}

tr_err valid_check(const void *data, size_t len, const tr_limits *limits, size_t *objects, const char **why)
{
    struct walk w;
    w.open = 0;
    w.objects = 0;
    tr_err err = walk_start(&w, data, len, limits);
    if (err == TR_OK && objects != NULL)
        *objects = w.objects;
    if (err != TR_OK && why != NULL)
        *why = w.why;
    return err;
}
