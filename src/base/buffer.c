/* SPDX-License-Identifier: MIT */
/* buffer.c - bytes that come in at one end and go out at the other */
#include "base/buffer.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

#define CAP_MIN 512

char *buffer_reserve(struct buffer *b, size_t n)
{
    if (buffer_room(b) >= n && b->data != NULL)
        return b->data + b->start + b->len;
    if (b->start > 0 && b->cap - b->len >= n && b->start >= b->len) { /* moved at most as often as it was filled */
        memcpy(b->data, b->data + b->start, b->len);
        b->start = 0;
        return b->data + b->len;
    }
    if (n > SIZE_MAX / 2 - b->len)
        return NULL;
    size_t cap = b->cap < CAP_MIN ? CAP_MIN : b->cap;
    while (cap < b->len + n)
        cap *= 2;
    char *data = mem_alloc(cap);
    if (data == NULL)
        return NULL;
    if (b->len > 0)
        memcpy(data, b->data + b->start, b->len);
    mem_free(b->data);
    b->data = data;
    b->start = 0;
    b->cap = cap;
    return data + b->len;
}

void buffer_commit(struct buffer *b, size_t n)
{
    b->len += n;
    if (b->len == 0)
        buffer_free(b);
}

bool buffer_append(struct buffer *b, const void *bytes, size_t n)
{
    if (n == 0)
        return true;
    char *to = buffer_reserve(b, n);
    if (to == NULL)
        return false;
    memcpy(to, bytes, n);
    b->len += n;
    return true;
}

void buffer_take(struct buffer *b, size_t n)
{
    b->start += n;
    b->len -= n;
    if (b->len == 0)
        buffer_free(b);
}

void buffer_free(struct buffer *b)
{
    mem_free(b->data);
    *b = (struct buffer){ 0 };
}
