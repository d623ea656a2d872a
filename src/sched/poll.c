/* SPDX-License-Identifier: MIT */
/* poll.c - a worker's wait: one zmq_poll over what can wake it */
#include "sched/poll.h"

#include <limits.h>
#include <zmq.h>

#include "actor/fd.h"
#include "actor/worker.h"
#include "base/clock.h"
#include "base/sys.h"

#define EVENTS_A_PASS 256

static bool add(struct poller *p, int fd)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
    return sys_epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

tr_err poll_init(struct poller *p)
{
    p->armed_ns = INT64_MAX;
    p->epoll_fd = sys_epoll_create();
    p->timer_fd = sys_timerfd_create();
    p->wake_fd = sys_eventfd();
    if (p->epoll_fd >= 0 && p->timer_fd >= 0 && p->wake_fd >= 0 && add(p, p->timer_fd) && add(p, p->wake_fd))
        return TR_OK;
    poll_fini(p);
    return TR_EIO;
}

void poll_fini(struct poller *p)
{
    if (p->epoll_fd >= 0)
        close(p->epoll_fd);
    if (p->timer_fd >= 0)
        close(p->timer_fd);
    if (p->wake_fd >= 0)
        close(p->wake_fd);
    p->epoll_fd = p->timer_fd = p->wake_fd = -1;
}

void poll_arm(struct poller *p, int64_t deadline_ns)
{
    if (deadline_ns == p->armed_ns)
        return;
    struct itimerspec when = { .it_value = { 0, 0 } };
    if (deadline_ns != INT64_MAX) {
        when.it_value.tv_sec = deadline_ns / NS_PER_S;
        when.it_value.tv_nsec = deadline_ns % NS_PER_S;
        if (when.it_value.tv_sec <= 0 && when.it_value.tv_nsec <= 0)
            when.it_value.tv_nsec = 1;
    }
    if (sys_timerfd_settime(p->timer_fd, &when) == 0)
        p->armed_ns = deadline_ns;
}

static void drain(int fd)
{
    uint64_t count;
    while (sys_read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

static void events_deliver(struct worker *w, struct poller *p)
{
    struct epoll_event events[EVENTS_A_PASS];
    int n = sys_epoll_wait(p->epoll_fd, events, EVENTS_A_PASS, 0);
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd;
        if (fd == p->timer_fd) {
            drain(fd);
            p->armed_ns = INT64_MAX;
        } else if (fd == p->wake_fd) {
            drain(fd);
        } else {
            fd_ready(w, fd, events[i].events);
        }
    }
}

/* How long zmq_poll may sleep: for ever, since the timerfd ends it; if that could not be set, in whole milliseconds. */
static long patience_ms(struct worker *w, const struct poller *p, int64_t deadline_ns)
{
    if (deadline_ns == p->armed_ns)
        return -1;
    int64_t ms = deadline_ns == INT64_MAX ? 1000 : (deadline_ns - w->now) / NS_PER_MS + 1;
    return ms < 0 ? 0 : ms < INT_MAX ? (long) ms : INT_MAX;
}

void poll_pass(struct worker *w, struct poller *p, bool block, int64_t deadline_ns)
{
    zmq_pollitem_t item = { .fd = p->epoll_fd, .events = ZMQ_POLLIN };
    if (block)
        poll_arm(p, deadline_ns);
    if (block) /* asleep: others may pull actors over */
        gate_leave(&w->gate);
    int ready = zmq_poll(&item, 1, block ? patience_ms(w, p, deadline_ns) : 0);
    if (block)
        gate_enter_awake(&w->gate);
    if (ready > 0)
        events_deliver(w, p);
}

void poll_wake(struct poller *p)
{
    uint64_t one = 1;
    int saved = errno;
    while (sys_write(p->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}
