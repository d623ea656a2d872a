/* SPDX-License-Identifier: MIT */
/* process.h - child processes by message
 *
 * One actor that runs programs for whoever asks. Spawn it as any behaviour, by a name if others are to find it:
 *
 *     tr_addr programs;
 *     tr_spawn(self, &tr_process, NULL, &programs);
 *     const tr_msg *reply;
 *     tr_ask(self, programs, &reply, "run", tr_array("sort", "-n"), tr_map("input", "2\n1\n"));
 *
 * The messages and their options: README.md beside this file, or the request "describe". What child.h says of children
 * holds here: they begin clean, and are stopped and reaped, with their asker, their owner, or this actor.
 */
#ifndef TROUPE_PROCESS_H
#define TROUPE_PROCESS_H

#include <troupe/troupe.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TR_PROCESS_ARGS_MAX 4096 /* strings of one argv, or of one environment */
#define TR_PROCESS_WRITES_MAX 64 /* that one process has not taken yet; then TR_EFULL */

TR_API extern const tr_behaviour tr_process;

/* The reply to "run", taken apart. Everything in it lives as long as the reply. */
typedef struct tr_process_result {
    const char *status; /* "exit 0", "SIGTERM", "timeout", "too big" */
    int code;           /* the exit code, -1 if there is none */
    tr_bytes out, err;
} tr_process_result;

/* Errors: TR_EBADMSG, nothing is written: this is no reply to "run". Thread: any that holds the message. */
TR_API TR_MUST_CHECK tr_err tr_process_result_read(const tr_msg *reply, tr_process_result *result);

#ifdef __cplusplus
}
#endif
#endif
