/* SPDX-License-Identifier: MIT */
/* test_helpers.c - a bounded set of helper threads */
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/helpers.h"
#include "support/unit.h"

#define WATCHDOG_S 20

struct task {
    struct helper_job job;
    sem_t begun, may_end;
    atomic_uint runs;
    int order;
    sigset_t mask;
};

static atomic_int order;

static void task_run(struct helper_job *job)
{
    struct task *t = list_entry(job, struct task, job);
    pthread_sigmask(SIG_BLOCK, NULL, &t->mask);
    t->order = atomic_fetch_add(&order, 1);
    atomic_fetch_add(&t->runs, 1);
    sem_post(&t->begun);
    sem_wait(&t->may_end);
}

static void task_init(struct task *t, bool blocks)
{
    memset(t, 0, sizeof *t);
    list_init(&t->job.link);
    t->job.run = task_run;
    sem_init(&t->begun, 0, 0);
    sem_init(&t->may_end, 0, blocks ? 0 : 1);
}

static int setup(void **state)
{
    (void) state;
    atomic_store(&order, 0);
    alarm(WATCHDOG_S);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    alarm(0);
    return 0;
}

static unsigned threads_of(struct helpers *c)
{
    pthread_mutex_lock(&c->lock);
    unsigned n = c->threads;
    pthread_mutex_unlock(&c->lock);
    return n;
}

static void jobs_run_in_their_order_and_fini_waits_for_all(void **state)
{
    struct helpers c;
    struct task t[5];
    (void) state;
    helpers_init(&c, 1);
    for (int i = 0; i < 5; i++) {
        task_init(&t[i], false);
        assert_int_equal(helpers_push(&c, &t[i].job), TR_OK);
    }
    helpers_fini(&c);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(t[i].order, i);
        assert_int_equal(atomic_load(&t[i].runs), 1);
    }
}

static void threads_start_on_demand_and_no_more_than_the_maximum(void **state)
{
    struct helpers c;
    struct task t[3];
    (void) state;
    helpers_init(&c, 2);
    assert_int_equal(threads_of(&c), 0);
    for (int i = 0; i < 3; i++) {
        task_init(&t[i], true);
        assert_int_equal(helpers_push(&c, &t[i].job), TR_OK);
    }
    sem_wait(&t[0].begun);
    sem_wait(&t[1].begun);
    assert_int_equal(threads_of(&c), 2);
    assert_int_equal(atomic_load(&t[2].runs), 0);
    for (int i = 0; i < 3; i++)
        sem_post(&t[i].may_end);
    helpers_fini(&c);
    assert_int_equal(atomic_load(&t[2].runs), 1);
}

static void job_that_has_not_begun_can_be_taken_back_and_one_that_has_can_not(void **state)
{
    struct helpers c;
    struct task t[2];
    (void) state;
    helpers_init(&c, 1);
    task_init(&t[0], true);
    task_init(&t[1], false);
    assert_int_equal(helpers_push(&c, &t[0].job), TR_OK);
    sem_wait(&t[0].begun);
    assert_int_equal(helpers_push(&c, &t[1].job), TR_OK);
    assert_false(helpers_take_back(&c, &t[0].job));
    assert_true(helpers_take_back(&c, &t[1].job));
    assert_false(helpers_take_back(&c, &t[1].job));
    sem_post(&t[0].may_end);
    helpers_fini(&c);
    assert_int_equal(atomic_load(&t[1].runs), 0);
}

static void full_queue_refuses_and_keeps_what_it_has(void **state)
{
    struct helpers c;
    struct task t[3];
    (void) state;
    helpers_init(&c, 1);
    helpers_limit(&c, 0, 1, 0);
    for (int i = 0; i < 3; i++)
        task_init(&t[i], true);
    assert_int_equal(helpers_push(&c, &t[0].job), TR_OK);
    sem_wait(&t[0].begun);
    assert_int_equal(helpers_push(&c, &t[1].job), TR_OK);
    assert_int_equal(helpers_push(&c, &t[2].job), TR_EFULL);
    sem_post(&t[0].may_end);
    sem_post(&t[1].may_end);
    helpers_fini(&c);
    assert_int_equal(atomic_load(&t[1].runs), 1);
    assert_int_equal(atomic_load(&t[2].runs), 0);
}

static void idle_thread_ends_and_the_next_job_starts_another(void **state)
{
    struct helpers c;
    struct task t[2];
    (void) state;
    helpers_init(&c, 1);
    helpers_limit(&c, 0, 0, 1);
    for (int i = 0; i < 2; i++) {
        task_init(&t[i], false);
        assert_int_equal(helpers_push(&c, &t[i].job), TR_OK);
        sem_wait(&t[i].begun);
        while (threads_of(&c) > 0)
            sched_yield();
    }
    helpers_fini(&c);
    assert_int_equal(atomic_load(&t[1].runs), 1);
}

static void smaller_maximum_ends_idle_threads(void **state)
{
    struct helpers c;
    struct task t[3];
    (void) state;
    helpers_init(&c, 3);
    for (int i = 0; i < 3; i++) {
        task_init(&t[i], true);
        assert_int_equal(helpers_push(&c, &t[i].job), TR_OK);
    }
    for (int i = 0; i < 3; i++) {
        sem_wait(&t[i].begun);
        sem_post(&t[i].may_end);
    }
    helpers_limit(&c, 1, 0, 0);
    while (threads_of(&c) > 1)
        sched_yield();
    assert_int_equal(threads_of(&c), 1);
    helpers_fini(&c);
}

static void signals_are_blocked_in_its_threads(void **state)
{
    struct helpers c;
    struct task t;
    (void) state;
    helpers_init(&c, 1);
    task_init(&t, false);
    assert_int_equal(helpers_push(&c, &t.job), TR_OK);
    helpers_fini(&c);
    assert_true(sigismember(&t.mask, SIGINT));
    assert_true(sigismember(&t.mask, SIGCHLD));
}

static void without_memory_for_the_first_thread_a_push_is_refused(void **state)
{
    struct helpers c;
    struct task t[2];
    (void) state;
    helpers_init(&c, 2);
    task_init(&t[0], true);
    task_init(&t[1], false);
    (void) mem_fail_at(1);
    assert_int_equal(helpers_push(&c, &t[0].job), TR_ENOMEM);
    (void) mem_fail_at(0);
    assert_int_equal(helpers_push(&c, &t[0].job), TR_OK);
    sem_wait(&t[0].begun);
    (void) mem_fail_at(1);
    assert_int_equal(helpers_push(&c, &t[1].job), TR_OK); /* there is one that will get to it */
    (void) mem_fail_at(0);
    sem_post(&t[0].may_end);
    helpers_fini(&c);
    assert_int_equal(atomic_load(&t[1].runs), 1);
}

#define helpers_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        helpers_test(jobs_run_in_their_order_and_fini_waits_for_all),
        helpers_test(threads_start_on_demand_and_no_more_than_the_maximum),
        helpers_test(job_that_has_not_begun_can_be_taken_back_and_one_that_has_can_not),
        helpers_test(full_queue_refuses_and_keeps_what_it_has),
        helpers_test(idle_thread_ends_and_the_next_job_starts_another),
        helpers_test(smaller_maximum_ends_idle_threads),
        helpers_test(signals_are_blocked_in_its_threads),
        helpers_test(without_memory_for_the_first_thread_a_push_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
