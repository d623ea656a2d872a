/* SPDX-License-Identifier: MIT */
/* print.c - every living actor on a line: what it is, what it does, what it waits for */
#include "actor/ask.h"
#include "actor/cell_ext.h"
#include "base/clock.h"
#include "base/sanitizer.h"
#include "node/node.h"
#include "node/print.h"

static const char *life_name(const struct cell *c)
{
    if (c->run.flags & CELL_CLOSED)
        return "ending";
    if (c->run.flags & CELL_CANCELED)
        return "cancelled";
    if (c->stacks != NULL)
        return c->run.flags & CELL_WANTS_MAIL ? "idle" : "waiting";
    return c->run.flags & CELL_QUEUED ? "ready" : c->run.flags & CELL_BUSY ? "running" : "idle";
}

/* The lock is for the name: an actor that runs may just be giving its own away. */
static void cell_name(const struct worker *w, const struct cell *c, char text[CELL_TEXT_MAX])
{
    pthread_mutex_lock(&w->world->names_lock);
    (void) cell_text_any(w, c, text);
    pthread_mutex_unlock(&w->world->names_lock);
}

static void actor_name(const struct worker *w, uint64_t id, char text[CELL_TEXT_MAX])
{
    char addr[TR_ADDR_TEXT_MAX];
    const struct cell *c = cell_alive(w, id);
    if (c != NULL)
        cell_name(w, c, text);
    else
        snprintf(text, CELL_TEXT_MAX, "%s", tr_addr_text((tr_addr){ 0, id }, addr));
}

/* w->now is one word, and may be refreshed beside us. */
SANITIZER_MAY_RACE static long long in_ms(const struct worker *w, int64_t deadline)
{
    return (long long) ((deadline - w->now) / NS_PER_MS);
}

const char *wait_words(unsigned kind)
{
    static const char *const names[] = {
        [WAIT_NONE] = "",
        [WAIT_MAIL] = " for a message",
        [WAIT_ASK] = " for an answer of ",
        [WAIT_ASKS] = " for answers",
        [WAIT_ITEMS] = " for several things",
        [WAIT_ROOM] = " for room at ",
        [WAIT_END] = " for the end of ",
        [WAIT_CHILDREN] = " for its children",
        [WAIT_TIME] = " for a time",
        [WAIT_FD] = " for a descriptor",
        [WAIT_WORK] = " for work on a thread",
        [WAIT_SLOT] = " for a connection",
        [WAIT_YIELD] = " for its turn",
    };
    return kind < sizeof names / sizeof names[0] && names[kind] != NULL ? names[kind] : " for something";
}

static void wait_print(const struct worker *w, const struct wait *wait, FILE *out)
{
    char text[CELL_TEXT_MAX] = "";
    if (wait->kind == WAIT_ASK || wait->kind == WAIT_ROOM || wait->kind == WAIT_END)
        actor_name(w, wait->kind == WAIT_ASK ? wait->ask->holder : wait->target, text);
    fprintf(out, "%s%s", wait_words(wait->kind), text);
    if (wait->kind == WAIT_ASKS)
        fprintf(out, " (%u of %u to come)", wait->left, wait->n);
    else if (wait->kind == WAIT_CHILDREN)
        fprintf(out, " (%zu alive)", wait->owner->count);
    else if (wait->kind == WAIT_FD)
        fprintf(out, " %d", wait->fd);
    else if (wait->kind == WAIT_TIME)
        fprintf(out, " in %lld ms", in_ms(w, wait->deadline));
}

static void actor_print(const struct worker *w, const struct cell *c, FILE *out)
{
    char text[CELL_TEXT_MAX];
    cell_name(w, c, text);
    fprintf(out, "%s %s", text, life_name(c));
    for (const struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        wait_print(w, &s->wait, out);
    fprintf(out, ", mailbox %u (%u bytes)\n", c->len, c->bytes);
}

/* Of an actor that may change under our eyes: no stack, no name. */
SANITIZER_MAY_RACE static void actor_glance(const struct cell *c, FILE *out)
{
    char text[CELL_TEXT_MAX];
    fprintf(out, "%s, mailbox %u (%u bytes), on a worker that could not be stopped to look at more\n",
            cell_text_far(c, text), c->len, c->bytes);
}

SANITIZER_MAY_RACE static bool is_listed(const struct cell *c)
{
    return (c->run.flags & CELL_LIVE) && !(c->run.flags & CELL_INTERNAL);
}

static uint32_t slots_used(struct cell_table *t)
{
    pthread_mutex_lock(&t->lock);
    uint32_t used = t->used;
    pthread_mutex_unlock(&t->lock);
    return used;
}

static void worker_print(struct worker *w, bool held, void *out)
{
    struct cell_table *t = &w->world->cells;
    uint32_t used = slots_used(t);
    for (uint32_t slot = 0; slot < used; slot++) {
        const struct cell *c = &atomic_load(&t->chunk[slot / CELL_CHUNK])[slot % CELL_CHUNK];
        if (!cell_is_here(w, c) || !is_listed(c))
            continue;
        if (held)
            actor_print(w, c, out);
        else
            actor_glance(c, out);
    }
}

void tr_node_print(const tr_node *node, FILE *out)
{
    fprintf(out, "%s: %zu actors\n", node->name, world_live(&node->world));
    node_look(node, worker_print, out);
}
