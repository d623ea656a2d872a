/* SPDX-License-Identifier: MIT */
/* codec.c - messages as msgpack bytes
 *
 * Out: one walk over the slots, packed straight into the buffer that the caller gets. In: the validator first, which
 * also counts the values, so that msgpack-c finds a zone of exactly the size it will need; then its objects are laid
 * out as one block, and the zone goes. Strings in the objects still stand in the input. Recursion is as deep as the
 * validator lets containers nest.
 */
#include "message/codec.h"

#include <msgpack.h>

#include "base/alloc.h"
#include "message/block.h"

#define BUFFER_SIZE_MIN 64
#define BUFFER_SIZE_FIRST_MAX 512

static tr_err fail(tr_err err, const char *words, const char **why)
{
    if (why != NULL)
        *why = words;
    return err;
}

/* ---- out ---- */

struct buffer {
    char *data;
    size_t len, cap;
    bool failed; /* stays: what follows is dropped, and asked about once, at the end */
};

static bool buffer_reserve(struct buffer *b, size_t n)
{
    size_t cap = b->cap;
    while (cap - b->len < n)
        cap *= 2;
    if (cap == b->cap)
        return true;
    char *data = mem_realloc(b->data, cap);
    if (data == NULL)
        return false;
    b->data = data;
    b->cap = cap;
    return true;
}

static int buffer_write(void *ctx, const char *data, size_t n)
{
    struct buffer *b = ctx;
    if (b->failed || !buffer_reserve(b, n)) {
        b->failed = true;
        return -1;
    }
    copy_bytes(b->data + b->len, data, n);
    b->len += n;
    return 0;
}

static void word_put(unsigned char *p, uint64_t u, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (unsigned char) (u >> (bytes - 1 - i) * 8);
}

static void addr_pack(msgpack_packer *pk, tr_addr a, uint64_t self_node)
{
    unsigned char bytes[BLOCK_ADDR_SIZE];
    word_put(bytes, a.node == 0 ? self_node : a.node, 8);
    word_put(bytes + 8, a.actor & UINT32_MAX, 4);
    word_put(bytes + 12, a.actor >> 32, 4);
    msgpack_pack_ext(pk, sizeof bytes, CODEC_EXT_ADDR);
    msgpack_pack_ext_body(pk, bytes, sizeof bytes);
}

static tr_err slots_pack(msgpack_packer *pk, const struct tr_msg *body, const struct msg_slot *s, size_t n,
                         uint64_t self_node);

static tr_err slot_pack(msgpack_packer *pk, const struct tr_msg *body, const struct msg_slot *s, uint64_t self_node)
{
    switch (s->type) {
    case TR_TYPE_NIL:
        msgpack_pack_nil(pk);
        return TR_OK;
    case TR_TYPE_BOOL:
        s->v.u != 0 ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
        return TR_OK;
    case TR_TYPE_INT:
        msgpack_pack_int64(pk, s->v.i);
        return TR_OK;
    case TR_TYPE_UINT:
        msgpack_pack_uint64(pk, s->v.u);
        return TR_OK;
    case TR_TYPE_FLOAT:
        msgpack_pack_double(pk, s->v.d);
        return TR_OK;
    case TR_TYPE_STR:
        msgpack_pack_str(pk, s->len);
        msgpack_pack_str_body(pk, slot_bytes(body, s), s->len);
        return TR_OK;
    case TR_TYPE_BIN:
        msgpack_pack_bin(pk, s->len);
        msgpack_pack_bin_body(pk, slot_bytes(body, s), s->len);
        return TR_OK;
    case TR_TYPE_ADDR:
        addr_pack(pk, slot_addr(body, s), self_node);
        return TR_OK;
    case TR_TYPE_ARRAY:
        msgpack_pack_array(pk, s->len);
        return slots_pack(pk, body, slot_at(body, s->v.at), s->len, self_node);
    case TR_TYPE_MAP:
        msgpack_pack_map(pk, s->len / 2);
        return slots_pack(pk, body, slot_at(body, s->v.at), s->len, self_node);
    default: /* a pointer */
        return TR_EINVAL;
    }
}

static tr_err slots_pack(msgpack_packer *pk, const struct tr_msg *body, const struct msg_slot *s, size_t n,
                         uint64_t self_node)
{
    for (size_t i = 0; i < n; i++) {
        tr_err err = slot_pack(pk, body, &s[i], self_node);
        if (err != TR_OK)
            return err;
    }
    return TR_OK;
}

static tr_err msg_pack(msgpack_packer *pk, const struct tr_msg *m, uint64_t self_node)
{
    msgpack_pack_array(pk, m->argc + 1u);
    if (m->tag != 0) {
        msgpack_pack_str(pk, m->tag_len);
        msgpack_pack_str_body(pk, tr_tag(m), m->tag_len);
    } else {
        msgpack_pack_nil(pk);
    }
    return slots_pack(pk, m->body, m->body->slot, m->argc, self_node);
}

tr_err codec_encode(const struct tr_msg *m, uint64_t self_node, void **data, size_t *len)
{
    /* Encoded, a message is never larger than its block; a large one may be far smaller. */
    size_t cap = m->size < BUFFER_SIZE_FIRST_MAX ? m->size : BUFFER_SIZE_FIRST_MAX;
    struct buffer b = { .cap = cap > BUFFER_SIZE_MIN ? cap : BUFFER_SIZE_MIN };
    b.data = mem_alloc(b.cap);
    if (b.data == NULL)
        return TR_ENOMEM;
    msgpack_packer pk;
    msgpack_packer_init(&pk, &b, buffer_write);
    tr_err err = msg_pack(&pk, m, self_node);
    if (err == TR_OK && b.failed)
        err = TR_ENOMEM;
    if (err != TR_OK) {
        mem_free(b.data);
        return err;
    }
    *data = b.data;
    *len = b.len;
    return TR_OK;
}

/* ---- in ---- */

/* What the block will need. */
struct extent {
    uint64_t slots, tail;
};

/* A pair is two objects side by side, so that a map reads as an array of twice the size. Not through the pair: an empty
 * map has none. */
static const msgpack_object *map_objects(const msgpack_object *o)
{
    return (const msgpack_object *) (const void *) o->via.map.ptr;
}

static void objects_measure(struct extent *e, const msgpack_object *o, size_t n);

static void object_measure(struct extent *e, const msgpack_object *o)
{
    switch (o->type) {
    case MSGPACK_OBJECT_STR:
        e->tail += (uint64_t) o->via.str.size + 1;
        break;
    case MSGPACK_OBJECT_BIN:
        e->tail += o->via.bin.size;
        break;
    case MSGPACK_OBJECT_EXT:
        e->tail += BLOCK_ADDR_SIZE;
        break;
    case MSGPACK_OBJECT_ARRAY:
        objects_measure(e, o->via.array.ptr, o->via.array.size);
        break;
    case MSGPACK_OBJECT_MAP:
        objects_measure(e, map_objects(o), (size_t) o->via.map.size * 2);
        break;
    default:
        break;
    }
}

static void objects_measure(struct extent *e, const msgpack_object *o, size_t n)
{
    e->slots += n;
    for (size_t i = 0; i < n; i++)
        object_measure(e, &o[i]);
}

static uint64_t word_get(const char *p, unsigned bytes)
{
    uint64_t u = 0;
    for (unsigned i = 0; i < bytes; i++)
        u = u << 8 | (unsigned char) p[i];
    return u;
}

static tr_addr addr_unpack(const char *p, uint64_t self_node)
{
    uint64_t node = word_get(p, 8);
    return (tr_addr){ node == self_node ? 0 : node, word_get(p + 8, 4) | word_get(p + 12, 4) << 32 };
}

static void objects_write(struct block_writer *w, struct msg_slot *s, const msgpack_object *o, size_t n,
                          uint64_t self_node);

static void object_write(struct block_writer *w, struct msg_slot *s, const msgpack_object *o, uint64_t self_node)
{
    switch (o->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        write_word(s, TR_TYPE_BOOL, o->via.boolean);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        write_uint(s, o->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        write_word(s, TR_TYPE_INT, (uint64_t) o->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        write_float(s, o->via.f64);
        break;
    case MSGPACK_OBJECT_STR:
        write_bytes(w, s, TR_TYPE_STR, o->via.str.ptr, o->via.str.size);
        break;
    case MSGPACK_OBJECT_BIN:
        write_bytes(w, s, TR_TYPE_BIN, o->via.bin.ptr, o->via.bin.size);
        break;
    case MSGPACK_OBJECT_EXT:
        write_addr(w, s, addr_unpack(o->via.ext.ptr, self_node));
        break;
    case MSGPACK_OBJECT_ARRAY:
        objects_write(w, write_container(w, s, TR_TYPE_ARRAY, o->via.array.size), o->via.array.ptr, o->via.array.size,
                      self_node);
        break;
    case MSGPACK_OBJECT_MAP:
        objects_write(w, write_container(w, s, TR_TYPE_MAP, o->via.map.size * 2), map_objects(o),
                      (size_t) o->via.map.size * 2, self_node);
        break;
    default:
        write_word(s, TR_TYPE_NIL, 0);
        break;
    }
}

static void objects_write(struct block_writer *w, struct msg_slot *s, const msgpack_object *o, size_t n,
                          uint64_t self_node)
{
    for (size_t i = 0; i < n; i++)
        object_write(w, &s[i], &o[i], self_node);
}

/* Whether this is [tag or nil, up to 16 values]. */
static tr_err shape_check(const msgpack_object *root, const char **why)
{
    if (root->type != MSGPACK_OBJECT_ARRAY || root->via.array.size == 0)
        return fail(TR_EBADMSG, "a message is an array that begins with its tag or nil", why);
    if (root->via.array.size > TR_ARGS_MAX + 1)
        return fail(TR_ETOOBIG, "a message has at most 16 values", why);
    const msgpack_object *tag = root->via.array.ptr;
    if (tag->type == MSGPACK_OBJECT_NIL)
        return TR_OK;
    if (tag->type != MSGPACK_OBJECT_STR || tag->via.str.size == 0)
        return fail(TR_EBADMSG, "the tag is a string of 1 to 255 bytes, or nil", why);
    if (tag->via.str.size > MSG_TAG_MAX)
        return fail(TR_ETOOBIG, "a tag has at most 255 bytes", why);
    if (memchr(tag->via.str.ptr, 0, tag->via.str.size) != NULL)
        return fail(TR_EBADMSG, "the tag holds a NUL byte", why);
    return TR_OK;
}

static tr_err root_build(struct msg_pool *pool, const msgpack_object *root, uint64_t self_node, struct tr_msg **out,
                         const char **why)
{
    tr_err err = shape_check(root, why);
    if (err != TR_OK)
        return err;
    const msgpack_object *tag = root->via.array.ptr;
    const msgpack_object *values = tag + 1;
    size_t argc = root->via.array.size - 1;
    bool tagged = tag->type == MSGPACK_OBJECT_STR;
    struct extent e = { .tail = tagged ? block_tag_tail(tag->via.str.size) : 0 };
    objects_measure(&e, values, argc);
    uint64_t size = sizeof(struct tr_msg) + e.slots * sizeof(struct msg_slot) + e.tail;
    if (size > MSG_SIZE_MAX)
        return fail(TR_ETOOBIG, "a message has at most 1 GiB", why);
    struct tr_msg *m = block_alloc(pool, size);
    if (m == NULL)
        return fail(TR_ENOMEM, "out of memory", why);
    block_init(m, tagged ? MSG_SEND : MSG_REPLY, argc, e.slots, size);
    struct block_writer w = block_write(m, e.slots);
    if (tagged)
        write_tag(&w, tag->via.str.ptr, tag->via.str.size, msg_tag_word(tag->via.str.ptr, tag->via.str.size));
    objects_write(&w, m->slot, values, argc, self_node);
    *out = m;
    return TR_OK;
}

/* data has passed the validator: what can still go wrong is memory. */
static tr_err unpack(const void *data, size_t len, msgpack_zone *zone, msgpack_object *root, const char **why)
{
    size_t at = 0;
    msgpack_unpack_return got = msgpack_unpack(data, len, &at, zone, root);
    if (got == MSGPACK_UNPACK_SUCCESS)
        return TR_OK;
    if (got == MSGPACK_UNPACK_NOMEM_ERROR)
        return fail(TR_ENOMEM, "out of memory", why);
    return fail(TR_EBADMSG, "the bytes are no msgpack", why);
}

tr_err codec_decode(struct msg_pool *pool, const void *data, size_t len, const tr_limits *limits, uint64_t self_node,
                    struct tr_msg **out, const char **why)
{
    size_t objects;
    tr_err err = valid_check(data, len, limits, &objects, why);
    if (err != TR_OK)
        return err;
    msgpack_zone zone;
    msgpack_object root;
    if (!msgpack_zone_init(&zone, (objects + 1) * sizeof(msgpack_object)))
        return fail(TR_ENOMEM, "out of memory", why);
    err = unpack(data, len, &zone, &root, why);
    if (err == TR_OK)
        err = root_build(pool, &root, self_node, out, why);
    msgpack_zone_destroy(&zone);
    return err;
}

/* ---- public ---- */

tr_err tr_msg_encode(const tr_msg *m, void **data, size_t *len)
{
    return codec_encode(m, 0, data, len);
}

tr_err tr_msg_decode(const void *data, size_t len, const tr_limits *limits, tr_msg **m, const char **why)
{
    return codec_decode(NULL, data, len, limits, 0, m, why);
}
