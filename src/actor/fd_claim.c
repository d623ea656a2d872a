/* SPDX-License-Identifier: MIT */
/* fd_claim.c - which worker waits for a descriptor, on a node that has several */
#include "actor/fd_claim.h"

#include <string.h>
#include <sys/epoll.h>

#include <troupe/io.h>

#include "actor/fd.h"
#include "actor/signal.h"
#include "base/alloc.h"
#include "base/sys.h"

void fd_claims_init(struct fd_claims *claims)
{
    pthread_mutex_init(&claims->lock, NULL);
}

void fd_claims_fini(struct fd_claims *claims)
{
    mem_free(claims->of);
    claims->of = NULL;
    claims->len = 0;
    pthread_mutex_destroy(&claims->lock);
}

/* NULL: out of memory. */
static struct fd_claim *claim_get(struct fd_claims *claims, int fd)
{
    if (fd < claims->len)
        return &claims->of[fd];
    int len = claims->len < 64 ? 64 : claims->len;
    while (len <= fd)
        len *= 2;
    struct fd_claim *bigger = mem_realloc(claims->of, (size_t) len * sizeof *bigger);
    if (bigger == NULL)
        return NULL;
    memset(bigger + claims->len, 0, (size_t) (len - claims->len) * sizeof *bigger);
    claims->of = bigger;
    claims->len = len;
    return &bigger[fd];
}

static bool is_free_for(const struct worker *w, const struct worker *holder)
{
    return holder == NULL || holder == w;
}

static tr_err take_locked(struct worker *w, int fd, unsigned events, bool firm, uint64_t *seq)
{
    struct fd_claim *claim = claim_get(&w->world->fd_claims, fd);
    if (claim == NULL)
        return TR_ENOMEM;
    if (((events & TR_READABLE) && !is_free_for(w, claim->reader)) ||
        ((events & TR_WRITABLE) && !is_free_for(w, claim->writer)))
        return TR_EBUSY;
    if (events & TR_READABLE)
        claim->reader = w;
    if (events & TR_WRITABLE)
        claim->writer = w;
    claim->firm = claim->firm || firm;
    *seq = claim->seq;
    return TR_OK;
}

tr_err fd_claim_take(struct worker *w, int fd, unsigned events, bool firm, uint64_t *seq)
{
    *seq = 0;
    if (w->world->workers == 1)
        return TR_OK;
    pthread_mutex_lock(&w->world->fd_claims.lock);
    tr_err err = take_locked(w, fd, events, firm, seq);
    pthread_mutex_unlock(&w->world->fd_claims.lock);
    return err;
}

void fd_claim_leave(struct worker *w, int fd, unsigned events)
{
    struct fd_claims *claims = &w->world->fd_claims;
    if (w->world->workers == 1 || events == 0)
        return;
    pthread_mutex_lock(&claims->lock);
    struct fd_claim *claim = fd < claims->len ? &claims->of[fd] : NULL;
    if (claim != NULL && (events & TR_READABLE) && claim->reader == w)
        claim->reader = NULL;
    if (claim != NULL && (events & TR_WRITABLE) && claim->writer == w)
        claim->writer = NULL;
    if (claim != NULL && claim->reader == NULL && claim->writer == NULL)
        claim->firm = false;
    pthread_mutex_unlock(&claims->lock);
}

static tr_err close_locked(struct worker *w, int fd, void (*run)(struct worker *w, struct errand *e),
                           struct fd_claim *claim)
{
    struct worker *others[] = { claim->reader, claim->writer != claim->reader ? claim->writer : NULL };
    struct signal *signals[] = { NULL, NULL };
    if (claim->firm && !is_free_for(w, claim->reader))
        return TR_EBUSY;
    for (int i = 0; i < 2; i++) {
        if (is_free_for(w, others[i]))
            continue;
        signals[i] = signal_new(w, run, (uint64_t) fd, NULL);
        if (signals[i] == NULL) {
            if (signals[0] != NULL)
                signal_free(w, signals[0]);
            return TR_ENOMEM;
        }
        signals[i]->ask_seq = claim->seq;
    }
    for (int i = 0; i < 2; i++)
        if (signals[i] != NULL) {
            (void) sys_epoll_ctl(others[i]->fds->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
            errand_post(others[i], &signals[i]->errand);
        }
    claim->reader = claim->writer = NULL;
    claim->firm = false;
    claim->seq++;
    return TR_OK;
}

tr_err fd_claim_close(struct worker *w, int fd, void (*run)(struct worker *w, struct errand *e))
{
    struct fd_claims *claims = &w->world->fd_claims;
    if (w->world->workers == 1 || fd < 0)
        return TR_OK;
    pthread_mutex_lock(&claims->lock);
    tr_err err = fd < claims->len ? close_locked(w, fd, run, &claims->of[fd]) : TR_OK;
    pthread_mutex_unlock(&claims->lock);
    return err;
}
