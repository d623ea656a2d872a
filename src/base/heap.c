/* SPDX-License-Identifier: MIT */
/* heap.c - a 4-ary heap of deadlines
 *
 * Four children share 96 bytes, so that one step down costs one or two cache lines where a binary heap costs two steps.
 * Every push numbers its entry: equal keys compare by that number, which makes the order of one instant the order in
 * which it was asked for.
 */
#include "base/heap.h"

#include "base/alloc.h"

#define HEAP_ARITY 4
#define HEAP_CAP_MIN 64

static bool entry_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void heap_put(struct heap *h, size_t i, struct heap_entry e)
{
    h->entries[i] = e;
    e.node->place = (uint32_t) (i + 1);
}

static void heap_sift_up(struct heap *h, size_t i, struct heap_entry e)
{
    while (i > 0) {
        size_t parent = (i - 1) / HEAP_ARITY;
        if (!entry_before(&e, &h->entries[parent]))
            break;
        heap_put(h, i, h->entries[parent]);
        i = parent;
    }
    heap_put(h, i, e);
}

static size_t heap_least_child(const struct heap *h, size_t first)
{
    size_t end = first + HEAP_ARITY < h->len ? first + HEAP_ARITY : h->len;
    size_t least = first;
    for (size_t c = first + 1; c < end; c++)
        if (entry_before(&h->entries[c], &h->entries[least]))
            least = c;
    return least;
}

static void heap_sift_down(struct heap *h, size_t i, struct heap_entry e)
{
    for (;;) {
        size_t first = i * HEAP_ARITY + 1;
        if (first >= h->len)
            break;
        size_t least = heap_least_child(h, first);
        if (!entry_before(&h->entries[least], &e))
            break;
        heap_put(h, i, h->entries[least]);
        i = least;
    }
    heap_put(h, i, e);
}

/* Puts e where the hole at i and the order of the heap allow. */
static void heap_settle(struct heap *h, size_t i, struct heap_entry e)
{
    if (i > 0 && entry_before(&e, &h->entries[(i - 1) / HEAP_ARITY]))
        heap_sift_up(h, i, e);
    else
        heap_sift_down(h, i, e);
}

static bool heap_resize(struct heap *h, size_t cap)
{
    struct heap_entry *entries = mem_realloc(h->entries, cap * sizeof *entries);
    if (entries == NULL)
        return false;
    h->entries = entries;
    h->cap = cap;
    return true;
}

void heap_fini(struct heap *h)
{
    for (size_t i = 0; i < h->len; i++)
        h->entries[i].node->place = 0;
    mem_free(h->entries);
    *h = (struct heap){ 0 };
}

bool heap_push(struct heap *h, struct heap_node *n, int64_t key)
{
    /* A place is 32 bits and 0 means none. */
    if (h->len >= UINT32_MAX - 1)
        return false;
    if (h->len == h->cap && !heap_resize(h, h->cap > 0 ? h->cap * 2 : HEAP_CAP_MIN))
        return false;
    struct heap_entry e = { key, h->order++, n };
    heap_sift_up(h, h->len++, e);
    return true;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    size_t i = n->place - 1;
    n->place = 0;
    struct heap_entry last = h->entries[--h->len];
    if (i < h->len)
        heap_settle(h, i, last);
    /* To half, not to fit: a heap that swings around a size must not reallocate each time. A refusal costs only memory.
     */
    if (h->cap > HEAP_CAP_MIN && h->len < h->cap / 4)
        (void) heap_resize(h, h->cap / 2);
}

void heap_update(struct heap *h, struct heap_node *n, int64_t key)
{
    struct heap_entry e = { key, h->order++, n };
    heap_settle(h, n->place - 1, e);
}

struct heap_node *heap_pop(struct heap *h)
{
    if (h->len == 0)
        return NULL;
    struct heap_node *n = h->entries[0].node;
    heap_remove(h, n);
    return n;
}
