/* SPDX-License-Identifier: MIT */
/* test_offload.c - work on threads beside the loop (docs/semantics.md, S20) */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include "support/real_test.h"

/* Work that says when it begins and ends when it is told to; counted where it is released. */
struct gate {
    struct notes notes;
    sem_t begun, may_end, released;
    atomic_int runs, releases, told;
    tr_addr child;
    int value;
};

static void gate_init(struct gate *g)
{
    memset(g, 0, sizeof *g);
    sem_init(&g->begun, 0, 0);
    sem_init(&g->may_end, 0, 0);
    sem_init(&g->released, 0, 0);
}

static int pass_gate(void *arg)
{
    struct gate *g = arg;
    atomic_fetch_add(&g->runs, 1);
    sem_post(&g->begun);
    sem_wait(&g->may_end);
    return 7;
}

static void gate_release(void *arg)
{
    struct gate *g = arg;
    atomic_fetch_add(&g->releases, 1);
    sem_post(&g->released);
}

static tr_err run_gate(tr_body_fn *body, struct gate *g)
{
    gate_init(g);
    return run_real(body, g);
}

static void one_thread(tr_self *self)
{
    const tr_offload_opts opts = { .size = sizeof opts, .threads_max = 1, .queue_len_max = 1 };
    tr_check(self, tr_node_offload_set(tr_self_node(self), &opts) == TR_OK);
}

static tr_err offloads_gate(tr_self *self, void *arg)
{
    struct gate *g = arg;
    int result = 0;
    tr_err err = tr_offload_own(self, pass_gate, g, gate_release, TR_FOREVER, &result);
    note(&g->notes, "%s:%d", tr_err_name(err) + 3, result);
    return err;
}

/* Spawns one that has work under way, and waits, without a turn of the loop, until that has begun. */
static void begin_one(tr_self *self, struct gate *g)
{
    tr_check(self, tr_spawn(self, offloads_gate, g, &g->child) == TR_OK);
    (void) tr_yield(self);
    sem_wait(&g->begun);
}

/* ---- results ---- */

struct sum {
    int a, b, sum;
    pthread_t where;
    sigset_t mask;
};

static int add(void *arg)
{
    struct sum *s = arg;
    s->sum = s->a + s->b;
    s->where = pthread_self();
    pthread_sigmask(SIG_BLOCK, NULL, &s->mask);
    return s->sum * 2;
}

static tr_err adds(tr_self *self, void *arg)
{
    int twice = 0;
    tr_err err = tr_offload(self, add, arg, sizeof(struct sum), TR_FOREVER, &twice);
    return err == TR_OK && twice == 10 ? TR_OK : TR_EFAILED;
}

/* S20.1, S20.2, S20.9 */
static void work_runs_on_another_thread_with_signals_blocked_and_its_copy_comes_back(void **state)
{
    struct sum s = { .a = 2, .b = 3 };
    (void) state;
    assert_int_equal(run_real(adds, &s), TR_OK);
    assert_int_equal(s.sum, 5);
    assert_false(pthread_equal(s.where, pthread_self()));
    assert_true(sigismember(&s.mask, SIGTERM));
}

static tr_err others_run_meanwhile(tr_self *self, void *arg)
{
    struct gate *g = arg;
    begin_one(self, g);
    note(&g->notes, "meanwhile");
    sem_post(&g->may_end);
    return tr_join(self, g->child, NULL);
}

/* S20.1, S20.4 */
static void others_run_while_work_is_done_and_its_argument_comes_back_unreleased(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(others_run_meanwhile, &g), TR_OK);
    assert_string_equal(g.notes.text, "meanwhile OK:7");
    assert_int_equal(atomic_load(&g.releases), 0);
}

static tr_err says_no(tr_self *self, void *arg)
{
    struct gate *g = arg;
    note_err(&g->notes, tr_offload(self, NULL, NULL, 0, 0, NULL));
    note_err(&g->notes, tr_offload(self, add, NULL, 1, 0, NULL));
    note_err(&g->notes, tr_offload_own(self, NULL, g, gate_release, 0, NULL));
    note_err(&g->notes, tr_node_offload_set(tr_self_node(self), NULL));
    return TR_OK;
}

/* S20.4 */
static void wrong_arguments_are_refused_and_what_was_moved_is_released(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(says_no, &g), TR_OK);
    assert_string_equal(g.notes.text, "EINVAL EINVAL EINVAL EINVAL");
    assert_int_equal(atomic_load(&g.releases), 1);
}

/* ---- giving up ---- */

static tr_err runs_out_of_time(tr_self *self, void *arg)
{
    struct gate *g = arg;
    int result = 99;
    tr_err err = TR_EUNSENT;
    int before = 0;
    for (int ms = 10; err == TR_EUNSENT; ms *= 2) { /* until it had begun by then */
        before = atomic_load(&g->releases);
        err = tr_offload_own(self, pass_gate, g, gate_release, ms, &result);
    }
    note_err(&g->notes, err);
    note(&g->notes, "%d %d", result, atomic_load(&g->releases) - before);
    sem_post(&g->may_end);
    while (atomic_load(&g->releases) == before)
        sched_yield();
    note(&g->notes, "%d", atomic_load(&g->releases) - before);
    return TR_OK;
}

/* S20.3, S20.4, S20.5 */
static void work_that_has_begun_goes_on_after_the_deadline_and_releases_its_argument_itself(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(runs_out_of_time, &g), TR_OK);
    assert_string_equal(g.notes.text, "ETIMEDOUT 99 0 1");
    assert_int_equal(atomic_load(&g.runs), 1);
}

static tr_err waits_behind_another(tr_self *self, void *arg)
{
    struct gate *g = arg, second;
    gate_init(&second);
    one_thread(self);
    begin_one(self, g);
    note_err(&g->notes, tr_offload_own(self, pass_gate, &second, gate_release, 5, NULL));
    note(&g->notes, "%d", atomic_load(&second.releases));
    sem_post(&g->may_end);
    tr_err err = tr_join(self, g->child, NULL);
    note(&g->notes, "%d", atomic_load(&second.runs));
    return err;
}

/* S20.3, S20.6 */
static void work_that_has_not_begun_by_the_deadline_is_dropped_and_unsent(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(waits_behind_another, &g), TR_OK);
    assert_string_equal(g.notes.text, "EUNSENT 1 OK:7 0");
}

static tr_err meets_a_full_queue(tr_self *self, void *arg)
{
    struct gate *g = arg, second, third;
    tr_addr who;
    gate_init(&second);
    gate_init(&third);
    one_thread(self);
    begin_one(self, g);
    tr_check(self, tr_spawn(self, offloads_gate, &second, &who) == TR_OK);
    (void) tr_yield(self);
    note_err(&g->notes, tr_offload_own(self, pass_gate, &third, gate_release, TR_FOREVER, NULL));
    note(&g->notes, "%d", atomic_load(&third.releases));
    sem_post(&g->may_end);
    sem_post(&second.may_end);
    tr_err err = tr_join(self, g->child, NULL);
    return err == TR_OK ? tr_join(self, who, NULL) : err;
}

/* S20.7 */
static void full_queue_refuses(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(meets_a_full_queue, &g), TR_OK);
    assert_string_equal(g.notes.text, "EFULL 1 OK:7");
}

static tr_err cancels_the_waiter(tr_self *self, void *arg)
{
    struct gate *g = arg;
    begin_one(self, g);
    tr_cancel(self, g->child, "enough");
    note_err(&g->notes, tr_join(self, g->child, NULL));
    note(&g->notes, "%d", atomic_load(&g->releases));
    sem_post(&g->may_end);
    sem_wait(&g->released);
    return TR_OK;
}

/* S20.3, S20.4 */
static void cancelled_waiter_returns_at_once_and_the_work_goes_on_abandoned(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(cancels_the_waiter, &g), TR_OK);
    assert_string_equal(g.notes.text, "ECANCELED:0 ECANCELED 0");
    assert_int_equal(atomic_load(&g.releases), 1);
}

static tr_err offloads_when_cancelled(tr_self *self, void *arg)
{
    struct gate *g = arg;
    (void) tr_sleep(self, 10000);
    return offloads_gate(self, g);
}

static tr_err cancels_before(tr_self *self, void *arg)
{
    struct gate *g = arg;
    tr_check(self, tr_spawn(self, offloads_when_cancelled, g, &g->child) == TR_OK);
    (void) tr_yield(self);
    tr_cancel(self, g->child, NULL);
    return tr_join(self, g->child, NULL) == TR_ECANCELED ? TR_OK : TR_EFAILED;
}

/* S20.3, S20.4 */
static void cancelled_actor_begins_no_work(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(cancels_before, &g), TR_OK);
    assert_string_equal(g.notes.text, "ECANCELED:0");
    assert_int_equal(atomic_load(&g.runs), 0);
    assert_int_equal(atomic_load(&g.releases), 1);
}

static tr_err kills_the_waiter(tr_self *self, void *arg)
{
    struct gate *g = arg;
    begin_one(self, g);
    tr_kill(self, g->child, NULL);
    note_err(&g->notes, tr_join(self, g->child, NULL));
    sem_post(&g->may_end); /* tr_node_destroy waits for it */
    return TR_OK;
}

/* S20.3, S20.4, S20.8 */
static void killed_waiter_leaves_its_work_to_release_itself_before_the_node_is_gone(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(kills_the_waiter, &g), TR_OK);
    assert_string_equal(g.notes.text, "EKILLED");
    assert_int_equal(atomic_load(&g.releases), 1);
}

static tr_err kills_when_done(tr_self *self, void *arg)
{
    struct gate *g = arg;
    begin_one(self, g);
    sem_post(&g->may_end);
    for (int i = 0; i < 50; i++) /* some of the kills come after the result, before its waiter ran */
        (void) tr_yield(self);
    tr_kill(self, g->child, NULL);
    (void) !tr_join(self, g->child, NULL);
    return TR_OK;
}

/* S20.4: whoever is first, exactly one of the two has the argument in the end */
static void kill_that_meets_the_result_releases_once_or_not_at_all(void **state)
{
    (void) state;
    for (int i = 0; i < 50; i++) {
        struct gate g;
        assert_int_equal(run_gate(kills_when_done, &g), TR_OK);
        bool came = strstr(g.notes.text, "OK:7") != NULL;
        assert_int_equal(atomic_load(&g.releases), came ? 0 : 1);
    }
}

/* ---- deadlines ---- */

static tr_err on_work(tr_self *self, void *state, const tr_msg *m)
{
    struct gate *g = *(struct gate **) state;
    tr_err err = tr_offload_own(self, pass_gate, g, gate_release, TR_FOREVER, NULL);
    atomic_store(&g->told, (int) err);
    sem_post(&g->may_end);
    return tr_reply(self, m);
}

static tr_err worker_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(void **) state = arg;
    return TR_OK;
}

static const tr_handler worker_rows[] = { { "work", "", "", on_work, NULL, 0, NULL }, { 0 } };
static const tr_behaviour worker = {
    .name = "worker", .state_size = sizeof(void *), .handlers = worker_rows, .init = worker_init
};

static tr_err asks_briefly(tr_self *self, void *arg)
{
    struct gate *g = arg;
    const tr_msg *reply;
    tr_err err = tr_spawn(self, &worker, g, &g->child);
    /* Again, should it not have been reached in time; the worker is to see its deadline before it is cancelled. */
    while (err == TR_OK && atomic_load(&g->told) == 0) {
        (void) !tr_ask_for(self, g->child, 20, &reply, "work");
        (void) tr_sleep(self, 20);
    }
    return err == TR_OK ? tr_cancel_wait(self, g->child, NULL, TR_FOREVER) : err;
}

/* S20.3 */
static void deadline_of_the_request_being_handled_ends_the_wait(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(asks_briefly, &g), TR_OK);
    assert_true(atomic_load(&g.told) == TR_ETIMEDOUT || atomic_load(&g.told) == TR_EUNSENT);
}

static tr_err offloads_gate_quietly(tr_self *self, void *arg)
{
    return tr_offload_own(self, pass_gate, arg, gate_release, TR_FOREVER, NULL);
}

static tr_err within_a_scope(tr_self *self, void *arg)
{
    struct gate *g = arg;
    note_err(&g->notes, tr_within(self, 10, offloads_gate_quietly, g));
    sem_post(&g->may_end);
    return TR_OK;
}

/* S20.3 */
static void deadline_of_a_scope_ends_the_wait_as_a_timeout_of_the_scope(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(within_a_scope, &g), TR_OK);
    assert_string_equal(g.notes.text, "ETIMEDOUT");
    assert_int_equal(atomic_load(&g.releases), 1);
}

/* Real time passes, in which the node has nothing else to do: a clock that then jumped to the timer would be seen. */
static int nap(void *arg)
{
    (void) arg;
    usleep(2000);
    return 0;
}

static tr_err naps_on_a_virtual_clock(tr_self *self, void *arg)
{
    (void) arg;
    tr_timer timer;
    tr_err err = tr_timer_after(self, 1000, &timer, "late");
    if (err == TR_OK)
        err = tr_offload(self, nap, NULL, 0, TR_FOREVER, NULL);
    tr_timer_cancel(self, timer);
    return err == TR_OK && now_ms(self) == 0 ? TR_OK : TR_EFAILED;
}

/* S20.10 */
static void virtual_clock_stands_still_while_work_is_waited_for(void **state)
{
    (void) state;
    assert_int_equal(run_actor(naps_on_a_virtual_clock, NULL), TR_OK);
}

/* ---- what people see, and what runs out ---- */

static tr_err lists(tr_self *self, void *arg)
{
    struct gate *g = arg;
    char *text = NULL;
    size_t len = 0;
    begin_one(self, g);
    FILE *out = open_memstream(&text, &len);
    tr_node_print(tr_self_node(self), out);
    fclose(out);
    note(&g->notes, "%s", strstr(text, "waiting for work on a thread") != NULL ? "listed" : text);
    free(text);
    sem_post(&g->may_end);
    return tr_join(self, g->child, NULL);
}

static void listing_says_that_an_actor_waits_for_work(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(lists, &g), TR_OK);
    assert_string_equal(g.notes.text, "listed OK:7");
}

static tr_err runs_out_of_memory(tr_self *self, void *arg)
{
    struct gate *g = arg;
    for (uint64_t n = 1;; n++) {
        struct sum s = { .a = 2, .b = 3 };
        int before = atomic_load(&g->releases);
        sem_post(&g->may_end);
        tr_test_fail_alloc(n);
        tr_err own = tr_offload_own(self, pass_gate, g, gate_release, TR_FOREVER, NULL);
        tr_err copy = tr_offload(self, add, &s, sizeof s, TR_FOREVER, NULL);
        bool walked = tr_test_fail_alloc(0) < n;
        tr_check(self, own == TR_OK || own == TR_ENOMEM);
        tr_check(self, copy == TR_OK || copy == TR_ENOMEM);
        tr_check(self, s.sum == (copy == TR_OK ? 5 : 0));
        tr_check(self, atomic_load(&g->releases) == before + (own != TR_OK));
        if (own != TR_OK)
            sem_wait(&g->may_end);
        if (walked)
            return TR_OK;
    }
}

/* S20.4 */
static void without_memory_nothing_is_done_and_what_was_moved_is_released(void **state)
{
    struct gate g;
    (void) state;
    assert_int_equal(run_gate(runs_out_of_memory, &g), TR_OK);
    assert_true(atomic_load(&g.releases) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_runs_on_another_thread_with_signals_blocked_and_its_copy_comes_back),
        cmocka_unit_test(others_run_while_work_is_done_and_its_argument_comes_back_unreleased),
        cmocka_unit_test(wrong_arguments_are_refused_and_what_was_moved_is_released),
        cmocka_unit_test(work_that_has_begun_goes_on_after_the_deadline_and_releases_its_argument_itself),
        cmocka_unit_test(work_that_has_not_begun_by_the_deadline_is_dropped_and_unsent),
        cmocka_unit_test(full_queue_refuses),
        cmocka_unit_test(cancelled_waiter_returns_at_once_and_the_work_goes_on_abandoned),
        cmocka_unit_test(cancelled_actor_begins_no_work),
        cmocka_unit_test(killed_waiter_leaves_its_work_to_release_itself_before_the_node_is_gone),
        cmocka_unit_test(kill_that_meets_the_result_releases_once_or_not_at_all),
        cmocka_unit_test(deadline_of_the_request_being_handled_ends_the_wait),
        cmocka_unit_test(deadline_of_a_scope_ends_the_wait_as_a_timeout_of_the_scope),
        cmocka_unit_test(virtual_clock_stands_still_while_work_is_waited_for),
        cmocka_unit_test(listing_says_that_an_actor_waits_for_work),
        cmocka_unit_test(without_memory_nothing_is_done_and_what_was_moved_is_released),
    };
    return run_on_one_and_two_workers(tests);
}
