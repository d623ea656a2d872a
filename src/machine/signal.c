/* SPDX-License-Identifier: MIT */
/* signal.c - signals as messages
 *
 * A watch is an actor: it waits for its eventfd and tells its owner. So everything that holds for actors holds for it -
 * it ends with its owner, shows in listings, is on one worker - and the signal handler knows nothing of actors. What it
 * holds lies in a blob of its start arguments, which is released with them, even if it is killed before it ran. */
#include <troupe/signal.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <troupe/io.h>
#include <troupe/time.h>

#include "actor/error.h"
#include "base/alloc.h"
#include "base/sys.h"
#include "machine/signal_hub.h"

#define TAG_MAX 31
#define FULL_PAUSE_MS 10 /* before a full mailbox is tried again */
#define UNWATCH_MS 5000

struct signal_watch {
    int number, fd, slot;
    tr_addr owner;
    char tag[TAG_MAX + 1];
};

static void watch_close(struct signal_watch *watch)
{
    if (watch->slot >= 0)
        signal_hub_remove(watch->slot);
    if (watch->fd >= 0)
        close(watch->fd);
    watch->slot = watch->fd = -1;
}

static void watch_release(void *data)
{
    watch_close(data);
    mem_free(data);
}

static tr_err watch_loop(tr_self *self, const struct signal_watch *watch)
{
    uint64_t untold = 0, more;
    tr_err err = TR_OK;
    while (err == TR_OK) {
        if (read(watch->fd, &more, sizeof more) == (ssize_t) sizeof more) {
            untold += more;
        } else if (untold == 0) {
            err = tr_fd_wait(self, watch->fd, TR_READABLE, TR_FOREVER, NULL);
            continue;
        }
        err = tr_try_send(self, watch->owner, watch->tag, watch->number, tr_signal_name(watch->number), untold);
        if (err == TR_OK)
            untold = 0;
        else if (err == TR_EFULL || err == TR_ENOMEM)
            err = tr_sleep(self, FULL_PAUSE_MS);
    }
    return err == TR_ENOPROC ? TR_OK : err; /* its owner has ended, and it is about to be told */
}

static tr_err watch_body(tr_self *self, void *arg)
{
    tr_bytes held;
    (void) arg;
    tr_check(self, tr_args(tr_start_args(self), &held) == TR_OK);
    struct signal_watch *watch = (struct signal_watch *) (uintptr_t) held.data;
    tr_err err = watch_loop(self, watch);
    watch_close(watch); /* before anyone is told that it has ended */
    return err;
}

/* Signals that say that the program itself has gone wrong go to whoever stands at the wrong place, and not away. */
static bool is_fault(int number)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (number == faults[i])
            return true;
    return false;
}

static tr_err watch_new(struct tr_self *self, int number, const char *tag, struct signal_watch **watch)
{
    struct signal_watch *w = mem_zalloc(sizeof *w);
    if (w == NULL)
        return error_set(self, TR_ENOMEM, "signal", "out of memory");
    w->number = number;
    w->owner = tr_self_addr(self);
    w->slot = -1;
    memcpy(w->tag, tag, strlen(tag) + 1);
    w->fd = sys_eventfd();
    tr_err err = w->fd >= 0 ? signal_hub_add(number, w->fd, &w->slot) : TR_EIO;
    if (err == TR_OK) {
        *watch = w;
        return TR_OK;
    }
    if (err == TR_EIO)
        error_set(self, err, "signal", "no descriptor for %s: %s", tr_signal_name(number), strerror(errno));
    else if (err == TR_EFULL)
        error_set(self, err, "signal", "%d watches in this process already", SIGNAL_WATCHES_MAX);
    else
        error_set(self, err, "signal", "%s cannot be caught", tr_signal_name(number));
    watch_release(w);
    return err;
}

/* Owns: watch moves. */
static tr_err watch_spawn(struct tr_self *self, struct signal_watch *watch, tr_addr *to)
{
    tr_msg *args;
    tr_err err = tr_msg_new(&args, "watch", tr_blob(watch, sizeof *watch, watch_release));
    if (err != TR_OK) {
        watch_release(watch);
        return error_set(self, err, "signal", "out of memory");
    }
    const tr_spawn_opts opts = { .size = sizeof opts, .body = watch_body, .args = args };
    err = tr_spawn_with(self, &opts, to);
    tr_msg_free(&args); /* the actor holds it */
    return err;
}

tr_err tr_signal_watch(tr_self *self, int number, const char *tag, tr_addr *watch)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    size_t len = tag != NULL ? strlen(tag) : 0;
    if (len == 0 || len > TAG_MAX)
        return error_set(self, TR_EINVAL, "signal", "a tag of %zu bytes (1 to %d)", len, TAG_MAX);
    if (is_fault(number))
        return error_set(self, TR_EINVAL, "signal", "%s reports a fault, which cannot wait for a message",
                         tr_signal_name(number));
    struct signal_watch *w = NULL;
    tr_err err = watch_new(self, number, tag, &w);
    return err == TR_OK ? watch_spawn(self, w, watch) : err;
}

tr_err tr_signal_unwatch(tr_self *self, tr_addr watch)
{
    return tr_cancel_wait(self, watch, "its watch is over", UNWATCH_MS);
}
