/* SPDX-License-Identifier: MIT */
/* io.h - waiting for descriptors
 *
 * All descriptors of a worker stand behind one epoll set (epoll(7)). Make them non-blocking, try the call first, wait
 * on EAGAIN. A regular file is always ready. Close what was waited for with tr_fd_close, so that nobody waits on a
 * number that means something else.
 */
#ifndef TROUPE_IO_H
#define TROUPE_IO_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TR_READABLE = 1,
    TR_WRITABLE = 2,
    TR_FD_ERROR = 4 /* only in results: an error or hang-up; reading or writing will say which */
};

/* Suspends until fd has one of events. *revents (may be NULL) says which. timeout_ms TR_FOREVER: no limit but the
 * scope's. Errors: TR_EBUSY (another already waits for that event), TR_ECLOSED (tr_fd_close), TR_ETIMEDOUT,
 * TR_ECANCELED, TR_EINVAL (no descriptor). */
TR_API TR_MUST_CHECK tr_err tr_fd_wait(tr_self *self, int fd, unsigned events, int64_t timeout_ms, unsigned *revents);

/* Readiness as a message: whenever fd has one of events this actor gets tag(fd:int, revents:int), one at a time: the
 * next comes after this one was handled, if the descriptor is still ready. events 0 pauses it; calling again changes
 * events. Ends with the actor. tag is copied (to 31 bytes). Errors: TR_EBUSY (another actor's), TR_EINVAL, TR_ENOMEM.
 * Suspends: no. */
TR_API TR_MUST_CHECK tr_err tr_fd_watch(tr_self *self, int fd, unsigned events, const char *tag);

/* Stops watching; a message already queued does not arrive any more. Not watched: nothing happens. */
TR_API void tr_fd_unwatch(tr_self *self, int fd);

/* Takes fd out of the set, wakes whoever waits for it, on any worker, with TR_ECLOSED, then closes it. Errors: TR_EIO
 * (close(2) failed), TR_ENOMEM (it is still open). */
TR_API tr_err tr_fd_close(tr_self *self, int fd);

#ifdef __cplusplus
}
#endif
#endif
