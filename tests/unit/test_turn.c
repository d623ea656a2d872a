/* SPDX-License-Identifier: MIT */
/* test_turn.c - turns: how handlers that are suspended at once come to an end together */
#include "support/actor_test.h"

struct keeper {
    struct notes *notes;
};

static tr_err keeper_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    ((struct keeper *) state)->notes = arg;
    return TR_OK;
}

static tr_err take_a_moment(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 10);
}

/* Waits to be cancelled, then cleans up under a shield. */
static tr_err on_wait(tr_self *self, void *state, const tr_msg *m)
{
    struct keeper *k = state;
    (void) m;
    note_err(k->notes, tr_sleep(self, 1000));
    note_err(k->notes, tr_shield(self, 1000, take_a_moment, NULL));
    return tr_fail_with(self, TR_ECANCELED, "cancelled");
}

static tr_err on_stop(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) state;
    (void) m;
    return TR_STOP;
}

static void keeper_fini(tr_self *self, void *state, tr_err why)
{
    (void) self;
    note(((struct keeper *) state)->notes, "fini");
    note_err(((struct keeper *) state)->notes, why);
}

static const tr_handler handlers[] = {
    { .tag = "wait", .args = "", .run = on_wait, .doc = "waits until it is cancelled", .flags = TR_REENTRANT },
    { .tag = "stop", .args = "", .run = on_stop, .doc = "ends the actor well" },
    { .tag = NULL },
};

static const tr_behaviour keeper = {
    .name = "keeper",
    .state_size = sizeof(struct keeper),
    .handlers = handlers,
    .init = keeper_init,
    .fini = keeper_fini,
};

static tr_err two_wait_then(tr_self *self, struct notes *notes, tr_addr *who)
{
    tr_err err = tr_spawn(self, &keeper, notes, who);
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = tr_send(self, *who, "wait");
    return err == TR_OK ? tr_sleep(self, 1) : err;
}

static tr_err cancel_it(tr_self *self, void *arg)
{
    tr_addr who;
    tr_err err = two_wait_then(self, arg, &who);
    return err == TR_OK ? tr_cancel_wait(self, who, "enough", 5000) : err;
}

static tr_err stop_it(tr_self *self, void *arg)
{
    tr_addr who;
    tr_err err = two_wait_then(self, arg, &who);
    if (err == TR_OK)
        err = tr_send(self, who, "stop");
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

/* S5.1, S5.12 */
static void cancelled_actor_ends_when_all_its_reentrant_handlers_have_cleaned_up(void **state)
{
    (void) state;
    struct notes notes = { .len = 0 };
    assert_int_equal(run_actor(cancel_it, &notes), TR_OK);
    assert_string_equal(notes.text, "ECANCELED ECANCELED OK OK fini ECANCELED");
}

static void actor_that_stops_waits_for_its_other_reentrant_handlers_and_ends_well(void **state)
{
    (void) state;
    struct notes notes = { .len = 0 };
    assert_int_equal(run_actor(stop_it, &notes), TR_OK);
    assert_string_equal(notes.text, "ECANCELED ECANCELED OK OK fini OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancelled_actor_ends_when_all_its_reentrant_handlers_have_cleaned_up),
        cmocka_unit_test(actor_that_stops_waits_for_its_other_reentrant_handlers_and_ends_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
