/* SPDX-License-Identifier: MIT */
/* main.c - chat: a room on the port given, until Ctrl-C; without a port two people meet in it */
#include <stdio.h>
#include <string.h>

#include "chat.h"

static tr_err say(tr_self *self, tr_stream stream, const char *text)
{
    return tr_stream_write(self, stream, text, strlen(text), 1000);
}

/* Prints what one of them sees next. */
static tr_err see(tr_self *self, const char *who, tr_stream stream)
{
    char line[200];
    tr_err err = tr_stream_read_line(self, stream, line, sizeof line, 5000, NULL);
    if (err == TR_OK)
        printf("%s sees: %s\n", who, line);
    return err;
}

static tr_err enter(tr_self *self, const char *port, const char *name, tr_stream *stream)
{
    tr_err err = tr_tcp_connect(self, "127.0.0.1", port, 5000, stream);
    if (err == TR_OK)
        err = see(self, "the newcomer", *stream);
    if (err == TR_OK)
        err = say(self, *stream, name);
    return err;
}

static tr_err talk(tr_self *self, tr_stream ann, tr_stream bob)
{
    tr_err err = say(self, ann, "hello, Bob\r\n");
    if (err == TR_OK)
        err = see(self, "Bob", bob);
    if (err == TR_OK)
        err = see(self, "Ann", ann);
    if (err == TR_OK)
        err = say(self, bob, "bye\n");
    if (err == TR_OK)
        err = see(self, "Ann", ann);
    tr_stream_close(self, bob);
    return err == TR_OK ? see(self, "Ann", ann) : err;
}

static tr_err meet(tr_self *self, const char *port)
{
    tr_stream ann, bob;
    tr_err err = enter(self, port, "Ann\n", &ann);
    if (err == TR_OK)
        err = see(self, "Ann", ann);
    if (err == TR_OK)
        err = enter(self, port, "Bob\n", &bob);
    if (err == TR_OK)
        err = see(self, "Ann", ann);
    if (err == TR_OK)
        err = see(self, "Bob", bob);
    return err == TR_OK ? talk(self, ann, bob) : err;
}

static tr_err chat_main(tr_self *self, void *arg)
{
    char *wanted = arg, port[16];
    tr_addr where;
    const tr_msg *r;
    unsigned number;
    tr_err err = tr_spawn(self, &room, wanted != NULL ? wanted : "0", &where);
    if (err == TR_OK)
        err = tr_ask(self, where, &r, "port");
    if (err == TR_OK)
        err = tr_args(r, &number);
    if (err != TR_OK)
        return err;
    snprintf(port, sizeof port, "%u", number);
    if (wanted == NULL)
        return meet(self, port);
    printf("port %s: try nc 127.0.0.1 %s\n", port, port);
    fflush(stdout);
    return tr_join(self, where, NULL);
}

int main(int argc, char **argv)
{
    return tr_main(chat_main, argc > 1 ? argv[1] : NULL);
}
