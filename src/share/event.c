/* SPDX-License-Identifier: MIT */
/* event.c - something that has happened or not; to be told of it twice is the same as once, so no grant is needed */
#include <troupe/share.h>

#include "share/hand.h"
#include "share/line.h"

struct event {
    struct line waiting;
    struct list spare;
    bool set;
};

static tr_err event_init(tr_self *self, void *state, void *arg)
{
    struct event *e = state;
    (void) self, (void) arg;
    list_init(&e->spare);
    line_init(&e->waiting, &e->spare);
    return TR_OK;
}

static tr_err on_set(tr_self *self, void *state, const tr_msg *m)
{
    struct event *e = state;
    struct place *waiter;
    (void) m;
    e->set = true;
    while ((waiter = line_first(self, &e->waiting)) != NULL) {
        if (tr_reply(self, waiter->m) != TR_OK)
            hand_error(self, &waiter->m, TR_ENOMEM, "out of memory", "share.wait", NULL);
        line_leave(self, &e->waiting, waiter);
    }
    return TR_OK;
}

static tr_err on_clear(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) m;
    ((struct event *) state)->set = false;
    return TR_OK;
}

static tr_err on_wait(tr_self *self, void *state, const tr_msg *m)
{
    struct event *e = state;
    bool now;
    tr_args(m, &now);
    if (e->set)
        return tr_reply(self, m);
    if (now)
        return tr_fail_with(self, TR_ETIMEDOUT, "it has not happened yet");
    return line_join(self, &e->waiting, m) != NULL ? TR_OK : tr_fail_with(self, TR_ENOMEM, "out of memory");
}

static tr_err on_waiter_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct event *e = state;
    struct place *waiter = line_find(&e->waiting, m);
    if (waiter != NULL)
        line_leave(self, &e->waiting, waiter);
    return TR_OK;
}

static const tr_handler handlers[] = {
    { "share.set", "", NULL, on_set, "it has happened", 0, NULL },
    { "share.clear", "", NULL, on_clear, "it has not", 0, NULL },
    { "share.wait", "now:bool", "", on_wait, "answered when it has happened", 0, on_waiter_gone },
    { 0 },
};
static const tr_behaviour event = {
    .name = "event", .state_size = sizeof(struct event), .handlers = handlers, .init = event_init
};

/* ---- public ---- */

tr_err tr_event_create(tr_self *self, const tr_share_opts *opts, tr_addr *to)
{
    return share_spawn(self, &event, opts, 0, 0, to);
}

tr_err tr_event_set(tr_self *self, tr_addr at)
{
    tr_err err = share_check(self, at, &event, "event");
    return err == TR_OK ? tr_try_send(self, at, "share.set") : err;
}

tr_err tr_event_clear(tr_self *self, tr_addr at)
{
    tr_err err = share_check(self, at, &event, "event");
    return err == TR_OK ? tr_try_send(self, at, "share.clear") : err;
}

tr_err tr_event_wait_for(tr_self *self, tr_addr at, int64_t timeout_ms)
{
    tr_err err = share_check(self, at, &event, "event");
    return err == TR_OK ? hand_ask(self, at, timeout_ms, "event", TR_VALUES("share.wait", tr_bool(timeout_ms == 0)))
                        : err;
}

tr_err tr_event_wait_start(tr_self *self, tr_addr at, tr_pending *pending)
{
    tr_err err = share_check(self, at, &event, "event");
    return err == TR_OK ? hand_start(self, at, "share.wait", pending, __builtin_return_address(0)) : err;
}
