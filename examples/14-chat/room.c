/* SPDX-License-Identifier: MIT */
/* room.c - listens, and tells everyone what anyone says */
#include <stdio.h>
#include <string.h>

#include "chat.h"

#define PEOPLE_MAX 1000
#define SHOWN_MAX 600

struct state {
    tr_listener listener;
    size_t n;
    tr_addr people[PEOPLE_MAX];
};

static tr_err init(tr_self *self, void *state, void *arg)
{
    struct state *s = state;
    const tr_listen_opts opts = { .size = sizeof opts, .conns_max = PEOPLE_MAX };
    tr_err err = tr_tcp_listen(self, NULL, arg, &opts, &s->listener);
    return err == TR_OK ? tr_listener_once(self, s->listener, "connection") : err;
}

static tr_err on_port(tr_self *self, void *state, const tr_msg *m)
{
    const struct state *s = state;
    tr_endpoint endpoint;
    tr_err err = tr_listener_endpoint(self, s->listener, &endpoint);
    return err == TR_OK ? tr_reply(self, m, tr_endpoint_port(&endpoint)) : err;
}

static tr_err on_connection(tr_self *self, void *state, const tr_msg *m)
{
    const struct state *s = state;
    tr_stream stream;
    tr_addr who;
    int code;
    tr_args(m, tr_skip(), &stream.id, &code);
    if (code != TR_OK)
        return tr_fail_with(self, (tr_err) code, "the room cannot be entered any more");
    tr_err err = tr_spawn(self, &person, NULL, &who);
    if (err == TR_OK)
        err = tr_stream_give(self, stream, who, "stream", tr_self_addr(self));
    if (err != TR_OK)
        tr_stream_close(self, stream);
    return tr_listener_once(self, s->listener, "connection");
}

static void tell_all(tr_self *self, const struct state *s, const char *text)
{
    for (size_t i = 0; i < s->n; i++)
        (void) tr_try_send(self, s->people[i], "show", text); /* who has a full mailbox misses it */
}

static tr_err on_join(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    const char *name;
    char text[SHOWN_MAX];
    if (s->n == PEOPLE_MAX)
        return TR_EFULL;
    tr_args(m, &s->people[s->n], &name);
    s->n++;
    snprintf(text, sizeof text, "* %s came\n", name);
    tell_all(self, s, text);
    return TR_OK;
}

static tr_err on_leave(tr_self *self, void *state, const tr_msg *m)
{
    struct state *s = state;
    const char *name;
    tr_addr who;
    char text[SHOWN_MAX];
    tr_args(m, &who, &name);
    for (size_t i = 0; i < s->n; i++)
        if (tr_addr_eq(s->people[i], who))
            s->people[i--] = s->people[--s->n];
    tr_forget(self, who);
    snprintf(text, sizeof text, "* %s left\n", name);
    tell_all(self, s, text);
    return TR_OK;
}

static tr_err on_say(tr_self *self, void *state, const tr_msg *m)
{
    const char *name, *words;
    char text[SHOWN_MAX];
    tr_args(m, &name, &words);
    snprintf(text, sizeof text, "%s: %s\n", name, words);
    tell_all(self, state, text);
    return TR_OK;
}

static const tr_handler handlers[] = {
    { .tag = "port", .args = "", .reply = "port:int", .run = on_port, .doc = "where it listens" },
    { .tag = "connection", .args = "listener:int, stream:int, err:int", .run = on_connection, .doc = "somebody came" },
    { .tag = "join", .args = "who:addr, name:str", .run = on_join, .doc = "a person has a name" },
    { .tag = "leave", .args = "who:addr, name:str", .run = on_leave, .doc = "a person is gone" },
    { .tag = "say", .args = "name:str, words:str", .run = on_say, .doc = "to be told to everyone" },
    { 0 },
};
const tr_behaviour room = { .name = "room", .state_size = sizeof(struct state), .handlers = handlers, .init = init };
