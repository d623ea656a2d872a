/* SPDX-License-Identifier: MIT */
/* source.c - reading from the descriptor, without waiting */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stream/layer.h"

#define READ_MIN 4096u

/* ---- what is there ---- */

static enum look look_for_delim(const struct stream *s, struct want *want, size_t *n, tr_err *err)
{
    const char *bytes = buffer_bytes(&s->in);
    size_t len = s->in.len < want->max ? s->in.len : want->max;
    const char *at = len > want->scanned && len >= want->delim_len
                         ? memmem(bytes + want->scanned, len - want->scanned, want->delim, want->delim_len)
                         : NULL;
    if (at != NULL) {
        *n = (size_t) (at - bytes) + want->delim_len;
        return LOOK_DONE;
    }
    want->scanned = len >= want->delim_len ? len - want->delim_len + 1 : 0;
    if (s->in.len >= want->max) {
        *err = TR_ETOOBIG;
        return LOOK_FAILED;
    }
    return LOOK_MORE;
}

enum look stream_look(const struct stream *s, struct want *want, size_t *n, tr_err *err)
{
    enum look look = LOOK_MORE;
    if (want->delim != NULL) {
        look = look_for_delim(s, want, n, err);
    } else if (s->in.len >= want->min) {
        *n = s->in.len < want->max ? s->in.len : want->max;
        look = LOOK_DONE;
    }
    if (look == LOOK_MORE && s->in_err != TR_OK) {
        *err = s->in_err;
        look = LOOK_FAILED;
    }
    return look;
}

/* ---- the descriptor ---- */

/* Whether read(2) on a descriptor whose flags are not ours will not block. */
static bool is_readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, 0) != 0;
}

/* As read(2), but never blocks, and -1 with EAGAIN when nothing is there. */
static ssize_t raw_read(const struct stream *s, void *buf, size_t size)
{
    int fd = port_fd(&s->port);
    ssize_t n;
    if (s->blocking && !is_readable(fd)) {
        errno = EAGAIN;
        return -1;
    }
    do
        n = s->port.is_socket ? recv(fd, buf, size, MSG_DONTWAIT) : read(fd, buf, size);
    while (n < 0 && errno == EINTR);
    return n;
}

/* What read(2) said. True: look again. */
static bool has_ended(struct stream *s, ssize_t n)
{
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n < 0) {
        s->in_err = TR_EIO;
        s->in_errno = errno;
    } else if (n == 0 && s->layer == NULL) {
        s->in_err = TR_ECLOSED;
    } else if (n == 0 && layer_decode(s, NULL, 0, true) && s->in_err == TR_OK) {
        s->in_err = TR_ECLOSED;
    }
    return true;
}

static enum fill fill_through_layer(struct stream *s)
{
    char *wire = mem_alloc(STREAM_PIECE);
    if (wire == NULL)
        return FILL_NOMEM;
    ssize_t n = raw_read(s, wire, STREAM_PIECE);
    bool got = n > 0;
    if (got)
        (void) layer_decode(s, wire, (size_t) n, false);
    else
        got = has_ended(s, n);
    mem_free(wire);
    if (s->out.len > 0) { /* the layer has something to say */
        (void) stream_flush(s);
        stream_want(s);
    }
    return got ? FILL_GOT : FILL_AGAIN;
}

enum fill stream_fill(struct stream *s, const struct want *want)
{
    if (s->layer != NULL)
        return fill_through_layer(s);
    /* Twice as much each time while the reader wants more, so that one that wants much pays few calls. */
    size_t size = s->in.len < READ_MIN ? READ_MIN : s->in.len;
    size_t missing = want->delim == NULL && want->min > s->in.len ? want->min - s->in.len : 0;
    size = size > STREAM_READ_MAX ? STREAM_READ_MAX : size;
    if (missing > size && missing < STREAM_READ_MAX)
        size = missing;
    char *to = buffer_reserve(&s->in, size);
    if (to == NULL)
        return FILL_NOMEM;
    ssize_t n = raw_read(s, to, size);
    buffer_commit(&s->in, n > 0 ? (size_t) n : 0);
    return n > 0 || has_ended(s, n) ? FILL_GOT : FILL_AGAIN;
}

enum fill stream_fill_direct(struct stream *s, void *buf, size_t size, size_t *n)
{
    ssize_t got = raw_read(s, buf, size);
    *n = got > 0 ? (size_t) got : 0;
    return got > 0 || has_ended(s, got) ? FILL_GOT : FILL_AGAIN;
}

bool stream_is_drained(struct stream *s)
{
    if (!s->draining || s->in.len > 0)
        return false;
    s->in_err = TR_ECLOSED;
    return true;
}

tr_err stream_decode_rest(struct stream *s)
{
    struct buffer raw = s->in;
    s->in = (struct buffer){ 0 };
    if (raw.len == 0 || s->in_err != TR_OK) {
        buffer_free(&raw);
        return layer_decode(s, NULL, 0, s->in_err != TR_OK) ? TR_OK : TR_ENOMEM;
    }
    bool ok = layer_decode(s, buffer_bytes(&raw), raw.len, false);
    buffer_free(&raw);
    return ok ? TR_OK : TR_ENOMEM;
}
