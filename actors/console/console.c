/* SPDX-License-Identifier: MIT */
/* console.c - the actor that owns standard input and output
 *
 * A body of its own (reader) waits for the input, one line for each "read" it is sent, so that nothing is read that
 * nobody asked for. A line whose asker has given up meanwhile is held for the next one. Writing may block, and standard
 * output, which others share, must not be made non-blocking: it is offloaded. */
#include <troupe/console.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct console {
    tr_console_opts opts;
    tr_addr reader;
    tr_msg *askers[TR_CONSOLE_ASKERS_MAX]; /* requests "line", oldest first */
    size_t askers_len;
    bool reading;
    tr_msg *held; /* a line that nobody waits for any more */
    tr_err over;  /* why there are no more lines; TR_OK: there may be */
};

/* ---- the reader ---- */

static tr_err reader_open(tr_self *self, tr_addr *console, tr_input **in)
{
    const tr_msg *m;
    void *p;
    tr_err err = tr_recv(self, &m);
    if (err != TR_OK || !tr_is(m, "open", &p))
        return err != TR_OK ? err : TR_EBADMSG;
    const tr_console_opts *o = p; /* of the console's state, which outlives its reader */
    const tr_input_opts opts = { .size = sizeof opts, .line_max = o->line_max };
    *console = tr_sender(m);
    return tr_input_open(self, o->in, &opts, in);
}

static tr_err reader(tr_self *self, void *arg)
{
    tr_addr console;
    tr_input *in = NULL;
    const tr_msg *m;
    (void) arg;
    tr_err opened = reader_open(self, &console, &in), err = opened == TR_ECANCELED ? opened : TR_OK;
    while (err == TR_OK && (err = tr_recv(self, &m)) == TR_OK) {
        const char *line;
        size_t len;
        tr_err got = opened == TR_OK ? tr_input_line(self, in, TR_FOREVER, &line, &len) : opened;
        if (got == TR_OK)
            err = tr_send(self, console, "console.line", tr_strn(line, len));
        else if (got == TR_ECANCELED)
            return got;
        else
            err = tr_send(self, console, "console.error", (int) got, tr_error(self)->text);
    }
    return err;
}

/* ---- writing ---- */

struct output {
    int fd;
    size_t len;
    char text[];
};

/* Returns 0 or an errno. */
static int output_write(void *arg)
{
    const struct output *o = arg;
    size_t done = 0;
    while (done < o->len) {
        ssize_t n = write(o->fd, o->text + done, o->len - done);
        if (n < 0 && errno != EINTR)
            return errno;
        done += n > 0 ? (size_t) n : 0;
    }
    return 0;
}

static tr_err print(tr_self *self, int fd, const char *text, size_t len)
{
    int number = 0;
    struct output *o = malloc(sizeof *o + len);
    if (o == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    o->fd = fd;
    o->len = len;
    memcpy(o->text, text, len);
    tr_err err = tr_offload_own(self, output_write, o, free, TR_FOREVER, &number);
    if (err != TR_OK)
        return err;
    free(o);
    return number == 0 ? TR_OK : tr_fail_with(self, TR_EIO, "descriptor %d: %s", fd, strerror(number));
}

/* ---- lines ---- */

static void asker_remove(struct console *c, size_t i)
{
    c->askers_len--;
    memmove(&c->askers[i], &c->askers[i + 1], (c->askers_len - i) * sizeof c->askers[0]);
}

static tr_msg *asker_take(struct console *c)
{
    tr_msg *m = c->askers[0];
    asker_remove(c, 0);
    return m;
}

/* Begins to read a line for the one who waits longest. */
static tr_err console_serve(tr_self *self, struct console *c)
{
    tr_bytes prompt;
    if (c->askers_len == 0 || c->reading)
        return TR_OK;
    c->reading = true;
    if (tr_argc(c->askers[0]) > 0 && tr_read(tr_arg(c->askers[0], 0), &prompt) == TR_OK)
        (void) !print(self, c->opts.out, prompt.data, prompt.len);
    return tr_send(self, c->reader, "read");
}

static tr_err on_line(tr_self *self, void *state, const tr_msg *m)
{
    struct console *c = state;
    if (c->over != TR_OK)
        return tr_reply_error(self, m, c->over, "the input is over");
    if (c->held != NULL) {
        tr_err err = tr_reply(self, m, tr_arg(c->held, 0));
        tr_drop(self, &c->held);
        return err;
    }
    tr_msg *kept = c->askers_len < TR_CONSOLE_ASKERS_MAX ? tr_keep(self, m) : NULL;
    if (kept == NULL)
        return tr_fail_with(self, TR_EFULL, "%d wait for a line already", TR_CONSOLE_ASKERS_MAX);
    c->askers[c->askers_len++] = kept;
    return console_serve(self, c);
}

static tr_err on_line_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct console *c = state;
    for (size_t i = 0; i < c->askers_len; i++)
        if (c->askers[i] == m) {
            tr_msg *gone = c->askers[i];
            asker_remove(c, i);
            tr_drop(self, &gone);
            return TR_OK;
        }
    return TR_OK;
}

static tr_err on_read(tr_self *self, void *state, const tr_msg *m)
{
    struct console *c = state;
    c->reading = false;
    if (c->askers_len == 0) {
        c->held = tr_keep(self, m);
        return TR_OK;
    }
    tr_msg *asker = asker_take(c);
    (void) tr_reply(self, asker, tr_arg(m, 0));
    tr_drop(self, &asker);
    return console_serve(self, c);
}

/* A line that is too long costs one asker his answer; anything else ends the input for all. */
static tr_err on_read_error(tr_self *self, void *state, const tr_msg *m)
{
    struct console *c = state;
    int code;
    const char *text;
    tr_args(m, &code, &text);
    c->reading = false;
    if (code != TR_ETOOBIG)
        c->over = (tr_err) code;
    for (bool more = true; more && c->askers_len > 0; more = c->over != TR_OK) {
        tr_msg *asker = asker_take(c);
        (void) tr_reply_error(self, asker, (tr_err) code, "%s", text);
        tr_drop(self, &asker);
    }
    return console_serve(self, c);
}

/* ---- the actor ---- */

static tr_err on_print(tr_self *self, void *state, const tr_msg *m)
{
    struct console *c = state;
    tr_bytes text;
    tr_args(m, &text);
    tr_err err = print(self, strcmp(tr_tag(m), "print") == 0 ? c->opts.out : c->opts.err, text.data, text.len);
    return err == TR_OK && tr_is_request(m) ? tr_reply(self, m) : err;
}

static tr_err console_init(tr_self *self, void *state, void *arg)
{
    static const tr_console_opts standard = { sizeof standard, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, 0 };
    struct console *c = state;
    c->opts = arg != NULL ? *(const tr_console_opts *) arg : standard;
    if (c->opts.size != sizeof c->opts)
        return tr_fail_with(self, TR_EINVAL, "the options' size is %zu, not %zu", c->opts.size, sizeof c->opts);
    tr_err err = tr_spawn(self, reader, NULL, &c->reader);
    return err == TR_OK ? tr_send(self, c->reader, "open", tr_local_ptr(&c->opts)) : err;
}

static const tr_handler handlers[] = {
    { .tag = "line",
      .args = "prompt:str?",
      .reply = "text:str",
      .run = on_line,
      .doc = "the next line, without its newline",
      .on_cancel = on_line_gone },
    { .tag = "print", .args = "text:str", .reply = "", .run = on_print, .doc = "writes to standard output" },
    { .tag = "error", .args = "text:str", .reply = "", .run = on_print, .doc = "writes to standard error" },
    { .tag = "console.line", .args = "text:str", .run = on_read, .doc = "of its own reader" },
    { .tag = "console.error", .args = "err:int, text:str", .run = on_read_error, .doc = "of its own reader" },
    { .tag = NULL },
};

const tr_behaviour tr_console = { .name = "console",
                                  .state_size = sizeof(struct console),
                                  .handlers = handlers,
                                  .init = console_init,
                                  .doc = "owns standard input and output" };
