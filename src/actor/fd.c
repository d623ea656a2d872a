/* SPDX-License-Identifier: MIT */
/* fd.c - descriptors: who waits for which, behind one epoll set */
#include "actor/fd.h"

#include <string.h>

#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/error.h"
#include "actor/fd_claim.h"
#include "actor/mailbox.h"
#include "actor/signal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/sys.h"

#define WATCH_TAG_MAX 31

struct fd_watch {
    struct list link; /* cell_ext.watches; its first word is the slab's free link */
    uint64_t seq;     /* raised when it is freed; stale messages look at it from anywhere */
    struct cell *cell;
    int fd;
    unsigned events;
    bool queued; /* its message is in the mailbox */
    bool always; /* a regular file */
    char tag[WATCH_TAG_MAX + 1];
};

size_t fd_watch_size(void)
{
    return sizeof(struct fd_watch);
}

/* ---- the set ---- */

static struct fd_entry *entry_of(struct worker *w, int fd)
{
    return fd >= 0 && fd < w->fds->len ? &w->fds->entry[fd] : NULL;
}

static struct fd_entry *entry_get(struct worker *w, int fd)
{
    struct fd_table *t = w->fds;
    if (fd < t->len)
        return &t->entry[fd];
    int len = t->len < 64 ? 64 : t->len;
    while (len <= fd)
        len *= 2;
    struct fd_entry *bigger = mem_realloc(t->entry, (size_t) len * sizeof *bigger);
    if (bigger == NULL)
        return NULL;
    memset(bigger + t->len, 0, (size_t) (len - t->len) * sizeof *bigger);
    t->entry = bigger;
    t->len = len;
    return &bigger[fd];
}

void fd_table_fini(struct fd_table *t)
{
    mem_free(t->entry);
    t->entry = NULL;
    t->len = 0;
}

static uint32_t wanted(const struct fd_entry *e)
{
    uint32_t events = 0;
    if (e->reader != NULL)
        events |= EPOLLIN;
    if (e->writer != NULL)
        events |= EPOLLOUT;
    if (e->watch != NULL && !e->watch->queued && !e->watch->always)
        events |= (e->watch->events & TR_READABLE ? EPOLLIN : 0u) | (e->watch->events & TR_WRITABLE ? EPOLLOUT : 0u);
    if (e->hook != NULL)
        events |= (e->hook->events & TR_READABLE ? EPOLLIN : 0u) | (e->hook->events & TR_WRITABLE ? EPOLLOUT : 0u);
    return events;
}

/* Registers what is wanted. Returns 0 or an errno; EPERM means a regular file. */
static int arm(struct worker *w, int fd, struct fd_entry *e, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.fd = fd };
    int set = w->fds->epoll_fd;
    if (events == 0) {
        if (e->armed == 0 || sys_epoll_ctl(set, EPOLL_CTL_DEL, fd, &ev) == 0 || errno == EBADF || errno == ENOENT)
            e->armed = 0; /* closed already: just as well; else it fires in vain once more, and is tried again */
        return 0;
    }
    int rc = e->armed != 0 ? sys_epoll_ctl(set, EPOLL_CTL_MOD, fd, &ev) : -1;
    if (rc != 0)
        rc = sys_epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev);
    if (rc != 0 && errno == EEXIST) /* another number for the same open file took its place */
        rc = sys_epoll_ctl(set, EPOLL_CTL_MOD, fd, &ev);
    e->armed = rc == 0 ? events : 0;
    return rc == 0 ? 0 : errno;
}

/* ---- readiness ---- */

static void waiter_wake(struct worker *w, struct tr_self **waiter, tr_err err, unsigned revents)
{
    struct tr_self *s = *waiter;
    *waiter = NULL;
    s->woken_err = err;
    s->revents |= revents;
    s->run.flags |= SELF_WOKEN;
    worker_wake(w, s);
}

static void watch_free(struct worker *w, struct fd_watch *watch);

/* Whoever waits is told that the descriptor is closed. */
static void entry_close(struct worker *w, int fd, struct fd_entry *e)
{
    if (e->reader != NULL)
        waiter_wake(w, &e->reader, TR_ECLOSED, 0);
    if (e->writer != NULL)
        waiter_wake(w, &e->writer, TR_ECLOSED, 0);
    if (e->watch != NULL)
        watch_free(w, e->watch);
    (void) arm(w, fd, e, 0);
}

/* Runs where somebody waits for a descriptor that was closed on another worker. */
static void closed_elsewhere(struct worker *w, struct errand *errand)
{
    struct signal *s = signal_of(errand);
    struct fd_entry *e = entry_of(w, (int) s->to);
    if (e != NULL && e->seq == s->ask_seq) { /* else they wait for what has its number now, and the others were told */
        e->armed = 0; /* who closed it took it out of the set; the number may be another file's by now */
        entry_close(w, (int) s->to, e);
    }
    signal_free(w, s);
}

static tr_err entry_busy(struct tr_self *self, int fd)
{
    return error_set(self, TR_EBUSY, "fd", "another actor already waits for descriptor %d", fd);
}

/* Before these events are waited for here. */
static tr_err entry_claim(struct worker *w, int fd, struct fd_entry *e, unsigned events, bool firm)
{
    uint64_t seq;
    tr_err err = fd_claim_take(w, fd, events, firm, &seq);
    if (err == TR_OK && e->seq != seq) { /* who waits does so for one that was closed, and has not heard of it yet */
        gate_enter(&w->gate);
        e->armed = 0;
        entry_close(w, fd, e); /* lets go of the claim */
        gate_leave(&w->gate);
        err = fd_claim_take(w, fd, events, firm, &seq);
    }
    if (err == TR_OK)
        e->seq = seq;
    return err;
}

static tr_err claim_error(struct tr_self *self, int fd, tr_err err)
{
    return err == TR_EBUSY ? entry_busy(self, fd) : error_set(self, err, "fd", "out of memory");
}

/* What nobody here waits for any more others may. */
static void entry_release(struct worker *w, int fd, const struct fd_entry *e)
{
    unsigned watched = e->watch != NULL ? e->watch->events : 0;
    if (e->hook != NULL) /* a stream's: for as long as it has it */
        return;
    fd_claim_leave(w, fd,
                   (e->reader == NULL && !(watched & TR_READABLE) ? TR_READABLE : 0u) |
                       (e->writer == NULL && !(watched & TR_WRITABLE) ? TR_WRITABLE : 0u));
}

/* Puts the message into the mailbox. False: out of memory; the set will say it again. */
static bool watch_send(struct worker *w, struct fd_watch *watch, unsigned revents)
{
    const char *why;
    struct tr_msg *m;
    const tr_value values[] = { tr_str(watch->tag), tr_int(watch->fd), tr_int((int64_t) revents) };
    if (msg_build(&w->msgs, values, 3, true, &m, &why) != TR_OK)
        return false;
    m->kind = MSG_FD;
    m->flags |= MSG_UNCOUNTED;
    m->source = watch;
    m->source_seq = watch->seq;
    watch->queued = true;
    mailbox_put(w, watch->cell, m);
    return true;
}

void fd_ready(struct worker *w, int fd, uint32_t events)
{
    struct fd_entry *e = entry_of(w, fd);
    if (e == NULL)
        return;
    bool broken = events & (EPOLLERR | EPOLLHUP);
    unsigned revents = (events & (EPOLLIN | EPOLLHUP) ? TR_READABLE : 0u) | (events & EPOLLOUT ? TR_WRITABLE : 0u) |
                       (broken ? TR_FD_ERROR : 0u);
    bool used = false;
    if (e->reader != NULL && (broken || (revents & TR_READABLE))) {
        waiter_wake(w, &e->reader, TR_OK, revents & ~(unsigned) TR_WRITABLE);
        used = true;
    }
    if (e->writer != NULL && (broken || (revents & TR_WRITABLE))) {
        waiter_wake(w, &e->writer, TR_OK, revents & ~(unsigned) TR_READABLE);
        used = true;
    }
    if (e->watch != NULL && !e->watch->queued && e->watch->events != 0 && (broken || (revents & e->watch->events)))
        used = watch_send(w, e->watch, revents & (e->watch->events | TR_FD_ERROR)) || used;
    if (e->hook != NULL && e->hook->events != 0 && (broken || (revents & e->hook->events)))
        e->hook->ready(w, e->hook, revents); /* last: it may open others, and the table move */
    else if (!used)
        (void) arm(w, fd, e, wanted(e));
}

static bool hook_message(struct worker *w, const struct tr_msg *m, bool take)
{
    struct fd_hook *h = fd_hook_find(w, (int64_t) m->source_seq);
    return h != NULL && h->taken(w, h, m->missed, take);
}

bool fd_watch_taken(struct worker *w, struct tr_msg *m)
{
    struct fd_watch *watch = m->source;
    if (watch == NULL)
        return hook_message(w, m, true);
    if (__atomic_load_n(&watch->seq, __ATOMIC_RELAXED) != m->source_seq)
        return false;
    watch->queued = false;
    if (watch->events == 0)
        return false;
    if (watch->always) {
        (void) watch_send(w, watch, watch->events);
        return true;
    }
    struct fd_entry *e = entry_of(w, watch->fd);
    if ((wanted(e) & ~e->armed) != 0) /* it fired while the message was queued, and was taken out of the set */
        (void) arm(w, watch->fd, e, wanted(e));
    return true;
}

bool fd_watch_is_current(struct worker *w, const struct tr_msg *m)
{
    const struct fd_watch *watch = m->source;
    if (watch == NULL)
        return hook_message(w, m, false);
    return __atomic_load_n(&watch->seq, __ATOMIC_RELAXED) == m->source_seq && watch->events != 0;
}

/* ---- waiting ---- */

static tr_err fd_error(struct tr_self *self, int fd, int number, const char *phase)
{
    tr_err err = number == EBADF || number == EINVAL    ? TR_EINVAL
                 : number == ENOMEM || number == ENOSPC ? TR_ENOMEM
                                                        : TR_EIO;
    return error_set(self, err, phase, "descriptor %d: %s", fd, strerror(number));
}

tr_err fd_wait_begin(struct tr_self *self, int fd, unsigned events, bool *always)
{
    struct worker *w = self->worker;
    *always = false;
    if (fd < 0 || (events & (TR_READABLE | TR_WRITABLE)) == 0)
        return error_set(self, TR_EINVAL, "fd", "descriptor %d, events %#x: want TR_READABLE or TR_WRITABLE", fd,
                         events);
    struct fd_entry *e = entry_get(w, fd);
    if (e == NULL)
        return error_set(self, TR_ENOMEM, "fd", "out of memory");
    tr_err err = entry_claim(w, fd, e, events, false);
    if (err != TR_OK)
        return claim_error(self, fd, err);
    if (((events & TR_READABLE) && e->reader != NULL) || ((events & TR_WRITABLE) && e->writer != NULL) ||
        (e->watch != NULL && (e->watch->events & events))) {
        entry_release(w, fd, e);
        return entry_busy(self, fd);
    }
    if (events & TR_READABLE)
        e->reader = self;
    if (events & TR_WRITABLE)
        e->writer = self;
    self->revents = 0;
    int number = arm(w, fd, e, wanted(e));
    if (number == 0) {
        w->fd_waits++;
        return TR_OK;
    }
    if (events & TR_READABLE)
        e->reader = NULL;
    if (events & TR_WRITABLE)
        e->writer = NULL;
    entry_release(w, fd, e);
    *always = number == EPERM;
    return *always ? TR_OK : fd_error(self, fd, number, "fd");
}

void fd_forget_waiter(struct worker *w, int fd, const struct tr_self *self)
{
    struct fd_entry *e = entry_of(w, fd);
    w->fd_waits--;
    if (e != NULL && e->reader == self)
        e->reader = NULL;
    if (e != NULL && e->writer == self)
        e->writer = NULL;
    if (e != NULL)
        entry_release(w, fd, e);
}

void fd_abandon_waiter(struct worker *w, int fd, const struct tr_self *self)
{
    struct fd_entry *e = entry_of(w, fd);
    fd_forget_waiter(w, fd, self);
    if (e != NULL && e->hook != NULL && e->hook->reader == self)
        e->hook->reader = NULL;
    if (e != NULL && e->hook != NULL && e->hook->writer == self)
        e->hook->writer = NULL;
}

/* After fd_wait_begin, which registered. */
static tr_err wait_begun(struct tr_self *self, int fd, int64_t deadline, unsigned *revents)
{
    self->wait = (struct wait){ .kind = WAIT_FD, .deadline = deadline, .fd = fd };
    tr_err err = self_wait_woken(self, deadline);
    fd_forget_waiter(self->worker, fd, self);
    *revents = self->revents;
    return err;
}

tr_err fd_wait_until(struct tr_self *self, int fd, unsigned events, int64_t deadline, unsigned *revents)
{
    bool always;
    tr_err err = fd_wait_begin(self, fd, events, &always);
    *revents = events;
    return err != TR_OK || always ? err : wait_begun(self, fd, deadline, revents);
}

tr_err tr_fd_wait(tr_self *self, int fd, unsigned events, int64_t timeout_ms, unsigned *revents)
{
    bool always;
    tr_err err = self_enter(self, "fd");
    if (err == TR_OK)
        err = fd_wait_begin(self, fd, events, &always);
    if (err != TR_OK)
        return err;
    unsigned got = events;
    if (always)
        err = tr_yield(self);
    else
        err = wait_begun(self, fd, timeout_ms < 0 ? INT64_MAX : clock_after_ms(tr_now(self), timeout_ms), &got);
    if (err == TR_OK && revents != NULL)
        *revents = got;
    if (err == TR_ETIMEDOUT)
        error_set(self, err, "fd", "descriptor %d was not ready before the timeout", fd);
    else if (err == TR_ECANCELED)
        error_set(self, err, "fd", "cancelled: %s", self_cancel_reason(self));
    else if (err == TR_ECLOSED)
        error_set(self, err, "fd", "descriptor %d was closed", fd);
    return err;
}

/* ---- watching ---- */

static void watch_free(struct worker *w, struct fd_watch *watch)
{
    struct fd_entry *e = entry_of(w, watch->fd);
    if (watch->events != 0)
        w->fd_waits--;
    list_remove(&watch->link);
    __atomic_store_n(&watch->seq, watch->seq + 1, __ATOMIC_RELAXED);
    watch->events = 0;
    slab_free(&w->watches, watch);
    e->watch = NULL;
    entry_release(w, watch->fd, e);
    (void) arm(w, watch->fd, e, wanted(e));
}

static struct fd_watch *watch_new(struct worker *w, struct cell *c, int fd, struct fd_entry *e)
{
    struct cell_ext *ext = cell_ext_get(w, c);
    struct fd_watch *watch = ext != NULL ? slab_alloc(&w->watches) : NULL;
    if (watch == NULL)
        return NULL;
    memset((char *) watch + offsetof(struct fd_watch, cell), 0, sizeof *watch - offsetof(struct fd_watch, cell));
    if (watch->seq == 0)
        __atomic_store_n(&watch->seq, 1, __ATOMIC_RELAXED);
    watch->link = (struct list){ NULL, NULL };
    watch->cell = c;
    watch->fd = fd;
    list_push(&ext->watches, &watch->link);
    e->watch = watch;
    return watch;
}

static tr_err watch_set(struct tr_self *self, struct fd_watch *watch, unsigned events, const char *tag)
{
    struct worker *w = self->worker;
    struct fd_entry *e = entry_of(w, watch->fd);
    memcpy(watch->tag, tag, strlen(tag) + 1);
    w->fd_waits += (size_t) (events != 0) - (size_t) (watch->events != 0);
    watch->events = events;
    entry_release(w, watch->fd, e); /* what it had, and does not want any more */
    int number = watch->always ? EPERM : arm(w, watch->fd, e, wanted(e));
    if (number == 0)
        return TR_OK;
    watch->always = number == EPERM;
    if (watch->always && (watch->queued || events == 0 || watch_send(w, watch, events)))
        return TR_OK;
    watch_free(w, watch);
    return number == EPERM ? error_set(self, TR_ENOMEM, "fd", "out of memory")
                           : fd_error(self, watch->fd, number, "fd");
}

tr_err tr_fd_watch(tr_self *self, int fd, unsigned events, const char *tag)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    size_t len = tag != NULL ? strlen(tag) : 0;
    if (fd < 0 || (events & ~(unsigned) (TR_READABLE | TR_WRITABLE)) != 0 || len == 0 || len > WATCH_TAG_MAX)
        return error_set(self, TR_EINVAL, "fd", "descriptor %d, events %#x, a tag of %zu bytes (1 to %d)", fd, events,
                         len, WATCH_TAG_MAX);
    struct worker *w = self->worker;
    struct fd_entry *e = entry_get(w, fd);
    if (e == NULL)
        return error_set(self, TR_ENOMEM, "fd", "out of memory");
    tr_err err = entry_claim(w, fd, e, events, false);
    if (err != TR_OK)
        return claim_error(self, fd, err);
    if ((e->watch != NULL && e->watch->cell != self->cell) || ((events & TR_READABLE) && e->reader != NULL) ||
        ((events & TR_WRITABLE) && e->writer != NULL)) {
        entry_release(w, fd, e);
        return entry_busy(self, fd);
    }
    struct fd_watch *watch = e->watch != NULL ? e->watch : watch_new(w, self->cell, fd, e);
    if (watch == NULL) {
        entry_release(w, fd, e);
        return error_set(self, TR_ENOMEM, "fd", "out of memory");
    }
    gate_enter(&w->gate); /* a regular file is ready at once: its message makes the actor so */
    err = watch_set(self, watch, events, tag);
    gate_leave(&w->gate);
    return err;
}

void tr_fd_unwatch(tr_self *self, int fd)
{
    struct fd_entry *e = self_is_current(self) ? entry_of(self->worker, fd) : NULL;
    if (e != NULL && e->watch != NULL && e->watch->cell == self->cell)
        watch_free(self->worker, e->watch);
}

void fd_release_all(struct worker *w, struct cell *c)
{
    while (!list_is_empty(&c->ext->watches))
        watch_free(w, list_entry(c->ext->watches.next, struct fd_watch, link));
}

tr_err tr_fd_close(tr_self *self, int fd)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct worker *w = self->worker;
    gate_enter(&w->gate);
    struct fd_entry *e = entry_of(w, fd);
    tr_err err = e != NULL && e->hook != NULL ? TR_EBUSY : fd_claim_close(w, fd, closed_elsewhere);
    if (err == TR_OK && e != NULL)
        entry_close(w, fd, e);
    gate_leave(&w->gate);
    if (err == TR_EBUSY)
        return error_set(self, err, "fd", "descriptor %d belongs to a stream: close that", fd);
    if (err != TR_OK)
        return error_set(self, err, "fd", "out of memory; descriptor %d is still open", fd);
    return close(fd) == 0 ? TR_OK : error_set(self, TR_EIO, "fd", "closing descriptor %d: %s", fd, strerror(errno));
}

/* ---- hooks ---- */

tr_err fd_hook_add(struct worker *w, int fd, struct fd_hook *h)
{
    struct fd_entry *e = entry_get(w, fd);
    if (e == NULL)
        return TR_ENOMEM;
    tr_err err = entry_claim(w, fd, e, TR_READABLE | TR_WRITABLE, true);
    if (err != TR_OK)
        return err;
    if (e->hook != NULL || e->reader != NULL || e->writer != NULL || e->watch != NULL) {
        entry_release(w, fd, e);
        return TR_EBUSY;
    }
    e->hook = h;
    h->events = 0;
    h->reader = h->writer = NULL;
    return TR_OK;
}

int fd_hook_want(struct worker *w, struct fd_hook *h, unsigned events)
{
    int fd = fd_of_id(h->id);
    struct fd_entry *e = entry_of(w, fd);
    w->fd_waits += (size_t) (events != 0) - (size_t) (h->events != 0);
    h->events = events;
    int number = (wanted(e) & ~e->armed) != 0 ? arm(w, fd, e, wanted(e)) : 0;
    if (number == EPERM && events != 0) { /* nobody is going to call it */
        w->fd_waits--;
        h->events = 0;
    }
    return number;
}

void fd_hook_remove(struct worker *w, struct fd_hook *h)
{
    int fd = fd_of_id(h->id);
    struct fd_entry *e = entry_of(w, fd);
    if (h->events != 0)
        w->fd_waits--;
    h->events = 0;
    e->hook = NULL;
    entry_close(w, fd, e);
    entry_release(w, fd, e);
}

void fd_ready_again(struct worker *w, int fd)
{
    gate_enter(&w->gate);
    fd_ready(w, fd, EPOLLIN);
    gate_leave(&w->gate);
}

struct fd_hook *fd_hook_find(struct worker *w, int64_t id)
{
    const struct fd_entry *e = id > 0 ? entry_of(w, fd_of_id(id)) : NULL;
    return e != NULL && e->hook != NULL && e->hook->id == id ? e->hook : NULL;
}

bool fd_hook_send(struct worker *w, struct cell *c, const struct fd_hook *h, uint32_t number, const tr_value *values,
                  size_t n)
{
    const char *why;
    struct tr_msg *m;
    if (msg_build(&w->msgs, values, n, true, &m, &why) != TR_OK)
        return false;
    m->flags |= MSG_UNCOUNTED;
    if (h != NULL) {
        m->kind = MSG_FD;
        m->source = NULL;
        m->source_seq = (uint64_t) h->id;
        m->missed = number;
    }
    gate_enter(&w->gate);
    mailbox_put(w, c, m);
    gate_leave(&w->gate);
    return true;
}
