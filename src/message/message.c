/* SPDX-License-Identifier: MIT */
/* message.c - the life of a block: pools, references, shared and copied content */
#include "message/message.h"

#include "base/alloc.h"
#include "message/block.h"

_Static_assert(offsetof(struct tr_msg, from) == 48 && offsetof(struct tr_msg, to) == 64,
               "docs/design/memory.md has the layout");
_Static_assert(sizeof(struct tr_msg) == 96 && sizeof(struct msg_slot) == 16,
               "header and slots are where items expect them");

#define POOL_CHUNK_SIZE ((size_t) 256 * 1024)

void msg_pool_init(struct msg_pool *pool)
{
    for (unsigned i = 0; i < MSG_CLASSES; i++)
        slab_init(&pool->classes[i], block_class_size(i), POOL_CHUNK_SIZE);
    pool->large = 0;
}

void msg_pool_fini(struct msg_pool *pool)
{
    for (unsigned i = 0; i < MSG_CLASSES; i++)
        slab_fini(&pool->classes[i]);
    pool->large = 0;
}

struct tr_msg *block_alloc_heap(struct msg_pool *pool, size_t bytes)
{
    struct tr_msg *m = mem_alloc(bytes);
    if (m == NULL)
        return NULL;
    m->size_class = pool != NULL ? MSG_CLASS_LARGE : MSG_CLASS_HEAP;
    if (pool != NULL)
        pool->large++;
    return m;
}

static void block_free(struct msg_pool *pool, struct tr_msg *m)
{
    unsigned size_class = m->size_class;
    if (size_class == MSG_CLASS_LARGE)
        pool->large--;
    if (size_class >= MSG_CLASSES) {
        mem_free(m);
        return;
    }
    /* The slab's link is the block's first word. */
    mem_poison((char *) m + sizeof(void *), block_class_size(size_class) - sizeof(void *));
    slab_free(&pool->classes[size_class], m);
}

/* ---- blobs ---- */

/* Calls fn for each blob of a body. Needs no count of slots: the slots of a container stand behind it and there are no
 * gaps, so that the end is known once every slot before it has been seen. */
static void blobs_each(const struct tr_msg *body, void (*fn)(struct msg_blob *blob, size_t *sum), size_t *sum)
{
    size_t end = body->argc;
    for (size_t i = 0; i < end; i++) {
        const struct msg_slot *s = &body->slot[i];
        if (s->blob)
            fn(s->v.blob, sum);
        if (!slot_is_container(s) || s->len == 0)
            continue;
        size_t last = (size_t) (slot_at(body, s->v.at) - body->slot) + s->len;
        if (last > end)
            end = last;
    }
}

static void blob_unref(struct msg_blob *blob, size_t *sum)
{
    (void) sum;
    if (atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (blob->free_fn != NULL)
        blob->free_fn(blob->data);
    mem_free(blob);
}

/* One that nothing else holds was handed over by the call that failed, and goes back. */
static void blob_give_back(struct msg_blob *blob, size_t *sum)
{
    (void) sum;
    if (atomic_load_explicit(&blob->refs, memory_order_relaxed) == 1)
        blob->free_fn = NULL;
}

static void blob_ref(struct msg_blob *blob, size_t *sum)
{
    atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    *sum += blob->len;
}

/* ---- letting go ---- */

/* Out of line, so that the short way saves no registers. */
__attribute__((noinline)) static void msg_destroy_slow(struct msg_pool *pool, struct tr_msg *m)
{
    struct tr_msg *body = m->body;
    if (m->flags & MSG_SHARES)
        msg_unref(pool, body);
    else if (m->flags & MSG_BLOBS)
        blobs_each(m, blob_unref, NULL);
    block_free(pool, m);
}

void msg_unref_unsent(struct msg_pool *pool, struct tr_msg *m)
{
    if (m->flags & MSG_BLOBS)
        blobs_each(m, blob_give_back, NULL);
    msg_unref(pool, m);
}

void msg_destroy(struct msg_pool *pool, struct tr_msg *m)
{
    if ((m->flags & (MSG_SHARES | MSG_BLOBS)) == 0)
        block_free(pool, m);
    else
        msg_destroy_slow(pool, m);
}

/* ---- one content, many headers ---- */

struct tr_msg *msg_share(struct msg_pool *pool, const struct tr_msg *m)
{
    struct tr_msg *s = block_alloc(pool, sizeof *s);
    if (s == NULL)
        return NULL;
    block_init(s, m->tag != 0 ? MSG_SEND : MSG_REPLY, m->argc, m->slots, m->size);
    s->body = msg_ref(m->body);
    s->flags = MSG_SHARES;
    s->tag = m->tag;
    s->tag_at = m->tag_at;
    s->tag_len = m->tag_len;
    return s;
}

struct tr_msg *msg_copy_heap(const struct tr_msg *m)
{
    const struct tr_msg *body = m->body;
    bool blobs = (body->flags & MSG_BLOBS) != 0;
    size_t blob_bytes = 0;
    /* References first: their sum is what tells the block's own size. */
    if (blobs)
        blobs_each(body, blob_ref, &blob_bytes);
    size_t bytes = body->size - blob_bytes;
    struct tr_msg *copy = block_alloc(NULL, bytes);
    if (copy == NULL) {
        if (blobs)
            blobs_each(body, blob_unref, NULL);
        return NULL;
    }
    memcpy(copy->slot, body->slot, bytes - sizeof *copy);
    block_init(copy, (enum msg_kind) m->kind, body->argc, body->slots, body->size);
    copy->flags = blobs ? MSG_BLOBS : 0;
    copy->tag = body->tag;
    copy->tag_at = body->tag_at;
    copy->tag_len = body->tag_len;
    copy->from = m->from;
    copy->missed = m->missed;
    return copy;
}

/* ---- public ---- */

tr_err tr_msg_make(tr_msg **m, const tr_value *values, size_t n)
{
    return msg_build(NULL, values, n, true, m, NULL);
}

void tr_msg_free(tr_msg **m)
{
    if (*m != NULL)
        msg_unref(NULL, *m);
    *m = NULL;
}
