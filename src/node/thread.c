/* SPDX-License-Identifier: MIT */
/* thread.c - the door for threads that are no actors: post, ask, look up
 *
 * What a thread sends is a heap block, pushed onto the worker's stack of posts. A thread's ask is a note to an actor of the runtime's own, which asks on its
 * behalf and wakes it; so every rule of asking holds for threads too. */
#include <string.h>
#include <time.h>

#include "actor/error.h"
#include "actor/registry.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "node/inbox.h"
#include "node/node.h"

/* One thread's ask; shared by it and the asking actor, freed by whoever comes last. */
struct thread_ask {
    pthread_mutex_t lock;
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
    if (atomic_load(&node->sched.posts.closed)) {
        msg_unref(NULL, m);
        return TR_ECLOSED;
    }
    m->to = to;
    post_push(&node->sched.posts, &node->sched.poller, m);
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

static void thread_ask_finish(struct thread_ask *ask, tr_err err, struct tr_msg *reply, const char *text)
{
    pthread_mutex_lock(&ask->lock);
    ask->err = err;
    ask->reply = reply;
    snprintf(ask->text, sizeof ask->text, "%s", text);
    ask->done = true;
    pthread_cond_signal(&ask->done_cond);
    pthread_mutex_unlock(&ask->lock); /* ask lies on its thread's stack: it may be gone from here on */
}

static tr_err on_answer(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    (void) state;
    struct tr_msg *copy = err == TR_OK ? msg_copy_heap(reply) : NULL;
    if (err == TR_OK && copy == NULL)
        thread_ask_finish(ctx, TR_ENOMEM, NULL, "out of memory");
    else
        thread_ask_finish(ctx, err, copy, err != TR_OK ? tr_error(self)->text : "");
    return TR_OK;
}

static tr_err on_ask(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    void *p;
    tr_value values[TR_ARGS_MAX + 1];
    tr_args(m, &p);
    struct thread_ask *ask = p;
    size_t n = tr_argc(ask->question);
    values[0] = tr_str(tr_tag(ask->question));
    for (size_t i = 0; i < n; i++)
        values[i + 1] = tr_v_item(tr_arg(ask->question, i));
    tr_err err = tr_ask_then_values(self, ask->to, ask->timeout_ms, on_answer, ask, values, n + 1);
    if (err != TR_OK)
        thread_ask_finish(ask, err, NULL, tr_error(self)->text);
    return TR_OK;
}

static tr_err on_inbox(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    void *ask_p, *inbox;
    tr_args(m, &ask_p, &inbox);
    struct thread_ask *ask = ask_p;
    tr_err err = inbox_spawn(tr_self_node(self), inbox, &ask->to);
    thread_ask_finish(ask, err, NULL, "");
    return TR_OK;
}

static const tr_handler asker_handlers[] = {
    { .tag = "inbox", .args = "ask:ptr, inbox:ptr", .run = on_inbox, .doc = "makes an inbox's actor" },
    { .tag = "ask", .args = "ask:ptr", .run = on_ask, .doc = "asks on behalf of a thread", .flags = TR_REENTRANT },
    { .tag = NULL },
};

static const tr_behaviour asker = { .name = "troupe.asker", .handlers = asker_handlers, .doc = "asks on behalf of threads" };

tr_err node_asker_start(tr_node *node)
{
    return node_spawn_internal(node, &asker, NULL, &node->asker);
}

/* ---- the thread's side ---- */

static void thread_ask_wait(struct thread_ask *ask)
{
    pthread_mutex_lock(&ask->lock);
    while (!ask->done)
        pthread_cond_wait(&ask->done_cond, &ask->lock);
    pthread_mutex_unlock(&ask->lock);
}

static tr_err thread_ask_send(tr_node *node, struct thread_ask *ask, struct tr_inbox *inbox)
{
    const char *why;
    struct tr_msg *note;
    const tr_value values[] = { tr_str(inbox != NULL ? "inbox" : "ask"), tr_local_ptr(ask), tr_local_ptr(inbox) };
    tr_err err = msg_build(NULL, values, inbox != NULL ? 3 : 2, true, &note, &why);
    if (err != TR_OK)
        return err;
    note->flags |= MSG_UNCOUNTED; /* the thread waits for it: it must not be refused */
    return post_block(node, node->asker, note);
}

static tr_err thread_ask_run(tr_node *node, struct thread_ask *ask, struct tr_inbox *inbox, tr_msg **reply, char *text,
                             size_t text_size)
{
    pthread_mutex_init(&ask->lock, NULL);
    pthread_cond_init(&ask->done_cond, NULL);
    tr_err err = thread_ask_send(node, ask, inbox);
    if (err == TR_OK) {
        thread_ask_wait(ask);
        err = ask->err;
    }
    if (err == TR_OK && reply != NULL)
        *reply = ask->reply;
    else if (ask->reply != NULL)
        msg_unref(NULL, ask->reply);
    if (err != TR_OK && text != NULL && text_size > 0)
        snprintf(text, text_size, "%s", ask->text[0] != '\0' ? ask->text : tr_err_text(err));
    pthread_cond_destroy(&ask->done_cond);
    pthread_mutex_destroy(&ask->lock);
    return err;
}

tr_err node_inbox_spawn(tr_node *node, struct tr_inbox *inbox, tr_addr *addr)
{
    const struct worker *here = sched_current();
    pthread_mutex_lock(&node->entered_lock);
    bool ours = !node->entered || (here != NULL && here->world == &node->world);
    tr_err err = ours ? inbox_spawn(node, inbox, addr) : TR_OK;
    pthread_mutex_unlock(&node->entered_lock);
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
