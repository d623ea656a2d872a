/* SPDX-License-Identifier: MIT */
/* test_shuffle.c - a seed draws the order that is not promised, and keeps what is (docs/semantics.md, S58) */
#include "support/actor_test.h"

#define ACTORS 6
#define SEEDS 50

struct run {
    struct notes notes;
    int started, woken;
    bool in_order;
};

struct one {
    struct run *run;
    int index;
};

static tr_err starts(tr_self *self, void *arg)
{
    struct one *me = arg;
    me->run->in_order = me->run->in_order && me->index == me->run->started++;
    tr_err err = tr_sleep(self, 10);
    note(&me->run->notes, "%d", me->index);
    return err;
}

static tr_err many(tr_self *self, tr_scope *scope, void *arg)
{
    struct run *run = arg;
    struct one *ones = tr_temp(self, ACTORS * sizeof *ones);
    run->in_order = true;
    for (int i = 0; i < ACTORS && ones != NULL; i++) {
        ones[i] = (struct one){ run, i };
        if (tr_spawn_in(self, scope, starts, &ones[i], NULL) != TR_OK)
            return TR_ENOMEM;
    }
    return TR_OK;
}

static tr_err run_many(tr_self *self, void *arg)
{
    return tr_scope_run(self, NULL, many, arg);
}

static void under(uint64_t seed, struct run *run)
{
    tr_test_seed_set(seed);
    assert_int_equal(run_actor(run_many, run), TR_OK);
    tr_test_seed_set(0);
}

/* S58.1, S58.3 */
static void same_seed_gives_the_same_order_and_others_give_others(void **state)
{
    int different = 0;
    struct run plain = { .started = 0 };
    (void) state;
    under(0, &plain);
    assert_string_equal(plain.notes.text, "0 1 2 3 4 5");
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct run once = { .started = 0 }, again = { .started = 0 };
        under(seed, &once);
        under(seed, &again);
        assert_string_equal(once.notes.text, again.notes.text);
        different += strcmp(once.notes.text, plain.notes.text) != 0;
    }
    assert_true(different > SEEDS / 2);
}

/* S58.2, S1.9 */
static void siblings_start_as_they_were_spawned_under_any_seed(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct run run = { .started = 0 };
        under(seed, &run);
        assert_true(run.in_order);
    }
}

/* ---- two who make others ready at the same time ---- */

static tr_err names_itself(tr_self *self, void *arg)
{
    struct one *me = arg;
    (void) self;
    note(&me->run->notes, "%d", me->index);
    return TR_OK;
}

static tr_err spawns_two(tr_self *self, void *arg)
{
    struct one *me = arg;
    struct one *ones = tr_alloc(self, 2 * sizeof *ones);
    tr_err err = TR_OK;
    for (int i = 0; i < 2 && ones != NULL && err == TR_OK; i++) {
        ones[i] = (struct one){ me->run, me->index * 10 + i };
        err = tr_spawn(self, names_itself, &ones[i], NULL);
    }
    return err == TR_OK ? tr_sleep(self, 5) : err;
}

static tr_err two_spawners(tr_self *self, void *arg)
{
    struct one ones[2] = { { arg, 1 }, { arg, 2 } };
    tr_err err = tr_spawn(self, spawns_two, &ones[0], NULL);
    if (err == TR_OK)
        err = tr_spawn(self, spawns_two, &ones[1], NULL);
    return err == TR_OK ? tr_sleep(self, 20) : err;
}

static size_t at(const struct run *run, const char *what)
{
    return (size_t) (strstr(run->notes.text, what) - run->notes.text);
}

/* S58.2: what one made ready stays in order, what both did is mixed */
static void what_two_turns_made_ready_is_mixed_and_each_ones_order_kept(void **state)
{
    bool first_before = false, second_before = false;
    (void) state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct run run = { .started = 0 };
        tr_test_seed_set(seed);
        assert_int_equal(run_actor(two_spawners, &run), TR_OK);
        tr_test_seed_set(0);
        assert_true(at(&run, "10") < at(&run, "11") && at(&run, "20") < at(&run, "21"));
        first_before = first_before || at(&run, "10") < at(&run, "20");
        second_before = second_before || at(&run, "20") < at(&run, "10");
    }
    assert_true(first_before && second_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_gives_the_same_order_and_others_give_others),
        cmocka_unit_test(siblings_start_as_they_were_spawned_under_any_seed),
        cmocka_unit_test(what_two_turns_made_ready_is_mixed_and_each_ones_order_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
