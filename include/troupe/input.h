/* SPDX-License-Identifier: MIT */
/* input.h - reading a descriptor that may be anything: a terminal, a pipe, a socket, a file
 *
 * Standard input is shared: with the shell that started the program, with its other processes, often with its own
 * standard output. O_NONBLOCK belongs to the open file, not to the descriptor, so setting it there would set it for all
 * of them, and they would fail with EAGAIN. So a terminal or a pipe is opened anew (through /proc/self/fd), and the
 * descriptor of ours alone is made non-blocking; a socket is read with MSG_DONTWAIT; a regular file, which epoll
 * refuses and which is always ready, is read as it is, with a turn for the others after every 64 KiB. Where opening
 * anew is not allowed (a terminal of another user, after su), readiness is waited for and then read exactly once;
 * should another process take the bytes in between, that read blocks the worker until there are more.
 */
#ifndef TROUPE_INPUT_H
#define TROUPE_INPUT_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_INPUT_LINE_MAX 65536 /* bytes of a line, where nothing else is said */

typedef struct tr_input tr_input;

typedef struct tr_input_opts {
    size_t size;     /* sizeof(tr_input_opts) */
    size_t line_max; /* bytes of a line without its newline; 0: TR_INPUT_LINE_MAX */
} tr_input_opts;

/* Begins to read fd, which stays the caller's and must stay open; STDIN_FILENO, mostly. opts may be NULL. Owns: *input
 * is the call's (in a body: until that ends; in a behaviour: until the handler returns). What it has read ahead is lost
 * with it, so one of them reads a descriptor from beginning to end: a second one would share what comes, at random.
 * Errors: TR_EINVAL (not open, not for reading, a directory), TR_ENOMEM. Suspends: no. */
TR_API TR_MUST_CHECK tr_err tr_input_open(tr_self *self, int fd, const tr_input_opts *opts, tr_input **input);

/* The next line, without its newline, and with a NUL behind it; *len (may be NULL) is its length, since it may hold
 * NULs of its own. Lives until the next call on this input. The last line may lack a newline. Suspends. timeout_ms
 * TR_FOREVER: no limit but the scope's; 0: what is there now. Errors: TR_ECLOSED (the end), TR_ETOOBIG (longer than
 * line_max: it is skipped, the next call gives the next one), TR_ETIMEDOUT and TR_ECANCELED (what has come of the line
 * is kept for the next call), TR_EIO, TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_input_line(tr_self *self, tr_input *input, int64_t timeout_ms, const char **line,
                                          size_t *len);

/* What is there, at least a byte and at most size: *n; 0: the end. May be mixed with lines. Suspends. Errors, and then
 * nothing was taken: TR_EINVAL (size 0), TR_ETIMEDOUT, TR_ECANCELED, TR_EIO, TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_input_bytes(tr_self *self, tr_input *input, void *buf, size_t size, int64_t timeout_ms,
                                           size_t *n);

/* Lets it go; *input becomes NULL. */
TR_API void tr_input_close(tr_self *self, tr_input **input);

#ifdef __cplusplus
}
#endif
#endif
