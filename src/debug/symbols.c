/* SPDX-License-Identifier: MIT */
/* symbols.c - stacks as names: what the program gave for it, else frame pointers and the dynamic linker
 *
 * The fallback needs no debugging information and no library. It sees what was compiled with frame pointers, as the
 * runtime is, and knows the names that a module shows; for the rest there is the offset, which addr2line understands.
 */
#include "debug/symbols.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static _Atomic(const tr_debug_symbols *) given;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

tr_err tr_debug_symbols_set(const tr_debug_symbols *symbols)
{
    if (symbols != NULL && (symbols->size != sizeof *symbols || symbols->open == NULL || symbols->walk == NULL))
        return TR_EINVAL;
    atomic_store(&given, symbols);
    return TR_OK;
}

void symbols_open(struct symbols *s)
{
    pthread_mutex_lock(&one_at_a_time);
    s->given = atomic_load(&given);
    s->opened = s->given != NULL ? s->given->open() : NULL;
    if (s->opened == NULL)
        s->given = NULL;
}

void symbols_close(struct symbols *s)
{
    if (s->given != NULL && s->given->close != NULL)
        s->given->close(s->opened);
    s->given = NULL;
    pthread_mutex_unlock(&one_at_a_time);
}

bool symbols_are_full(const struct symbols *s)
{
    return s->given != NULL;
}

/* ---- the fallback ---- */

static tr_debug_frame frame_by_linker(uintptr_t ip, bool is_return)
{
    Dl_info info;
    tr_debug_frame frame = { .ip = ip };
    uintptr_t at = is_return ? ip - 1 : ip; /* a call that does not return may be its function's last instruction */
    if (dladdr((void *) at, &info) == 0 || info.dli_fname == NULL)
        return frame;
    const char *slash = strrchr(info.dli_fname, '/');
    frame.function = info.dli_sname;
    frame.module = slash != NULL ? slash + 1 : info.dli_fname;
    frame.offset = at - (uintptr_t) info.dli_fbase;
    return frame;
}

/* Each record is the caller's frame pointer and the address to return to, and lies above the one before: else it is
 * none, and the walk ends. */
static void walk_frame_pointers(const tr_debug_stack *stack, tr_debug_frame_fn *fn, void *ctx)
{
    uintptr_t ip = stack->ip, bp = stack->bp, low = stack->low, record[2];
    for (int n = 0; n < FRAMES_MAX && ip != 0; n++) {
        const tr_debug_frame frame = frame_by_linker(ip, n > 0);
        uintptr_t at = bp - stack->low;
        if (!fn(ctx, &frame) || bp < low || bp % sizeof bp != 0 || at > stack->size || stack->size - at < sizeof record)
            return;
        memcpy(record, stack->bytes + at, sizeof record);
        ip = record[1];
        bp = record[0];
        low = stack->low + at + sizeof record;
    }
}

struct counted {
    tr_debug_frame_fn *fn;
    void *ctx;
    int n;
};

static bool count_frame(void *ctx, const tr_debug_frame *frame)
{
    struct counted *c = ctx;
    return c->n++ < FRAMES_MAX && c->fn(c->ctx, frame);
}

void symbols_walk(struct symbols *s, const tr_debug_stack *stack, tr_debug_frame_fn *fn, void *ctx)
{
    struct counted counted = { fn, ctx, 0 };
    if (stack->ip == 0)
        return;
    if (s->given != NULL)
        s->given->walk(s->opened, stack, count_frame, &counted);
    if (counted.n == 0)
        walk_frame_pointers(stack, fn, ctx);
}

/* ---- words ---- */

void frame_text(const tr_debug_frame *frame, char *text, size_t size)
{
    const char *inlined = frame->inlined ? " (inlined)" : "";
    if (frame->function != NULL && frame->file != NULL)
        snprintf(text, size, "%s at %s:%d%s", frame->function, frame->file, frame->line, inlined);
    else if (frame->function != NULL && frame->module != NULL)
        snprintf(text, size, "%s in %s+%#zx%s", frame->function, frame->module, (size_t) frame->offset, inlined);
    else if (frame->function != NULL)
        snprintf(text, size, "%s%s", frame->function, inlined);
    else if (frame->module != NULL)
        snprintf(text, size, "%s+%#zx", frame->module, (size_t) frame->offset);
    else
        snprintf(text, size, "%#zx", (size_t) frame->ip);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* By file where there is one: an actor's code may have a function of the same name. */
bool frame_is_of_loop(const tr_debug_frame *frame)
{
    static const char *const names[] = { "turn_run",   "turn_run_plain", "run_cell_odd",  "loop",
                                         "loop_entry", "context_start",  "worker_suspend" };
    static const char *const files[] = {
        "src/sched/loop.c",  "src/actor/suspend.h",      "src/actor/turn.c",          "src/coro/switch.c",
        "src/coro/switch.h", "src/coro/switch_x86_64.h", "src/coro/switch_aarch64.h", "src/actor/debug.c",
        "src/debug/place.c", "src/debug/listing.c",      "src/debug/watcher.c",       "src/debug/thread_stack.h",
    };
    for (size_t i = 0; frame->file != NULL && i < sizeof files / sizeof files[0]; i++)
        if (ends_with(frame->file, files[i]))
            return true;
    for (size_t i = 0; frame->file == NULL && frame->function != NULL && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(frame->function, names[i]) == 0)
            return true;
    return false;
}
