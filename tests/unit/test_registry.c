/* SPDX-License-Identifier: MIT */
/* test_registry.c - names: taken, given back, looked up */
#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_addr actor;
};

static tr_err register_and_find(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr who = TR_ADDR_NIL;
    note_err(&run->notes, tr_whereis(self, "x", &who));
    note_err(&run->notes, tr_register(self, "x"));
    note_err(&run->notes, tr_register(self, "y"));
    note_err(&run->notes, tr_register(self, "x"));
    note_err(&run->notes, tr_whereis(self, "y", &who));
    note(&run->notes, "%d", tr_addr_eq(who, tr_self_addr(self)));
    note_err(&run->notes, tr_unregister(self, "x"));
    note_err(&run->notes, tr_unregister(self, "x"));
    note_err(&run->notes, tr_whereis(self, "x", &who));
    note_err(&run->notes, tr_whereis(self, "y", &who));
    return TR_OK;
}

/* actor.h: an actor can have several names */
static void names_are_taken_found_and_given_back(void **state)
{
    struct run run = { .actor = TR_ADDR_NIL };
    (void) state;
    assert_int_equal(run_actor(register_and_find, &run), TR_OK);
    assert_string_equal(run.notes.text, "ENOPROC OK OK EEXIST OK 1 OK ENOPROC ENOPROC OK");
}

static tr_err bad_names(tr_self *self, void *arg)
{
    struct run *run = arg;
    char name[257];
    memset(name, 'n', 256);
    name[256] = '\0';
    note_err(&run->notes, tr_register(self, ""));
    note_err(&run->notes, tr_register(self, name));
    name[255] = '\0';
    note_err(&run->notes, tr_register(self, name));
    return TR_OK;
}

/* actor.h: 1 to 255 bytes */
static void name_has_1_to_255_bytes(void **state)
{
    struct run run = { .actor = TR_ADDR_NIL };
    (void) state;
    assert_int_equal(run_actor(bad_names, &run), TR_OK);
    assert_string_equal(run.notes.text, "EINVAL EINVAL OK");
}

static tr_err holds_a_name(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = tr_register(self, "held");
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

static tr_err take_what_is_held(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, holds_a_name, NULL, &run->actor);
    (void) tr_yield(self);
    note_err(&run->notes, tr_register(self, "held"));
    note_err(&run->notes, tr_unregister(self, "held"));
    note_err(&run->notes, err == TR_OK ? tr_join(self, run->actor, NULL) : err);
    note_err(&run->notes, tr_register(self, "held"));
    return TR_OK;
}

/* S8.3, S8.7 */
static void name_of_another_is_free_when_its_end_is_seen(void **state)
{
    struct run run = { .actor = TR_ADDR_NIL };
    (void) state;
    assert_int_equal(run_actor(take_what_is_held, &run), TR_OK);
    assert_string_equal(run.notes.text, "EEXIST ENOPROC OK OK");
}

static tr_err many_names(tr_self *self, void *arg)
{
    struct run *run = arg;
    char name[32];
    int found = 0;
    tr_addr who;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "name %d", i);
        tr_check(self, tr_register(self, name) == TR_OK);
    }
    for (int i = 0; i < 1000; i += 2) {
        snprintf(name, sizeof name, "name %d", i);
        tr_check(self, tr_unregister(self, name) == TR_OK);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "name %d", i);
        bool is_there = tr_whereis(self, name, &who) == TR_OK;
        found += is_there;
        tr_check(self, is_there == (i % 2 == 1));
    }
    note(&run->notes, "%d", found);
    return TR_OK;
}

static void a_thousand_names_are_told_apart(void **state)
{
    struct run run = { .actor = TR_ADDR_NIL };
    (void) state;
    assert_int_equal(run_actor(many_names, &run), TR_OK);
    assert_string_equal(run.notes.text, "500");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_found_and_given_back),
        cmocka_unit_test(name_has_1_to_255_bytes),
        cmocka_unit_test(name_of_another_is_free_when_its_end_is_seen),
        cmocka_unit_test(a_thousand_names_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
