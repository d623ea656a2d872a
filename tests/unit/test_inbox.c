/* SPDX-License-Identifier: MIT */
/* test_inbox.c - a mailbox that a thread reads (docs/semantics.md, S14.7, S14.8) */
#include <pthread.h>

#include "support/actor_test.h"

#define INBOX_MAX 8192 /* S9.1 */

struct run {
    struct notes notes;
    tr_node *node;
    tr_inbox *inbox;
    tr_addr inbox_addr, other_addr, actor;
    int dead, extra;
};

static void node_start(struct run *run, tr_node_opts opts)
{
    opts.size = sizeof opts;
    assert_int_equal(tr_node_create(&opts, &run->node), TR_OK);
    assert_int_equal(tr_inbox_open(run->node, &run->inbox, &run->inbox_addr), TR_OK);
    alarm(WATCHDOG_S);
}

static void node_end(struct run *run)
{
    tr_inbox_close(&run->inbox);
    assert_null(run->inbox);
    tr_node_destroy(&run->node);
    alarm(0);
}

static void run_body(struct run *run, tr_body_fn *body)
{
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = body, .arg = run };
    assert_int_equal(tr_node_spawn(run->node, &spawn, &run->actor), TR_OK);
    assert_int_equal(tr_node_run(run->node), TR_OK);
}

static void note_recv(struct run *run, int64_t timeout_ms)
{
    tr_msg *m = NULL;
    tr_err err = tr_inbox_recv(run->inbox, timeout_ms, &m);
    note(&run->notes, "%s", err == TR_OK ? tr_tag(m) : tr_err_name(err) + 3);
    tr_msg_free(&m);
}

static tr_err sends_three(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_send(self, run->inbox_addr, "one", "words", 1.5);
    (void) tr_send(self, run->inbox_addr, "two");
    (void) tr_send(self, run->inbox_addr, "three");
    return tr_sleep(self, 1); /* the inbox's actor has its turn */
}

/* S14.7, S1.1, S14.8: a message outlives the node it came from */
static void actors_send_to_an_inbox_as_to_any_actor(void **state)
{
    struct run run = { .dead = 0 };
    tr_msg *m = NULL;
    const char *words = "";
    double d = 0;
    (void) state;
    node_start(&run, (tr_node_opts){ 0 });
    run_body(&run, sends_three);
    assert_int_equal(tr_inbox_recv(run.inbox, 1000, &m), TR_OK);
    note_recv(&run, 1000);
    note_recv(&run, 1000);
    note_recv(&run, 5);
    note_recv(&run, 0);
    node_end(&run);
    assert_string_equal(run.notes.text, "two three ETIMEDOUT ETIMEDOUT");
    assert_true(tr_is(m, "one", &words, &d));
    assert_string_equal(words, "words");
    tr_msg_free(&m);
}

static void count_dead(void *ctx, const tr_dead_letter *letter)
{
    (void) letter;
    ((struct run *) ctx)->dead++;
}

static tr_err sends_too_many(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < INBOX_MAX + run->extra && err == TR_OK; i++)
        err = tr_send(self, run->inbox_addr, "m");
    note_err(&run->notes, err);
    return tr_sleep(self, 5);
}

/* S14.7: bounded, and refuses when full; what was refused is a dead letter */
static void full_inbox_refuses(void **state)
{
    struct run run = { .extra = 100 };
    (void) state;
    node_start(&run, (tr_node_opts){ .on_dead_letter = count_dead, .ctx = &run });
    run_body(&run, sends_too_many);
    assert_int_equal(run.dead, 100);
    for (int i = 0; i < INBOX_MAX; i++) {
        tr_msg *m;
        assert_int_equal(tr_inbox_recv(run.inbox, 1000, &m), TR_OK);
        tr_msg_free(&m);
    }
    note_recv(&run, 0);
    assert_string_equal(run.notes.text, "OK ETIMEDOUT");
    node_end(&run);
}

static void *run_node(void *node)
{
    (void) tr_node_run(node);
    return NULL;
}

static tr_err sends_back(tr_self *self, void *arg)
{
    const tr_msg *m;
    tr_addr to;
    tr_err err;
    (void) arg;
    while ((err = tr_recv(self, &m)) == TR_OK)
        if (tr_is(m, "to", &to))
            err = tr_send(self, to, "back");
    return err;
}

/* S14.7: opened and closed while another thread runs the node; blocks until something comes */
static void inbox_can_be_opened_and_closed_while_the_node_runs(void **state)
{
    struct run run = { .dead = 0 };
    tr_inbox *second;
    pthread_t thread;
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = sends_back };
    (void) state;
    node_start(&run, (tr_node_opts){ 0 });
    assert_int_equal(tr_node_spawn(run.node, &spawn, &run.actor), TR_OK);
    assert_int_equal(pthread_create(&thread, NULL, run_node, run.node), 0);
    assert_int_equal(tr_inbox_open(run.node, &second, &run.other_addr), TR_OK);
    (void) tr_post(run.node, run.actor, "to", run.inbox_addr);
    note_recv(&run, TR_FOREVER);
    tr_msg *m;
    (void) tr_post(run.node, run.actor, "to", run.other_addr);
    assert_int_equal(tr_inbox_recv(second, TR_FOREVER, &m), TR_OK);
    tr_msg_free(&m);
    (void) tr_post(run.node, run.actor, "to", run.other_addr);
    tr_inbox_close(&second);
    tr_node_stop(run.node, NULL);
    pthread_join(thread, NULL);
    node_end(&run);
    assert_string_equal(run.notes.text, "back");
}

static tr_err asks_the_inbox(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    note_err(&run->notes, tr_ask(self, run->inbox_addr, &m, "question"));
    return TR_OK;
}

/* S4.8: a thread cannot answer, so a request does not hang */
static void request_to_an_inbox_is_not_answered_and_does_not_hang(void **state)
{
    struct run run = { .dead = 0 };
    (void) state;
    node_start(&run, (tr_node_opts){ 0 });
    run_body(&run, asks_the_inbox);
    note_recv(&run, 1000);
    node_end(&run);
    assert_string_equal(run.notes.text, "ENOREPLY question");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actors_send_to_an_inbox_as_to_any_actor),
        cmocka_unit_test(full_inbox_refuses),
        cmocka_unit_test(inbox_can_be_opened_and_closed_while_the_node_runs),
        cmocka_unit_test(request_to_an_inbox_is_not_answered_and_does_not_hang),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
