/* SPDX-License-Identifier: MIT */
/* test_udp.c - datagrams (docs/semantics.md, S35) */
#include "support/stream_test.h"

struct run {
    struct notes notes;
    tr_udp a, b;
    tr_endpoint at_a, at_b;
    tr_addr child;
};

static tr_err opens(tr_self *self, struct run *run)
{
    tr_err err = tr_udp_open(self, NULL, NULL, &run->a);
    if (err == TR_OK)
        err = tr_udp_open(self, "127.0.0.1", "0", &run->b);
    if (err == TR_OK)
        err = tr_udp_endpoint(self, run->a, &run->at_a);
    return err == TR_OK ? tr_udp_endpoint(self, run->b, &run->at_b) : err;
}

static tr_err sends_and_receives(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[16] = "", big[70000] = "";
    size_t n = 0;
    tr_endpoint from;
    tr_err err = opens(self, run);
    note_err(&run->notes, tr_udp_recv(self, run->b, buf, sizeof buf, 0, &n, NULL));
    note_err(&run->notes, tr_udp_recv(self, run->b, buf, sizeof buf, 5, &n, NULL));
    note_err(&run->notes, tr_udp_send(self, run->a, &run->at_b, "hello", 5, 1000));
    note_err(&run->notes, tr_udp_send(self, run->a, &run->at_b, "", 0, 1000));
    note_err(&run->notes, tr_udp_recv(self, run->b, buf, 4, 1000, &n, &from));
    note_err(&run->notes, tr_udp_recv(self, run->b, buf, 5, 1000, &n, &from));
    note(&run->notes, "%.5s %d", buf, tr_endpoint_port(&from) == tr_endpoint_port(&run->at_a));
    note_err(&run->notes, tr_udp_recv(self, run->b, buf, 5, 1000, &n, NULL));
    note(&run->notes, "%zu", n);
    note_err(&run->notes, tr_udp_send(self, run->a, &run->at_b, big, sizeof big, 1000));
    return err;
}

/* S35.3 */
static void datagram_comes_whole_with_its_sender_or_stays(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(sends_and_receives, &run);
    assert_string_equal(run.notes.text, "ETIMEDOUT ETIMEDOUT OK OK ETOOBIG OK hello 1 OK 0 ETOOBIG");
}

static tr_err child_receives(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    note(&run->notes, "child:%s", tr_err_name(tr_udp_recv(self, run->a, &c, 1, TR_FOREVER, &n, NULL)) + 3);
    return TR_OK;
}

static tr_err receives_beside_another(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    tr_err err = opens(self, run);
    if (err == TR_OK)
        err = tr_spawn(self, child_receives, run, &run->child);
    (void) tr_yield(self);
    note_err(&run->notes, tr_udp_recv(self, run->a, &c, 1, 1000, &n, NULL));
    note_err(&run->notes, tr_udp_once(self, run->a, "data"));
    tr_udp_close(self, run->a);
    tr_udp_close(self, run->a);
    (void) !tr_join(self, run->child, NULL);
    note_err(&run->notes, tr_udp_send(self, run->b, &run->at_a, "x", 1, 1000)); /* refused: which is nobody's error */
    note_err(&run->notes, tr_udp_recv(self, run->b, &c, 1, 5, &n, NULL));
    return err;
}

/* S30.7, S30.8 */
static void second_receiver_is_refused_and_closing_wakes_the_first(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(receives_beside_another, &run);
    assert_string_equal(run.notes.text, "EBUSY EBUSY child:ECLOSED OK ETIMEDOUT");
}

static tr_err receives_once(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    int64_t id, code = -1;
    tr_bytes data = { "", 0 };
    tr_item item;
    tr_endpoint from = { 0 };
    tr_err err = opens(self, run);
    note_err(&run->notes, tr_udp_once(self, run->b, "data"));
    note_err(&run->notes, tr_udp_send(self, run->a, &run->at_b, "one", 3, 1000));
    note_err(&run->notes, tr_udp_send(self, run->a, &run->at_b, "two", 3, 1000));
    note_err(&run->notes, tr_recv_for(self, 1000, &m));
    note(&run->notes, "%d", tr_is(m, "data", &id, &data, &item, &code));
    note_err(&run->notes, tr_udp_from(item, &from));
    note(&run->notes, "%.*s %d", (int) data.len, (const char *) data.data,
         tr_endpoint_port(&from) == tr_endpoint_port(&run->at_a));
    note_err(&run->notes, tr_recv_for(self, 5, &m));
    note_err(&run->notes, tr_udp_once(self, run->b, "data"));
    note_err(&run->notes, tr_recv_for(self, 1000, &m));
    return err;
}

/* S35.4 */
static void once_active_socket_gives_one_datagram_for_each_asking(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(receives_once, &run);
    assert_string_equal(run.notes.text, "OK OK OK OK 1 OK one 1 ETIMEDOUT OK OK");
}

static tr_err opens_without_memory(tr_self *self, void *arg)
{
    struct run *run = arg;
    for (uint64_t n = 1; n < 50; n++) {
        (void) tr_test_fail_alloc(n);
        tr_err err = tr_udp_open(self, NULL, NULL, &run->a);
        (void) tr_test_fail_alloc(0);
        if (err == TR_OK)
            break;
        note_err(&run->notes, err);
    }
    return TR_OK;
}

static void opening_without_memory_leaves_nothing_open(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(opens_without_memory, &run);
    assert_non_null(strstr(run.notes.text, "ENOMEM"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagram_comes_whole_with_its_sender_or_stays),
        cmocka_unit_test(second_receiver_is_refused_and_closing_wakes_the_first),
        cmocka_unit_test(once_active_socket_gives_one_datagram_for_each_asking),
        cmocka_unit_test(opening_without_memory_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
