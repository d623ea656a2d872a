/* SPDX-License-Identifier: MIT */
/* test_thread.c - threads that are no actors: post, ask, look up (docs/semantics.md, S14) */
#include <pthread.h>

#include "support/actor_test.h"

#define THREADS 4
#define POSTS 500

struct run {
    struct notes notes;
    tr_node *node;
    tr_addr actor;
    int last[THREADS], disorder, total;
    tr_err err[THREADS];
    int answer[THREADS];
    char text[256];
};

struct side {
    struct run *run;
    int number;
};

static tr_err node_result;

static void *node_thread(void *node)
{
    node_result = tr_node_run(node);
    return NULL;
}

/* Runs a node in one thread and thread_fn in others (its argument: struct side), then stops it; nothing may be left
 * over. */
static void run_beside(const tr_spawn_opts *spawn, void *(*thread_fn)(void *), int threads, struct run *run)
{
    pthread_t runner, thread[THREADS];
    const tr_spawn_opts bystander = { .size = sizeof bystander,
                                      .body = deaf }; /* so that the node goes on when the actor has ended */
    struct side side[THREADS];
    assert_int_equal(tr_node_create(NULL, &run->node), TR_OK);
    assert_int_equal(tr_node_spawn(run->node, spawn, &run->actor), TR_OK);
    assert_int_equal(tr_node_spawn(run->node, &bystander, NULL), TR_OK);
    alarm(WATCHDOG_S);
    assert_int_equal(pthread_create(&runner, NULL, node_thread, run->node), 0);
    for (int i = 0; i < threads; i++) {
        side[i] = (struct side){ run, i };
        assert_int_equal(pthread_create(&thread[i], NULL, thread_fn, &side[i]), 0);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    tr_node_stop(run->node, "the test is over");
    pthread_join(runner, NULL);
    alarm(0);
    char left[512];
    size_t things = tr_test_leftovers(run->node, left, sizeof left);
    tr_node_destroy(&run->node);
    assert_int_equal(node_result, TR_OK);
    if (things > 0)
        fail_msg("left over: %s", left);
}

/* ---- posting ---- */

static tr_err on_post(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = *(struct run **) state;
    int number = 0, i = 0;
    (void) self;
    (void) tr_args(m, &number, &i);
    run->disorder += run->last[number] != i;
    run->last[number] = i + 1;
    run->total++;
    return TR_OK;
}

static tr_err on_total(tr_self *self, void *state, const tr_msg *m)
{
    return tr_reply(self, m, (*(struct run **) state)->total);
}

static tr_err on_twice(tr_self *self, void *state, const tr_msg *m)
{
    int n = 0;
    (void) state;
    (void) tr_args(m, &n);
    return tr_reply(self, m, 2 * n);
}

static tr_err on_no(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    (void) m;
    return tr_fail_with(self, TR_EUSER + 4, "never on a Sunday");
}

static tr_err on_silence(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_keep(self, m) != NULL ? TR_OK : TR_EFAILED;
}

static tr_err on_nothing(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) state;
    (void) m;
    return TR_OK;
}

static tr_err on_end(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) state;
    (void) m;
    return TR_STOP;
}

static tr_err server_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(struct run **) state = arg;
    return TR_OK;
}

static const tr_handler server_rows[] = {
    { .tag = "post", .args = "number:int, i:int", .run = on_post, .doc = "counts" },
    { .tag = "total", .args = "", .reply = "total:int", .run = on_total, .doc = "how many posts" },
    { .tag = "twice", .args = "n:int", .reply = "n:int", .run = on_twice, .doc = "2 n" },
    { .tag = "no", .args = "", .run = on_no, .doc = "always an error" },
    { .tag = "silence", .args = "", .run = on_silence, .doc = "is kept for ever" },
    { .tag = "nothing", .args = "", .run = on_nothing, .doc = "is not answered" },
    { .tag = "end", .args = "", .run = on_end, .doc = "ends" },
    { .tag = NULL },
};
static const tr_behaviour server = {
    .name = "server", .state_size = sizeof(struct run *), .handlers = server_rows, .init = server_init
};

static void *posts(void *arg)
{
    const struct side *side = arg;
    struct run *run = side->run;
    for (int i = 0; i < POSTS && run->err[side->number] == TR_OK; i++)
        run->err[side->number] = tr_post(run->node, run->actor, "post", side->number, i);
    tr_msg *m = NULL;
    tr_err err = tr_node_ask(run->node, run->actor, 10000, &m, "total"); /* behind this thread's posts */
    if (err == TR_OK)
        err = tr_args(m, &run->answer[side->number]);
    tr_msg_free(&m);
    if (err != TR_OK)
        run->err[side->number] = err;
    return NULL;
}

/* S14.3 */
static void posts_arrive_and_those_of_one_thread_in_order(void **state)
{
    struct run run = { .disorder = 0 };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .behaviour = &server, .arg = &run };
    (void) state;
    run_beside(&spawn, posts, THREADS, &run);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(run.err[i], TR_OK);
        assert_int_equal(run.last[i], POSTS);
        assert_in_range(run.answer[i], POSTS, THREADS * POSTS);
    }
    assert_int_equal(run.disorder, 0);
    assert_int_equal(run.total, THREADS * POSTS);
}

/* ---- asking ---- */

static void *asks(void *arg)
{
    const struct side *side = arg;
    struct run *run = side->run;
    tr_err err = TR_OK;
    for (int i = 0; i < 50 && err == TR_OK; i++) {
        tr_msg *m = NULL;
        int n = 0;
        err = tr_node_ask(run->node, run->actor, TR_FOREVER, &m, "twice", side->number * 1000 + i);
        if (err == TR_OK)
            err = tr_args(m, &n);
        run->answer[side->number] += n == 2 * (side->number * 1000 + i);
        tr_msg_free(&m);
    }
    run->err[side->number] = err;
    return NULL;
}

/* S14.5, S14.8 */
static void asks_of_several_threads_get_each_its_own_answer(void **state)
{
    struct run run = { .disorder = 0 };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .behaviour = &server, .arg = &run };
    (void) state;
    run_beside(&spawn, asks, THREADS, &run);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(run.err[i], TR_OK);
        assert_int_equal(run.answer[i], 50);
    }
}

static void *asks_in_vain(void *arg)
{
    struct run *run = ((struct side *) arg)->run;
    tr_msg *m = NULL;
    const tr_value no[] = { tr_str("no") };
    note_err(&run->notes, tr_node_ask_values(run->node, run->actor, 10000, &m, run->text, sizeof run->text, no, 1));
    note_err(&run->notes, tr_node_ask(run->node, run->actor, 10000, &m, "what"));
    note_err(&run->notes, tr_node_ask(run->node, run->actor, 10000, &m, "twice", "no number"));
    note_err(&run->notes, tr_node_ask(run->node, run->actor, 10000, &m, "nothing"));
    note_err(&run->notes, tr_node_ask(run->node, run->actor, 10, &m, "silence"));
    note_err(&run->notes, tr_node_ask(run->node, TR_ADDR_NIL, 10, &m, "x"));
    note_err(&run->notes, tr_node_ask(run->node, run->actor, 10000, &m, "end"));
    note_err(&run->notes, tr_node_ask(run->node, run->actor, 10000, &m, "twice", 1));
    note(&run->notes, "%d", m == NULL);
    return NULL;
}

/* S14.5, S4.2, S4.3, S4.6, S4.8 */
static void errors_of_an_ask_reach_the_thread_with_their_words(void **state)
{
    struct run run = { .disorder = 0 };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .behaviour = &server, .arg = &run };
    (void) state;
    run_beside(&spawn, asks_in_vain, 1, &run);
    assert_string_equal(run.notes.text, "EUSER+4 EUNKNOWN EBADMSG ENOREPLY ETIMEDOUT EINVAL ENOREPLY ENOPROC 1");
    assert_string_equal(run.text, "never on a Sunday");
}

static tr_err asks_its_own_node(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_msg *m = NULL;
    return note_err(&run->notes, tr_node_ask(tr_self_node(self), tr_self_addr(self), 10, &m, "x")) == TR_ESTATE
               ? TR_OK
               : TR_EFAILED;
}

/* S14.6 */
static void ask_of_the_thread_that_runs_the_node_is_refused(void **state)
{
    struct run run = { .disorder = 0 };
    (void) state;
    assert_int_equal(run_actor(asks_its_own_node, &run), TR_OK);
    assert_string_equal(run.notes.text, "ESTATE");
}

/* ---- a full mailbox, names, and the stopped ---- */

static void count_full(void *ctx, const tr_dead_letter *letter)
{
    ((struct run *) ctx)->total += letter->reason == TR_DEAD_FULL;
    ((struct run *) ctx)->disorder += letter->reason == TR_DEAD_NOPROC;
}

/* S14.4, S9.10: posts before the node runs are queued, and refused where an actor would wait */
static void post_to_a_full_mailbox_or_to_nobody_is_a_dead_letter_and_never_blocks(void **state)
{
    struct run run = { .disorder = 0 };
    const tr_node_opts opts = { .size = sizeof opts, .virtual_clock = true, .on_dead_letter = count_full, .ctx = &run };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = deaf, .mailbox_len_max = 2 };
    const tr_addr nobody = { 0, 987654321 };
    (void) state;
    assert_int_equal(tr_node_create(&opts, &run.node), TR_OK);
    assert_int_equal(tr_node_spawn(run.node, &spawn, &run.actor), TR_OK);
    for (int i = 0; i < 5; i++)
        (void) tr_post(run.node, run.actor, "m", i);
    (void) tr_post(run.node, nobody, "nobody");
    assert_int_equal(tr_post(run.node, TR_ADDR_NIL, "nil"), TR_EINVAL);
    tr_test_settle(run.node);
    assert_int_equal(run.total, 3);
    assert_int_equal(run.disorder, 1);
    tr_node_destroy(&run.node);
}

static void *looks_up(void *arg)
{
    struct run *run = ((struct side *) arg)->run;
    tr_addr who = TR_ADDR_NIL;
    note_err(&run->notes, tr_node_whereis(run->node, "the server", &who));
    note(&run->notes, "%d", tr_addr_eq(who, run->actor));
    note_err(&run->notes, tr_node_whereis(run->node, "nobody", &who));
    return NULL;
}

/* node.h */
static void names_can_be_looked_up_from_threads(void **state)
{
    struct run run = { .disorder = 0 };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .behaviour = &server, .arg = &run, .name = "the server" };
    (void) state;
    run_beside(&spawn, looks_up, 1, &run);
    assert_string_equal(run.notes.text, "OK 1 ENOPROC");
}

static void *asks_and_waits(void *arg)
{
    struct run *run = ((struct side *) arg)->run;
    tr_msg *m = NULL;
    (void) tr_post(run->node, run->actor, "go");
    note_err(&run->notes, tr_node_ask(run->node, run->actor, TR_FOREVER, &m, "never answered"));
    return NULL;
}

static tr_err ends_after_the_second(tr_self *self, void *arg)
{
    const tr_msg *m;
    (void) arg;
    tr_err err = tr_recv(self, &m);
    return err == TR_OK ? tr_recv(self, &m) : err;
}

/* S4.7, S14.5: the callee ends with the request in its hand */
static void ask_of_an_actor_that_ends_returns(void **state)
{
    struct run run = { .disorder = 0 };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = ends_after_the_second };
    (void) state;
    run_beside(&spawn, asks_and_waits, 1, &run);
    assert_string_equal(run.notes.text, "ENOREPLY");
}

/* ---- the node stops under them ---- */

static void *asks_until_it_is_turned_away(void *arg)
{
    struct run *run = arg;
    tr_err err;
    do {
        tr_msg *m = NULL;
        err = tr_node_ask(run->node, run->actor, TR_FOREVER, &m, "x");
        tr_msg_free(&m);
    } while (err != TR_ECLOSED);
    return NULL;
}

static tr_err stops_soon(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = tr_sleep(self, 5);
    tr_node_stop(tr_self_node(self), "enough");
    return err;
}

/* S14.5: whatever moment it is, the thread gets an answer, an error, or is told that the node has stopped */
static void threads_that_ask_while_the_node_stops_are_all_told(void **state)
{
    (void) state;
    for (int round = 0; round < 20; round++) {
        struct run run = { .disorder = 0 };
        pthread_t threads[4];
        const tr_node_opts opts = { .size = sizeof opts };
        const tr_spawn_opts listener = { .size = sizeof listener, .body = echo };
        const tr_spawn_opts stopper = { .size = sizeof stopper, .body = stops_soon };
        alarm(WATCHDOG_S);
        assert_int_equal(tr_node_create(&opts, &run.node), TR_OK);
        assert_int_equal(tr_node_spawn(run.node, &listener, &run.actor), TR_OK);
        assert_int_equal(tr_node_spawn(run.node, &stopper, NULL), TR_OK);
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, asks_until_it_is_turned_away, &run), 0);
        assert_int_equal(tr_node_run(run.node), TR_OK);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        tr_node_destroy(&run.node);
        alarm(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_arrive_and_those_of_one_thread_in_order),
        cmocka_unit_test(asks_of_several_threads_get_each_its_own_answer),
        cmocka_unit_test(errors_of_an_ask_reach_the_thread_with_their_words),
        cmocka_unit_test(ask_of_the_thread_that_runs_the_node_is_refused),
        cmocka_unit_test(post_to_a_full_mailbox_or_to_nobody_is_a_dead_letter_and_never_blocks),
        cmocka_unit_test(names_can_be_looked_up_from_threads),
        cmocka_unit_test(ask_of_an_actor_that_ends_returns),
        cmocka_unit_test(threads_that_ask_while_the_node_stops_are_all_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
