/* SPDX-License-Identifier: MIT */
/* flow.h - streams of messages: an answer of many parts, and a request of many
 *
 * A flow is a request that is answered in parts. Who opens it asks as with tr_ask, and then reads parts; who gets the
 * request answers in parts, and ends with a reply, or fails with an error. Parts are messages. The opener may write
 * parts too, which the answerer reads.
 *
 *     tr_flow flow;                                                  the asking side, an async for:
 *     const tr_msg *part;
 *     err = tr_flow_open(self, store, NULL, &flow, "list", "b*");
 *     while (err == TR_OK && (err = tr_flow_next(self, &flow, &part)) == TR_OK)
 *         if (tr_is(part, "name", &name))
 *             ...
 *     tr_flow_close(self, &flow);                                    err: TR_ECLOSED at the end, else what went wrong
 *
 *     static tr_err on_list(tr_self *self, void *state, const tr_msg *m)     the answering side, a generator:
 *     {
 *         tr_flow flow;
 *         tr_err err = tr_flow_answer(self, m, &flow);
 *         while (err == TR_OK && there is more)
 *             err = tr_flow_write(self, &flow, "name", name);        suspends while the reader is behind
 *         return err == TR_OK ? tr_flow_end(self, &flow) : err;
 *     }
 *
 * Credit: in each direction at most parts_max parts, and about bytes_max bytes, are under way; a writer that has none
 * left waits until the reader has taken half of them. A part is taken when the reader comes back for the next one: a
 * call that gave up has taken nothing, and the next call gets what it would have got.
 *
 * Ends: everything that ends a request ends a flow. The answerer's reply is the end (values in it are one last part,
 * so that any request can be opened as a flow); its error, its end, a request it drops: each is the asker's next error,
 * behind the parts that were written before. The asker's close, end or deadline makes the request dead (tr_is_dead,
 * on_cancel, TR_CANCELS), and the answerer's calls on the flow return TR_EDOWN, those that wait at once. Cancelling an
 * actor ends none of its flows by itself: its calls return TR_ECANCELED until it leaves, and that ends them.
 *
 * Between the two stands an actor of the runtime's own, the relay. It is what asks the answerer: to the answerer it is
 * the sender of the request.
 */
#ifndef TROUPE_FLOW_H
#define TROUPE_FLOW_H

#include "await.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_FLOW_PARTS_MAX 32           /* the default of parts_max */
#define TR_FLOW_BYTES_MAX (256 * 1024) /* the default of bytes_max */

enum {
    TR_FLOW_KEEP =
        1 /* the flow is the actor's, and may be read in later handlers; else it ends with this handler call */
};

typedef struct tr_flow_opts {
    size_t size;        /* sizeof(tr_flow_opts) */
    int64_t timeout_ms; /* of the whole flow; 0 or TR_FOREVER: no limit but the scope's, and that of the request being
                           handled */
    uint32_t parts_max; /* under way in each direction, 1 to 65,536; 0: 32 */
    size_t bytes_max;   /* the same in bytes; a part is let go as long as there are fewer. 0: 256 KiB */
    unsigned flags;     /* TR_FLOW_KEEP */
} tr_flow_opts;

/* One side of a flow. It lies where its user puts it, and stays there while a tr_flow_next_then or tr_flow_room_then is
 * open, and with TR_FLOW_KEEP until it is closed. The zero value is none. Its fields are the runtime's. */
typedef struct tr_flow {
    tr_addr relay;
    const tr_msg *request; /* the answering side: what it answers; else NULL */
    tr_pending life;       /* the asking side: as long as this is open, it reads */
    int64_t taken;         /* parts that were read */
    int64_t parts_left;    /* that may be written now */
    int64_t bytes_left;    /* the same in bytes; below 0 after a large part */
    tr_reply_fn *on_part;  /* of an open tr_flow_next_then */
    tr_reply_fn *on_room;  /* of an open tr_flow_room_then */
    void *part_ctx, *room_ctx;
    tr_err life_err;
    unsigned state;
} tr_flow;

/* ---- both sides ---- */

/* The next part, which lives as a reply does: until this actor's next reply of any kind (tr_keep holds it longer).
 * Suspends; tr_flow_next without a limit of its own, since every end is told. Errors: TR_ECLOSED (the other side has
 * ended well, all parts were read), the error the other side ended with (tr_error has its words), TR_EDOWN (it is
 * gone), TR_ETIMEDOUT (timeout_ms, or the flow's own), TR_EBUSY (another call waits for the next part of this side),
 * TR_ECANCELED, TR_ESTATE (no flow), TR_ENOMEM. After TR_ETIMEDOUT of timeout_ms, TR_ECANCELED and TR_ENOMEM it can be
 * called again, and nothing was lost. */
TR_API TR_MUST_CHECK tr_err tr_flow_next_for(tr_self *self, tr_flow *flow, int64_t timeout_ms, const tr_msg **part);
#define tr_flow_next(self, flow, part) tr_flow_next_for((self), (flow), TR_FOREVER, (part))

/* Writes one part, a message as tr_send's; tags that begin with "flow." are the runtime's. Suspends while there is no
 * credit; the last reply, be it a part that was read, stays where it is. A call that does not return TR_OK has written
 * nothing. Errors: TR_EDOWN (the asker is gone), TR_ECLOSED or the answerer's error (it has ended), TR_ESTATE (this
 * side has ended), TR_EINVAL, TR_ETOOBIG, TR_ETIMEDOUT, TR_ECANCELED, TR_ENOMEM. Use tr_flow_write(self, flow, "tag",
 * ...). */
TR_API TR_MUST_CHECK tr_err tr_flow_write_values(tr_self *self, tr_flow *flow, const tr_value *values, size_t n);
#define tr_flow_write(self, flow, ...) tr_flow_write_values((self), (flow), TR_VALUES(__VA_ARGS__))

/* As tr_flow_write, but never suspends: TR_EFULL if there is no credit (ask for it with tr_flow_room_then; a side that
 * answers starts with none). */
TR_API TR_MUST_CHECK tr_err tr_flow_try_write_values(tr_self *self, tr_flow *flow, const tr_value *values, size_t n);
#define tr_flow_try_write(self, flow, ...) tr_flow_try_write_values((self), (flow), TR_VALUES(__VA_ARGS__))

/* This side writes no more. The answerer's end is its reply, and the end of the flow; after the asker's, the answerer's
 * tr_flow_next returns TR_ECLOSED behind the last part, and the asker reads on. Suspends: no. Errors: TR_ESTATE (ended
 * before), TR_EDOWN, TR_ENOMEM. */
TR_API tr_err tr_flow_end(tr_self *self, tr_flow *flow);

/* The same with an error, which the other side gets behind the parts that were written. text: printf style, may be
 * NULL. Errors: also TR_EINVAL (err is none). */
TR_API tr_err tr_flow_fail(tr_self *self, tr_flow *flow, tr_err err, const char *fmt, ...) TR_PRINTF(4, 5);

/* Lets go of this side; *flow becomes the zero value, which is fine too. The asker's close ends the flow: an answerer
 * that has not ended is told that its asker gave up. The answerer's changes nothing for its asker, since the request is
 * still owed: end first. A function given to tr_flow_next_then or tr_flow_room_then is not called any more. Suspends:
 * no. */
TR_API void tr_flow_close(tr_self *self, tr_flow *flow);

/* ---- opening and answering ---- */

/* Asks, for an answer in parts. A flow that the asker does not close ends with its handler call (a body's: with the
 * body), with TR_FLOW_KEEP with the actor. opts may be NULL. Suspends: no. Errors: TR_EINVAL, TR_ENOPROC, TR_EDEADLK
 * (it is this actor), TR_ECANCELED, TR_ECLOSED (the node is stopping), TR_EFULL (the node's limit of actors),
 * TR_ETOOBIG, TR_ENOMEM; whatever the receiver makes of the request is the error of the first tr_flow_next. Use
 * tr_flow_open(self, to, opts, &flow, "tag", ...). */
TR_API TR_MUST_CHECK tr_err tr_flow_open_values(tr_self *self, tr_addr to, const tr_flow_opts *opts, tr_flow *flow,
                                                const tr_value *values, size_t n);
#define tr_flow_open(self, to, opts, flow, ...) \
    tr_flow_open_values((self), (to), (opts), (flow), TR_VALUES(__VA_ARGS__))

/* The answering side of m, a request that is owed: the one being handled, or one that was kept and stays kept until the
 * flow has ended. Suspends: no. Errors: TR_ESTATE (no request, or its asker waits for one answer and opened no flow).
 */
TR_API TR_MUST_CHECK tr_err tr_flow_answer(tr_self *self, const tr_msg *m, tr_flow *flow);

/* ---- for behaviours that must not wait ---- */

/* Calls on_part(self, state, err, part, ctx) once, later, as tr_ask_then does: TR_OK and the next part (lives until it
 * returns), or the error that tr_flow_next would return. One at a time. The flow stays where it is until then, and is
 * the actor's as far as this call is concerned. Suspends: no. Errors: TR_EBUSY (one is open), TR_EINVAL, TR_ESTATE,
 * TR_EDOWN, TR_ECANCELED, TR_ENOMEM, and then on_part is not called. */
TR_API TR_MUST_CHECK tr_err tr_flow_next_then(tr_self *self, tr_flow *flow, tr_reply_fn *on_part, void *ctx);

/* Calls on_room(self, state, err, NULL, ctx) once, when a tr_flow_try_write would find credit (TR_OK), or when it never
 * will (an error of tr_flow_write). So whoever has nothing to write learns of the other side's end, too. As above. */
TR_API TR_MUST_CHECK tr_err tr_flow_room_then(tr_self *self, tr_flow *flow, tr_reply_fn *on_room, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
