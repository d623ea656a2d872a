/* SPDX-License-Identifier: MIT */
/* test_permit.c - locks and semaphores (src/share/permit.c, hand.c; docs/semantics.md, S43, S46) */
#include "support/actor_test.h"

#define WORKERS 8

struct scene {
    struct notes notes;
    tr_addr at, other[WORKERS];
    tr_hold hold;
    int next, inside, most, taken, hold_ms;
    uint64_t fail_at;
};

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        (void) state;                                    \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static tr_err spawn_many(tr_self *self, struct scene *s, tr_body_fn *body, int n)
{
    tr_err err = TR_OK;
    for (int i = 0; i < n && err == TR_OK; i++)
        err = tr_spawn(self, body, s, &s->other[i]);
    return err == TR_OK ? tr_sleep(self, 1) : err;
}

static void note_take(tr_self *self, struct scene *s, int64_t timeout_ms, tr_hold *hold)
{
    bool died = false;
    tr_err err = tr_lock_take_for(self, s->at, timeout_ms, hold, &died);
    note(&s->notes, "%s%s", tr_err_name(err) + 3, died ? "(died)" : "");
}

/* ---- locks ---- */

/* Takes the lock, works under it for a while, releases it. */
static tr_err tenant(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_hold hold;
    int me = s->next++;
    tr_err err = tr_lock_take(self, s->at, &hold, NULL);
    if (err != TR_OK) {
        note(&s->notes, "%d:%s", me, tr_err_name(err) + 3);
        return TR_OK;
    }
    s->inside++;
    err = tr_sleep(self, 10);
    note(&s->notes, "%d:%d@%ld", me, s->inside, now_ms(self));
    s->inside--;
    tr_hold_release(self, &hold);
    tr_hold_release(self, &hold);
    return err;
}

static tr_err queue_up(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_lock_create(self, NULL, &s->at);
    if (err == TR_OK)
        err = spawn_many(self, s, tenant, 4);
    tr_cancel(self, s->other[2], "enough");
    (void) tr_sleep(self, 100);
    note_take(self, s, TR_FOREVER, &s->hold);
    tr_hold_release(self, &s->hold);
    return err;
}

/* S43.1, S46.2 */
static void one_holds_the_lock_at_a_time_in_the_order_of_coming(void **state)
{
    run_scene(queue_up, "2:ECANCELED 0:1@10 1:1@20 3:1@30 OK");
}

/* Ends with the lock in its hand, in one way or another. */
static tr_err mortal(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_hold hold;
    tr_err err = tr_lock_take(self, s->at, &hold, NULL);
    if (err == TR_OK && s->next == 0)
        tr_fail(self, TR_EUSER, "it fell over");
    return err == TR_OK && s->next == 1 ? tr_sleep(self, 1000) : err;
}

static tr_err bury(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_lock_create(self, NULL, &s->at);
    for (s->next = 0; s->next < 3 && err == TR_OK; s->next++) {
        err = spawn_many(self, s, mortal, 1);
        if (s->next == 1)
            tr_kill(self, s->other[0], NULL);
        note_err(&s->notes, tr_join(self, s->other[0], NULL));
        note_take(self, s, 10, &s->hold);
        tr_hold_release(self, &s->hold);
        note_take(self, s, 10, &s->hold);
        tr_hold_release(self, &s->hold);
    }
    return err;
}

/* S43.2 */
static void the_next_holder_is_told_of_one_that_died(void **state)
{
    run_scene(bury, "EUSER OK(died) OK EKILLED OK(died) OK OK OK(died) OK");
}

static tr_err take_under_deadline(tr_self *self, void *arg)
{
    struct scene *s = arg;
    bool died;
    return tr_lock_take(self, s->at, &s->hold, &died);
}

static tr_err hold_past_the_deadline(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_lock_create(self, NULL, &s->at);
    note_err(&s->notes, tr_within(self, 10, take_under_deadline, s));
    if (err == TR_OK)
        err = spawn_many(self, s, tenant, 1);
    (void) tr_sleep(self, 50);
    note(&s->notes, "held@%ld", now_ms(self));
    tr_hold_release(self, &s->hold);
    return err == TR_OK ? tr_sleep(self, 50) : err;
}

/* S43.3: what a deadline cuts short may have to be cleaned up under the lock. */
static void a_lock_is_held_past_the_deadline_it_was_taken_under(void **state)
{
    run_scene(hold_past_the_deadline, "OK held@51 0:1@61");
}

static tr_err wait_in_vain(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_hold mine;
    tr_err err = tr_lock_create(self, NULL, &s->at);
    if (err == TR_OK)
        err = spawn_many(self, s, tenant, 1);
    note_take(self, s, 5, &mine);
    note(&s->notes, "@%ld", now_ms(self));
    (void) tr_sleep(self, 20);
    note_take(self, s, 5, &mine);
    tr_hold_release(self, &mine);
    return err;
}

/* S46.1 */
static void a_take_that_timed_out_holds_nothing(void **state)
{
    run_scene(wait_in_vain, "ETIMEDOUT @6 0:1@10 OK");
}

/* Asks for the lock and ends with the answer unread. */
static tr_err careless(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending claim, wait;
    tr_err err = tr_ask_start(self, s->at, &claim, "share.claim");
    if (err == TR_OK)
        err = tr_ask_start(self, s->at, &wait, "share.wait", 1);
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

static tr_err grant_in_vain(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_lock_create(self, NULL, &s->at);
    if (err == TR_OK)
        err = spawn_many(self, s, careless, 1);
    note_take(self, s, 0, &s->hold);
    note_take(self, s, 20, &s->hold);
    note(&s->notes, "@%ld", now_ms(self));
    tr_hold_release(self, &s->hold);
    return err;
}

/* S46.3 */
static void a_lock_that_was_granted_and_not_read_is_free_and_nobody_died(void **state)
{
    run_scene(grant_in_vain, "ETIMEDOUT OK @10");
}

/* ---- deadlock ---- */

static tr_err take_twice(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_hold second;
    tr_err err = tr_lock_create(self, NULL, &s->at);
    note_take(self, s, TR_FOREVER, &s->hold);
    note_take(self, s, TR_FOREVER, &second);
    note(&s->notes, "%d", strncmp(tr_error(self)->text, "deadlock: test <", 16));
    tr_hold_release(self, &s->hold);
    note_take(self, s, TR_FOREVER, &s->hold);
    tr_hold_release(self, &s->hold);
    return err;
}

/* S43.4 */
static void taking_a_lock_twice_is_a_deadlock(void **state)
{
    run_scene(take_twice, "OK EDEADLK 0 OK");
}

/* Answers "need" by taking the lock first. */
static tr_err needy(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *m;
    tr_hold hold;
    tr_err err = tr_recv(self, &m);
    if (err != TR_OK)
        return err;
    note_err(&s->notes, tr_lock_take(self, s->at, &hold, NULL));
    err = tr_reply(self, m);
    return err;
}

static tr_err hold_and_ask(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_lock_create(self, NULL, &s->at);
    if (err == TR_OK)
        err = spawn_many(self, s, needy, 1);
    note_take(self, s, TR_FOREVER, &s->hold);
    note_err(&s->notes, tr_ask(self, s->other[0], NULL, "need"));
    tr_hold_release(self, &s->hold);
    return err;
}

/* S43.4 */
static void waiting_for_a_lock_of_one_that_waits_for_us_is_a_deadlock(void **state)
{
    run_scene(hold_and_ask, "OK EDEADLK OK");
}

/* Waits for the lock, and answers nothing meanwhile. */
static tr_err hold_then_ask_one_that_waits(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_lock_create(self, NULL, &s->at);
    note_take(self, s, TR_FOREVER, &s->hold);
    if (err == TR_OK)
        err = spawn_many(self, s, tenant, 1);
    note_err(&s->notes, tr_ask(self, s->other[0], NULL, "anything"));
    tr_hold_release(self, &s->hold);
    return err == TR_OK ? tr_sleep(self, 20) : err;
}

/* S43.4 */
static void asking_one_that_waits_for_our_lock_is_a_deadlock(void **state)
{
    run_scene(hold_then_ask_one_that_waits, "OK EDEADLK 0:1@11");
}

/* ---- holding in a behaviour ---- */

static tr_err on_grab(tr_self *self, void *state, const tr_msg *m)
{
    struct scene *s;
    void *scene;
    int keep;
    tr_args(m, &scene, &keep);
    s = *(struct scene **) state = scene;
    note_take(self, s, TR_FOREVER, &s->hold);
    if (keep)
        note_err(&s->notes, tr_hold_keep(self, &s->hold));
    return tr_reply(self, m);
}

static tr_err on_let_go(tr_self *self, void *state, const tr_msg *m)
{
    struct scene *s = *(struct scene **) state;
    tr_hold_release(self, &s->hold);
    note_err(&s->notes, tr_hold_keep(self, &s->hold));
    return tr_reply(self, m);
}

static const tr_handler keeper_rows[] = {
    { "grab", "scene:ptr, keep:int", "", on_grab, NULL, 0, NULL },
    { "let go", "", "", on_let_go, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour keeper = { .name = "keeper", .state_size = sizeof(void *), .handlers = keeper_rows };

static tr_err use_a_keeper(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_hold mine;
    tr_err err = tr_lock_create(self, NULL, &s->at);
    if (err == TR_OK)
        err = tr_spawn(self, &keeper, NULL, &s->other[0]);
    if (err == TR_OK)
        err = tr_ask(self, s->other[0], NULL, "grab", tr_local_ptr(s), 0);
    note_take(self, s, 5, &mine);
    tr_hold_release(self, &mine);
    if (err == TR_OK)
        err = tr_ask(self, s->other[0], NULL, "grab", tr_local_ptr(s), 1);
    note_take(self, s, 5, &mine);
    if (err == TR_OK)
        err = tr_ask(self, s->other[0], NULL, "let go");
    note_take(self, s, 5, &mine);
    tr_hold_release(self, &mine);
    return err;
}

/* S46.5 */
static void a_hold_ends_with_its_handler_call_unless_it_is_kept(void **state)
{
    run_scene(use_a_keeper, "OK OK(died) OK OK ETIMEDOUT ESTATE OK");
}

/* ---- semaphores ---- */

static tr_err guest(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_hold hold;
    int me = s->next++;
    uint32_t n = me == 2 ? 3 : 1;
    tr_err err = tr_semaphore_take(self, s->at, n, &hold);
    if (err != TR_OK)
        return note_err(&s->notes, err);
    s->inside += (int) n;
    s->most = s->inside > s->most ? s->inside : s->most;
    err = tr_sleep(self, 10);
    note(&s->notes, "%d@%ld", me, now_ms(self));
    s->inside -= (int) n;
    tr_hold_release(self, &hold);
    return err;
}

static tr_err invite(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_semaphore_create(self, 3, NULL, &s->at);
    if (err == TR_OK)
        err = spawn_many(self, s, guest, 5);
    (void) tr_sleep(self, 100);
    note(&s->notes, "most:%d", s->most);
    return err;
}

/* S43.5: 2 wants three, and 3 and 4 do not overtake it. */
static void no_more_permits_are_out_than_there_are_and_nobody_overtakes(void **state)
{
    run_scene(invite, "0@10 1@10 2@20 3@30 4@30 most:3");
}

static tr_err mortal_guest(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_hold hold;
    tr_err err = tr_semaphore_take(self, s->at, 2, &hold);
    return err == TR_OK ? tr_sleep(self, 1000) : err;
}

static tr_err bury_a_guest(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_semaphore_create(self, 2, NULL, &s->at);
    if (err == TR_OK)
        err = spawn_many(self, s, mortal_guest, 1);
    note_err(&s->notes, tr_semaphore_take_for(self, s->at, 1, 5, &s->hold));
    tr_kill(self, s->other[0], NULL);
    note_err(&s->notes, tr_semaphore_take_for(self, s->at, 2, 5, &s->hold));
    tr_hold_release(self, &s->hold);
    return err == TR_OK && tr_join(self, s->other[0], NULL) == TR_EKILLED ? TR_OK : TR_EFAILED;
}

/* S43.6 */
static void permits_of_the_dead_come_back(void **state)
{
    run_scene(bury_a_guest, "ETIMEDOUT OK");
}

static tr_err head_gives_up(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_semaphore_create(self, 2, NULL, &s->at);
    tr_hold one;
    if (err == TR_OK)
        err = tr_semaphore_take(self, s->at, 1, &one);
    s->next = 3;
    if (err == TR_OK)
        err = spawn_many(self, s, mortal_guest, 1); /* wants two */
    if (err == TR_OK)
        err = tr_spawn(self, guest, s, &s->other[1]); /* wants one, which is there, behind it */
    (void) tr_sleep(self, 1);
    tr_cancel(self, s->other[0], NULL);
    (void) tr_sleep(self, 20);
    tr_hold_release(self, &one);
    return err;
}

static void when_the_first_gives_up_the_next_is_served(void **state)
{
    run_scene(head_gives_up, "3@12");
}

/* ---- hurry ---- */

static tr_err hasty(tr_self *self, void *arg)
{
    struct scene *s = arg;
    int seed = s->next++;
    tr_err err = TR_OK;
    for (int i = 0; i < 100 && err != TR_ECANCELED; i++) {
        tr_hold hold;
        int n = 1 + (seed + i) % 3;
        err = tr_semaphore_take_for(self, s->at, (uint32_t) n, (seed * 3 + i * 7) % 5, &hold);
        if (err != TR_OK)
            continue;
        s->taken++;
        if ((seed + i) % 3 != 0)
            err = tr_sleep(self, (seed + i) % 4);
        if (i % 10 != 9) /* now and then it is left to the end */
            tr_hold_release(self, &hold);
        else
            return TR_OK;
    }
    return TR_OK;
}

static tr_err hurry(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_semaphore_create(self, 3, NULL, &s->at);
    for (int round = 0; round < 20 && err == TR_OK; round++) {
        for (int i = 0; i < WORKERS && err == TR_OK; i++)
            err = tr_spawn(self, hasty, s, &s->other[i]);
        (void) tr_sleep(self, 15);
        for (int i = 0; i < WORKERS; i++)
            if (i % 2 == 0)
                tr_kill(self, s->other[i], NULL);
            else
                tr_cancel(self, s->other[i], NULL);
        (void) tr_sleep(self, 10);
    }
    note_err(&s->notes, tr_semaphore_take_for(self, s->at, 3, 10, &s->hold));
    tr_hold_release(self, &s->hold);
    return err;
}

/* S46.1, S46.3 */
static void whatever_gives_up_when_all_permits_come_back(void **state)
{
    struct scene s = { .next = 0 };
    (void) state;
    assert_int_equal(run_actor(hurry, &s), TR_OK);
    assert_string_equal(s.notes.text, "OK");
    assert_true(s.taken > 100);
}

/* ---- misuse, memory ---- */

static tr_err misuse(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_addr lock;
    tr_err err = tr_lock_create(self, NULL, &lock);
    note_err(&s->notes, tr_semaphore_create(self, 0, NULL, &s->at));
    if (err == TR_OK)
        err = tr_semaphore_create(self, 2, NULL, &s->at);
    note_err(&s->notes, tr_semaphore_take(self, s->at, 3, &s->hold));
    note_err(&s->notes, tr_semaphore_take(self, s->at, 0, &s->hold));
    note_err(&s->notes, tr_semaphore_take(self, lock, 1, &s->hold));
    note_take(self, s, 1, &s->hold);
    tr_hold_release(self, &s->hold);
    note_err(&s->notes, tr_hold_keep(self, &s->hold));
    tr_cancel(self, lock, NULL);
    (void) tr_sleep(self, 1);
    note_err(&s->notes, tr_lock_take(self, lock, &s->hold, NULL));
    return err;
}

static void misuse_is_refused(void **state)
{
    run_scene(misuse, "EINVAL EINVAL EINVAL EINVAL EINVAL ESTATE ENOPROC");
}

static tr_err use_without_memory(tr_self *self, void *arg)
{
    struct scene *s = arg;
    (void) tr_test_fail_alloc(s->fail_at);
    tr_err err = tr_semaphore_create(self, 2, NULL, &s->at);
    if (err != TR_OK)
        return TR_OK;
    for (int i = 0; i < 3; i++) {
        s->taken += tr_semaphore_take_for(self, s->at, 2, 5, &s->hold) == TR_OK;
        tr_hold_release(self, &s->hold);
    }
    s->inside = tr_semaphore_take_for(self, s->at, 2, 50, &s->hold) != TR_OK;
    tr_hold_release(self, &s->hold);
    tr_cancel(self, s->at, "done"); /* without memory for an owner it is the node's */
    return TR_OK;
}

static void whatever_allocation_fails_the_permits_are_there_afterwards(void **state)
{
    (void) state;
    uint64_t made = 1000, n;
    for (n = 1; n <= made; n++) {
        struct scene s = { .fail_at = n };
        assert_int_equal(run_actor(use_without_memory, &s), TR_OK);
        made = tr_test_fail_alloc(0);
        assert_int_equal(s.inside, 0);
    }
    assert_true(n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holds_the_lock_at_a_time_in_the_order_of_coming),
        cmocka_unit_test(the_next_holder_is_told_of_one_that_died),
        cmocka_unit_test(a_lock_is_held_past_the_deadline_it_was_taken_under),
        cmocka_unit_test(a_take_that_timed_out_holds_nothing),
        cmocka_unit_test(a_lock_that_was_granted_and_not_read_is_free_and_nobody_died),
        cmocka_unit_test(taking_a_lock_twice_is_a_deadlock),
        cmocka_unit_test(waiting_for_a_lock_of_one_that_waits_for_us_is_a_deadlock),
        cmocka_unit_test(asking_one_that_waits_for_our_lock_is_a_deadlock),
        cmocka_unit_test(a_hold_ends_with_its_handler_call_unless_it_is_kept),
        cmocka_unit_test(no_more_permits_are_out_than_there_are_and_nobody_overtakes),
        cmocka_unit_test(permits_of_the_dead_come_back),
        cmocka_unit_test(when_the_first_gives_up_the_next_is_served),
        cmocka_unit_test(whatever_gives_up_when_all_permits_come_back),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(whatever_allocation_fails_the_permits_are_there_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
