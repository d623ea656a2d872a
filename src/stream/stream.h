/* SPDX-License-Identifier: MIT */
/* stream.h - bytes in and out of one descriptor
 *
 * Two buffers. in holds what was read ahead of the reader, after the layer; a read looks there first, and takes from it
 * only when it has all that it wants. out holds what must go to the wire before anything else: what tr_stream_queue
 * took, and what a layer made. Both are empty, and hold no memory, in a stream that idles.
 *
 * in_err is what reading says once in is empty (TR_ECLOSED: the end); out_err what writing says. Both are final.
 *
 * Active once is one wish: OFF, ASKED, QUEUED. The message that fulfils it carries a copy of bytes that stay in the
 * buffer until the message is given out; its number tells whether it still counts. So a wish can be taken back at any
 * time, and nothing is lost. */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "base/buffer.h"
#include "stream/port.h"

#define STREAM_READ_MAX (64u * 1024u)   /* read ahead of the reader at most, beyond what it wants */
#define STREAM_QUEUE_MAX (256u * 1024u) /* tr_stream_queue */
#define STREAM_PIECE 16384u             /* given to a layer at a time */
#define STREAM_TAG_MAX 31
#define STREAM_DELIM_MAX 31

struct quota;

/* What a reader wants: at least min bytes, at most max; or, with a delimiter, all up to its end, at most max. */
struct want {
    size_t min, max;
    const char *delim;
    size_t delim_len;
    size_t scanned; /* bytes of in that hold no delimiter's begin */
};

enum once_state { ONCE_OFF = 0, ONCE_ASKED, ONCE_QUEUED };

struct once {
    uint8_t state; /* enum once_state */
    uint32_t number;
    size_t len; /* of the bytes in the queued message */
    struct want want;
    char tag[STREAM_TAG_MAX + 1];
    char delim[STREAM_DELIM_MAX];
};

struct stream {
    struct port port;
    struct buffer in, out;
    size_t out_max;
    const tr_stream_layer *layer;
    void *layer_state;
    tr_err in_err, out_err;
    int in_errno, out_errno; /* the system's reason, 0: none */
    char *why;               /* the layer's words, or NULL */
    uint64_t received, written;
    struct once once;
    bool draining;
    bool finishing;      /* the layer has said that nothing follows */
    bool blocking;       /* a lent descriptor that read and write may block on: asked first */
    struct quota *quota; /* of the listener that accepted it, or NULL */
    struct list conn;    /* quota.conns, while on the listener's worker */
};

static inline struct stream *stream_of(struct port *p)
{
    return list_entry(p, struct stream, port);
}

/* A stream of c's. Owns: fd on success. Errors: TR_EBUSY, TR_ENOMEM; without words. */
tr_err stream_new(struct worker *w, struct cell *c, int fd, unsigned flags, bool is_socket, struct stream **out);

/* When it is closed a peer over TCP sees a reset. */
void stream_reset(const struct stream *s);

/* Says reading's, or writing's, final error in words. */
tr_err stream_in_error(struct tr_self *self, const struct stream *s, const char *phase);
tr_err stream_out_error(struct tr_self *self, const struct stream *s, const char *phase);

/* ---- reading, without waiting; source.c ---- */

enum look { LOOK_DONE, LOOK_MORE, LOOK_FAILED };

/* Whether what is wanted is there; *n: its length. LOOK_FAILED: *err. */
enum look stream_look(const struct stream *s, struct want *want, size_t *n, tr_err *err);

enum fill { FILL_GOT, FILL_AGAIN, FILL_NOMEM };

/* Reads once from the descriptor. FILL_GOT: look again (it may be the end). FILL_AGAIN: nothing is there now. */
enum fill stream_fill(struct stream *s, const struct want *want);

/* The same straight into the reader's memory; only with nothing in and no layer. *n is 0 if there is none. */
enum fill stream_fill_direct(struct stream *s, void *buf, size_t size, size_t *n);

/* Whether reading ends here because the stream is being drained; if so it is final. */
bool stream_is_drained(struct stream *s);

/* What was read goes through the layer that has come. */
tr_err stream_decode_rest(struct stream *s);

/* ---- writing, without waiting; sink.c ---- */

enum flush { FLUSH_DONE, FLUSH_AGAIN, FLUSH_FAILED };

/* Sends what is in out. */
enum flush stream_flush(struct stream *s);

/* Sends some of these bytes, out being empty: *n. */
enum flush stream_send(struct stream *s, const void *data, size_t len, size_t *n);

/* Puts them into out, through the layer if there is one; end: nothing follows. TR_ENOMEM, or out_err. */
tr_err stream_push(struct stream *s, const void *data, size_t len, bool end);

/* ---- when it is ready; once.c ---- */

void stream_ready(struct worker *w, struct fd_hook *h, unsigned revents);
bool stream_taken(struct worker *w, struct fd_hook *h, uint32_t number, bool take);

/* Tells the set what the stream waits for by itself. */
void stream_want(struct stream *s);

/* Takes the wish back. */
void stream_passive(struct stream *s);

/* It is about to be closed, not by its owner: who is owed a message gets that one. Out of memory: nobody does. */
void stream_once_closed(struct stream *s);

/* No reader waits for more than is there. */
void stream_drain(struct stream *s);

#endif
