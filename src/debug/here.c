/* SPDX-License-Identifier: MIT */
/* here.c - the stack of the code that asks
 *
 * This file is compiled with frame pointers, so its own frame tells where its caller goes on. */
#include "debug/here.h"

#include <string.h>

#include "debug/peek.h"

__attribute__((noinline)) void here_take(struct here *h)
{
    uintptr_t frame = (uintptr_t) __builtin_frame_address(0), record[2];
    memcpy(record, (const void *) frame, sizeof record); /* the caller's frame pointer, and where it goes on */
    h->registers = (struct registers){ record[1], frame + sizeof record, record[0] };
    h->low = frame;
    h->size = peek(h->bytes, (const void *) frame, sizeof h->bytes);
}

tr_debug_stack here_stack(const struct here *h)
{
    return (tr_debug_stack){ h->registers.ip, h->registers.sp, h->registers.bp, h->low, h->size, h->bytes };
}
