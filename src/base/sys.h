/* SPDX-License-Identifier: MIT */
/* sys.h - the system calls that may fail: one door, so that tests can make the n-th fail
 *
 * What comes through here is what the runtime has an answer for. A call costs a load and a branch more; it is counted
 * only while a test has asked for a failure. Thread: any; from a signal handler too. */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

extern atomic_bool sys_is_armed;

/* Counts a call; true: it is the one that is to fail, and errno is set. */
bool sys_fails_slow(const char *name, int number);

/* At the head of each call: name is the call's, number the errno that it usually fails with. */
static inline bool sys_fails(const char *name, int number)
{
    return __builtin_expect(atomic_load_explicit(&sys_is_armed, memory_order_relaxed), 0) &&
           sys_fails_slow(name, number);
}

/* The n-th call from now fails, once, with that errno (0: the usual one of the call); 0: none, and no counting. Returns
 * how many there were since the last time. */
uint64_t sys_fail_at(uint64_t n, int number);

/* The call that was made to fail last; "" if none was since sys_fail_at. */
const char *sys_failed(void);

/* ---- the calls ---- */

static inline int sys_epoll_create(void)
{
    return sys_fails("epoll_create1", EMFILE) ? -1 : epoll_create1(EPOLL_CLOEXEC);
}

static inline int sys_epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
    return sys_fails("epoll_ctl", ENOMEM) ? -1 : epoll_ctl(set, op, fd, event);
}

static inline int sys_epoll_wait(int set, struct epoll_event *events, int n, int timeout_ms)
{
    return sys_fails("epoll_wait", EINTR) ? -1 : epoll_wait(set, events, n, timeout_ms);
}

static inline int sys_timerfd_create(void)
{
    return sys_fails("timerfd_create", EMFILE) ? -1 : timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
}

static inline int sys_timerfd_settime(int fd, const struct itimerspec *when)
{
    return sys_fails("timerfd_settime", EINVAL) ? -1 : timerfd_settime(fd, TFD_TIMER_ABSTIME, when, NULL);
}

static inline int sys_eventfd(void)
{
    return sys_fails("eventfd", EMFILE) ? -1 : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static inline int sys_accept(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    return sys_fails("accept4", EMFILE) ? -1 : accept4(fd, addr, len, flags);
}

static inline ssize_t sys_read(int fd, void *buf, size_t size)
{
    return sys_fails("read", EINTR) ? -1 : read(fd, buf, size);
}

static inline ssize_t sys_write(int fd, const void *buf, size_t size)
{
    return sys_fails("write", EINTR) ? -1 : write(fd, buf, size);
}

static inline void *sys_mmap(size_t size, int protection, int flags)
{
    return sys_fails("mmap", ENOMEM) ? MAP_FAILED : mmap(NULL, size, protection, flags, -1, 0);
}

/* 0 or an errno. */
static inline int sys_thread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    return sys_fails("pthread_create", EAGAIN) ? errno : pthread_create(thread, attr, fn, arg);
}

#endif
