/* SPDX-License-Identifier: MIT */
/* place.c - words for code: where a call came from, and the stack that asks
 *
 * Reading symbols needs more stack than an actor may have: it is done on the thread's own. */
#include <stdio.h>

#include "actor/debug.h"
#include "base/alloc.h"
#include "debug/here.h"
#include "debug/thread_stack.h"

struct place {
    const void *address;
    char *text;
    size_t size;
};

static bool first_frame(void *ctx, const tr_debug_frame *frame)
{
    const struct place *p = ctx;
    frame_text(frame, p->text, p->size);
    return frame->inlined; /* the last word has the one that it was inlined into */
}

static int find_place(void *arg)
{
    struct place *p = arg;
    struct symbols symbols;
    const tr_debug_stack stack = { .ip = (uintptr_t) p->address - 1 }; /* the call, not what follows it */
    symbols_open(&symbols);
    symbols_walk(&symbols, &stack, first_frame, p);
    symbols_close(&symbols);
    return 0;
}

void debug_place(const void *address, char *text, size_t size)
{
    struct place p = { address, text, size };
    snprintf(text, size, "code that is not known");
    if (address != NULL)
        (void) on_thread_stack(find_place, &p);
}

struct logged {
    const struct world *world;
    tr_log_level level;
    struct here *here;
    int n;
};

static bool log_frame(void *ctx, const tr_debug_frame *frame)
{
    char text[512];
    struct logged *l = ctx;
    if (frame_is_of_loop(frame))
        return l->n == 0;
    frame_text(frame, text, sizeof text);
    log_line(&l->world->log, (int) l->level, "    #%d %s", l->n++, text);
    return true;
}

static int log_frames(void *arg)
{
    struct logged *l = arg;
    struct symbols symbols;
    const tr_debug_stack stack = here_stack(l->here);
    symbols_open(&symbols);
    symbols_walk(&symbols, &stack, log_frame, l);
    symbols_close(&symbols);
    return 0;
}

void debug_log_stack(const struct world *world, tr_log_level level)
{
    struct logged l = { world, level, mem_alloc(sizeof *l.here), 0 };
    if (l.here == NULL)
        return;
    here_take(l.here);
    (void) on_thread_stack(log_frames, &l);
    mem_free(l.here);
}
