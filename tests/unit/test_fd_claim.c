/* SPDX-License-Identifier: MIT */
/* test_fd_claim.c - descriptors that are waited for, or closed, on several workers (src/actor/fd_claim.c) */
#include <fcntl.h>

#include "support/workers.h"

struct pipes {
    struct notes notes;
    int ends[2];
    atomic_int begun, closed, ready, busy;
    bool watches;
};

static tr_err wait_readable(tr_self *self, void *arg)
{
    struct pipes *p = arg;
    atomic_fetch_add(&p->begun, 1); /* nobody runs here before this has suspended */
    tr_err err = tr_fd_wait(self, p->ends[0], TR_READABLE, TR_FOREVER, NULL);
    atomic_fetch_add(&p->closed, err == TR_ECLOSED);
    atomic_fetch_add(&p->ready, err == TR_OK);
    return TR_OK;
}

/* Runs on worker 1, behind the one that waits there. */
static tr_err say_so(tr_self *self, void *arg)
{
    (void) self;
    atomic_fetch_add((atomic_int *) arg, 1);
    return TR_OK;
}

static bool open_pipe(struct pipes *p)
{
    return pipe2(p->ends, O_NONBLOCK | O_CLOEXEC) == 0;
}

/* Somebody on worker 1 waits for the pipe when this returns. */
static tr_err wait_elsewhere(tr_self *self, struct pipes *p, tr_addr *who)
{
    atomic_int there = 0;
    tr_err err = open_pipe(p) ? spawn_on(self, 1, wait_readable, NULL, p, who) : TR_EIO;
    if (err == TR_OK)
        err = wait_until(self, &p->begun, 1);
    tr_addr next;
    if (err == TR_OK)
        err = spawn_on(self, 1, say_so, NULL, &there, &next);
    return err == TR_OK ? tr_join(self, next, NULL) : err;
}

static tr_err close_here(tr_self *self, void *arg)
{
    struct pipes *p = arg;
    tr_addr who;
    tr_err err = wait_elsewhere(self, p, &who);
    note_err(&p->notes, tr_fd_close(self, p->ends[0]));
    if (err == TR_OK)
        err = tr_join(self, who, NULL);
    note(&p->notes, "%d", atomic_load(&p->closed));
    close(p->ends[1]);
    return err;
}

static void one_that_waits_elsewhere_is_told_of_the_close(void **state)
{
    (void) state;
    struct pipes p = { .begun = 0 };
    assert_int_equal(run_workers(2, close_here, &p), TR_OK);
    assert_string_equal(p.notes.text, "OK 1");
}

static tr_err wait_too(tr_self *self, void *arg)
{
    struct pipes *p = arg;
    tr_addr who;
    tr_err err = wait_elsewhere(self, p, &who);
    note_err(&p->notes, tr_fd_wait(self, p->ends[0], TR_READABLE, 1000, NULL));
    note_err(&p->notes, tr_fd_watch(self, p->ends[0], TR_READABLE, "readable"));
    note_err(&p->notes, tr_fd_wait(self, p->ends[1], TR_WRITABLE, 1000, NULL)); /* another descriptor */
    if (write(p->ends[1], "x", 1) != 1)
        return TR_EIO;
    if (err == TR_OK)
        err = tr_join(self, who, NULL);
    note(&p->notes, "%d", atomic_load(&p->ready));
    note_err(&p->notes, tr_fd_wait(self, p->ends[0], TR_READABLE, 1000, NULL)); /* free again */
    (void) tr_fd_close(self, p->ends[0]);
    (void) tr_fd_close(self, p->ends[1]);
    return err;
}

static void a_second_waiter_on_another_worker_is_refused_while_the_first_waits(void **state)
{
    (void) state;
    struct pipes p = { .begun = 0 };
    assert_int_equal(run_workers(2, wait_too, &p), TR_OK);
    assert_string_equal(p.notes.text, "EBUSY EBUSY OK 1 OK");
}

static tr_err cancel_elsewhere(tr_self *self, void *arg)
{
    struct pipes *p = arg;
    tr_addr who;
    tr_err err = wait_elsewhere(self, p, &who);
    if (err == TR_OK)
        err = tr_kill(self, who, "not needed");
    note_err(&p->notes, err == TR_OK ? tr_join(self, who, NULL) : err);
    note_err(&p->notes, tr_fd_wait(self, p->ends[0], TR_READABLE, 1, NULL));
    close(p->ends[0]);
    close(p->ends[1]);
    return TR_OK;
}

static void who_is_killed_while_it_waits_leaves_the_descriptor_to_others(void **state)
{
    (void) state;
    struct pipes p = { .begun = 0 };
    assert_int_equal(run_workers(2, cancel_elsewhere, &p), TR_OK);
    assert_string_equal(p.notes.text, "EKILLED ETIMEDOUT");
}

/* ---- the same number again ---- */

static tr_err on_start(tr_self *self, void *state, void *arg)
{
    struct pipes *p = *(void **) state = arg;
    tr_err err = tr_fd_watch(self, p->ends[0], TR_READABLE, "readable");
    atomic_fetch_add(&p->begun, 1);
    return err;
}

static tr_err on_readable(tr_self *self, void *state, const tr_msg *m)
{
    struct pipes *p = *(void **) state;
    (void) m;
    char byte;
    if (read(p->ends[0], &byte, 1) == 1)
        atomic_fetch_add(&p->ready, 1);
    return self != NULL ? TR_STOP : TR_OK;
}

static const tr_handler watch_rows[] = { { .tag = "readable", .args = "fd:int, events:int", .run = on_readable },
                                         { .tag = NULL } };
static const tr_behaviour watcher = {
    .name = "watcher", .state_size = sizeof(void *), .handlers = watch_rows, .init = on_start
};

/* Worker 1 watches it; closed here; the next pipe has the same numbers, and is waited for at once, on both workers in
 * turn. */
static tr_err open_again(tr_self *self, void *arg)
{
    struct pipes *p = arg;
    tr_addr old, new;
    if (!open_pipe(p))
        return TR_EIO;
    int was = p->ends[0];
    tr_err err = spawn_on(self, 1, NULL, &watcher, p, &old);
    if (err == TR_OK)
        err = wait_until(self, &p->begun, 1);
    note_err(&p->notes, tr_fd_close(self, p->ends[0]));
    close(p->ends[1]);
    if (!open_pipe(p))
        return TR_EIO;
    note(&p->notes, "%d", p->ends[0] == was);
    note_err(&p->notes, tr_fd_wait(self, p->ends[0], TR_READABLE, 1, NULL));
    if (err == TR_OK)
        err = spawn_on(self, 1, NULL, &watcher, p, &new);
    if (err == TR_OK)
        err = wait_until(self, &p->begun, 2);
    if (write(p->ends[1], "x", 1) != 1)
        return TR_EIO;
    note_err(&p->notes, err == TR_OK ? tr_join(self, new, NULL) : err);
    note(&p->notes, "%d", atomic_load(&p->ready));
    note(&p->notes, "%d", tr_is_alive(self, old)); /* its watch is gone; nothing came */
    (void) tr_fd_close(self, p->ends[0]);
    (void) tr_fd_close(self, p->ends[1]);
    return tr_cancel_wait(self, old, "done", TR_FOREVER);
}

static void a_number_that_is_used_again_is_another_descriptor(void **state)
{
    (void) state;
    struct pipes p = { .begun = 0 };
    assert_int_equal(run_workers(2, open_again, &p), TR_OK);
    assert_string_equal(p.notes.text, "OK 1 ETIMEDOUT OK 1 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_waits_elsewhere_is_told_of_the_close),
        cmocka_unit_test(a_second_waiter_on_another_worker_is_refused_while_the_first_waits),
        cmocka_unit_test(who_is_killed_while_it_waits_leaves_the_descriptor_to_others),
        cmocka_unit_test(a_number_that_is_used_again_is_another_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
