/* SPDX-License-Identifier: MIT */
/* relay.c - the actor between the two sides of a flow
 *
 * Problem: both sides of a flow wait in the middle of what they do and read no mailbox meanwhile, may live on different
 * workers, and may give up at any moment: also at the one in which the other side grants what they wait for.
 *
 * Idea: an actor in the middle that both ask. It keeps the parts of each direction, and the two requests that may wait
 * there: for the next part, and for room. What is granted is said so that saying it twice is the same as saying it
 * once:
 *
 * - A part has a number. It stays here until the reader asks for the next number; an answer that came too late is lost
 *   and the reader, if it asks again, gets the same part again.
 * - Room is told as what is left, not as a permit: a grant that nobody heard leaves nothing behind. The writer's parts
 *   are plain messages and come before its next question (one sender, one order), so what is left is exact.
 *
 * Life: the asker's "flow.open" is kept and never answered. When the runtime says that its asker gave up (its close,
 * its end, its deadline), the relay ends, and with it the request it has at the answerer, who is told in the same way.
 * When the answerer answers, the relay stays until the asker has seen it and closes. An answer overtakes what its
 * sender sent before (it passes through no mailbox), so the relay sends itself a message and believes the end when that
 * arrives.
 */
#include "share/relay.h"

#include <string.h>

#include "actor/cell_ext.h"
#include "share/hand.h"

/* One direction. */
struct pipe {
    tr_msg **ring; /* parts; the first may have been handed out, and is taken when the next is asked for */
    uint32_t first, len;
    bool handed, ended;
    int64_t taken; /* the number of the first */
    size_t bytes;
    tr_msg *reader, *writer; /* kept requests that wait */
    tr_err err;              /* how it ended: TR_ECLOSED is well */
    const char *text, *phase, *actor;
};

struct relay {
    tr_msg *open;
    tr_msg *last; /* the answerer's reply, if it has values: a last part */
    tr_addr asker;
    uint32_t parts_max;
    size_t bytes_max;
    struct pipe up, down; /* up: what the asker writes */
};

static const char end_text[] = "the flow has ended, and all its parts were read";

static struct pipe *pipe_written_by(struct relay *r, const tr_msg *m)
{
    return tr_addr_eq(tr_sender(m), r->asker) ? &r->up : &r->down;
}

static struct pipe *pipe_read_by(struct relay *r, const tr_msg *m)
{
    return tr_addr_eq(tr_sender(m), r->asker) ? &r->down : &r->up;
}

static size_t part_bytes(const tr_msg *part)
{
    return part->size;
}

/* ---- the writer's side ---- */

static bool has_room(const struct relay *r, const struct pipe *p)
{
    return p->len < r->parts_max && p->bytes < r->bytes_max;
}

/* A writer that had to wait goes on when half is free: it would otherwise be woken for each part. */
static bool is_half_free(const struct relay *r, const struct pipe *p)
{
    return p->len <= r->parts_max / 2 && p->bytes <= r->bytes_max / 2;
}

static tr_err room_tell(tr_self *self, const struct relay *r, const struct pipe *p, const tr_msg *request)
{
    return tr_reply(self, request, r->parts_max - p->len, (int64_t) (r->bytes_max - p->bytes));
}

static void writer_wake(tr_self *self, struct relay *r, struct pipe *p)
{
    if (p->writer == NULL || !is_half_free(r, p))
        return;
    if (room_tell(self, r, p, p->writer) == TR_OK)
        tr_drop(self, &p->writer);
    else
        hand_error(self, &p->writer, TR_ENOMEM, "out of memory", "flow.room", NULL);
}

/* ---- the reader's side ---- */

static void pipe_forget_first(tr_self *self, struct relay *r, struct pipe *p)
{
    tr_msg *part = p->ring[p->first];
    p->bytes -= part_bytes(part);
    tr_drop(self, &part);
    p->first = (p->first + 1) % (r->parts_max + 1);
    p->len--;
    p->taken++;
    p->handed = false;
}

/* Gives the waiting reader what there is for it: a part, or the end. */
static void reader_serve(tr_self *self, struct pipe *p)
{
    if (p->reader == NULL)
        return;
    if (p->len > 0 && hand_over(self, p->reader, p->ring[p->first]) == TR_OK) {
        p->handed = true;
        tr_drop(self, &p->reader);
    } else if (p->len > 0) {
        hand_error(self, &p->reader, TR_ENOMEM, "out of memory", "flow.next", NULL);
    } else if (p->ended) {
        hand_error(self, &p->reader, p->err, p->text, p->phase, p->actor);
    }
}

/* ---- ends ---- */

static const char *copy_text(tr_self *self, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = tr_alloc(self, size);
    return copy != NULL ? memcpy(copy, text, size) : "out of memory for the words";
}

/* An error TR_ECLOSED would look like the good end to the other side. */
static void pipe_set_error(tr_self *self, struct pipe *p, tr_err err, const char *text, const char *phase,
                           const char *actor)
{
    p->err = err == TR_ECLOSED || err == TR_OK || err == TR_STOP ? TR_EFAILED : err;
    p->text = copy_text(self, text);
    p->phase = copy_text(self, phase);
    p->actor = copy_text(self, actor);
}

/* Its writer writes no more; without an error of its own it ended well. */
static void pipe_end(tr_self *self, struct pipe *p)
{
    if (p->ended)
        return;
    p->ended = true;
    if (p->err == TR_OK) {
        p->err = TR_ECLOSED;
        p->text = end_text;
        p->phase = "flow.next";
        p->actor = NULL;
    }
    reader_serve(self, p);
}

static tr_err ring_make(tr_self *self, const struct relay *r, struct pipe *p)
{
    if (p->ring == NULL)
        p->ring = tr_alloc(self, (r->parts_max + 1) * sizeof(tr_msg *)); /* and one for the reply's values */
    return p->ring != NULL ? TR_OK : TR_ENOMEM;
}

static void pipe_push(tr_self *self, const struct relay *r, struct pipe *p, tr_msg *part)
{
    p->ring[(p->first + p->len) % (r->parts_max + 1)] = part;
    p->len++;
    p->bytes += part_bytes(part);
    reader_serve(self, p);
}

/* The answerer is done: parts of it are all here. Whoever waits on its other direction learns it, too. */
static void relay_finish(tr_self *self, struct relay *r)
{
    struct pipe *down = &r->down;
    if (r->last != NULL && ring_make(self, r, down) == TR_OK)
        pipe_push(self, r, down, r->last);
    else if (r->last != NULL)
        pipe_set_error(self, down, TR_ENOMEM, "out of memory for the last part", "flow", "troupe");
    r->last = NULL;
    pipe_end(self, down);
    if (r->up.writer != NULL)
        hand_error(self, &r->up.writer, down->err, down->text, down->phase, down->actor);
    if (r->up.reader != NULL)
        hand_error(self, &r->up.reader, TR_EDOWN, "the request of this flow was answered", "flow.next", NULL);
}

static tr_err on_done(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    relay_finish(self, state);
    return TR_OK;
}

/* The answerer's outcome. */
static tr_err on_outcome(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    struct relay *r = state;
    (void) ctx;
    if (err != TR_OK) {
        const tr_error_info *info = tr_error(self);
        pipe_set_error(self, &r->down, err, info->text, info->phase, info->actor);
    } else if (tr_argc(reply) > 0 && (r->last = tr_keep(self, reply)) == NULL) {
        pipe_set_error(self, &r->down, TR_ENOMEM, "out of memory for the last part", "flow", "troupe");
    }
    if (tr_try_send(self, tr_self_addr(self), "flow.done") != TR_OK) {
        pipe_set_error(self, &r->down, TR_ENOMEM, "out of memory for the end of the flow", "flow", "troupe");
        relay_finish(self, r);
    }
    return TR_OK;
}

/* The asker is gone. Ending gives up the request at the answerer; kept requests are answered by the runtime, but those
 * that wait here are told why. */
static void relay_stop(tr_self *self, struct relay *r)
{
    static const char text[] = "the asker of this flow has closed it, gave up, or ended";
    hand_error(self, &r->up.reader, TR_EDOWN, text, "flow.next", NULL);
    hand_error(self, &r->down.writer, TR_EDOWN, text, "flow.room", NULL);
    tr_cancel(self, tr_self_addr(self), text);
}

/* ---- the deadline ---- */

/* The request at the answerer. NULL: it is over. */
static struct ask *request_of(tr_self *self)
{
    list_each (l, &self->cell->ext->thens) {
        struct ask *a = list_entry(l, struct ask, link);
        if (a->then == on_outcome)
            return a;
    }
    return NULL;
}

/* It ends when the asker's does, which may be moved with the scope that it is in; who moves it and reads on is heard
 * here, and who waits meanwhile is looked at when the deadline of before comes. */
static void deadline_follow(tr_self *self, const tr_msg *put_under)
{
    struct worker *w = self->worker;
    struct ask *a = request_of(self);
    if (a == NULL)
        return;
    gate_enter(&w->gate);
    if (put_under != NULL)
        ask_put_under(w, a, put_under);
    else
        ask_renew(w, a);
    gate_leave(&w->gate);
}

/* ---- messages ---- */

static tr_err relay_ask(tr_self *self, tr_addr to, const char *tag, tr_item args, int64_t timeout_ms)
{
    tr_value values[TR_ARGS_MAX + 1] = { tr_str(tag) };
    size_t n = tr_item_count(args);
    if (n > TR_ARGS_MAX)
        return TR_EINVAL;
    for (size_t i = 0; i < n; i++)
        values[i + 1] = tr_v_item(tr_item_at(args, i));
    return tr_ask_then_values(self, to, timeout_ms, on_outcome, NULL, values, n + 1);
}

static tr_err on_open(tr_self *self, void *state, const tr_msg *m)
{
    struct relay *r = state;
    tr_addr to;
    const char *tag;
    tr_item args;
    int64_t bytes, timeout_ms;
    tr_args(m, &to, &tag, &args, &r->parts_max, &bytes, &timeout_ms);
    r->bytes_max = (size_t) bytes;
    r->asker = tr_sender(m);
    r->open = tr_keep(self, m);
    if (r->open == NULL)
        return tr_cancel(self, tr_self_addr(self), "out of memory");
    tr_err err = relay_ask(self, to, tag, args, timeout_ms);
    if (err != TR_OK) {
        const tr_error_info *info = tr_error(self);
        pipe_set_error(self, &r->down, err, info->text, info->phase, info->actor);
        relay_finish(self, r);
    }
    deadline_follow(self, r->open);
    return TR_OK;
}

static tr_err on_asker_gone(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    relay_stop(self, state);
    return TR_OK;
}

/* Comes behind "flow.open": when that is not here, its asker gave up before it was read. */
static tr_err on_opened(tr_self *self, void *state, const tr_msg *m)
{
    const struct relay *r = state;
    (void) m;
    return r->open != NULL ? TR_OK : tr_cancel(self, tr_self_addr(self), "its asker was gone before it began");
}

/* Takes a request to wait; another may wait there only if its asker has given up, and the word of that is on its way.
 */
static tr_err keep_waiting(tr_self *self, tr_msg **place, const tr_msg *m)
{
    if (*place != NULL && !tr_is_dead(*place))
        return tr_fail_with(self, TR_EBUSY, "another call waits for this already");
    tr_drop(self, place);
    *place = tr_keep(self, m);
    return *place != NULL ? TR_OK : tr_fail_with(self, TR_ENOMEM, "out of memory");
}

static tr_err on_next(tr_self *self, void *state, const tr_msg *m)
{
    struct relay *r = state;
    struct pipe *p = pipe_read_by(r, m);
    int64_t number;
    bool now;
    tr_args(m, &number, &now);
    deadline_follow(self, NULL);
    if (number == p->taken + 1 && p->handed)
        pipe_forget_first(self, r, p);
    if (number != p->taken)
        return tr_fail_with(self, TR_EBADMSG, "part %lld is next", (long long) p->taken);
    tr_err err = now && p->len == 0 && !p->ended ? tr_fail_with(self, TR_ETIMEDOUT, "no part is there now")
                                                 : keep_waiting(self, &p->reader, m);
    if (err == TR_OK)
        reader_serve(self, p);
    writer_wake(self, r, p);
    return err;
}

static tr_err on_room(tr_self *self, void *state, const tr_msg *m)
{
    struct relay *r = state;
    struct pipe *p = pipe_written_by(r, m);
    deadline_follow(self, NULL);
    if (r->down.ended && p == &r->up) {
        ask_answer_error(self->worker, (struct tr_msg *) m, r->down.err, r->down.text, r->down.phase, r->down.actor);
        return TR_OK;
    }
    return has_room(r, p) ? room_tell(self, r, p, m) : keep_waiting(self, &p->writer, m);
}

/* Whoever waited gave up. */
static tr_err on_waiter_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct relay *r = state;
    tr_msg **const places[] = { &r->up.reader, &r->up.writer, &r->down.reader, &r->down.writer };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (*places[i] == m)
            tr_drop(self, places[i]);
    return TR_OK;
}

static tr_err on_end(tr_self *self, void *state, const tr_msg *m)
{
    struct relay *r = state;
    struct pipe *p = pipe_written_by(r, m);
    int err;
    const char *text;
    if (p != &r->up)
        return TR_EUNKNOWN;
    if (tr_is(m, "flow.fail", &err, &text) && p->err == TR_OK)
        pipe_set_error(self, p, (tr_err) err, text, "flow", "the asker");
    pipe_end(self, p);
    return TR_OK;
}

/* A part that cannot be kept must not go unseen: the reader gets an error behind those before it. */
static tr_err on_part(tr_self *self, void *state, const tr_msg *m)
{
    struct relay *r = state;
    struct pipe *p = pipe_written_by(r, m);
    if (tr_is_request(m))
        return tr_fail_with(self, TR_EUNKNOWN, "a flow has parts, and no requests of that name");
    if (r->open == NULL || p->ended)
        return tr_fail_with(self, TR_ECLOSED, "this direction of the flow has ended");
    tr_msg *part = p->len < r->parts_max && ring_make(self, r, p) == TR_OK ? tr_keep(self, m) : NULL;
    if (part != NULL) {
        pipe_push(self, r, p, part);
        return TR_OK;
    }
    bool full = p->len >= r->parts_max;
    pipe_set_error(self, p, full ? TR_EFULL : TR_ENOMEM, full ? "its writer wrote without credit" : "out of memory",
                   "flow", "troupe");
    pipe_end(self, p);
    return p->err;
}

static const tr_handler handlers[] = {
    { "flow.open", "to:addr, tag:str, args:array, parts:uint, bytes:uint, timeout_ms:int", NULL, on_open,
      "ask that actor, and be the flow's asker", TR_CANCELS, on_asker_gone },
    { "flow.opened", "", NULL, on_opened, "the asker's, behind flow.open", 0, NULL },
    { "flow.next", "number:int, now:bool", "...", on_next, "the part of that number", 0, on_waiter_gone },
    { "flow.room", "", "parts:int, bytes:int", on_room, "how much may be written now", 0, on_waiter_gone },
    { "flow.end", "", NULL, on_end, "the asker writes no more", 0, NULL },
    { "flow.fail", "err:int, text:str", NULL, on_end, "the asker writes no more, for that reason", 0, NULL },
    { "flow.done", "", NULL, on_done, "the relay's own", 0, NULL },
    { 0 },
};
const tr_behaviour relay_behaviour = {
    .name = "flow",
    .state_size = sizeof(struct relay),
    .handlers = handlers,
    .other = on_part,
    .doc = "what stands between the two sides of a flow",
};
