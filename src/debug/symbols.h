/* SPDX-License-Identifier: MIT */
/* symbols.h - stacks as names: what the program gave for it, else frame pointers and the dynamic linker */
#ifndef DEBUG_SYMBOLS_H
#define DEBUG_SYMBOLS_H

#include <troupe/debug.h>

#define FRAMES_MAX 64 /* of one stack */

struct symbols {
    const tr_debug_symbols *given; /* NULL: our own */
    void *opened;
};

/* One at a time in the process: others wait. */
void symbols_open(struct symbols *s);
void symbols_close(struct symbols *s);

/* Whether frames will have names of static functions. */
bool symbols_are_full(const struct symbols *s);

/* Calls fn for each frame, innermost first, at most FRAMES_MAX. */
void symbols_walk(struct symbols *s, const tr_debug_stack *stack, tr_debug_frame_fn *fn, void *ctx);

/* One line without a newline: "name at file:line", "name", or "module+0x12". */
void frame_text(const tr_debug_frame *frame, char *text, size_t size);

/* Whether it is the scheduler's (how the actor's code was called, how it went to sleep), or debug mode's own. */
bool frame_is_of_loop(const tr_debug_frame *frame);

#endif
