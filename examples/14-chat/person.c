/* SPDX-License-Identifier: MIT */
/* person.c - one connection: lines from the socket and messages from the room, one after the other, and no stack */
#include <stdio.h>
#include <string.h>

#include "chat.h"

#define LINE_MAX 500
#define NAME_MAX 20

struct state {
    tr_addr room;
    tr_stream stream;
    char name[NAME_MAX + 1];
};

static tr_err next_line(tr_self *self, const struct state *s)
{
    return tr_stream_once_until(self, s->stream, "\n", 1, LINE_MAX, "line");
}

/* Who reads too slowly has more waiting than the stream's bound allows, and is let go. */
static tr_err show(tr_self *self, const struct state *s, const char *text, size_t len)
{
    tr_err err = tr_stream_queue(self, s->stream, text, len);
    return err == TR_OK ? TR_OK : TR_STOP;
}

static tr_err on_stream(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    tr_err err = tr_stream_take(self, tr_arg(m, 0), &s->stream);
    tr_args(m, tr_skip(), &s->room);
    if (err == TR_OK)
        err = show(self, s, "your name?\n", 11);
    return err == TR_OK ? next_line(self, s) : TR_STOP;
}

static tr_err introduce(tr_self *self, struct state *s, const char *name, size_t len)
{
    snprintf(s->name, sizeof s->name, "%.*s", (int) len, name);
    return tr_send(self, s->room, "join", tr_self_addr(self), s->name);
}

static tr_err on_line(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    tr_bytes line;
    int code;
    tr_args(m, tr_skip(), &line, &code);
    if (code != TR_OK) /* gone, or a line that does not end */
        return TR_STOP;
    size_t len = line.len - 1;
    if (len > 0 && ((const char *) line.data)[len - 1] == '\r')
        len--;
    tr_err err = s->name[0] == '\0' ? introduce(self, s, line.data, len)
                                    : tr_send(self, s->room, "say", s->name, tr_strn(line.data, len));
    return err == TR_OK ? next_line(self, s) : TR_STOP;
}

static tr_err on_show(tr_self *self, void *state, const tr_msg *m)
{
    const char *text;
    tr_args(m, &text);
    return show(self, state, text, strlen(text));
}

static void fini(tr_self *self, void *state, tr_err why)
{
    struct state *s = state;
    (void) why;
    tr_stream_close(self, s->stream);
    if (s->name[0] != '\0')
        (void) tr_try_send(self, s->room, "leave", tr_self_addr(self), s->name);
}

static const tr_handler handlers[] = {
    { .tag = "stream", .args = "stream:bin, room:addr", .run = on_stream, .doc = "its connection" },
    { .tag = "line", .args = "stream:int, data:bin, err:int", .run = on_line, .doc = "what the person typed" },
    { .tag = "show", .args = "text:str", .run = on_show, .doc = "what the person is to see" },
    { 0 },
};
const tr_behaviour person = {
    .name = "person", .state_size = sizeof(struct state), .handlers = handlers, .fini = fini
};
