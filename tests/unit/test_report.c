/* SPDX-License-Identifier: MIT */
/* test_report.c - a listing in words (docs/semantics.md, S70): what each actor waits for, since when, in the tree */
#include <stdio.h>

#include <troupe/debug.h>

#include "support/actor_test.h"

struct run {
    char *text;
    tr_addr server, other;
    int fd[2];
};

static char *listing(tr_node *node)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    tr_err err = out != NULL ? tr_debug_print(node, out) : TR_ENOMEM;
    if (out != NULL)
        fclose(out);
    return err == TR_OK ? text : NULL;
}

static tr_node *node_new(const char *name)
{
    tr_node *node;
    const tr_node_opts opts = { .size = sizeof opts, .name = name, .virtual_clock = true };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    alarm(WATCHDOG_S);
    return node;
}

static tr_addr add(tr_node *node, tr_body_fn *body, void *arg, const char *name)
{
    tr_addr who;
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = body, .arg = arg, .name = name };
    assert_int_equal(tr_node_spawn(node, &spawn, &who), TR_OK);
    return who;
}

static void node_end(tr_node **node)
{
    tr_node_destroy(node);
    alarm(0);
}

/* The test fails unless text has all of these, in this order. */
static void assert_has(const char *text, const char *const *words)
{
    assert_non_null(text);
    for (const char *at = text; *words != NULL; words++) {
        at = strstr(at, *words);
        if (at == NULL)
            fail_msg("no \"%s\" (in its place) in:\n%s", *words, text);
    }
}

#define HAS(text, ...) assert_has((text), (const char *const[]){ __VA_ARGS__, NULL })

/* ---- every kind of wait ---- */

static tr_err receives(tr_self *self, void *arg)
{
    const tr_msg *m;
    (void) arg;
    return tr_recv(self, &m);
}

static tr_err asks(tr_self *self, void *arg)
{
    const tr_msg *m;
    return tr_ask_for(self, ((struct run *) arg)->server, 5000, &m, "a question");
}

static tr_err gathers(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_pending p[2];
    tr_outcome outcomes[2];
    tr_err err = tr_ask_start(self, run->server, &p[0], "one");
    if (err == TR_OK)
        err = tr_ask_start(self, run->server, &p[1], "two");
    return err == TR_OK ? tr_gather(self, p, 2, TR_COLLECT, outcomes) : err;
}

static tr_err joins(tr_self *self, void *arg)
{
    tr_addr child;
    (void) arg;
    tr_err err = tr_spawn(self, receives, NULL, &child);
    return err == TR_OK ? tr_join(self, child, NULL) : err;
}

static tr_err waits_for_room(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_send(self, run->other, "fills it");
    return err == TR_OK ? tr_send(self, run->other, "waits") : err;
}

static tr_err waits_for_fd(tr_self *self, void *arg)
{
    return tr_fd_wait(self, ((struct run *) arg)->fd[0], TR_READABLE, TR_FOREVER, NULL);
}

static tr_err waits_for_several(tr_self *self, void *arg)
{
    tr_wait_item items[] = { { .kind = TR_WAIT_MAILBOX }, { .kind = TR_WAIT_TIME, .deadline = INT64_MAX - 1 } };
    (void) arg;
    return tr_wait(self, items, 2, TR_WAIT_FIRST, TR_FOREVER, NULL);
}

/* S70.1, S70.2 */
static void listing_says_what_each_actor_waits_for_and_since_when(void **state)
{
    struct run run = { .text = NULL };
    tr_node *node = node_new("shop");
    (void) state;
    assert_int_equal(pipe(run.fd), 0);
    const tr_spawn_opts narrow = { .size = sizeof narrow, .body = deaf, .name = "narrow", .mailbox_len_max = 1 };
    assert_int_equal(tr_test_advance(node, 300), TR_OK);
    run.server = add(node, deaf, NULL, "server");
    assert_int_equal(tr_node_spawn(node, &narrow, &run.other), TR_OK);
    add(node, receives, NULL, "reader");
    add(node, asks, &run, "asker");
    add(node, gathers, &run, "gatherer");
    add(node, joins, &run, "parent");
    add(node, waits_for_room, &run, "sender");
    add(node, waits_for_fd, &run, "watcher");
    add(node, waits_for_several, NULL, "chooser");
    tr_test_settle(node);
    assert_int_equal(tr_test_advance(node, 500), TR_OK);
    run.text = listing(node);
    HAS(run.text, "shop: 10 actors", "server <", "waiting, mailbox 3", "waits for a time, for 0.500 s", "narrow <",
        "reader <", "idle, mailbox 0", "waits for a message, for 0.500 s");
    HAS(run.text, "asker <", "waits for an answer of server <", ">, for 0.500 s, at most another 4.500 s", "gatherer <",
        "waits for answers (2 of 2 to come), for 0.500 s");
    HAS(run.text, "parent <", "waits for the end of body <", ">, for 0.500 s\n", "    body <", "sender <",
        "waits for room at narrow <");
    HAS(run.text, "watcher <", "waits for a descriptor ", "chooser <", "waits for several things (one of 2)");
    free(run.text);
    node_end(&node);
    close(run.fd[0]);
    close(run.fd[1]);
}

/* ---- the tree ---- */

static tr_err inner(tr_self *self, tr_scope *scope, void *arg)
{
    (void) arg;
    tr_err err = tr_spawn_in(self, scope, receives, NULL, NULL);
    return err == TR_OK ? tr_sleep(self, 9000) : err;
}

static tr_err outer(tr_self *self, tr_scope *scope, void *arg)
{
    const tr_scope_opts opts = { .size = sizeof opts, .name = "inner", .timeout_ms = 700, .shield = true };
    tr_err err = tr_spawn_in(self, scope, deaf, NULL, NULL);
    return err == TR_OK ? tr_scope_run(self, &opts, inner, arg) : err;
}

static tr_err scopes(tr_self *self, void *arg)
{
    const tr_scope_opts opts = { .size = sizeof opts, .name = "outer" };
    return tr_scope_run(self, &opts, outer, arg);
}

/* S70.3 */
static void listing_is_the_tree_of_owners_and_scopes(void **state)
{
    tr_node *node = node_new("tree");
    (void) state;
    add(node, scopes, NULL, "root");
    tr_test_settle(node);
    char *text = listing(node);
    HAS(text, "\nroot <", "\n  in its scope outer (1 alive)\n", "\n    body <", "waits for a time",
        "\n  in its scope inner (1 alive, shielded), at most another 0.700 s\n", "\n    body <", "waits for a message");
    free(text);
    node_end(&node);
}

/* ---- handlers ---- */

static tr_err on_slow(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    (void) m;
    return tr_sleep(self, 100);
}

static tr_err on_look(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = NULL;
    (void) state;
    void *p;
    if (tr_args(m, &p) != TR_OK)
        return TR_EINVAL;
    run = p;
    run->text = listing(tr_self_node(self));
    return TR_OK;
}

static const tr_handler clerk_rows[] = {
    { .tag = "slow", .args = "", .run = on_slow, .doc = "takes 100 ms" },
    { .tag = "look", .args = "run:ptr", .run = on_look, .doc = "takes a listing" },
    { .tag = NULL },
};
static const tr_behaviour clerk = { .name = "clerk", .handlers = clerk_rows };

/* S70.4 */
static void listing_says_what_a_handler_has_in_hand(void **state)
{
    tr_addr who;
    tr_node *node = node_new("office");
    const tr_spawn_opts spawn = { .size = sizeof spawn, .behaviour = &clerk };
    (void) state;
    assert_int_equal(tr_node_spawn(node, &spawn, &who), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    assert_int_equal(tr_post(node, who, "slow"), TR_OK);
    tr_test_settle(node);
    char *text = listing(node);
    HAS(text, "clerk <", "waiting, mailbox 0", "waits for a time, for 0.000 s", "(handling \"slow\")", "clerk <",
        "idle, mailbox 0");
    free(text);
    node_end(&node);
}

static tr_err sends_look(tr_self *self, void *arg)
{
    struct run *run = arg;
    return tr_send(self, run->server, "look", tr_local_ptr(run));
}

/* S70.5 */
static void actor_may_print_its_own_node_and_finds_itself_running(void **state)
{
    struct run run = { .text = NULL };
    tr_node *node = node_new("mirror");
    const tr_spawn_opts spawn = { .size = sizeof spawn, .behaviour = &clerk };
    (void) state;
    assert_int_equal(tr_node_spawn(node, &spawn, &run.server), TR_OK);
    add(node, sends_look, &run, NULL);
    tr_test_settle(node);
    HAS(run.text, "worker 0 (thread ", "runs clerk <", "clerk <", "running, mailbox 0", "runs (handling \"look\")\n",
        "#0 ");
    assert_null(strstr(run.text, "is not to be had"));
    free(run.text);
    node_end(&node);
}

/* ---- what fails ---- */

static void listing_without_memory_is_an_error_and_no_crash(void **state)
{
    tr_node *node = node_new("poor");
    tr_err err = TR_ENOMEM;
    (void) state;
    add(node, scopes, NULL, "root");
    tr_test_settle(node);
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    for (uint64_t n = 1; err != TR_OK && n < 100; n++) {
        (void) tr_test_fail_alloc(n);
        err = tr_debug_print(node, out);
        (void) tr_test_fail_alloc(0);
        assert_true(err == TR_OK || err == TR_ENOMEM);
        assert_true(n > 1 || err == TR_ENOMEM);
    }
    assert_int_equal(err, TR_OK);
    fclose(out);
    node_end(&node);
}

/* debug.h: TR_EIO */
static void stream_that_cannot_be_written_is_an_error(void **state)
{
    tr_node *node = node_new("full");
    FILE *out = fopen("/dev/full", "w");
    (void) state;
    assert_non_null(out);
    assert_int_equal(tr_debug_print(node, out), TR_EIO);
    fclose(out);
    node_end(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing_says_what_each_actor_waits_for_and_since_when),
        cmocka_unit_test(listing_is_the_tree_of_owners_and_scopes),
        cmocka_unit_test(listing_says_what_a_handler_has_in_hand),
        cmocka_unit_test(actor_may_print_its_own_node_and_finds_itself_running),
        cmocka_unit_test(listing_without_memory_is_an_error_and_no_crash),
        cmocka_unit_test(stream_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
