/* SPDX-License-Identifier: MIT */
/* debug_names.h - function names and lines for debug mode's stacks, by libdw (elfutils)
 *
 * A library of its own, since the runtime does not need libdw. Three ways to have it:
 * - link troupe::troupe_debug and call tr_debug_names once;
 * - or load it into any program, as it is: LD_PRELOAD=libtroupe_debug.so TROUPE_DEBUG=listing app;
 * - or not at all: then frames are module and offset, for addr2line. */
#ifndef TROUPE_DEBUG_NAMES_H
#define TROUPE_DEBUG_NAMES_H

#include <troupe/debug.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From now on listings name functions (static and inlined ones too), files and lines, as far as the program and its
 * libraries have symbols (lines: were compiled with -g), and unwind code without frame pointers. Files are opened when
 * a listing is made. Errors: none today. Thread: any. */
TR_API tr_err tr_debug_names(void);

#ifdef __cplusplus
}
#endif
#endif
