/* SPDX-License-Identifier: MIT */
/* test_crossing.c - what crosses between workers finds its actor, and late answers find nobody (src/actor/signal.c) */
#include "actor/signal.h"
#include "support/workers.h"

/* ---- tickets: reaches inside, since a late answer cannot be made to come at will ---- */

static void an_answer_to_a_wait_that_is_over_finds_nobody(void **state)
{
    (void) state;
    static struct worker w;
    int first, second;
    slab_init(&w.tickets, sizeof(struct ticket), 4096);
    struct ticket *t = ticket_open(&w, &first);
    struct ticket_ref ref = ticket_ref(&w, t);
    assert_ptr_equal(ticket_what(ref), &first);
    ticket_close(&w, t);
    assert_null(ticket_what(ref));
    struct ticket *next = ticket_open(&w, &second);
    assert_ptr_equal(next, t); /* the same record, for another wait */
    assert_null(ticket_what(ref));
    assert_ptr_equal(ticket_what(ticket_ref(&w, next)), &second);
    ticket_close(&w, next);
    assert_int_equal(slab_live(&w.tickets), 0);
    slab_fini(&w.tickets);
}

/* ---- signals ---- */

#define MOVERS 50

struct movers {
    atomic_int ran, ended, over;
    tr_addr who[MOVERS];
    struct notes notes;
};

static tr_err take_arg(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(void **) state = arg;
    return TR_OK;
}

static tr_err count_run(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) m;
    struct movers *s = *(void **) state;
    atomic_fetch_add(&s->ran, 1);
    return TR_OK;
}

static void count_end(tr_self *self, void *state, tr_err why)
{
    (void) self;
    struct movers *s = *(void **) state;
    atomic_fetch_add(&s->ended, why == TR_ECANCELED);
}

static const tr_handler mover_rows[] = { { .tag = "run", .args = "", .run = count_run }, { .tag = NULL } };
static const tr_behaviour mover = {
    .name = "mover", .state_size = sizeof(void *), .handlers = mover_rows, .init = take_arg, .fini = count_end
};

/* Keeps the movers busy, so that they are given and taken. */
static tr_err keep_busy(tr_self *self, void *arg)
{
    struct movers *s = arg;
    tr_err err = TR_OK;
    for (int i = 0; err == TR_OK && atomic_load(&s->over) == 0; i++) {
        (void) tr_try_send(self, s->who[i % MOVERS], "run");
        if (i % 16 == 0)
            err = tr_yield(self);
    }
    return err;
}

/* Its owner is here; it may be anywhere when it is cancelled. */
static tr_err cancel_the_moving(tr_self *self, void *arg)
{
    struct movers *s = arg;
    tr_addr busy[2];
    tr_err err = TR_OK;
    for (int i = 0; i < MOVERS && err == TR_OK; i++)
        err = tr_spawn(self, &mover, s, &s->who[i]);
    for (unsigned i = 0; i < 2 && err == TR_OK; i++)
        err = spawn_on(self, i, keep_busy, NULL, s, &busy[i]);
    if (err == TR_OK)
        err = wait_until(self, &s->ran, 1000);
    for (int i = 0; i < MOVERS && err == TR_OK; i++)
        err = tr_cancel_wait(self, s->who[i], "enough", TR_FOREVER);
    atomic_store(&s->over, 1);
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = tr_join(self, busy[i], NULL);
    return err;
}

static void a_cancel_finds_an_actor_wherever_it_has_moved(void **state)
{
    (void) state;
    struct movers s = { .ran = 0 };
    assert_int_equal(run_workers(2, cancel_the_moving, &s), TR_OK);
    assert_int_equal(s.ended, MOVERS);
}

static tr_err end_at_once(tr_self *self, void *arg)
{
    (void) self, (void) arg;
    return TR_OK;
}

/* An end and a wish to be told of it cross; whoever comes late is told that. */
static tr_err join_the_ending(tr_self *self, void *arg)
{
    struct movers *s = arg;
    tr_err err = TR_OK;
    for (int i = 0; i < 300 && err == TR_OK; i++) {
        tr_addr who;
        err = spawn_on(self, 1, end_at_once, NULL, s, &who);
        for (int k = 0; k < i % 3 && err == TR_OK; k++)
            err = tr_yield(self);
        if (err == TR_OK)
            err = tr_join(self, who, NULL);
        if (err == TR_OK && tr_is_alive(self, who))
            err = TR_EFAILED;
    }
    return err;
}

static void an_end_and_a_join_that_cross_miss_nothing(void **state)
{
    (void) state;
    struct movers s = { .ran = 0 };
    assert_int_equal(run_workers(2, join_the_ending, &s), TR_OK);
}

static tr_err cancel_the_dead(tr_self *self, void *arg)
{
    struct movers *s = arg;
    tr_addr dead, alive;
    tr_err err = spawn_on(self, 1, end_at_once, NULL, s, &dead);
    if (err == TR_OK)
        err = tr_join(self, dead, NULL);
    if (err == TR_OK)
        err = spawn_on(self, 1, deaf, NULL, NULL, &alive); /* likely in the slot of the dead */
    for (int i = 0; i < 10 && err == TR_OK; i++) {
        note(&s->notes, "%s", tr_cancel(self, dead, "late") == TR_OK ? "" : "?");
        err = tr_kill(self, dead, "late");
        if (err == TR_OK)
            err = tr_sleep(self, 1);
    }
    note(&s->notes, "%d", tr_is_alive(self, alive));
    (void) tr_kill(self, alive, "done");
    return err;
}

static void what_was_meant_for_the_dead_does_not_reach_the_next_in_their_slot(void **state)
{
    (void) state;
    struct movers s = { .ran = 0 };
    assert_int_equal(run_workers(2, cancel_the_dead, &s), TR_OK);
    assert_null(strchr(s.notes.text, '?'));
    assert_non_null(strstr(s.notes.text, "1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_to_a_wait_that_is_over_finds_nobody),
        cmocka_unit_test(a_cancel_finds_an_actor_wherever_it_has_moved),
        cmocka_unit_test(an_end_and_a_join_that_cross_miss_nothing),
        cmocka_unit_test(what_was_meant_for_the_dead_does_not_reach_the_next_in_their_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
