/* SPDX-License-Identifier: MIT */
/* test_console.c - standard input and output by message; pipes in their place */
#include <fcntl.h>

#include <troupe/console.h>

#include "support/real_test.h"

struct run {
    struct notes notes;
    int in[2], out[2], err[2];
    tr_console_opts opts;
    tr_addr console;
};

static const char *run_it(tr_body_fn *body)
{
    static struct run run;
    memset(&run, 0, sizeof run);
    assert_int_equal(pipe2(run.in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(run.out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(run.err, O_CLOEXEC), 0);
    run.opts = (tr_console_opts){ sizeof run.opts, run.in[0], run.out[1], run.err[1], 8 };
    assert_int_equal(run_real(body, &run), TR_OK);
    int *const ends[] = { run.in, run.out, run.err };
    for (int i = 0; i < 3; i++) {
        close(ends[i][0]);
        if (ends[i][1] >= 0)
            close(ends[i][1]);
    }
    return run.notes.text;
}

static void hire(tr_self *self, struct run *run)
{
    tr_check(self, tr_spawn(self, &tr_console, &run->opts, &run->console) == TR_OK);
}

static void type(const struct run *run, const char *text)
{
    (void) !write(run->in[1], text, strlen(text));
}

static void type_end(struct run *run)
{
    close(run->in[1]);
    run->in[1] = -1;
}

static void note_printed(struct run *run, int fd)
{
    char text[64];
    ssize_t n = read(fd, text, sizeof text);
    note(&run->notes, "[%.*s]", n > 0 ? (int) n : 0, text);
}

static void note_answer(tr_self *self, struct run *run, tr_err err, const tr_msg *reply)
{
    const char *line;
    if (err == TR_OK && tr_args(reply, &line) == TR_OK)
        note(&run->notes, "%s", line);
    else
        note(&run->notes, "%s", tr_err_name(err) + 3);
    (void) self;
}

static void note_line(tr_self *self, struct run *run, int64_t timeout_ms)
{
    const tr_msg *reply = NULL;
    tr_err err = tr_ask_for(self, run->console, timeout_ms, &reply, "line");
    note_answer(self, run, err, reply);
}

static tr_err converses(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *reply;
    hire(self, run);
    type(run, "world\nagain\n");
    tr_err err = tr_ask(self, run->console, &reply, "line", "name? ");
    note_answer(self, run, err, reply);
    note_printed(run, run->out[0]);
    note_line(self, run, TR_FOREVER);
    note_err(&run->notes, tr_ask(self, run->console, &reply, "print", "hello\n"));
    note_printed(run, run->out[0]);
    note_err(&run->notes, tr_ask(self, run->console, &reply, "error", "oh\n"));
    note_printed(run, run->err[0]);
    tr_check(self, tr_send(self, run->console, "print", "later") == TR_OK);
    tr_check(self, tr_ask(self, run->console, &reply, "print", "!") == TR_OK);
    note_printed(run, run->out[0]);
    return TR_OK;
}

static void lines_are_asked_for_and_words_printed(void **state)
{
    (void) state;
    assert_string_equal(run_it(converses), "world [name? ] again OK [hello\n] OK [oh\n] [later!]");
}

static tr_err asks_twice_at_once(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_pending asks[2];
    const tr_msg *reply;
    hire(self, run);
    for (int i = 0; i < 2; i++)
        tr_check(self, tr_ask_start(self, run->console, &asks[i], "line") == TR_OK);
    (void) tr_yield(self);
    type(run, "first\nsecond\n");
    for (int i = 0; i < 2; i++) {
        tr_err err = tr_await(self, asks[i], &reply);
        note_answer(self, run, err, reply);
    }
    return TR_OK;
}

static void lines_go_to_the_askers_in_their_order(void **state)
{
    (void) state;
    assert_string_equal(run_it(asks_twice_at_once), "first second");
}

static tr_err gives_up(tr_self *self, void *arg)
{
    struct run *run = arg;
    hire(self, run);
    note_line(self, run, 5);
    type(run, "kept\nnext\n");
    (void) tr_sleep(self, 5);
    note_line(self, run, TR_FOREVER);
    note_line(self, run, TR_FOREVER);
    return TR_OK;
}

static void line_whose_asker_gave_up_goes_to_the_next(void **state)
{
    (void) state;
    assert_string_equal(run_it(gives_up), "ETIMEDOUT kept next");
}

static tr_err reads_to_the_end(tr_self *self, void *arg)
{
    struct run *run = arg;
    hire(self, run);
    type(run, "123456789\nshort");
    type_end(run);
    for (int i = 0; i < 4; i++)
        note_line(self, run, TR_FOREVER);
    return TR_OK;
}

static void long_line_costs_one_answer_and_the_end_is_the_end(void **state)
{
    (void) state;
    assert_string_equal(run_it(reads_to_the_end), "ETOOBIG short ECLOSED ECLOSED");
}

static tr_err has_no_input(tr_self *self, void *arg)
{
    struct run *run = arg;
    run->opts.in = 9999;
    hire(self, run);
    note_line(self, run, TR_FOREVER);
    note_line(self, run, TR_FOREVER);
    return TR_OK;
}

static void input_that_is_not_there_is_an_error_reply(void **state)
{
    (void) state;
    assert_string_equal(run_it(has_no_input), "EINVAL EINVAL");
}

static tr_err prints_into_a_full_pipe(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *reply;
    tr_pending ask;
    char *much = tr_temp(self, 100001); /* more than a pipe holds */
    memset(much, 'x', 100000);
    hire(self, run);
    tr_check(self, tr_ask_start(self, run->console, &ask, "print", much) == TR_OK);
    note_err(&run->notes, tr_fd_wait(self, run->out[0], TR_READABLE, TR_FOREVER, NULL)); /* and we are not blocked */
    for (size_t sum = 0; sum < 100000;) {
        ssize_t n = read(run->out[0], much, 100000);
        tr_check(self, n > 0);
        sum += (size_t) n;
    }
    return note_err(&run->notes, tr_await(self, ask, &reply));
}

static void output_that_blocks_holds_up_nobody_else(void **state)
{
    (void) state;
    assert_string_equal(run_it(prints_into_a_full_pipe), "OK OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_asked_for_and_words_printed),
        cmocka_unit_test(lines_go_to_the_askers_in_their_order),
        cmocka_unit_test(line_whose_asker_gave_up_goes_to_the_next),
        cmocka_unit_test(long_line_costs_one_answer_and_the_end_is_the_end),
        cmocka_unit_test(input_that_is_not_there_is_an_error_reply),
        cmocka_unit_test(output_that_blocks_holds_up_nobody_else),
    };
    return run_on_one_and_two_workers(tests);
}
