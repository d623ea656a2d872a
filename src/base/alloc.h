/* SPDX-License-Identifier: MIT */
/* alloc.h - the one door to the heap: counted, and made to fail on request
 *
 * Everything the runtime allocates comes through here (stacks and tables through base/pages.h). Thread: any. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* NULL: out of memory, or this is the allocation that was to fail. size 0 is like 1. */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_alloc_aligned(size_t align, size_t size);
void *mem_realloc(void *p, size_t size); /* on NULL p is untouched and still yours */
char *mem_strdup(const char *s);
void mem_free(void *p); /* NULL is fine */

/* The n-th allocation from now fails, once; 0: none. Returns how many there were since the last call. */
uint64_t mem_fail_at(uint64_t n);

#endif
