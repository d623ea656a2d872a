/* SPDX-License-Identifier: MIT */
/* test_scope.c - scopes: who is waited for, who is cancelled, what comes out (docs/semantics.md, S6) */
#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_scope_opts opts;
    tr_scope *scope;
    tr_addr main, child;
    int ended, reports;
    tr_err body_err;
};

#define RUN                                      \
    {                                            \
        .opts = {.size = sizeof(tr_scope_opts) } \
    }
#define FAILS(n) ((void *) (intptr_t) (TR_EUSER + (n)))

/* ---- children ---- */

static void count_end(void *arg)
{
    ((struct run *) arg)->ended++;
}

static tr_err naps(tr_self *self, void *arg)
{
    (void) tr_defer(self, count_end, arg);
    return tr_sleep(self, 10);
}

static tr_err sleeps_long(tr_self *self, void *arg)
{
    (void) tr_defer(self, count_end, arg);
    return tr_sleep(self, 100000);
}

static tr_err fails_at_once(tr_self *self, void *arg)
{
    return tr_fail_with(self, (tr_err) (intptr_t) arg, "child %d", (int) (intptr_t) arg - TR_EUSER);
}

static tr_err fails_later(tr_self *self, void *arg)
{
    (void) tr_sleep(self, 5);
    return fails_at_once(self, arg);
}

static tr_err hour(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 3600000);
}

static tr_err shielded(tr_self *self, void *arg)
{
    (void) arg;
    return tr_shield(self, 3600000, hour, NULL);
}

static void spawn(tr_self *self, tr_scope *scope, struct run *run, tr_body_fn *body, void *arg)
{
    if (tr_spawn_in(self, scope, body, arg, &run->child) != TR_OK)
        note(&run->notes, "no child");
}

/* Runs fn in a scope with the run's options, and notes how it came out and when. */
static tr_err scoped(tr_self *self, struct run *run, tr_scope_fn *fn)
{
    run->main = tr_self_addr(self);
    note_err(&run->notes, tr_scope_run(self, &run->opts, fn, run));
    note(&run->notes, "at %ld", now_ms(self));
    return TR_OK;
}

#define SCOPED(name)                                   \
    static tr_err run_##name(tr_self *self, void *arg) \
    {                                                  \
        return scoped(self, arg, name);                \
    }

/* ---- waiting ---- */

static tr_err two_naps(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    spawn(self, scope, run, naps, run);
    spawn(self, scope, run, naps, run);
    note(&run->notes, "%zu", tr_scope_count(scope));
    return TR_OK;
}
SCOPED(two_naps)

/* S6.1, S6.4 */
static void scope_returns_when_all_its_children_have_ended(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(run_two_naps, &run), TR_OK);
    assert_string_equal(run.notes.text, "2 OK at 10");
    assert_int_equal(run.ended, 2);
}

static tr_err hands_out_the_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_sleep(self, 5);
    return tr_spawn_in(self, run->scope, naps, run, NULL);
}

static tr_err child_that_spawns(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    run->scope = scope;
    spawn(self, scope, run, hands_out_the_scope, run);
    return TR_OK;
}
SCOPED(child_that_spawns)

/* S6.1: also for one that a child spawned while the scope was waiting */
static void scope_waits_for_children_spawned_by_children(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(run_child_that_spawns, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK at 15");
    assert_int_equal(run.ended, 1);
}

/* ---- failing ---- */

static tr_err one_fails(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    spawn(self, scope, run, sleeps_long, run);
    spawn(self, scope, run, fails_later, FAILS(1));
    run->body_err = tr_sleep(self, 1000);
    note(&run->notes, "%s", tr_cancel_reason(self));
    return run->body_err;
}
SCOPED(one_fails)

/* S6.2, S6.5 */
static void first_failure_cancels_the_other_children_and_the_body(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(run_one_fails, &run), TR_OK);
    assert_string_equal(run.notes.text, "another actor in the scope failed EUSER+1 at 5");
    assert_int_equal(run.ended, 1);
    assert_int_equal(run.body_err, TR_ECANCELED);
}

static tr_err one_fails_while_it_waits(tr_self *self, tr_scope *scope, void *arg)
{
    spawn(self, scope, arg, sleeps_long, arg);
    spawn(self, scope, arg, fails_later, FAILS(1));
    return TR_OK;
}
SCOPED(one_fails_while_it_waits)

/* S6.2, S6.5: the body has returned already */
static void failure_while_the_scope_waits_cancels_the_others(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(run_one_fails_while_it_waits, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER+1 at 5");
    assert_int_equal(run.ended, 1);
}

static tr_err body_fails(tr_self *self, tr_scope *scope, void *arg)
{
    spawn(self, scope, arg, sleeps_long, arg);
    spawn(self, scope, arg, sleeps_long, arg);
    (void) tr_yield(self);
    return tr_fail_with(self, TR_EUSER + 9, "the body");
}

static tr_err run_body_fails(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) scoped(self, run, body_fails);
    note(&run->notes, "%zu %s", tr_error_count(self), tr_error_at(self, 0)->text);
    return TR_OK;
}

/* S6.3, S6.5 */
static void error_of_the_body_cancels_the_children_and_is_returned(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(run_body_fails, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER+9 at 0 1 the body");
    assert_int_equal(run.ended, 2);
}

static tr_err many_fail(tr_self *self, tr_scope *scope, void *arg)
{
    for (int i = 0; i < 70; i++)
        spawn(self, scope, arg, fails_at_once, FAILS(i));
    (void) tr_yield(self);
    return tr_fail_with(self, TR_EUSER + 99, "the body");
}

static tr_err run_many_fail(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) scoped(self, run, many_fail);
    note(&run->notes, "%zu", tr_error_count(self));
    for (size_t i = 0; i < 65; i += 63)
        note(&run->notes, "%s/%d", tr_error_at(self, i)->text, (int) tr_error_at(self, i)->err - TR_EUSER);
    note(&run->notes, "%d", tr_error_at(self, 64) != NULL && tr_error_at(self, 64)->err == TR_EUSER + 64);
    return TR_OK;
}

/* S6.6 */
static void every_error_is_counted_and_the_first_64_are_kept_in_words(void **state)
{
    struct run run = RUN;
    (void) state;
    run.opts.keep_going = true;
    assert_int_equal(run_actor(run_many_fail, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER+99 at 0 71 child 0/0 child 63/63 0");
}

static tr_err cancel_one(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    spawn(self, scope, run, naps, run);
    spawn(self, scope, run, sleeps_long, run);
    (void) tr_yield(self);
    return tr_cancel(self, run->child, NULL);
}

static tr_err run_cancel_one(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) scoped(self, run, cancel_one);
    note(&run->notes, "%zu", tr_error_count(self));
    return TR_OK;
}

/* S6.7 */
static void child_that_was_canceled_has_not_failed(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(run_cancel_one, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK at 10 0");
}

static tr_err one_fails_others_nap(tr_self *self, tr_scope *scope, void *arg)
{
    spawn(self, scope, arg, fails_later, FAILS(4));
    spawn(self, scope, arg, naps, arg);
    return tr_sleep(self, 7);
}

static tr_err run_keep_going(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) scoped(self, run, one_fails_others_nap);
    note(&run->notes, "%zu %s", tr_error_count(self), tr_error_at(self, 0)->text);
    return TR_OK;
}

/* S6.8 */
static void with_keep_going_a_failure_cancels_nobody_and_is_in_the_list(void **state)
{
    struct run run = RUN;
    (void) state;
    run.opts.keep_going = true;
    assert_int_equal(run_actor(run_keep_going, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER+4 at 10 1 child 4");
}

static tr_err join_the_failed(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    spawn(self, scope, run, fails_later, FAILS(2));
    note_err(&run->notes, tr_join(self, run->child, NULL));
    note_err(&run->notes, tr_join(self, run->child, NULL));
    return TR_OK;
}
SCOPED(join_the_failed)

/* S7.5, S6.6: a record lives as long as its scope; that it was joined does not make it unfailed */
static void children_can_be_joined_inside_their_scope(void **state)
{
    struct run run = RUN;
    (void) state;
    run.opts.keep_going = true;
    assert_int_equal(run_actor(run_join_the_failed, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER+2 EUSER+2 EUSER+2 at 5");
}

/* ---- deadlines ---- */

static tr_err long_body(tr_self *self, tr_scope *scope, void *arg)
{
    (void) scope;
    (void) arg;
    return tr_sleep(self, 1000);
}
SCOPED(long_body)

static tr_err long_child(tr_self *self, tr_scope *scope, void *arg)
{
    spawn(self, scope, arg, sleeps_long, arg);
    return TR_OK;
}
SCOPED(long_child)

/* S6.9 */
static void scope_cut_short_by_its_deadline_timed_out(void **state)
{
    struct run body = RUN, child = RUN;
    (void) state;
    body.opts.timeout_ms = child.opts.timeout_ms = 20;
    assert_int_equal(run_actor(run_long_body, &body), TR_OK);
    assert_string_equal(body.notes.text, "ETIMEDOUT at 20");
    assert_int_equal(run_actor(run_long_child, &child), TR_OK);
    assert_string_equal(child.notes.text, "ETIMEDOUT at 20");
    assert_int_equal(child.ended, 1);
}

static tr_err run_canceled_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_scope_run(self, &run->opts, long_child, run));
    note_err(&run->notes, tr_sleep(self, 0));
    return TR_OK;
}

static tr_err cancel_who_has_a_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, run_canceled_scope, run, &run->child);
    tr_addr child = run->child;
    (void) tr_sleep(self, 5);
    tr_cancel(self, child, "outside");
    return err == TR_OK ? tr_join(self, child, NULL) : err;
}

/* S6.10 */
static void scope_cut_short_from_outside_was_canceled_even_if_it_has_a_deadline(void **state)
{
    struct run run = RUN;
    (void) state;
    run.opts.timeout_ms = 1000;
    assert_int_equal(run_actor(cancel_who_has_a_scope, &run), TR_OK);
    assert_string_equal(run.notes.text, "ECANCELED ECANCELED");
    assert_int_equal(run.ended, 1);
}

static tr_err own_error(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_sleep(self, 1000);
    note(&run->notes, "%ld", now_ms(self));
    return tr_fail_with(self, TR_EUSER, "my own");
}

static tr_err two_withins(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_within(self, 5, own_error, run));
    note_err(&run->notes, tr_within(self, 5, hour, run));
    note_err(&run->notes, tr_within(self, 0, hour, run));
    note_err(&run->notes, tr_within(self, TR_FOREVER, naps, run));
    return TR_OK;
}

/* S6.13 */
static void within_times_out_only_if_it_cut_the_function_short(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(two_withins, &run), TR_OK);
    assert_string_equal(run.notes.text, "5 EUSER ETIMEDOUT ETIMEDOUT OK");
}

static tr_err inner_with_more_time(tr_self *self, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "%ld", (long) (tr_deadline(self) / 1000000));
    note_err(&run->notes, tr_within(self, 1000, own_error, run));
    note_err(&run->notes, tr_within(self, 1000, hour, run));
    return tr_yield(self);
}

static tr_err nested_deadlines(tr_self *self, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "%d", tr_deadline(self) == TR_NEVER);
    note_err(&run->notes, tr_within(self, 10, inner_with_more_time, run));
    note_err(&run->notes, tr_sleep(self, 0));
    return TR_OK;
}

/* S3.7, S5.2: the outer deadline is earlier; to the inner scope it is a cancel */
static void the_earlier_of_nested_deadlines_holds_and_only_its_scope_times_out(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(nested_deadlines, &run), TR_OK);
    assert_string_equal(run.notes.text, "1 10 10 EUSER ECANCELED ETIMEDOUT OK");
}

static tr_err note_deadline(tr_self *self, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "%ld", (long) (tr_deadline(self) / 1000000));
    note_err(&run->notes, tr_sleep(self, 50));
    return TR_OK;
}

static tr_err shield_in_deadline(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_shield(self, 100, note_deadline, run));
    return tr_yield(self);
}

static tr_err deadline_outside_a_shield(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_within(self, 10, shield_in_deadline, run));
    note(&run->notes, "at %ld", now_ms(self));
    return TR_OK;
}

/* S3.7, S5.12 */
static void deadlines_beyond_a_shield_do_not_reach_in(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(deadline_outside_a_shield, &run), TR_OK);
    assert_string_equal(run.notes.text, "100 OK OK ETIMEDOUT at 50");
}

static tr_err ask_in_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    return note_err(&run->notes, tr_ask(self, run->child, &m, "what"));
}

static tr_err ask_under_a_deadline(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, deaf, NULL, &run->child);
    note_err(&run->notes, tr_within(self, 20, ask_in_scope, run));
    note(&run->notes, "at %ld", now_ms(self));
    return err;
}

/* S3.10 */
static void ask_ended_by_the_deadline_of_its_scope_is_a_cancel_and_the_scope_times_out(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(ask_under_a_deadline, &run), TR_OK);
    assert_string_equal(run.notes.text, "ECANCELED ETIMEDOUT at 20");
}

/* ---- cancelling a scope, and its grace ---- */

static tr_err cancels_its_scope(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    spawn(self, scope, run, sleeps_long, run);
    (void) tr_yield(self);
    tr_scope_cancel(self, scope, "one");
    tr_scope_cancel(self, scope, "two");
    note(&run->notes, "%s", tr_cancel_reason(self));
    note_err(&run->notes, tr_sleep(self, 1));
    note_err(&run->notes, tr_sleep(self, 1));
    note_err(&run->notes, tr_spawn_in(self, scope, naps, run, NULL));
    return TR_ECANCELED;
}

static tr_err run_cancels_its_scope(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) scoped(self, run, cancels_its_scope);
    note_err(&run->notes, tr_sleep(self, 1));
    return TR_OK;
}

/* S5.2, S6.12, S6.16 */
static void canceled_scope_stays_so_takes_no_children_and_ends_with_its_scope(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(run_cancels_its_scope, &run), TR_OK);
    assert_string_equal(run.notes.text, "one ECANCELED ECANCELED ECLOSED ECANCELED at 0 OK");
    assert_int_equal(run.ended, 1);
}

static tr_err spawn_late(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_sleep(self, 1000);
    note_err(&run->notes, tr_spawn_in(self, run->scope, naps, run, NULL));
    return TR_ECANCELED;
}

static tr_err cancel_with_a_spawner(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    run->scope = scope;
    spawn(self, scope, run, spawn_late, run);
    (void) tr_yield(self);
    return TR_EUSER;
}
SCOPED(cancel_with_a_spawner)

/* S6.12: by a child, while the scope waits for it */
static void spawn_in_a_scope_that_is_closing_is_refused(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(run_cancel_with_a_spawner, &run), TR_OK);
    assert_string_equal(run.notes.text, "ECLOSED EUSER at 0");
}

static tr_err children_that_will_not_end(tr_self *self, tr_scope *scope, void *arg)
{
    spawn(self, scope, arg, shielded, NULL);
    spawn(self, scope, arg, sleeps_long, arg);
    (void) tr_yield(self);
    return TR_EUSER;
}

static tr_err run_grace(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) scoped(self, run, children_that_will_not_end);
    run->opts.grace_ms = 100;
    (void) scoped(self, run, children_that_will_not_end);
    run->opts.grace_ms = INT64_MAX; /* they are not killed: their shield ends after an hour */
    (void) scoped(self, run, children_that_will_not_end);
    return TR_OK;
}

/* S6.11 */
static void children_alive_after_the_grace_are_killed(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(run_grace, &run), TR_OK);
    assert_string_equal(run.notes.text, "EUSER at 5000 EUSER at 5100 EUSER at 3605100");
    assert_int_equal(run.ended, 3);
}

/* ---- begin and end ---- */

static tr_err pairs(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_scope *outer, *inner;
    note_err(&run->notes, tr_scope_begin(self, NULL, &outer));
    note_err(&run->notes, tr_scope_begin(self, NULL, &inner));
    spawn(self, inner, run, naps, run);
    note_err(&run->notes, tr_scope_end(self, &outer, TR_OK));
    note_err(&run->notes, tr_scope_end(self, &inner, TR_OK));
    note(&run->notes, "at %ld %d", now_ms(self), inner == NULL);
    note_err(&run->notes, tr_scope_end(self, &inner, TR_OK));
    spawn(self, outer, run, fails_later, FAILS(6));
    note_err(&run->notes, tr_scope_end(self, &outer, tr_sleep(self, 1000)));
    return TR_OK;
}

/* S6.14 */
static void ends_that_do_not_nest_are_refused_and_change_nothing(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(pairs, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK ESTATE OK at 10 1 ESTATE EUSER+6");
}

static void keep_log(void *ctx, tr_log_level level, const char *line)
{
    struct run *run = ctx;
    (void) level;
    if (strstr(line, "left") != NULL && strstr(line, "open") != NULL)
        run->reports++;
}

static tr_err leaves_it_open(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_scope_begin(self, NULL, &run->scope);
    spawn(self, run->scope, run, sleeps_long, run);
    (void) tr_yield(self);
    return err;
}

static tr_err join_who_leaves_it_open(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr child;
    tr_err err = tr_spawn(self, leaves_it_open, run, &child);
    note_err(&run->notes, tr_join(self, child, NULL));
    note(&run->notes, "%d at %ld", run->ended, now_ms(self));
    return err;
}

/* S6.15 */
static void scope_left_open_by_a_body_is_canceled_waited_for_and_reported(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor_with((tr_node_opts){ .on_log = keep_log, .ctx = &run }, join_who_leaves_it_open, &run),
                     TR_OK);
    assert_string_equal(run.notes.text, "OK 1 at 0");
    assert_int_equal(run.reports, 1);
}

static tr_err on_open(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    return leaves_it_open(self, *(struct run **) state);
}

static tr_err on_look(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = *(struct run **) state;
    return tr_reply(self, m, run->ended);
}

static tr_err careless_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(struct run **) state = arg;
    return TR_OK;
}

static const tr_handler careless_rows[] = {
    { .tag = "open", .args = "", .run = on_open, .doc = "leaves a scope open" },
    { .tag = "look", .args = "", .reply = "ended:int", .run = on_look, .doc = "how many have ended" },
    { .tag = NULL },
};
static const tr_behaviour careless = {
    .name = "careless", .state_size = sizeof(struct run *), .handlers = careless_rows, .init = careless_init
};

static tr_err ask_the_careless(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr to;
    const tr_msg *m;
    int ended = -1;
    tr_err err = tr_spawn(self, &careless, run, &to);
    if (err == TR_OK)
        err = tr_send(self, to, "open");
    if (err == TR_OK)
        err = tr_ask(self, to, &m, "look");
    if (err == TR_OK)
        err = tr_args(m, &ended);
    note(&run->notes, "%d", ended);
    return err;
}

/* S6.15: before the next message is handled */
static void scope_left_open_by_a_handler_is_canceled_waited_for_and_reported(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor_with((tr_node_opts){ .on_log = keep_log, .ctx = &run }, ask_the_careless, &run), TR_OK);
    assert_string_equal(run.notes.text, "1");
    assert_int_equal(run.reports, 1);
}

static tr_err bad_options(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_scope_opts opts = { .size = sizeof opts, .shield = true };
    note_err(&run->notes, tr_scope_run(self, &opts, two_naps, run));
    opts = (tr_scope_opts){ .size = 1 };
    note_err(&run->notes, tr_scope_run(self, &opts, two_naps, run));
    opts = (tr_scope_opts){ .size = sizeof opts, .grace_ms = -1 };
    note_err(&run->notes, tr_scope_begin(self, &opts, &run->scope));
    note_err(&run->notes, tr_shield(self, TR_FOREVER, naps, run));
    note_err(&run->notes, tr_scope_run(self, NULL, NULL, run));
    note_err(&run->notes, tr_within(self, 10, NULL, run));
    return TR_OK;
}

/* scope.h: a shield must have a time of its own; the function was not called */
static void bad_options_are_refused_before_anything_runs(void **state)
{
    struct run run = RUN;
    (void) state;
    assert_int_equal(run_actor(bad_options, &run), TR_OK);
    assert_string_equal(run.notes.text, "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL");
    assert_int_equal(run.ended, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scope_returns_when_all_its_children_have_ended),
        cmocka_unit_test(scope_waits_for_children_spawned_by_children),
        cmocka_unit_test(first_failure_cancels_the_other_children_and_the_body),
        cmocka_unit_test(failure_while_the_scope_waits_cancels_the_others),
        cmocka_unit_test(error_of_the_body_cancels_the_children_and_is_returned),
        cmocka_unit_test(every_error_is_counted_and_the_first_64_are_kept_in_words),
        cmocka_unit_test(child_that_was_canceled_has_not_failed),
        cmocka_unit_test(with_keep_going_a_failure_cancels_nobody_and_is_in_the_list),
        cmocka_unit_test(children_can_be_joined_inside_their_scope),
        cmocka_unit_test(scope_cut_short_by_its_deadline_timed_out),
        cmocka_unit_test(scope_cut_short_from_outside_was_canceled_even_if_it_has_a_deadline),
        cmocka_unit_test(within_times_out_only_if_it_cut_the_function_short),
        cmocka_unit_test(the_earlier_of_nested_deadlines_holds_and_only_its_scope_times_out),
        cmocka_unit_test(deadlines_beyond_a_shield_do_not_reach_in),
        cmocka_unit_test(ask_ended_by_the_deadline_of_its_scope_is_a_cancel_and_the_scope_times_out),
        cmocka_unit_test(canceled_scope_stays_so_takes_no_children_and_ends_with_its_scope),
        cmocka_unit_test(spawn_in_a_scope_that_is_closing_is_refused),
        cmocka_unit_test(children_alive_after_the_grace_are_killed),
        cmocka_unit_test(ends_that_do_not_nest_are_refused_and_change_nothing),
        cmocka_unit_test(scope_left_open_by_a_body_is_canceled_waited_for_and_reported),
        cmocka_unit_test(scope_left_open_by_a_handler_is_canceled_waited_for_and_reported),
        cmocka_unit_test(bad_options_are_refused_before_anything_runs),
    };
    return run_actor_tests(tests);
}
