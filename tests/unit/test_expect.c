/* SPDX-License-Identifier: MIT */
/* test_expect.c - receiving what must come (docs/semantics.md, S59) */
#include "support/actor_test.h"

static tr_err sender(tr_self *self, void *arg)
{
    const tr_addr *to = arg;
    tr_err err = tr_send(self, *to, "one", 1);
    if (err == TR_OK)
        err = tr_sleep(self, 10);
    if (err == TR_OK)
        err = tr_send(self, *to, "two", 2);
    if (err == TR_OK)
        err = tr_sleep(self, 10);
    return err == TR_OK ? tr_send(self, *to, "three", 3) : err;
}

static tr_err begin(tr_self *self, tr_addr *me)
{
    *me = tr_self_addr(self);
    return tr_spawn(self, sender, me, NULL);
}

static void note_words(tr_self *self, struct notes *notes, tr_err err)
{
    if (note_err(notes, err) != TR_OK)
        note(notes, "\"%s\"", tr_error(self)->text);
}

static tr_err expects(tr_self *self, void *arg)
{
    tr_addr me;
    const tr_msg *m;
    tr_err err = begin(self, &me);
    note_words(self, arg, tr_expect(self, 5, &m, "one", tr_any_of(TR_TYPE_INT)));
    note_words(self, arg, tr_expect(self, 5, NULL, "two", 2));
    note_words(self, arg, tr_expect(self, 50, NULL, "two", 3));
    note_words(self, arg, tr_expect_nothing(self, 5));
    note_words(self, arg, tr_expect_nothing(self, 50));
    note(arg, "at %ld", now_ms(self));
    return err;
}

/* S59.5 */
static void message_must_come_in_time_and_match(void **state)
{
    struct notes notes = { .len = 0 };
    (void) state;
    assert_int_equal(run_actor(expects, &notes), TR_OK);
    assert_string_equal(notes.text, "OK ETIMEDOUT \"expected two 2, and it did not come within 5 ms\" "
                                    "EBADMSG \"expected two 3, got two 2\" OK "
                                    "EBADMSG \"expected nothing, got three 3\" at 20");
}

static tr_err expects_among(tr_self *self, void *arg)
{
    tr_addr me;
    const tr_msg *m;
    int n = 0;
    tr_err err = begin(self, &me);
    note_words(self, arg, tr_expect_among(self, 50, &m, "three", tr_any()));
    (void) tr_args(m, &n);
    note(arg, "%d at %ld", n, now_ms(self));
    note_words(self, arg, tr_expect_among(self, 30, &m, "four"));
    note(arg, "at %ld", now_ms(self));
    return err;
}

/* S59.5 */
static void those_that_come_before_may_be_let_go(void **state)
{
    struct notes notes = { .len = 0 };
    (void) state;
    assert_int_equal(run_actor(expects_among, &notes), TR_OK);
    assert_string_equal(notes.text, "OK 3 at 20 ETIMEDOUT \"expected four, and it did not come within 30 ms\" at 50");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_must_come_in_time_and_match),
        cmocka_unit_test(those_that_come_before_may_be_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
