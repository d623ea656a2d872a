/* SPDX-License-Identifier: MIT */
/* message.h - a message as it lies in memory: one block, read in place
 *
 * A block is a header of 96 bytes (what the way of the message needs), then slots of 16 bytes (the values; the
 * top-level ones first, the children of containers behind them), then the tail (the bytes of strings, binaries and
 * addresses, each string with a NUL behind it). Everything inside is an offset from the block's start, so that a block
 * can be copied as it is.
 *
 * The header of one block can stand for the content of another: body points at the block whose slots and tail are
 * meant, and holds a reference of it. So one content goes to a thousand mailboxes, each with a header of its own; a
 * request that is forwarded gets a new header, not a copy.
 *
 * Invariants: content never changes once built. refs counts holders of the block; a block whose body is another holds
 * one of that other. A block belongs to nobody's mailbox and to one holder's list at a time (next, prev).
 */
#ifndef MESSAGE_MESSAGE_H
#define MESSAGE_MESSAGE_H

#include <stdatomic.h>

#include <troupe/actor.h>

#include "base/errand.h"
#include "base/sanitizer.h"
#include "base/slab.h"

struct ask; /* actor/ask.h */

enum msg_kind {
    MSG_SEND = 0,
    MSG_ASK,   /* someone waits for the answer: ask, ask_seq */
    MSG_REPLY, /* untagged */
    MSG_ERROR, /* an error reply: [code, text, phase, actor, cause] */
    MSG_TICK,  /* of a timer: source, source_seq */
    MSG_FD,    /* of a watched descriptor: source, source_seq */
    MSG_GONE   /* the asker of a kept request gave up: source is that request, of which this holds a reference */
};

enum {
    MSG_OWED = 1, /* a request that has not had its answer, and was not handed on: whoever holds it is to give one */
    MSG_KEPT = 2, /* taken out of its slot by tr_keep; on its holder's list of kept messages */
    MSG_UNCOUNTED = 4, /* not part of the mailbox's bounds */
    MSG_BLOBS = 8,     /* the content holds blobs: look for them before freeing */
    MSG_POSTED =
        16, /* on its way from a thread that is no worker: where its receiver would have it wait it is refused */
    MSG_RESERVED = 32, /* on its way from another worker: counted already */
    MSG_RETURN = 64,   /* a reply that stands for something: unread, it goes back to its sender as a message (ask.h) */
    MSG_SHARES = 128   /* the content is another block's: body */
};

#define MSG_TAG_MAX 255
#define MSG_DEPTH_MAX 16
#define MSG_CLASSES 6           /* blocks of 128, 256, 512, 1024, 2048, 4096 bytes */
#define MSG_CLASS_HEAP 255      /* any size, from mem_alloc */
#define MSG_CLASS_LARGE 254     /* too big for a class, built for a pool: from mem_alloc, but counted by it */
#define MSG_SIZE_MAX (1u << 30) /* bytes of one message, blobs included */

struct msg_slot {
    uint8_t type; /* tr_type */
    uint8_t blob; /* BIN: the bytes are v.blob's */
    uint16_t spare;
    uint32_t len; /* STR, BIN: bytes; ARRAY: elements; MAP: keys and values */
    union {
        int64_t i;
        uint64_t u;
        double d;
        void *p;
        struct msg_blob *blob;
        uint64_t at; /* STR, BIN, ADDR: offset of the bytes; ARRAY, MAP: offset of the first child slot */
    } v;
};

struct msg_blob {
    atomic_uint refs;
    void *data;
    size_t len;
    tr_free_fn *free_fn;
};

struct tr_msg {
    union {
        struct {
            struct tr_msg *next; /* in a mailbox, a list of kept messages, or the pool */
            struct tr_msg *prev; /* in a list of kept messages; of a mailbox's first: its last */
        };
        struct errand errand; /* on its way to another thread */
    };
    struct tr_msg *body; /* the block that has the content: this one, or one it holds a reference of */
    union {
        struct {
            atomic_uint refs;
            uint8_t kind; /* enum msg_kind */
            uint8_t flags;
            uint8_t size_class; /* 0 .. MSG_CLASSES - 1, MSG_CLASS_HEAP */
            uint8_t argc;       /* top-level values, the tag not counted */
        };
        _Atomic(uint64_t) life; /* all of these, where they are looked at or written at once: MSG_LIFE */
    };
    uint64_t tag;    /* the first 8 bytes of the tag, zeros behind; 0: no tag */
    uint32_t tag_at; /* offset of the whole tag in the body, if it has more than 7 bytes; else 0: it is in tag */
    uint16_t tag_len;
    uint16_t slots; /* all slots of the content; 65,535: that many or more (only for tests and printing) */
    tr_addr from;   /* offset 48 */
    uint64_t to;    /* the receiver's slot and generation, checked when it is taken out */
    union {
        struct ask *ask; /* MSG_ASK: where the answer goes */
        void *source;    /* MSG_TICK, MSG_FD, MSG_GONE */
    };
    union {
        uint64_t ask_seq; /* the alias: an answer counts only while the ask still has this number */
        uint64_t source_seq;
    };
    uint32_t missed;        /* MSG_TICK: periods beyond its own; a reply on its way to another worker: a tr_err */
    uint32_t size;          /* bytes of header and content, blobs included: what mailbox bounds count */
    struct msg_slot slot[]; /* offset 96 + 0 */
};

static inline struct tr_msg *msg_of_errand(struct errand *e)
{
    return (struct tr_msg *) (void *) e; /* its first member */
}

/* Blocks of one worker, by size. One thread at a time. */
struct msg_pool {
    struct slab classes[MSG_CLASSES];
    size_t large; /* blocks handed out that come from the heap */
};

/* Blocks handed out less taken back. Of another worker's pool: as of now, or of just before; while that gets
 * or gives a batch, less or more by as many. */
SANITIZER_MAY_RACE static inline size_t msg_pool_live(const struct msg_pool *pool)
{
    size_t live = pool->large;
    for (unsigned i = 0; i < MSG_CLASSES; i++)
        live += (size_t) slab_live(&pool->classes[i]);
    return live;
}

void msg_pool_init(struct msg_pool *pool);
void msg_pool_fini(struct msg_pool *pool);

/* The first 8 bytes of a tag as they stand in tr_msg.tag. Never reads behind len bytes. */
uint64_t msg_tag_word(const char *tag, size_t len);

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "MSG_LIFE and MSG_HEAD lay out struct tr_msg as a little-endian machine does"
#endif
#define MSG_LIFE(refs, kind, flags, size_class, argc)                                                         \
    ((uint64_t) (refs) | (uint64_t) (kind) << 32 | (uint64_t) (flags) << 40 | (uint64_t) (size_class) << 48 | \
     (uint64_t) (argc) << 56)

/* Kind and flags, to be tested at once. */
#define MSG_HEAD(kind, flags) ((uint32_t) (kind) | (uint32_t) (flags) << 8)

static inline uint32_t msg_head(const struct tr_msg *m)
{
    uint32_t head;
    __builtin_memcpy(&head, &m->kind, sizeof head);
    return head;
}

/* No more MSG_OWED. As wide as it is read when the message is let go: a load of a byte just stored and its neighbours
 * has to wait. */
static inline void msg_is_answered(struct tr_msg *m)
{
    uint32_t head = msg_head(m) & ~MSG_HEAD(0, MSG_OWED);
    __builtin_memcpy(&m->kind, &head, sizeof head);
}

/* One message and its bytes, as they are counted against the bounds, in one word; missed must be 0. */
static inline uint64_t msg_load(const struct tr_msg *m)
{
    uint64_t load;
    __builtin_memcpy(&load, &m->missed, sizeof load);
    return load + 1;
}

/* What m looks like, in one word: where its tag is, how long that is, how many slots it has. Equal for two with short
 * tags: as long ones, and the same number of slots. */
static inline uint64_t msg_shape(const struct tr_msg *m)
{
    uint64_t shape;
    __builtin_memcpy(&shape, &m->tag_at, sizeof shape);
    return shape;
}

/* Of one with a tag of so many bytes and so many plain values; no message's, if the tag is not a short one. */
static inline uint64_t msg_shape_of(size_t tag_len, size_t values)
{
    struct tr_msg m;
    m.tag_at = tag_len < sizeof m.tag ? 0 : UINT32_MAX;
    m.tag_len = (uint16_t) tag_len;
    m.slots = (uint16_t) values;
    return msg_shape(&m);
}

/* Whether m has this tag; word and len are msg_tag_word's. */
static inline bool msg_tag_is(const struct tr_msg *m, uint64_t word, const char *tag, size_t len)
{
    return m->tag == word && m->tag_len == len &&
           (len <= 8 || __builtin_memcmp((const char *) m->body + m->tag_at, tag, len) == 0);
}

/* Builds a message of n values; tagged: the first is the tag. kind is MSG_SEND (tagged) or MSG_REPLY, refs 1, from, to,
 * ask zero. pool NULL: a heap block that any thread may free. Owns: *out the caller; blobs move in only on success.
 * *why (not NULL) gets a static sentence on failure. Errors: TR_EINVAL, TR_ETOOBIG, TR_ENOMEM. */
tr_err msg_build(struct msg_pool *pool, const tr_value *values, size_t n, bool tagged, struct tr_msg **out,
                 const char **why);

/* A new header for m's content: kind MSG_SEND or MSG_REPLY as m is tagged, refs 1. NULL: out of memory. */
struct tr_msg *msg_share(struct msg_pool *pool, const struct tr_msg *m);

/* A copy in one heap block of its own (blobs shared), which any thread may free; from, kind kept. NULL: out of memory.
 */
struct tr_msg *msg_copy_heap(const struct tr_msg *m);

static inline struct tr_msg *msg_ref(struct tr_msg *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

/* Lets go of a message that could not be sent: its new blobs are their giver's again. */
void msg_unref_unsent(struct msg_pool *pool, struct tr_msg *m);

void msg_destroy(struct msg_pool *pool, struct tr_msg *m); /* what msg_unref calls when the last holder lets go */

/* Lets go of a block. pool: the calling worker's; NULL in foreign threads, which hold heap blocks only. A sole holder
 * pays no locked instruction: nobody else can have a reference to copy. */
static inline void msg_unref(struct msg_pool *pool, struct tr_msg *m)
{
    if (atomic_load_explicit(&m->refs, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1)
        msg_destroy(pool, m);
}

/* An error reply. cause: another error message, or NULL. NULL: out of memory; the code then travels without words. */
struct tr_msg *msg_error(struct msg_pool *pool, tr_err err, const char *text, const char *phase, const char *actor,
                         const struct tr_msg *cause);

/* Its parts, "" where missing; valid as long as m. */
tr_err msg_error_code(const struct tr_msg *m);
const char *msg_error_text(const struct tr_msg *m);

/* Fills chain[0] with what m says and chain[1..n-1] with its causes, linked; returns how many there were. Valid as long
 * as m. */
size_t msg_error_read(const struct tr_msg *m, tr_error_info *chain, size_t n);

#endif
