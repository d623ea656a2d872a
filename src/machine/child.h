/* SPDX-License-Identifier: MIT */
/* child.h - a child process as it lies in memory */
#ifndef MACHINE_CHILD_H
#define MACHINE_CHILD_H

#include <stdatomic.h>

#include "actor/worker.h"
#include "machine/launch.h"

#define CHILD_NAME_MAX 64
#define CHILD_KILL_WAIT_MS 5000 /* for a process that was killed to be gone */
#define CHILD_PAUSE_MAX_MS 50   /* without a pidfd: between two looks */

/* The public tr_child. Belongs to the call that started it, and after that to the one who reaps it. */
struct tr_child {
    struct world *world;
    pid_t pid; /* until it is reaped the number is nobody else's */
    int pidfd; /* -1: there are none here */
    int fd[LAUNCH_STREAMS];
    bool group;
    bool reaped, lost; /* lost: somebody else took the status */
    int64_t grace_ms;
    tr_child_status status;
    char name[CHILD_NAME_MAX]; /* for people */
};

/* For tests: do as on a kernel without pidfds. */
extern atomic_bool child_without_pidfd;

/* Looks whether it has ended. keep: its status stays to be taken, and its number taken. */
bool child_has_ended(struct tr_child *c, bool keep);

/* Suspends until it has ended, or until deadline_ns. keep: as above. Errors without words. */
tr_err child_await(struct tr_self *self, struct tr_child *c, int64_t deadline_ns, bool keep);

/* Sends it, or its group, a signal. 0 or an errno. */
int child_kill(const struct tr_child *c, int number);

/* Lets it go; if it still runs, a helper thread stops and reaps it. */
void child_end(void *child);

#endif
