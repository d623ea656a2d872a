/* SPDX-License-Identifier: MIT */
/* test_stream.c - streams: whose they are, and when they are closed (docs/semantics.md, S30) */
#include <fcntl.h>
#include <sys/socket.h>

#include "support/stream_test.h"

struct run {
    struct notes notes;
    int fd[2];
    tr_stream stream;
    tr_addr child;
    bool fails;
};

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static tr_err opens_and_waits(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    tr_err err = tr_stream_open(self, run->fd[0], 0, &run->stream);
    if (err == TR_OK && run->fails)
        tr_fail(self, TR_EUSER, "on purpose");
    return err == TR_OK ? tr_stream_read(self, run->stream, &c, 1, TR_FOREVER, &n) : err;
}

static tr_err ends_owners(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int how = 0; how < 3 && err == TR_OK; how++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, run->fd) != 0)
            return TR_EIO;
        run->fails = how == 2;
        err = tr_spawn(self, opens_and_waits, run, &run->child);
        (void) tr_yield(self);
        if (how == 0)
            (void) tr_cancel(self, run->child, NULL);
        if (how == 1)
            (void) tr_kill(self, run->child, NULL);
        tr_err ended = tr_join(self, run->child, NULL);
        note(&run->notes, "%s:%d", tr_err_name(ended) + 3, is_open(run->fd[0]));
        close(run->fd[1]);
    }
    return err;
}

/* S30.6: by a return, a kill, a failure */
static void stream_is_closed_with_its_owner_however_that_ends(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(ends_owners, &run);
    assert_string_equal(run.notes.text, "ECANCELED:0 EKILLED:0 EUSER:0");
}

static tr_err child_waits(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    note_err(&run->notes, tr_stream_read(self, run->stream, &c, 1, TR_FOREVER, &n));
    return TR_OK;
}

static tr_err owner_lends(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream ends[2];
    tr_err err = tr_stream_pair(self, ends);
    run->stream = ends[0];
    return err == TR_OK ? tr_sleep(self, 100000) : err;
}

static tr_err kills_the_owner(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr owner;
    tr_err err = tr_spawn(self, owner_lends, run, &owner);
    (void) tr_yield(self);
    if (err == TR_OK)
        err = tr_spawn(self, child_waits, run, &run->child);
    (void) tr_yield(self);
    (void) tr_kill(self, owner, NULL);
    (void) !tr_join(self, owner, NULL);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S30.8: the owner's end is a close for whoever else uses it */
static void others_who_wait_are_told_when_the_owner_ends(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(kills_the_owner, &run);
    assert_string_equal(run.notes.text, "ECLOSED");
}

static tr_err bye_init(tr_self *self, void *state, void *arg)
{
    struct run *run = arg;
    return tr_stream_open(self, run->fd[0], 0, state);
}

static void bye_fini(tr_self *self, void *state, tr_err why)
{
    (void) why;
    (void) !tr_stream_queue(self, *(tr_stream *) state, "bye", 3);
}

static const tr_handler no_handlers[] = { { 0 } };
static const tr_behaviour says_bye = {
    .name = "bye", .state_size = sizeof(tr_stream), .handlers = no_handlers, .init = bye_init, .fini = bye_fini
};

static tr_err ends_a_behaviour(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream peer;
    char buf[8];
    size_t n = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, run->fd) != 0)
        return TR_EIO;
    tr_err err = tr_stream_open(self, run->fd[1], 0, &peer);
    if (err == TR_OK)
        err = tr_spawn(self, &says_bye, run, &run->child);
    (void) tr_yield(self);
    (void) tr_cancel(self, run->child, NULL);
    note_err(&run->notes, tr_stream_read(self, peer, buf, sizeof buf, 1000, &n));
    note(&run->notes, "%.*s", (int) n, buf);
    note_err(&run->notes, tr_stream_read(self, peer, buf, sizeof buf, 1000, &n));
    return err;
}

/* S30.6 */
static void fini_can_still_write_to_what_the_actor_holds(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(ends_a_behaviour, &run);
    assert_string_equal(run.notes.text, "OK bye ECLOSED");
}

static tr_err counts_turns(tr_self *self, void *arg)
{
    int *turns = arg;
    while (tr_yield(self) == TR_OK)
        (*turns)++;
    return TR_OK;
}

static tr_err reads_zeros(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[64];
    size_t n;
    int turns = 0;
    tr_stream zeros;
    tr_err err = tr_stream_open(self, open("/dev/zero", O_RDONLY | O_CLOEXEC), 0, &zeros);
    if (err == TR_OK)
        err = tr_spawn(self, counts_turns, &turns, &run->child);
    for (int i = 0; i < 1000 && err == TR_OK; i++)
        err = tr_stream_read(self, zeros, buf, sizeof buf, TR_FOREVER, &n);
    note(&run->notes, "%d", turns >= 9);
    (void) tr_cancel_wait(self, run->child, NULL, 1000);
    return err;
}

/* S30.9, S30.10 */
static void reader_that_always_finds_something_lets_others_run(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(reads_zeros, &run);
    assert_string_equal(run.notes.text, "1");
}

static tr_err opens_wrongly(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream s;
    note_err(&run->notes, tr_stream_open(self, -1, 0, &s));
    note_err(&run->notes, tr_stream_open(self, 1000000, 0, &s));
    note_err(&run->notes, tr_stream_open(self, 1, 128, &s));
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    note_err(&run->notes, tr_stream_open(self, fd, 0, &s));
    note_err(&run->notes, tr_fd_close(self, fd));
    tr_stream_close(self, s);
    note(&run->notes, "%d", is_open(fd));
    return TR_OK;
}

static void what_is_no_descriptor_is_refused_and_a_stream_is_closed_as_one(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(opens_wrongly, &run);
    assert_string_equal(run.notes.text, "EINVAL EINVAL EINVAL OK EBUSY 0");
}

static tr_err opens_without_memory(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream ends[2];
    for (uint64_t n = 1; n < 20; n++) {
        (void) tr_test_fail_alloc(n);
        tr_err err = tr_stream_pair(self, ends);
        (void) tr_test_fail_alloc(0);
        if (err == TR_OK)
            break;
        note_err(&run->notes, err);
    }
    return TR_OK;
}

/* stream_test.h counts the descriptors */
static void opening_without_memory_leaves_nothing_open(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(opens_without_memory, &run);
    assert_non_null(strstr(run.notes.text, "ENOMEM ENOMEM"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_is_closed_with_its_owner_however_that_ends),
        cmocka_unit_test(others_who_wait_are_told_when_the_owner_ends),
        cmocka_unit_test(fini_can_still_write_to_what_the_actor_holds),
        cmocka_unit_test(reader_that_always_finds_something_lets_others_run),
        cmocka_unit_test(what_is_no_descriptor_is_refused_and_a_stream_is_closed_as_one),
        cmocka_unit_test(opening_without_memory_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
