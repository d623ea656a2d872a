/* SPDX-License-Identifier: MIT */
/* test_debug.c - debug mode: mistakes that are reported, instruments that are called (docs/semantics.md, S71, S72) */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <troupe/debug.h>

#include "support/actor_test.h"

struct run {
    tr_node *node;
    tr_instrument instrument;
    char log[8192];
    struct notes notes;
    tr_addr a, b;
    tr_self *other;
    tr_err err;
};

static void keep_log(void *ctx, tr_log_level level, const char *line)
{
    struct run *run = ctx;
    size_t len = strlen(run->log);
    (void) level;
    snprintf(run->log + len, sizeof run->log - len, "%s\n", line);
}

static void run_new(struct run *run, unsigned flags)
{
    const tr_node_opts opts = { .size = sizeof opts, .virtual_clock = true, .on_log = keep_log, .ctx = run };
    assert_int_equal(tr_node_create(&opts, &run->node), TR_OK);
    assert_int_equal(tr_debug_set(run->node, flags), TR_OK);
    alarm(WATCHDOG_S);
}

/* Runs the node until everybody has ended; nothing may be left over. */
static void run_end(struct run *run)
{
    char left[512];
    assert_int_equal(tr_node_run(run->node), TR_OK);
    alarm(0);
    size_t things = tr_test_leftovers(run->node, left, sizeof left);
    tr_node_destroy(&run->node);
    if (things > 0)
        fail_msg("left over: %s", left);
}

static tr_addr add(struct run *run, tr_body_fn *body, const char *name)
{
    tr_addr who;
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = body, .arg = run, .name = name };
    assert_int_equal(tr_node_spawn(run->node, &spawn, &who), TR_OK);
    return who;
}

static void assert_logged(const struct run *run, const char *words)
{
    if (strstr(run->log, words) == NULL)
        fail_msg("no \"%s\" in:\n%s", words, run->log);
}

/* ---- asks that nobody collects ---- */

static tr_err answers_one(tr_self *self, void *arg)
{
    const tr_msg *m;
    (void) arg;
    tr_err err = tr_recv(self, &m);
    return err == TR_OK ? tr_reply(self, m, 1) : err;
}

static tr_err forgets_its_ask(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_pending p;
    tr_err err = tr_ask_start(self, run->a, &p, "question");
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

static tr_err collects_its_ask(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_pending p;
    tr_err err = tr_ask_start(self, run->a, &p, "question");
    return err == TR_OK ? tr_await(self, p, NULL) : err;
}

/* S71.1 */
static void ask_that_nobody_collects_is_reported_with_where_it_began(void **state)
{
    static struct run run;
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, TR_DEBUG_ASKS);
    run.a = add(&run, answers_one, "oracle");
    add(&run, forgets_its_ask, "forgetful");
    run_end(&run);
    assert_logged(&run, "forgetful <");
    assert_logged(&run, "never collected its answer; started by test-debug+0x");
}

static void ask_that_is_collected_is_not_reported_nor_one_without_the_flag(void **state)
{
    static struct run run;
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, TR_DEBUG_ALL);
    run.a = add(&run, answers_one, "oracle");
    add(&run, collects_its_ask, "careful");
    run_end(&run);
    assert_string_equal(run.log, "");
    run_new(&run, 0);
    run.a = add(&run, answers_one, "oracle");
    add(&run, forgets_its_ask, "forgetful");
    run_end(&run);
    assert_string_equal(run.log, "");
}

static tr_err on_forget(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    return forgets_its_ask(self, *(struct run **) state);
}

static tr_err clerk_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(struct run **) state = arg;
    return TR_OK;
}

static const tr_handler clerk_rows[] = { { .tag = "forget", .args = "", .run = on_forget, .doc = "starts an ask" },
                                         { .tag = NULL } };
static const tr_behaviour clerk = {
    .name = "clerk", .state_size = sizeof(struct run *), .handlers = clerk_rows, .init = clerk_init
};

/* S71.1: of a handler too, and not when it was told to stop */
static void ask_that_a_handler_leaves_is_reported_unless_its_actor_is_cancelled(void **state)
{
    static struct run run;
    const tr_spawn_opts spawn = { .size = sizeof spawn, .behaviour = &clerk, .arg = &run };
    (void) state;
    for (int canceled = 0; canceled < 2; canceled++) {
        memset(&run, 0, sizeof run);
        run_new(&run, TR_DEBUG_ASKS);
        run.a = add(&run, deaf, "oracle");
        assert_int_equal(tr_node_spawn(run.node, &spawn, &run.b), TR_OK);
        assert_int_equal(tr_post(run.node, run.b, "forget"), TR_OK);
        tr_test_settle(run.node);
        if (!canceled)
            assert_int_equal(tr_test_advance(run.node, 20), TR_OK);
        tr_node_stop(run.node, "the test");
        run_end(&run);
        assert_int_equal(strstr(run.log, "clerk <2.1> started an ask of oracle <1.1>") != NULL, !canceled);
    }
}

/* S71.1: who is cancelled may leave its asks */
static void ask_of_a_cancelled_actor_is_not_reported(void **state)
{
    static struct run run;
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, TR_DEBUG_ALL);
    run.a = add(&run, deaf, "oracle");
    add(&run, forgets_its_ask, "interrupted");
    tr_test_settle(run.node);
    tr_node_stop(run.node, "the test");
    run_end(&run);
    assert_string_equal(run.log, "");
}

/* ---- messages kept ---- */

static tr_err keeps_two(tr_self *self, void *arg)
{
    const tr_msg *m;
    (void) arg;
    for (int i = 0; i < 2; i++)
        if (tr_recv(self, &m) != TR_OK || tr_keep(self, m) == NULL)
            return TR_EFAILED;
    return TR_OK;
}

/* S71.2 */
static void messages_kept_by_an_actor_that_ends_are_reported(void **state)
{
    static struct run run;
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, TR_DEBUG_LEFT);
    run.a = add(&run, keeps_two, "miser");
    assert_int_equal(tr_post(run.node, run.a, "first"), TR_OK);
    assert_int_equal(tr_post(run.node, run.a, "second"), TR_OK);
    run_end(&run);
    assert_logged(&run, "miser <");
    assert_logged(&run, "ended with 2 messages kept and not dropped; the oldest is \"first\"");
}

/* ---- calls with a self that is not the caller's ---- */

static tr_err lends_its_self(tr_self *self, void *arg)
{
    ((struct run *) arg)->other = self;
    return tr_sleep(self, 100);
}

static tr_err uses_another_self(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_sleep(self, 10);
    if (err == TR_OK)
        run->err = tr_sleep(run->other, 1);
    return err;
}

/* S71.3 */
static void call_with_another_self_is_reported_with_its_stack(void **state)
{
    static struct run run;
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, TR_DEBUG_CALLS);
    add(&run, lends_its_self, "lender");
    add(&run, uses_another_self, "thief");
    run_end(&run);
    assert_int_equal(run.err, TR_ESTATE);
    assert_logged(&run, "a call with the self of lender <");
    assert_logged(&run, ">, which does not run now: TR_ESTATE");
    assert_logged(&run, "    #1 ");
}

/* ---- mailboxes ---- */

static tr_err fills(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 8 && err == TR_OK; i++)
        err = tr_send(self, run->a, "m");
    return err == TR_OK ? tr_sleep(self, 1) : err;
}

static tr_err drains_later(tr_self *self, void *arg)
{
    const tr_msg *m;
    (void) arg;
    tr_err err = tr_sleep(self, 5);
    for (int i = 0; i < 8 && err == TR_OK; i++)
        err = tr_recv(self, &m);
    return err;
}

/* S71.4 */
static void mailbox_that_is_three_quarters_full_is_reported_once(void **state)
{
    static struct run run;
    const tr_spawn_opts spawn = {
        .size = sizeof spawn, .body = drains_later, .arg = &run, .name = "slow reader", .mailbox_len_max = 8
    };
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, TR_DEBUG_MAILBOX);
    assert_int_equal(tr_node_spawn(run.node, &spawn, &run.a), TR_OK);
    add(&run, fills, "writer");
    run_end(&run);
    assert_logged(&run, "the mailbox of slow reader <");
    assert_logged(&run, "is three quarters full: 6 messages");
    assert_null(strstr(strstr(run.log, "three quarters") + 1, "three quarters"));
}

/* ---- an actor that ignores its cancel ---- */

static tr_err ignores_its_cancel(tr_self *self, void *arg)
{
    (void) arg;
    for (;;)
        (void) tr_sleep(self, 1000);
    return TR_OK;
}

/* S71.5: without any flag */
static void actor_that_ignores_its_cancel_is_reported_with_its_stack(void **state)
{
    static struct run run;
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, 0);
    add(&run, ignores_its_cancel, "stubborn");
    tr_test_settle(run.node);
    tr_node_stop(run.node, "enough");
    run_end(&run);
    assert_logged(&run, "stubborn <");
    assert_logged(&run, "ignores it, and called sleep 100000 times since: killed\n    #0 ");
    assert_logged(&run, "test-debug+0x");
}

/* ---- instruments ---- */

static void on_spawned(void *ctx, tr_addr who, const char *name)
{
    (void) who;
    note(&((struct run *) ctx)->notes, "+%s", name);
}

static char letter_of(const struct run *run, tr_addr who)
{
    return who.actor == run->a.actor ? 'a' : who.actor == run->b.actor ? 'b' : '?';
}

static void on_ended(void *ctx, tr_addr who, tr_err err)
{
    struct run *run = ctx;
    note(&run->notes, "-%c:%s", letter_of(run, who), tr_err_name(err) + 3);
}

static void on_turn_begins(void *ctx, tr_addr who)
{
    note(&((struct run *) ctx)->notes, "%c{", letter_of(ctx, who));
}

static void on_turn_ends(void *ctx, tr_addr who)
{
    note(&((struct run *) ctx)->notes, "}%c", letter_of(ctx, who));
}

static void on_sent(void *ctx, const tr_msg *m, tr_addr to)
{
    struct run *run = ctx;
    note(&run->notes, "%s>%c", tr_tag(m), letter_of(run, to));
}

static void on_taken(void *ctx, const tr_msg *m, tr_addr by)
{
    struct run *run = ctx;
    note(&run->notes, "%c<%s", letter_of(run, by), tr_tag(m));
}

static void on_timer(void *ctx, tr_time deadline, tr_time now)
{
    note(&((struct run *) ctx)->notes, "timer:%ld", (long) (now - deadline));
}

static void instrument_all(struct run *run)
{
    run->instrument = (tr_instrument){ .size = sizeof run->instrument,
                                       .ctx = run,
                                       .spawned = on_spawned,
                                       .ended = on_ended,
                                       .turn_begins = on_turn_begins,
                                       .turn_ends = on_turn_ends,
                                       .message_sent = on_sent,
                                       .message_taken = on_taken,
                                       .timer_fires = on_timer };
    assert_int_equal(tr_instrument_set(run->node, &run->instrument), TR_OK);
}

static tr_err asks_and_sleeps(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_ask(self, run->b, NULL, "q");
    return err == TR_OK ? tr_sleep(self, 7) : err;
}

/* S72.1 */
static void instrument_sees_what_happens_in_its_order(void **state)
{
    static struct run run;
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, 0);
    instrument_all(&run);
    run.b = add(&run, answers_one, "b");
    run.a = add(&run, asks_and_sleeps, "a");
    run_end(&run);
    assert_string_equal(run.notes.text, "+b +a b{ }b a{ q>b }a b{ b<q }b -b:OK a{ }a timer:0 a{ }a -a:OK");
}

static tr_err ends_at_once(tr_self *self, void *arg)
{
    (void) self;
    (void) arg;
    return TR_OK;
}

/* S72.2 */
static void instrument_that_comes_later_sees_those_who_live_and_one_that_goes_sees_no_more(void **state)
{
    static struct run run;
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, 0);
    run.b = add(&run, answers_one, "b");
    tr_test_settle(run.node);
    instrument_all(&run);
    tr_test_settle(run.node);
    run.a = add(&run, asks_and_sleeps, "a");
    tr_test_settle(run.node);
    assert_string_equal(run.notes.text, "+a a{ q>b }a b{ b<q }b -b:OK a{ }a");
    assert_int_equal(tr_instrument_set(run.node, NULL), TR_OK);
    add(&run, ends_at_once, "unseen");
    run_end(&run);
    assert_string_equal(run.notes.text, "+a a{ q>b }a b{ b<q }b -b:OK a{ }a");
}

/* ---- several workers ---- */

struct counts {
    tr_instrument instrument;
    atomic_uint spawned, ended, begins, ends, sent, taken;
};

static void count_spawned(void *ctx, tr_addr who, const char *name)
{
    (void) who;
    (void) name;
    atomic_fetch_add(&((struct counts *) ctx)->spawned, 1);
}

static void count_ended(void *ctx, tr_addr who, tr_err err)
{
    (void) who;
    (void) err;
    atomic_fetch_add(&((struct counts *) ctx)->ended, 1);
}

static void count_begins(void *ctx, tr_addr who)
{
    (void) who;
    atomic_fetch_add(&((struct counts *) ctx)->begins, 1);
}

static void count_ends(void *ctx, tr_addr who)
{
    (void) who;
    atomic_fetch_add(&((struct counts *) ctx)->ends, 1);
}

static void count_sent(void *ctx, const tr_msg *m, tr_addr to)
{
    (void) m;
    (void) to;
    atomic_fetch_add(&((struct counts *) ctx)->sent, 1);
}

static void count_taken(void *ctx, const tr_msg *m, tr_addr by)
{
    (void) m;
    (void) by;
    atomic_fetch_add(&((struct counts *) ctx)->taken, 1);
}

#define ASKERS 8
#define ASKS 50

static tr_err answers_all(tr_self *self, void *arg)
{
    const tr_msg *m;
    (void) arg;
    for (int i = 0; i < ASKERS * ASKS; i++)
        if (tr_recv(self, &m) != TR_OK || tr_reply(self, m, i) != TR_OK)
            return TR_EFAILED;
    return TR_OK;
}

static tr_err asks_often(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < ASKS && err == TR_OK; i++)
        err = tr_ask(self, run->b, NULL, "q");
    return err;
}

/* S72.3 */
static void instrument_sees_all_workers(void **state)
{
    struct run run = { .node = NULL };
    struct counts n = { .spawned = 0 };
    const tr_node_opts opts = { .size = sizeof opts, .workers = 2 };
    tr_spawn_opts spawn = { .size = sizeof spawn, .body = asks_often, .arg = &run, .place = TR_PLACE_WORKER };
    (void) state;
    n.instrument = (tr_instrument){ .size = sizeof n.instrument,
                                    .ctx = &n,
                                    .spawned = count_spawned,
                                    .ended = count_ended,
                                    .turn_begins = count_begins,
                                    .turn_ends = count_ends,
                                    .message_sent = count_sent,
                                    .message_taken = count_taken };
    assert_int_equal(tr_node_create(&opts, &run.node), TR_OK);
    assert_int_equal(tr_instrument_set(run.node, &n.instrument), TR_OK);
    run.b = add(&run, answers_all, NULL);
    for (unsigned i = 0; i < ASKERS; i++) {
        spawn.worker = i % 2;
        assert_int_equal(tr_node_spawn(run.node, &spawn, NULL), TR_OK);
    }
    alarm(WATCHDOG_S);
    assert_int_equal(tr_node_run(run.node), TR_OK);
    alarm(0);
    tr_node_destroy(&run.node);
    assert_int_equal(n.spawned, ASKERS + 1);
    assert_int_equal(n.ended, ASKERS + 1);
    assert_int_equal(n.sent, ASKERS * ASKS);
    assert_int_equal(n.taken, ASKERS * ASKS);
    assert_int_equal(n.begins, n.ends);
    assert_true(n.begins >= ASKERS + 1);
}

/* ---- wrong usage ---- */

/* debug.h: TR_EINVAL, TR_ENOMEM */
static void what_cannot_be_set_is_refused_and_changes_nothing(void **state)
{
    static struct run run;
    const tr_instrument small = { .size = 3 };
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, 0);
    assert_int_equal(tr_debug_set(run.node, 1u << 20), TR_EINVAL);
    assert_int_equal(tr_instrument_set(run.node, &small), TR_EINVAL);
    (void) tr_test_fail_alloc(1);
    assert_int_equal(tr_debug_set(run.node, TR_DEBUG_MAILBOX), TR_ENOMEM);
    run.instrument.size = sizeof run.instrument;
    (void) tr_test_fail_alloc(1);
    assert_int_equal(tr_instrument_set(run.node, &run.instrument), TR_ENOMEM);
    (void) tr_test_fail_alloc(0);
    run_end(&run);
}

/* S71.6 */
static void environment_names_what_is_reported(void **state)
{
    static struct run run;
    (void) state;
    memset(&run, 0, sizeof run);
    run_new(&run, 0);
    setenv("TROUPE_DEBUG", "left,,asks", 1);
    assert_int_equal(tr_debug_from_env(run.node), TR_OK);
    run.a = add(&run, answers_one, "oracle");
    add(&run, forgets_its_ask, "forgetful");
    run_end(&run);
    assert_logged(&run, "never collected");
    run_new(&run, 0);
    setenv("TROUPE_DEBUG", "mailbox,moonshine", 1);
    assert_int_equal(tr_debug_from_env(run.node), TR_EINVAL);
    unsetenv("TROUPE_DEBUG");
    assert_int_equal(tr_debug_from_env(run.node), TR_OK);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ask_that_nobody_collects_is_reported_with_where_it_began),
        cmocka_unit_test(ask_that_is_collected_is_not_reported_nor_one_without_the_flag),
        cmocka_unit_test(ask_that_a_handler_leaves_is_reported_unless_its_actor_is_cancelled),
        cmocka_unit_test(ask_of_a_cancelled_actor_is_not_reported),
        cmocka_unit_test(messages_kept_by_an_actor_that_ends_are_reported),
        cmocka_unit_test(call_with_another_self_is_reported_with_its_stack),
        cmocka_unit_test(mailbox_that_is_three_quarters_full_is_reported_once),
        cmocka_unit_test(actor_that_ignores_its_cancel_is_reported_with_its_stack),
        cmocka_unit_test(instrument_sees_what_happens_in_its_order),
        cmocka_unit_test(instrument_that_comes_later_sees_those_who_live_and_one_that_goes_sees_no_more),
        cmocka_unit_test(instrument_sees_all_workers),
        cmocka_unit_test(what_cannot_be_set_is_refused_and_changes_nothing),
        cmocka_unit_test(environment_names_what_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
