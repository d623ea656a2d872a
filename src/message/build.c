/* SPDX-License-Identifier: MIT */
/* build.c - values into a block
 *
 * Messages of plain values take the short way: one pass adds up bytes, one writes. Containers, items, whole messages
 * and blobs take the long way, the same two passes with a recursion that MSG_DEPTH_MAX bounds. Everything that can fail
 * (wrong values, limits, memory) comes before the first slot is written, so that nothing has to be undone: blobs move
 * in only when success is certain.
 */
#include "base/alloc.h"
#include "message/block.h"
#include "message/message.h"

#define TYPE_BIT(type) (1u << (type))

/* Types whose slot is the value's own word. UINT is not: a hand-made one may be small. */
#define TYPES_WORD                                                                                      \
    (TYPE_BIT(TR_TYPE_NIL) | TYPE_BIT(TR_TYPE_BOOL) | TYPE_BIT(TR_TYPE_INT) | TYPE_BIT(TR_TYPE_FLOAT) | \
     TYPE_BIT(TR_TYPE_PTR))
#define TYPES_PLAIN \
    (TYPES_WORD | TYPE_BIT(TR_TYPE_UINT) | TYPE_BIT(TR_TYPE_STR) | TYPE_BIT(TR_TYPE_BIN) | TYPE_BIT(TR_TYPE_ADDR))

static const char why_no_memory[] = "out of memory";
static const char why_big[] = "a message has at most 1 GiB";
static const char why_deep[] = "containers nest at most 16 deep";

/* What the block will need, the long way. */
struct plan {
    uint64_t slots;
    uint64_t tail;
    uint64_t blob_bytes;
    size_t blobs;           /* how many new ones */
    bool holds_blobs;       /* new ones or shared ones */
    struct msg_blob *spare; /* records for the new ones, linked through data */
    const char *why;
};

/* why may be NULL. */
static tr_err fail(tr_err err, const char *words, const char **why)
{
    if (why != NULL)
        *why = words;
    return err;
}

static tr_err plan_fail(struct plan *p, tr_err err, const char *why)
{
    p->why = why;
    return err;
}

/* ---- tags ---- */

static inline uint64_t tag_word(const char *tag, size_t len)
{
    /* Loads that overlap inside the tag, so that none reads behind it; memcpy into a zeroed word would be a call. */
    if (len >= 8) {
        uint64_t word;
        memcpy(&word, tag, 8);
        return word;
    }
    char bytes[8] = { 0 };
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
        memcpy(bytes, tag, len);
        uint64_t word;
        memcpy(&word, bytes, 8);
        return word;
    }
    const unsigned char *p = (const unsigned char *) tag;
    if (len >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + len - 4, 4);
        return low | (uint64_t) high << (len - 4) * 8;
    }
    if (len == 0)
        return 0;
    return p[0] | (uint64_t) p[len / 2] << len / 2 * 8 | (uint64_t) p[len - 1] << (len - 1) * 8;
}

uint64_t msg_tag_word(const char *tag, size_t len)
{
    return tag_word(tag, len);
}

/* Whether one of the word's first len bytes is zero. Sets the bytes behind to one, then looks for the borrow that only
 * a zero byte makes. */
static bool word_has_zero(uint64_t word, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t behind = len >= 8 ? 0 : __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ones << len * 8 : ones >> len * 8;
    word |= behind;
    return ((word - ones) & ~word & ones << 7) != 0;
}

struct tag {
    const char *bytes;
    size_t len; /* 0: none */
    uint64_t word;
};

static inline tr_err tag_read(struct tag *tag, const tr_value *v, const char **why)
{
    if (v->type != TR_TYPE_STR)
        return fail(TR_EINVAL, "the tag must be a string", why);
    if (v->len == 0)
        return fail(TR_EINVAL, "the tag is empty", why);
    if (v->len > MSG_TAG_MAX)
        return fail(TR_ETOOBIG, "a tag has at most 255 bytes", why);
    *tag = (struct tag){ v->v.p, v->len, tag_word(v->v.p, v->len) };
    if (word_has_zero(tag->word, tag->len) || (tag->len > 8 && memchr(tag->bytes, 0, tag->len) != NULL))
        return fail(TR_EINVAL, "the tag holds a NUL byte", why);
    return TR_OK;
}

/* ---- first pass ---- */

#define NOT_PLAIN UINT64_MAX

/* The bytes of one plain value in the tail; NOT_PLAIN: it is none. */
static inline uint64_t plain_tail(const tr_value *v)
{
    uint32_t type = v->type;
    if (type > TR_TYPE_MSG || (TYPE_BIT(type) & TYPES_PLAIN) == 0)
        return NOT_PLAIN;
    if (TYPE_BIT(type) & (TYPES_WORD | TYPE_BIT(TR_TYPE_UINT)))
        return 0;
    return type == TR_TYPE_ADDR ? BLOCK_ADDR_SIZE : (uint64_t) v->len + (type == TR_TYPE_STR);
}

static uint64_t plan_block_size(const struct plan *p)
{
    return sizeof(struct tr_msg) + p->slots * sizeof(struct msg_slot) + p->tail;
}

static bool plan_is_over(const struct plan *p)
{
    return plan_block_size(p) + p->blob_bytes > MSG_SIZE_MAX;
}

/* depth: in how many containers the slots stand. */
static tr_err plan_slots(struct plan *p, const struct tr_msg *body, const struct msg_slot *s, size_t n, unsigned depth)
{
    if (depth > MSG_DEPTH_MAX)
        return plan_fail(p, TR_ETOOBIG, why_deep);
    p->slots += n;
    for (size_t i = 0; i < n; i++, s++) {
        tr_err err = TR_OK;
        if (slot_is_container(s))
            err = plan_slots(p, body, slot_at(body, s->v.at), s->len, depth + 1);
        else if (s->blob)
            p->blob_bytes += s->len;
        else if (s->type == TR_TYPE_STR || s->type == TR_TYPE_BIN)
            p->tail += (uint64_t) s->len + (s->type == TR_TYPE_STR);
        else if (s->type == TR_TYPE_ADDR)
            p->tail += BLOCK_ADDR_SIZE;
        p->holds_blobs |= s->blob;
        if (err != TR_OK)
            return err;
        if (plan_is_over(p))
            return plan_fail(p, TR_ETOOBIG, why_big);
    }
    return TR_OK;
}

static tr_err plan_item(struct plan *p, const tr_value *v, unsigned depth)
{
    if (v->v.p == NULL || v->len == 0)
        return plan_fail(p, TR_EINVAL, "an item that holds no value");
    const struct tr_msg *body = v->v.p;
    p->slots--; /* its own slot has been counted where it goes */
    return plan_slots(p, body, slot_at(body, v->len), 1, depth);
}

static tr_err plan_msg(struct plan *p, const tr_value *v, unsigned depth)
{
    if (v->v.p == NULL)
        return plan_fail(p, TR_EINVAL, "a NULL message");
    const struct tr_msg *body = ((const struct tr_msg *) v->v.p)->body;
    p->slots++;
    p->tail += body->tag != 0 ? body->tag_len + 1u : 0u;
    return plan_slots(p, body, body->slot, body->argc, depth + 1);
}

static tr_err plan_values(struct plan *p, const tr_value *v, size_t n, unsigned depth);

static tr_err plan_container(struct plan *p, const tr_value *v, unsigned depth)
{
    if (v->v.p == NULL && v->len > 0)
        return plan_fail(p, TR_EINVAL, "a container without its values");
    if (v->type == TR_TYPE_MAP && v->len % 2 != 0)
        return plan_fail(p, TR_EINVAL, "a map with a key that has no value");
    return plan_values(p, v->v.p, v->len, depth + 1);
}

static tr_err plan_value(struct plan *p, const tr_value *v, unsigned depth)
{
    switch (v->type) {
    case TR_TYPE_NIL:
    case TR_TYPE_BOOL:
    case TR_TYPE_INT:
    case TR_TYPE_UINT:
    case TR_TYPE_FLOAT:
    case TR_TYPE_STR:
    case TR_TYPE_BIN:
    case TR_TYPE_ADDR:
    case TR_TYPE_PTR:
        p->tail += plain_tail(v);
        return TR_OK;
    case TR_TYPE_ARRAY:
    case TR_TYPE_MAP:
        return plan_container(p, v, depth);
    case TR_TYPE_BLOB:
        p->blobs++;
        p->blob_bytes += v->len;
        p->holds_blobs = true;
        return TR_OK;
    case TR_TYPE_ITEM:
        return plan_item(p, v, depth);
    case TR_TYPE_MSG:
        return plan_msg(p, v, depth);
    case TR_TYPE_INVALID:
        return plan_fail(p, TR_EINVAL,
                         "a NULL string (write tr_nil()), a NULL message, or bytes without address or end");
    default:
        return plan_fail(p, TR_EINVAL, "a value of no known type");
    }
}

static tr_err plan_values(struct plan *p, const tr_value *v, size_t n, unsigned depth)
{
    if (depth > MSG_DEPTH_MAX)
        return plan_fail(p, TR_ETOOBIG, why_deep);
    p->slots += n;
    for (size_t i = 0; i < n; i++) {
        tr_err err = plan_value(p, &v[i], depth);
        if (err != TR_OK)
            return err;
        if (plan_is_over(p))
            return plan_fail(p, TR_ETOOBIG, why_big);
    }
    return TR_OK;
}

/* ---- blobs ---- */

static struct msg_blob *spare_pop(struct plan *p)
{
    struct msg_blob *blob = p->spare;
    p->spare = blob->data;
    return blob;
}

static void spares_free(struct plan *p)
{
    while (p->spare != NULL)
        mem_free(spare_pop(p));
}

static bool spares_alloc(struct plan *p)
{
    for (size_t i = 0; i < p->blobs; i++) {
        struct msg_blob *blob = mem_alloc(sizeof *blob);
        if (blob == NULL) {
            spares_free(p);
            return false;
        }
        blob->data = p->spare;
        p->spare = blob;
    }
    return true;
}

/* ---- second pass ---- */

static inline void fill_plain(struct block_writer *w, struct msg_slot *s, const tr_value *v)
{
    uint32_t type = v->type;
    if (TYPE_BIT(type) & TYPES_WORD)
        write_word(s, (tr_type) type, v->v.u);
    else if (type == TR_TYPE_UINT)
        write_uint(s, v->v.u);
    else if (type == TR_TYPE_ADDR)
        write_addr(w, s, (tr_addr){ v->v.u, v->x.u });
    else
        write_bytes(w, s, (tr_type) type, v->v.p, v->len);
}

static void fill_blob(struct plan *p, struct msg_slot *s, const tr_value *v)
{
    struct msg_blob *blob = spare_pop(p);
    atomic_init(&blob->refs, 1);
    /* A blob's bytes are its giver's, who hands them over: the const ends here. */
    blob->data = (void *) (uintptr_t) v->v.p;
    blob->len = v->len;
    blob->free_fn = v->x.free_fn;
    *s = (struct msg_slot){ .type = TR_TYPE_BIN, .blob = 1, .len = v->len, .v.blob = blob };
}

static void fill_slots(struct block_writer *w, struct msg_slot *to, const struct tr_msg *body, const struct msg_slot *s,
                       size_t n)
{
    for (size_t i = 0; i < n; i++, s++, to++) {
        if (slot_is_container(s)) {
            struct msg_slot *children = write_container(w, to, (tr_type) s->type, s->len);
            fill_slots(w, children, body, slot_at(body, s->v.at), s->len);
        } else if (s->blob) {
            atomic_fetch_add_explicit(&s->v.blob->refs, 1, memory_order_relaxed);
            *to = *s;
        } else if (s->type == TR_TYPE_STR || s->type == TR_TYPE_BIN) {
            write_bytes(w, to, (tr_type) s->type, slot_bytes(body, s), s->len);
        } else if (s->type == TR_TYPE_ADDR) {
            write_addr(w, to, slot_addr(body, s));
        } else {
            *to = *s;
        }
    }
}

static void fill_msg(struct block_writer *w, struct msg_slot *s, const struct tr_msg *m)
{
    const struct tr_msg *body = m->body;
    struct msg_slot *to = write_container(w, s, TR_TYPE_ARRAY, body->argc + 1u);
    if (body->tag != 0)
        write_bytes(w, to, TR_TYPE_STR, tr_tag(body), body->tag_len);
    else
        write_word(to, TR_TYPE_NIL, 0);
    fill_slots(w, to + 1, body, body->slot, body->argc);
}

static void fill_values(struct plan *p, struct block_writer *w, struct msg_slot *s, const tr_value *v, size_t n)
{
    for (size_t i = 0; i < n; i++, v++, s++) {
        if (v->type == TR_TYPE_ARRAY || v->type == TR_TYPE_MAP)
            fill_values(p, w, write_container(w, s, (tr_type) v->type, v->len), v->v.p, v->len);
        else if (v->type == TR_TYPE_BLOB)
            fill_blob(p, s, v);
        else if (v->type == TR_TYPE_ITEM)
            fill_slots(w, s, v->v.p, slot_at(v->v.p, v->len), 1);
        else if (v->type == TR_TYPE_MSG)
            fill_msg(w, s, v->v.p);
        else
            fill_plain(w, s, v);
    }
}

/* ---- both ---- */

/* size: of header, slots and tail. extra: bytes of blobs. */
static inline struct tr_msg *block_start(struct msg_pool *pool, const struct tag *tag, size_t argc, size_t slots,
                                         size_t size, size_t extra, struct block_writer *w)
{
    struct tr_msg *m = block_alloc(pool, size);
    if (m == NULL)
        return NULL;
    block_init(m, tag->len > 0 ? MSG_SEND : MSG_REPLY, argc, slots, size + extra);
    *w = block_write(m, slots);
    if (tag->len > 0)
        write_tag(w, tag->bytes, tag->len, tag->word);
    return m;
}

/* Out of line, and the tag by value: so the short way keeps it in registers. */
__attribute__((noinline)) static tr_err build_nested(struct msg_pool *pool, struct tag tag, const tr_value *values,
                                                     size_t n, struct tr_msg **out, const char **why)
{
    struct plan p = { .tail = block_tag_tail(tag.len) };
    struct block_writer w;
    tr_err err = plan_values(&p, values, n, 0);
    if (err != TR_OK)
        return fail(err, p.why, why);
    if (!spares_alloc(&p))
        return fail(TR_ENOMEM, why_no_memory, why);
    struct tr_msg *m = block_start(pool, &tag, n, p.slots, plan_block_size(&p), p.blob_bytes, &w);
    if (m == NULL) {
        spares_free(&p);
        return fail(TR_ENOMEM, why_no_memory, why);
    }
    fill_values(&p, &w, m->slot, values, n);
    m->flags = p.holds_blobs ? MSG_BLOBS : 0;
    *out = m;
    return TR_OK;
}

static inline tr_err build_any(struct msg_pool *pool, const struct tag *tag, const tr_value *values, size_t n,
                               struct tr_msg **out, const char **why)
{
    struct block_writer w;
    uint64_t size = sizeof(struct tr_msg) + n * sizeof(struct msg_slot) + block_tag_tail(tag->len);
    for (size_t i = 0; i < n; i++) {
        uint64_t tail = plain_tail(&values[i]);
        if (tail == NOT_PLAIN)
            return build_nested(pool, *tag, values, n, out, why);
        size += tail;
    }
    if (size > MSG_SIZE_MAX)
        return fail(TR_ETOOBIG, why_big, why);
    struct tr_msg *m = block_start(pool, tag, n, n, size, 0, &w);
    if (m == NULL)
        return fail(TR_ENOMEM, why_no_memory, why);
    for (size_t i = 0; i < n; i++)
        fill_plain(&w, &m->slot[i], &values[i]);
    *out = m;
    return TR_OK;
}

tr_err msg_build(struct msg_pool *pool, const tr_value *values, size_t n, bool tagged, struct tr_msg **out,
                 const char **why)
{
    struct tag tag = { NULL, 0, 0 };
    if (tagged && n == 0)
        return fail(TR_EINVAL, "a message needs a tag", why);
    if (n - tagged > TR_ARGS_MAX)
        return fail(TR_ETOOBIG, "a message has at most 16 values", why);
    if (tagged) {
        tr_err err = tag_read(&tag, values, why);
        if (err != TR_OK)
            return err;
        values++;
        n--;
    }
    return build_any(pool, &tag, values, n, out, why);
}
