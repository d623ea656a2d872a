/* SPDX-License-Identifier: MIT */
/* test_suspend.c - every call that suspends, against every way to be cut short (docs/semantics.md, S5.1 to S5.3, S54)
 *
 * A new call that suspends is a row here; a new way to be cut short is a column. */
#include <errno.h>

#include "support/actor_test.h"

#define HOUR 3600000
#define CUT_AT 10 /* ms */

struct scene {
    tr_addr deaf, full, shielded; /* never answers; has no room; will not go */
    tr_addr channel, full_channel, work, full_work, lock, semaphore, event, rate, source, holder;
    int fds[2];
    const struct point *point;
    tr_scope *scope;
    tr_addr victim;
    tr_err first, again, outer, joined;
    long at;
    bool over;
};

/* ---- rows: one suspending call each, which would last an hour ---- */

struct point {
    const char *name;
    tr_err (*wait)(tr_self *self, struct scene *s);
    bool at_once; /* comes back at once, but for a cancel */
};

static tr_err wait_sleep(tr_self *self, struct scene *s)
{
    (void) s;
    return tr_sleep(self, HOUR);
}

static tr_err wait_sleep_until(tr_self *self, struct scene *s)
{
    (void) s;
    return tr_sleep_until(self, tr_now(self) + INT64_C(1000000) * HOUR);
}

static tr_err wait_yield(tr_self *self, struct scene *s)
{
    (void) s;
    return tr_yield(self);
}

static tr_err wait_recv(tr_self *self, struct scene *s)
{
    const tr_msg *m;
    (void) s;
    return tr_recv(self, &m);
}

static tr_err wait_recv_for(tr_self *self, struct scene *s)
{
    const tr_msg *m;
    (void) s;
    return tr_recv_for(self, HOUR, &m);
}

static tr_err wait_expect(tr_self *self, struct scene *s)
{
    (void) s;
    return tr_expect_among(self, HOUR, NULL, "what");
}

static tr_err wait_ask(tr_self *self, struct scene *s)
{
    return tr_ask_for(self, s->deaf, HOUR, NULL, "what");
}

static tr_err wait_ask_full(tr_self *self, struct scene *s)
{
    return tr_ask_for(self, s->full, HOUR, NULL, "what");
}

static tr_err wait_send_full(tr_self *self, struct scene *s)
{
    return tr_send(self, s->full, "what");
}

static tr_err wait_await(tr_self *self, struct scene *s)
{
    tr_pending pending;
    tr_err err = tr_ask_start_for(self, s->deaf, HOUR, &pending, "what");
    return err == TR_OK ? tr_await(self, pending, NULL) : err;
}

static tr_err wait_gather(tr_self *self, struct scene *s)
{
    tr_pending pending[2];
    tr_outcome outcomes[2];
    tr_err err = tr_ask_start_for(self, s->deaf, HOUR, &pending[0], "what");
    if (err == TR_OK)
        err = tr_ask_start_for(self, s->deaf, HOUR, &pending[1], "what");
    return err == TR_OK ? tr_gather(self, pending, 2, TR_COLLECT, outcomes) : err;
}

static tr_err wait_next(tr_self *self, struct scene *s)
{
    size_t index;
    tr_pending pending;
    tr_err err = tr_ask_start_for(self, s->deaf, HOUR, &pending, "what");
    return err == TR_OK ? tr_next(self, &pending, 1, &index, NULL) : err;
}

static tr_err wait_one(tr_self *self, tr_wait_item item)
{
    return tr_wait(self, &item, 1, TR_WAIT_FIRST, HOUR, NULL);
}

static tr_err wait_item_reply(tr_self *self, struct scene *s)
{
    tr_pending pending;
    tr_err err = tr_ask_start_for(self, s->deaf, HOUR, &pending, "what");
    return err == TR_OK ? wait_one(self, (tr_wait_item){ .kind = TR_WAIT_REPLY, .pending = pending }) : err;
}

static tr_err wait_item_mailbox(tr_self *self, struct scene *s)
{
    (void) s;
    return wait_one(self, (tr_wait_item){ .kind = TR_WAIT_MAILBOX });
}

static tr_err wait_item_time(tr_self *self, struct scene *s)
{
    (void) s;
    return wait_one(self, (tr_wait_item){ .kind = TR_WAIT_TIME, .deadline = TR_NEVER });
}

static tr_err wait_item_fd(tr_self *self, struct scene *s)
{
    return wait_one(self, (tr_wait_item){ .kind = TR_WAIT_FD, .fd = s->fds[0], .events = TR_READABLE });
}

static tr_err wait_item_end(tr_self *self, struct scene *s)
{
    return wait_one(self, (tr_wait_item){ .kind = TR_WAIT_END, .actor = s->deaf });
}

static tr_err wait_fd(tr_self *self, struct scene *s)
{
    return tr_fd_wait(self, s->fds[0], TR_READABLE, HOUR, NULL);
}

static tr_err wait_join(tr_self *self, struct scene *s)
{
    return tr_join(self, s->deaf, NULL);
}

static tr_err wait_cancel(tr_self *self, struct scene *s)
{
    return tr_cancel_wait(self, s->shielded, "go", HOUR);
}

static tr_err wait_stop(tr_self *self, struct scene *s)
{
    return tr_stop_wait(self, s->deaf, "go", HOUR);
}

static tr_err only_a_child(tr_self *self, tr_scope *scope, void *arg)
{
    (void) arg;
    return tr_spawn_in(self, scope, deaf, NULL, NULL);
}

static tr_err wait_scope(tr_self *self, struct scene *s)
{
    (void) s;
    return tr_scope_run(self, NULL, only_a_child, NULL);
}

static tr_err wait_scope_pair(tr_self *self, struct scene *s)
{
    tr_scope *scope;
    (void) s;
    tr_err err = tr_scope_begin(self, NULL, &scope);
    if (err != TR_OK)
        return err;
    err = tr_spawn_in(self, scope, deaf, NULL, NULL);
    return tr_scope_end(self, &scope, err);
}

static tr_err wait_start(tr_self *self, struct scene *s)
{
    (void) s;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = deaf };
    return tr_start_with(self, &opts, HOUR, NULL, NULL);
}

static tr_err wait_race(tr_self *self, struct scene *s)
{
    (void) s;
    tr_racer racers[] = { { .body = deaf }, { .body = deaf } };
    return tr_race(self, NULL, racers, 2, NULL, NULL);
}

/* ---- what is shared, and flows: crossed by message, and no less cut short ---- */

static tr_err wait_channel_recv(tr_self *self, struct scene *s)
{
    const tr_msg *m;
    return tr_channel_recv(self, s->channel, &m);
}

static tr_err wait_channel_send(tr_self *self, struct scene *s)
{
    return tr_channel_send(self, s->full_channel, "what");
}

static tr_err wait_work_put(tr_self *self, struct scene *s)
{
    return tr_work_put(self, s->full_work, "what");
}

static tr_err wait_work_take(tr_self *self, struct scene *s)
{
    tr_hold hold;
    const tr_msg *item;
    return tr_work_take(self, s->work, &hold, &item);
}

static tr_err wait_work_join(tr_self *self, struct scene *s)
{
    return tr_work_join(self, s->full_work);
}

static tr_err wait_lock(tr_self *self, struct scene *s)
{
    tr_hold hold;
    return tr_lock_take(self, s->lock, &hold, NULL);
}

static tr_err wait_semaphore(tr_self *self, struct scene *s)
{
    tr_hold hold;
    return tr_semaphore_take(self, s->semaphore, 1, &hold);
}

static tr_err wait_event(tr_self *self, struct scene *s)
{
    return tr_event_wait(self, s->event);
}

static tr_err wait_rate(tr_self *self, struct scene *s)
{
    return tr_rate_take(self, s->rate, 1);
}

static tr_err wait_flow_next(tr_self *self, struct scene *s)
{
    tr_flow flow = { 0 };
    const tr_msg *part;
    tr_err err = tr_flow_open(self, s->source, NULL, &flow, "nothing");
    if (err == TR_OK)
        err = tr_flow_next(self, &flow, &part);
    tr_flow_close(self, &flow);
    return err;
}

static tr_err wait_flow_write(tr_self *self, struct scene *s)
{
    tr_flow flow = { 0 };
    const tr_flow_opts opts = { .size = sizeof opts, .parts_max = 1 };
    tr_err err = tr_flow_open(self, s->source, &opts, &flow, "nothing");
    while (err == TR_OK)
        err = tr_flow_write(self, &flow, "part");
    tr_flow_close(self, &flow);
    return err;
}

/* ---- streams, sockets and input ---- */

static tr_err wait_stream_read(tr_self *self, struct scene *s)
{
    char buf[4];
    size_t len;
    tr_stream ends[2];
    (void) s;
    tr_err err = tr_stream_pair(self, ends);
    return err == TR_OK ? tr_stream_read(self, ends[0], buf, sizeof buf, HOUR, &len) : err;
}

static tr_err wait_stream_read_exactly(tr_self *self, struct scene *s)
{
    char buf[4];
    tr_stream ends[2];
    (void) s;
    tr_err err = tr_stream_pair(self, ends);
    if (err == TR_OK)
        err = tr_stream_queue(self, ends[1], "abc", 3);
    return err == TR_OK ? tr_stream_read_exactly(self, ends[0], buf, sizeof buf, HOUR) : err;
}

static tr_err wait_stream_read_line(tr_self *self, struct scene *s)
{
    char buf[80];
    tr_stream reader, writer;
    (void) s;
    tr_err err = tr_stream_pipe(self, &reader, &writer);
    return err == TR_OK ? tr_stream_read_line(self, reader, buf, sizeof buf, HOUR, NULL) : err;
}

static tr_err wait_stream_write(tr_self *self, struct scene *s)
{
    static const char data[4096];
    tr_stream ends[2];
    (void) s;
    tr_err err = tr_stream_pair(self, ends);
    while (err == TR_OK)
        err = tr_stream_write(self, ends[0], data, sizeof data, HOUR);
    return err;
}

static tr_err wait_stream_finish(tr_self *self, struct scene *s)
{
    static const char data[4096];
    tr_stream ends[2];
    (void) s;
    tr_err err = tr_stream_pair(self, ends);
    while (err == TR_OK)
        err = tr_stream_queue(self, ends[0], data, sizeof data);
    return err == TR_EFULL ? tr_stream_finish(self, ends[0], HOUR) : err;
}

static tr_err listen_here(tr_self *self, tr_listener *listener)
{
    return tr_tcp_listen(self, "127.0.0.1", "0", NULL, listener);
}

static tr_err wait_accept(tr_self *self, struct scene *s)
{
    tr_stream stream;
    tr_listener listener;
    (void) s;
    tr_err err = listen_here(self, &listener);
    return err == TR_OK ? tr_listener_accept(self, listener, HOUR, &stream) : err;
}

static tr_err wait_udp(tr_self *self, struct scene *s)
{
    char buf[4];
    size_t len;
    tr_udp udp;
    (void) s;
    tr_err err = tr_udp_open(self, "127.0.0.1", "0", &udp);
    return err == TR_OK ? tr_udp_recv(self, udp, buf, sizeof buf, HOUR, &len, NULL) : err;
}

static tr_err wait_input(tr_self *self, struct scene *s)
{
    const char *line;
    tr_input *input;
    tr_err err = tr_input_open(self, s->fds[0], NULL, &input);
    if (err != TR_OK)
        return err;
    err = tr_input_line(self, input, HOUR, &line, NULL);
    tr_input_close(self, &input);
    return err;
}

static const struct point points[] = {
    { "tr_sleep", wait_sleep, false },
    { "tr_sleep_until", wait_sleep_until, false },
    { "tr_yield", wait_yield, true },
    { "tr_recv", wait_recv, false },
    { "tr_recv_for", wait_recv_for, false },
    { "tr_expect_among", wait_expect, false },
    { "tr_ask", wait_ask, false },
    { "tr_ask, no room", wait_ask_full, false },
    { "tr_send, no room", wait_send_full, false },
    { "tr_await", wait_await, false },
    { "tr_gather", wait_gather, false },
    { "tr_next", wait_next, false },
    { "tr_wait, reply", wait_item_reply, false },
    { "tr_wait, mailbox", wait_item_mailbox, false },
    { "tr_wait, time", wait_item_time, false },
    { "tr_wait, descriptor", wait_item_fd, false },
    { "tr_wait, end", wait_item_end, false },
    { "tr_fd_wait", wait_fd, false },
    { "tr_join", wait_join, false },
    { "tr_cancel_wait", wait_cancel, false },
    { "tr_stop_wait", wait_stop, false },
    { "tr_scope_run", wait_scope, false },
    { "tr_scope_end", wait_scope_pair, false },
    { "tr_start", wait_start, false },
    { "tr_race", wait_race, false },
    { "tr_channel_recv", wait_channel_recv, false },
    { "tr_channel_send", wait_channel_send, false },
    { "tr_work_put", wait_work_put, false },
    { "tr_work_take", wait_work_take, false },
    { "tr_work_join", wait_work_join, false },
    { "tr_lock_take", wait_lock, false },
    { "tr_semaphore_take", wait_semaphore, false },
    { "tr_event_wait", wait_event, false },
    { "tr_rate_take", wait_rate, false },
    { "tr_flow_next", wait_flow_next, false },
    { "tr_flow_write", wait_flow_write, false },
    { "tr_stream_read", wait_stream_read, false },
    { "tr_stream_read_exactly", wait_stream_read_exactly, false },
    { "tr_stream_read_line", wait_stream_read_line, false },
    { "tr_stream_write", wait_stream_write, false },
    { "tr_stream_finish", wait_stream_finish, false },
    { "tr_listener_accept", wait_accept, false },
    { "tr_udp_recv", wait_udp, false },
    { "tr_input_line", wait_input, false },
};
#define POINTS (sizeof points / sizeof points[0])

/* ---- columns: how it is cut short, and what then comes out around it ---- */

struct way {
    const char *name;
    tr_body_fn *victim;
    void (*cut)(tr_self *self, struct scene *s); /* at CUT_AT; NULL: the victim sees to it */
    tr_err outer;                                /* of what the call runs in */
    tr_err joined;                               /* of the victim */
    long at;                                     /* when the call came back; -1: never */
};

/* The call, and once more: it says so again and again. */
static tr_err call_twice(tr_self *self, void *arg)
{
    struct scene *s = arg;
    s->first = s->point->wait(self, s);
    s->at = now_ms(self);
    s->again = s->point->wait(self, s);
    return s->first;
}

static tr_err plain(tr_self *self, void *arg)
{
    struct scene *s = arg;
    return s->outer = call_twice(self, s);
}

static tr_err cancelled_before(tr_self *self, void *arg)
{
    (void) tr_cancel(self, tr_self_addr(self), "before");
    return plain(self, arg);
}

static tr_err in_within(tr_self *self, void *arg)
{
    struct scene *s = arg;
    s->outer = tr_within(self, CUT_AT, call_twice, s);
    return tr_yield(self);
}

static tr_err in_move_on(tr_self *self, void *arg)
{
    struct scene *s = arg;
    s->outer = tr_move_on(self, CUT_AT, call_twice, s, NULL);
    return tr_yield(self);
}

static tr_err in_until_stop(tr_self *self, void *arg)
{
    struct scene *s = arg;
    s->outer = tr_until_stop(self, call_twice, s);
    return tr_yield(self);
}

static tr_err in_shield(tr_self *self, void *arg)
{
    struct scene *s = arg;
    s->outer = tr_shield(self, (int64_t) 2 * CUT_AT, call_twice, s);
    return tr_yield(self);
}

static tr_err body_of_a_scope(tr_self *self, tr_scope *scope, void *arg)
{
    struct scene *s = arg;
    s->scope = scope;
    return call_twice(self, s);
}

static tr_err in_scope(tr_self *self, void *arg)
{
    struct scene *s = arg;
    s->outer = tr_scope_run(self, NULL, body_of_a_scope, s);
    return tr_yield(self);
}

static tr_err in_nested_scopes(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_scope_opts opts = { .size = sizeof opts, .timeout_ms = HOUR };
    tr_scope *outer, *inner;
    tr_err err = tr_scope_begin(self, NULL, &outer);
    if (err == TR_OK)
        err = tr_scope_begin(self, &opts, &inner);
    if (err != TR_OK)
        return err;
    s->scope = outer;
    err = call_twice(self, s);
    err = tr_scope_end(self, &inner, err);
    s->outer = tr_scope_end(self, &outer, err);
    return tr_yield(self);
}

static tr_err fails_at_once(tr_self *self, void *arg)
{
    (void) arg;
    return tr_fail_with(self, TR_EUSER, "a sibling");
}

static void cut_cancel(tr_self *self, struct scene *s)
{
    (void) tr_cancel(self, s->victim, "outside");
}

static void cut_kill(tr_self *self, struct scene *s)
{
    (void) tr_kill(self, s->victim, "outside");
}

static void cut_stop(tr_self *self, struct scene *s)
{
    (void) tr_stop(self, s->victim, "outside");
}

static void cut_scope(tr_self *self, struct scene *s)
{
    tr_scope_cancel(self, s->scope, "outside");
}

static void cut_deadline(tr_self *self, struct scene *s)
{
    (void) !tr_scope_set_deadline(self, s->scope, tr_now(self));
}

static void cut_sibling(tr_self *self, struct scene *s)
{
    (void) !tr_spawn_in(self, s->scope, fails_at_once, NULL, NULL);
}

static const struct way ways[] = {
    { "cancelled before", cancelled_before, NULL, TR_ECANCELED, TR_ECANCELED, 0 },
    { "cancelled", plain, cut_cancel, TR_ECANCELED, TR_ECANCELED, CUT_AT },
    { "killed", plain, cut_kill, TR_EKILLED, TR_EKILLED, -1 },
    { "fail after", in_within, NULL, TR_ETIMEDOUT, TR_OK, CUT_AT },
    { "move on after", in_move_on, NULL, TR_OK, TR_OK, CUT_AT },
    { "asked to stop", in_until_stop, cut_stop, TR_STOP, TR_OK, CUT_AT },
    { "shielded", in_shield, cut_cancel, TR_ECANCELED, TR_ECANCELED, 2 * CUT_AT },
    { "its scope cancelled", in_scope, cut_scope, TR_ECANCELED, TR_OK, CUT_AT },
    { "an outer scope cancelled", in_nested_scopes, cut_scope, TR_ECANCELED, TR_OK, CUT_AT },
    { "its scope's deadline moved", in_scope, cut_deadline, TR_ETIMEDOUT, TR_OK, CUT_AT },
    { "a sibling failed", in_scope, cut_sibling, TR_EUSER, TR_OK, CUT_AT },
};
#define WAYS (sizeof ways / sizeof ways[0])

/* ---- one of each ---- */

static tr_err an_hour(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, HOUR);
}

static tr_err will_not_go(tr_self *self, void *arg)
{
    (void) arg;
    return tr_shield(self, HOUR, an_hour, NULL);
}

struct show {
    struct scene scene;
    const struct way *way;
};

static tr_err on_nothing(tr_self *self, void *state, const tr_msg *m)
{
    (void) state, (void) m;
    return tr_sleep(self, (int64_t) 2 * HOUR);
}

static const tr_handler source_rows[] = { { "nothing", "", "...", on_nothing, NULL, TR_CANCELS, NULL }, { 0 } };
static const tr_behaviour source = { .name = "source", .handlers = source_rows };

static tr_err holds_the_lock(tr_self *self, void *arg)
{
    tr_hold hold;
    struct scene *s = arg;
    tr_err err = tr_lock_take(self, s->lock, &hold, NULL);
    if (err == TR_OK)
        err = tr_ready(self);
    if (err == TR_OK)
        err = tr_until_stop(self, an_hour, NULL);
    tr_hold_release(self, &hold);
    return err;
}

/* What is shared, so that who comes next has to wait for it. The one who waits for the victim holds no lock: that would
 * be a deadlock. */
static tr_err set_up_shared(tr_self *self, struct scene *s, tr_hold *hold)
{
    tr_err err = tr_spawn(self, &source, NULL, &s->source);
    if (err == TR_OK)
        err = tr_channel_create(self, 1, NULL, &s->channel);
    if (err == TR_OK)
        err = tr_channel_create(self, 1, NULL, &s->full_channel);
    if (err == TR_OK)
        err = tr_channel_send(self, s->full_channel, "fill");
    if (err == TR_OK)
        err = tr_work_create(self, 1, NULL, &s->work);
    if (err == TR_OK)
        err = tr_work_create(self, 1, NULL, &s->full_work);
    if (err == TR_OK)
        err = tr_work_put(self, s->full_work, "fill");
    if (err == TR_OK)
        err = tr_lock_create(self, NULL, &s->lock);
    if (err == TR_OK)
        err = tr_start(self, NULL, holds_the_lock, s, &s->holder, NULL);
    if (err == TR_OK)
        err = tr_semaphore_create(self, 1, NULL, &s->semaphore);
    if (err == TR_OK)
        err = tr_semaphore_take(self, s->semaphore, 1, hold);
    if (err == TR_OK)
        err = tr_event_create(self, NULL, &s->event);
    if (err == TR_OK)
        err = tr_rate_create(self, 1, 2 * HOUR, 1, NULL, &s->rate);
    return err == TR_OK ? tr_rate_take(self, s->rate, 1) : err;
}

/* S46.1: nobody took or put anything, and nothing is held or waited for by one that is gone. */
static tr_err look_at_shared(tr_self *self, struct scene *s, tr_hold *held)
{
    tr_hold hold;
    bool died = true;
    const tr_msg *m;
    tr_hold_release(self, held);
    tr_err err = tr_stop_wait(self, s->holder, "release", HOUR);
    if (err == TR_OK)
        err = tr_lock_take_for(self, s->lock, 0, &hold, &died);
    if (err == TR_OK)
        err = died ? TR_EFAILED : tr_semaphore_take_for(self, s->semaphore, 1, 0, &hold);
    if (err == TR_OK)
        err = tr_channel_recv_for(self, s->full_channel, 0, &m);
    if (err == TR_OK)
        err = tr_channel_recv_for(self, s->full_channel, 0, &m) == TR_ETIMEDOUT ? TR_OK : TR_EFAILED;
    if (err == TR_OK)
        err = tr_channel_send_for(self, s->channel, 0, "fits");
    if (err == TR_OK)
        err = tr_work_take_for(self, s->full_work, 0, &hold, &m);
    if (err == TR_OK)
        err = tr_work_take_for(self, s->full_work, 0, &hold, &m) == TR_ETIMEDOUT ? TR_OK : TR_EFAILED;
    return err == TR_OK ? tr_work_join_for(self, s->work, 0) : err;
}

static tr_err direct(tr_self *self, void *arg)
{
    tr_hold hold;
    struct show *show = arg;
    struct scene *s = &show->scene;
    const tr_spawn_opts full = { .size = sizeof full, .body = deaf, .mailbox_len_max = 1 };
    tr_err err = tr_spawn(self, deaf, NULL, &s->deaf);
    if (err == TR_OK)
        err = tr_spawn(self, will_not_go, NULL, &s->shielded);
    if (err == TR_OK)
        err = tr_spawn_with(self, &full, &s->full);
    if (err == TR_OK)
        err = tr_send(self, s->full, "fill");
    if (err == TR_OK)
        err = set_up_shared(self, s, &hold);
    if (err == TR_OK)
        err = tr_spawn(self, show->way->victim, s, &s->victim);
    if (err == TR_OK)
        err = tr_sleep(self, CUT_AT);
    if (err == TR_OK && show->way->cut != NULL)
        show->way->cut(self, s);
    if (err == TR_OK)
        s->joined = tr_join(self, s->victim, NULL);
    if (err == TR_OK)
        err = look_at_shared(self, s, &hold);
    s->over = err == TR_OK;
    return err;
}

/* Descriptors hold the virtual clock, so it is moved from here. */
static bool plays(struct show *show, char *left, size_t size)
{
    tr_node *node;
    const tr_node_opts opts = { .size = sizeof opts, .virtual_clock = true };
    const tr_spawn_opts director = { .size = sizeof director, .body = direct, .arg = show };
    if (pipe(show->scene.fds) != 0 || tr_node_create(&opts, &node) != TR_OK)
        return false;
    tr_test_shuffle(node, tr_test_seed());
    alarm(WATCHDOG_S);
    bool began = tr_node_spawn(node, &director, NULL) == TR_OK && tr_test_advance(node, 60000) == TR_OK;
    alarm(0);
    (void) tr_test_leftovers(node, left, size);
    tr_node_destroy(&node);
    close(show->scene.fds[0]);
    close(show->scene.fds[1]);
    return began && show->scene.over;
}

static bool as_it_should_be(const struct point *point, const struct way *way)
{
    char left[256] = "";
    struct show show = {
        .scene = { .point = point, .first = TR_EKILLED, .again = TR_EKILLED, .outer = TR_EKILLED, .at = -1 }, .way = way
    };
    const struct scene *s = &show.scene;
    bool well = plays(&show, left, sizeof left) && left[0] == '\0' && s->joined == way->joined &&
                s->outer == way->outer && s->at == way->at && s->first == (way->at < 0 ? TR_EKILLED : TR_ECANCELED) &&
                s->again == s->first;
    if (!well)
        print_message("%s, %s: %s, then %s, at %ld, in %s, joined %s; left: %s\n", point->name, way->name,
                      tr_err_name(s->first), tr_err_name(s->again), s->at, tr_err_name(s->outer),
                      tr_err_name(s->joined), left);
    return well;
}

/* Under seeds each has its part of the table, so that a thousand of them go over all of it many times. */
static bool is_drawn(size_t cell)
{
    return tr_test_seed() == 0 || (cell + tr_test_seed()) % 16 == 0;
}

/* S5.1, S5.2, S5.3, S54.1, S54.2 */
static void every_call_that_suspends_is_cut_short_in_every_way_and_says_so_again(void **state)
{
    bool well = true;
    (void) state;
    for (size_t p = 0; p < POINTS; p++)
        for (size_t w = 0; w < WAYS; w++)
            if ((!points[p].at_once || ways[w].at == 0) && is_drawn(p * WAYS + w))
                well = as_it_should_be(&points[p], &ways[w]) && well;
    assert_true(well);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_that_suspends_is_cut_short_in_every_way_and_says_so_again),
    };
    return run_actor_tests(tests);
}
