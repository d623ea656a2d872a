/* SPDX-License-Identifier: MIT */
/* test_once.c - active once: one message at a time, for actors without a stack (docs/semantics.md, S32) */
#include <sys/mman.h>

#include "support/stream_test.h"

struct run {
    struct notes notes;
    tr_stream ends[2];
    tr_addr child;
};

static tr_err put(tr_self *self, tr_stream s, const char *text)
{
    return tr_stream_write(self, s, text, strlen(text), 10000);
}

/* Waits for one message of a stream and notes it. */
static void note_data(tr_self *self, struct run *run, int64_t timeout_ms)
{
    const tr_msg *m;
    int64_t id, code;
    tr_bytes data;
    tr_err err = tr_recv_for(self, timeout_ms, &m);
    if (err != TR_OK)
        note(&run->notes, "recv:%s", tr_err_name(err) + 3);
    else if (tr_is(m, "data", &id, &data, &code))
        note(&run->notes, "%.*s/%s", (int) data.len, (const char *) data.data, tr_err_name((tr_err) code) + 3);
    else
        note(&run->notes, "?%s", tr_tag(m));
}

static tr_err asks_once(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_stream_pair(self, run->ends);
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
    note_data(self, run, 0);
    (void) put(self, run->ends[1], "one");
    note_data(self, run, 10000);
    (void) put(self, run->ends[1], "two");
    note_data(self, run, 5);
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
    note_data(self, run, 10000);
    tr_stream_close(self, run->ends[1]);
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
    note_data(self, run, 10000);
    return err;
}

/* S32.1, S32.2 */
static void each_asking_brings_one_message_and_the_end_is_one(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(asks_once, &run);
    assert_string_equal(run.notes.text, "OK EBUSY recv:ETIMEDOUT one/OK recv:ETIMEDOUT OK two/OK OK /ECLOSED");
}

static tr_err asks_for_lines(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "a\nbb\nccc");
    for (int i = 0; i < 2; i++) {
        note_err(&run->notes, tr_stream_once_until(self, run->ends[0], "\n", 1, 6, "data"));
        note_data(self, run, 10000);
    }
    note_err(&run->notes, tr_stream_once_exactly(self, run->ends[0], 5, "data"));
    note_data(self, run, 5);
    (void) put(self, run->ends[1], "dddddddd");
    note_data(self, run, 10000);
    note_err(&run->notes, tr_stream_once_until(self, run->ends[0], "\n", 1, 6, "data"));
    note_data(self, run, 10000);
    return err;
}

/* S32.1 */
static void lines_and_packets_come_whole_and_what_is_too_long_is_said(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(asks_for_lines, &run);
    assert_string_equal(run.notes.text, "OK a\n/OK OK bb\n/OK OK recv:ETIMEDOUT cccdd/OK OK /ETOOBIG");
}

static tr_err takes_it_back(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[8] = "";
    size_t n = 0;
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "abc");
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 8, 10000, &n));
    note_err(&run->notes, tr_stream_passive(self, run->ends[0]));
    note_err(&run->notes, tr_stream_passive(self, run->ends[0]));
    note_data(self, run, 0);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], buf, 8, 10000, &n));
    note(&run->notes, "%.*s", (int) n, buf);
    (void) put(self, run->ends[1], "def");
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
    tr_stream_close(self, run->ends[0]);
    note_data(self, run, 5);
    return err;
}

/* S32.3: the message was queued already */
static void wish_taken_back_leaves_the_bytes_in_the_stream(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(takes_it_back, &run);
    assert_string_equal(run.notes.text, "OK EBUSY OK OK recv:ETIMEDOUT OK abc OK recv:ETIMEDOUT");
}

static tr_err asks_wrongly(tr_self *self, void *arg)
{
    struct run *run = arg;
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
    return TR_OK;
}

static tr_err lets_others_ask(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_stream_pair(self, run->ends);
    note_err(&run->notes, tr_stream_once(self, run->ends[0], ""));
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "a tag that is longer than 31 bytes"));
    note_err(&run->notes, tr_stream_once_until(self, run->ends[0], "", 0, 6, "data"));
    if (err == TR_OK)
        err = tr_spawn(self, asks_wrongly, run, &run->child);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

static void only_the_owner_asks_and_asks_rightly(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(lets_others_ask, &run);
    assert_string_equal(run.notes.text, "EINVAL EINVAL EINVAL ESTATE");
}

static tr_err does_not_ask(tr_self *self, void *arg)
{
    struct run *run = arg;
    static char much[3000000];
    tr_stream_status status = { .size = sizeof status };
    tr_err err = tr_stream_pair(self, run->ends);
    note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
    (void) put(self, run->ends[1], "x");
    note_data(self, run, 10000);
    note_err(&run->notes, tr_stream_write(self, run->ends[1], much, sizeof much, 20));
    (void) !tr_stream_info(self, run->ends[0], &status);
    note(&run->notes, "%zu", status.buffered);
    return err;
}

/* S32.2 */
static void nothing_is_read_for_who_does_not_ask(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(does_not_ask, &run);
    assert_string_equal(run.notes.text, "OK x/OK ETIMEDOUT 0");
}

/* ---- files ---- */

#define FILE_BYTES 1000000

static tr_err asks_a_file_for_much(tr_self *self, void *arg)
{
    struct run *run = arg;
    static const char block[FILE_BYTES];
    const tr_msg *m;
    int64_t code = -1;
    tr_bytes data = { 0 };
    int fd = memfd_create("much", MFD_CLOEXEC);
    if (fd < 0 || write(fd, block, sizeof block) != (ssize_t) sizeof block || lseek(fd, 0, SEEK_SET) != 0)
        return TR_EIO;
    tr_err err = tr_stream_open(self, fd, 0, &run->ends[0]);
    note_err(&run->notes, tr_stream_once_exactly(self, run->ends[0], sizeof block, "data"));
    if (note_err(&run->notes, tr_recv_for(self, 5000, &m)) == TR_OK)
        tr_args(m, tr_skip(), &data, &code);
    note(&run->notes, "%zu/%s", data.len, tr_err_name((tr_err) code) + 3);
    return err;
}

/* S32.1, S30.10: more than is read in one turn, of what no set ever calls ready */
static void large_packet_of_a_file_comes_whole(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(asks_a_file_for_much, &run);
    assert_string_equal(run.notes.text, "OK OK 1000000/OK");
}

/* ---- closed by somebody else ---- */

static tr_err closes_it(tr_self *self, void *arg)
{
    const struct run *run = arg;
    tr_stream_close(self, run->ends[0]);
    return TR_OK;
}

static tr_err is_closed_by_another(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int queued = 0; queued < 2 && err == TR_OK; queued++) {
        err = tr_stream_pair(self, run->ends);
        if (queued)
            (void) put(self, run->ends[1], "abc");
        note_err(&run->notes, tr_stream_once(self, run->ends[0], "data"));
        if (err == TR_OK)
            err = tr_spawn(self, closes_it, run, &run->child);
        (void) !tr_join(self, run->child, NULL);
        note_data(self, run, 1000);
        note_data(self, run, 0);
    }
    return err;
}

/* S32.6: it would wait for ever; with a message that is queued, too, whose bytes are gone with the stream */
static void owner_is_told_when_another_closes_what_it_asked(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(is_closed_by_another, &run);
    assert_string_equal(run.notes.text, "OK /ECLOSED recv:ETIMEDOUT OK /ECLOSED recv:ETIMEDOUT");
}

/* ---- a behaviour ---- */

struct server {
    tr_stream stream;
    struct run *run;
};

static tr_err server_init(tr_self *self, void *state, void *arg)
{
    struct server *s = state;
    s->run = arg;
    tr_err err = tr_stream_pair(self, s->run->ends);
    s->stream = s->run->ends[0];
    return err == TR_OK ? tr_stream_once_until(self, s->stream, "\n", 1, 100, "line") : err;
}

static tr_err on_line(tr_self *self, void *state, const tr_msg *m)
{
    struct server *s = state;
    tr_bytes line;
    int64_t code;
    tr_args(m, tr_skip(), &line, &code);
    if (code != TR_OK) {
        note(&s->run->notes, "end:%s", tr_err_name((tr_err) code) + 3);
        return TR_STOP;
    }
    tr_err err = tr_stream_queue(self, s->stream, line.data, line.len);
    return err == TR_OK ? tr_stream_once_until(self, s->stream, "\n", 1, 100, "line") : err;
}

static tr_err on_say(tr_self *self, void *state, const tr_msg *m)
{
    struct server *s = state;
    const char *text;
    tr_args(m, &text);
    return tr_stream_queue(self, s->stream, text, strlen(text));
}

static const tr_handler server_handlers[] = {
    { .tag = "line", .args = "stream:int, line:bin, err:int", .run = on_line, .doc = "of its stream" },
    { .tag = "say", .args = "text:str", .run = on_say, .doc = "to its peer" },
    { 0 },
};
static const tr_behaviour server = {
    .name = "server", .state_size = sizeof(struct server), .handlers = server_handlers, .init = server_init
};

static tr_err talks_to_a_behaviour(tr_self *self, void *arg)
{
    struct run *run = arg;
    char line[32] = "";
    tr_node_stats stats = { .size = sizeof stats };
    tr_err err = tr_spawn(self, &server, run, &run->child);
    settle(self);
    (void) put(self, run->ends[1], "hello\n");
    note_err(&run->notes, tr_stream_read_line(self, run->ends[1], line, sizeof line, 10000, NULL));
    (void) tr_send(self, run->child, "say", "and a message\n");
    note_err(&run->notes, tr_stream_read_line(self, run->ends[1], line, sizeof line, 10000, NULL));
    note(&run->notes, "%s", line);
    tr_node_stats_get(tr_self_node(self), &stats);
    note(&run->notes, "stacks:%zu", stats.stacks);
    return err;
}

/* S32.4: its child ends with it, and so do the child's streams */
static void behaviour_serves_a_stream_and_its_mailbox_without_a_stack(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(talks_to_a_behaviour, &run);
    assert_string_equal(run.notes.text, "OK OK and a message stacks:1");
}

/* ---- out of memory ---- */

static tr_err asks_without_memory(tr_self *self, void *arg)
{
    struct run *run = arg;
    uint64_t n = *(uint64_t *) (void *) &run->child.node;
    tr_err err = tr_stream_pair(self, run->ends);
    (void) put(self, run->ends[1], "abc");
    (void) tr_test_fail_alloc(n);
    tr_err asked = tr_stream_once(self, run->ends[0], "data");
    (void) tr_test_fail_alloc(0);
    note_err(&run->notes, asked);
    note_data(self, run, 2000);
    return err;
}

static void message_that_found_no_memory_comes_later(void **state)
{
    (void) state;
    for (uint64_t n = 1; n < 5; n++) {
        struct run run = { .notes = { "" }, .child = { .node = n } };
        run_streams(asks_without_memory, &run);
        assert_string_equal(run.notes.text, "OK abc/OK");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_asking_brings_one_message_and_the_end_is_one),
        cmocka_unit_test(lines_and_packets_come_whole_and_what_is_too_long_is_said),
        cmocka_unit_test(wish_taken_back_leaves_the_bytes_in_the_stream),
        cmocka_unit_test(nothing_is_read_for_who_does_not_ask),
        cmocka_unit_test(only_the_owner_asks_and_asks_rightly),
        cmocka_unit_test(large_packet_of_a_file_comes_whole),
        cmocka_unit_test(owner_is_told_when_another_closes_what_it_asked),
        cmocka_unit_test(behaviour_serves_a_stream_and_its_mailbox_without_a_stack),
        cmocka_unit_test(message_that_found_no_memory_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
