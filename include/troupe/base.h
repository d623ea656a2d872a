/* SPDX-License-Identifier: MIT */
/* base.h - what every other header needs: errors, addresses, time, version
 *
 * Every function that can fail returns a tr_err: TR_OK is 0, everything else is a reason. Results go through
 * trailing pointers, which are written only on success. Inside an actor tr_error(self) tells the last failure in words.
 */
#ifndef TROUPE_BASE_H
#define TROUPE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TR_VERSION_MAJOR 0
#define TR_VERSION_MINOR 1
#define TR_VERSION_PATCH 0

#define TR_API __attribute__((visibility("default")))
#define TR_MUST_CHECK __attribute__((warn_unused_result))
#define TR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Why a call did not succeed. Codes from TR_EUSER up are the program's own and travel unchanged in error replies. */
typedef enum tr_err {
    TR_OK = 0,
    TR_EINVAL = 1,    /* an argument is wrong; tr_error says which and why */
    TR_ESTATE = 2,    /* the call is not allowed here or now (another actor's self, scopes that do not nest, ...) */
    TR_ENOMEM = 3,    /* out of memory; nothing was changed */
    TR_ENOPROC = 4,   /* no such actor: it has ended, never was, or no one goes by that name */
    TR_EFULL = 5,     /* the receiver's mailbox is full and its policy is to refuse, or a stated limit is reached */
    TR_ETIMEDOUT = 6, /* the deadline came first; what was asked for may or may not have happened */
    TR_ECANCELED = 7, /* this actor or scope was cancelled: clean up and return */
    TR_EDEADLK = 8,   /* waiting would close a cycle that nothing would break; tr_error names it */
    TR_EUNSENT = 9,   /* the deadline came first and the message never left: retrying is safe */
    TR_EBADMSG = 10,  /* a message does not have the shape that was asked for, or bytes are no valid message */
    TR_EUNKNOWN = 11, /* the receiver does not understand this message */
    TR_ENOREPLY =
        12,        /* the receiver finished with the request and never answered it (it may have ended well with that) */
    TR_EDOWN = 13, /* the receiver ended, or was cancelled, before it answered */
    TR_EFAILED = 14,  /* the actor failed (tr_check, or tr_fail without a better code) */
    TR_EBUSY = 15,    /* someone else is using it (a second waiter on one descriptor) */
    TR_ECLOSED = 16,  /* it was closed, by us or by the other side */
    TR_ENOCONN = 17,  /* the node cannot be reached */
    TR_EEXIST = 18,   /* the name is taken */
    TR_ETOOBIG = 19,  /* over a stated limit of size, count or depth */
    TR_EIO = 20,      /* the operating system refused; tr_error has its words */
    TR_EKILLED = 21,  /* ended by tr_kill: its cleanup did not run */
    TR_EUSER = 1000,  /* first code that is the program's own */
    TR_STOP = 1000000 /* returned by a handler: this actor is done and ends well; never an error */
} tr_err;

/* The name of an error as it is written in C ("TR_ETIMEDOUT"); "TR_EUSER+3" for the program's own. Static or
 * per-thread storage, valid until the next call from the same thread. Thread: any. */
TR_API const char *tr_err_name(tr_err err);

/* A short sentence for people ("the deadline came first"). Static storage. Thread: any. */
TR_API const char *tr_err_text(tr_err err);

/* Where an actor lives. node is 0 for this process, else the random instance number of a node process; actor is slot
 * and generation, so that an address into the past reaches no one. Compare with tr_addr_eq, print with tr_addr_text. */
typedef struct tr_addr {
    uint64_t node;
    uint64_t actor;
} tr_addr;

#ifdef __cplusplus
#define TR_ADDR_NIL (tr_addr{ 0, 0 })
#else
#define TR_ADDR_NIL ((tr_addr){ 0, 0 })
#endif

static inline bool tr_addr_eq(tr_addr a, tr_addr b)
{
    return a.node == b.node && a.actor == b.actor;
}

static inline bool tr_addr_is_nil(tr_addr a)
{
    return a.actor == 0;
}

/* Writes "<slot.generation>" or "<node:slot.generation>" and a NUL into buf; returns buf. Thread: any. */
#define TR_ADDR_TEXT_MAX 48
TR_API const char *tr_addr_text(tr_addr a, char buf[TR_ADDR_TEXT_MAX]);

/* A point in time: nanoseconds of the node's monotonic clock (CLOCK_MONOTONIC, or the virtual clock of a test). */
typedef int64_t tr_time;
#define TR_NEVER INT64_MAX

/* Timeouts are whole milliseconds from now. */
#define TR_FOREVER                                                                                    \
    (-1) /* no deadline of its own; an enclosing one still holds. Any negative timeout means the same \
          */

/* An actor's own view of the runtime: the first argument of everything an actor calls. It belongs to the running body
 * or handler call; it must not be kept in state, nor be used by another actor or thread (TR_ESTATE). */
typedef struct tr_self tr_self;

/* A message: a tag or nothing, and up to 16 values; immutable, reference counted. message.h */
typedef struct tr_msg tr_msg;

/* A group of actors that ends as a whole. scope.h */
typedef struct tr_scope tr_scope;

/* One runtime in one process: workers, actors, names. node.h */
typedef struct tr_node tr_node;

#ifdef __cplusplus
}
#endif
#endif
