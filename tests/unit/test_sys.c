/* SPDX-License-Identifier: MIT */
/* test_sys.c - the n-th system call fails, once */
#include "base/sys.h"
#include "support/unit.h"

static void nth_call_fails_once_with_the_usual_errno_and_the_others_go_on(void **state)
{
    (void) state;
    (void) sys_fail_at(2, 0);
    int first = sys_eventfd(), second = sys_eventfd(), number = errno, third = sys_eventfd();
    assert_true(first >= 0 && third >= 0);
    assert_int_equal(second, -1);
    assert_int_equal(number, EMFILE);
    assert_string_equal(sys_failed(), "eventfd");
    assert_int_equal(sys_fail_at(0, 0), 3);
    close(first);
    close(third);
}

static void given_errno_takes_the_place_of_the_usual_one(void **state)
{
    (void) state;
    (void) sys_fail_at(1, ENFILE);
    assert_int_equal(sys_epoll_create(), -1);
    assert_int_equal(errno, ENFILE);
    (void) sys_fail_at(0, 0);
}

static void nothing_is_counted_while_nothing_is_to_fail(void **state)
{
    (void) state;
    (void) sys_fail_at(0, 0);
    close(sys_eventfd());
    assert_int_equal(sys_fail_at(0, 0), 0);
}

static void *nothing(void *arg)
{
    return arg;
}

static void each_call_fails_in_its_own_way(void **state)
{
    char byte = 0;
    pthread_t thread;
    struct itimerspec when = { .it_value = { 1, 0 } };
    struct epoll_event event = { .events = EPOLLIN };
    (void) state;
#define FAILS(call, how)            \
    do {                            \
        (void) sys_fail_at(1, 0);   \
        assert_true((call) == how); \
    } while (0)
    FAILS(sys_epoll_ctl(-1, EPOLL_CTL_ADD, 0, &event), -1);
    FAILS(sys_epoll_wait(-1, &event, 1, 0), -1);
    FAILS(sys_timerfd_create(), -1);
    FAILS(sys_timerfd_settime(-1, &when), -1);
    FAILS(sys_accept(-1, NULL, NULL, 0), -1);
    FAILS(sys_read(-1, &byte, 1), -1);
    FAILS(sys_write(-1, &byte, 1), -1);
    FAILS(sys_mmap(4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS), MAP_FAILED);
    FAILS(sys_thread_create(&thread, NULL, nothing, NULL), EAGAIN);
    assert_string_equal(sys_failed(), "pthread_create");
    (void) sys_fail_at(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_call_fails_once_with_the_usual_errno_and_the_others_go_on),
        cmocka_unit_test(given_errno_takes_the_place_of_the_usual_one),
        cmocka_unit_test(nothing_is_counted_while_nothing_is_to_fail),
        cmocka_unit_test(each_call_fails_in_its_own_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
