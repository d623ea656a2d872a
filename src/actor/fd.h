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

struct fd_entry {
    struct tr_self *reader, *writer; /* suspended until then */
    struct fd_watch *watch;
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
bool fd_watch_is_current(const struct tr_msg *m);

void fd_release_all(struct worker *w, struct cell *c);
void fd_forget_waiter(struct worker *w, int fd, const struct tr_self *self);

/* Makes self the one who waits for these events. always: it is a regular file, and ready. Errors in words on self. */
tr_err fd_wait_begin(struct tr_self *self, int fd, unsigned events, bool *always);

void fd_table_fini(struct fd_table *t);

#endif
