/* SPDX-License-Identifier: MIT */
/* stream.h - bytes in and out: sockets, pipes, files; read, write, and give away
 *
 * A stream is a number, to be copied freely: when it is closed, or was given to another actor, calls with it return
 * TR_ECLOSED, whatever became of its descriptor. It belongs to the actor that opened it and is closed with that actor,
 * however it ends. Any actor of the same thread may use it, one for reading and one for writing at a time (TR_EBUSY).
 *
 * Reading loses nothing: a call that does not return TR_OK has taken no byte; what had come by then waits in the
 * stream. The end of the input is TR_ECLOSED, after everything before it was read.
 *
 * Writing returns when everything is with the operating system (or, of what must be encrypted, up to 16 KiB with the
 * stream): a slow reader stops its writer. A write that was cut short has written a part: tr_stream_info says how much.
 *
 * Unless stated, phase in tr_error is "read" or "write", and every call may also return TR_ESTATE (not the running
 * actor's self) and TR_ECLOSED (no such stream on this thread).
 */
#ifndef TROUPE_STREAM_H
#define TROUPE_STREAM_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The zero value is no stream. In a message it is its id, an int. */
typedef struct tr_stream {
    int64_t id;
} tr_stream;

/* ---- opening; net.h has sockets. Suspends: no ---- */

enum {
    TR_STREAM_LENT = 1 /* the descriptor stays the caller's: never closed, and its flags are not changed (those of 0, 1
                          and 2 are shared with other processes) */
};

/* Makes a stream of a descriptor: a connected socket, a pipe, a terminal, a regular file (always ready; the disk is
 * waited for by the whole thread). Owns: fd is the stream's on success, unless it is lent. Errors: TR_EBUSY (it is
 * waited for, or a stream already), TR_EINVAL (no descriptor), TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_stream_open(tr_self *self, int fd, unsigned flags, tr_stream *stream);

/* A pipe: what is written to one is read from the other. Errors: TR_EIO (no descriptors left), TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_stream_pipe(tr_self *self, tr_stream *reader, tr_stream *writer);

/* Two streams, each the other's peer (socketpair(2)). Errors: as tr_stream_pipe. */
TR_API TR_MUST_CHECK tr_err tr_stream_pair(tr_self *self, tr_stream ends[2]);

/* ---- reading; Suspends, for at most timeout_ms (0: what is there now) ----
 * Errors, of all: TR_ECLOSED (the end came first, or it was closed), TR_ETIMEDOUT, TR_ECANCELED, TR_EBUSY (another
 * reads it, or it is active once), TR_EIO (the connection broke; tr_error has the system's words), TR_EBADMSG (what
 * came is not valid below: TLS), TR_ENOMEM. */

/* Some: what is there, 1 to size bytes. */
TR_API TR_MUST_CHECK tr_err tr_stream_read(tr_self *self, tr_stream stream, void *buf, size_t size, int64_t timeout_ms,
                                           size_t *len);

/* Exactly size bytes. Until they are there they wait in the stream, which grows to that size. */
TR_API TR_MUST_CHECK tr_err tr_stream_read_exactly(tr_self *self, tr_stream stream, void *buf, size_t size,
                                                   int64_t timeout_ms);

/* Up to and with the next delimiter (delim_len bytes), all of it at most size bytes. Errors also: TR_ETOOBIG (size
 * bytes are there and no delimiter ends in them; read them in another way, or close), TR_EINVAL (no delimiter). */
TR_API TR_MUST_CHECK tr_err tr_stream_read_until(tr_self *self, tr_stream stream, const void *delim, size_t delim_len,
                                                 void *buf, size_t size, int64_t timeout_ms, size_t *len);

/* A line as a string: its "\n" or "\r\n" is taken and not stored, a NUL is. *len (may be NULL) is without the NUL. A
 * last line without an end is read with tr_stream_read. Errors also: TR_ETOOBIG (no end within size - 1 bytes). */
TR_API TR_MUST_CHECK tr_err tr_stream_read_line(tr_self *self, tr_stream stream, char *buf, size_t size,
                                                int64_t timeout_ms, size_t *len);

/* ---- writing ---- */

/* All of it. Suspends, for at most timeout_ms. Errors: TR_ECLOSED (the peer reads no more, or it was closed or
 * finished), TR_ETIMEDOUT, TR_ECANCELED, TR_EBUSY, TR_EIO, TR_ENOMEM. Never raises SIGPIPE. */
TR_API TR_MUST_CHECK tr_err tr_stream_write(tr_self *self, tr_stream stream, const void *data, size_t len,
                                            int64_t timeout_ms);

/* For behaviours: takes all of it or nothing, and never suspends; what the system does not take now waits in the stream
 * and goes out by itself, before whatever is written later. Errors: TR_EFULL (more than the bound would wait: the peer
 * reads too slowly; nothing was taken), TR_ECLOSED, TR_EBUSY (another is in tr_stream_write), TR_EIO, TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_stream_queue(tr_self *self, tr_stream stream, const void *data, size_t len);

/* The bound of tr_stream_queue in bytes; 256 KiB if not set. */
TR_API tr_err tr_stream_set_queue_max(tr_self *self, tr_stream stream, size_t bytes);

/* Half-close: writes what waits, then tells the peer that nothing follows; reading goes on. Suspends, for at most
 * timeout_ms. Errors: as tr_stream_write; TR_EINVAL (a pipe or a file: close it). */
TR_API TR_MUST_CHECK tr_err tr_stream_finish(tr_self *self, tr_stream stream, int64_t timeout_ms);

/* ---- closing ---- */

/* Closes it: whoever waits for it gets TR_ECLOSED, and so, by message, does its owner, if that asked with
 * tr_stream_once and is another than the caller. What waits in tr_stream_queue is offered to the system once more and
 * then lost: tr_stream_finish waits for it. Closing it twice is fine. Suspends: no. */
TR_API void tr_stream_close(tr_self *self, tr_stream stream);

/* The same, but the peer is told that the connection broke (a TCP reset). */
TR_API void tr_stream_abort(tr_self *self, tr_stream stream);

/* Reads go on with what is there, and then, instead of waiting, return TR_ECLOSED as if the peer had finished; if a
 * part is there of what is being read, they still wait for the rest. How a server ends connections kindly. Whoever
 * waits now is told. Suspends: no. */
TR_API tr_err tr_stream_drain(tr_self *self, tr_stream stream);

/* ---- active once: data as messages, one at a time; Suspends: no ----
 * For an actor that serves a stream beside its mailbox, without a stack. After the call this actor, which must own the
 * stream, gets one message
 *     tag(stream:int, data:bin, err:int)
 * err is TR_OK and data is not empty; or it is what reading would have returned, and data is empty. Nothing more comes
 * until it is asked again, so that a slow actor stops its peer. The message is not counted against the mailbox's
 * bounds. Errors: TR_EINVAL (tag: 1 to 31 bytes), TR_ESTATE (another actor's stream), TR_EBUSY (asked already, or being
 * read). */

/* Some: whatever is there, up to 64 KiB. */
TR_API TR_MUST_CHECK tr_err tr_stream_once(tr_self *self, tr_stream stream, const char *tag);

/* Up to and with the next delimiter (delim_len bytes, at most 31), at most max bytes, or err is TR_ETOOBIG. */
TR_API TR_MUST_CHECK tr_err tr_stream_once_until(tr_self *self, tr_stream stream, const void *delim, size_t delim_len,
                                                 size_t max, const char *tag);

/* Exactly n bytes. */
TR_API TR_MUST_CHECK tr_err tr_stream_once_exactly(tr_self *self, tr_stream stream, size_t n, const char *tag);

/* Takes the wish back: a message that is queued does not arrive any more, and its bytes are in the stream again. Not
 * asked: nothing happens. */
TR_API tr_err tr_stream_passive(tr_self *self, tr_stream stream);

/* ---- giving away ---- */

/* Sends tag(stream:bin, values...) to another actor of this process, on whatever thread, and with it the stream: what
 * was read and not taken, what waits to be written, and encryption move along. If the message is dropped, or its
 * receiver never takes the stream, it is closed when the message is gone. Suspends: no. Errors: TR_EBUSY (someone reads
 * or writes it), TR_ESTATE (another actor's stream), and those of tr_try_send; then the stream is still this actor's.
 * Use tr_stream_give(self, stream, to, "tag", ...). */
TR_API TR_MUST_CHECK tr_err tr_stream_give_values(tr_self *self, tr_stream stream, tr_addr to, const tr_value *values,
                                                  size_t n);
#define tr_stream_give(self, stream, to, ...) tr_stream_give_values((self), (stream), (to), TR_VALUES(__VA_ARGS__))

/* Takes the stream out of a message (item is its first value) and makes it this actor's, with a new number.
 * Errors: TR_EBADMSG (no stream), TR_ECLOSED (taken already), TR_ENOMEM (still in the message). Suspends: no. */
TR_API TR_MUST_CHECK tr_err tr_stream_take(tr_self *self, tr_item item, tr_stream *stream);

/* ---- looking ---- */

typedef struct tr_stream_status {
    size_t size; /* sizeof(tr_stream_status), set by the caller */
    tr_addr owner;
    uint64_t received; /* bytes that reads and messages gave out */
    uint64_t written;  /* bytes of the writer's that the system or the stream has taken */
    size_t buffered;   /* bytes that have come and were not read */
    size_t queued;     /* bytes that wait to be written, as they will go out */
} tr_stream_status;
TR_API TR_MUST_CHECK tr_err tr_stream_info(tr_self *self, tr_stream stream, tr_stream_status *status);

/* ---- layers: what stands between the bytes that are read and those on the wire, as TLS does (tls.h) ---- */

/* What a layer's function works on: lent for the call. */
typedef struct tr_layer_io tr_layer_io;

/* Functions that turn one kind of bytes into the other. They do no input or output of their own, are never called while
 * another of the same state runs, and must not suspend; they run on the thread's large stack, but for destroy. */
typedef struct tr_stream_layer {
    size_t size; /* sizeof(tr_stream_layer) */
    const char *name;
    /* The peer sent these bytes (len may be 0: look at what is there); end: and nothing more will come. Takes all of
     * them; tr_layer_plain for each piece that can be read now, tr_layer_wire for what the peer must be told. Any
     * result but TR_OK ends reading with it: TR_ECLOSED is the peer's orderly end. */
    tr_err (*decode)(void *state, const void *wire, size_t len, bool end, tr_layer_io *io);
    /* These bytes are to be sent; end: and nothing more. tr_layer_wire for each piece. Any result but TR_OK ends
     * writing. */
    tr_err (*encode)(void *state, const void *plain, size_t len, bool end, tr_layer_io *io);
    void (*destroy)(void *state); /* Thread: any */
} tr_stream_layer;

/* Both: TR_ENOMEM. */
TR_API tr_err tr_layer_plain(tr_layer_io *io, const void *data, size_t len);
TR_API tr_err tr_layer_wire(tr_layer_io *io, const void *data, size_t len);

/* Says why the function is going to return an error; returns err. */
TR_API tr_err tr_layer_fail(tr_layer_io *io, tr_err err, const char *fmt, ...) TR_PRINTF(3, 4);

/* Puts a layer into a stream; what was read and not taken goes through decode first. One a stream. Owns: state moves on
 * success. Errors: TR_EINVAL, TR_EBUSY (there is one, or someone reads or writes), TR_ENOMEM. Suspends: no. */
TR_API TR_MUST_CHECK tr_err tr_stream_layer_add(tr_self *self, tr_stream stream, const tr_stream_layer *layer,
                                                void *state);

/* The state of a stream's layer, if it is this one. It stays the stream's: good until the next call that may suspend or
 * close the stream. Errors: TR_EINVAL (no layer, or another). Suspends: no. */
TR_API TR_MUST_CHECK tr_err tr_stream_layer_state(tr_self *self, tr_stream stream, const tr_stream_layer *layer,
                                                  const void **state);

/* Reads, through the layer, until it says that it is ready; what can be read by then stays in the stream. Suspends, for
 * at most timeout_ms. Errors: as tr_stream_read; TR_EINVAL (no layer). */
TR_API TR_MUST_CHECK tr_err tr_stream_layer_until(tr_self *self, tr_stream stream, bool (*is_ready)(const void *state),
                                                  int64_t timeout_ms);

#ifdef __cplusplus
}
#endif
#endif
