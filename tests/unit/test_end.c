/* SPDX-License-Identifier: MIT */
/* test_end.c - the order in which an actor ends, and what belongs to a call of its code (docs/semantics.md, S7 and S8)
 */
#include <stdlib.h>

#include "support/actor_test.h"

struct run {
    struct notes notes;
    tr_addr main, actor, child;
    const void *temp;
    tr_err init_err, fini_err, row_err;
    bool fini_fails, fini_waits;
    int letters[TR_DEAD_REASONS];
    char dead_tags[64];
};

static void note_defer(void *arg)
{
    note(arg, "defer");
}

static void note_first(void *arg)
{
    note(arg, "first");
}

static void note_second(void *arg)
{
    note(arg, "second");
}

static void on_dead_letter(void *ctx, const tr_dead_letter *letter)
{
    struct run *run = ctx;
    run->letters[letter->reason]++;
    note(&run->notes, "dead:%s", tr_tag(letter->msg));
}

/* ---- the whole order, for an actor that has everything ---- */

static tr_err owned(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr who;
    (void) tr_sleep(self, 3600000);
    note(&run->notes, "child:%s", tr_whereis(self, "full", &who) == TR_ENOPROC ? "name-free" : "name-taken");
    note(&run->notes, "send:%s", tr_err_name(tr_send(self, run->actor, "late")) + 3);
    return TR_ECANCELED;
}

static tr_err full_init(tr_self *self, void *state, void *arg)
{
    struct run *run = *(struct run **) state = arg;
    tr_err err = tr_register(self, "full");
    if (err == TR_OK)
        err = tr_spawn(self, owned, run, NULL);
    return err == TR_OK ? tr_sleep(self, 5) : err; /* so that all the messages are queued when it begins */
}

static void full_fini(tr_self *self, void *state, tr_err why)
{
    struct run *run = *(struct run **) state;
    note(&run->notes, "fini:%s", tr_err_name(why) + 3);
    (void) tr_defer(self, note_defer, &run->notes);
}

static tr_err on_keep(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_keep(self, m) != NULL ? TR_OK : TR_EFAILED;
}

static tr_err on_quit(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) state;
    (void) m;
    return TR_STOP;
}

static tr_err on_die(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    (void) m;
    tr_fail(self, TR_EUSER + 5, "dies");
}

static const tr_handler full_rows[] = {
    { .tag = "keep", .args = "", .run = on_keep, .doc = "is never answered" },
    { .tag = "quit", .args = "", .run = on_quit, .doc = "ends well" },
    { .tag = "die", .args = "", .run = on_die, .doc = "ends badly" },
    { .tag = NULL },
};
static const tr_behaviour full = {
    .name = "full", .state_size = sizeof(struct run *), .handlers = full_rows, .init = full_init, .fini = full_fini
};

struct asking {
    struct run *run;
    const char *tag;
};

static tr_err asks(tr_self *self, void *arg)
{
    const struct asking *asking = arg;
    const tr_msg *m;
    tr_err err = tr_ask(self, asking->run->actor, &m, asking->tag);
    note(&asking->run->notes, "%s:%s", asking->tag, tr_err_name(err) + 3);
    return TR_OK;
}

static tr_err wait_for_end(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_join(self, run->actor, NULL));
    note(&run->notes, "joiner:%s", tr_err_name(tr_register(self, "full")) + 3);
    return TR_OK;
}

/* An actor with a kept request, a request and a plain message in its queue, a name, a child, a fini and someone who
 * joins it. */
static tr_err end_the_full(tr_self *self, struct run *run, const char *how)
{
    struct asking keep = { run, "keep" }, last = { run, how }, queued = { run, "queued" };
    tr_addr joiner;
    tr_err err = tr_spawn(self, &full, run, &run->actor);
    if (err == TR_OK)
        err = tr_spawn(self, wait_for_end, run, &joiner);
    if (err == TR_OK)
        err = tr_spawn(self, asks, &keep, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, asks, &last, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, asks, &queued, NULL);
    (void) tr_sleep(self, 1); /* the three asks are queued now */
    (void) tr_try_send(self, run->actor, "plain");
    return err == TR_OK ? tr_join(self, joiner, NULL) : err;
}

static tr_err end_by_stop(tr_self *self, void *arg)
{
    return end_the_full(self, arg, "quit");
}

static tr_err end_by_fail(tr_self *self, void *arg)
{
    return end_the_full(self, arg, "die");
}

/* Where a word of the notes stands; the test fails if it is not there. */
static long place(const struct notes *notes, const char *word)
{
    const char *at = strstr(notes->text, word);
    if (at == NULL)
        fail_msg("no \"%s\" in: %s", word, notes->text);
    return at - notes->text;
}

static void assert_order(const struct notes *notes, const char *const *words)
{
    for (; words[1] != NULL; words++)
        if (place(notes, words[0]) >= place(notes, words[1]))
            fail_msg("\"%s\" does not come before \"%s\" in: %s", words[0], words[1], notes->text);
}

/* S8.1 to S8.7, S4.7, S7.11 */
static void actor_that_stops_ends_in_order(void **state)
{
    struct run run = { .temp = NULL };
    (void) state;
    (void) run_actor_with((tr_node_opts){ .on_dead_letter = on_dead_letter, .ctx = &run }, end_by_stop, &run);
    static const char *const order[] = { "dead:plain", "child:name-free", "send:ENOPROC",
                                         "fini:OK",    "defer",           "OK joiner:OK",
                                         NULL };
    assert_order(&run.notes, order);
    (void) place(&run.notes, "keep:EDOWN");
    (void) place(&run.notes, "quit:ENOREPLY");
    (void) place(&run.notes, "queued:EDOWN");
    assert_true(run.letters[TR_DEAD_ENDED] > 0);
}

/* S7.12, S8.5, S4.7: the request in hand gets the error it ended by */
static void actor_that_fails_in_a_handler_ends_in_the_same_order(void **state)
{
    struct run run = { .temp = NULL };
    (void) state;
    (void) run_actor_with((tr_node_opts){ .on_dead_letter = on_dead_letter, .ctx = &run }, end_by_fail, &run);
    static const char *const order[] = { "dead:plain", "child:name-free",   "fini:EUSER+5",
                                         "defer",      "EUSER+5 joiner:OK", NULL };
    assert_order(&run.notes, order);
    (void) place(&run.notes, "keep:EDOWN");
    (void) place(&run.notes, "die:EUSER+5");
    (void) place(&run.notes, "queued:EDOWN");
}

static tr_err slow_owned(tr_self *self, void *arg)
{
    (void) arg;
    return tr_shield(self, 3600000, deaf, NULL);
}

static tr_err owner_of_the_slow(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = tr_spawn(self, slow_owned, NULL, NULL);
    (void) tr_yield(self);
    return err;
}

static tr_err print_while_it_ends(tr_self *self, void *arg)
{
    struct run *run = arg;
    char *text = NULL;
    size_t size = 0;
    const tr_spawn_opts opts = { .size = sizeof opts, .body = owner_of_the_slow, .name = "slow-to-go" };
    tr_err err = tr_spawn_with(self, &opts, &run->actor);
    (void) tr_sleep(self, 10);
    FILE *out = open_memstream(&text, &size);
    tr_node_print(tr_self_node(self), out);
    fclose(out);
    char *line = strstr(text, "slow-to-go");
    note(&run->notes, "%d", line == NULL);
    for (line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (strstr(line, "ending") != NULL)
            note(&run->notes, "ending:%d", strstr(line, "children") != NULL);
    free(text);
    note(&run->notes, "%d", tr_is_alive(self, run->actor));
    note_err(&run->notes, tr_join(self, run->actor, NULL));
    note(&run->notes, "at %ld", now_ms(self));
    return err;
}

/* S8.8, S8.4: the name is gone, and the grace of the owned is the node's stop_grace_ms */
static void listing_says_that_an_actor_is_ending_and_children_are_killed_after_the_grace(void **state)
{
    struct run run = { .temp = NULL };
    (void) state;
    assert_int_equal(run_actor(print_while_it_ends, &run), TR_OK);
    assert_string_equal(run.notes.text, "1 ending:1 1 OK at 5000");
}

static tr_err wait_for_the_slow(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, owner_of_the_slow, run, &run->actor);
    note_err(&run->notes, tr_join(self, run->actor, NULL));
    note(&run->notes, "at %ld", now_ms(self));
    return err;
}

/* S8.4: the shield of the owned ends after an hour */
static void grace_without_end_kills_nobody(void **state)
{
    struct run run = { .temp = NULL };
    (void) state;
    assert_int_equal(run_actor_with((tr_node_opts){ .stop_grace_ms = INT64_MAX }, wait_for_the_slow, &run), TR_OK);
    assert_string_equal(run.notes.text, "OK at 3600000");
}

/* ---- init and fini ---- */

static tr_err odd_init(tr_self *self, void *state, void *arg)
{
    struct run *run = *(struct run **) state = arg;
    (void) tr_defer(self, note_defer, &run->notes);
    (void) tr_yield(self);
    if (run->init_err != TR_OK)
        return tr_fail_with(self, run->init_err, "init says no");
    return TR_OK;
}

static tr_err nap(tr_self *self, void *arg)
{
    return note_err(&((struct run *) arg)->notes, tr_sleep(self, 100));
}

static void odd_fini(tr_self *self, void *state, tr_err why)
{
    struct run *run = *(struct run **) state;
    note(&run->notes, "fini:%s", tr_err_name(why) + 3);
    if (run->fini_waits) {
        note(&run->notes, "%s", tr_err_name(tr_sleep(self, 10)) + 3);
        note(&run->notes, "%s", tr_err_name(tr_shield(self, 1000, nap, run)) + 3);
    }
    if (run->fini_fails)
        tr_fail(self, TR_EUSER + 8, "fini fails");
}

static tr_err on_row(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = *(struct run **) state;
    char *temp = tr_temp(self, 100);
    char *kept = tr_alloc(self, 100);
    note(&run->notes, "%d", temp != NULL && kept != NULL && temp[99] == 0 && kept[99] == 0);
    (void) tr_defer(self, note_first, &run->notes);
    (void) tr_defer(self, note_second, &run->notes);
    (void) m;
    return run->row_err;
}

static const tr_handler odd_rows[] = {
    { .tag = "row", .args = "", .run = on_row, .doc = "notes what its call owns" },
    { .tag = "quit", .args = "", .run = on_quit, .doc = "ends well" },
    { .tag = "die", .args = "", .run = on_die, .doc = "ends badly" },
    { .tag = NULL },
};
static const tr_behaviour odd = {
    .name = "odd", .state_size = sizeof(struct run *), .handlers = odd_rows, .init = odd_init, .fini = odd_fini
};

static tr_err init_fails(tr_self *self, void *arg)
{
    struct run *run = arg;
    struct asking ask = { run, "row" };
    tr_err err = tr_spawn(self, &odd, run, &run->actor);
    if (err == TR_OK)
        err = tr_spawn(self, asks, &ask, &run->child);
    note_err(&run->notes, tr_join(self, run->actor, NULL));
    note(&run->notes, "%s", tr_error(self)->text);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S7.14: init may wait; what is queued meanwhile is answered */
static void error_of_init_ends_the_actor_without_fini(void **state)
{
    struct run run = { .init_err = TR_EUSER + 1 };
    (void) state;
    assert_int_equal(run_actor(init_fails, &run), TR_OK);
    (void) place(&run.notes, "defer");
    (void) place(&run.notes, "EUSER+1 init says no");
    (void) place(&run.notes, "row:EDOWN");
    assert_null(strstr(run.notes.text, "fini"));
}

static tr_err quit_and_join(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, &odd, run, &run->actor);
    if (err == TR_OK)
        err = tr_send(self, run->actor, "quit");
    note_err(&run->notes, err == TR_OK ? tr_join(self, run->actor, NULL) : err);
    note(&run->notes, "at %ld", now_ms(self));
    return err;
}

/* S8.5: once */
static void fini_that_fails_is_not_called_again(void **state)
{
    struct run run = { .fini_fails = true };
    (void) state;
    (void) run_actor(quit_and_join, &run);
    assert_non_null(strstr(run.notes.text, "defer fini:OK"));
    assert_null(strstr(strstr(run.notes.text, "fini:") + 1, "fini:"));
}

static tr_err die_and_join(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, &odd, run, &run->actor);
    if (err == TR_OK)
        err = tr_send(self, run->actor, "die");
    note_err(&run->notes, err == TR_OK ? tr_join(self, run->actor, NULL) : err);
    note(&run->notes, "%s", tr_error(self)->text);
    return err;
}

/* S8.5: what it first ended by stands */
static void fini_that_fails_does_not_change_what_the_actor_ended_by(void **state)
{
    struct run run = { .fini_fails = true };
    (void) state;
    assert_int_equal(run_actor(die_and_join, &run), TR_OK);
    assert_string_equal(run.notes.text, "defer fini:EUSER+5 EUSER+5 dies");
}

static tr_err cancel_and_join(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, &odd, run, &run->actor);
    (void) tr_sleep(self, 1);
    tr_cancel(self, run->actor, NULL);
    note_err(&run->notes, tr_join(self, run->actor, NULL));
    note(&run->notes, "at %ld", now_ms(self));
    return err;
}

/* S8.5, S5.12: only what is shielded can wait in the fini of a cancelled actor */
static void fini_waits_under_a_shield(void **state)
{
    struct run run = { .fini_waits = true };
    (void) state;
    assert_int_equal(run_actor(cancel_and_join, &run), TR_OK);
    assert_string_equal(run.notes.text, "defer fini:ECANCELED ECANCELED OK OK ECANCELED at 101");
}

/* ---- what belongs to a call ---- */

static tr_err two_rows(tr_self *self, void *arg)
{
    struct run *run = arg;
    struct asking ask = { run, "row" };
    tr_err err = tr_spawn(self, &odd, run, &run->actor);
    run->row_err = TR_EUSER + 2;
    for (int i = 0; i < 2 && err == TR_OK; i++)
        err = asks(self, &ask);
    note(&run->notes, "%d", tr_is_alive(self, run->actor));
    return err;
}

/* S7.10, S7.15, S7.16: the defers of a handler run, last first, before the next message, and its error ends nobody */
static void defers_belong_to_the_handler_call_and_run_last_first(void **state)
{
    struct run run = { .temp = NULL };
    (void) state;
    assert_int_equal(run_actor(two_rows, &run), TR_OK);
    assert_true(strncmp(run.notes.text, "defer 1 second first row:EUSER+2 1 second first row:EUSER+2 1", 61) == 0);
}

static tr_err body_with_defers(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    (void) tr_defer(self, note_first, &run->notes);
    (void) tr_defer(self, note_second, &run->notes);
    char *temp = tr_temp(self, 64);
    tr_check(self, temp != NULL);
    strcpy(temp, "still here");
    tr_err err = tr_recv_for(self, 10, &m);
    note(&run->notes, "%s", temp);
    return err;
}

static tr_err join_the_body(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_spawn(self, body_with_defers, run, &run->actor);
    note_err(&run->notes, err == TR_OK ? tr_join(self, run->actor, NULL) : err);
    return err;
}

/* S7.15, S7.16 */
static void temp_memory_and_defers_of_a_body_belong_to_the_actor(void **state)
{
    struct run run = { .temp = NULL };
    (void) state;
    assert_int_equal(run_actor(join_the_body, &run), TR_OK);
    assert_string_equal(run.notes.text, "still here second first ETIMEDOUT");
}

static tr_err defer_without_memory(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_test_fail_alloc(1);
    tr_err err = tr_defer(self, note_defer, &run->notes);
    tr_test_fail_alloc(0);
    note_err(&run->notes, err);
    tr_test_fail_alloc(1);
    void *p = tr_temp(self, 10);
    tr_test_fail_alloc(1);
    void *q = tr_alloc(self, 10);
    tr_test_fail_alloc(0);
    note(&run->notes, "%d %d", p == NULL, q == NULL);
    return TR_OK;
}

/* actor.h: called at once if it cannot be remembered */
static void defer_out_of_memory_calls_at_once(void **state)
{
    struct run run = { .temp = NULL };
    (void) state;
    assert_int_equal(run_actor(defer_without_memory, &run), TR_OK);
    assert_string_equal(run.notes.text, "defer ENOMEM 1 1");
}

static tr_err behaviour_that_is_asked_to_fail(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_err err = tr_spawn(self, &full, run, &run->actor);
    if (err == TR_OK)
        err = tr_ask(self, run->actor, &m, "die");
    note(&run->notes, "%s %s", tr_err_name(err) + 3, tr_error(self)->text);
    note_err(&run->notes, tr_join(self, run->actor, NULL));
    return TR_OK;
}

/* S7.12, S7.17 */
static void caller_of_a_handler_that_fails_gets_its_words(void **state)
{
    struct run run = { .temp = NULL };
    (void) state;
    assert_int_equal(run_actor(behaviour_that_is_asked_to_fail, &run), TR_OK);
    assert_non_null(strstr(run.notes.text, "EUSER+5 dies"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actor_that_stops_ends_in_order),
        cmocka_unit_test(actor_that_fails_in_a_handler_ends_in_the_same_order),
        cmocka_unit_test(listing_says_that_an_actor_is_ending_and_children_are_killed_after_the_grace),
        cmocka_unit_test(grace_without_end_kills_nobody),
        cmocka_unit_test(error_of_init_ends_the_actor_without_fini),
        cmocka_unit_test(fini_that_fails_is_not_called_again),
        cmocka_unit_test(fini_that_fails_does_not_change_what_the_actor_ended_by),
        cmocka_unit_test(fini_waits_under_a_shield),
        cmocka_unit_test(defers_belong_to_the_handler_call_and_run_last_first),
        cmocka_unit_test(temp_memory_and_defers_of_a_body_belong_to_the_actor),
        cmocka_unit_test(defer_out_of_memory_calls_at_once),
        cmocka_unit_test(caller_of_a_handler_that_fails_gets_its_words),
    };
    return run_actor_tests(tests);
}
