/* SPDX-License-Identifier: MIT */
/* fd.h - descriptors: who waits for which, behind one epoll set
 *
 * Registration is level-triggered and lazy: what was asked for is put into the set with a system call; what is not
 * wanted any more is taken out only when it fires in vain. Every wait registers anew, so that a descriptor closed
 * behind our back is noticed. A regular file is always ready. */
#ifndef ACTOR_FD_H
#define ACTOR_FD_H

#include <troupe/io.h>

#include "actor/worker.h"

struct fd_watch;

/* Whoever owns a descriptor for longer than a wait (src/stream): called when it is ready, while it wants that; and when
 * a message that it sent is about to be seen. One a descriptor. */
struct fd_hook {
    int64_t id;      /* of the owner; the descriptor is its lower half, and no two that ever were are equal */
    unsigned events; /* TR_READABLE, TR_WRITABLE: when to call ready */
    struct tr_self *reader, *writer; /* in a call on it, suspended or not; cleared if abandoned */
    void (*ready)(struct worker *w, struct fd_hook *h, unsigned revents);
    /* Whether the message with this number is still good; take: and it is given out now. */
    bool (*taken)(struct worker *w, struct fd_hook *h, uint32_t number, bool take);
};

struct fd_entry {
    struct tr_self *reader, *writer; /* suspended until then */
    struct fd_watch *watch;
    struct fd_hook *hook;
    uint64_t seq;   /* of the claim that these are under; fd_claim.h */
    uint32_t armed; /* epoll events registered; 0: not in the set, as far as we know */
};

struct fd_table {
    int epoll_fd;
    int len;
    struct fd_entry *entry; /* by descriptor */
};

size_t fd_watch_size(void);

/* The set says that fd has these epoll events. */
void fd_ready(struct worker *w, int fd, uint32_t events);

/* A readiness message is about to be seen: false if it is stale. */
bool fd_watch_taken(struct worker *w, struct tr_msg *m);

/* Whether fd_watch_taken would say true. */
bool fd_watch_is_current(struct worker *w, const struct tr_msg *m);

void fd_release_all(struct worker *w, struct cell *c);
void fd_forget_waiter(struct worker *w, int fd, const struct tr_self *self);

/* The same for a stack that is abandoned: it is in no call on a hook any more, either. */
void fd_abandon_waiter(struct worker *w, int fd, const struct tr_self *self);

/* Makes self the one who waits for these events. always: it is a regular file, and ready. Errors in words on self. */
tr_err fd_wait_begin(struct tr_self *self, int fd, unsigned events, bool *always);

/* tr_fd_wait until a time (INT64_MAX: none). A regular file is ready at once. Errors in words on self, but for phase.
 */
tr_err fd_wait_until(struct tr_self *self, int fd, unsigned events, int64_t deadline, unsigned *revents);

/* ---- hooks ---- */

/* Errors, without words: TR_EBUSY (somebody has or waits for that descriptor), TR_ENOMEM. */
tr_err fd_hook_add(struct worker *w, int fd, struct fd_hook *h);

/* Changes what it wants to be called for. Returns 0 or an errno; EPERM: a regular file, always ready, never called. */
int fd_hook_want(struct worker *w, struct fd_hook *h, unsigned events);

/* Takes the descriptor out of the set; whoever waits for it gets TR_ECLOSED. Does not close it. In the gate. */
void fd_hook_remove(struct worker *w, struct fd_hook *h);

/* Whoever reads it looks again. */
void fd_ready_again(struct worker *w, int fd);

/* The hook with that id on this worker, or NULL. */
struct fd_hook *fd_hook_find(struct worker *w, int64_t id);

/* Sends a message to an actor of this worker; uncounted. It is seen only if the hook's taken still agrees to its
 * number; h NULL: in any case. False: out of memory. */
bool fd_hook_send(struct worker *w, struct cell *c, const struct fd_hook *h, uint32_t number, const tr_value *values,
                  size_t n);

static inline int fd_of_id(int64_t id)
{
    return (int) (id & INT32_MAX);
}

void fd_table_fini(struct fd_table *t);

#endif
