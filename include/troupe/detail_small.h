/* SPDX-License-Identifier: MIT */
/* detail_small.h - short messages, laid out and read by the compiler where they are; nothing here to call by name
 *
 * Most messages are a literal tag of up to 7 bytes and at most two values of a word each, and all that can be said
 * about one but its values is known when the call is compiled. Such a call says it in two words; every other one goes
 * on to the function that takes a list of values. Where nothing is optimized, all do. */
#ifndef TROUPE_DETAIL_SMALL_H
#define TROUPE_DETAIL_SMALL_H

#define TR_INLINE static inline __attribute__((always_inline))

typedef struct tr_small {
    uint64_t tag;   /* its bytes, the first lowest; 0: none */
    uint64_t shape; /* TR_SHAPE */
    uint64_t value[2];
} tr_small;

/* From the lowest bit: the types of the values, 8 bits each; 15 zeros and a one, so that no shape is 0; how long the
 * tag is, and how many values there are, 16 bits each. */
#define TR_SHAPE(tag_len, n, type0, type1)                                                           \
    ((uint64_t) (type0) | (uint64_t) (type1) << 8 | UINT64_C(1) << 31 | (uint64_t) (tag_len) << 32 | \
     (uint64_t) (n) << 48)

/* The types that are a word in a message and nothing beside. */
#define TR_TYPES_OF_WORDS \
    (1u << TR_TYPE_NIL | 1u << TR_TYPE_BOOL | 1u << TR_TYPE_INT | 1u << TR_TYPE_FLOAT | 1u << TR_TYPE_PTR)
#define TR_IS_WORD(type) ((type) < 32 && (TR_TYPES_OF_WORDS >> (type) &1u) != 0)

#ifdef __cplusplus
extern "C" {
#endif

/* tr_send_values, tr_ask_values, tr_reply_values of what m says. */
TR_API tr_err tr_send_small(tr_self *self, tr_addr to, const tr_small *m);
TR_API TR_MUST_CHECK tr_err tr_ask_small(tr_self *self, tr_addr to, int64_t timeout_ms, const tr_msg **reply,
                                         const tr_small *m);
TR_API tr_err tr_reply_small(tr_self *self, const tr_msg *request, const tr_small *m);

/* What tr_send, tr_ask, tr_reply and tr_args are of a list of values. */
TR_API tr_err tr_send_values(tr_self *self, tr_addr to, const tr_value *values, size_t n);
TR_API TR_MUST_CHECK tr_err tr_ask_values(tr_self *self, tr_addr to, int64_t timeout_ms, const tr_msg **reply,
                                          const tr_value *values, size_t n);
TR_API tr_err tr_reply_values(tr_self *self, const tr_msg *m, const tr_value *values, size_t n);
TR_API tr_err tr_msg_args(const tr_msg *m, const tr_dest *dests, size_t n);

/* The shape of a message of these values; 0: it is not a small one. tag NULL: a reply. */
TR_INLINE uint64_t tr_small_shape(const tr_value *tag, const tr_value *values, size_t n)
{
    if (n > 2 || (tag != NULL && (tag->type != TR_TYPE_STR || tag->x.u == 0)))
        return 0;
    if ((n > 0 && !TR_IS_WORD(values[0].type)) || (n > 1 && !TR_IS_WORD(values[1].type)))
        return 0;
    return TR_SHAPE(tag != NULL ? tag->len : 0, n, n > 0 ? values[0].type : 0, n > 1 ? values[1].type : 0);
}

TR_INLINE void tr_small_fill(tr_small *m, uint64_t shape, const tr_value *tag, const tr_value *values, size_t n)
{
    m->tag = tag != NULL ? tag->x.u : 0;
    m->shape = shape;
    if (n > 0)
        m->value[0] = values[0].v.u;
    if (n > 1)
        m->value[1] = values[1].v.u;
}

TR_INLINE tr_err tr_send_any(tr_self *self, tr_addr to, const tr_value *values, size_t n)
{
    const uint64_t shape = tr_small_shape(values, values + 1, n - 1);
    if (__builtin_constant_p(shape) && shape != 0) {
        tr_small m;
        tr_small_fill(&m, shape, values, values + 1, n - 1);
        return tr_send_small(self, to, &m);
    }
    return tr_send_values(self, to, values, n);
}

TR_INLINE TR_MUST_CHECK tr_err tr_ask_any(tr_self *self, tr_addr to, int64_t timeout_ms, const tr_msg **reply,
                                          const tr_value *values, size_t n)
{
    const uint64_t shape = tr_small_shape(values, values + 1, n - 1);
    if (__builtin_constant_p(shape) && shape != 0) {
        tr_small m;
        tr_small_fill(&m, shape, values, values + 1, n - 1);
        return tr_ask_small(self, to, timeout_ms, reply, &m);
    }
    return tr_ask_values(self, to, timeout_ms, reply, values, n);
}

TR_INLINE tr_err tr_reply_any(tr_self *self, const tr_msg *request, const tr_value *values, size_t n)
{
    const uint64_t shape = tr_small_shape(NULL, values, n);
    if (__builtin_constant_p(shape) && shape != 0) {
        tr_small m;
        tr_small_fill(&m, shape, NULL, values, n);
        return tr_reply_small(self, request, &m);
    }
    return tr_reply_values(self, request, values, n);
}

/* ---- reading: one or two integers of 64 bits, and exactly these ---- */

/* Where things stand in a message; the library holds its own idea against it when it is compiled. */
#define TR_AT_BODY 16  /* a pointer to the block with the values */
#define TR_AT_ARGC 31  /* a byte */
#define TR_AT_SLOTS 96 /* in that block: for each value its type, a byte, and behind 8 bytes the value */
#define TR_SLOT_SIZE 16
#define TR_AT_SLOT_VALUE 8

TR_INLINE bool tr_dest_is_word(const tr_dest *d)
{
    return d->kind == TR_DEST_SIGNED && d->size == 8 && sizeof(void *) == 8;
}

/* Stores value i if it is an integer. */
TR_INLINE bool tr_read_word(const char *body, size_t i, void *ptr)
{
    const char *slot = body + TR_AT_SLOTS + i * TR_SLOT_SIZE;
    if (*slot != TR_TYPE_INT)
        return false;
    __builtin_memcpy(ptr, slot + TR_AT_SLOT_VALUE, 8);
    return true;
}

TR_INLINE tr_err tr_args_any(const tr_msg *m, const tr_dest *dests, size_t n)
{
    const char *at = (const char *) m;
    const char *body;
    const bool word = n == 1 && tr_dest_is_word(dests);
    if (__builtin_constant_p(word) && word) {
        __builtin_memcpy(&body, at + TR_AT_BODY, sizeof body);
        if (at[TR_AT_ARGC] == 1 && tr_read_word(body, 0, dests[0].ptr))
            return TR_OK;
        const tr_dest again = dests[0]; /* what stands in memory for this alone, the short way does not write */
        return tr_msg_args(m, &again, 1);
    }
    return tr_msg_args(m, dests, n);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
