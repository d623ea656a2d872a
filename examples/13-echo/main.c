/* SPDX-License-Identifier: MIT */
/* main.c - echo: sends every line back, until Ctrl-C; without a port it visits itself, and is stopped in the middle of
 * a line */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <troupe/troupe.h>

#define LINE_MAX 4096
#define WRITE_MS 10000 /* a client that does not read for so long is let go */
#define DRAIN_MS 2000  /* after a stop, for lines that have begun */

/* One connection. It ends when the client does, or when the server stops and no line has begun. */
static tr_err echo_lines(tr_self *self, tr_stream stream, void *arg)
{
    char line[LINE_MAX];
    size_t len;
    (void) arg;
    for (;;) {
        tr_err err = tr_stream_read_until(self, stream, "\n", 1, line, sizeof line, TR_FOREVER, &len);
        if (err == TR_OK)
            err = tr_stream_write(self, stream, line, len, WRITE_MS);
        if (err != TR_OK)
            return err;
    }
}

static tr_err serve(tr_self *self, void *arg)
{
    const tr_serve_opts opts = { .size = sizeof opts, .drain_ms = DRAIN_MS };
    const tr_listener *listener = arg;
    return tr_serve(self, *listener, echo_lines, NULL, &opts);
}

/* How the server ended. */
static tr_err tell(tr_err err)
{
    if (err == TR_OK)
        printf("stopped: every connection had ended\n");
    else if (err == TR_ETIMEDOUT)
        printf("stopped: some connections were cut off\n");
    fflush(stdout);
    return err == TR_ETIMEDOUT ? TR_OK : err;
}

static tr_err say(tr_self *self, tr_stream stream, const char *text)
{
    char line[64];
    tr_err err = tr_stream_write(self, stream, text, strlen(text), 1000);
    if (err == TR_OK)
        err = tr_stream_read_line(self, stream, line, sizeof line, 1000, NULL);
    if (err == TR_OK)
        printf("echo: %s\n", line);
    return err;
}

struct visit {
    tr_stream stream;
    tr_addr server;
};

/* The client whose line has begun when the server is stopped: it is answered all the same. */
static tr_err begin_and_end(tr_self *self, struct visit *visit)
{
    char c;
    size_t len;
    tr_err err = tr_stream_write(self, visit->stream, "last ", 5, 1000);
    if (err == TR_OK)
        err = tr_sleep(self, 50);
    if (err == TR_OK)
        err = tr_cancel(self, visit->server, "that was all");
    if (err == TR_OK)
        err = tr_sleep(self, 50);
    if (err == TR_OK)
        err = say(self, visit->stream, "words\n");
    if (err == TR_OK && tr_stream_read(self, visit->stream, &c, 1, 5000, &len) == TR_ECLOSED)
        printf("the server closed the connection\n");
    return err;
}

static tr_err visit_self(tr_self *self, tr_listener listener, const char *port)
{
    struct visit visit;
    tr_err err = tr_spawn(self, serve, &listener, &visit.server);
    if (err == TR_OK)
        err = tr_tcp_connect(self, "127.0.0.1", port, 5000, &visit.stream);
    if (err == TR_OK)
        err = say(self, visit.stream, "hello\n");
    if (err == TR_OK)
        err = begin_and_end(self, &visit);
    return err == TR_OK ? tell(tr_join(self, visit.server, NULL)) : err;
}

static tr_err echo_main(tr_self *self, void *arg)
{
    const char *wanted = arg;
    char port[8];
    tr_listener listener;
    tr_endpoint endpoint;
    tr_err err = tr_tcp_listen(self, NULL, wanted != NULL ? wanted : "0", NULL, &listener);
    if (err == TR_OK)
        err = tr_listener_endpoint(self, listener, &endpoint);
    if (err != TR_OK)
        return err;
    snprintf(port, sizeof port, "%u", tr_endpoint_port(&endpoint));
    if (wanted == NULL)
        return visit_self(self, listener, port);
    printf("port %s\n", port);
    fflush(stdout);
    return tell(serve(self, &listener));
}

int main(int argc, char **argv)
{
    return tr_main(echo_main, argc > 1 ? argv[1] : NULL);
}
