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

#define SMALL_BLOCK 128u
#define SMALL_TAG_MAX 7

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
               "small_build writes them as words");
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(offsetof(struct tr_msg, body) == TR_AT_BODY && offsetof(struct tr_msg, argc) == TR_AT_ARGC &&
                   offsetof(struct tr_msg, slot) == TR_AT_SLOTS && sizeof(struct msg_slot) == TR_SLOT_SIZE &&
                   offsetof(struct msg_slot, type) == 0 && offsetof(struct msg_slot, v) == TR_AT_SLOT_VALUE,
               "where programs that are compiled already read them");
#endif

#define SMALL_TAIL UINT64_C(0xffffffff00000000) /* of a shape: as tag_len and slots stand behind a tag_at of 0 */

static inline void small_slot(struct msg_slot *slot, uint64_t type, uint64_t value)
{
    memcpy(slot, &type, sizeof type);
    slot->v.u = value;
}

/* Header and slots; next, prev, from, to, ask and ask_seq are left to the caller. NULL: no block at hand. */
static inline struct tr_msg *small_build(struct msg_pool *pool, const tr_small *s, enum msg_kind kind)
{
    struct tr_msg *m = pool->classes[0].free;
    if (__builtin_expect(m == NULL, 0))
        return NULL;
    const uint64_t shape = s->shape, argc = shape >> 48;
    mem_unpoison(m, sizeof *m + argc * sizeof m->slot[0]);
    pool->classes[0].free = *(void **) m;
    pool->classes[0].spare++;
    /* Fields that stand in one word are written as one: life; tag_at 0, tag_len, slots; missed 0, size. */
    const uint64_t tail = shape & SMALL_TAIL;
    const uint64_t size = (sizeof *m + argc * sizeof m->slot[0]) << 32;
    m->body = m;
    atomic_init(&m->life, MSG_LIFE(1, kind, kind == MSG_ASK ? MSG_OWED : 0, 0, argc));
    m->tag = s->tag;
    memcpy(&m->tag_at, &tail, sizeof tail);
    memcpy(&m->missed, &size, sizeof size);
    if (argc > 0)
        small_slot(&m->slot[0], (uint8_t) shape, s->value[0]);
    if (argc > 1)
        small_slot(&m->slot[1], (uint8_t) (shape >> 8), s->value[1]);
    return m;
}

static inline bool small_pack_values(const tr_value *v, size_t n, uint64_t tag, size_t tag_len, tr_small *s)
{
    if ((n > 0 && !TR_IS_WORD(v[0].type)) || (n > 1 && !TR_IS_WORD(v[1].type)))
        return false;
    s->tag = tag;
    s->shape = TR_SHAPE(tag_len, n, n > 0 ? v[0].type : 0, n > 1 ? v[1].type : 0);
    s->value[0] = n > 0 ? v[0].v.u : 0;
    s->value[1] = n > 1 ? v[1].v.u : 0;
    return true;
}

/* A message of values that nobody has looked at yet. False: it is not a small one, or not one at all. */
static inline bool small_pack(const tr_value *values, size_t n, tr_small *s)
{
    if (n - 1 > 2 || values->type != TR_TYPE_STR || values->len - 1 >= SMALL_TAG_MAX)
        return false;
    uint64_t tag = values->x.u; /* a literal's, made by the compiler */
    if (tag == 0) {
        tag = small_tag(values->v.p, values->len);
        if (small_tag_has_nul(tag, values->len))
            return false;
    }
    return small_pack_values(values + 1, n - 1, tag, values->len, s);
}

/* The same of a reply. */
static inline bool small_pack_reply(const tr_value *values, size_t n, tr_small *s)
{
    return n <= 2 && small_pack_values(values, n, 0, 0, s);
}

/* And back, for the long way. */
struct small_values {
    tr_value value[3];
    size_t n;
    char tag[8];
};

const tr_value *small_unpack(const tr_small *s, struct small_values *values);

/* What is looked at, beside the number of holders, before a block goes back to the pool as it is: the smallest class,
 * content of its own, no blobs; odd: flags that it must not have either. */
#define SMALL_ODD(odd) (MSG_HEAD(0, MSG_BLOBS | MSG_SHARES | (odd)) | UINT32_C(0xff0000))

static inline bool small_is_last(const struct tr_msg *m, unsigned odd)
{
    return atomic_load_explicit(&m->refs, memory_order_acquire) == 1 && (msg_head(m) & SMALL_ODD(odd)) == 0;
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
