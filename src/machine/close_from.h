/* SPDX-License-Identifier: MIT */
/* close_from.h - what a child does not inherit: every descriptor from a number up */
#ifndef MACHINE_CLOSE_FROM_H
#define MACHINE_CLOSE_FROM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>

/* Where the C library cannot (glibc before 2.34): those that are open now and are not closed by exec. One that another
 * thread opens meanwhile gets through, unless it has O_CLOEXEC. Closing what is not open any more is no error there. */
static inline int close_from_listed(posix_spawn_file_actions_t *actions, int from)
{
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return errno;
    int rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(dir)) != NULL;) {
        int fd = (int) strtol(e->d_name, NULL, 10);
        int flags = fd >= from ? fcntl(fd, F_GETFD) : -1;
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            rc = posix_spawn_file_actions_addclose(actions, fd);
    }
    closedir(dir);
    return rc;
}

/* Both return 0 or an errno. */
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
static inline int close_from(posix_spawn_file_actions_t *actions, int from)
{
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
}
#else
static inline int close_from(posix_spawn_file_actions_t *actions, int from)
{
    return close_from_listed(actions, from);
}
#endif

#endif
