/* SPDX-License-Identifier: MIT */
/* test_connect.c - connecting: the first of several addresses that answers (docs/semantics.md, S35) */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "support/stream_test.h"

struct run {
    struct notes notes;
    tr_endpoint list[3];
    int fds[8];
    int open;
    tr_addr child;
};

/* A socket of the loopback that listens, with its address. */
static tr_endpoint listening(struct run *run, int backlog)
{
    tr_endpoint e = { .family = AF_INET, .type = SOCK_STREAM };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    e.len = sizeof in;
    memcpy(&e.addr, &in, sizeof in);
    if (bind(fd, (const struct sockaddr *) &e.addr, e.len) != 0 || listen(fd, backlog) != 0)
        fprintf(stderr, "no socket to listen on\n");
    (void) getsockname(fd, (struct sockaddr *) &e.addr, &e.len);
    run->fds[run->open++] = fd;
    return e;
}

/* One that neither takes nor refuses: its queue is full. */
static tr_endpoint silent(struct run *run)
{
    tr_endpoint e = listening(run, 0);
    for (int i = 0; i < 3; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void) connect(fd, (const struct sockaddr *) &e.addr, e.len);
        run->fds[run->open++] = fd;
    }
    return e;
}

/* One that refuses: nobody listens any more. */
static tr_endpoint refusing(struct run *run)
{
    tr_endpoint e = listening(run, 1);
    close(run->fds[--run->open]);
    return e;
}

static void close_all(struct run *run)
{
    while (run->open > 0)
        close(run->fds[--run->open]);
}

static void note_ms(tr_self *self, struct run *run, tr_time before, long at_least, long below)
{
    long ms = (long) ((tr_now(self) - before) / 1000000);
    note(&run->notes, "%s", ms >= at_least && ms < below ? "intime" : "late");
}

static tr_err races(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream s;
    tr_endpoint peer;
    run->list[0] = silent(run);
    run->list[1] = listening(run, 8);
    tr_time before = tr_now(self);
    note_err(&run->notes, tr_tcp_connect_to(self, run->list, 2, 50, 10000, &s));
    note_ms(self, run, before, 49, 5000);
    note_err(&run->notes, tr_stream_peer(self, s, &peer));
    note(&run->notes, "%d", tr_endpoint_port(&peer) == tr_endpoint_port(&run->list[1]));
    tr_node_stats stats = { .size = sizeof stats };
    tr_node_stats_get(tr_self_node(self), &stats);
    note(&run->notes, "fds:%zu", stats.fds);
    tr_stream_close(self, s);
    close_all(run);
    return TR_OK;
}

/* S35.1: and the attempt that lost is closed (stream_test.h counts) */
static void next_address_is_tried_when_one_says_nothing_and_the_first_wins(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(races, &run);
    assert_string_equal(run.notes.text, "OK intime OK 1 fds:0");
}

static tr_err is_refused_first(tr_self *self, void *arg)
{
    struct run *run = arg;
    char address[TR_ENDPOINT_TEXT_MAX], words[200];
    tr_stream s;
    run->list[0] = refusing(run);
    run->list[1] = listening(run, 8);
    tr_time before = tr_now(self);
    note_err(&run->notes, tr_tcp_connect_to(self, run->list, 2, 10000, 10000, &s));
    note_ms(self, run, before, 0, 5000);
    note_err(&run->notes, tr_tcp_connect_to(self, run->list, 1, 250, 10000, &s));
    tr_endpoint_text(&run->list[0], address);
    snprintf(words, sizeof words, "%s: Connection refused", address);
    note(&run->notes, "%d", strcmp(tr_error(self)->text, words));
    run->list[1] = run->list[0];
    note_err(&run->notes, tr_tcp_connect_to(self, run->list, 2, 250, 10000, &s));
    snprintf(words, sizeof words, "none of 2 addresses, %s at last: Connection refused", address);
    note(&run->notes, "%d", strcmp(tr_error(self)->text, words));
    note_err(&run->notes, tr_tcp_connect_to(self, run->list, 0, 250, 10000, &s));
    close_all(run);
    return TR_OK;
}

/* S35.1, S35.2 */
static void refused_address_makes_the_next_one_start_at_once(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(is_refused_first, &run);
    assert_string_equal(run.notes.text, "OK intime ENOCONN 0 ENOCONN 0 EINVAL");
}

static tr_err connects_in_vain(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream s;
    return note_err(&run->notes, tr_tcp_connect_to(self, run->list, 2, 1, TR_FOREVER, &s));
}

static tr_err gives_up(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream s;
    run->list[0] = run->list[1] = silent(run);
    note_err(&run->notes, tr_tcp_connect_to(self, run->list, 2, 1, 20, &s));
    note_err(&run->notes, tr_within(self, 10, connects_in_vain, run));
    tr_err err = tr_spawn(self, connects_in_vain, run, &run->child);
    (void) tr_sleep(self, 10);
    (void) tr_kill(self, run->child, NULL);
    note_err(&run->notes, tr_join(self, run->child, NULL));
    close_all(run);
    return err;
}

/* S35.2: by its timeout, a scope's, a kill: no attempt is left open */
static void connecting_that_is_given_up_leaves_nothing_open(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(gives_up, &run);
    assert_string_equal(run.notes.text, "ETIMEDOUT ECANCELED ETIMEDOUT EKILLED");
}

static tr_err connects_by_name(tr_self *self, void *arg)
{
    struct run *run = arg;
    char port[8];
    tr_stream s;
    run->list[0] = listening(run, 8);
    snprintf(port, sizeof port, "%u", tr_endpoint_port(&run->list[0]));
    note_err(&run->notes, tr_tcp_connect(self, "localhost", port, 5000, &s));
    note_err(&run->notes, tr_tcp_connect(self, "127.0.0.1", port, 5000, &s));
    note_err(&run->notes, tr_tcp_connect(self, "no-such-host.invalid", port, 5000, &s) != TR_OK ? TR_EIO : TR_OK);
    close_all(run);
    return TR_OK;
}

/* S35.1: [::1] refuses where localhost has it, and 127.0.0.1 is next */
static void name_is_looked_up_and_each_family_tried(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(connects_by_name, &run);
    assert_string_equal(run.notes.text, "OK OK EIO");
}

static tr_err connects_without_memory(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_stream s;
    run->list[0] = listening(run, 64);
    for (uint64_t n = 1; n < 30; n++) {
        (void) tr_test_fail_alloc(n);
        tr_err err = tr_tcp_connect_to(self, run->list, 1, 250, 5000, &s);
        (void) tr_test_fail_alloc(0);
        if (err == TR_OK)
            break;
        note_err(&run->notes, err);
    }
    close_all(run);
    return TR_OK;
}

static void connecting_without_memory_leaves_nothing_open(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(connects_without_memory, &run);
    assert_non_null(strstr(run.notes.text, "ENOMEM"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_address_is_tried_when_one_says_nothing_and_the_first_wins),
        cmocka_unit_test(refused_address_makes_the_next_one_start_at_once),
        cmocka_unit_test(connecting_that_is_given_up_leaves_nothing_open),
        cmocka_unit_test(name_is_looked_up_and_each_family_tried),
        cmocka_unit_test(connecting_without_memory_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
