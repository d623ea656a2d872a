/* SPDX-License-Identifier: MIT */
/* test_snapshot.c - a copy of who is there, taken while they run (docs/semantics.md, S70.6) */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "debug/snapshot.h"
#include "support/actor_test.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define LOOKS 30
#else
#define LOOKS 150
#endif

struct churn {
    tr_node *node;
    atomic_bool over;
    unsigned looks, actors, suspended, moving;
    bool wrong;
};

/* ---- load: actors come and go, ask, are cancelled and killed, have scopes and names ---- */

static tr_err child(tr_self *self, void *arg)
{
    (void) arg;
    tr_addr me = tr_self_addr(self);
    char name[32];
    snprintf(name, sizeof name, "child %llx", (unsigned long long) me.actor);
    tr_err err = tr_register(self, name);
    return err == TR_OK ? tr_sleep(self, (int64_t) (me.actor % 3)) : err;
}

static tr_err family(tr_self *self, tr_scope *scope, void *arg)
{
    tr_addr victim, echoer;
    const tr_msg *r;
    tr_err err = TR_OK;
    for (int i = 0; i < 4 && err == TR_OK; i++)
        err = tr_spawn_in(self, scope, child, arg, NULL);
    if (err == TR_OK)
        err = tr_spawn_in(self, scope, deaf, NULL, &victim);
    if (err == TR_OK)
        err = tr_spawn(self, echo, NULL, &echoer);
    for (int i = 0; i < 8 && err == TR_OK; i++)
        err = tr_ask(self, echoer, &r, "echo", i);
    if (err == TR_OK) {
        (void) tr_kill(self, victim, NULL);
        (void) tr_kill(self, echoer, NULL);
    }
    return err;
}

static tr_err churns(tr_self *self, void *arg)
{
    struct churn *churn = arg;
    tr_err err = TR_OK;
    while (!atomic_load(&churn->over) && (err == TR_OK || err == TR_EKILLED)) {
        const tr_scope_opts opts = { .size = sizeof opts, .name = "family", .keep_going = true };
        err = tr_scope_run(self, &opts, family, NULL);
    }
    return TR_OK;
}

/* ---- the one who looks ---- */

static void look(struct churn *churn)
{
    struct snapshot s;
    snapshot_take(&s, churn->node);
    churn->looks++;
    churn->wrong = churn->wrong || !s.readable || s.out_of_memory;
    for (size_t i = 0; i < s.actors_len; i++) {
        const struct snap_actor *a = &s.actors[i];
        churn->actors++;
        churn->wrong = churn->wrong || a->id == 0 || a->label[0] == '\0' || snapshot_find(&s, a->id) != a ||
                       !(a->flags & CELL_LIVE) || a->stacks_at + a->stacks_len > s.stacks_len;
        for (size_t k = 0; k < a->stacks_len; k++) {
            const struct snap_stack *stack = &s.stacks[a->stacks_at + k];
            churn->suspended += !stack->moving && !stack->runs;
            churn->moving += stack->moving;
            churn->wrong = churn->wrong || stack->bytes_at + stack->bytes_len > s.bytes_len ||
                           stack->scopes_at + stack->scopes_len > s.scopes_len;
        }
    }
    snapshot_fini(&s);
}

static void *looks(void *arg)
{
    struct churn *churn = arg;
    while (churn->looks < LOOKS || churn->suspended < LOOKS) /* the node may be slow to start */
        look(churn);
    atomic_store(&churn->over, true);
    return NULL;
}

/* S70.6: under ThreadSanitizer too, without one annotation: it is the kernel that reads */
static void snapshots_under_load(unsigned workers)
{
    pthread_t looker;
    struct churn churn = { .looks = 0 };
    const tr_node_opts opts = { .size = sizeof opts, .workers = workers };
    tr_spawn_opts spawn = { .size = sizeof spawn, .body = churns, .arg = &churn, .place = TR_PLACE_WORKER };
    assert_int_equal(tr_node_create(&opts, &churn.node), TR_OK);
    for (unsigned i = 0; i < 4; i++) {
        spawn.worker = i % workers;
        assert_int_equal(tr_node_spawn(churn.node, &spawn, NULL), TR_OK);
    }
    alarm(WATCHDOG_S * 10);
    assert_int_equal(pthread_create(&looker, NULL, looks, &churn), 0);
    assert_int_equal(tr_node_run(churn.node), TR_OK);
    pthread_join(looker, NULL);
    alarm(0);
    tr_node_destroy(&churn.node);
    assert_false(churn.wrong);
    assert_true(churn.actors > LOOKS);
}

static void snapshots_are_taken_while_actors_come_and_go(void **state)
{
    (void) state;
    snapshots_under_load(1);
}

static void snapshots_are_taken_of_several_workers_at_once(void **state)
{
    (void) state;
    snapshots_under_load(2);
}

/* ---- a node at rest ---- */

static tr_err three_deep(tr_self *self, tr_scope *scope, void *arg)
{
    int *depth = arg;
    const tr_scope_opts opts = { .size = sizeof opts, .name = "deeper" };
    (void) scope;
    return --*depth > 0 ? tr_scope_run(self, &opts, three_deep, depth) : tr_sleep(self, 1000);
}

static tr_err deep(tr_self *self, void *arg)
{
    return tr_scope_run(self, NULL, three_deep, arg);
}

static void stack_at_rest_is_copied_whole_with_its_scopes(void **state)
{
    struct snapshot s;
    tr_node *node;
    int depth = 3;
    const tr_node_opts opts = { .size = sizeof opts, .virtual_clock = true };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = deep, .arg = &depth, .name = "deep" };
    (void) state;
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    tr_test_settle(node);
    snapshot_take(&s, node);
    assert_int_equal(s.actors_len, 1);
    assert_string_equal(s.actors[0].label, "deep");
    assert_int_equal(s.actors[0].owner_at, s.workers[0].root_at);
    assert_int_equal(s.actors[0].stacks_len, 1);
    const struct snap_stack *stack = &s.stacks[0];
    assert_false(stack->moving);
    assert_int_equal(stack->wait.kind, WAIT_TIME);
    assert_int_equal(stack->scopes_len, 3);
    assert_string_equal(s.scopes[0].name, "deeper");
    assert_string_equal(s.scopes[2].name, "(no name)");
    assert_int_equal(stack->low, stack->registers.sp);
    assert_true(stack->bytes_len > 256);
    assert_in_range(stack->registers.bp, stack->low, stack->low + stack->bytes_len);
    assert_null(snapshot_find(&s, s.actors[0].id + 1));
    snapshot_fini(&s);
    tr_node_destroy(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshots_are_taken_while_actors_come_and_go),
        cmocka_unit_test(snapshots_are_taken_of_several_workers_at_once),
        cmocka_unit_test(stack_at_rest_is_copied_whole_with_its_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
