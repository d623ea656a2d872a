/* SPDX-License-Identifier: MIT */
/* valgrind.h - tells Valgrind about stacks where its header is there; a few instructions outside of it */
#ifndef CORO_VALGRIND_H
#define CORO_VALGRIND_H

#if defined(__has_include) && !defined(TROUPE_NO_VALGRIND)
#if __has_include(<valgrind/valgrind.h>)
#define CORO_HAS_VALGRIND 1
#endif
#endif

#ifdef CORO_HAS_VALGRIND
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <valgrind/valgrind.h>
#pragma GCC diagnostic pop

static inline unsigned valgrind_stack_register(const void *low, const void *high)
{
    return (unsigned) VALGRIND_STACK_REGISTER(low, high);
}

static inline void valgrind_stack_deregister(unsigned id)
{
    VALGRIND_STACK_DEREGISTER(id);
}

#else

static inline unsigned valgrind_stack_register(const void *low, const void *high)
{
    (void) low;
    (void) high;
    return 0;
}

static inline void valgrind_stack_deregister(unsigned id)
{
    (void) id;
}

#endif
#endif
