/* SPDX-License-Identifier: MIT */
/* test_layer.c - what stands between a stream's bytes and the wire: a toy that shifts letters and ends with "." */
#include "support/stream_test.h"

struct run {
    struct notes notes;
    tr_stream ends[2];
    int destroyed;
};

static void shift(char *text, size_t len, int by)
{
    for (size_t i = 0; i < len; i++)
        text[i] = (char) (text[i] + by);
}

static tr_err toy_decode(void *state, const void *wire, size_t len, bool end, tr_layer_io *io)
{
    char buf[64];
    (void) state;
    for (size_t i = 0; i < len; i++) {
        buf[0] = ((const char *) wire)[i];
        if (buf[0] == '.')
            return TR_ECLOSED;
        if (buf[0] == '!')
            return tr_layer_fail(io, TR_EBADMSG, "a %c is not allowed", '!');
        shift(buf, 1, -1);
        tr_err err = tr_layer_plain(io, buf, 1);
        if (err != TR_OK)
            return err;
    }
    return end ? tr_layer_fail(io, TR_EBADMSG, "truncated") : TR_OK;
}

static tr_err toy_encode(void *state, const void *plain, size_t len, bool end, tr_layer_io *io)
{
    char buf[64];
    (void) state;
    if (len > 0)
        memcpy(buf, plain, len);
    shift(buf, len, 1);
    tr_err err = tr_layer_wire(io, buf, len);
    return err == TR_OK && end ? tr_layer_wire(io, ".", 1) : err;
}

static void toy_destroy(void *state)
{
    struct run *run = state;
    run->destroyed++;
}

static const tr_stream_layer toy = { sizeof toy, "toy", toy_decode, toy_encode, toy_destroy };

static void read_note(tr_self *self, struct run *run, tr_stream s)
{
    char buf[64];
    size_t n = 0;
    tr_err err = tr_stream_read(self, s, buf, sizeof buf, 1000, &n);
    note(&run->notes, "%s:%.*s", tr_err_name(err) + 3, (int) n, buf);
}

static tr_err shifts(tr_self *self, void *arg)
{
    struct run *run = arg;
    char line[8];
    tr_err err = tr_stream_pair(self, run->ends);
    (void) !tr_stream_write(self, run->ends[1], "go\nbcd", 6, 1000);
    (void) !tr_stream_read_line(self, run->ends[0], line, sizeof line, 1000, NULL); /* and the rest is read ahead */
    note_err(&run->notes, tr_stream_layer_add(self, run->ends[0], &toy, run));
    note_err(&run->notes, tr_stream_layer_add(self, run->ends[0], &toy, run));
    read_note(self, run, run->ends[0]);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], "hal", 3, 1000));
    read_note(self, run, run->ends[1]);
    note_err(&run->notes, tr_stream_queue(self, run->ends[0], "xyz", 3));
    read_note(self, run, run->ends[1]);
    (void) !tr_stream_write(self, run->ends[1], "e.more", 6, 1000);
    read_note(self, run, run->ends[0]);
    read_note(self, run, run->ends[0]);
    tr_stream_close(self, run->ends[0]);
    read_note(self, run, run->ends[1]);
    return err;
}

/* S30.16 */
static void bytes_pass_through_the_layer_both_ways_and_the_end_is_said(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(shifts, &run);
    assert_string_equal(run.notes.text, "OK EBUSY OK:abc OK OK:ibm OK OK:yz{ OK:d ECLOSED: OK:.");
    assert_int_equal(run.destroyed, 1);
}

static tr_err breaks(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = tr_stream_pair(self, run->ends);
    note_err(&run->notes, tr_stream_layer_add(self, run->ends[0], &toy, run));
    (void) !tr_stream_write(self, run->ends[1], "bc!d", 4, 1000);
    read_note(self, run, run->ends[0]);
    read_note(self, run, run->ends[0]);
    note(&run->notes, "%d", strcmp(tr_error(self)->text, "a ! is not allowed"));
    tr_stream_close(self, run->ends[0]);
    tr_stream_close(self, run->ends[1]);
    err = err == TR_OK ? tr_stream_pair(self, run->ends) : err;
    note_err(&run->notes, tr_stream_layer_add(self, run->ends[0], &toy, run));
    tr_stream_close(self, run->ends[1]);
    read_note(self, run, run->ends[0]);
    return err;
}

/* S30.16: what is not valid, and an end that was not said */
static void what_the_layer_refuses_ends_reading_with_its_words(void **state)
{
    struct run run = { .notes = { "" } };
    (void) state;
    run_streams(breaks, &run);
    assert_string_equal(run.notes.text, "OK OK:ab EBADMSG: 0 OK EBADMSG:");
    assert_int_equal(run.destroyed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_pass_through_the_layer_both_ways_and_the_end_is_said),
        cmocka_unit_test(what_the_layer_refuses_ends_reading_with_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
