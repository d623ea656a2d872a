/* SPDX-License-Identifier: MIT */
/* test_cancel.c - cancelling and killing: what the calls say, what still happens, who wins (docs/semantics.md, S5) */
#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_addr main, child, peer;
    int defers;
    bool went_on;
    long at_ms;
};

static void count_defer(void *arg)
{
    ((struct run *) arg)->defers++;
}

/* Spawns a body and lets it come to its first wait. */
static tr_addr start(tr_self *self, tr_body_fn *body, struct run *run)
{
    run->main = tr_self_addr(self);
    (void) note_err(&run->notes, tr_spawn(self, body, run, &run->child));
    (void) tr_yield(self);
    return run->child;
}

static tr_err nap(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 10);
}

/* ---- what the calls say ---- */

static void all_calls_twice(tr_self *self, struct run *run)
{
    const tr_msg *m;
    tr_pending pending;
    for (int i = 0; i < 2; i++) {
        note_err(&run->notes, tr_recv(self, &m));
        note_err(&run->notes, tr_recv_for(self, 5, &m));
        note_err(&run->notes, tr_sleep(self, 1));
        note_err(&run->notes, tr_sleep(self, 0));
        note_err(&run->notes, tr_sleep_until(self, 0));
        note_err(&run->notes, tr_yield(self));
        note_err(&run->notes, tr_ask(self, run->main, &m, "x"));
        note_err(&run->notes, tr_ask_start(self, run->main, &pending, "x"));
        note_err(&run->notes, tr_join(self, run->main, NULL));
        note_err(&run->notes, tr_fd_wait(self, 0, TR_READABLE, 5, NULL));
        note_err(&run->notes, tr_cancel_wait(self, run->main, "back", 10));
    }
}

static tr_err calls_after_cancel(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_sleep(self, 1000));
    all_calls_twice(self, run);
    return TR_ECANCELED;
}

static tr_err cancel_the_caller(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr child = start(self, calls_after_cancel, run);
    tr_cancel(self, child, "enough");
    return tr_join(self, child, NULL) == TR_ECANCELED ? TR_OK : TR_EFAILED;
}

/* S5.1 */
static void every_suspending_call_of_a_canceled_actor_says_so_again_and_again(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    (void) run_actor(cancel_the_caller, &run);
    char want[2048] = "OK";
    for (int i = 0; i < 23; i++)
        strcat(want, " ECANCELED");
    assert_string_equal(run.notes.text, want);
}

static tr_err take_now(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_err err = tr_recv_for(self, 0, &m);
    note(&run->notes, "%s", err == TR_OK ? tr_tag(m) : tr_err_name(err));
    return TR_OK;
}

static tr_err recv_before_and_inside_shield(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    note_err(&run->notes, tr_sleep(self, 1000));
    note_err(&run->notes, tr_recv(self, &m));
    note_err(&run->notes, tr_shield(self, 10, take_now, run));
    return TR_OK;
}

static tr_err send_then_cancel(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr child = start(self, recv_before_and_inside_shield, run);
    tr_send(self, child, "queued");
    tr_cancel(self, child, NULL);
    return tr_join(self, child, NULL);
}

/* S5.3, S5.4 */
static void recv_looks_at_cancel_first_and_takes_nothing(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    (void) run_actor(send_then_cancel, &run);
    assert_string_equal(run.notes.text, "OK ECANCELED ECANCELED queued OK");
}

static tr_err send_when_canceled(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_sleep(self, 1000));
    note_err(&run->notes, tr_send(self, run->peer, "first"));
    note_err(&run->notes, tr_send(self, run->peer, "no room"));
    return TR_OK;
}

static tr_err cancel_the_sender(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts one = { .size = sizeof one, .body = deaf, .mailbox_len_max = 1 };
    tr_err err = tr_spawn_with(self, &one, &run->peer);
    tr_addr child = start(self, send_when_canceled, run);
    tr_cancel(self, child, NULL);
    return err == TR_OK ? tr_join(self, child, NULL) : err;
}

/* S5.5 */
static void send_from_a_canceled_actor_goes_out_only_if_there_is_room(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_the_sender, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK ECANCELED OK ECANCELED");
}

static tr_err first_line(tr_self *self, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "runs:%s", tr_cancel_reason(self));
    return tr_sleep(self, 1);
}

static tr_err cancel_before_it_runs(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, first_line, run, &run->child);
    tr_cancel(self, run->child, "early");
    note_err(&run->notes, tr_join(self, run->child, NULL));
    return err;
}

/* S5.6 */
static void body_canceled_before_it_ran_runs_from_its_first_line(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_before_it_runs, &run), TR_OK);
    assert_string_equal(run.notes.text, "runs:early ECANCELED");
}

static tr_err note_reason(tr_self *self, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "[%s]", tr_cancel_reason(self));
    note(&run->notes, "%d", tr_is_canceled(self));
    (void) tr_sleep(self, 1000);
    note(&run->notes, "[%s]", tr_cancel_reason(self));
    note(&run->notes, "%d", tr_is_canceled(self));
    note(&run->notes, "%s", strstr(tr_error(self)->text, "the first") != NULL ? "told" : tr_error(self)->text);
    return TR_OK;
}

static tr_err cancel_twice(tr_self *self, void *arg)
{
    struct run *run = arg;
    char reason[] = "the first";
    tr_addr child = start(self, note_reason, run);
    note_err(&run->notes, tr_cancel(self, child, reason));
    memset(reason, 'x', sizeof reason - 1);
    note_err(&run->notes, tr_cancel(self, child, "the second"));
    tr_err err = tr_join(self, child, NULL);
    note_err(&run->notes, tr_cancel(self, child, "the dead"));
    note_err(&run->notes, tr_kill(self, child, "the dead"));
    note_err(&run->notes, tr_cancel_wait(self, child, "the dead", 10));
    return err;
}

/* S5.7, S5.8 */
static void reason_of_the_first_cancel_is_copied_kept_and_told(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_twice, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK [] 0 OK OK [the first] 1 told OK OK OK");
}

/* ---- a result and a cancel ---- */

static tr_err ask_main(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    return note_err(&run->notes, tr_ask(self, run->main, &m, "what"));
}

static tr_err reply_then_cancel(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_addr child = start(self, ask_main, run);
    tr_err err = tr_recv(self, &m);
    if (err != TR_OK)
        return err;
    tr_reply(self, m, 1);
    tr_cancel(self, child, "too late");
    return tr_join(self, child, NULL);
}

static tr_err cancel_then_reply(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_addr child = start(self, ask_main, run);
    tr_err err = tr_recv(self, &m);
    if (err != TR_OK)
        return err;
    tr_cancel(self, child, "in time");
    tr_reply(self, m, 1);
    return tr_join(self, child, NULL) == TR_ECANCELED ? TR_OK : TR_EFAILED;
}

/* S5.9 */
static void result_that_came_before_the_cancel_wins(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(reply_then_cancel, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK");
}

/* S5.9: the reply is destroyed (nothing is left over) */
static void cancel_that_came_before_the_result_wins(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    tr_err err = run_actor(cancel_then_reply, &run);
    assert_string_equal(run.notes.text, "OK ECANCELED");
    assert_int_equal(err, TR_OK);
}

/* ---- waiting for the end ---- */

static tr_err slow_to_end(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_sleep(self, 1000);
    tr_err err = tr_shield(self, 1000, nap, NULL);
    run->went_on = true;
    return err;
}

static tr_err cancel_and_look(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr child = start(self, slow_to_end, run);
    tr_cancel(self, child, NULL);
    note(&run->notes, "%d", tr_is_alive(self, child));
    note_err(&run->notes, tr_cancel_wait(self, child, NULL, 1000));
    note(&run->notes, "%d at %ld", tr_is_alive(self, child), now_ms(self));
    return TR_OK;
}

/* S5.10 */
static void cancel_returns_at_once_and_cancel_wait_when_it_has_ended(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_and_look, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK 1 OK 0 at 10");
    assert_true(run.went_on);
}

static tr_err cancel_wait_too_short(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr child = start(self, slow_to_end, run);
    note_err(&run->notes, tr_cancel_wait(self, child, NULL, 5));
    note(&run->notes, "at %ld", now_ms(self));
    note_err(&run->notes, tr_join(self, child, NULL));
    return TR_OK;
}

/* S5.11 */
static void cancel_wait_kills_when_its_time_is_over(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_wait_too_short, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK ETIMEDOUT at 5 EKILLED");
    assert_false(run.went_on);
}

static tr_err cancel_self_with_wait(tr_self *self, void *arg)
{
    return note_err(&((struct run *) arg)->notes, tr_cancel_wait(self, tr_self_addr(self), NULL, 5)) == TR_EDEADLK
               ? TR_OK
               : TR_EFAILED;
}

/* S10.4 */
static void cancel_wait_of_oneself_is_a_deadlock(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_self_with_wait, &run), TR_OK);
}

static tr_err cancel_self(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_cancel(self, tr_self_addr(self), "my own wish"));
    note_err(&run->notes, tr_sleep(self, 1));
    note(&run->notes, "%s", tr_cancel_reason(self));
    return TR_OK;
}

/* S5.1 */
static void an_actor_can_cancel_itself(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_self, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK ECANCELED my own wish");
}

/* ---- shields ---- */

static tr_err shielded_naps(tr_self *self, void *arg)
{
    struct run *run = arg;
    note(&run->notes, "%d[%s]", tr_is_canceled(self), tr_cancel_reason(self));
    note_err(&run->notes, tr_sleep(self, 10));
    return note_err(&run->notes, tr_sleep(self, 1000));
}

static tr_err shield_after_cancel(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_sleep(self, 1000);
    note_err(&run->notes, tr_shield(self, 50, shielded_naps, run));
    run->at_ms = now_ms(self);
    note_err(&run->notes, tr_sleep(self, 1));
    return TR_OK;
}

static tr_err cancel_the_shielded(tr_self *self, void *arg)
{
    tr_addr child = start(self, shield_after_cancel, arg);
    tr_cancel(self, child, "outside");
    return tr_join(self, child, NULL);
}

/* S5.12 */
static void shield_holds_until_its_own_deadline(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_the_shielded, &run), TR_OK);
    assert_int_equal(run.at_ms, 50);
    assert_true(strncmp(run.notes.text, "OK 0[] OK ECANCELED ", 20) == 0);
}

static tr_err shield_then_sleep(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_shield(self, 100, nap, NULL));
    note(&run->notes, "at %ld", now_ms(self));
    note_err(&run->notes, tr_sleep(self, 1));
    return TR_OK;
}

static tr_err cancel_during_a_shield(tr_self *self, void *arg)
{
    tr_addr child = start(self, shield_then_sleep, arg);
    (void) tr_sleep(self, 5);
    tr_cancel(self, child, NULL);
    return tr_join(self, child, NULL);
}

/* S5.13 */
static void cancel_during_a_shield_is_seen_when_it_is_left(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(cancel_during_a_shield, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK at 10 ECANCELED");
}

/* ---- killing ---- */

static tr_err sleeper_with_defer(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_defer(self, count_defer, run);
    (void) tr_sleep(self, 1000);
    run->went_on = true;
    return TR_OK;
}

static tr_err kill_the_sleeper(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr child = start(self, sleeper_with_defer, run);
    note_err(&run->notes, tr_kill(self, child, "no reason"));
    note_err(&run->notes, tr_join(self, child, NULL));
    note(&run->notes, "%s at %ld", tr_error(self)->text, now_ms(self));
    return TR_OK;
}

/* S5.19 */
static void killed_body_runs_its_defers_and_nothing_else(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(kill_the_sleeper, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK EKILLED no reason at 0");
    assert_int_equal(run.defers, 1);
    assert_false(run.went_on);
}

static tr_err kill_before_it_runs(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, sleeper_with_defer, run, &run->child);
    tr_kill(self, run->child, NULL);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    return err;
}

/* S5.19 */
static void body_killed_before_it_ran_never_runs(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(kill_before_it_runs, &run), TR_OK);
    assert_string_equal(run.notes.text, "EKILLED");
    assert_int_equal(run.defers, 0);
}

static tr_err kill_self(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_defer(self, count_defer, run);
    (void) tr_kill(self, tr_self_addr(self), "had enough");
    run->went_on = true;
    return TR_OK;
}

static tr_err watch_it_kill_itself(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr child = start(self, kill_self, run);
    note_err(&run->notes, tr_join(self, child, NULL));
    note(&run->notes, "%s", tr_error(self)->text);
    return TR_OK;
}

/* S5.19 */
static void an_actor_that_kills_itself_does_not_come_back(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(watch_it_kill_itself, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK EKILLED had enough");
    assert_int_equal(run.defers, 1);
    assert_false(run.went_on);
}

struct waiter_state {
    struct run *run;
};

static tr_err waiter_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    ((struct waiter_state *) state)->run = arg;
    return TR_OK;
}

static void waiter_fini(tr_self *self, void *state, tr_err why)
{
    (void) self;
    (void) why;
    ((struct waiter_state *) state)->run->went_on = true;
}

static tr_err on_wait(tr_self *self, void *state, const tr_msg *m)
{
    struct waiter_state *s = state;
    const tr_msg *reply;
    (void) m;
    (void) tr_defer(self, count_defer, s->run);
    tr_err err = tr_ask(self, s->run->peer, &reply, "never answered");
    s->run->went_on = true;
    return err;
}

static const tr_handler waiter_handlers[] = { { .tag = "wait", .args = "", .run = on_wait, .doc = "waits" },
                                              { .tag = NULL } };
static const tr_behaviour waiter = {
    .name = "waiter",
    .state_size = sizeof(struct waiter_state),
    .handlers = waiter_handlers,
    .init = waiter_init,
    .fini = waiter_fini,
};

static tr_err ask_waiter(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    note_err(&run->notes, tr_ask(self, run->child, &m, "wait"));
    return TR_OK;
}

static tr_err kill_a_behaviour_that_waits(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr asker;
    tr_err err = tr_spawn(self, deaf, NULL, &run->peer);
    if (err == TR_OK)
        err = tr_spawn(self, &waiter, run, &run->child);
    if (err == TR_OK)
        err = tr_spawn(self, ask_waiter, run, &asker);
    (void) tr_sleep(self, 10);
    tr_kill(self, run->child, NULL);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    return err == TR_OK ? tr_join(self, asker, NULL) : err;
}

/* S5.19, S4.7, S8.5: no fini */
static void killed_behaviour_leaves_its_wait_and_its_asker_is_told(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(kill_a_behaviour_that_waits, &run), TR_OK);
    assert_string_equal(run.notes.text, "EKILLED EKILLED");
    assert_int_equal(run.defers, 1);
    assert_false(run.went_on);
}

static tr_err hold_everything(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_scope *scope;
    note_err(&run->notes, tr_register(self, "held"));
    note(&run->notes, "%d", tr_alloc(self, 1000) != NULL && tr_temp(self, 1000) != NULL);
    note_err(&run->notes, tr_timer_every(self, 10, NULL, "tick"));
    note_err(&run->notes, tr_scope_begin(self, NULL, &scope));
    note_err(&run->notes, tr_spawn_in(self, scope, deaf, NULL, NULL));
    tr_err err = tr_recv(self, &m);
    note(&run->notes, "%d", tr_keep(self, m) != NULL);
    while (err == TR_OK)
        err = tr_sleep(self, 1000);
    return tr_scope_end(self, &scope, err);
}

static tr_err ask_holder(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    note_err(&run->notes, tr_ask(self, run->child, &m, "keep me"));
    return TR_OK;
}

static tr_err kill_the_holder(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr who;
    tr_addr child = start(self, hold_everything, run);
    tr_err err = tr_spawn(self, ask_holder, run, NULL);
    (void) tr_sleep(self, 5);
    tr_kill(self, child, NULL);
    note_err(&run->notes, tr_join(self, child, NULL));
    note_err(&run->notes, tr_whereis(self, "held", &who));
    (void) tr_yield(self);
    return err;
}

/* S5.20: what is not seen here would be left over */
static void killing_releases_what_the_runtime_knows_of(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    assert_int_equal(run_actor(kill_the_holder, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK OK 1 OK OK OK 1 EDOWN EKILLED ENOPROC");
}

/* ---- ignoring it ---- */

static void keep_log(void *ctx, tr_log_level level, const char *line)
{
    struct run *run = ctx;
    (void) level;
    if (strstr(line, "ignores it") != NULL)
        note(&run->notes, "reported:%d", strstr(line, "stubborn") != NULL);
}

static tr_err ignores_by_recv(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    (void) tr_defer(self, count_defer, run);
    tr_err err = TR_OK;
    while (err != TR_EKILLED)
        err = tr_recv(self, &m);
    return err;
}

static tr_err ignores_by_cancel_wait(tr_self *self, void *arg)
{
    struct run *run = arg;
    (void) tr_defer(self, count_defer, run);
    tr_err err = TR_OK;
    while (err != TR_EKILLED)
        err = tr_cancel_wait(self, run->peer, NULL, TR_FOREVER);
    return err;
}

static tr_err shielded_for_an_hour(tr_self *self, void *arg)
{
    (void) arg;
    return tr_shield(self, 3600000, deaf, NULL);
}

static tr_err cancel_the_stubborn(tr_self *self, struct run *run, tr_body_fn *body)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .body = body, .arg = run, .name = "stubborn" };
    tr_err err = tr_spawn(self, shielded_for_an_hour, NULL, &run->peer);
    if (err == TR_OK)
        err = tr_spawn_with(self, &opts, &run->child);
    (void) tr_sleep(self, 1);
    tr_cancel(self, run->child, "stop it");
    for (int i = 0; i < 100; i++)
        (void) tr_yield(self);
    note(&run->notes, "others run, %d", tr_is_alive(self, run->child));
    note_err(&run->notes, tr_join(self, run->child, NULL));
    tr_kill(self, run->peer, NULL);
    return err;
}

static tr_err cancel_who_ignores_by_recv(tr_self *self, void *arg)
{
    return cancel_the_stubborn(self, arg, ignores_by_recv);
}

static tr_err cancel_who_ignores_by_cancel_wait(tr_self *self, void *arg)
{
    return cancel_the_stubborn(self, arg, ignores_by_cancel_wait);
}

/* S5.21 */
static void ignoring_a_cancel_for_ever_lets_others_run_and_ends_in_a_kill(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    (void) run_actor_with((tr_node_opts){ .on_log = keep_log, .ctx = &run }, cancel_who_ignores_by_recv, &run);
    assert_string_equal(run.notes.text, "others run, 1 reported:1 EKILLED");
    assert_int_equal(run.defers, 1);
}

/* S5.21: calls that do not look at the cancel first are counted too */
static void ignoring_a_cancel_by_cancel_wait_ends_in_a_kill_as_well(void **state)
{
    struct run run = { .defers = 0 };
    (void) state;
    (void) run_actor_with((tr_node_opts){ .on_log = keep_log, .ctx = &run }, cancel_who_ignores_by_cancel_wait, &run);
    assert_non_null(strstr(run.notes.text, "reported:1 EKILLED"));
    assert_int_equal(run.defers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suspending_call_of_a_canceled_actor_says_so_again_and_again),
        cmocka_unit_test(recv_looks_at_cancel_first_and_takes_nothing),
        cmocka_unit_test(send_from_a_canceled_actor_goes_out_only_if_there_is_room),
        cmocka_unit_test(body_canceled_before_it_ran_runs_from_its_first_line),
        cmocka_unit_test(reason_of_the_first_cancel_is_copied_kept_and_told),
        cmocka_unit_test(result_that_came_before_the_cancel_wins),
        cmocka_unit_test(cancel_that_came_before_the_result_wins),
        cmocka_unit_test(cancel_returns_at_once_and_cancel_wait_when_it_has_ended),
        cmocka_unit_test(cancel_wait_kills_when_its_time_is_over),
        cmocka_unit_test(cancel_wait_of_oneself_is_a_deadlock),
        cmocka_unit_test(an_actor_can_cancel_itself),
        cmocka_unit_test(shield_holds_until_its_own_deadline),
        cmocka_unit_test(cancel_during_a_shield_is_seen_when_it_is_left),
        cmocka_unit_test(killed_body_runs_its_defers_and_nothing_else),
        cmocka_unit_test(body_killed_before_it_ran_never_runs),
        cmocka_unit_test(an_actor_that_kills_itself_does_not_come_back),
        cmocka_unit_test(killed_behaviour_leaves_its_wait_and_its_asker_is_told),
        cmocka_unit_test(killing_releases_what_the_runtime_knows_of),
        cmocka_unit_test(ignoring_a_cancel_for_ever_lets_others_run_and_ends_in_a_kill),
        cmocka_unit_test(ignoring_a_cancel_by_cancel_wait_ends_in_a_kill_as_well),
    };
    return run_actor_tests(tests);
}
