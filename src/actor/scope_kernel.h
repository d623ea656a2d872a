/* SPDX-License-Identifier: MIT */
/* scope_kernel.h - a scope as it lies in memory */
#ifndef ACTOR_SCOPE_KERNEL_H
#define ACTOR_SCOPE_KERNEL_H

#include <troupe/scope.h>

#include "actor/error.h"
#include "actor/owner.h"

#define SCOPE_REASON_MAX 96

/* The public tr_scope. Belongs to one self; nests strictly. */
struct scope {
    struct owner owner;
    struct scope *outer;
    struct tr_self *self;
    const char *name;
    int64_t deadline; /* INT64_MAX: none */
    int64_t grace_ms;
    struct timer timer; /* of the deadline */
    struct timer grace; /* after a cancel: then the children are killed */
    struct timer stop;  /* after a request to stop: then it is cancelled */
    bool *moved_on;     /* where to say that its deadline cut it short, which is then no failure */
    bool shield, keep_going, until_stop;
    bool stopping; /* it was asked to stop */
    bool stopped;  /* until_stop: cancelled by that */
    bool runs;     /* a function in it, which ends it by returning: tr_scope_end may not */
    bool canceled;
    bool timed_out; /* canceled by its own deadline */
    bool cut_short; /* there were children then, or when an outer one was cancelled */
    bool child_failed;
    tr_err first_err; /* of a child */
    size_t errors_len, errors_total;
    struct tr_msg *errors[ERROR_LIST_MAX];
    char reason[SCOPE_REASON_MAX];
    char stop_reason[SCOPE_REASON_MAX]; /* stopping */
};

/* Idempotent: marks it, wakes its body, cancels the children of it and of all scopes inside, up to shields. */
void scope_cancel(struct worker *w, struct scope *s, const char *reason);

/* A scope's deadline is here. */
void scope_time_out(struct worker *w, struct scope *s);

/* fn in a scope with these options, which may have a timeout_ms of 0: at once. */
tr_err scope_run_under(struct tr_self *self, const tr_scope_opts *opts, tr_body_fn *fn, void *arg);

/* A child ended that way; out may be NULL. */
void scope_child_ended(struct worker *w, struct scope *s, struct cell *c, struct outcome *out);

/* A call returned and left its innermost scope open: that is cancelled, waited for, and reported. */
void scope_close_left(struct tr_self *self);

/* Takes a scope apart whose stack was abandoned, or left without tr_scope_end: its children go to owner, unless that is
 * NULL. */
void scope_dissolve(struct worker *w, struct scope *s, struct owner *owner);

#endif
