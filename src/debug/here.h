/* SPDX-License-Identifier: MIT */
/* here.h - the stack of the code that asks */
#ifndef DEBUG_HERE_H
#define DEBUG_HERE_H

#include "debug/registers.h"
#include "debug/symbols.h"

#define HERE_BYTES (32u * 1024u) /* of it are copied */

struct here {
    struct registers registers;
    uintptr_t low;
    size_t size;
    char bytes[HERE_BYTES];
};

/* Where the caller of this stands. bytes is filled from there outwards. */
void here_take(struct here *h);

tr_debug_stack here_stack(const struct here *h);

#endif
