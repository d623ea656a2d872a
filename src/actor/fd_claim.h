/* SPDX-License-Identifier: MIT */
/* fd_claim.h - which worker waits for a descriptor, on a node that has several
 *
 * Each worker has its own epoll set and its own table of who waits; what one does not see of another stands here, under
 * a lock, touched when a wait begins, ends, or the descriptor is closed. A claim is of one direction. Closing takes all
 * claims away and raises the number, since the next open file may have the same descriptor before every worker has
 * heard of the close. With one worker there are no claims. */
#ifndef ACTOR_FD_CLAIM_H
#define ACTOR_FD_CLAIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <troupe/base.h>

struct errand;
struct worker;

struct fd_claim {
    struct worker *reader, *writer;
    bool firm;    /* of a stream, which alone closes it */
    uint64_t seq; /* raised by each close */
};

struct fd_claims {
    pthread_mutex_t lock;
    int len;
    struct fd_claim *of; /* by descriptor */
};

void fd_claims_init(struct fd_claims *claims);
void fd_claims_fini(struct fd_claims *claims);

/* Claims these events (TR_READABLE, TR_WRITABLE) for w, which may have them already; firm: nobody may close it until
 * both have been let go. *seq: the number it is under now.
 * Errors: TR_EBUSY (another worker has one of them), TR_ENOMEM. */
tr_err fd_claim_take(struct worker *w, int fd, unsigned events, bool firm, uint64_t *seq);

/* w does not wait for these any more. What it did not have is left alone. */
void fd_claim_leave(struct worker *w, int fd, unsigned events);

/* fd is about to be closed by w: all other workers that have a claim get an errand with this run, a signal whose to is
 * the descriptor and whose ask_seq the number. Errors: TR_ENOMEM, TR_EBUSY (another worker's firm claim), and nothing
 * has happened. */
tr_err fd_claim_close(struct worker *w, int fd, void (*run)(struct worker *w, struct errand *e));

#endif
