/* SPDX-License-Identifier: MIT */
/* capture.h - the registers and the stack of another thread, as it runs, by a signal to it
 *
 * The signal is one that the program has given for debug mode. Sent with a value of ours it is a request to the thread
 * that gets it: its handler copies registers and stack, and goes on. Anything else that comes with that signal is the
 * user's request for a listing (watcher.h). */
#ifndef DEBUG_CAPTURE_H
#define DEBUG_CAPTURE_H

#include <signal.h>
#include <stdbool.h>

#include "debug/registers.h"

#define CAPTURE_BYTES (64u * 1024u)
#define CAPTURE_WAIT_MS 1000 /* for a thread that does not answer: it blocks the signal, or is deep in the kernel */

struct capture {
    struct registers registers;
    uintptr_t low;
    size_t size;
    char bytes[CAPTURE_BYTES];
};

/* Fills c with where that thread is. False: it did not answer. Thread: any but that one. */
bool capture_thread(int tid, int signo, struct capture *c);

/* In a signal handler: whether the signal was such a request, which has been served then. Async-signal-safe. */
bool capture_serve(const siginfo_t *info, const void *ucontext);

#endif
