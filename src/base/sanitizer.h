/* SPDX-License-Identifier: MIT */
/* sanitizer.h - which checker this build is for; telling AddressSanitizer which memory of a pool is nobody's */
#ifndef BASE_SANITIZER_H
#define BASE_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER_ADDRESS 1
#endif
#if __has_feature(thread_sanitizer)
#define SANITIZER_THREAD 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SANITIZER_THREAD 1
#elif !defined(SANITIZER_THREAD)
#define SANITIZER_THREAD 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(TROUPE_ASAN)
#define SANITIZER_ADDRESS 1
#endif

#ifdef SANITIZER_ADDRESS
#include <sanitizer/asan_interface.h>
#define mem_poison(p, size) __asan_poison_memory_region((p), (size))
#define mem_unpoison(p, size) __asan_unpoison_memory_region((p), (size))
#else
#define mem_poison(p, size) ((void) (p), (void) (size))
#define mem_unpoison(p, size) ((void) (p), (void) (size))
#endif

#endif
