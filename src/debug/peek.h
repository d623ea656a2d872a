/* SPDX-License-Identifier: MIT */
/* peek.h - memory of this process, read by the kernel
 *
 * A listing looks at actors that run meanwhile, on threads that it cannot stop: what it reads may change under its
 * hands, and what it follows may be gone. So it never follows a pointer itself: the kernel copies, and an address that
 * is no memory any more is a short answer, not a fault. No load of ours races with a store of theirs; what a copy says
 * is checked afterwards, by generations and by looking twice. May be used in a signal handler. */
#ifndef DEBUG_PEEK_H
#define DEBUG_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies what can be read of size bytes at from; returns how many there were, from the first on. errno is kept. */
size_t peek(void *to, const void *from, size_t size);

/* The same through /proc/self/mem, for kernels and containers that forbid process_vm_readv(2). */
size_t peek_by_file(void *to, const void *from, size_t size);

/* All of it, or false. */
bool peek_all(void *to, const void *from, size_t size);

/* A string, cut to size - 1 bytes; bytes that are no text become '?'. False: there is none. */
bool peek_text(char *to, size_t size, const char *from);

#endif
