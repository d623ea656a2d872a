/* SPDX-License-Identifier: MIT */
/* fiber.h - what AddressSanitizer, ThreadSanitizer and Valgrind must be told about stacks; nothing in a normal build */
#ifndef CORO_FIBER_H
#define CORO_FIBER_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif

#if defined(FIBER_ASAN)

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

struct fiber {
    void *fake_stack;
};

static inline void fiber_create(struct fiber *f)
{
    f->fake_stack = NULL;
}

static inline void fiber_adopt_thread(struct fiber *f)
{
    f->fake_stack = NULL;
}

static inline void fiber_destroy(struct fiber *f)
{
    (void) f;
}

static inline void fiber_leave(struct fiber *from, struct fiber *to, const void *base, size_t size)
{
    (void) to;
    __sanitizer_start_switch_fiber(&from->fake_stack, base, size);
}

static inline void fiber_arrive(struct fiber *f)
{
    __sanitizer_finish_switch_fiber(f->fake_stack, NULL, NULL);
}

/* A stack that starts anew: the red zones of the frames that were left on it mean nothing any more. */
static inline void fiber_reuse(struct fiber *f, void *base, size_t size)
{
    f->fake_stack = NULL;
    __asan_unpoison_memory_region(base, size);
}

/* A stack that was abandoned in the middle of calls. */
static inline void fiber_reset(struct fiber *f, void *base, size_t size)
{
    f->fake_stack = NULL;
    __asan_unpoison_memory_region(base, size);
}

#elif defined(FIBER_TSAN)

#include <sanitizer/tsan_interface.h>

struct fiber {
    void *tsan;
};

static inline void fiber_create(struct fiber *f)
{
    f->tsan = __tsan_create_fiber(0);
}

static inline void fiber_adopt_thread(struct fiber *f)
{
    f->tsan = __tsan_get_current_fiber();
}

static inline void fiber_destroy(struct fiber *f)
{
    __tsan_destroy_fiber(f->tsan);
    f->tsan = NULL;
}

static inline void fiber_leave(struct fiber *from, struct fiber *to, const void *base, size_t size)
{
    (void) from;
    (void) base;
    (void) size;
    __tsan_switch_to_fiber(to->tsan, 0);
}

static inline void fiber_arrive(struct fiber *f)
{
    (void) f;
}

static inline void fiber_reuse(struct fiber *f, void *base, size_t size)
{
    (void) f;
    (void) base;
    (void) size;
}

static inline void fiber_reset(struct fiber *f, void *base, size_t size)
{
    (void) base;
    (void) size;
    fiber_destroy(f);
    fiber_create(f);
}

#else

struct fiber {
    char none[1];
};

static inline void fiber_create(struct fiber *f)
{
    (void) f;
}

static inline void fiber_adopt_thread(struct fiber *f)
{
    (void) f;
}

static inline void fiber_destroy(struct fiber *f)
{
    (void) f;
}

static inline void fiber_leave(struct fiber *from, struct fiber *to, const void *base, size_t size)
{
    (void) from;
    (void) to;
    (void) base;
    (void) size;
}

static inline void fiber_arrive(struct fiber *f)
{
    (void) f;
}

static inline void fiber_reuse(struct fiber *f, void *base, size_t size)
{
    (void) f;
    (void) base;
    (void) size;
}

static inline void fiber_reset(struct fiber *f, void *base, size_t size)
{
    (void) f;
    (void) base;
    (void) size;
}

#endif
#endif
