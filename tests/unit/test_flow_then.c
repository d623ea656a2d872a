/* SPDX-License-Identifier: MIT */
/* test_flow_then.c - flows of behaviours that never wait: tr_flow_next_then, tr_flow_room_then (src/share/flow.c,
 * relay.c; docs/semantics.md, S40) */
#include "support/flow_test.h"

/* ---- writing ---- */

/* A behaviour that answers in parts and never waits, as one that is called by a library does. */
struct pump {
    struct scene *scene;
    tr_msg *request;
    tr_flow flow;
    int n;
};

static tr_err pump_more(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx);

static tr_err pump_end(tr_self *self, struct pump *p, tr_err err)
{
    if (err == TR_OK)
        err = tr_flow_end(self, &p->flow);
    note(&p->scene->notes, "pump:%d:%s", p->n, tr_err_name(err) + 3);
    tr_flow_close(self, &p->flow);
    tr_drop(self, &p->request);
    return TR_OK;
}

static tr_err pump_more(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    struct pump *p = state;
    (void) reply;
    tr_check(self, ctx == &p->n);
    while (err == TR_OK && p->n < 10)
        if ((err = tr_flow_try_write(self, &p->flow, "item", p->n)) == TR_OK)
            p->n++;
    if (err == TR_EFULL && p->n > 0 && p->scene->stop_at == 1)
        return TR_OK; /* it has other things to do */
    if (err == TR_EFULL)
        return tr_flow_room_then(self, &p->flow, pump_more, &p->n);
    return pump_end(self, p, err);
}

static tr_err on_pump(tr_self *self, void *state, const tr_msg *m)
{
    struct pump *p = state;
    p->request = tr_keep(self, m);
    tr_err err = tr_flow_answer(self, p->request, &p->flow);
    return err == TR_OK ? pump_more(self, p, TR_OK, NULL, &p->n) : err;
}

static tr_err on_pump_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct pump *p = state;
    (void) m;
    note(&p->scene->notes, "gone:%d", tr_is_dead(p->request));
    return pump_end(self, p, TR_ECANCELED);
}

static tr_err pump_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    ((struct pump *) state)->scene = arg;
    return TR_OK;
}

static const tr_handler pump_rows[] = {
    { "pump", "", "...", on_pump, NULL, 0, on_pump_gone },
    { 0 },
};
static const tr_behaviour pump = {
    .name = "pump", .state_size = sizeof(struct pump), .handlers = pump_rows, .init = pump_init
};

static tr_err read_from_a_pump(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_flow_opts few = { .size = sizeof few, .parts_max = 4 };
    tr_err err = tr_spawn(self, &pump, s, &s->store);
    note_flow(self, s, &few, "pump");
    return err;
}

/* S40.11 */
static void a_behaviour_writes_without_waiting(void **state)
{
    run_scene(read_from_a_pump, "item 0 item 1 item 2 item 3 item 4 item 5 item 6 item 7 pump:10:OK item 8 item 9 "
                                "ECLOSED");
}

static tr_err leave_a_pump(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *part;
    const tr_flow_opts few = { .size = sizeof few, .parts_max = 4 };
    tr_err err = tr_spawn(self, &pump, s, &s->store);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, &few, &s->flow, "pump");
    if (err == TR_OK)
        err = tr_flow_next(self, &s->flow, &part);
    tr_flow_close(self, &s->flow);
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

/* S40.8: by the call that waits, once. */
static void the_askers_end_is_told_to_one_that_waits_for_room(void **state)
{
    run_scene(leave_a_pump, "pump:4:EDOWN");
}

/* S40.8 */
static void the_askers_end_is_told_to_a_kept_request(void **state)
{
    struct scene s = { .stop_at = 1 };
    (void) state;
    assert_int_equal(run_actor(leave_a_pump, &s), TR_OK);
    assert_string_equal(s.notes.text, "gone:1 pump:4:ECANCELED");
}

/* ---- reading ---- */

/* A behaviour that reads in callbacks, of a flow that outlives the handler that opened it. */
struct sink {
    struct scene *scene;
    tr_flow flow;
};

static tr_err sink_next(tr_self *self, void *state, tr_err err, const tr_msg *part, void *ctx)
{
    struct sink *k = state;
    (void) note_part(k->scene, err, part);
    if (err == TR_OK && k->scene->stop_at-- != 1)
        return tr_flow_next_then(self, &k->flow, sink_next, ctx);
    tr_flow_close(self, &k->flow);
    return TR_OK;
}

static tr_err on_sink(tr_self *self, void *state, const tr_msg *m)
{
    struct sink *k = state;
    const tr_flow_opts opts = { .size = sizeof opts, .flags = TR_FLOW_KEEP };
    void *scene;
    if (tr_args(m, &scene) != TR_OK)
        return TR_EBADMSG;
    k->scene = scene;
    tr_err err = tr_flow_open(self, k->scene->store, &opts, &k->flow, "list", 3);
    if (err == TR_OK)
        err = tr_flow_next_then(self, &k->flow, sink_next, NULL);
    if (err == TR_OK)
        note_err(&k->scene->notes, tr_flow_next_then(self, &k->flow, sink_next, NULL));
    return err;
}

static const tr_handler sink_rows[] = {
    { "sink", "scene:ptr", NULL, on_sink, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour sink = { .name = "sink", .state_size = sizeof(struct sink), .handlers = sink_rows };

static tr_err read_in_callbacks(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_spawn(self, &sink, NULL, &s->other);
    if (err == TR_OK)
        err = tr_send(self, s->other, "sink", tr_local_ptr(s));
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

/* S40.11 */
static void a_behaviour_reads_without_waiting(void **state)
{
    run_scene(read_in_callbacks, "EBUSY item 0 item 1 item 2 ECLOSED");
}

static void a_flow_closed_in_its_callback_leaves_nothing(void **state)
{
    struct scene s = { .stop_at = 2 };
    (void) state;
    assert_int_equal(run_actor(read_in_callbacks, &s), TR_OK);
    assert_string_equal(s.notes.text, "EBUSY item 0 item 1");
}

/* Opens a flow of one who writes late, waits for its first part, and closes before that comes. */
static tr_err on_give_up(tr_self *self, void *state, const tr_msg *m)
{
    struct sink *k = state;
    (void) m;
    tr_flow_close(self, &k->flow);
    memset(&k->flow, 0x55, sizeof k->flow); /* nobody may look at it any more */
    return TR_OK;
}

static tr_err on_wait(tr_self *self, void *state, const tr_msg *m)
{
    struct sink *k = state;
    void *scene;
    const tr_flow_opts opts = { .size = sizeof opts, .flags = TR_FLOW_KEEP };
    tr_args(m, &scene);
    k->scene = scene;
    tr_err err = tr_flow_open(self, k->scene->store, &opts, &k->flow, "list", 3);
    return err == TR_OK ? tr_flow_next_then(self, &k->flow, sink_next, NULL) : err;
}

static const tr_handler quitter_rows[] = {
    { "wait", "scene:ptr", NULL, on_wait, NULL, 0, NULL },
    { "give up", "", NULL, on_give_up, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour quitter = { .name = "quitter", .state_size = sizeof(struct sink), .handlers = quitter_rows };

static tr_err quit(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, late_writer, s, &s->store);
    if (err == TR_OK)
        err = tr_spawn(self, &quitter, NULL, &s->other);
    if (err == TR_OK)
        err = tr_send(self, s->other, "wait", tr_local_ptr(s));
    (void) tr_sleep(self, 5);
    if (err == TR_OK)
        err = tr_send(self, s->other, "give up");
    return err == TR_OK ? tr_join(self, s->store, NULL) : err;
}

/* S40.11 */
static void after_a_close_its_function_is_not_called(void **state)
{
    run_scene(quit, "writer:EDOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_behaviour_writes_without_waiting),
        cmocka_unit_test(the_askers_end_is_told_to_one_that_waits_for_room),
        cmocka_unit_test(the_askers_end_is_told_to_a_kept_request),
        cmocka_unit_test(a_behaviour_reads_without_waiting),
        cmocka_unit_test(a_flow_closed_in_its_callback_leaves_nothing),
        cmocka_unit_test(after_a_close_its_function_is_not_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
