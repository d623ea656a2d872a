/* SPDX-License-Identifier: MIT */
/* console.h - standard input and output by message
 *
 * One actor that owns the terminal (or whatever stands in its place): lines go to those who ask for one, in the order
 * of the asks, and what many actors print does not run together.
 *
 *     tr_addr console;
 *     tr_spawn(self, &tr_console, NULL, &console);
 *     const tr_msg *reply;
 *     const char *name;
 *     if (tr_ask_for(self, console, TR_FOREVER, &reply, "line", "your name? ") == TR_OK && tr_args(reply, &name) ==
 * TR_OK) tr_send(self, console, "print", "hello\n");
 *
 * The messages: README.md beside this file, or the request "describe".
 */
#ifndef TROUPE_CONSOLE_H
#define TROUPE_CONSOLE_H

#include <troupe/troupe.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TR_CONSOLE_ASKERS_MAX 64 /* that wait for a line; then TR_EFULL */

/* arg of tr_console; NULL: the standard three descriptors. Read when it starts, and not after. */
typedef struct tr_console_opts {
    size_t size;      /* sizeof(tr_console_opts) */
    int in, out, err; /* descriptors, which stay the caller's */
    size_t line_max;  /* bytes; 0: TR_INPUT_LINE_MAX */
} tr_console_opts;

TR_API extern const tr_behaviour tr_console;

#ifdef __cplusplus
}
#endif
#endif
