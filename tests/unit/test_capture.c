/* SPDX-License-Identifier: MIT */
/* test_capture.c - registers and stack of another thread, as it runs */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "debug/capture.h"
#include "support/unit.h"

#ifdef __SANITIZE_THREAD__
#define SKIP_SIGNALS() skip() /* it keeps a signal until the thread calls something that it knows */
#else
#define SKIP_SIGNALS() SKIP_UNDER_VALGRIND()
#endif

static atomic_int tid, over, strangers;
static atomic_uintptr_t local;

static void on_signal(int signo, siginfo_t *info, void *ucontext)
{
    (void) signo;
    if (!capture_serve(info, ucontext))
        atomic_fetch_add(&strangers, 1);
}

static void *spins(void *arg)
{
    volatile uint64_t mark = 0x5ca1ab1e0ddba11u;
    (void) arg;
    atomic_store(&local, (uintptr_t) &mark);
    atomic_store(&tid, (int) gettid());
    while (!atomic_load(&over))
        ;
    return NULL;
}

static void *blocks_the_signal(void *arg)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return spins(arg);
}

static bool capture_of(void *(*fn)(void *), struct capture *c)
{
    pthread_t thread;
    atomic_store(&tid, 0);
    atomic_store(&over, 0);
    assert_int_equal(pthread_create(&thread, NULL, fn, NULL), 0);
    while (atomic_load(&tid) == 0)
        sched_yield();
    bool done = capture_thread(atomic_load(&tid), SIGUSR2, c);
    atomic_store(&over, 1);
    pthread_join(thread, NULL);
    return done;
}

static int handler_set(void **state)
{
    const struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
    (void) state;
    return sigaction(SIGUSR2, &action, NULL);
}

static void thread_that_spins_is_found_where_it_is(void **state)
{
    static struct capture c;
    uint64_t word = 0;
    (void) state;
    SKIP_SIGNALS();
    assert_true(capture_of(spins, &c));
    assert_true(c.registers.ip != 0);
    assert_in_range(atomic_load(&local), c.low, c.low + c.size);
    memcpy(&word, c.bytes + (atomic_load(&local) - c.low), sizeof word);
    assert_int_equal(word, 0x5ca1ab1e0ddba11u);
    assert_int_equal(atomic_load(&strangers), 0);
}

static void thread_that_does_not_answer_is_given_up(void **state)
{
    static struct capture c;
    (void) state;
    SKIP_SIGNALS();
    assert_false(capture_of(blocks_the_signal, &c));
    assert_false(capture_thread(0, SIGUSR2, &c));
    assert_false(capture_thread((int) gettid(), SIGUSR2, &c));
    assert_false(capture_thread(atomic_load(&tid), SIGUSR2, &c)); /* it has ended */
    assert_true(capture_of(spins, &c));                           /* and the next is served again */
}

static void signal_of_somebody_else_is_no_request(void **state)
{
    (void) state;
    SKIP_SIGNALS();
    atomic_store(&strangers, 0);
    raise(SIGUSR2);
    const union sigval value = { .sival_int = 5 };
    assert_int_equal(pthread_sigqueue(pthread_self(), SIGUSR2, value), 0);
    assert_int_equal(atomic_load(&strangers), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_that_spins_is_found_where_it_is),
        cmocka_unit_test(thread_that_does_not_answer_is_given_up),
        cmocka_unit_test(signal_of_somebody_else_is_no_request),
    };
    return cmocka_run_group_tests(tests, handler_set, NULL);
}
