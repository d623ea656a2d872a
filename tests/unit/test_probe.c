/* SPDX-License-Identifier: MIT */
/* test_probe.c - cycles of waits that go over several workers (src/actor/probe.c) */
#include <stdatomic.h>

#include "support/actor_test.h"

struct ring {
    tr_addr member[3];
    size_t len;
    atomic_int ready, deadlocks, others;
    char text[320];
};

/* Runs main_fn on a node with two workers; nothing may be left over. */
static tr_err run_on_two(tr_body_fn *main_fn, void *arg)
{
    tr_node *node;
    char left[512] = "";
    const tr_node_opts opts = { .size = sizeof opts, .workers = 2 };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = main_fn, .arg = arg };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    alarm(WATCHDOG_S);
    tr_err err = tr_node_run(node);
    alarm(0);
    size_t things = tr_test_leftovers(node, left, sizeof left);
    tr_node_destroy(&node);
    if (things > 0)
        fail_msg("left over: %s", left);
    return err;
}

static tr_err place(tr_self *self, tr_body_fn *body, void *arg, unsigned worker, tr_addr *to)
{
    const tr_spawn_opts opts = {
        .size = sizeof opts, .body = body, .arg = arg, .place = TR_PLACE_WORKER, .worker = worker
    };
    return tr_spawn_with(self, &opts, to);
}

static size_t index_of(struct ring *r, tr_addr who)
{
    size_t i = 0;
    while (i < r->len && !tr_addr_eq(r->member[i], who))
        i++;
    return i;
}

/* Asks the next in the ring, which does the same and answers nobody before. */
static tr_err ask_next(tr_self *self, void *arg)
{
    struct ring *r = arg;
    const tr_msg *m, *reply;
    tr_err err = tr_recv(self, &m); /* "go": all of them are there */
    if (err != TR_OK)
        return err;
    size_t next = (index_of(r, tr_self_addr(self)) + 1) % r->len;
    err = tr_ask(self, r->member[next], &reply, "question");
    if (err == TR_EDEADLK && atomic_fetch_add(&r->deadlocks, 1) == 0)
        snprintf(r->text, sizeof r->text, "%s", tr_error(self)->text);
    else if (err != TR_EDEADLK && err != TR_OK)
        atomic_fetch_add(&r->others, 1);
    while (tr_recv_for(self, 0, &m) == TR_OK)
        if (tr_is_request(m))
            (void) tr_reply(self, m);
    return TR_OK;
}

static tr_err ring_main(tr_self *self, void *arg)
{
    struct ring *r = arg;
    for (size_t i = 0; i < r->len; i++)
        if (place(self, ask_next, r, (unsigned) i % 2, &r->member[i]) != TR_OK)
            return TR_EFAILED;
    for (size_t i = 0; i < r->len; i++)
        (void) tr_send(self, r->member[i], "go");
    for (size_t i = 0; i < r->len; i++)
        if (tr_join(self, r->member[i], NULL) != TR_OK)
            return TR_EFAILED;
    return TR_OK;
}

static void two_that_ask_each_other_over_workers_are_told_before_any_deadline(void **state)
{
    (void) state;
    struct ring r = { .len = 2 };
    assert_int_equal(run_on_two(ring_main, &r), TR_OK);
    assert_true(r.deadlocks >= 1);
    assert_non_null(strstr(r.text, "deadlock: body <"));
    assert_non_null(strstr(r.text, " waits for body <"));
}

static void three_that_ask_in_a_ring_over_workers_are_told(void **state)
{
    (void) state;
    struct ring r = { .len = 3 };
    assert_int_equal(run_on_two(ring_main, &r), TR_OK);
    assert_true(r.deadlocks >= 1);
}

struct family {
    tr_addr parent;
    tr_err child_err;
};

static tr_err ask_parent(tr_self *self, void *arg)
{
    struct family *f = arg;
    const tr_msg *reply;
    f->child_err = tr_ask(self, f->parent, &reply, "question");
    return f->child_err;
}

static tr_err join_child(tr_self *self, void *arg)
{
    struct family *f = arg;
    tr_addr child;
    f->parent = tr_self_addr(self);
    tr_err err = place(self, ask_parent, f, 1, &child);
    if (err == TR_OK)
        err = tr_join(self, child, NULL);
    (void) tr_cancel_wait(self, child, NULL, 1000);
    return err == TR_EDEADLK || err == TR_EDOWN ? TR_OK : err; /* who is told first */
}

static void joining_a_child_elsewhere_that_asks_its_parent_is_a_cycle(void **state)
{
    (void) state;
    struct family f = { .child_err = TR_OK };
    tr_err err = run_on_two(join_child, &f);
    assert_true(err == TR_OK);
    assert_true(f.child_err == TR_EDEADLK || f.child_err == TR_ECANCELED || f.child_err == TR_EDOWN);
}

static tr_err answer_late(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_sleep(self, 200);
    return err == TR_OK ? tr_reply(self, m, 1) : err;
}

static tr_err wait_long(tr_self *self, void *arg)
{
    (void) arg;
    tr_addr to;
    const tr_msg *reply;
    tr_err err = place(self, answer_late, NULL, 1, &to);
    return err == TR_OK ? tr_ask(self, to, &reply, "question") : err;
}

static tr_err wait_long_main(tr_self *self, void *arg)
{
    *(tr_err *) arg = wait_long(self, NULL);
    return TR_OK;
}

static void a_long_wait_that_is_no_cycle_is_no_alarm(void **state)
{
    (void) state;
    tr_err result = TR_EFAILED;
    assert_int_equal(run_on_two(wait_long_main, &result), TR_OK);
    assert_int_equal(result, TR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_that_ask_each_other_over_workers_are_told_before_any_deadline),
        cmocka_unit_test(three_that_ask_in_a_ring_over_workers_are_told),
        cmocka_unit_test(joining_a_child_elsewhere_that_asks_its_parent_is_a_cycle),
        cmocka_unit_test(a_long_wait_that_is_no_cycle_is_no_alarm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
