/* SPDX-License-Identifier: MIT */
/* actor.h - actors: what they are made of, sending, receiving, ending
 *
 * A body is one function with a stack of its own: straight-line code that may wait anywhere. A behaviour is state and a
 * table of handlers: without a stack while nothing is to be done. Both have a mailbox, an address, an owner, and end in
 * the same order: mailbox closed, what is owed and queued answered, names released, the owned cancelled and waited for,
 * fini and defers, memory.
 *
 * "Suspends" means: other actors run meanwhile, and the call returns TR_ECANCELED as soon as this actor or the scope it
 * is in is cancelled, again and again until the actor returns. A call that does not return TR_OK has not happened.
 */
#ifndef TROUPE_ACTOR_H
#define TROUPE_ACTOR_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what an actor is ---- */

/* A body. arg is what tr_spawn was given: shared memory, so the body stays on its spawner's thread. Its result is how
 * it ended. */
typedef tr_err tr_body_fn(tr_self *self, void *arg);

/* A handler. TR_OK: done. TR_STOP: done, and the actor ends well. Any other: the error reply of this request
 * (tr_fail_with gives it words), or for a plain message a dead letter; the actor goes on. m lives until the handler
 * returns. */
typedef tr_err tr_handler_fn(tr_self *self, void *state, const tr_msg *m);

enum {
    TR_REENTRANT = 1, /* while this handler is suspended the actor takes further messages */
    TR_CANCELS = 2    /* when the asker gives up, this handler's suspended call returns TR_ECANCELED */
};

/* A row: one message that a behaviour understands. A table ends with a row of zeros; without it what lies behind is
 * read. args and reply are signatures: "n:int, name:str?, rest..." - a name and a type each; '?' after a type takes nil
 * too, and at the end may be left out; "..." takes whatever follows; "" is no values. Types: any nil bool int uint
 * float str bin addr array map ptr (uint: an int that is not negative; float takes ints too). The runtime checks args
 * before it calls run; reply is documentation. */
typedef struct tr_handler {
    const char *tag;
    const char *args;
    const char *reply; /* NULL: sends no reply */
    tr_handler_fn *run;
    const char *doc;
    unsigned flags;
    tr_handler_fn *on_cancel; /* called when the asker of a kept request gives up; may be NULL */
} tr_handler;

typedef struct tr_behaviour {
    const char *name;
    size_t state_size;          /* of the zeroed state that the runtime makes for each actor */
    const tr_handler *handlers; /* the table */
    /* Before the first message. arg as given to tr_spawn; tr_start_args(self) has the message arguments. May wait. An
     * error ends the actor with it, fini is not called. NULL: nothing to do. */
    tr_err (*init)(tr_self *self, void *state, void *arg);
    /* After the last message, once, if init succeeded and the actor was not killed: why is TR_OK or what it ended by.
     * Cleanup that waits in a cancelled actor needs tr_shield. */
    void (*fini)(tr_self *self, void *state, tr_err why);
    tr_handler_fn *other; /* messages that no row has; NULL: TR_EUNKNOWN for requests, a dead letter for others */
    const char *doc;      /* one sentence */
    size_t stack_size;    /* for handlers that need more than the default; 0: the default */
} tr_behaviour;

/* ---- spawning ---- */

typedef enum tr_full_policy {
    TR_FULL_WAIT = 0, /* the sender suspends, within its deadline */
    TR_FULL_REJECT,   /* the sender gets TR_EFULL */
    TR_FULL_DROP_NEW, /* accepted and dropped: a dead letter */
    TR_FULL_DROP_OLD  /* the oldest is dropped: a dead letter, an error reply if it was a request */
} tr_full_policy;

/* Which worker runs it, on a node that has several (tr_node_opts.workers). Every actor has one at a time. One that may
 * move does so between messages, never while it is suspended, nor while it has timers, watched descriptors, started
 * asks or living children. */
typedef enum tr_place {
    TR_PLACE_AUTO =
        0,          /* begins at its spawner's. A behaviour may move; so may a body spawned with message arguments and
                       without a pointer, until it runs. Any other body shares memory with its spawner, and stays */
    TR_PLACE_HERE,  /* its spawner's, for good */
    TR_PLACE_ANY,   /* may move as a behaviour does, whatever arg is */
    TR_PLACE_WORKER /* opts.worker, for good */
} tr_place;

enum {
    TR_SPAWN_DETACHED =
        1 /* owned by the node, not by the spawner or its scope; its failure is reported, its result not kept */
};

typedef struct tr_spawn_opts {
    size_t size; /* sizeof(tr_spawn_opts) */
    tr_body_fn *body;
    const tr_behaviour *behaviour; /* exactly one of the two */
    void *arg;                     /* lent to the actor; see tr_body_fn */
    const tr_msg *args;            /* message arguments: shared, needs no pointer; see tr_start_args */
    const char *name;              /* registered before the spawn returns; copied; NULL: none */
    size_t stack_size;             /* bytes, 0: the behaviour's or the node's default */
    uint32_t mailbox_len_max;      /* messages, 0: 8,192 */
    size_t mailbox_bytes_max;      /* bytes, 0: 4 MiB */
    tr_full_policy full_policy;
    unsigned flags;
    tr_scope *scope; /* owner; NULL: the spawning actor itself */
    tr_place place;
    unsigned worker; /* TR_PLACE_WORKER: its number, from 0 */
} tr_spawn_opts;

/* Makes an actor. It is queued, not run: it starts after its spawner suspends or ends its turn, siblings in order; so
 * what arg points at must live longer than this call (memory of the spawner's stack does only if the spawner waits for
 * the actor's end). Owner: opts->scope, else the spawner, which cancels it when it ends. *to may be NULL. Errors:
 * TR_EINVAL (options, or a table that is wrong: tr_error says which row), TR_EEXIST (name), TR_ECLOSED (the scope or
 * the node is closing), TR_EFULL (the node's limit of actors), TR_ENOMEM. Suspends: no. */
TR_API TR_MUST_CHECK tr_err tr_spawn_with(tr_self *self, const tr_spawn_opts *opts, tr_addr *to);
TR_API TR_MUST_CHECK tr_err tr_spawn_body(tr_self *self, tr_body_fn *body, void *arg, tr_addr *to);
TR_API TR_MUST_CHECK tr_err tr_spawn_behaviour(tr_self *self, const tr_behaviour *behaviour, void *arg, tr_addr *to);
TR_API TR_MUST_CHECK tr_err tr_spawn_body_in(tr_self *self, tr_scope *scope, tr_body_fn *body, void *arg, tr_addr *to);
TR_API TR_MUST_CHECK tr_err tr_spawn_behaviour_in(tr_self *self, tr_scope *scope, const tr_behaviour *behaviour,
                                                  void *arg, tr_addr *to);

/* tr_spawn(self, body or &behaviour, arg, &to) and tr_spawn_in(self, scope, body or &behaviour, arg, &to). */
#ifndef __cplusplus
#define tr_spawn(self, what, arg, to) \
    _Generic((what),                             \
        const tr_behaviour *: tr_spawn_behaviour, \
        tr_behaviour *: tr_spawn_behaviour,       \
        default: tr_spawn_body)((self), (what), (arg), (to))
#define tr_spawn_in(self, scope, what, arg, to) \
    _Generic((what),                                 \
        const tr_behaviour *: tr_spawn_behaviour_in, \
        tr_behaviour *: tr_spawn_behaviour_in,       \
        default: tr_spawn_body_in)((self), (scope), (what), (arg), (to))
#endif

/* The message arguments this actor was spawned with (opts.args), or NULL. Lives as long as the actor. */
TR_API const tr_msg *tr_start_args(tr_self *self);

/* ---- sending ---- */

/* One message on its way; what is sent to one actor by another arrives in that order. A full mailbox acts by its
 * policy: by default this suspends within the effective deadline (30 s if there is none). From a cancelled actor it
 * still goes out if there is room. Errors: TR_EINVAL (a value that cannot travel, nil address), TR_ENOPROC (ended),
 * TR_EFULL, TR_EUNSENT (the deadline came before there was room), TR_ECANCELED, TR_EDEADLK, TR_ETOOBIG, TR_ENOMEM. */
#define tr_send(self, to, ...) tr_send_any((self), (to), TR_VALUES(__VA_ARGS__))

/* As tr_send, but never suspends: TR_EFULL if there is no room now. */
TR_API tr_err tr_try_send_values(tr_self *self, tr_addr to, const tr_value *values, size_t n);
#define tr_try_send(self, to, ...) tr_try_send_values((self), (to), TR_VALUES(__VA_ARGS__))

/* Sends a message that exists already, without copying its values: one message to a thousand mailboxes. m stays the
 * caller's. */
TR_API tr_err tr_send_msg(tr_self *self, tr_addr to, const tr_msg *m);

/* ---- receiving; bodies only (TR_ESTATE in a handler) ---- */

/* The next message; the one before is let go, and if it was a request that nobody answered, kept or forwarded its asker
 * gets TR_ENOREPLY. Suspends. Errors: TR_ECANCELED (looked at before the queue). */
TR_API TR_MUST_CHECK tr_err tr_recv(tr_self *self, const tr_msg **m);

/* As tr_recv, for at most timeout_ms (0: what is there now). Errors: also TR_ETIMEDOUT, and then nothing was taken. */
TR_API TR_MUST_CHECK tr_err tr_recv_for(tr_self *self, int64_t timeout_ms, const tr_msg **m);

/* ---- answering ---- */

/* Answers a request: values alone, none for a bare acknowledgement. Never suspends, never refused. m stays lent as
 * before; answered once only. Errors: TR_ESTATE (no request, or answered already), TR_EINVAL, TR_ENOMEM. An asker that
 * gave up is no error. tr_reply(self, m), or tr_reply(self, m, "hello", name). */
#define tr_reply(self, ...) TR_CAT(TR_REPLY_, TR_ONE_OR_MORE(__VA_ARGS__))(self, __VA_ARGS__)
#define TR_REPLY_1(self, m) tr_reply_any((self), (m), NULL, 0)
#define TR_REPLY_N(self, m, ...) tr_reply_any((self), (m), TR_VALUES(__VA_ARGS__))

/* Answers with an error: the asker's call returns err, and its tr_error has the text (printf style, may be NULL). */
TR_API tr_err tr_reply_error(tr_self *self, const tr_msg *m, tr_err err, const char *fmt, ...) TR_PRINTF(4, 5);

/* Hands a request on: who gets it answers the asker directly, within the asker's deadline. Errors: TR_ESTATE,
 * TR_ENOPROC (the asker has been told), TR_EFULL (still yours to answer). */
TR_API tr_err tr_forward(tr_self *self, const tr_msg *m, tr_addr to);

/* Takes m out of its slot: it is yours until tr_drop, and if it is a request, so is the answer. Owns: the caller; let
 * go with the actor at the latest, before fini is called: do not touch it there. NULL when m is not this actor's, is
 * kept already, or memory is out. */
TR_API tr_msg *tr_keep(tr_self *self, const tr_msg *m);

/* Lets a kept message go; *m becomes NULL. A request that was not answered is answered with TR_ENOREPLY. */
TR_API void tr_drop(tr_self *self, tr_msg **m);

/* ---- failing, results, cleanup ---- */

/* The last call of this actor that did not succeed, in words. cause: what an error reply was caused by at its sender,
 * or NULL. Lives until the actor's next failing call. Never NULL. */
typedef struct tr_error_info {
    tr_err err;
    const char *text;  /* a sentence: what, where, what to do */
    const char *phase; /* what was being done: "send", "ask", "add" (a handler's tag), "resolve", ... */
    const char *actor; /* who said so */
    const struct tr_error_info *cause;
} tr_error_info;
TR_API const tr_error_info *tr_error(tr_self *self);

/* Makes err, in these words, the actor's last error and returns it: return tr_fail_with(self, TR_EUSER, "no account
 * %d", n); */
TR_API tr_err tr_fail_with(tr_self *self, tr_err err, const char *fmt, ...) TR_PRINTF(3, 4);

/* Ends this actor now with err: its stack is abandoned, its defers run, everyone who waits is told. Does not return. */
TR_API void tr_fail(tr_self *self, tr_err err, const char *fmt, ...) TR_PRINTF(3, 4) __attribute__((noreturn));

/* tr_check(self, cond): a broken promise ends this actor, never the process. */
#define tr_check(self, cond) \
    ((cond) ? (void) 0 : tr_fail((self), TR_EFAILED, "%s:%d: tr_check(%s) is false", __FILE__, __LINE__, #cond))

/* The value tr_join gives to others, as a reply; the last call counts. Errors: TR_EINVAL, TR_ENOMEM. Use
 * tr_result(self, 42). */
TR_API tr_err tr_result_values(tr_self *self, const tr_value *values, size_t n);
#define tr_result(self, ...) tr_result_values((self), TR_VALUES(__VA_ARGS__))

/* Zeroed memory that is freed when the actor ends. NULL: out of memory. */
TR_API void *tr_alloc(tr_self *self, size_t size);

/* Zeroed memory that is freed when the handler call returns (in a body: when it ends). NULL: out of memory. */
TR_API void *tr_temp(tr_self *self, size_t size);

/* Calls fn(arg) when the handler call returns (in a body: when it ends), last first, however it ends. fn must not
 * suspend. Errors: TR_ENOMEM, and then fn is called at once. */
TR_API tr_err tr_defer(tr_self *self, void (*fn)(void *arg), void *arg);

/* ---- other actors ---- */

TR_API tr_addr tr_self_addr(tr_self *self);
TR_API tr_node *tr_self_node(tr_self *self);

/* The number of the worker that runs this actor now, from 0. */
TR_API unsigned tr_self_worker(tr_self *self);

/* Keeps this actor on the worker that it is on, and lets it go again. Pins do not nest; one that was placed for good
 * stays. */
TR_API tr_err tr_pin(tr_self *self);
TR_API tr_err tr_unpin(tr_self *self);

/* The node's time, now; refreshed once a turn and at least once a millisecond. */
TR_API tr_time tr_now(tr_self *self);

/* Gives this actor a name, or takes it away; a name goes before anyone is told of its actor's end. 1 to 255 bytes.
 * Errors: TR_EEXIST, TR_EINVAL, TR_ENOMEM; TR_ENOPROC (not this actor's). */
TR_API tr_err tr_register(tr_self *self, const char *name);
TR_API tr_err tr_unregister(tr_self *self, const char *name);

/* Who goes by that name now. Errors: TR_ENOPROC. */
TR_API TR_MUST_CHECK tr_err tr_whereis(tr_self *self, const char *name, tr_addr *who);

/* Whether this actor has not ended. Never suspends; what it says may be old at once. */
TR_API bool tr_is_alive(tr_self *self, tr_addr who);

/* Asks an actor to end: its waits return TR_ECANCELED until it returns. reason is copied. Returns at once. Cancelling
 * the dead is fine. */
TR_API tr_err tr_cancel(tr_self *self, tr_addr who, const char *reason);

/* tr_cancel, and wait until it has ended; after timeout_ms it is killed. Suspends. Errors: TR_ETIMEDOUT (it had to be
 * killed), TR_ECANCELED, TR_EDEADLK (it is this actor, or waits for it). */
TR_API tr_err tr_cancel_wait(tr_self *self, tr_addr who, const char *reason, int64_t timeout_ms);

/* Ends an actor without its help: its stack is abandoned, what is registered with the runtime is released, what it
 * holds otherwise (malloc, a mutex) is lost. Killing the dead is fine. */
TR_API tr_err tr_kill(tr_self *self, tr_addr who, const char *reason);

/* Waits until an actor this one (or its scope) spawned has ended and gives its result: TR_OK and *result (may be NULL;
 * lives as a reply), or the error it ended with. Can be read again until tr_forget or the owner's end. Suspends,
 * without limit of its own. Errors: the actor's own; TR_ENOPROC (no record of it), TR_EDEADLK, TR_ECANCELED. */
TR_API TR_MUST_CHECK tr_err tr_join(tr_self *self, tr_addr who, const tr_msg **result);

/* Lets the record of an ended actor go; a failure that nobody joined is reported now. */
TR_API void tr_forget(tr_self *self, tr_addr who);

/* Lets the others run: this actor goes to the end of the queue. Suspends. Errors: TR_ECANCELED. */
TR_API tr_err tr_yield(tr_self *self);

/* Calls fn(arg) on the thread's own large stack and returns its value: for foreign code that wants more than an actor's
 * stack. fn must not call anything that suspends. */
TR_API int tr_call(tr_self *self, int (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
inline tr_err tr_spawn(tr_self *self, tr_body_fn *body, void *arg, tr_addr *to)
{
    return tr_spawn_body(self, body, arg, to);
}
inline tr_err tr_spawn(tr_self *self, const tr_behaviour *b, void *arg, tr_addr *to)
{
    return tr_spawn_behaviour(self, b, arg, to);
}
inline tr_err tr_spawn_in(tr_self *self, tr_scope *scope, tr_body_fn *body, void *arg, tr_addr *to)
{
    return tr_spawn_body_in(self, scope, body, arg, to);
}
inline tr_err tr_spawn_in(tr_self *self, tr_scope *scope, const tr_behaviour *b, void *arg, tr_addr *to)
{
    return tr_spawn_behaviour_in(self, scope, b, arg, to);
}
#endif
#endif
