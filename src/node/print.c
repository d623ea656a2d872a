/* SPDX-License-Identifier: MIT */
/* print.c - every living actor on a line: what it is, what it does, what it waits for */
#include "actor/ask.h"
#include "actor/cell_ext.h"
#include "base/clock.h"
#include "node/node.h"

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

static void actor_name(const struct worker *w, uint64_t id, char text[CELL_TEXT_MAX])
{
    char addr[TR_ADDR_TEXT_MAX];
    const struct cell *c = cell_alive(w, id);
    if (c != NULL)
        (void) cell_text_any(w, c, text);
    else
        snprintf(text, CELL_TEXT_MAX, "%s", tr_addr_text((tr_addr){ 0, id }, addr));
}

static void wait_print(const struct worker *w, const struct wait *wait, FILE *out)
{
    char text[CELL_TEXT_MAX] = "";
    if (wait->kind == WAIT_ASK || wait->kind == WAIT_ROOM || wait->kind == WAIT_END)
        actor_name(w, wait->kind == WAIT_ASK ? wait->ask->holder : wait->target, text);
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
        [WAIT_YIELD] = " for its turn",
    };
    fprintf(out, "%s%s", names[wait->kind], text);
    if (wait->kind == WAIT_ASKS)
        fprintf(out, " (%u of %u to come)", wait->left, wait->n);
    else if (wait->kind == WAIT_CHILDREN)
        fprintf(out, " (%zu alive)", wait->owner->count);
    else if (wait->kind == WAIT_FD)
        fprintf(out, " %d", wait->fd);
    else if (wait->kind == WAIT_TIME)
        fprintf(out, " in %lld ms", (long long) ((wait->deadline - w->now) / NS_PER_MS));
}

static void actor_print(const struct worker *w, const struct cell *c, FILE *out)
{
    char text[CELL_TEXT_MAX];
    fprintf(out, "%s %s", cell_text(c, text), life_name(c));
    for (const struct tr_self *s = c->stacks; s != NULL; s = s->next_stack)
        wait_print(w, &s->wait, out);
    fprintf(out, ", mailbox %u (%u bytes)\n", c->len, c->bytes);
}

static void worker_print(struct worker *w, void *out)
{
    const struct cell_table *t = &w->world->cells;
    for (uint32_t slot = 0; slot < t->used; slot++) {
        const struct cell *c = &atomic_load(&t->chunk[slot / CELL_CHUNK])[slot % CELL_CHUNK];
        if (cell_is_here(w, c) && (c->run.flags & CELL_LIVE) && !(c->run.flags & CELL_INTERNAL))
            actor_print(w, c, out);
    }
}

void tr_node_print(const tr_node *node, FILE *out)
{
    fprintf(out, "%s: %zu actors\n", node->name, world_live(&node->world));
    if (!node_look(node, worker_print, out))
        fprintf(out, "(a worker could not be stopped: what is printed of its actors may be torn)\n");
}
