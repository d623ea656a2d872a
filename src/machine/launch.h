/* SPDX-License-Identifier: MIT */
/* launch.h - starting a process: posix_spawn(3) with a clean slate, and the pipes to it */
#ifndef MACHINE_LAUNCH_H
#define MACHINE_LAUNCH_H

#include <troupe/child.h>

#define LAUNCH_STREAMS 3

struct launch {
    pid_t pid;
    int ours[LAUNCH_STREAMS]; /* our ends of pipes, non-blocking; -1 */
    const char *failed;       /* at what */
};

/* Returns 0 or an errno; then nothing is left. from: the read end that in takes over (TR_STDIO_FROM), which is closed
 * here on success. */
int launch(const tr_child_opts *opts, int from, struct launch *l);

#endif
