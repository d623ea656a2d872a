/* SPDX-License-Identifier: MIT */
/* buffer.h - bytes that come in at one end and go out at the other
 *
 * Zeroed is empty. What is empty holds no memory, so that ten thousand idle owners cost nothing. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;
    size_t start; /* of what is in it */
    size_t len;
    size_t cap;
};

static inline const char *buffer_bytes(const struct buffer *b)
{
    return b->data + b->start;
}

/* Room for n more bytes behind what is in it, contiguous; buffer_commit says how many were written. NULL: out of
 * memory, nothing changed. */
char *buffer_reserve(struct buffer *b, size_t n);

/* How many could be written behind what is in it; at least what was reserved. */
static inline size_t buffer_room(const struct buffer *b)
{
    return b->cap - b->start - b->len;
}

void buffer_commit(struct buffer *b, size_t n); /* 0 gives the memory back if there is nothing in it */
bool buffer_append(struct buffer *b, const void *bytes, size_t n);
void buffer_take(struct buffer *b, size_t n); /* drops the oldest n */
void buffer_free(struct buffer *b);

#endif
