/* SPDX-License-Identifier: MIT */
/* test_give.c - streams go to other actors (docs/semantics.md, S33) */
#include "support/stream_test.h"

struct run {
    struct notes notes;
    tr_stream ends[2];
    tr_addr child;
};

static tr_err put(tr_self *self, tr_stream s, const char *text)
{
    return tr_stream_write(self, s, text, strlen(text), 1000);
}

static tr_err takes_and_reads(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_stream s;
    char line[16] = "";
    tr_err err = tr_recv(self, &m);
    if (err != TR_OK)
        return err;
    note(&run->notes, "%s/%zu", tr_tag(m), tr_argc(m));
    err = note_err(&run->notes, tr_stream_take(self, tr_arg(m, 0), &s));
    if (err != TR_OK)
        return err;
    note_err(&run->notes, tr_stream_take(self, tr_arg(m, 0), &s));
    note_err(&run->notes, tr_stream_take(self, tr_arg(m, 1), &s));
    note_err(&run->notes, tr_stream_read_line(self, s, line, sizeof line, 1000, NULL));
    note(&run->notes, "%s %d", line, s.id == run->ends[0].id);
    return put(self, s, "done\n");
}

static tr_err gives(tr_self *self, void *arg)
{
    struct run *run = arg;
    char line[16] = "";
    size_t n;
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "first\nsecond\n");
    (void) !tr_stream_read_line(self, run->ends[0], line, sizeof line, 1000, NULL);
    (void) !tr_stream_once(self, run->ends[0], "data"); /* a message is on its way: its bytes are not lost */
    if (err == TR_OK)
        err = tr_spawn(self, takes_and_reads, run, &run->child);
    tr_err given = tr_stream_give(self, run->ends[0], run->child, "here", 42);
    tr_err read = tr_stream_read(self, run->ends[0], line, sizeof line, 0, &n);
    tr_err answered = tr_stream_read_line(self, run->ends[1], line, sizeof line, 1000, NULL);
    note_err(&run->notes, given); /* after what the child notes, whoever was first */
    note_err(&run->notes, read);
    note_err(&run->notes, answered);
    note(&run->notes, "%s", line);
    return err;
}

/* S33.1, S33.2 */
static void stream_that_was_given_goes_on_with_its_new_owner(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(gives, &run);
    assert_string_equal(run.notes.text, "here/2 OK ECLOSED EBADMSG OK second 1 OK ECLOSED OK done");
}

static tr_err deaf_child(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 1);
}

static tr_err gives_in_vain(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    tr_err err = tr_stream_pair(self, run->ends);
    if (err == TR_OK)
        err = tr_spawn(self, deaf_child, run, &run->child);
    note_err(&run->notes, tr_stream_give(self, run->ends[0], run->child, "here"));
    note_err(&run->notes, tr_stream_read(self, run->ends[1], &c, 1, 1000, &n)); /* ended without taking it */
    (void) !tr_join(self, run->child, NULL);
    tr_stream_close(self, run->ends[1]);
    err = err == TR_OK ? tr_stream_pair(self, run->ends) : err;
    note_err(&run->notes, tr_stream_give(self, run->ends[0], run->child, "here"));
    note_err(&run->notes, tr_stream_give(self, run->ends[0], TR_ADDR_NIL, "here"));
    note_err(&run->notes, put(self, run->ends[0], "x"));
    note_err(&run->notes, tr_stream_read(self, run->ends[1], &c, 1, 1000, &n));
    return err;
}

/* S33.2, S33.3 */
static void stream_that_nobody_takes_is_closed_and_one_that_is_refused_stays(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(gives_in_vain, &run);
    assert_string_equal(run.notes.text, "OK ECLOSED ENOPROC EINVAL OK OK");
}

static tr_err child_gives(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    note_err(&run->notes, tr_stream_give(self, run->ends[0], run->child, "here"));
    return tr_stream_read(self, run->ends[0], &c, 1, TR_FOREVER, &n);
}

static tr_err gives_what_is_used(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr child;
    tr_err err = tr_stream_pair(self, run->ends);
    run->child = tr_self_addr(self);
    if (err == TR_OK)
        err = tr_spawn(self, child_gives, run, &child);
    (void) tr_yield(self);
    note_err(&run->notes, tr_stream_give(self, run->ends[0], run->child, "here"));
    (void) tr_cancel(self, child, NULL);
    (void) !tr_join(self, child, NULL);
    note_err(&run->notes, tr_stream_give(self, run->ends[0], run->child, "here"));
    return err;
}

/* S33.3: to oneself is fine, and what is left in a mailbox is closed */
static void only_the_owner_gives_and_only_what_nobody_uses(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(gives_what_is_used, &run);
    assert_string_equal(run.notes.text, "ESTATE EBUSY OK");
}

static tr_err gives_without_memory(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_stream s;
    char c;
    size_t len;
    tr_err err = tr_stream_pair(self, run->ends);
    for (uint64_t n = 1; n < 20; n++) {
        (void) tr_test_fail_alloc(n);
        tr_err got = tr_stream_give(self, run->ends[0], tr_self_addr(self), "here");
        (void) tr_test_fail_alloc(0);
        if (got == TR_OK)
            break;
        note_err(&run->notes, got);
        note_err(&run->notes, put(self, run->ends[0], "x"));
        (void) !tr_stream_read(self, run->ends[1], &c, 1, 1000, &len);
    }
    (void) !tr_recv(self, &m);
    note_err(&run->notes, tr_stream_take(self, tr_arg(m, 0), &s));
    return err;
}

static void giving_without_memory_leaves_the_stream_here(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(gives_without_memory, &run);
    assert_non_null(strstr(run.notes.text, "ENOMEM OK"));
    assert_null(strstr(run.notes.text, "ECLOSED"));
}

/* ---- across workers ---- */

/* On another worker: takes a stream, sends back what it reads, gives the stream back, and so on. */
static tr_err bounces(tr_self *self, void *arg)
{
    const tr_msg *m;
    tr_stream s;
    char line[16];
    size_t n;
    tr_err err;
    (void) arg;
    while ((err = tr_recv(self, &m)) == TR_OK) {
        tr_addr from = tr_sender(m);
        err = tr_stream_take(self, tr_arg(m, 0), &s);
        if (err == TR_OK)
            err = tr_stream_read_line(self, s, line, sizeof line - 1, 5000, &n);
        if (err != TR_OK)
            break;
        line[n] = '\n';
        err = tr_stream_write(self, s, line, n + 1, 5000);
        if (err == TR_OK)
            err = tr_stream_give(self, s, from, "back", tr_self_worker(self));
        if (err != TR_OK)
            break;
    }
    return err;
}

static tr_err spawn_there(tr_self *self, tr_body_fn *body, void *arg, tr_addr *to)
{
    const tr_spawn_opts opts = { .size = sizeof opts, .body = body, .arg = arg, .place = TR_PLACE_WORKER, .worker = 1 };
    return tr_spawn_with(self, &opts, to);
}

static tr_err plays_ball(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    char line[16] = "";
    unsigned there = 0, rounds = 0;
    tr_addr other;
    tr_err err = tr_stream_pair(self, run->ends);
    if (err == TR_OK)
        err = spawn_there(self, bounces, run, &other);
    for (; rounds < 100 && err == TR_OK; rounds++) {
        if (rounds % 2 == 0)
            err = put(self, run->ends[1], "ball\n"); /* or it comes while the stream is there */
        if (err == TR_OK)
            err = tr_stream_give(self, run->ends[0], other, "take");
        if (err == TR_OK && rounds % 2 == 1)
            err = put(self, run->ends[1], "ball\n");
        if (err == TR_OK)
            err = tr_stream_read_line(self, run->ends[1], line, sizeof line, 5000, NULL);
        if (err == TR_OK)
            err = tr_recv_for(self, 5000, &m);
        if (err == TR_OK)
            err = tr_read(tr_arg(m, 1), &there);
        if (err == TR_OK)
            err = tr_stream_take(self, tr_arg(m, 0), &run->ends[0]);
    }
    note(&run->notes, "%u %s %u", rounds, line, there);
    return err;
}

/* S33.1 */
static void stream_goes_from_worker_to_worker_and_back(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams_on(2, plays_ball, &run);
    assert_string_equal(run.notes.text, "100 ball 1");
}

static tr_err closes_there(tr_self *self, void *arg)
{
    const tr_msg *m;
    tr_stream s;
    tr_err err;
    (void) arg;
    while ((err = tr_recv(self, &m)) == TR_OK && (err = tr_stream_take(self, tr_arg(m, 0), &s)) == TR_OK)
        tr_stream_close(self, s);
    return err;
}

static tr_err fills_its_quota(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_listen_opts opts = { .size = sizeof opts, .conns_max = 1 };
    tr_listener l;
    tr_endpoint e;
    tr_addr other;
    char port[8];
    unsigned n = 0;
    tr_err err = tr_tcp_listen(self, NULL, "0", &opts, &l);
    if (err == TR_OK)
        err = tr_listener_endpoint(self, l, &e);
    if (err == TR_OK)
        err = spawn_there(self, closes_there, run, &other);
    snprintf(port, sizeof port, "%u", tr_endpoint_port(&e));
    for (; n < 50 && err == TR_OK; n++) {
        err = tr_tcp_connect(self, "127.0.0.1", port, 5000, &run->ends[0]);
        if (err == TR_OK)
            err = tr_listener_accept(self, l, 5000, &run->ends[1]);
        if (err == TR_OK)
            err = tr_stream_give(self, run->ends[1], other, "take");
        tr_stream_close(self, run->ends[0]);
    }
    note(&run->notes, "%u", n);
    note_err(&run->notes, err == TR_OK ? tr_listener_stop(self, l, 5000) : err);
    return err;
}

/* S34.2: also when it is closed on another worker */
static void connection_that_is_closed_elsewhere_makes_room_here(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams_on(2, fills_its_quota, &run);
    assert_string_equal(run.notes.text, "50 OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_that_was_given_goes_on_with_its_new_owner),
        cmocka_unit_test(stream_that_nobody_takes_is_closed_and_one_that_is_refused_stays),
        cmocka_unit_test(only_the_owner_gives_and_only_what_nobody_uses),
        cmocka_unit_test(giving_without_memory_leaves_the_stream_here),
        cmocka_unit_test(stream_goes_from_worker_to_worker_and_back),
        cmocka_unit_test(connection_that_is_closed_elsewhere_makes_room_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
