/* SPDX-License-Identifier: MIT */
/* talk.c - one process, and the actor it talks to
 *
 * One loop waits for everything at once: messages, the pipes, the process's end, the owner's end. It never suspends on
 * the owner's mailbox: what the owner has no room for stays in hand, nothing more is read meanwhile, and so the process
 * waits in its turn; "write" and "stop" are served all the same. Writes that the process has not taken yet wait as kept
 * requests. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "internal.h"

#define CHUNK 16384
#define FULL_PAUSE_MS 10 /* before the owner's full mailbox is tried again */
#define LOOK_MS 50       /* at a process that has no pidfd */

struct talk {
    tr_addr owner;
    tr_child *child;
    tr_msg *writes[TR_PROCESS_WRITES_MAX]; /* oldest first */
    size_t writes_len, written;            /* of the first one */
    bool close;                            /* the input, when all is written */
    char chunk[CHUNK];
    size_t chunk_len; /* in hand: read, and not sent */
    const char *chunk_tag;
    bool ended, owner_ended;
    bool stopped; /* what is in the pipes is read, and not waited for: others may hold them open */
};

/* ---- what the process writes ---- */

static tr_err chunk_send(tr_self *self, struct talk *t)
{
    if (t->chunk_len == 0)
        return TR_OK;
    tr_err err = tr_try_send(self, t->owner, t->chunk_tag, tr_bin(t->chunk, t->chunk_len));
    if (err == TR_EFULL || err == TR_ENOMEM)
        return TR_OK;
    t->chunk_len = 0;
    t->owner_ended = t->owner_ended || err == TR_ENOPROC;
    return err == TR_ENOPROC ? TR_OK : err;
}

static tr_err output_read(tr_self *self, struct talk *t, enum tr_child_stream stream, const char *tag)
{
    size_t n;
    if (t->chunk_len > 0 || tr_child_fd(t->child, stream) < 0)
        return TR_OK;
    tr_err err = tr_child_read(self, t->child, stream, t->chunk, sizeof t->chunk, 0, &n);
    if (err == TR_ETIMEDOUT && !t->stopped)
        return TR_OK;
    if (err == TR_ECANCELED)
        return err;
    if (err != TR_OK || n == 0) {
        tr_child_close(self, t->child, stream);
        return TR_OK;
    }
    t->chunk_len = n;
    t->chunk_tag = tag;
    return chunk_send(self, t);
}

/* ---- what it is written ---- */

static void write_done(tr_self *self, struct talk *t, tr_err err)
{
    tr_msg *m = t->writes[0];
    t->writes_len--;
    t->written = 0;
    memmove(&t->writes[0], &t->writes[1], t->writes_len * sizeof t->writes[0]);
    if (tr_is_request(m) && err == TR_OK)
        (void) tr_reply(self, m);
    else if (tr_is_request(m))
        (void) tr_reply_error(self, m, err, "%s", tr_error(self)->text);
    tr_drop(self, &m);
}

static tr_err input_write(tr_self *self, struct talk *t)
{
    while (t->writes_len > 0) {
        tr_bytes bytes;
        size_t n = 0;
        (void) !tr_read(tr_arg(t->writes[0], 0), &bytes); /* its shape was looked at when it came */
        tr_err err = tr_child_write(self, t->child, (const char *) bytes.data + t->written, bytes.len - t->written, 0,
                                    &n);
        t->written += n;
        if (err == TR_ETIMEDOUT)
            return TR_OK;
        if (err == TR_ECANCELED)
            return err;
        write_done(self, t, err);
    }
    if (t->close)
        tr_child_close(self, t->child, TR_CHILD_IN);
    return TR_OK;
}

/* ---- what it is told ---- */

static tr_err on_write(tr_self *self, struct talk *t, const tr_msg *m)
{
    tr_msg *kept = t->writes_len < TR_PROCESS_WRITES_MAX && !t->close ? tr_keep(self, m) : NULL;
    if (kept != NULL)
        t->writes[t->writes_len++] = kept;
    else if (tr_is_request(m))
        (void) tr_reply_error(self, m, t->close ? TR_ECLOSED : TR_EFULL, "%s",
                              t->close ? "the input was closed" : "the process has not taken what was written before");
    return TR_OK;
}

static tr_err on_stop(tr_self *self, struct talk *t, const tr_msg *m)
{
    char text[TR_CHILD_STATUS_TEXT_MAX];
    tr_child_status status;
    tr_err err = tr_child_stop(self, t->child, &status);
    t->stopped = true;
    if (!tr_is_request(m))
        return TR_OK;
    if (err != TR_OK)
        return tr_reply_error(self, m, err, "%s", tr_error(self)->text);
    return tr_reply(self, m, tr_child_status_text(&status, text), status.code);
}

static tr_err on_message(tr_self *self, struct talk *t, const tr_msg *m)
{
    int number;
    tr_bytes bytes;
    tr_err err = TR_OK;
    if (tr_is(m, "write", &bytes))
        return on_write(self, t, m);
    if (tr_is(m, "stop"))
        return on_stop(self, t, m);
    if (tr_is(m, "close"))
        t->close = true;
    else if (tr_is(m, "signal", &number))
        err = tr_child_signal(self, t->child, number);
    else
        err = tr_fail_with(self, TR_EUNKNOWN, "a process takes write data, close, signal number, stop");
    if (!tr_is_request(m))
        return TR_OK;
    return err == TR_OK ? tr_reply(self, m) : tr_reply_error(self, m, err, "%s", tr_error(self)->text);
}

/* ---- the loop ---- */

static size_t fd_item(const struct talk *t, tr_wait_item *items, size_t n, enum tr_child_stream stream, unsigned events)
{
    int fd = tr_child_fd(t->child, stream);
    if (fd < 0)
        return n;
    items[n] = (tr_wait_item){ .kind = TR_WAIT_FD, .fd = fd, .events = events };
    return n + 1;
}

static tr_err talk_wait(tr_self *self, const struct talk *t, bool *mail, bool *owner_ended)
{
    tr_wait_item items[6] = { { .kind = TR_WAIT_MAILBOX }, { .kind = TR_WAIT_END, .actor = t->owner } };
    size_t n = 2;
    int64_t timeout_ms = t->chunk_len > 0 ? FULL_PAUSE_MS : TR_FOREVER;
    if (t->writes_len > 0)
        n = fd_item(t, items, n, TR_CHILD_IN, TR_WRITABLE);
    if (t->chunk_len == 0) {
        n = fd_item(t, items, n, TR_CHILD_OUT, TR_READABLE);
        n = fd_item(t, items, n, TR_CHILD_ERR, TR_READABLE);
    }
    if (!t->ended && tr_child_end_fd(t->child) >= 0)
        items[n++] = (tr_wait_item){ .kind = TR_WAIT_FD, .fd = tr_child_end_fd(t->child), .events = TR_READABLE };
    else if (!t->ended && timeout_ms == TR_FOREVER)
        timeout_ms = LOOK_MS;
    tr_err err = tr_wait(self, items, n, TR_WAIT_FIRST, timeout_ms, NULL);
    *mail = items[0].done;
    *owner_ended = items[1].done;
    return err;
}

static bool talk_is_over(const struct talk *t)
{
    return t->owner_ended || (t->ended && t->chunk_len == 0 && tr_child_fd(t->child, TR_CHILD_OUT) < 0 &&
                              tr_child_fd(t->child, TR_CHILD_ERR) < 0);
}

/* Moves what can be moved without waiting. */
static tr_err talk_move(tr_self *self, struct talk *t)
{
    tr_err err = tr_child_wait(self, t->child, 0, NULL);
    t->ended = err == TR_OK || err == TR_EIO; /* EIO: it has, and somebody else knows how */
    if (err != TR_ECANCELED)
        err = input_write(self, t);
    if (err == TR_OK)
        err = chunk_send(self, t);
    if (err == TR_OK)
        err = output_read(self, t, TR_CHILD_OUT, "out");
    if (err == TR_OK)
        err = output_read(self, t, TR_CHILD_ERR, "err");
    return err;
}

static tr_err talk_loop(tr_self *self, struct talk *t)
{
    tr_err err = TR_OK;
    while (err == TR_OK) {
        bool mail = false;
        const tr_msg *m;
        err = talk_move(self, t);
        if (err != TR_OK || talk_is_over(t))
            return err;
        err = talk_wait(self, t, &mail, &t->owner_ended);
        if (err == TR_OK && mail && (err = tr_recv(self, &m)) == TR_OK)
            err = on_message(self, t, m);
    }
    return err;
}

/* The last word; it waits for room. */
static tr_err tell_the_end(tr_self *self, struct talk *t)
{
    char text[TR_CHILD_STATUS_TEXT_MAX];
    tr_child_status status;
    if (t->owner_ended || tr_child_wait(self, t->child, TR_FOREVER, &status) != TR_OK)
        return TR_OK;
    tr_err err = tr_send(self, t->owner, "ended", tr_child_status_text(&status, text), status.code);
    return err == TR_ENOPROC ? TR_OK : err;
}

tr_err talk_body(tr_self *self, void *arg)
{
    const tr_msg *m;
    struct order order;
    (void) arg;
    struct talk *t = tr_alloc(self, sizeof *t);
    tr_err err = t != NULL ? tr_recv(self, &m) : tr_fail_with(self, TR_ENOMEM, "out of memory");
    if (err != TR_OK)
        return err;
    t->owner = tr_sender(m);
    err = order_read(self, m, &order);
    order.child.in.kind = TR_STDIO_PIPE;
    if (err == TR_OK)
        err = tr_child_start(self, &order.child, &t->child);
    if (err != TR_OK)
        return tr_reply_error(self, m, err, "%s", tr_error(self)->text);
    err = tr_reply(self, m, tr_self_addr(self), (int) tr_child_pid(t->child));
    if (err == TR_OK)
        err = talk_loop(self, t);
    return err == TR_OK ? tell_the_end(self, t) : err;
}
