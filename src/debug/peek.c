/* SPDX-License-Identifier: MIT */
/* peek.c - memory of this process, read by the kernel */
#include "debug/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_bool forbidden; /* process_vm_readv is */

size_t peek_by_file(void *to, const void *from, size_t size)
{
    int saved = errno;
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? pread(fd, to, size, (off_t) (uintptr_t) from) : -1;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return n > 0 ? (size_t) n : 0;
}

/* The system call itself: a sanitizer's wrapper would take it for accesses of this thread. A copy that meets a hole
 * ends there. */
size_t peek(void *to, const void *from, size_t size)
{
    /* cppcheck-suppress ctuuninitvar ; to is written here, not read */
    struct iovec here = { to, size }, there = { (void *) (uintptr_t) from, size };
    if (atomic_load_explicit(&forbidden, memory_order_relaxed))
        return peek_by_file(to, from, size);
    int saved = errno;
    long n = syscall(SYS_process_vm_readv, (long) getpid(), &here, 1UL, &there, 1UL, 0UL);
    bool refused = n < 0 && (errno == EPERM || errno == ENOSYS);
    errno = saved;
    if (refused) {
        atomic_store_explicit(&forbidden, true, memory_order_relaxed);
        return peek_by_file(to, from, size);
    }
    return n > 0 ? (size_t) n : 0;
}

bool peek_all(void *to, const void *from, size_t size)
{
    return from != NULL && peek(to, from, size) == size;
}

bool peek_text(char *to, size_t size, const char *from)
{
    size_t n = from != NULL ? peek(to, from, size - 1) : 0;
    to[n] = '\0';
    for (char *c = to; *c != '\0'; c++)
        if ((unsigned char) *c < ' ' || *c == 127)
            *c = '?';
    return n > 0;
}
