/* SPDX-License-Identifier: MIT */
/* flow_test.h - tests of flows: a store that answers in parts, and what reads them */
#ifndef SUPPORT_FLOW_TEST_H
#define SUPPORT_FLOW_TEST_H

#include "support/actor_test.h"

#define NO_SHELF ((tr_err) (TR_EUSER + 7))

struct scene {
    struct notes notes;
    tr_addr store, other;
    tr_flow flow;
    tr_msg *kept;
    int parts; /* that the store has written */
    int stop_at;
    uint64_t fail_at;
};

/* ---- a store, which answers in parts ---- */

static inline tr_err store_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(struct scene **) state = arg;
    return TR_OK;
}

static inline tr_err write_parts(tr_self *self, struct scene *s, tr_flow *flow, int n)
{
    tr_err err = TR_OK;
    for (int i = 0; i < n && err == TR_OK; i++)
        if ((err = tr_flow_write(self, flow, "item", i)) == TR_OK)
            s->parts++;
    return err;
}

static inline tr_err begin_parts(tr_self *self, struct scene *s, const tr_msg *m, tr_flow *flow)
{
    int n = 0;
    (void) tr_args(m, &n);
    tr_err err = tr_flow_answer(self, m, flow);
    return err == TR_OK ? write_parts(self, s, flow, n) : err;
}

static inline tr_err on_list(tr_self *self, void *state, const tr_msg *m)
{
    tr_flow flow;
    tr_err err = begin_parts(self, *(struct scene **) state, m, &flow);
    return err == TR_OK ? tr_flow_end(self, &flow) : err;
}

static inline tr_err on_total(tr_self *self, void *state, const tr_msg *m)
{
    tr_flow flow;
    tr_err err = begin_parts(self, *(struct scene **) state, m, &flow);
    return err == TR_OK ? tr_reply(self, m, "total", (*(struct scene **) state)->parts) : err;
}

static inline tr_err on_break(tr_self *self, void *state, const tr_msg *m)
{
    tr_flow flow;
    tr_err err = begin_parts(self, *(struct scene **) state, m, &flow);
    return err == TR_OK ? tr_fail_with(self, NO_SHELF, "no shelf %d", 3) : err;
}

static inline tr_err on_fail(tr_self *self, void *state, const tr_msg *m)
{
    tr_flow flow;
    tr_err err = begin_parts(self, *(struct scene **) state, m, &flow);
    return err == TR_OK ? tr_flow_fail(self, &flow, NO_SHELF, "not shelf %d", 4) : err;
}

static inline tr_err on_forget(tr_self *self, void *state, const tr_msg *m)
{
    tr_flow flow;
    return begin_parts(self, *(struct scene **) state, m, &flow);
}

static inline tr_err on_closed(tr_self *self, void *state, const tr_msg *m)
{
    tr_flow flow;
    tr_err err = begin_parts(self, *(struct scene **) state, m, &flow);
    return err == TR_OK ? TR_ECLOSED : err;
}

static inline tr_err on_die(tr_self *self, void *state, const tr_msg *m)
{
    tr_flow flow;
    (void) begin_parts(self, *(struct scene **) state, m, &flow);
    tr_fail(self, NO_SHELF, "the store burnt down");
}

/* Writes until it cannot, says why and when. */
static inline tr_err on_endless(tr_self *self, void *state, const tr_msg *m)
{
    struct scene *s = *(struct scene **) state;
    tr_flow flow;
    tr_err err = begin_parts(self, s, m, &flow);
    if (err == TR_OK)
        err = write_parts(self, s, &flow, 1000000);
    note(&s->notes, "store:%s:%d@%ld", tr_err_name(err) + 3, tr_is_dead(m), now_ms(self));
    return err;
}

/* One part, and then a wait that has nothing to do with the flow. */
static inline tr_err on_sleepy(tr_self *self, void *state, const tr_msg *m)
{
    struct scene *s = *(struct scene **) state;
    tr_flow flow;
    tr_err err = tr_flow_answer(self, m, &flow);
    if (err == TR_OK)
        err = write_parts(self, s, &flow, 1);
    if (err == TR_OK)
        err = tr_sleep(self, 1000);
    note(&s->notes, "asleep:%s:%d@%ld", tr_err_name(err) + 3, tr_is_dead(m), now_ms(self));
    return err;
}

/* Adds up what the asker writes. */
static inline tr_err on_sum(tr_self *self, void *state, const tr_msg *m)
{
    struct scene *s = *(struct scene **) state;
    tr_flow flow;
    const tr_msg *part;
    int sum = 0, n;
    tr_err err = tr_flow_answer(self, m, &flow);
    while (err == TR_OK && (err = tr_flow_next(self, &flow, &part)) == TR_OK)
        if (tr_is(part, "item", &n))
            sum += n;
    note(&s->notes, "store:%s", tr_err_name(err) + 3);
    if (err != TR_ECLOSED)
        return err;
    err = tr_flow_write(self, &flow, "sum", sum);
    return err == TR_OK ? tr_flow_end(self, &flow) : err;
}

static inline tr_err on_stop(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) state, (void) m;
    return TR_STOP;
}

static const tr_handler store_rows[] = {
    { "list", "n:int", "...", on_list, NULL, 0, NULL },
    { "total", "n:int", "...", on_total, NULL, 0, NULL },
    { "break", "n:int", "...", on_break, NULL, 0, NULL },
    { "fail", "n:int", "...", on_fail, NULL, 0, NULL },
    { "forget", "n:int", "...", on_forget, NULL, 0, NULL },
    { "closed", "n:int", "...", on_closed, NULL, 0, NULL },
    { "die", "n:int", "...", on_die, NULL, 0, NULL },
    { "endless", "", "...", on_endless, NULL, 0, NULL },
    { "sleepy", "", "...", on_sleepy, NULL, TR_CANCELS, NULL },
    { "sum", "", "...", on_sum, NULL, 0, NULL },
    { "stop", "", NULL, on_stop, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour store = {
    .name = "store", .state_size = sizeof(struct scene *), .handlers = store_rows, .init = store_init
};

static inline tr_err late_writer(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_flow flow;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_flow_answer(self, m, &flow);
    for (int i = 0; i < 3 && err == TR_OK; i++)
        if ((err = tr_sleep(self, 10)) == TR_OK)
            err = tr_flow_write(self, &flow, "item", i);
    note(&s->notes, "writer:%s", tr_err_name(err) + 3);
    return err == TR_OK ? tr_flow_end(self, &flow) : TR_OK;
}

/* ---- reading ---- */

static inline tr_err note_part(struct scene *s, tr_err err, const tr_msg *part)
{
    char text[64];
    if (err != TR_OK)
        return note_err(&s->notes, err);
    tr_msg_print(part, text, sizeof text);
    note(&s->notes, "%s", text);
    return TR_OK;
}

static inline tr_err read_all(tr_self *self, struct scene *s)
{
    const tr_msg *part;
    tr_err err = TR_OK;
    while (err == TR_OK) {
        err = tr_flow_next(self, &s->flow, &part);
        (void) note_part(s, err, part);
    }
    return err;
}

/* Opens, reads to the end, closes. */
#define note_flow(self, s, opts, ...)                                                    \
    do {                                                                                 \
        tr_err err_ = tr_flow_open((self), (s)->store, (opts), &(s)->flow, __VA_ARGS__); \
        if (err_ == TR_OK)                                                               \
            (void) read_all((self), (s));                                                \
        else                                                                             \
            (void) note_err(&(s)->notes, err_);                                          \
        tr_flow_close((self), &(s)->flow);                                               \
    } while (0)

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        (void) state;                                    \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static inline tr_err open_store(tr_self *self, struct scene *s)
{
    return tr_spawn(self, &store, s, &s->store);
}

#endif
