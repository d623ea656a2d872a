/* SPDX-License-Identifier: MIT */
/* heap.h - a 4-ary heap of deadlines; equal keys come out in the order in which they went in
 *
 * Nodes are the caller's; each knows its place, so that removing one is log n. Keys stand in the array, so sifting
 * touches no node but the moved ones. Memory: 24 bytes an entry, shrunk when three quarters are free. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    uint32_t place; /* 1 + index in the array, 0: not in the heap */
};

struct heap_entry {
    int64_t key;
    uint64_t order;
    struct heap_node *node;
};

struct heap {
    struct heap_entry *entries;
    size_t len, cap;
    uint64_t order;
};

void heap_fini(struct heap *h);                                     /* a zeroed heap is empty and needs no init */
bool heap_push(struct heap *h, struct heap_node *n, int64_t key);   /* false: out of memory */
void heap_remove(struct heap *h, struct heap_node *n);              /* must be in the heap */
void heap_update(struct heap *h, struct heap_node *n, int64_t key); /* must be in the heap; goes behind equal keys */

static inline bool heap_has(const struct heap_node *n)
{
    return n->place != 0;
}

static inline int64_t heap_min(const struct heap *h)
{
    return h->len > 0 ? h->entries[0].key : INT64_MAX;
}

static inline int64_t heap_key(const struct heap *h, const struct heap_node *n)
{
    return h->entries[n->place - 1].key;
}

/* The node with the smallest key, taken out; NULL if empty. */
struct heap_node *heap_pop(struct heap *h);

#endif
