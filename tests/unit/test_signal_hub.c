/* SPDX-License-Identifier: MIT */
/* test_signal_hub.c - which signals are caught, and what holds before and after (docs/semantics.md, S21) */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "machine/signal_hub.h"
#include "support/unit.h"

static volatile sig_atomic_t mine;

static void my_handler(int number)
{
    (void) number;
    mine++;
}

static uint64_t told(int fd)
{
    uint64_t n = 0;
    return read(fd, &n, sizeof n) == (ssize_t) sizeof n ? n : 0;
}

static int new_fd(void)
{
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void every_watch_is_told_and_the_last_one_puts_the_disposition_back(void **state)
{
    int a, b, fd_a = new_fd(), fd_b = new_fd();
    (void) state;
    SKIP_UNDER_VALGRIND();
    mine = 0;
    signal(SIGUSR1, my_handler);
    assert_int_equal(signal_hub_add(SIGUSR1, fd_a, &a), TR_OK);
    assert_int_equal(signal_hub_add(SIGUSR1, fd_b, &b), TR_OK);
    raise(SIGUSR1);
    raise(SIGUSR1);
    assert_int_equal(told(fd_a), 2);
    assert_int_equal(told(fd_b), 2);
    signal_hub_remove(a);
    raise(SIGUSR1);
    assert_int_equal(told(fd_a), 0);
    assert_int_equal(told(fd_b), 1);
    assert_int_equal(mine, 0);
    signal_hub_remove(b);
    raise(SIGUSR1);
    assert_int_equal(told(fd_b), 0);
    assert_int_equal(mine, 1);
    signal(SIGUSR1, SIG_DFL);
    close(fd_a);
    close(fd_b);
}

static void disposition_that_is_set_meanwhile_holds_when_the_watches_have_gone(void **state)
{
    int slot, fd = new_fd();
    struct sigaction action = { .sa_handler = my_handler }, before;
    (void) state;
    SKIP_UNDER_VALGRIND();
    mine = 0;
    assert_int_equal(signal_hub_add(SIGUSR1, fd, &slot), TR_OK);
    signal_hub_action(SIGUSR1, &action, &before);
    assert_true(before.sa_handler == SIG_DFL);
    raise(SIGUSR1);
    assert_int_equal(told(fd), 1);
    assert_int_equal(mine, 0);
    signal_hub_remove(slot);
    raise(SIGUSR1);
    assert_int_equal(mine, 1);
    signal_hub_action(SIGUSR1, &before, &action);
    assert_true(action.sa_handler == my_handler);
    close(fd);
}

static void what_cannot_be_caught_is_refused_and_so_is_one_too_many(void **state)
{
    int slots[SIGNAL_WATCHES_MAX], slot, fd = new_fd();
    (void) state;
    assert_int_equal(signal_hub_add(SIGKILL, fd, &slot), TR_EINVAL);
    assert_int_equal(signal_hub_add(0, fd, &slot), TR_EINVAL);
    assert_int_equal(signal_hub_add(NSIG, fd, &slot), TR_EINVAL);
    for (int i = 0; i < SIGNAL_WATCHES_MAX; i++)
        assert_int_equal(signal_hub_add(SIGUSR1, fd, &slots[i]), TR_OK);
    assert_int_equal(signal_hub_add(SIGUSR1, fd, &slot), TR_EFULL);
    for (int i = 0; i < SIGNAL_WATCHES_MAX; i++)
        signal_hub_remove(slots[i]);
    close(fd);
}

#define ROUNDS 500

static atomic_bool over;

static void *sends_signals(void *arg)
{
    pthread_t to = *(pthread_t *) arg;
    while (!atomic_load(&over)) {
        pthread_kill(to, SIGUSR1);
        pthread_kill(pthread_self(), SIGUSR1);
        sched_yield();
    }
    return NULL;
}

/* A descriptor that was given up is not written to: its number may be another's by then. */
static void handler_under_way_is_waited_for(void **state)
{
    pthread_t thread, self = pthread_self();
    int kept, fd = new_fd();
    uint64_t late = 0;
    (void) state;
    SKIP_UNDER_VALGRIND();
    atomic_store(&over, false);
    assert_int_equal(signal_hub_add(SIGUSR1, fd, &kept), TR_OK); /* or the default would end us in between */
    assert_int_equal(pthread_create(&thread, NULL, sends_signals, &self), 0);
    for (int i = 0; i < ROUNDS; i++) {
        int slot, watched = new_fd();
        assert_int_equal(signal_hub_add(SIGUSR1, watched, &slot), TR_OK);
        sched_yield();
        signal_hub_remove(slot);
        (void) told(watched);
        sched_yield();
        late += told(watched);
        close(watched);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    signal_hub_remove(kept);
    close(fd);
    assert_int_equal(late, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_watch_is_told_and_the_last_one_puts_the_disposition_back),
        cmocka_unit_test(disposition_that_is_set_meanwhile_holds_when_the_watches_have_gone),
        cmocka_unit_test(what_cannot_be_caught_is_refused_and_so_is_one_too_many),
        cmocka_unit_test(handler_under_way_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
