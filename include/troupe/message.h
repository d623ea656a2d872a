/* SPDX-License-Identifier: MIT */
/* message.h - messages: reading, making, keeping, printing, and as bytes
 *
 * A message is a tag and up to 16 values; a reply is values alone. It is immutable and reference counted.
 *
 * How long it lives: what tr_recv or a handler was given, until the next tr_recv or the handler's end; a reply, until
 * the next reply is asked for. tr_keep makes it yours until tr_drop. Strings, binaries and items read out of a message
 * live as long as it.
 *
 * A request that was kept is still owed an answer: tr_reply, tr_reply_error or tr_forward it later, from any handler of
 * the same actor. Dropped, or the actor ends: the asker gets TR_ENOREPLY or TR_EDOWN at once.
 */
#ifndef TROUPE_MESSAGE_H
#define TROUPE_MESSAGE_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reading; Thread: any that holds the message ---- */

/* The tag, "" for a message without one (a reply). NUL-terminated; lives as long as m. */
TR_API const char *tr_tag(const tr_msg *m);

/* How many values stand behind the tag. */
TR_API size_t tr_argc(const tr_msg *m);

/* Value i behind the tag; the zero item if there is none. */
TR_API tr_item tr_arg(const tr_msg *m, size_t i);

/* Who sent it; the nil address for threads and the runtime itself. */
TR_API tr_addr tr_sender(const tr_msg *m);

/* Whether the sender waits for an answer that is still owed. */
TR_API bool tr_is_request(const tr_msg *m);

/* Whether a request's asker has given up (deadline, cancel, end): an answer would be dropped. False for a plain
 * message. */
TR_API bool tr_is_dead(const tr_msg *m);

/* Whether m has this tag and exactly these values; stores them if so, nothing otherwise. Of a reply the first value is
 * compared with the tag. Use tr_is(m, "greet", &name). */
TR_API bool tr_msg_is(const tr_msg *m, const char *tag, const tr_dest *dests, size_t n);
#define tr_is(m, ...) TR_CAT(TR_IS_, TR_ONE_OR_MORE(__VA_ARGS__))(m, __VA_ARGS__)
#define TR_IS_1(m, tag) tr_msg_is((m), (tag), NULL, 0)
#define TR_IS_N(m, tag, ...) tr_msg_is((m), (tag), TR_DESTS(__VA_ARGS__))

/* Stores all values behind the tag. Errors: TR_EBADMSG if their number or a type does not fit, and nothing is stored.
 * In a handler whose row was checked it cannot fail, if the variables are as wide as the types (an optional value goes
 * into a tr_item). Use tr_args(m, &n, &name). */
#define tr_args(m, ...) tr_args_any((m), TR_DESTS(__VA_ARGS__))

/* Writes m as text for people: add 42 "x" <3.1> [1, 2] {"k": nil} bin(5)"68656c6c6f". At most size bytes with the NUL;
 * returns the length the whole text has, as snprintf. docs/messages.md has the notation. */
TR_API size_t tr_msg_print(const tr_msg *m, char *buf, size_t size);

/* ---- making and holding; Thread: any ---- */

/* A message to be sent to many, or kept as arguments. Owns: the caller, until tr_msg_free. The first value is the tag.
 * Errors: TR_EINVAL, TR_ETOOBIG, TR_ENOMEM. Use tr_msg_new(&m, "tag", ...). */
TR_API TR_MUST_CHECK tr_err tr_msg_make(tr_msg **m, const tr_value *values, size_t n);
#define tr_msg_new(m, ...) tr_msg_make((m), TR_VALUES(__VA_ARGS__))

/* Lets go of a message from tr_msg_new, tr_msg_decode, tr_node_ask or tr_inbox_recv; *m becomes NULL. NULL in *m is
 * fine. */
TR_API void tr_msg_free(tr_msg **m);

/* ---- bytes ---- */

/* Limits for bytes that come from outside; 0 in a field means its default. */
typedef struct tr_limits {
    size_t size;    /* of this struct */
    size_t bytes;   /* whole message; default 16 MiB */
    size_t depth;   /* containers inside the message; at most and by default 16 */
    size_t objects; /* values in all; default 1,000,000 */
} tr_limits;

/* m as one msgpack array [tag or nil, values...]; addresses become ext type 1. *data is malloc'd, free it with free().
 * Errors: TR_EINVAL if m holds a tr_local_ptr; TR_ENOMEM. */
TR_API TR_MUST_CHECK tr_err tr_msg_encode(const tr_msg *m, void **data, size_t *len);

/* The message in these bytes. A validator sees them first: no input makes it read past the end, nest too deep or
 * allocate more than the limits allow. limits may be NULL. Errors: TR_EBADMSG, TR_ETOOBIG, TR_ENOMEM; why, if not NULL,
 * gets a static sentence. */
TR_API TR_MUST_CHECK tr_err tr_msg_decode(const void *data, size_t len, const tr_limits *limits, tr_msg **m,
                                          const char **why);

#ifdef __cplusplus
}
#endif
#endif
