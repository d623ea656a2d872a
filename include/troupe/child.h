/* SPDX-License-Identifier: MIT */
/* child.h - child processes: started clean, talked to, waited for, and never left behind
 *
 * tr_run runs a program to its end and gives its output. tr_child_start starts one to talk to: through tr_child_read
 * and tr_child_write, or, as plain descriptors, through whatever else reads and writes them (tr_child_take_fd).
 *
 * A child begins with an empty signal mask, default dispositions, and no descriptor but its standard three: all others
 * are closed, whoever opened them. It belongs to the call that started it (in a body: until that ends; in a behaviour:
 * until the handler returns). If it still runs then, however that came about, kill included, it is stopped behind the
 * actor's back: SIGTERM, after its grace SIGKILL. It is reaped in any case: there are no zombies. To have a child
 * across handlers, ask the actor of actors/process.
 *
 * An end is noticed through a pidfd. On a kernel without (before 5.3, or where a sandbox forbids it) the child is
 * looked at again and again, with pauses of 1 to 50 ms. A program that ignores SIGCHLD, or that waits for any child
 * (wait(2)), takes the status away: then tr_child_wait says TR_EIO.
 */
#ifndef TROUPE_CHILD_H
#define TROUPE_CHILD_H

#include <sys/types.h>

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_CHILD_GRACE_MS 5000       /* between SIGTERM and SIGKILL, where nothing else is said */
#define TR_RUN_OUTPUT_MAX (16 << 20) /* bytes of each of both outputs, likewise */

typedef struct tr_child tr_child;

typedef enum tr_stdio_kind {
    TR_STDIO_INHERIT = 0, /* this process's own; /dev/null if that is closed */
    TR_STDIO_NULL,        /* /dev/null */
    TR_STDIO_PIPE,        /* a pipe, whose other end is the child object's */
    TR_STDIO_FD,          /* fd: shared with the child, stays the caller's */
    TR_STDIO_OUT,         /* of err: where out goes */
    TR_STDIO_FROM         /* of in: the output pipe of the child from, which is handed over: a pipeline */
} tr_stdio_kind;

typedef struct tr_stdio {
    tr_stdio_kind kind;
    int fd;
    tr_child *from;
} tr_stdio;

typedef struct tr_child_opts {
    size_t size;             /* sizeof(tr_child_opts) */
    const char *const *argv; /* ends with NULL; argv[0] is looked for in PATH unless there is a slash in it */
    const char *const *env;  /* "NAME=value", ends with NULL; NULL: this process's environment */
    const char *dir;         /* to work in; NULL: this process's. A program with a slash is relative to it */
    tr_stdio in, out, err;
    bool group;       /* a process group of its own, to which signals of this API go as a whole (and Ctrl-C of a
                         terminal does not) */
    int64_t grace_ms; /* between SIGTERM and SIGKILL; 0: TR_CHILD_GRACE_MS; negative: SIGKILL at once */
} tr_child_opts;

/* How a process ended. */
typedef struct tr_child_status {
    int code;   /* the exit code; -1 if a signal ended it */
    int signal; /* that signal; 0 if it exited */
    bool core;  /* and left a core */
} tr_child_status;

/* "exit 0", "SIGTERM", "SIGSEGV (core dumped)" into buf; returns buf. Thread: any. */
#define TR_CHILD_STATUS_TEXT_MAX 48
TR_API const char *tr_child_status_text(const tr_child_status *status, char buf[TR_CHILD_STATUS_TEXT_MAX]);

/* ---- start, then talk ---- */

/* Starts a program. It runs when this returns: a program that is not there, or may not be executed, is an error here.
 * Owns: *child is the call's, see above; tr_child_free lets it go earlier. Errors: TR_EINVAL, TR_ENOMEM, TR_EIO (it
 * cannot be started; tr_error has the system's words). Suspends: no. */
TR_API TR_MUST_CHECK tr_err tr_child_start(tr_self *self, const tr_child_opts *opts, tr_child **child);

/* The process, or -1 after it was reaped. */
TR_API pid_t tr_child_pid(const tr_child *child);

enum tr_child_stream { TR_CHILD_IN = 0, TR_CHILD_OUT, TR_CHILD_ERR };

/* Our end of a pipe: non-blocking, closed with the child object; -1 if there is none. */
TR_API int tr_child_fd(const tr_child *child, enum tr_child_stream stream);

/* The same, handed over: the caller closes it (tr_fd_close). -1 if there is none. */
TR_API int tr_child_take_fd(tr_child *child, enum tr_child_stream stream);

/* Closes our end of a pipe: the child sees the end of its input. None there: nothing happens. */
TR_API void tr_child_close(tr_self *self, tr_child *child, enum tr_child_stream stream);

/* Writes all of data to the child's input. *written (may be NULL) is set in any case: how much the pipe took. Suspends.
 * Errors: TR_ECLOSED (nobody reads it any more; no SIGPIPE), TR_ESTATE (no pipe), TR_ETIMEDOUT, TR_ECANCELED, TR_EIO.
 */
TR_API TR_MUST_CHECK tr_err tr_child_write(tr_self *self, tr_child *child, const void *data, size_t len,
                                           int64_t timeout_ms, size_t *written);

/* Reads what is there of TR_CHILD_OUT or TR_CHILD_ERR, at least a byte: *n; 0: the end. Suspends. Errors, and then
 * nothing was taken: TR_ESTATE (no pipe), TR_ETIMEDOUT, TR_ECANCELED, TR_EIO. */
TR_API TR_MUST_CHECK tr_err tr_child_read(tr_self *self, tr_child *child, enum tr_child_stream stream, void *buf,
                                          size_t size, int64_t timeout_ms, size_t *n);

/* Waits until it has ended; *status (may be NULL) says how, again and again. Suspends. Errors: TR_ETIMEDOUT and
 * TR_ECANCELED (it still runs), TR_EIO (somebody else took its status). */
TR_API TR_MUST_CHECK tr_err tr_child_wait(tr_self *self, tr_child *child, int64_t timeout_ms, tr_child_status *status);

/* For tr_wait: readable when it has ended; stays the child object's. -1 where there are no pidfds. */
TR_API int tr_child_end_fd(const tr_child *child);

/* Sends it, or its group, a signal. Errors: TR_ENOPROC (it has been reaped), TR_EINVAL, TR_EIO. Suspends: no. */
TR_API tr_err tr_child_signal(tr_self *self, tr_child *child, int number);

/* Ends it: SIGTERM, after the grace SIGKILL, of its group as a whole; what is left of the group when the child has
 * ended is killed. Waits for the end, also in a cancelled actor, where other waits do not. *status may be NULL.
 * Suspends. Errors: TR_ETIMEDOUT (not even SIGKILL ended it within 5 s: left to be reaped later), TR_EIO. */
TR_API tr_err tr_child_stop(tr_self *self, tr_child *child, tr_child_status *status);

/* Lets it go; *child becomes NULL. If it still runs it is stopped in the background, as at the end of its call. */
TR_API void tr_child_free(tr_self *self, tr_child **child);

/* ---- run and collect ---- */

typedef struct tr_run_opts {
    size_t size;        /* sizeof(tr_run_opts) */
    const void *input;  /* for the child's input, whose kind becomes TR_STDIO_PIPE; NULL: none */
    size_t input_len;   /* bytes; what the child does not read is dropped */
    size_t output_max;  /* bytes of each of out and err; 0: TR_RUN_OUTPUT_MAX */
    int64_t timeout_ms; /* 0 or TR_FOREVER: no limit but the scope's */
    bool check;         /* any end but "exit 0" is TR_EFAILED, with the beginning of err in its words */
} tr_run_opts;

typedef struct tr_run_result {
    tr_child_status status;
    tr_bytes out, err; /* of TR_STDIO_PIPE: what came; a NUL stands behind it */
    bool running;      /* the call gave up before the child had ended (SIGKILL did not help): no status */
    void *memory;      /* tr_run_free */
} tr_run_result;

/* Starts a program, gives it its input, collects its output, and waits for its end. opts may be NULL. Suspends.
 *
 * *result is filled in whenever the program was started, also with an error. Owns: out and err are the call's, as a
 * child is; tr_run_free lets them go earlier.
 *
 * Errors: as tr_child_start (nothing is filled in); TR_ETIMEDOUT, TR_ECANCELED, TR_ETOOBIG (an output is longer than
 * output_max): the child was stopped as by tr_child_stop, and what it wrote until its end is there; TR_EFAILED (check).
 * When the child has ended and others still hold its outputs open, they are read until they end, for as long as the
 * grace. */
TR_API TR_MUST_CHECK tr_err tr_run(tr_self *self, const tr_child_opts *child, const tr_run_opts *opts,
                                   tr_run_result *result);
TR_API void tr_run_free(tr_self *self, tr_run_result *result);

#ifdef __cplusplus
}
#endif
#endif
