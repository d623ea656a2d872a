/* SPDX-License-Identifier: MIT */
/* test_workers.c - a node with several workers, as its users see it: where actors run, and that all else stays right */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

#include "support/workers.h"

static tr_err take_arg(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(void **) state = arg;
    return TR_OK;
}

/* ---- placement ---- */

struct places {
    struct notes notes;
    atomic_int where[4];
    atomic_int ran;
};

static tr_err note_worker(tr_self *self, void *arg)
{
    atomic_store((atomic_int *) arg, (int) tr_self_worker(self));
    return TR_OK;
}

static tr_err place_everywhere(tr_self *self, void *arg)
{
    struct places *p = arg;
    tr_addr who[3];
    tr_err err = spawn_on(self, 1, note_worker, NULL, &p->where[0], &who[0]);
    const tr_spawn_opts here = {
        .size = sizeof here, .body = note_worker, .arg = &p->where[1], .place = TR_PLACE_HERE
    };
    const tr_spawn_opts nowhere = {
        .size = sizeof nowhere, .body = note_worker, .place = TR_PLACE_WORKER, .worker = 2
    };
    if (err == TR_OK)
        err = tr_spawn_with(self, &here, &who[1]);
    if (err == TR_OK)
        err = tr_spawn(self, note_worker, &p->where[2], &who[2]); /* a body with a pointer */
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_join(self, who[i], NULL);
    note(&p->notes, "%u of %u", tr_self_worker(self), tr_node_workers(tr_self_node(self)));
    note_err(&p->notes, tr_spawn_with(self, &nowhere, NULL));
    return err;
}

static void an_actor_runs_where_it_was_placed(void **state)
{
    (void) state;
    struct places p = { .where = { 9, 9, 9, 9 } };
    assert_int_equal(run_workers(2, place_everywhere, &p), TR_OK);
    assert_int_equal(p.where[0], 1);
    assert_int_equal(p.where[1], 0);
    assert_int_equal(p.where[2], 0);
    assert_string_equal(p.notes.text, "0 of 2 EINVAL");
}

/* Bodies with a pointer, none of which may run on another worker while this one is held. */
static tr_err count_body(tr_self *self, void *arg)
{
    (void) self;
    atomic_fetch_add((atomic_int *) arg, 1);
    return TR_OK;
}

static tr_err hold_with_bodies(tr_self *self, void *arg)
{
    struct places *p = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 20 && err == TR_OK; i++)
        err = tr_spawn(self, count_body, &p->ran, NULL);
    for (long until = real_ms() + 20; real_ms() < until;)
        sched_yield();
    note(&p->notes, "%d", atomic_load(&p->ran));
    return err == TR_OK ? wait_until(self, &p->ran, 20) : err;
}

static void a_body_with_a_pointer_stays_with_its_spawner(void **state)
{
    (void) state;
    struct places p = { .ran = 0 };
    assert_int_equal(run_workers(2, hold_with_bodies, &p), TR_OK);
    assert_string_equal(p.notes.text, "0");
}

/* A behaviour with a message behind a worker that is held; movable or not. */
static tr_err count_message(tr_self *self, void *state, const tr_msg *m)
{
    struct places *p = *(void **) state;
    bool pin = false, unpin = false;
    tr_args(m, &pin, &unpin);
    if (pin)
        (void) tr_pin(self);
    if (unpin)
        (void) tr_unpin(self);
    atomic_store(&p->where[0], (int) tr_self_worker(self));
    atomic_fetch_add(&p->ran, 1);
    return TR_OK;
}

static const tr_handler place_rows[] = { { .tag = "count", .args = "pin:bool, unpin:bool", .run = count_message },
                                         { .tag = NULL } };
static const tr_behaviour placed = {
    .name = "placed", .state_size = sizeof(void *), .handlers = place_rows, .init = take_arg
};

/* Whether it ran elsewhere while this worker was held for 20 ms. */
static bool ran_elsewhere(struct places *p, int before)
{
    for (long until = real_ms() + 20; real_ms() < until && atomic_load(&p->ran) == before;)
        sched_yield();
    return atomic_load(&p->ran) != before;
}

static tr_err hold_pinned_and_not(tr_self *self, void *arg)
{
    struct places *p = arg;
    tr_addr who[2];
    const tr_spawn_opts here = { .size = sizeof here, .behaviour = &placed, .arg = p, .place = TR_PLACE_HERE };
    tr_err err = TR_OK;
    int n = 0;
    do { /* until one has not moved before its pin */
        err = tr_spawn(self, &placed, p, &who[0]);
        if (err == TR_OK)
            err = tr_send(self, who[0], "count", true, false);
        if (err == TR_OK)
            err = wait_until(self, &p->ran, ++n);
    } while (err == TR_OK && atomic_load(&p->where[0]) != 0);
    if (err == TR_OK)
        err = tr_spawn_with(self, &here, &who[1]);
    if (err == TR_OK)
        err = tr_send(self, who[1], "count", true, true);
    if (err == TR_OK)
        err = wait_until(self, &p->ran, ++n);
    (void) tr_send(self, who[0], "count", false, true);
    note(&p->notes, "pinned:%d", ran_elsewhere(p, n));
    if (err == TR_OK)
        err = wait_until(self, &p->ran, ++n);
    (void) tr_send(self, who[1], "count", false, false);
    note(&p->notes, "placed:%d", ran_elsewhere(p, n));
    return err == TR_OK ? wait_until(self, &p->ran, n + 1) : err;
}

static void a_pin_holds_until_it_is_taken_away_and_a_placement_for_good(void **state)
{
    (void) state;
    struct places p = { .ran = 0 };
    assert_int_equal(run_workers(2, hold_pinned_and_not, &p), TR_OK);
    assert_string_equal(p.notes.text, "pinned:0 placed:0");
}

static tr_err hold_unpinned(tr_self *self, void *arg)
{
    struct places *p = arg;
    tr_addr who;
    tr_err err = tr_spawn(self, &placed, p, &who);
    if (err == TR_OK)
        err = tr_send(self, who, "count", true, true);
    if (err == TR_OK)
        err = wait_until(self, &p->ran, 1);
    atomic_store(&p->where[0], 9);
    if (err == TR_OK)
        err = tr_send(self, who, "count", false, false);
    hold_until(&p->ran, 2);
    return err;
}

static void a_behaviour_moves_to_a_worker_that_has_nothing_to_do(void **state)
{
    (void) state;
    struct places p = { .ran = 0 };
    assert_int_equal(run_workers(2, hold_unpinned, &p), TR_OK);
    assert_int_equal(p.where[0], 1);
}

/* ---- ends ---- */

struct ends {
    struct notes notes;
    atomic_int begun, reported, late;
    tr_addr who;
};

static tr_err fail_at_once(tr_self *self, void *arg)
{
    (void) arg;
    return tr_fail_with(self, TR_EUSER, "as agreed");
}

static tr_err with_result(tr_self *self, void *arg)
{
    (void) arg;
    return tr_result(self, 42);
}

static tr_err join_results(tr_self *self, void *arg)
{
    struct ends *e = arg;
    const tr_msg *result = NULL;
    int n = 0;
    tr_err err = spawn_on(self, 1, with_result, NULL, NULL, &e->who);
    note_err(&e->notes, err == TR_OK ? tr_join(self, e->who, &result) : err);
    if (result != NULL)
        tr_args(result, &n);
    note(&e->notes, "%d", n);
    err = spawn_on(self, 1, fail_at_once, NULL, NULL, &e->who);
    note_err(&e->notes, err == TR_OK ? tr_join(self, e->who, NULL) : err);
    note(&e->notes, "\"%s\"", tr_error(self)->text);
    note_err(&e->notes, tr_join(self, e->who, NULL)); /* from the record */
    tr_forget(self, e->who);
    note_err(&e->notes, tr_join(self, e->who, NULL));
    return TR_OK;
}

static void results_and_failures_of_actors_elsewhere_are_joined(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    assert_int_equal(run_workers(2, join_results, &e), TR_OK);
    assert_string_equal(e.notes.text, "OK 42 EUSER \"as agreed\" EUSER ENOPROC");
}

static tr_err join_many_failures(tr_self *self, void *arg)
{
    struct ends *e = arg;
    for (int i = 0; i < 500; i++) {
        tr_err err = spawn_on(self, 1, fail_at_once, NULL, NULL, &e->who);
        if (err == TR_OK)
            err = tr_join(self, e->who, NULL);
        if (err != TR_EUSER)
            return err;
    }
    return TR_OK;
}

static void count_failure(void *ctx, const tr_failure *failure)
{
    struct ends *e = ctx;
    if (failure->err == TR_EUSER)
        atomic_fetch_add(&e->reported, 1);
}

static void a_failure_elsewhere_that_was_joined_is_not_reported(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    const tr_node_opts opts = { .workers = 2, .on_failure = count_failure, .ctx = &e };
    assert_int_equal(run_workers_with(opts, join_many_failures, &e), TR_OK);
    assert_int_equal(e.reported, 0);
}

static tr_err spawn_a_failure(tr_self *self, void *arg)
{
    struct ends *e = arg;
    tr_err err = spawn_on(self, 1, fail_at_once, NULL, NULL, &e->who);
    return err == TR_OK ? tr_yield(self) : err;
}

static void a_failure_elsewhere_that_nobody_joined_is_reported_once(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    const tr_node_opts opts = { .workers = 2, .on_failure = count_failure, .ctx = &e };
    assert_int_equal(run_workers_with(opts, spawn_a_failure, &e), TR_OK);
    assert_int_equal(e.reported, 1);
}

/* Never ends by itself; says that it has begun. */
static tr_err begin_and_sleep(tr_self *self, void *arg)
{
    struct ends *e = arg;
    atomic_fetch_add(&e->begun, 1);
    return tr_sleep(self, 1000000);
}

static tr_err sleep_for_long(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 50000);
}

/* The same, and no cancel reaches it. */
static tr_err begin_and_ignore(tr_self *self, void *arg)
{
    struct ends *e = arg;
    atomic_fetch_add(&e->begun, 1);
    return tr_shield(self, 50000, sleep_for_long, NULL);
}

static tr_err end_them_all(tr_self *self, void *arg)
{
    struct ends *e = arg;
    tr_addr who[3];
    tr_body_fn *const bodies[] = { begin_and_sleep, begin_and_ignore, begin_and_sleep };
    tr_err err = TR_OK;
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = spawn_on(self, 1, bodies[i], NULL, e, &who[i]);
    if (err == TR_OK)
        err = wait_until(self, &e->begun, 3);
    note_err(&e->notes, tr_cancel_wait(self, who[0], "enough", TR_FOREVER));
    note_err(&e->notes, tr_cancel_wait(self, who[1], "enough", 5));
    (void) tr_kill(self, who[2], "enough");
    note_err(&e->notes, tr_join(self, who[2], NULL));
    note_err(&e->notes, tr_cancel(self, who[2], "the dead"));
    note_err(&e->notes, tr_kill(self, who[2], "the dead"));
    note_err(&e->notes, tr_cancel_wait(self, who[2], "the dead", TR_FOREVER));
    return err;
}

static void actors_elsewhere_are_cancelled_waited_for_and_killed(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    assert_int_equal(run_workers(2, end_them_all, &e), TR_OK);
    assert_string_equal(e.notes.text, "OK ETIMEDOUT EKILLED OK OK OK");
}

static tr_err sleep_then_ok(tr_self *self, void *arg)
{
    struct ends *e = arg;
    tr_err err = begin_and_sleep(self, e);
    atomic_fetch_add(&e->late, err == TR_ECANCELED);
    return err;
}

static tr_err scope_with_a_failure(tr_self *self, tr_scope *scope, void *arg)
{
    struct ends *e = arg;
    tr_spawn_opts opts = {
        .size = sizeof opts, .body = sleep_then_ok, .arg = e, .scope = scope, .place = TR_PLACE_WORKER, .worker = 1
    };
    tr_err err = TR_OK;
    for (int i = 0; i < 5 && err == TR_OK; i++)
        err = tr_spawn_with(self, &opts, NULL);
    if (err == TR_OK)
        err = wait_until(self, &e->begun, 5);
    opts.body = fail_at_once;
    return err == TR_OK ? tr_spawn_with(self, &opts, NULL) : err;
}

static tr_err run_scopes(tr_self *self, void *arg)
{
    struct ends *e = arg;
    note_err(&e->notes, tr_scope_run(self, NULL, scope_with_a_failure, e));
    note(&e->notes, "%d", atomic_load(&e->late));
    return TR_OK;
}

static void a_scope_cancels_and_waits_for_its_children_elsewhere(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    assert_int_equal(run_workers(2, run_scopes, &e), TR_OK);
    assert_string_equal(e.notes.text, "EUSER 5");
}

/* Its owner ends, and with it the children elsewhere. */
static tr_err leave_children(tr_self *self, void *arg)
{
    struct ends *e = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 5 && err == TR_OK; i++)
        err = spawn_on(self, (unsigned) i % 2, sleep_then_ok, NULL, e, NULL);
    return err == TR_OK ? wait_until(self, &e->begun, 5) : err;
}

static tr_err join_who_left_children(tr_self *self, void *arg)
{
    struct ends *e = arg;
    tr_err err = spawn_on(self, 1, leave_children, NULL, e, &e->who);
    note_err(&e->notes, err == TR_OK ? tr_join(self, e->who, NULL) : err);
    note(&e->notes, "%d", atomic_load(&e->late));
    return TR_OK;
}

static void whoever_ends_takes_its_children_elsewhere_along(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    assert_int_equal(run_workers(2, join_who_left_children, &e), TR_OK);
    assert_string_equal(e.notes.text, "OK 5");
}

static tr_err wait_for_several(tr_self *self, void *arg)
{
    struct ends *e = arg;
    size_t done = 0;
    tr_addr who[2];
    tr_err err = spawn_on(self, 1, with_result, NULL, NULL, &who[0]);
    if (err == TR_OK)
        err = spawn_on(self, 1, fail_at_once, NULL, NULL, &who[1]);
    if (err != TR_OK)
        return err;
    tr_wait_item items[] = { { .kind = TR_WAIT_END, .actor = who[0] }, { .kind = TR_WAIT_END, .actor = who[1] } };
    note_err(&e->notes, tr_wait(self, items, 2, TR_WAIT_ALL, TR_FOREVER, &done));
    note(&e->notes, "%zu %d %d", done, items[0].failed, items[1].failed);
    note_err(&e->notes, tr_join(self, who[1], NULL));
    err = spawn_on(self, 1, begin_and_sleep, NULL, e, &who[0]);
    items[0] = (tr_wait_item){ .kind = TR_WAIT_END, .actor = who[0] };
    note_err(&e->notes, err == TR_OK ? tr_wait(self, items, 1, TR_WAIT_ALL, 3, &done) : err);
    note(&e->notes, "%d", items[0].done);
    return TR_OK;
}

static void ends_elsewhere_are_waited_for_with_other_things_and_given_up(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    assert_int_equal(run_workers(2, wait_for_several, &e), TR_OK);
    assert_string_equal(e.notes.text, "OK 2 0 1 EUSER OK 0");
}

/* ---- names, requests ---- */

static tr_err note_gone(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    struct ends *e = *(void **) state;
    atomic_fetch_add(&e->begun, 1);
    tr_err err = tr_sleep(self, 1000000);
    atomic_fetch_add(&e->late, err == TR_ECANCELED);
    return err;
}

static tr_err hand_on(tr_self *self, void *state, const tr_msg *m)
{
    struct ends *e = *(void **) state;
    return tr_forward(self, m, e->who);
}

static tr_err say_worker(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_reply(self, m, (int) tr_self_worker(self));
}

static const tr_handler request_rows[] = {
    { .tag = "slow", .args = "", .run = note_gone, .flags = TR_CANCELS },
    { .tag = "on", .args = "", .run = hand_on },
    { .tag = "where", .args = "", .run = say_worker },
    { .tag = NULL },
};
static const tr_behaviour requests = {
    .name = "requests", .state_size = sizeof(void *), .handlers = request_rows, .init = take_arg
};

/* Until the handler had begun when the time was up: on a slow machine a request may be dropped before that. */
static tr_err ask_until_begun(tr_self *self, struct ends *e, tr_addr who, const char *tag)
{
    const tr_msg *reply;
    tr_err err = TR_ETIMEDOUT;
    while (err == TR_ETIMEDOUT && atomic_load(&e->begun) == 0)
        err = tr_ask_for(self, who, 5, &reply, tag);
    return err;
}

static tr_err ask_across(tr_self *self, void *arg)
{
    struct ends *e = arg;
    int n = 9;
    tr_addr first, who;
    const tr_msg *reply = NULL;
    const tr_spawn_opts named = {
        .size = sizeof named, .behaviour = &requests, .arg = e, .name = "there", .place = TR_PLACE_WORKER, .worker = 1
    };
    tr_err err = tr_spawn_with(self, &named, &e->who);
    if (err == TR_OK)
        err = spawn_on(self, 0, NULL, &requests, e, &first);
    if (err == TR_OK)
        err = tr_whereis(self, "there", &who);
    note(&e->notes, "%d", err == TR_OK && tr_addr_eq(who, e->who));
    note_err(&e->notes, tr_ask(self, who, &reply, "where"));
    if (reply != NULL)
        tr_args(reply, &n);
    note(&e->notes, "%d", n);
    note_err(&e->notes, tr_ask(self, who, &reply, "describe"));
    note_err(&e->notes, tr_ask(self, who, &reply, "no such request"));
    note_err(&e->notes, ask_until_begun(self, e, who, "slow")); /* the handler sees that its asker gave up */
    if (err == TR_OK)
        err = wait_until(self, &e->late, 1);
    (void) tr_kill(self, who, "its turn to go");
    note_err(&e->notes, tr_join(self, who, NULL));
    note_err(&e->notes, tr_ask(self, who, &reply, "where"));
    note_err(&e->notes, tr_whereis(self, "there", &who));
    return err;
}

static void requests_cross_with_names_errors_and_deadlines(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    assert_int_equal(run_workers(2, ask_across, &e), TR_OK);
    assert_string_equal(e.notes.text, "1 OK 1 OK EUNKNOWN ETIMEDOUT EKILLED ENOPROC ENOPROC");
}

static const tr_handler slow_on_rows[] = {
    { .tag = "on", .args = "", .run = note_gone, .flags = TR_CANCELS },
    { .tag = NULL },
};
static const tr_behaviour slow_on = {
    .name = "slow-on", .state_size = sizeof(void *), .handlers = slow_on_rows, .init = take_arg
};

/* The request goes from here to worker 1, and back to an actor here; then its asker gives up. */
static tr_err ask_forwarded(tr_self *self, void *arg)
{
    struct ends *e = arg;
    tr_addr first;
    tr_err err = spawn_on(self, 0, NULL, &slow_on, e, &e->who);
    if (err == TR_OK)
        err = spawn_on(self, 1, NULL, &requests, e, &first);
    note_err(&e->notes, err == TR_OK ? ask_until_begun(self, e, first, "on") : err);
    return err == TR_OK ? wait_until(self, &e->late, 1) : err;
}

static void a_request_handed_on_across_workers_is_cancelled_where_it_is(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    assert_int_equal(run_workers(2, ask_forwarded, &e), TR_OK);
    assert_string_equal(e.notes.text, "ETIMEDOUT");
    assert_true(e.begun >= 1);
}

/* ---- the node ---- */

static tr_err stop_with_all(tr_self *self, void *arg)
{
    struct ends *e = arg;
    for (unsigned i = 0; i < 8; i++) {
        const tr_spawn_opts opts = { .size = sizeof opts,
                                     .body = sleep_then_ok,
                                     .arg = e,
                                     .flags = TR_SPAWN_DETACHED,
                                     .place = TR_PLACE_WORKER,
                                     .worker = i % 4 };
        tr_err err = tr_spawn_with(self, &opts, NULL);
        if (err != TR_OK)
            return err;
    }
    tr_err err = wait_until(self, &e->begun, 8);
    tr_node_stop(tr_self_node(self), "enough");
    return err;
}

static void a_stop_reaches_actors_on_all_workers(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    assert_int_equal(run_workers(4, stop_with_all, &e), TR_OK);
    assert_int_equal(e.late, 8);
}

static tr_err stop_with_a_deaf_one(tr_self *self, void *arg)
{
    struct ends *e = arg;
    tr_err err = spawn_on(self, 1, begin_and_ignore, NULL, e, NULL);
    if (err == TR_OK)
        err = wait_until(self, &e->begun, 1);
    tr_node_stop(tr_self_node(self), "enough");
    return err;
}

static void who_ignores_a_stop_elsewhere_is_killed_after_the_grace(void **state)
{
    (void) state;
    struct ends e = { .begun = 0 };
    const tr_node_opts opts = { .workers = 2, .stop_grace_ms = 10 };
    assert_int_equal(run_workers_with(opts, stop_with_a_deaf_one, &e), TR_ETIMEDOUT);
}

static tr_err yield_a_little(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 100 && err == TR_OK; i++)
        err = tr_yield(self);
    return err;
}

static tr_err leave_the_last_elsewhere(tr_self *self, void *arg)
{
    (void) arg;
    const tr_spawn_opts opts = {
        .size = sizeof opts, .body = yield_a_little, .flags = TR_SPAWN_DETACHED, .place = TR_PLACE_WORKER, .worker = 1
    };
    return tr_spawn_with(self, &opts, NULL);
}

static void a_run_ends_when_the_last_actor_ends_on_another_worker(void **state)
{
    (void) state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(run_workers(2, leave_the_last_elsewhere, NULL), TR_OK);
}

static void options_that_cannot_be_are_refused(void **state)
{
    (void) state;
    tr_node *node = NULL;
    tr_node_opts opts = { .size = sizeof opts, .workers = 65 };
    assert_int_equal(tr_node_create(&opts, &node), TR_EINVAL);
    opts = (tr_node_opts){ .size = sizeof opts, .workers = 2, .virtual_clock = true };
    assert_int_equal(tr_node_create(&opts, &node), TR_EINVAL);
    opts = (tr_node_opts){ .size = sizeof opts, .workers = TR_ALL_CORES };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_true(tr_node_workers(node) >= 1 && tr_node_workers(node) <= 64);
    tr_node_destroy(&node);
}

/* ---- without threads ---- */

static atomic_int threads_left; /* then there is none to be had; 0: as many as you like */

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*) (void *), void *);
    *(void **) &real = dlsym(RTLD_NEXT, "pthread_create");
    if (atomic_load(&threads_left) > 0 && atomic_fetch_sub(&threads_left, 1) == 1) {
        atomic_store(&threads_left, 1);
        return EAGAIN;
    }
    return real(thread, attr, run, arg);
}

static void without_a_thread_for_a_worker_nothing_runs_and_nothing_is_lost(void **state)
{
    (void) state;
    for (int n = 1; n <= 3; n++) { /* with the ticker: the first, or the second worker's */
        tr_node *node;
        atomic_int where = 9;
        const tr_node_opts opts = { .size = sizeof opts, .workers = 3, .on_log = workers_quiet };
        const tr_spawn_opts spawn = {
            .size = sizeof spawn, .body = note_worker, .arg = &where, .place = TR_PLACE_WORKER, .worker = 2
        };
        assert_int_equal(tr_node_create(&opts, &node), TR_OK);
        assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
        atomic_store(&threads_left, n);
        alarm(WORKERS_WATCHDOG_S);
        tr_err err = tr_node_run(node);
        alarm(0);
        atomic_store(&threads_left, 0);
        assert_int_equal(err, TR_ENOMEM);
        assert_int_equal(where, 9);
        tr_node_destroy(&node);
    }
}

/* ---- rest ---- */

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw + usage.ru_nivcsw;
}

struct rest {
    long switches;
    long cpu_us;
};

static long cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static tr_err rest_a_while(tr_self *self, void *arg)
{
    struct rest *rest = arg;
    tr_addr who;
    tr_err err = spawn_on(self, 1, echo, NULL, NULL, &who);
    if (err == TR_OK)
        err = tr_sleep(self, 100); /* the ticker goes to rest, too */
    rest->switches = switches();
    rest->cpu_us = cpu_us();
    if (err == TR_OK)
        err = tr_sleep(self, 200);
    rest->switches = switches() - rest->switches;
    rest->cpu_us = cpu_us() - rest->cpu_us;
    return err;
}

/* The one that sleeps wakes once; and a little for the watchdog and the machine. */
static void a_node_at_rest_uses_no_processor_time(void **state)
{
    (void) state;
    struct rest rest;
    assert_int_equal(run_workers(2, rest_a_while, &rest), TR_OK);
    assert_in_range(rest.switches, 0, 20);
    assert_in_range(rest.cpu_us, 0, 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_actor_runs_where_it_was_placed),
        cmocka_unit_test(a_body_with_a_pointer_stays_with_its_spawner),
        cmocka_unit_test(a_pin_holds_until_it_is_taken_away_and_a_placement_for_good),
        cmocka_unit_test(a_behaviour_moves_to_a_worker_that_has_nothing_to_do),
        cmocka_unit_test(results_and_failures_of_actors_elsewhere_are_joined),
        cmocka_unit_test(a_failure_elsewhere_that_was_joined_is_not_reported),
        cmocka_unit_test(a_failure_elsewhere_that_nobody_joined_is_reported_once),
        cmocka_unit_test(actors_elsewhere_are_cancelled_waited_for_and_killed),
        cmocka_unit_test(a_scope_cancels_and_waits_for_its_children_elsewhere),
        cmocka_unit_test(whoever_ends_takes_its_children_elsewhere_along),
        cmocka_unit_test(ends_elsewhere_are_waited_for_with_other_things_and_given_up),
        cmocka_unit_test(requests_cross_with_names_errors_and_deadlines),
        cmocka_unit_test(a_request_handed_on_across_workers_is_cancelled_where_it_is),
        cmocka_unit_test(a_stop_reaches_actors_on_all_workers),
        cmocka_unit_test(who_ignores_a_stop_elsewhere_is_killed_after_the_grace),
        cmocka_unit_test(a_run_ends_when_the_last_actor_ends_on_another_worker),
        cmocka_unit_test(options_that_cannot_be_are_refused),
        cmocka_unit_test(without_a_thread_for_a_worker_nothing_runs_and_nothing_is_lost),
        cmocka_unit_test(a_node_at_rest_uses_no_processor_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
