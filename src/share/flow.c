/* SPDX-License-Identifier: MIT */
/* flow.c - streams of messages: the two sides; what stands between them is relay.c */
#include <troupe/flow.h>

#include <stdio.h>
#include <string.h>

#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/error.h"
#include "actor/table.h"
#include "share/hand.h"
#include "share/relay.h"

enum flow_state {
    FLOW_LIVE = 1,
    FLOW_ENDED = 2, /* this side writes no more */
    FLOW_KEPT = 4
};

#define PARTS_LIMIT 65536u
#define VALUE_BYTES 16 /* what a value is taken to weigh, beside its bytes */

/* ---- what every call begins and ends with ---- */

static tr_err flow_enter(tr_self *self, const tr_flow *flow, const char *phase)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    if (!(flow->state & FLOW_LIVE))
        return error_set(self, TR_ESTATE, phase, "this flow is not open");
    return TR_OK;
}

/* Whether the flow's own deadline has come, as far as this side can see. */
static bool is_late(tr_self *self, const tr_flow *flow)
{
    const struct ask *life = flow->life.ask != NULL ? ask_of(self, flow->life) : NULL;
    return flow->life_err == TR_ETIMEDOUT || (life != NULL && ask_state(life) == ASK_DONE && life->err == TR_ETIMEDOUT);
}

/* What an error of the relay, or of asking it, is to this side. */
static tr_err flow_error(tr_self *self, const tr_flow *flow, tr_err err, const char *phase)
{
    if ((err == TR_ENOPROC || err == TR_EDOWN) && is_late(self, flow))
        return error_set(self, TR_ETIMEDOUT, phase, "the deadline of the flow came first");
    if (err == TR_ENOPROC)
        return error_set(self, TR_EDOWN, phase, "the other side of the flow has closed it, or ended");
    return err;
}

/* ---- opening ---- */

static tr_err life_over(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    (void) self, (void) state, (void) reply;
    ((tr_flow *) ctx)->life_err = err;
    return TR_OK;
}

static tr_err opts_check(tr_self *self, const tr_flow_opts *opts)
{
    if (opts->size != sizeof *opts)
        return error_set(self, TR_EINVAL, "flow", "opts.size is not sizeof(tr_flow_opts)");
    if (opts->parts_max > PARTS_LIMIT || opts->bytes_max > INT64_MAX)
        return error_set(self, TR_EINVAL, "flow", "parts_max is at most %u", PARTS_LIMIT);
    return TR_OK;
}

static tr_err target_check(tr_self *self, tr_addr to, const tr_value *values, size_t n)
{
    if (tr_addr_is_nil(to))
        return error_set(self, TR_EINVAL, "flow", "the receiver is the nil address");
    if (n == 0 || values[0].type != TR_TYPE_STR)
        return error_set(self, TR_EINVAL, "flow", "a request begins with its tag");
    if (tr_addr_eq(to, tr_self_addr(self)))
        return error_set(self, TR_EDEADLK, "flow", "an actor cannot open a flow to itself");
    if (to.node == 0 && !tr_is_alive(self, to)) {
        char addr[TR_ADDR_TEXT_MAX];
        return error_set(self, TR_ENOPROC, "flow", "%s has ended, or never was", tr_addr_text(to, addr));
    }
    return TR_OK;
}

/* Never full: what comes in is bounded by credit. */
static tr_err relay_spawn(tr_self *self, tr_addr *relay)
{
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .behaviour = &relay_behaviour,
                                 .mailbox_len_max = UINT32_MAX,
                                 .mailbox_bytes_max = UINT32_MAX,
                                 .flags = TR_SPAWN_DETACHED };
    return tr_spawn_with(self, &opts, relay);
}

static tr_err life_begin(tr_self *self, tr_flow *flow, int64_t timeout_ms, const tr_value *values, size_t n)
{
    tr_err err = flow->state & FLOW_KEPT ? tr_ask_then_values(self, flow->relay, timeout_ms, life_over, flow, values, n)
                                         : tr_ask_start_values(self, flow->relay, timeout_ms, &flow->life, values, n);
    if (err != TR_OK)
        return err;
    err = tr_send(self, flow->relay, "flow.opened");
    if (err != TR_OK)
        tr_flow_close(self, flow);
    return err;
}

tr_err tr_flow_open_values(tr_self *self, tr_addr to, const tr_flow_opts *opts, tr_flow *flow, const tr_value *values,
                           size_t n)
{
    const tr_flow_opts defaults = { .size = sizeof defaults };
    const tr_flow_opts *o = opts != NULL ? opts : &defaults;
    tr_err err = self_enter(self, "flow");
    if (err == TR_OK)
        err = opts_check(self, o);
    if (err == TR_OK)
        err = target_check(self, to, values, n);
    if (err != TR_OK)
        return err;
    int64_t timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : HAND_FOREVER_MS;
    tr_flow f = { .parts_left = o->parts_max != 0 ? o->parts_max : TR_FLOW_PARTS_MAX,
                  .bytes_left = o->bytes_max != 0 ? (int64_t) o->bytes_max : TR_FLOW_BYTES_MAX,
                  .state = FLOW_LIVE | (o->flags & TR_FLOW_KEEP ? FLOW_KEPT : 0) };
    const tr_value open[] = {
        tr_str("flow.open"),  tr_v_addr(to),        values[0],         tr_arrayn(values + 1, n - 1),
        tr_int(f.parts_left), tr_int(f.bytes_left), tr_int(timeout_ms)
    };
    err = relay_spawn(self, &f.relay);
    if (err != TR_OK)
        return err;
    *flow = f;
    err = life_begin(self, flow, timeout_ms, open, sizeof open / sizeof open[0]);
    if (err != TR_OK) {
        tr_cancel(self, f.relay, "its flow could not be opened");
        *flow = (tr_flow){ .state = 0 };
    }
    return err;
}

tr_err tr_flow_answer(tr_self *self, const tr_msg *m, tr_flow *flow)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    if (!tr_is_request(m) && !tr_is_dead(m))
        return error_set(self, TR_ESTATE, "flow", "\"%s\" is no request whose answer is owed", tr_tag(m));
    if (tr_is_request(m) && tr_sender(m).node == 0 && !share_is(self, tr_sender(m), &relay_behaviour))
        return error_set(self, TR_ESTATE, "flow", "the asker waits for one answer: it opened no flow");
    *flow = (tr_flow){ .relay = tr_sender(m), .request = m, .state = FLOW_LIVE };
    return TR_OK;
}

/* ---- reading ---- */

tr_err tr_flow_next_for(tr_self *self, tr_flow *flow, int64_t timeout_ms, const tr_msg **part)
{
    tr_err err = flow_enter(self, flow, "flow.next");
    if (err != TR_OK)
        return err;
    const tr_msg *reply;
    err = tr_ask_for(self, flow->relay, hand_timeout(timeout_ms), &reply, "flow.next", flow->taken,
                     tr_bool(timeout_ms == 0));
    if (err != TR_OK)
        return flow_error(self, flow, err, "flow.next");
    flow->taken++;
    *part = reply;
    return TR_OK;
}

static tr_err on_next_part(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    tr_flow *flow = ctx;
    tr_reply_fn *on_part = flow->on_part;
    flow->on_part = NULL;
    if (err == TR_OK)
        flow->taken++;
    else
        err = flow_error(self, flow, err, "flow.next");
    return on_part(self, state, err, reply, flow->part_ctx);
}

tr_err tr_flow_next_then(tr_self *self, tr_flow *flow, tr_reply_fn *on_part, void *ctx)
{
    tr_err err = flow_enter(self, flow, "flow.next");
    if (err != TR_OK)
        return err;
    if (on_part == NULL)
        return error_set(self, TR_EINVAL, "flow.next", "no function to call with the part");
    if (flow->on_part != NULL)
        return error_set(self, TR_EBUSY, "flow.next", "the next part is waited for already");
    err = tr_ask_then_values(self, flow->relay, HAND_FOREVER_MS, on_next_part, flow,
                             TR_VALUES("flow.next", flow->taken, tr_bool(false)));
    if (err != TR_OK)
        return flow_error(self, flow, err, "flow.next");
    flow->on_part = on_part;
    flow->part_ctx = ctx;
    return TR_OK;
}

/* ---- writing ---- */

/* What values weigh; the relay knows it exactly, and says so with the next credit. */
static int64_t weight(const tr_value *values, size_t n, unsigned depth)
{
    int64_t sum = (int64_t) n * VALUE_BYTES;
    for (size_t i = 0; i < n; i++) {
        const tr_value *v = &values[i];
        tr_bytes bytes;
        if (v->type == TR_TYPE_STR || v->type == TR_TYPE_BIN || v->type == TR_TYPE_BLOB)
            sum += v->len;
        else if ((v->type == TR_TYPE_ARRAY || v->type == TR_TYPE_MAP) && depth < TR_ARGS_MAX)
            sum += weight(v->v.p, v->len, depth + 1);
        else if (v->type == TR_TYPE_MSG)
            sum += ((const struct tr_msg *) v->v.p)->size;
        else if (v->type == TR_TYPE_ITEM && tr_read(((tr_item){ v->v.p, v->len }), &bytes) == TR_OK)
            sum += (int64_t) bytes.len;
    }
    return sum;
}

static bool has_credit(const tr_flow *flow)
{
    return flow->parts_left > 0 && flow->bytes_left > 0;
}

static void credit_set(tr_flow *flow, const tr_msg *reply)
{
    int64_t parts, bytes;
    if (tr_args(reply, &parts, &bytes) != TR_OK)
        return;
    flow->parts_left = parts;
    flow->bytes_left = bytes;
}

static tr_err write_check(tr_self *self, const tr_flow *flow, const tr_value *values, size_t n)
{
    tr_err err = flow_enter(self, flow, "flow.write");
    if (err != TR_OK)
        return err;
    if (flow->state & FLOW_ENDED)
        return error_set(self, TR_ESTATE, "flow.write", "this side of the flow has ended");
    if (n > 0 && values[0].type == TR_TYPE_STR && values[0].len >= sizeof RELAY_TAG - 1 &&
        memcmp(values[0].v.p, RELAY_TAG, sizeof RELAY_TAG - 1) == 0)
        return error_set(self, TR_EINVAL, "flow.write", "tags that begin with \"" RELAY_TAG "\" are the runtime's");
    return TR_OK;
}

static tr_err credit_wait(tr_self *self, tr_flow *flow)
{
    tr_msg *saved;
    const tr_msg *reply;
    if (!hand_save(self, &saved, "flow.write"))
        return TR_ENOMEM;
    tr_err err = tr_ask_for(self, flow->relay, HAND_FOREVER_MS, &reply, "flow.room");
    if (err == TR_OK)
        credit_set(flow, reply);
    hand_restore(self, saved);
    return err == TR_OK ? TR_OK : flow_error(self, flow, err, "flow.write");
}

static tr_err part_sent(tr_self *self, tr_flow *flow, tr_err err, const tr_value *values, size_t n)
{
    if (err != TR_OK)
        return flow_error(self, flow, err, "flow.write");
    flow->parts_left--;
    flow->bytes_left -= weight(values, n, 0);
    return TR_OK;
}

tr_err tr_flow_write_values(tr_self *self, tr_flow *flow, const tr_value *values, size_t n)
{
    tr_err err = write_check(self, flow, values, n);
    if (err == TR_OK && !has_credit(flow))
        err = credit_wait(self, flow);
    if (err != TR_OK)
        return err;
    return part_sent(self, flow, tr_send_values(self, flow->relay, values, n), values, n);
}

tr_err tr_flow_try_write_values(tr_self *self, tr_flow *flow, const tr_value *values, size_t n)
{
    tr_err err = write_check(self, flow, values, n);
    if (err == TR_OK && !has_credit(flow))
        err = error_set(self, TR_EFULL, "flow.write", "the reader is behind: there is no credit");
    if (err != TR_OK)
        return err;
    return part_sent(self, flow, tr_try_send_values(self, flow->relay, values, n), values, n);
}

static tr_err on_credit(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    tr_flow *flow = ctx;
    tr_reply_fn *on_room = flow->on_room;
    flow->on_room = NULL;
    if (err == TR_OK)
        credit_set(flow, reply);
    else
        err = flow_error(self, flow, err, "flow.write");
    return on_room(self, state, err, NULL, flow->room_ctx);
}

tr_err tr_flow_room_then(tr_self *self, tr_flow *flow, tr_reply_fn *on_room, void *ctx)
{
    tr_err err = flow_enter(self, flow, "flow.write");
    if (err != TR_OK)
        return err;
    if (on_room == NULL)
        return error_set(self, TR_EINVAL, "flow.write", "no function to call when there is room");
    if (flow->on_room != NULL)
        return error_set(self, TR_EBUSY, "flow.write", "room is waited for already");
    err = tr_ask_then_values(self, flow->relay, HAND_FOREVER_MS, on_credit, flow, TR_VALUES("flow.room"));
    if (err != TR_OK)
        return flow_error(self, flow, err, "flow.write");
    flow->on_room = on_room;
    flow->room_ctx = ctx;
    return TR_OK;
}

/* ---- ends ---- */

static tr_err end_check(tr_self *self, const tr_flow *flow)
{
    tr_err err = flow_enter(self, flow, "flow.end");
    if (err == TR_OK && (flow->state & FLOW_ENDED))
        return error_set(self, TR_ESTATE, "flow.end", "this side of the flow has ended before");
    return err;
}

tr_err tr_flow_end(tr_self *self, tr_flow *flow)
{
    tr_err err = end_check(self, flow);
    if (err != TR_OK)
        return err;
    if (flow->request != NULL)
        err = tr_reply(self, flow->request);
    else
        err = flow_error(self, flow, tr_send(self, flow->relay, "flow.end"), "flow.end");
    if (err == TR_OK)
        flow->state |= FLOW_ENDED;
    return err;
}

tr_err tr_flow_fail(tr_self *self, tr_flow *flow, tr_err code, const char *fmt, ...)
{
    char text[512];
    va_list args;
    snprintf(text, sizeof text, "%s", tr_err_text(code));
    va_start(args, fmt);
    if (fmt != NULL)
        vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    tr_err err = end_check(self, flow);
    if (err != TR_OK)
        return err;
    if (code == TR_OK || code == TR_STOP)
        return error_set(self, TR_EINVAL, "flow.end", "%s is no error to fail with", tr_err_name(code));
    if (flow->request != NULL)
        err = tr_reply_error(self, flow->request, code, "%s", text);
    else
        err = flow_error(self, flow, tr_send(self, flow->relay, "flow.fail", (int) code, (const char *) text),
                         "flow.end");
    if (err == TR_OK)
        flow->state |= FLOW_ENDED;
    return err;
}

/* Open asks of this flow are the actor's, and point at it. */
static void thens_forget(tr_self *self, struct list *asks, const tr_flow *flow)
{
    struct list *next;
    for (struct list *l = asks->next; l != asks; l = next) {
        struct ask *a = list_entry(l, struct ask, link);
        next = l->next;
        if (a->ctx != flow || (a->then != life_over && a->then != on_next_part && a->then != on_credit))
            continue;
        list_remove(l);
        ask_end(self->worker, a);
    }
}

void tr_flow_close(tr_self *self, tr_flow *flow)
{
    if (!self_is_current(self) || !(flow->state & FLOW_LIVE))
        return;
    struct cell_ext *ext = self->cell->ext;
    if (ext != NULL && (flow->on_part != NULL || flow->on_room != NULL || (flow->state & FLOW_KEPT))) {
        gate_enter(&self->worker->gate);
        thens_forget(self, &ext->thens, flow);
        thens_forget(self, &ext->thens_done, flow);
        gate_leave(&self->worker->gate);
    }
    tr_ask_cancel(self, flow->life);
    *flow = (tr_flow){ .state = 0 };
}
