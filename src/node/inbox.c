/* SPDX-License-Identifier: MIT */
/* inbox.c - a mailbox that a thread reads
 *
 * An actor of the runtime's own takes the messages, and hands heap copies of them to the thread under a lock. It is
 * made by a note to the asker's kind of actor, so that the thread that opens it need not be the node's. */
#include <errno.h>
#include <time.h>

#include "actor/call.h"
#include "actor/mailbox.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "node/inbox.h"
#include "node/node.h"

struct tr_inbox {
    pthread_mutex_t lock;
    pthread_cond_t there;
    struct tr_msg *head, *tail;
    size_t len;
    unsigned refs; /* the thread, and the actor */
    tr_node *node;
    tr_addr addr;
};

static void inbox_unref(struct tr_inbox *in)
{
    pthread_mutex_lock(&in->lock);
    bool last = --in->refs == 0;
    pthread_mutex_unlock(&in->lock);
    if (!last)
        return;
    while (in->head != NULL) {
        struct tr_msg *m = in->head;
        in->head = m->next;
        msg_unref(NULL, m);
    }
    pthread_cond_destroy(&in->there);
    pthread_mutex_destroy(&in->lock);
    mem_free(in);
}

/* False: it is full. */
static bool inbox_push(struct tr_inbox *in, struct tr_msg *m)
{
    pthread_mutex_lock(&in->lock);
    bool room = in->len < MAILBOX_LEN_MAX;
    if (room) {
        m->next = NULL;
        if (in->tail != NULL)
            in->tail->next = m;
        else
            in->head = m;
        in->tail = m;
        in->len++;
        pthread_cond_signal(&in->there);
    }
    pthread_mutex_unlock(&in->lock);
    return room;
}

static tr_err inbox_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    *(struct tr_inbox **) state = arg;
    return TR_OK;
}

static void inbox_fini(tr_self *self, void *state, tr_err why)
{
    (void) self;
    (void) why;
    inbox_unref(*(struct tr_inbox **) state);
}

static tr_err inbox_take(tr_self *self, void *state, const tr_msg *m)
{
    struct tr_inbox *in = *(struct tr_inbox **) state;
    struct tr_msg *copy = msg_copy_heap(m);
    if (copy == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    if (copy->kind == MSG_ASK)
        copy->kind = MSG_SEND; /* the request stays with this actor, on its own thread */
    if (inbox_push(in, copy))
        return TR_OK;
    msg_unref(NULL, copy);
    return tr_fail_with(self, TR_EFULL, "the inbox holds %u messages that its thread has not read", MAILBOX_LEN_MAX);
}

static tr_err inbox_close(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) state;
    (void) m;
    return TR_STOP;
}

static const tr_handler inbox_handlers[] = {
    { .tag = "troupe.inbox.close", .args = "", .run = inbox_close, .doc = "its thread has closed it" },
    { .tag = NULL },
};

static const tr_behaviour inbox_behaviour = {
    .name = "troupe.inbox",
    .state_size = sizeof(struct tr_inbox *),
    .handlers = inbox_handlers,
    .init = inbox_init,
    .fini = inbox_fini,
    .other = inbox_take,
    .doc = "hands what it gets to a thread",
};

tr_err inbox_spawn(tr_node *node, struct tr_inbox *in, tr_addr *addr)
{
    uint64_t id;
    tr_err err = node_spawn_internal(node, &inbox_behaviour, in, &id);
    if (err == TR_OK)
        *addr = (tr_addr){ 0, id };
    return err;
}

tr_err tr_inbox_open(tr_node *node, tr_inbox **inbox, tr_addr *addr)
{
    pthread_condattr_t attr;
    struct tr_inbox *in = mem_zalloc(sizeof *in);
    if (in == NULL)
        return TR_ENOMEM;
    in->node = node;
    in->refs = 2;
    pthread_mutex_init(&in->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&in->there, &attr);
    pthread_condattr_destroy(&attr);
    tr_err err = node_inbox_spawn(node, in, &in->addr);
    if (err != TR_OK) {
        in->refs = 1;
        inbox_unref(in);
        return err;
    }
    *addr = in->addr;
    *inbox = in;
    return TR_OK;
}

static bool inbox_wait(struct tr_inbox *in, int64_t deadline_ns)
{
    const struct timespec until = { deadline_ns / NS_PER_S, deadline_ns % NS_PER_S };
    while (in->head == NULL) {
        int rc = deadline_ns == INT64_MAX ? pthread_cond_wait(&in->there, &in->lock)
                                          : pthread_cond_timedwait(&in->there, &in->lock, &until);
        if (rc == ETIMEDOUT)
            return in->head != NULL;
    }
    return true;
}

tr_err tr_inbox_recv(tr_inbox *inbox, int64_t timeout_ms, tr_msg **m)
{
    tr_err err = TR_ETIMEDOUT;
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : clock_after_ms(clock_monotonic_ns(), timeout_ms);
    pthread_mutex_lock(&inbox->lock);
    if (inbox_wait(inbox, deadline)) {
        *m = inbox->head;
        inbox->head = inbox->head->next;
        if (inbox->head == NULL)
            inbox->tail = NULL;
        inbox->len--;
        err = TR_OK;
    }
    pthread_mutex_unlock(&inbox->lock);
    return err;
}

void tr_inbox_close(tr_inbox **inbox)
{
    struct tr_inbox *in = *inbox;
    if (in == NULL)
        return;
    *inbox = NULL;
    (void) tr_post(in->node, in->addr,
                   "troupe.inbox.close"); /* refused only when the node has stopped: then its end lets go */
    inbox_unref(in);
}
