/* SPDX-License-Identifier: MIT */
/* test_process.c - programs run by message */
#include <signal.h>

#include <troupe/process.h>

#include "support/no_children.h"

struct run {
    struct notes notes;
    tr_addr programs, process, actor;
    int begun[2];
};

static const char *run_it(tr_body_fn *body)
{
    static struct run run;
    memset(&run, 0, sizeof run);
    assert_int_equal(run_real(body, &run), TR_OK);
    no_children();
    return run.notes.text;
}

static void hire(tr_self *self, struct run *run)
{
    tr_check(self, tr_spawn(self, &tr_process, NULL, &run->programs) == TR_OK);
}

#define sh(script) tr_array("/bin/sh", "-c", script)

static void note_run(tr_self *self, struct run *run, tr_value argv, tr_value options)
{
    const tr_msg *reply;
    tr_process_result r;
    tr_err err = tr_ask(self, run->programs, &reply, "run", argv, options);
    if (err == TR_OK && tr_process_result_read(reply, &r) == TR_OK)
        note(&run->notes, "%s|%d|%.*s|%.*s", r.status, r.code, (int) r.out.len, (const char *) r.out.data,
             (int) r.err.len, (const char *) r.err.data);
    else
        note(&run->notes, "%s:%s", tr_err_name(err) + 3, err != TR_OK ? tr_error(self)->text : "?");
}

/* ---- run ---- */

static tr_err runs(tr_self *self, void *arg)
{
    struct run *run = arg;
    hire(self, run);
    note_run(self, run, sh("printf out; printf err >&2; exit 3"), tr_nil());
    note_run(self, run, tr_array("/bin/cat"), tr_map("input", "in"));
    note_run(self, run, sh("printf $COLOUR; pwd >&2"),
             tr_map("env", tr_map("COLOUR", "green"), "dir", "/usr", "merge", true));
    note_run(self, run, sh("kill -TERM $$"), tr_nil());
    note_run(self, run, sh("printf some; exec sleep 1000"), tr_map("timeout_ms", 400));
    note_run(self, run, sh("printf 12345; exec sleep 1000"), tr_map("output_max", 4));
    return TR_OK;
}

static void run_gives_status_and_output_whatever_the_end(void **state)
{
    (void) state;
    assert_string_equal(run_it(runs), "exit 3|3|out|err exit 0|0|in| exit 0|0|green/usr\n| SIGTERM|-1|| "
                                      "timeout|-1|some| too big|-1|1234|");
}

static tr_err runs_many(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_pending asks[2];
    tr_outcome outcomes[2];
    hire(self, run);
    /* The first one ends when the second has begun: one after the other would hang. */
    char script[2][64];
    tr_check(self, pipe2(run->begun, 0) == 0);
    snprintf(script[0], sizeof script[0], "read line < /proc/%d/fd/%d", (int) getpid(), run->begun[0]);
    snprintf(script[1], sizeof script[1], "echo > /proc/%d/fd/%d", (int) getpid(), run->begun[1]);
    for (int i = 0; i < 2; i++)
        tr_check(self, tr_ask_start(self, run->programs, &asks[i], "run", sh(script[i])) == TR_OK);
    tr_err err = tr_gather(self, asks, 2, TR_FAIL_FAST, outcomes);
    close(run->begun[0]);
    close(run->begun[1]);
    return err;
}

static void programs_run_side_by_side(void **state)
{
    (void) state;
    (void) run_it(runs_many);
}

static tr_err asks_wrongly(tr_self *self, void *arg)
{
    struct run *run = arg;
    hire(self, run);
    note_run(self, run, tr_array("/no/such/program"), tr_nil());
    note_run(self, run, tr_array(1), tr_nil());
    note_run(self, run, tr_array("/bin/true"), tr_map("colour", "green"));
    note_run(self, run, tr_array("/bin/true"), tr_map("timeout_ms", "soon"));
    note_run(self, run, tr_array("/bin/true"), tr_map("env", tr_map("N", 1)));
    return TR_OK;
}

static void wrong_requests_are_refused_in_words(void **state)
{
    (void) state;
    assert_string_equal(run_it(asks_wrongly), "EIO:starting /no/such/program (it): No such file or directory "
                                              "EINVAL:argv: element 0 is no string EINVAL:there is no option colour "
                                              "EINVAL:option timeout_ms has a value of another type, or out of range "
                                              "EINVAL:env: names and values are strings");
}

static tr_err gives_up(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *reply;
    hire(self, run);
    note_err(&run->notes, tr_ask_for(self, run->programs, 50, &reply, "run", tr_array("sleep", "1000")));
    return TR_OK;
}

/* And the program is stopped: no_children. */
static void asker_that_gives_up_ends_the_program(void **state)
{
    (void) state;
    assert_string_equal(run_it(gives_up), "ETIMEDOUT");
}

/* ---- start ---- */

static void start(tr_self *self, struct run *run, tr_value argv)
{
    int pid;
    const tr_msg *reply;
    tr_check(self, tr_ask(self, run->programs, &reply, "start", argv) == TR_OK);
    tr_check(self, tr_args(reply, &run->process, &pid) == TR_OK && pid > 0);
}

/* Reads messages of the process until it has ended. */
static void note_messages(tr_self *self, struct run *run)
{
    const tr_msg *m;
    while (tr_recv(self, &m) == TR_OK) {
        int code;
        const char *status;
        tr_bytes bytes;
        if (tr_is(m, "ended", &status, &code)) {
            note(&run->notes, "ended:%s:%d", status, code);
            return;
        }
        if (tr_args(m, &bytes) == TR_OK)
            note(&run->notes, "%s:%.*s", tr_tag(m), (int) bytes.len, (const char *) bytes.data);
    }
}

static tr_err talks(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    hire(self, run);
    start(self, run, sh("read line; printf \"got $line\"; read line; printf bad >&2; exit 2"));
    note_err(&run->notes, tr_ask(self, run->process, &m, "write", "hello\n"));
    tr_check(self, tr_recv(self, &m) == TR_OK);
    tr_bytes bytes;
    if (tr_is(m, "out", &bytes))
        note(&run->notes, "%.*s", (int) bytes.len, (const char *) bytes.data);
    tr_check(self, tr_send(self, run->process, "close") == TR_OK);
    note_messages(self, run);
    return TR_OK;
}

static void process_is_talked_to_by_message(void **state)
{
    (void) state;
    assert_string_equal(run_it(talks), "OK got hello err:bad ended:exit 2:2");
}

static tr_err stops(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    const char *status;
    int code;
    hire(self, run);
    start(self, run, tr_array("sleep", "1000"));
    note_err(&run->notes, tr_ask(self, run->process, &m, "dance"));
    note_err(&run->notes, tr_ask(self, run->process, &m, "stop"));
    if (tr_args(m, &status, &code) == TR_OK)
        note(&run->notes, "%s:%d", status, code);
    note_messages(self, run);
    start(self, run, tr_array("sleep", "1000"));
    note_err(&run->notes, tr_ask(self, run->process, &m, "signal", SIGKILL));
    note_messages(self, run);
    return TR_OK;
}

static void process_is_stopped_and_signalled_by_message(void **state)
{
    (void) state;
    assert_string_equal(run_it(stops), "EUNKNOWN OK SIGTERM:-1 ended:SIGTERM:-1 OK ended:SIGKILL:-1");
}

static tr_err starts_and_ends(tr_self *self, void *arg)
{
    struct run *run = arg;
    start(self, run, tr_array("sleep", "1000"));
    return TR_OK;
}

static tr_err outlives_the_starter(tr_self *self, void *arg)
{
    struct run *run = arg;
    hire(self, run);
    tr_check(self, tr_spawn(self, starts_and_ends, run, &run->actor) == TR_OK);
    tr_check(self, tr_join(self, run->actor, NULL) == TR_OK);
    while (tr_is_alive(self, run->process))
        (void) tr_sleep(self, 1);
    note(&run->notes, "gone");
    return TR_OK;
}

static void process_ends_with_the_one_who_started_it(void **state)
{
    (void) state;
    assert_string_equal(run_it(outlives_the_starter), "gone");
}

static tr_err starts_with_a_small_mailbox(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    size_t sum = 0;
    start(self, run, sh("head -c 200000 /dev/zero; exec cat > /dev/null"));
    (void) tr_sleep(self, 50); /* the mailbox is full, the pipe too; and writing is served all the same */
    note_err(&run->notes, tr_ask(self, run->process, &m, "write", "x"));
    tr_check(self, tr_send(self, run->process, "close") == TR_OK);
    while (tr_recv(self, &m) == TR_OK && !tr_is(m, "ended", tr_skip(), tr_skip())) {
        tr_bytes bytes;
        if (tr_is(m, "out", &bytes))
            sum += bytes.len;
    }
    note(&run->notes, "%zu", sum);
    return TR_OK;
}

static tr_err spawns_a_slow_reader(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_spawn_opts opts = {
        .size = sizeof opts, .body = starts_with_a_small_mailbox, .arg = run, .mailbox_len_max = 1
    };
    hire(self, run);
    tr_check(self, tr_spawn_with(self, &opts, &run->actor) == TR_OK);
    return tr_join(self, run->actor, NULL);
}

static void slow_reader_stops_the_process_and_loses_nothing(void **state)
{
    (void) state;
    assert_string_equal(run_it(spawns_a_slow_reader), "OK 200000");
}

static tr_err cannot_start(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    hire(self, run);
    note_err(&run->notes, tr_ask(self, run->programs, &m, "start", tr_array("/no/such/program")));
    note(&run->notes, "%s", tr_error(self)->text);
    return TR_OK;
}

static void start_that_fails_is_an_error_reply(void **state)
{
    (void) state;
    assert_string_equal(run_it(cannot_start), "EIO starting /no/such/program (it): No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_gives_status_and_output_whatever_the_end),
        cmocka_unit_test(programs_run_side_by_side),
        cmocka_unit_test(wrong_requests_are_refused_in_words),
        cmocka_unit_test(asker_that_gives_up_ends_the_program),
        cmocka_unit_test(process_is_talked_to_by_message),
        cmocka_unit_test(process_is_stopped_and_signalled_by_message),
        cmocka_unit_test(process_ends_with_the_one_who_started_it),
        cmocka_unit_test(slow_reader_stops_the_process_and_loses_nothing),
        cmocka_unit_test(start_that_fails_is_an_error_reply),
    };
    return run_on_one_and_two_workers(tests);
}
