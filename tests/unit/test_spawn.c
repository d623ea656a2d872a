/* SPDX-License-Identifier: MIT */
/* test_spawn.c - making actors: options, order, arguments, stacks of other sizes, many (docs/semantics.md, S1.8, S1.9,
 * S7.18) */
#include "support/actor_test.h"

#ifdef __SANITIZE_THREAD__
#define BODIES 3000 /* TSan has room for 8,128 fibers */
#else
#define BODIES 8000
#endif
#define BIG (4u << 20)

struct run {
    struct notes notes;
    tr_addr actor;
    int n;
};

struct numbered {
    struct run *run;
    int number;
};

static tr_err notes_number(tr_self *self, void *arg)
{
    const struct numbered *n = arg;
    (void) self;
    note(&n->run->notes, "%d", n->number);
    return TR_OK;
}

static tr_err spawns_in_a_row(tr_self *self, void *arg)
{
    struct numbered n[5];
    tr_err err = TR_OK;
    for (int i = 0; i < 5 && err == TR_OK; i++) {
        n[i] = (struct numbered){ arg, i };
        err = tr_spawn(self, notes_number, &n[i], NULL);
    }
    note(&((struct run *) arg)->notes, "spawned");
    (void) tr_yield(self);
    return err;
}

/* S1.8, S1.9, S13.7 */
static void spawned_actors_start_in_order_when_their_spawner_suspends(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(spawns_in_a_row, &run), TR_OK);
    assert_string_equal(run.notes.text, "spawned 0 1 2 3 4");
}

static const tr_handler no_rows[] = { { .tag = NULL } };
static const tr_behaviour quiet = { .name = "quiet", .handlers = no_rows };

static tr_err refused(tr_self *self, struct run *run, tr_spawn_opts opts)
{
    tr_addr to = { 7, 7 };
    tr_err err = tr_spawn_with(self, &opts, &to);
    note(&run->notes, "%s%s", tr_err_name(err) + 3, to.node == 7 ? "" : "!");
    return err;
}

static tr_err bad_options(tr_self *self, void *arg)
{
    struct run *run = arg;
    size_t size = sizeof(tr_spawn_opts);
    char long_name[300];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    refused(self, run, (tr_spawn_opts){ .size = 1, .body = deaf });
    refused(self, run, (tr_spawn_opts){ .size = size });
    refused(self, run, (tr_spawn_opts){ .size = size, .body = deaf, .behaviour = &quiet });
    refused(self, run, (tr_spawn_opts){ .size = size, .body = deaf, .name = "" });
    refused(self, run, (tr_spawn_opts){ .size = size, .body = deaf, .name = long_name });
    refused(self, run, (tr_spawn_opts){ .size = size, .body = deaf, .full_policy = (tr_full_policy) 9 });
    refused(self, run, (tr_spawn_opts){ .size = size, .body = deaf, .name = "test" });
    note(&run->notes, "%d", strstr(tr_error(self)->text, "test") != NULL);
    return TR_OK;
}

/* S7.18 */
static void options_that_are_wrong_make_no_actor(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(bad_options, &run), TR_OK);
    assert_string_equal(run.notes.text, "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EEXIST 1");
}

static tr_err no_run(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) state;
    (void) m;
    return TR_OK;
}

static const tr_handler twice_rows[] = { { .tag = "a", .args = "", .run = no_run, .doc = "one" },
                                         { .tag = "a", .args = "", .run = no_run, .doc = "two" },
                                         { .tag = NULL } };
static const tr_handler type_rows[] = { { .tag = "odd", .args = "n:integer", .run = no_run, .doc = "no such type" },
                                        { .tag = NULL } };
static const tr_handler bare_rows[] = { { .tag = "bare", .args = "", .doc = "does nothing" }, { .tag = NULL } };
static const tr_behaviour twice = { .name = "twice", .handlers = twice_rows };
static const tr_behaviour odd_type = { .name = "odd", .handlers = type_rows };
static const tr_behaviour bare = { .name = "bare", .handlers = bare_rows };

static tr_err bad_tables(tr_self *self, void *arg)
{
    static const tr_behaviour *const tables[] = { &twice, &odd_type, &bare };
    static const char *const words[] = { "a", "odd", "bare" };
    struct run *run = arg;
    for (int i = 0; i < 3; i++) {
        note_err(&run->notes, tr_spawn(self, tables[i], NULL, NULL));
        note(&run->notes, "%d", strstr(tr_error(self)->text, words[i]) != NULL);
    }
    return TR_OK;
}

/* actor.h: tr_error says which row */
static void table_that_is_wrong_is_refused_by_its_row(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(bad_tables, &run), TR_OK);
    assert_string_equal(run.notes.text, "EINVAL 1 EINVAL 1 EINVAL 1");
}

static tr_err reads_args(tr_self *self, void *arg)
{
    struct run *run = arg;
    const char *who = "";
    int n = 0;
    tr_err err = tr_args(tr_start_args(self), &who, &n);
    note(&run->notes, "%s %s %d", tr_tag(tr_start_args(self)), who, n);
    return err;
}

static tr_err spawn_with_args(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_msg *args;
    tr_err err = tr_msg_new(&args, "config", "me", 42);
    const tr_spawn_opts opts = { .size = sizeof opts, .body = reads_args, .arg = run, .args = args };
    if (err == TR_OK)
        err = tr_spawn_with(self, &opts, &run->actor);
    tr_msg_free(&args);
    note(&run->notes, "%d", tr_start_args(self) == NULL);
    return err == TR_OK ? tr_join(self, run->actor, NULL) : err;
}

/* actor.h: they live as long as the actor */
static void message_arguments_are_shared_with_the_actor(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(spawn_with_args, &run), TR_OK);
    assert_string_equal(run.notes.text, "1 config me 42");
}

/* ---- stacks ---- */

__attribute__((noinline)) static int use_stack(size_t size)
{
    volatile char room[65536];
    room[0] = (char) size;
    room[sizeof room - 1] = 1;
    int deeper = size > sizeof room ? use_stack(size - sizeof room) : 0;
    return deeper + room[sizeof room - 1];
}

static tr_err uses_much(tr_self *self, void *arg)
{
    struct run *run = arg;
    run->n += use_stack(BIG / 2);
    tr_err err = tr_sleep(self, 1);
    run->n += use_stack(BIG / 2);
    return err;
}

static tr_err spawn_big_bodies(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = uses_much, .arg = run, .stack_size = BIG };
    tr_addr who[3];
    tr_err err = TR_OK;
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_spawn_with(self, &opts, &who[i]);
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_join(self, who[i], NULL);
    return err;
}

/* actor.h: stack_size; given back at the end, or it would be left over */
static void body_can_have_a_larger_stack_of_its_own(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(spawn_big_bodies, &run), TR_OK);
    assert_int_equal(run.n, 3 * 2 * (int) (BIG / 2 / 65536));
}

static tr_err on_big(tr_self *self, void *state, const tr_msg *m)
{
    int n = use_stack(BIG / 2);
    (void) state;
    tr_err err = tr_sleep(self, 1);
    return err == TR_OK ? tr_reply(self, m, n + use_stack(BIG / 2)) : err;
}

static const tr_handler big_rows[] = { { .tag = "big", .args = "", .run = on_big, .doc = "uses much stack" },
                                       { .tag = NULL } };
static const tr_behaviour big_behaviour = { .name = "big", .handlers = big_rows, .stack_size = BIG };

static tr_err ask_the_big(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_addr to;
    tr_err err = tr_spawn(self, &big_behaviour, NULL, &to);
    for (int i = 0; i < 3 && err == TR_OK; i++) {
        int n = 0;
        err = tr_ask(self, to, &m, "big");
        if (err == TR_OK)
            err = tr_args(m, &n);
        run->n += n;
    }
    return err;
}

/* actor.h: tr_behaviour.stack_size */
static void behaviour_can_ask_for_a_larger_stack(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(ask_the_big, &run), TR_OK);
    assert_int_equal(run.n, 3 * 2 * (int) (BIG / 2 / 65536));
}

/* ---- many ---- */

static tr_err one_of_many(tr_self *self, void *arg)
{
    tr_err err = tr_sleep(self, 10);
    ((struct run *) arg)->n++;
    return err;
}

static tr_err many(tr_self *self, tr_scope *scope, void *arg)
{
    tr_err err = TR_OK;
    for (int i = 0; i < BODIES && err == TR_OK; i++)
        err = tr_spawn_in(self, scope, one_of_many, arg, NULL);
    return err;
}

static tr_err run_many(tr_self *self, void *arg)
{
    return tr_scope_run(self, NULL, many, arg);
}

/* S6.1 */
static void thousands_of_bodies_are_alive_at_once(void **state)
{
    struct run run = { .n = 0 };
    int64_t elapsed_ms = 0;
    (void) state;
    assert_int_equal(run_actor_timed(run_many, &run, &elapsed_ms), TR_OK);
    assert_int_equal(run.n, BODIES);
    assert_int_equal(elapsed_ms, 10);
}

static tr_err ends_at_once(tr_self *self, void *arg)
{
    (void) self;
    (void) arg;
    return TR_OK;
}

static tr_err addresses(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr first, next = TR_ADDR_NIL;
    tr_err err = tr_spawn(self, ends_at_once, NULL, &first);
    for (int i = 0; i < 2000 && err == TR_OK; i++) {
        (void) tr_yield(self);
        err = tr_spawn(self, ends_at_once, NULL, &next);
        run->n += tr_addr_eq(first, next);
    }
    note_err(&run->notes, tr_send(self, first, "anybody?"));
    note(&run->notes, "%d", tr_is_alive(self, first));
    return err;
}

/* S9.11 */
static void address_is_never_used_again(void **state)
{
    struct run run = { .n = 0 };
    (void) state;
    assert_int_equal(run_actor(addresses, &run), TR_OK);
    assert_int_equal(run.n, 0);
    assert_string_equal(run.notes.text, "ENOPROC 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spawned_actors_start_in_order_when_their_spawner_suspends),
        cmocka_unit_test(options_that_are_wrong_make_no_actor),
        cmocka_unit_test(table_that_is_wrong_is_refused_by_its_row),
        cmocka_unit_test(message_arguments_are_shared_with_the_actor),
        cmocka_unit_test(body_can_have_a_larger_stack_of_its_own),
        cmocka_unit_test(behaviour_can_ask_for_a_larger_stack),
        cmocka_unit_test(thousands_of_bodies_are_alive_at_once),
        cmocka_unit_test(address_is_never_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
