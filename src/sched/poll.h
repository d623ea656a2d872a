/* SPDX-License-Identifier: MIT */
/* poll.h - a worker's wait: one zmq_poll over what can wake it
 *
 * One item today: an epoll set, behind which stand all descriptors, the timerfd of the next deadline, and the eventfd
 * by which other threads wake us. The sockets that will stand beside it belong to net/. A pass costs about a
 * microsecond, so a busy worker makes one a millisecond. */
#ifndef SCHED_POLL_H
#define SCHED_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include <troupe/base.h>

struct worker;

struct poller {
    int epoll_fd, timer_fd, wake_fd;
    int64_t armed_ns; /* what the timerfd is set to; INT64_MAX: nothing */
};

tr_err poll_init(struct poller *p);
void poll_fini(struct poller *p);

/* Looks at descriptors, and hands what is ready to whoever waits for it. block: sleeps until something is, or until
 * deadline_ns. */
void poll_pass(struct worker *w, struct poller *p, bool block, int64_t deadline_ns);

/* Sets the timerfd, so that the set becomes readable at a time. */
void poll_arm(struct poller *p, int64_t deadline_ns);

/* From any thread, or a signal handler: makes the worker come out of its sleep, or not go to it. */
void poll_wake(struct poller *p);

#endif
