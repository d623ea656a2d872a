/* SPDX-License-Identifier: MIT */
/* thread.c - the door for threads that are no actors: post, ask, look up
 *
 * What a thread sends is a heap block, pushed into the receiver's inbox as by another worker. A thread's ask is a note
 * to an actor of the runtime's own, which asks on its behalf and wakes it; so every rule of asking holds for threads
 * too. */
#include <string.h>
#include <time.h>

#include "actor/error.h"
#include "actor/registry.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "node/inbox.h"
#include "node/node.h"

/* One thread's ask: lies on the thread's stack, and is on the node's list while it waits. Whoever finishes it looks
 * there first, under the lock: a note about an ask that was told TR_ECLOSED points at nothing any more. (No new ones
 * come after that, so a pointer cannot mean two.) */
struct thread_ask {
    struct list link; /* tr_node.asks */
    pthread_cond_t done_cond;
    bool done;
    tr_addr to;
    int64_t timeout_ms;
    struct tr_msg *question; /* a heap block */
    struct tr_msg *reply;    /* a heap block */
    tr_err err;
    char text[256];
};

static tr_err post_block(tr_node *node, uint64_t to, struct tr_msg *m)
{
    if (atomic_load(&node->closed)) {
        msg_unref(NULL, m);
        return TR_ECLOSED;
    }
    m->to = to;
    post_message(&node->world, m);
    return TR_OK;
}

tr_err tr_post_values(tr_node *node, tr_addr to, const tr_value *values, size_t n)
{
    const char *why;
    struct tr_msg *m;
    if (tr_addr_is_nil(to) || to.node != 0)
        return TR_EINVAL;
    tr_err err = msg_build(NULL, values, n, true, &m, &why);
    return err == TR_OK ? post_block(node, to.actor, m) : err;
}

tr_err tr_node_whereis(tr_node *node, const char *name, tr_addr *who)
{
    uint64_t id = name != NULL ? registry_find(&node->world, name) : 0;
    if (id == 0)
        return TR_ENOPROC;
    *who = (tr_addr){ 0, id };
    return TR_OK;
}

/* ---- the asking actor ---- */

static bool is_listed(const tr_node *node, const struct thread_ask *ask)
{
    list_each (l, &node->asks)
        if (list_entry(l, struct thread_ask, link) == ask)
            return true;
    return false;
}

/* Under the lock. */
static void thread_ask_settle(struct thread_ask *ask, tr_err err, struct tr_msg *reply, const char *text)
{
    ask->err = err;
    ask->reply = reply;
    snprintf(ask->text, sizeof ask->text, "%s", text);
    ask->done = true;
    pthread_cond_signal(&ask->done_cond);
}

static void thread_ask_finish(tr_node *node, struct thread_ask *ask, tr_err err, struct tr_msg *reply, const char *text)
{
    pthread_mutex_lock(&node->door);
    bool listed = is_listed(node, ask) && !ask->done;
    if (listed)
        thread_ask_settle(ask, err, reply, text);
    pthread_mutex_unlock(&node->door);
    if (!listed && reply != NULL)
        msg_unref(NULL, reply);
}

void node_door_close(tr_node *node)
{
    pthread_mutex_lock(&node->door);
    atomic_store(&node->closed, true);
    list_each (l, &node->asks) {
        struct thread_ask *ask = list_entry(l, struct thread_ask, link);
        if (!ask->done)
            thread_ask_settle(ask, TR_ECLOSED, NULL, "the node has stopped");
    }
    pthread_mutex_unlock(&node->door);
}

/* Whether an ask that a note points at still waits. Only the node's thread finishes asks, so what it says to that
 * thread stays true. */
static bool thread_ask_waits(tr_node *node, const struct thread_ask *ask)
{
    pthread_mutex_lock(&node->door);
    bool waits = is_listed(node, ask) && !ask->done;
    pthread_mutex_unlock(&node->door);
    return waits;
}

static tr_err on_answer(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    (void) state;
    struct tr_msg *copy = err == TR_OK ? msg_copy_heap(reply) : NULL;
    if (err == TR_OK && copy == NULL)
        thread_ask_finish(tr_self_node(self), ctx, TR_ENOMEM, NULL, "out of memory");
    else
        thread_ask_finish(tr_self_node(self), ctx, err, copy, err != TR_OK ? tr_error(self)->text : "");
    return TR_OK;
}

static tr_err on_ask(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    void *p;
    tr_value values[TR_ARGS_MAX + 1];
    tr_args(m, &p);
    struct thread_ask *ask = p;
    if (!thread_ask_waits(tr_self_node(self), ask))
        return TR_OK;
    size_t n = tr_argc(ask->question);
    values[0] = tr_str(tr_tag(ask->question));
    for (size_t i = 0; i < n; i++)
        values[i + 1] = tr_v_item(tr_arg(ask->question, i));
    tr_err err = tr_ask_then_values(self, ask->to, ask->timeout_ms, on_answer, ask, values, n + 1);
    if (err != TR_OK)
        thread_ask_finish(tr_self_node(self), ask, err, NULL, tr_error(self)->text);
    return TR_OK;
}

static tr_err on_inbox(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    void *ask_p, *inbox;
    tr_args(m, &ask_p, &inbox);
    struct thread_ask *ask = ask_p;
    if (!thread_ask_waits(tr_self_node(self), ask))
        return TR_OK;
    tr_err err = inbox_spawn(tr_self_node(self), inbox, &ask->to);
    thread_ask_finish(tr_self_node(self), ask, err, NULL, "");
    return TR_OK;
}

static const tr_handler asker_handlers[] = {
    { .tag = "inbox", .args = "ask:ptr, inbox:ptr", .run = on_inbox, .doc = "makes an inbox's actor" },
    { .tag = "ask", .args = "ask:ptr", .run = on_ask, .doc = "asks on behalf of a thread", .flags = TR_REENTRANT },
    { .tag = NULL },
};

static const tr_behaviour asker = { .name = "troupe.asker",
                                    .handlers = asker_handlers,
                                    .doc = "asks on behalf of threads" };

tr_err node_asker_start(tr_node *node)
{
    return node_spawn_internal(node, &asker, NULL, &node->asker);
}

/* ---- the thread's side ---- */

/* Blocks this thread until its ask is finished. TR_ECLOSED: the node takes none any more. */
static tr_err thread_ask_wait(tr_node *node, struct thread_ask *ask, struct tr_msg *note)
{
    pthread_mutex_lock(&node->door);
    if (atomic_load(&node->closed)) {
        pthread_mutex_unlock(&node->door);
        msg_unref(NULL, note);
        return TR_ECLOSED;
    }
    list_push(&node->asks, &ask->link);
    note->to = node->asker;
    post_message(&node->world, note);
    while (!ask->done)
        pthread_cond_wait(&ask->done_cond, &node->door);
    list_remove(&ask->link);
    pthread_mutex_unlock(&node->door);
    return ask->err;
}

/* inbox NULL: an ask; else a wish for that inbox's actor. */
static tr_err note_build(struct thread_ask *ask, struct tr_inbox *inbox, struct tr_msg **note)
{
    const char *why;
    const tr_value values[] = { tr_str(inbox != NULL ? "inbox" : "ask"), tr_local_ptr(ask), tr_local_ptr(inbox) };
    tr_err err = msg_build(NULL, values, inbox != NULL ? 3 : 2, true, note, &why);
    if (err == TR_OK)
        (*note)->flags |= MSG_UNCOUNTED; /* the thread waits for it: it must not be refused */
    return err;
}

static tr_err thread_ask_run(tr_node *node, struct thread_ask *ask, struct tr_inbox *inbox, tr_msg **reply, char *text,
                             size_t text_size)
{
    struct tr_msg *note;
    pthread_cond_init(&ask->done_cond, NULL);
    tr_err err = note_build(ask, inbox, &note);
    if (err == TR_OK)
        err = thread_ask_wait(node, ask, note);
    if (err == TR_OK && reply != NULL)
        *reply = ask->reply;
    else if (ask->reply != NULL)
        msg_unref(NULL, ask->reply);
    if (err != TR_OK && text != NULL && text_size > 0)
        snprintf(text, text_size, "%s", ask->text[0] != '\0' ? ask->text : tr_err_text(err));
    pthread_cond_destroy(&ask->done_cond);
    return err;
}

tr_err node_inbox_spawn(tr_node *node, struct tr_inbox *inbox, tr_addr *addr)
{
    const struct worker *here = sched_current();
    pthread_mutex_lock(&node->door);
    bool ours = !node->entered || (here != NULL && here->world == &node->world);
    tr_err err = ours ? inbox_spawn(node, inbox, addr) : TR_OK;
    pthread_mutex_unlock(&node->door);
    if (ours)
        return err;
    struct thread_ask ask = { .done = false };
    err = thread_ask_run(node, &ask, inbox, NULL, NULL, 0);
    if (err == TR_OK)
        *addr = ask.to;
    return err;
}

tr_err tr_node_ask_values(tr_node *node, tr_addr to, int64_t timeout_ms, tr_msg **reply, char *text, size_t text_size,
                          const tr_value *values, size_t n)
{
    const char *why;
    struct thread_ask ask = { .to = to, .timeout_ms = timeout_ms };
    const struct worker *here = sched_current();
    if (here != NULL && here->world == &node->world)
        return TR_ESTATE;
    tr_err err = msg_build(NULL, values, n, true, &ask.question, &why);
    if (err != TR_OK) {
        if (text != NULL && text_size > 0)
            snprintf(text, text_size, "%s", why);
        return err;
    }
    err = thread_ask_run(node, &ask, NULL, reply, text, text_size);
    msg_unref(NULL, ask.question);
    return err;
}
