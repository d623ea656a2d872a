/* SPDX-License-Identifier: MIT */
/* test_compact.c - actors that talk more than they work come together on one worker (src/sched/compact.c)
 *
 * Reaches inside: what a millisecond of a worker was like is set here, since a real one is as the machine likes. */
#include "actor/self.h"
#include "base/clock.h"
#include "sched/compact.h"
#include "sched/share.h"
#include "support/workers.h"

/* ---- when ---- */

static struct world world;
static struct worker worker;

static struct worker *worker_of(unsigned workers)
{
    world.workers = workers;
    worker = (struct worker){ .world = &world, .now = NS_PER_MS * 1000 };
    compact_restart(&worker);
    return &worker;
}

/* That long, so many turns, so many messages of others. */
static void pass(struct worker *w, int64_t ms, unsigned turns, unsigned crossed)
{
    w->now += ms * NS_PER_MS;
    atomic_fetch_add(&w->turns, turns);
    w->crossed += crossed;
    compact_look(w);
}

static void actors_stay_and_gather_while_talk_is_most_of_what_is_done(void **state)
{
    (void) state;
    struct worker *w = worker_of(2);
    assert_false(worker_keeps(w));
    pass(w, 1, 3000, 1500);
    assert_true(worker_keeps(w));
    pass(w, 1, 20000, 0);
    assert_true(worker_keeps(w));
}

static void actors_move_freely_while_most_is_work(void **state)
{
    (void) state;
    struct worker *w = worker_of(2);
    pass(w, 1, 3000, 900);
    assert_false(worker_keeps(w));
    w = worker_of(8); /* many workers are worth more talk */
    pass(w, 1, 3000, 1700);
    assert_false(worker_keeps(w));
    pass(w, 1, 3000, 1800);
    assert_true(worker_keeps(w));
}

static void one_worker_has_nobody_to_keep_from(void **state)
{
    (void) state;
    struct worker *w = worker_of(1);
    pass(w, 1, 3000, 3000);
    assert_false(worker_keeps(w));
}

/* How long nothing is given away once talk prevails. */
static int64_t kept_ms(struct worker *w)
{
    int64_t ms = 0;
    for (pass(w, 1, 3000, 1500); worker_keeps(w); ms++)
        pass(w, 1, 20000, 0);
    return ms;
}

static void actors_stay_longer_each_time_that_moving_does_not_pay(void **state)
{
    (void) state;
    struct worker *w = worker_of(2);
    const int64_t doubled[] = { 8, 16, 32, 64, 128, 256, 256 };
    for (size_t i = 0; i < sizeof doubled / sizeof doubled[0]; i++)
        assert_int_equal(kept_ms(w), doubled[i]);
    for (int i = 0; i < 300; i++) /* it has paid for a while */
        pass(w, 1, 20000, 0);
    assert_int_equal(kept_ms(w), 8);
}

static void long_turns_are_shared_at_once(void **state)
{
    (void) state;
    struct worker *w = worker_of(2);
    pass(w, 1, 3000, 1500);
    pass(w, 1, 400, 10);
    assert_false(worker_keeps(w));
}

static void a_sleep_ends_what_was_seen(void **state)
{
    (void) state;
    struct worker *w = worker_of(2);
    w->crossed += 1500;
    w->now += NS_PER_MS;
    compact_restart(w);
    compact_look(w);
    assert_false(worker_keeps(w));
}

/* ---- what is worth waking another worker ---- */

/* Whether n ready actors whose turns take that long are offered at once. */
static bool offers(struct worker *w, unsigned n, int64_t turn_ns)
{
    static struct runnable ready[64];
    for (unsigned i = 0; i < n; i++)
        ready[i].next = i + 1 < n ? &ready[i + 1] : NULL;
    w->front_head = n > 0 ? &ready[0] : NULL;
    w->front_tail = n > 0 ? &ready[n - 1] : NULL;
    w->compact.turn_ns = turn_ns;
    atomic_store(&w->attention, 0);
    share_offer(w);
    return atomic_load(&w->attention) == ATTENTION_SHARE;
}

static void work_worth_a_wake_up_is_offered_at_once(void **state)
{
    (void) state;
    struct worker *w = worker_of(2);
    assert_true(offers(w, 10, 5000));
    assert_false(offers(w, 9, 5000));
    assert_false(offers(w, 0, 5000));
    assert_true(offers(w, 63, 800));
    assert_false(offers(w, 64, 100)); /* done here before the other is awake */
    pass(w, 1, 3000, 1500);
    assert_false(offers(w, 64, 5000)); /* talk prevails */
}

static void turns_are_measured_up_to_a_sleep(void **state)
{
    (void) state;
    struct worker *w = worker_of(2);
    atomic_fetch_add(&w->turns, 20);
    w->now += 100000;
    compact_pause(w);
    assert_int_equal(w->compact.turn_ns, 5000);
    compact_restart(w);
    compact_pause(w); /* nothing was done: what was known stays */
    assert_int_equal(w->compact.turn_ns, 5000);
}

/* ---- where to ---- */

struct crowd {
    atomic_int spawned, talk, asked_back;
    tr_addr who;
    int64_t first, gathered, back;
};

static tr_err on_where(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_reply(self, m, tr_self_worker(self));
}

static const tr_handler where_rows[] = {
    { .tag = "where", .args = "", .reply = "worker:uint", .run = on_where, .doc = "the worker that it is on" },
    { 0 },
};
static const tr_behaviour where = { .name = "where", .handlers = where_rows };

static tr_err ask_where(tr_self *self, struct crowd *c, int64_t *index)
{
    const tr_msg *reply;
    tr_err err = tr_ask(self, c->who, &reply, "where");
    return err == TR_OK ? tr_args(reply, index) : err;
}

/* Keeps its worker awake, and in the belief that talk prevails, until *flag is n. */
static tr_err talk_until(tr_self *self, atomic_int *flag, int n, const atomic_int *talk)
{
    tr_err err = TR_OK;
    while (err == TR_OK && atomic_load(flag) < n) {
        self->worker->compact.since = INT64_MAX / 2; /* or a look would find otherwise */
        self->worker->compact.keep_until = atomic_load(talk) != 0 ? INT64_MAX : 0;
        err = tr_yield(self);
    }
    return err;
}

static tr_err on_the_second(tr_self *self, void *arg)
{
    struct crowd *c = arg;
    tr_err err = tr_spawn(self, &where, NULL, &c->who);
    atomic_store(&c->spawned, 1);
    if (err == TR_OK)
        err = talk_until(self, &c->talk, 2, &c->talk);
    if (err == TR_OK)
        err = ask_where(self, c, &c->back);
    atomic_store(&c->asked_back, 1);
    return err;
}

static tr_err on_the_first(tr_self *self, void *arg)
{
    struct crowd *c = arg;
    tr_addr second;
    tr_err err = spawn_on(self, 1, on_the_second, NULL, c, &second);
    if (err == TR_OK)
        err = wait_until(self, &c->spawned, 1);
    if (err == TR_OK)
        err = ask_where(self, c, &c->first);
    atomic_store(&c->talk, 1);
    for (int i = 0; i < 100 && err == TR_OK && c->gathered != 0; i++) /* it has not yet heard that talk prevails */
        err = ask_where(self, c, &c->gathered);
    atomic_store(&c->talk, 2);
    if (err == TR_OK)
        err = talk_until(self, &c->asked_back, 1, &c->talk);
    return err == TR_OK ? tr_join(self, second, NULL) : err;
}

static void who_is_talked_to_goes_to_the_worker_with_the_lower_number(void **state)
{
    (void) state;
    struct crowd c = { .first = -1, .gathered = -1, .back = -1 };
    assert_int_equal(run_workers(2, on_the_first, &c), TR_OK);
    assert_int_equal(c.first, 1);
    assert_int_equal(c.gathered, 0);
    assert_int_equal(c.back, 0);
}

/* ---- on the way ---- */

#define TRAVELLERS 4000
#define LETTERS 4

struct mail {
    atomic_int talk, over;
    long got, refused;
};

static tr_err on_letter(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    int64_t *seen = state;
    int64_t number;
    tr_args(m, &number);
    if (number == *seen)
        ++*seen; /* else it is out of order, and the count will tell */
    return TR_OK;
}

static tr_err on_seen(tr_self *self, void *state, const tr_msg *m)
{
    const int64_t *seen = state;
    (void) tr_reply(self, m, *seen);
    return TR_STOP;
}

static const tr_handler traveller_rows[] = {
    { .tag = "letter", .args = "number:int", .run = on_letter, .doc = "one of several" },
    { .tag = "seen", .args = "", .reply = "n:int", .run = on_seen, .doc = "how many came; ends it" },
    { 0 },
};
static const tr_behaviour traveller = { .name = "traveller",
                                        .state_size = sizeof(int64_t),
                                        .handlers = traveller_rows };

static tr_err make_travellers(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err;
    while ((err = tr_recv(self, &m)) == TR_OK) {
        tr_addr who;
        err = tr_spawn(self, &traveller, NULL, &who);
        if (err != TR_OK)
            break;
        (void) tr_reply(self, m, who);
    }
    return err;
}

static tr_err keep_awake(tr_self *self, void *arg)
{
    struct mail *mail = arg;
    return talk_until(self, &mail->over, 1, &mail->talk);
}

/* Letters follow each other while the actor is on its way here. */
static tr_err write_to_one(tr_self *self, struct mail *mail, tr_addr who, unsigned pause)
{
    const tr_msg *reply;
    int64_t seen;
    for (int i = 0; i < LETTERS; i++) {
        mail->refused += tr_send(self, who, "letter", i) != TR_OK;
        for (volatile unsigned spin = 0; spin < pause; spin++)
            ;
    }
    tr_err err = tr_ask(self, who, &reply, "seen");
    if (err == TR_OK && (err = tr_args(reply, &seen)) == TR_OK)
        mail->got += seen;
    return err;
}

static tr_err write_to_travellers(tr_self *self, void *arg)
{
    struct mail *mail = arg;
    tr_addr maker, spinner, who;
    const tr_msg *reply;
    tr_err err = spawn_on(self, 1, make_travellers, NULL, NULL, &maker);
    if (err == TR_OK)
        err = spawn_on(self, 1, keep_awake, NULL, mail, &spinner);
    atomic_store(&mail->talk, 1);
    for (unsigned i = 0; i < TRAVELLERS && err == TR_OK; i++) {
        err = tr_ask(self, maker, &reply, "make");
        if (err == TR_OK && (err = tr_args(reply, &who)) == TR_OK)
            err = write_to_one(self, mail, who, i % 500);
    }
    atomic_store(&mail->over, 1);
    return err == TR_OK ? tr_cancel_wait(self, maker, "done", 2000) : err;
}

static void what_is_sent_to_an_actor_that_is_on_its_way_here_arrives(void **state)
{
    (void) state;
    struct mail mail = { .got = 0 };
    assert_int_equal(run_workers(2, write_to_travellers, &mail), TR_OK);
    assert_int_equal(mail.refused, 0);
    assert_int_equal(mail.got, (long) TRAVELLERS * LETTERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actors_stay_and_gather_while_talk_is_most_of_what_is_done),
        cmocka_unit_test(actors_move_freely_while_most_is_work),
        cmocka_unit_test(one_worker_has_nobody_to_keep_from),
        cmocka_unit_test(actors_stay_longer_each_time_that_moving_does_not_pay),
        cmocka_unit_test(long_turns_are_shared_at_once),
        cmocka_unit_test(a_sleep_ends_what_was_seen),
        cmocka_unit_test(work_worth_a_wake_up_is_offered_at_once),
        cmocka_unit_test(turns_are_measured_up_to_a_sleep),
        cmocka_unit_test(who_is_talked_to_goes_to_the_worker_with_the_lower_number),
        cmocka_unit_test(what_is_sent_to_an_actor_that_is_on_its_way_here_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
