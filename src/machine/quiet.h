/* SPDX-License-Identifier: MIT */
/* quiet.h - write(2) to a pipe that nobody reads any more: an error, and no SIGPIPE */
#ifndef MACHINE_QUIET_H
#define MACHINE_QUIET_H

#include <stddef.h>
#include <sys/types.h>

/* As write(2). The program's disposition of SIGPIPE is left alone. */
ssize_t quiet_write(int fd, const void *data, size_t len);

#endif
