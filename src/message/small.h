/* SPDX-License-Identifier: MIT */
/* small.h - the shortest way to a message: a short tag and at most two values of one word each
 *
 * Most messages are of this kind, and making one is a fifth of an ask; so this stands inline where messages are sent.
 * Whatever it does not take on (NULL) goes to msg_build, which also finds the words for what is wrong. */
#ifndef MESSAGE_SMALL_H
#define MESSAGE_SMALL_H

#include <string.h>

#include "base/sanitizer.h"
#include "message/message.h"

#define SMALL_TYPES \
    (1u << TR_TYPE_NIL | 1u << TR_TYPE_BOOL | 1u << TR_TYPE_INT | 1u << TR_TYPE_FLOAT | 1u << TR_TYPE_PTR)
#define SMALL_BLOCK 128u
#define SMALL_TAG_MAX 7

static inline bool small_is_word(const tr_value *v)
{
    return v->type < 32 && (SMALL_TYPES >> v->type & 1u) != 0;
}

/* The tag as one word: loads that overlap inside it, so that none reads behind its end. len is 1 to 7. Little-endian
 * machines only. */
static inline uint64_t small_tag(const char *tag, size_t len)
{
    const unsigned char *p = (const unsigned char *) tag;
    if (len >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + len - 4, 4);
        return low | (uint64_t) high << (len - 4) * 8;
    }
    return p[0] | (uint64_t) p[len / 2] << len / 2 * 8 | (uint64_t) p[len - 1] << (len - 1) * 8;
}

static inline bool small_tag_has_nul(uint64_t word, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    word |= ones << len * 8;
    return ((word - ones) & ~word & ones << 7) != 0;
}

_Static_assert(offsetof(struct tr_msg, argc) == offsetof(struct tr_msg, life) + 7 &&
                   offsetof(struct tr_msg, slots) == offsetof(struct tr_msg, tag_at) + 6 &&
                   offsetof(struct tr_msg, size) == offsetof(struct tr_msg, missed) + 4,
               "small_block writes them as words");

/* Header and slots; next, prev, from, to, ask and ask_seq are left to the caller. argc is 0 to 2. */
static inline struct tr_msg *small_block(struct msg_pool *pool, const tr_value *v, size_t argc, enum msg_kind kind,
                                         uint64_t tag, size_t tag_len)
{
    if ((argc > 0 && !small_is_word(&v[0])) || (argc > 1 && !small_is_word(&v[1])))
        return NULL;
    struct tr_msg *m = pool->classes[0].free;
    if (__builtin_expect(m == NULL, 0))
        return NULL;
    mem_unpoison(m, sizeof *m + argc * sizeof m->slot[0]);
    pool->classes[0].free = *(void **) m;
    pool->classes[0].spare++;
    /* Fields that stand in one word are written as one: life; tag_at 0, tag_len, slots; missed 0, size. */
    const uint64_t life = MSG_LIFE(1, kind, kind == MSG_ASK ? MSG_OWED : 0, 0, argc);
    const uint64_t tail = (uint64_t) tag_len << 32 | (uint64_t) argc << 48;
    const uint64_t size = (uint64_t) (sizeof *m + argc * sizeof m->slot[0]) << 32;
    m->body = m;
    atomic_init(&m->life, life);
    m->tag = tag;
    memcpy(&m->tag_at, &tail, sizeof tail);
    memcpy(&m->missed, &size, sizeof size);
    for (size_t i = 0; i < argc; i++) {
        const uint64_t head = v[i].type;
        memcpy(&m->slot[i], &head, sizeof head);
        m->slot[i].v.u = v[i].v.u;
    }
    return m;
}

/* A tagged message. */
static inline struct tr_msg *small_tagged(struct msg_pool *pool, const tr_value *values, size_t n, enum msg_kind kind)
{
    if (n - 1 > 2)
        return NULL;
    uint32_t len = values->len;
    if (values->type != TR_TYPE_STR || len - 1 >= SMALL_TAG_MAX)
        return NULL;
    uint64_t tag = values->x.u; /* a literal's, made by the compiler */
    if (tag == 0) {
        tag = small_tag(values->v.p, len);
        if (small_tag_has_nul(tag, len))
            return NULL;
    }
    return small_block(pool, values + 1, n - 1, kind, tag, len);
}

/* A reply. */
static inline struct tr_msg *small_reply(struct msg_pool *pool, const tr_value *values, size_t n)
{
    return n <= 2 ? small_block(pool, values, n, MSG_REPLY, 0, 0) : NULL;
}

/* What a block may have in life that small_unref frees: one holder, the smallest class, content of its own without
 * blobs; odd: flags beside that it must not have. */
#define SMALL_LIFE(odd) MSG_LIFE(UINT32_MAX, 0, MSG_BLOBS | MSG_SHARES | (odd), UINT8_MAX, 0)

static inline bool small_is_last(const struct tr_msg *m, unsigned odd)
{
    return (atomic_load_explicit(&m->life, memory_order_acquire) & SMALL_LIFE(odd)) == MSG_LIFE(1, 0, 0, 0, 0);
}

static inline void small_free(struct msg_pool *pool, struct tr_msg *m)
{
    mem_poison((char *) m + sizeof(void *), SMALL_BLOCK - sizeof(void *));
    slab_free(&pool->classes[0], m);
}

/* msg_unref, for the usual: the only holder of a small block. */
static inline void small_unref(struct msg_pool *pool, struct tr_msg *m)
{
    if (__builtin_expect(small_is_last(m, 0), 1))
        small_free(pool, m);
    else
        msg_unref(pool, m);
}

#endif
