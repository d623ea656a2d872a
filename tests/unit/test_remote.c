/* SPDX-License-Identifier: MIT */
/* test_remote.c - messages to actors of other workers: order, bounds, room (src/actor/remote.c) */
#include "support/workers.h"

/* ---- order ---- */

struct posts {
    tr_node *node;
    tr_addr to;
    struct notes seen, dead;
};

static tr_err note_number(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    int n;
    tr_args(m, &n);
    struct posts **posts = state;
    note(&(*posts)->seen, "%d", n);
    return n == 4 ? TR_STOP : TR_OK;
}

static tr_err take_arg(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(void **) state = arg;
    return TR_OK;
}

static const tr_handler number_rows[] = { { .tag = "n", .args = "n:int", .run = note_number }, { .tag = NULL } };
static const tr_behaviour number_reader = {
    .name = "reader", .state_size = sizeof(void *), .handlers = number_rows, .init = take_arg
};

/* While one message of several that came together is put into the mailbox, another comes. */
static void post_the_fourth(void *ctx, const tr_dead_letter *letter)
{
    struct posts *posts = ctx;
    int n;
    tr_args(letter->msg, &n);
    note(&posts->dead, "%d", n);
    if (n == 1)
        (void) tr_post(posts->node, posts->to, "n", 4);
}

static void what_comes_while_others_are_put_into_the_mailbox_stays_behind_them(void **state)
{
    (void) state;
    struct posts posts = { 0 };
    const tr_node_opts opts = { .size = sizeof opts, .on_dead_letter = post_the_fourth, .ctx = &posts };
    const tr_spawn_opts spawn = { .size = sizeof spawn,
                                  .behaviour = &number_reader,
                                  .arg = &posts,
                                  .mailbox_len_max = 1,
                                  .full_policy = TR_FULL_DROP_OLD };
    assert_int_equal(tr_node_create(&opts, &posts.node), TR_OK);
    assert_int_equal(tr_node_spawn(posts.node, &spawn, &posts.to), TR_OK);
    for (int n = 1; n <= 3; n++)
        assert_int_equal(tr_post(posts.node, posts.to, "n", n), TR_OK);
    alarm(WATCHDOG_S);
    assert_int_equal(tr_node_run(posts.node), TR_OK);
    alarm(0);
    tr_node_destroy(&posts.node);
    assert_string_equal(posts.dead.text, "1 2");
    assert_string_equal(posts.seen.text, "3 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_while_others_are_put_into_the_mailbox_stays_behind_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
