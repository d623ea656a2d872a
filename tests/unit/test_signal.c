/* SPDX-License-Identifier: MIT */
/* test_signal.c - signals as messages (docs/semantics.md, S21) */
#include <signal.h>
#include <sys/wait.h>

#include <troupe/signal.h>

#include "support/real_test.h"

struct run {
    struct notes notes;
    tr_addr actor;
};

static const char *run_it(tr_body_fn *body)
{
    static struct run run;
    memset(&run, 0, sizeof run);
    assert_int_equal(run_real(body, &run), TR_OK);
    return run.notes.text;
}

static bool is_default(int number)
{
    struct sigaction now;
    sigaction(number, NULL, &now);
    return now.sa_handler == SIG_DFL;
}

static void note_signal(tr_self *self, struct run *run, int64_t timeout_ms)
{
    const tr_msg *m;
    const char *name;
    int number, count;
    tr_err err = tr_recv_for(self, timeout_ms, &m);
    if (err != TR_OK)
        note_err(&run->notes, err);
    else if (tr_msg_args(m, TR_DESTS(&number, &name, &count)) == TR_OK)
        note(&run->notes, "%s:%d:%s:%d", tr_tag(m), number == SIGUSR1, name, count);
}

/* Two senders: there is no order between them (S1.2). */
static void note_both(tr_self *self, struct run *run)
{
    struct run both = { .actor = TR_ADDR_NIL };
    note_signal(self, &both, TR_FOREVER);
    note_signal(self, &both, TR_FOREVER);
    bool told = strstr(both.notes.text, "one:1:SIGUSR1:2") != NULL &&
                strstr(both.notes.text, "two:1:SIGUSR1:2") != NULL;
    note(&run->notes, "%s", told ? "both" : both.notes.text);
}

static tr_err watches(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr one, two;
    tr_check(self, tr_signal_watch(self, SIGUSR1, "one", &one) == TR_OK);
    tr_check(self, tr_signal_watch(self, SIGUSR1, "two", &two) == TR_OK);
    raise(SIGUSR1);
    raise(SIGUSR1);
    note_both(self, run);
    note_err(&run->notes, tr_signal_unwatch(self, one));
    note(&run->notes, "%d", is_default(SIGUSR1));
    raise(SIGUSR1);
    note_signal(self, run, TR_FOREVER);
    note_err(&run->notes, tr_signal_unwatch(self, two));
    note(&run->notes, "%d", is_default(SIGUSR1));
    return TR_OK;
}

/* S21.1, S21.2, S21.3 */
static void each_watcher_gets_a_message_and_the_last_puts_the_disposition_back(void **state)
{
    (void) state;
    SKIP_UNDER_VALGRIND();
    assert_string_equal(run_it(watches), "both OK 0 two:1:SIGUSR1:1 OK 1");
}

static tr_err watches_and_ends(tr_self *self, void *arg)
{
    (void) arg;
    tr_check(self, tr_signal_watch(self, SIGUSR1, "signal", NULL) == TR_OK);
    return TR_OK;
}

static tr_err watches_until_killed(tr_self *self, void *arg)
{
    (void) watches_and_ends(self, arg);
    return deaf(self, arg);
}

static tr_err outlives_watchers(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_check(self, tr_spawn(self, watches_and_ends, run, &run->actor) == TR_OK);
    tr_check(self, tr_join(self, run->actor, NULL) == TR_OK);
    note(&run->notes, "%d", is_default(SIGUSR1));
    tr_check(self, tr_spawn(self, watches_until_killed, run, &run->actor) == TR_OK);
    (void) tr_yield(self);
    note(&run->notes, "%d", is_default(SIGUSR1));
    tr_kill(self, run->actor, NULL);
    (void) !tr_join(self, run->actor, NULL);
    note(&run->notes, "%d", is_default(SIGUSR1));
    return TR_OK;
}

/* S21.2: however it ends, also before the watch has run */
static void watch_ends_with_its_actor(void **state)
{
    (void) state;
    assert_string_equal(run_it(outlives_watchers), "1 0 1");
    assert_true(is_default(SIGUSR1));
}

static tr_err is_flooded(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_check(self, tr_signal_watch(self, SIGUSR1, "signal", NULL) == TR_OK);
    tr_check(self, tr_try_send(self, tr_self_addr(self), "in the way") == TR_OK);
    for (int i = 0; i < 5; i++) {
        raise(SIGUSR1);
        (void) tr_sleep(self, 1);
    }
    tr_check(self, tr_recv(self, &m) == TR_OK);
    note_signal(self, run, TR_FOREVER);
    return TR_OK;
}

static tr_err has_a_small_mailbox(tr_self *self, void *arg)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .body = is_flooded, .arg = arg, .mailbox_len_max = 1 };
    struct run *run = arg;
    tr_check(self, tr_spawn_with(self, &opts, &run->actor) == TR_OK);
    return tr_join(self, run->actor, NULL);
}

/* S21.3 */
static void signals_that_find_the_mailbox_full_are_counted_and_come_as_one(void **state)
{
    (void) state;
    SKIP_UNDER_VALGRIND();
    assert_string_equal(run_it(has_a_small_mailbox), "signal:1:SIGUSR1:5");
}

static tr_err says_no(tr_self *self, void *arg)
{
    struct run *run = arg;
    static const int numbers[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGABRT, 0, 1000 };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        note_err(&run->notes, tr_signal_watch(self, numbers[i], "signal", NULL));
    note_err(&run->notes, tr_signal_watch(self, SIGUSR1, "", NULL));
    note_err(&run->notes, tr_signal_watch(self, SIGUSR1, NULL, NULL));
    return TR_OK;
}

/* S21.4 */
static void faults_and_what_cannot_be_caught_are_refused(void **state)
{
    (void) state;
    assert_string_equal(run_it(says_no), "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL");
}

static tr_err runs_out_of_memory(tr_self *self, void *arg)
{
    (void) arg;
    for (uint64_t n = 1;; n++) {
        tr_addr watch = TR_ADDR_NIL;
        tr_test_fail_alloc(n);
        tr_err err = tr_signal_watch(self, SIGUSR1, "signal", &watch);
        bool walked = tr_test_fail_alloc(0) < n;
        tr_check(self, err == TR_OK || err == TR_ENOMEM);
        tr_check(self, is_default(SIGUSR1) == (err != TR_OK));
        if (err == TR_OK)
            tr_check(self, tr_signal_unwatch(self, watch) == TR_OK);
        if (walked)
            return TR_OK;
    }
}

static void without_memory_nothing_is_caught(void **state)
{
    (void) state;
    (void) run_it(runs_out_of_memory);
}

/* ---- beside tr_main ---- */

static tr_err interrupted_twice(tr_self *self, void *arg)
{
    tr_addr watch;
    const tr_msg *m;
    (void) arg;
    tr_check(self, tr_signal_watch(self, SIGINT, "signal", &watch) == TR_OK);
    raise(SIGINT);
    tr_check(self, tr_recv(self, &m) == TR_OK); /* a message, and nothing is cancelled */
    tr_check(self, tr_signal_unwatch(self, watch) == TR_OK);
    raise(SIGINT);
    tr_err err = tr_sleep(self, 10000);
    return err == TR_ECANCELED ? TR_OK : TR_EFAILED;
}

/* S21.5 */
static void watch_keeps_an_interrupt_from_tr_main_and_gives_it_back(void **state)
{
    int status;
    (void) state;
    SKIP_UNDER_VALGRIND();
    pid_t pid = fork();
    if (pid == 0) {
        alarm(WATCHDOG_S);
        exit(tr_main(interrupted_twice, NULL));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_watcher_gets_a_message_and_the_last_puts_the_disposition_back),
        cmocka_unit_test(watch_ends_with_its_actor),
        cmocka_unit_test(signals_that_find_the_mailbox_full_are_counted_and_come_as_one),
        cmocka_unit_test(faults_and_what_cannot_be_caught_are_refused),
        cmocka_unit_test(without_memory_nothing_is_caught),
        cmocka_unit_test(watch_keeps_an_interrupt_from_tr_main_and_gives_it_back),
    };
    return run_on_one_and_two_workers(tests);
}
