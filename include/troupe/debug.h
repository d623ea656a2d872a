/* SPDX-License-Identifier: MIT */
/* debug.h - seeing what a program does: who waits for what, since when, and where in the code
 *
 * tr_debug_print writes all actors as the tree of who answers for whom, each with what it waits for, since when, and
 * its stack. tr_debug_on_signal does it when a signal comes, also while an actor holds the loop. tr_debug_set reports
 * mistakes as they happen. tr_instrument_set calls functions of yours at what the scheduler does.
 *
 * Frames are function names and lines where the program links troupe_debug (<troupe/debug_names.h>); without it they
 * are what the dynamic linker knows, else module and offset, to be given to addr2line. */
#ifndef TROUPE_DEBUG_H
#define TROUPE_DEBUG_H

#include <stdio.h>

#include "node.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a listing ---- */

/* Writes to out every worker with what it runs, and every living actor: indented under who answers for it, with its
 * address, name, state, what it waits for and since when, its mailbox, its open scopes, and the stack of each of its
 * suspended calls. At most 100,000 actors; the others are counted.
 *
 * It does not stop the node: each actor is looked at in one piece, different ones at slightly different moments. "For
 * 3.2 s" is the time since the call last went to sleep, a millisecond more or less. The stack of the call that runs
 * right now is there only when tr_debug_on_signal has been called: another thread's registers are only to be had by a
 * signal.
 *
 * Thread: any that keeps the node from being destroyed; an actor may print its own node. Errors: TR_ENOMEM; TR_EIO (the
 * stream, or a kernel that lets a process not read itself). */
TR_API tr_err tr_debug_print(tr_node *node, FILE *out);

/* From now on that signal (SIGUSR1 is a good one) makes a thread of debug mode's own write such a listing to standard
 * error: also while all actors are stuck. The signal's handler is taken over until the node is destroyed, or until this
 * is called with signo 0; it is also sent to the node's own threads, to learn where they are: their system calls may
 * see EINTR. Until then the library has no handler for it. Errors: TR_EINVAL (no such signal, or one of faults),
 * TR_EFULL (16 nodes have one), TR_ENOMEM, TR_EIO. Thread: any that keeps the node from being destroyed. */
TR_API tr_err tr_debug_on_signal(tr_node *node, int signo);

/* ---- mistakes, as they happen ---- */

typedef enum tr_debug_flag {
    TR_DEBUG_SLOW = 1,     /* a handler that holds its worker (slow_handler_ms) is reported with its stack; that takes a
                              signal: call tr_debug_on_signal too */
    TR_DEBUG_ASKS = 2,     /* asks that tr_ask_start began and nobody collected, with where they began */
    TR_DEBUG_LEFT = 4,     /* actors that end well with messages kept */
    TR_DEBUG_CALLS = 8,    /* calls with another actor's self, or on the wrong thread: TR_ESTATE, with the stack */
    TR_DEBUG_MAILBOX = 16, /* mailboxes that are three quarters full */
    TR_DEBUG_ALL = 31
} tr_debug_flag;

/* Reports these from now on, through the log, and no others (0: none). Each worker takes it up in its next pass of the
 * loop. Errors: TR_EINVAL (no such flag), TR_ENOMEM. Thread: any that keeps the node from being destroyed. */
TR_API tr_err tr_debug_set(tr_node *node, unsigned flags);

/* What the environment variable TROUPE_DEBUG says, words with commas between: slow, asks, left, calls, mailbox;
 * listing (a listing at SIGUSR1); all. Nothing if it is not set. tr_main calls it. Errors: TR_EINVAL (another word;
 * those before it hold), and those of tr_debug_set and tr_debug_on_signal. Thread: as tr_debug_set. */
TR_API tr_err tr_debug_from_env(tr_node *node);

/* ---- instruments ---- */

/* Functions that are called at what happens; NULL: not at this. On the worker's thread, in the middle of things: they
 * must return soon, and call nothing that takes a tr_self or changes the node. ctx is yours. Replies go past mailboxes,
 * ticks and readiness are the timer's and the descriptor's: they are no messages here. */
typedef struct tr_instrument {
    size_t size; /* sizeof(tr_instrument) */
    void *ctx;
    void (*spawned)(void *ctx, tr_addr who, const char *name); /* name: registered, else the behaviour's, else "body" */
    void (*ended)(void *ctx, tr_addr who, tr_err err);
    void (*turn_begins)(void *ctx, tr_addr who); /* it gets the worker: to begin, for messages, or to go on */
    void (*turn_ends)(void *ctx, tr_addr who);   /* it waits, is done, or another's turn begins */
    void (*message_sent)(void *ctx, const tr_msg *m, tr_addr to);  /* it is in the mailbox; tr_sender(m) sent it */
    void (*message_taken)(void *ctx, const tr_msg *m, tr_addr by); /* it is out of it, about to be handled */
    void (*timer_fires)(void *ctx, tr_time deadline, tr_time now); /* of any kind: sleeps, timeouts, ticks */
} tr_instrument;

/* From now on this one and no other is called; NULL: none. It stays the caller's, and must live until the node is
 * destroyed. Each worker takes it up in its next pass of the loop: actors that live then are watched from there on, new
 * ones from their spawn. Costs a few dozen nanoseconds a message while it is there, and nothing when it is not.
 * Errors: TR_EINVAL (size), TR_ENOMEM. Thread: as tr_debug_set. */
TR_API tr_err tr_instrument_set(tr_node *node, const tr_instrument *instrument);

/* ---- names for frames ---- */

/* Where a stack stands, and a copy of it. */
typedef struct tr_debug_stack {
    uintptr_t ip, sp, bp; /* instruction, stack and frame pointer */
    uintptr_t low;        /* the address that bytes[0] was copied from */
    size_t size;          /* of bytes */
    const char *bytes;
} tr_debug_stack;

/* One line of a stack, innermost first. Strings live until the next frame. */
typedef struct tr_debug_frame {
    uintptr_t ip;
    const char *function; /* or NULL */
    const char *file;     /* or NULL */
    int line;             /* with file */
    const char *module;   /* the file it was loaded from, or NULL */
    uintptr_t offset;     /* in module: what addr2line -e module wants */
    bool inlined;         /* into the frame that follows */
} tr_debug_frame;

typedef bool tr_debug_frame_fn(void *ctx, const tr_debug_frame *frame); /* false: enough */

/* What turns stacks into names. One thread at a time calls it. */
typedef struct tr_debug_symbols {
    size_t size;                  /* sizeof(tr_debug_symbols) */
    void *(*open)(void);          /* before a listing; NULL: it cannot */
    void (*close)(void *symbols); /* after it */
    void (*walk)(void *symbols, const tr_debug_stack *stack, tr_debug_frame_fn *fn, void *ctx);
} tr_debug_symbols;

/* From now on listings use these; NULL: what the dynamic linker knows. symbols stays the caller's and must live on.
 * tr_debug_names of troupe_debug calls it; so may you, for another library. Errors: TR_EINVAL (size). Thread: any. */
TR_API tr_err tr_debug_symbols_set(const tr_debug_symbols *symbols);

#ifdef __cplusplus
}
#endif
#endif
