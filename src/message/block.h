/* SPDX-License-Identifier: MIT */
/* block.h - taking a block and laying values out in it; for the files of this layer alone
 *
 * Whoever builds a message goes over its values twice: once to count slots and bytes, once to write. Writing cannot
 * fail. */
#ifndef MESSAGE_BLOCK_H
#define MESSAGE_BLOCK_H

#include <string.h>

#include "base/sanitizer.h"
#include "message/message.h"

#define BLOCK_ADDR_SIZE 16   /* an address in the tail: node, actor */
#define BLOCK_WORD_TAG_MAX 7 /* bytes of the longest tag that has room for its NUL in tr_msg.tag */

static inline size_t block_class_size(unsigned size_class)
{
    return (size_t) 128 << size_class;
}

/* The smallest class that holds this many bytes; MSG_CLASSES and above: none does. */
static inline unsigned block_class(size_t bytes)
{
    return 63u - (unsigned) __builtin_clzll(((unsigned long long) (bytes - 1) >> 7) * 2 + 1);
}

struct tr_msg *block_alloc_heap(struct msg_pool *pool, size_t bytes);

/* A block with nothing set but size_class. NULL: out of memory. */
static inline struct tr_msg *block_alloc(struct msg_pool *pool, size_t bytes)
{
    unsigned size_class = block_class(bytes);
    if (pool == NULL || size_class >= MSG_CLASSES)
        return block_alloc_heap(pool, bytes);
    struct tr_msg *m = slab_alloc(&pool->classes[size_class]);
    if (m == NULL)
        return NULL;
    mem_poison(m, block_class_size(size_class));
    mem_unpoison(m, bytes);
    m->size_class = (uint8_t) size_class;
    return m;
}

/* The header of a new block without a tag: one holder, content of its own, everything of its way empty. */
static inline void block_init(struct tr_msg *m, enum msg_kind kind, size_t argc, size_t slots, size_t size)
{
    m->next = NULL;
    m->prev = NULL;
    m->body = m;
    atomic_init(&m->refs, 1);
    m->kind = (uint8_t) kind;
    m->flags = 0;
    m->argc = (uint8_t) argc;
    m->tag = 0;
    m->tag_at = 0;
    m->tag_len = 0;
    m->slots = (uint16_t) (slots < UINT16_MAX ? slots : UINT16_MAX);
    m->from = (tr_addr){ 0, 0 };
    m->to = 0;
    m->ask = NULL;
    m->ask_seq = 0;
    m->size = (uint32_t) size;
    m->missed = 0;
}

static inline size_t block_tag_tail(size_t tag_len)
{
    return tag_len > BLOCK_WORD_TAG_MAX ? tag_len + 1 : 0;
}

static inline const struct msg_slot *slot_at(const struct tr_msg *body, uint64_t at)
{
    return (const struct msg_slot *) (const void *) ((const char *) body + at);
}

static inline tr_item slot_item(const struct tr_msg *body, const struct msg_slot *s)
{
    return (tr_item){ body, (uint32_t) ((const char *) s - (const char *) body) };
}

static inline bool slot_is_container(const struct msg_slot *s)
{
    return s->type == TR_TYPE_ARRAY || s->type == TR_TYPE_MAP;
}

/* The bytes of a STR or BIN. */
static inline const char *slot_bytes(const struct tr_msg *body, const struct msg_slot *s)
{
    return s->blob ? s->v.blob->data : (const char *) body + s->v.at;
}

static inline tr_addr slot_addr(const struct tr_msg *body, const struct msg_slot *s)
{
    tr_addr a;
    memcpy(&a.node, (const char *) body + s->v.at, 8);
    memcpy(&a.actor, (const char *) body + s->v.at + 8, 8);
    return a;
}

/* Whether an integer slot survives as a double of this many bits of mantissa: 53 for double, 24 for float. */
static inline bool slot_int_is_exact(const struct msg_slot *s, unsigned bits)
{
    uint64_t u = s->type == TR_TYPE_INT && s->v.i < 0 ? 0 - s->v.u : s->v.u;
    return u == 0 || (u >> __builtin_ctzll(u)) >> bits == 0;
}

/* ---- writing ---- */

struct block_writer {
    struct tr_msg *m;
    struct msg_slot *free; /* the first slot that is nobody's */
    char *tail;            /* the first byte of the tail that is nobody's */
};

static inline struct block_writer block_write(struct tr_msg *m, size_t slots)
{
    return (struct block_writer){ m, m->slot + m->argc, (char *) (m->slot + slots) };
}

/* memcpy, but without a call for what tags and names are: n <= 16. */
static inline void copy_bytes(char *to, const char *from, size_t n)
{
    if (n > 16) {
        memcpy(to, from, n);
    } else if (n >= 8) {
        uint64_t a, b;
        memcpy(&a, from, 8);
        memcpy(&b, from + n - 8, 8);
        memcpy(to, &a, 8);
        memcpy(to + n - 8, &b, 8);
    } else if (n >= 4) {
        uint32_t a, b;
        memcpy(&a, from, 4);
        memcpy(&b, from + n - 4, 4);
        memcpy(to, &a, 4);
        memcpy(to + n - 4, &b, 4);
    } else if (n > 0) {
        char a = from[0], b = from[n / 2], c = from[n - 1];
        to[0] = a;
        to[n / 2] = b;
        to[n - 1] = c;
    }
}

/* A slot is two words, written as two: a load of a whole slot right behind must not meet the pieces of its head. */
static inline void write_slot(struct msg_slot *s, tr_type type, uint32_t len, uint64_t u)
{
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        uint64_t head = (uint64_t) type | (uint64_t) len << 32;
        memcpy(s, &head, 8);
    } else {
        s->type = (uint8_t) type;
        s->blob = 0;
        s->spare = 0;
        s->len = len;
    }
    s->v.u = u;
}

static inline void write_word(struct msg_slot *s, tr_type type, uint64_t u)
{
    write_slot(s, type, 0, u);
}

static inline void write_uint(struct msg_slot *s, uint64_t u)
{
    write_slot(s, u > INT64_MAX ? TR_TYPE_UINT : TR_TYPE_INT, 0, u);
}

static inline void write_float(struct msg_slot *s, double d)
{
    uint64_t u;
    memcpy(&u, &d, 8);
    write_slot(s, TR_TYPE_FLOAT, 0, u);
}

static inline void write_bytes(struct block_writer *w, struct msg_slot *s, tr_type type, const void *data, uint32_t len)
{
    write_slot(s, type, len, (uint64_t) (w->tail - (char *) w->m));
    copy_bytes(w->tail, data, len);
    w->tail += len;
    if (type == TR_TYPE_STR)
        *w->tail++ = '\0';
}

static inline void write_addr(struct block_writer *w, struct msg_slot *s, tr_addr a)
{
    write_slot(s, TR_TYPE_ADDR, 0, (uint64_t) (w->tail - (char *) w->m));
    memcpy(w->tail, &a.node, 8);
    memcpy(w->tail + 8, &a.actor, 8);
    w->tail += BLOCK_ADDR_SIZE;
}

/* Makes s a container and returns its n slots, which stand together. */
static inline struct msg_slot *write_container(struct block_writer *w, struct msg_slot *s, tr_type type, uint32_t n)
{
    struct msg_slot *children = w->free;
    write_slot(s, type, n, (uint64_t) ((char *) children - (char *) w->m));
    w->free += n;
    return children;
}

/* Gives the block its tag. */
static inline void write_tag(struct block_writer *w, const char *tag, size_t len, uint64_t word)
{
    w->m->tag = word;
    w->m->tag_len = (uint16_t) len;
    if (len <= BLOCK_WORD_TAG_MAX)
        return;
    w->m->tag_at = (uint32_t) (w->tail - (char *) w->m);
    copy_bytes(w->tail, tag, len);
    w->tail[len] = '\0';
    w->tail += len + 1;
}

#endif
