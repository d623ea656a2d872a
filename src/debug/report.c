/* SPDX-License-Identifier: MIT */
/* report.c - a snapshot in words: workers, the tree of actors and scopes, waits, stacks
 *
 * The tree is made here: actors are sorted by the address of the owner that answers for them, which is the root's, an
 * actor's own, or a scope's. Whoever hangs on an owner that the snapshot does not have (it changed hands meanwhile, or
 * lies deeper than DEPTH_MAX) comes at the end. */
#include "debug/report.h"

#include <stdlib.h>

#include "actor/cell_ext.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "node/print.h"

#define DEPTH_MAX 100             /* of the tree */
#define STUCK_NS (20 * NS_PER_MS) /* a running worker looks at its clock every millisecond or two */

struct report {
    const struct snapshot *s;
    struct symbols *symbols;
    FILE *out;
    struct snap_actor **by_owner; /* sorted */
};

/* ---- small words ---- */

static const char *actor_text(const struct snapshot *s, uint64_t id, char text[CELL_TEXT_MAX])
{
    char addr[TR_ADDR_TEXT_MAX];
    const struct snap_actor *a = snapshot_find(s, id);
    snprintf(text, CELL_TEXT_MAX, "%s%s%s", a != NULL ? a->label : "", a != NULL ? " " : "",
             tr_addr_text((tr_addr){ 0, id }, addr));
    return text;
}

static void duration_write(FILE *out, const char *before, int64_t ns)
{
    fprintf(out, "%s%lld.%03d s", before, (long long) ((ns > 0 ? ns : 0) / NS_PER_S),
            (int) ((ns > 0 ? ns : 0) / NS_PER_MS % 1000));
}

static void deadline_write(const struct report *r, int64_t deadline)
{
    if (deadline == INT64_MAX)
        return;
    if (deadline >= r->s->now)
        duration_write(r->out, ", at most another ", deadline - r->s->now);
    else
        duration_write(r->out, ", overdue by ", r->s->now - deadline);
}

static const char *life_of(const struct snapshot *s, const struct snap_actor *a)
{
    const struct snap_stack *top = a->stacks_len > 0 ? &s->stacks[a->stacks_at] : NULL;
    for (size_t i = 0; i < a->stacks_len; i++)
        if (s->stacks[a->stacks_at + i].runs)
            return a->flags & CELL_CLOSED ? "running its end" : "running";
    if (a->flags & CELL_CLOSED)
        return "ending";
    if (a->flags & CELL_CANCELED)
        return "cancelled";
    if (top != NULL)
        return a->flags & CELL_WANTS_MAIL ? "idle" : "waiting";
    return a->flags & CELL_QUEUED ? "ready" : a->flags & CELL_BUSY ? "running" : "idle";
}

/* ---- stacks ---- */

struct frames {
    FILE *out;
    int indent, n;
};

static bool frame_write(void *ctx, const tr_debug_frame *frame)
{
    char text[512];
    struct frames *f = ctx;
    if (frame_is_of_loop(frame))
        return f->n == 0; /* first how it went to sleep, last how it was called: neither is news */
    frame_text(frame, text, sizeof text);
    fprintf(f->out, "%*s#%d %s\n", f->indent, "", f->n++, text);
    return true;
}

static void wait_write(const struct report *r, const struct snap_stack *stack)
{
    char text[CELL_TEXT_MAX];
    const struct wait *wait = &stack->wait;
    fprintf(r->out, "waits%s%s", wait_words(wait->kind),
            stack->target != 0 ? actor_text(r->s, stack->target, text) : "");
    if (wait->kind == WAIT_ASKS)
        fprintf(r->out, " (%u of %u to come)", wait->left, wait->n);
    else if (wait->kind == WAIT_ITEMS)
        fprintf(r->out, " (%s %u)", wait->all ? "all" : "one of", wait->n);
    else if (wait->kind == WAIT_CHILDREN)
        fprintf(r->out, " (%zu alive)", stack->count);
    else if (wait->kind == WAIT_FD)
        fprintf(r->out, " %d", wait->fd);
    duration_write(r->out, ", for ", r->s->now - stack->since);
    deadline_write(r, wait->deadline);
}

static void stack_write(const struct report *r, const struct snap_stack *stack, int indent)
{
    struct frames frames = { r->out, indent + 2, 0 };
    const tr_debug_stack where = snapshot_stack(r->s, stack);
    fprintf(r->out, "%*s", indent, "");
    if (stack->moving)
        fprintf(r->out, "runs and waits by turns");
    else if (stack->runs)
        fprintf(r->out, "runs");
    else
        wait_write(r, stack);
    if (stack->handling[0] != '\0')
        fprintf(r->out, " (handling \"%s\")", stack->handling);
    if (stack->runs && where.ip == 0)
        fprintf(r->out, "; its stack is not to be had: %s", "tr_debug_on_signal was not called, or it did not answer");
    fprintf(r->out, "\n");
    if (where.ip != 0)
        symbols_walk(r->symbols, &where, frame_write, &frames);
}

/* ---- the tree ---- */

static int compare_owners(const void *a, const void *b)
{
    const struct snap_actor *x = *(struct snap_actor *const *) a, *y = *(struct snap_actor *const *) b;
    if (x->owner_at != y->owner_at)
        return x->owner_at < y->owner_at ? -1 : 1;
    return (uint32_t) x->id < (uint32_t) y->id ? -1 : 1;
}

/* Index of the first that this owner answers for. */
static size_t first_of(const struct report *r, uintptr_t owner_at)
{
    size_t low = 0, high = r->s->actors_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->by_owner[middle]->owner_at < owner_at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void children_write(const struct report *r, uintptr_t owner_at, int depth);

static void scope_write(const struct report *r, const struct snap_scope *scope, int depth)
{
    fprintf(r->out, "%*sin its scope %s (%zu alive%s%s)", 4 * depth + 2, "", scope->name, scope->count,
            scope->shield ? ", shielded" : "", scope->canceled ? ", cancelled" : "");
    deadline_write(r, scope->deadline);
    fprintf(r->out, "\n");
    children_write(r, scope->at, depth + 1);
}

static void actor_write(const struct report *r, struct snap_actor *a, int depth)
{
    char text[CELL_TEXT_MAX];
    const struct snapshot *s = r->s;
    a->written = true;
    fprintf(r->out, "%*s%s, %s, mailbox %u (%u bytes)\n", 4 * depth, "", actor_text(s, a->id, text), life_of(s, a),
            a->len, a->bytes);
    for (size_t i = 0; i < a->stacks_len; i++)
        stack_write(r, &s->stacks[a->stacks_at + i], 4 * depth + 2);
    if (a->owned_at != 0)
        children_write(r, a->owned_at, depth + 1);
    for (size_t i = 0; i < a->stacks_len; i++) {
        const struct snap_stack *stack = &s->stacks[a->stacks_at + i];
        for (size_t k = stack->scopes_len; k > 0; k--) /* outermost first */
            scope_write(r, &s->scopes[stack->scopes_at + k - 1], depth);
    }
}

static void children_write(const struct report *r, uintptr_t owner_at, int depth)
{
    if (depth > DEPTH_MAX)
        return;
    for (size_t i = first_of(r, owner_at); i < r->s->actors_len && r->by_owner[i]->owner_at == owner_at; i++)
        if (!r->by_owner[i]->written)
            actor_write(r, r->by_owner[i], depth);
}

static void strays_write(const struct report *r)
{
    bool any = false;
    for (size_t i = 0; i < r->s->actors_len; i++) {
        if (r->by_owner[i]->written)
            continue;
        if (!any)
            fprintf(r->out, "whose owner changed meanwhile, or lies deeper than %d:\n", DEPTH_MAX);
        any = true;
        actor_write(r, r->by_owner[i], 0);
    }
}

/* ---- all ---- */

static void worker_write(const struct report *r, size_t i)
{
    char text[CELL_TEXT_MAX];
    const struct snap_worker *w = &r->s->workers[i];
    int64_t behind = r->s->now - w->now;
    fprintf(r->out, "worker %zu ", i);
    if (w->tid == 0) {
        fprintf(r->out, "is run by no thread now\n");
        return;
    }
    if (w->runs == 0)
        fprintf(r->out, "(thread %d) %s\n", w->tid, w->sleeps ? "sleeps: nothing is ready" : "is between two turns");
    else
        fprintf(r->out, "(thread %d) runs %s", w->tid, actor_text(r->s, w->runs, text));
    if (w->runs != 0 && behind > STUCK_NS)
        duration_write(r->out, ", and has not looked up for ", behind);
    if (w->runs != 0)
        fprintf(r->out, "\n");
}

tr_err report_write(const struct snapshot *s, struct symbols *symbols, FILE *out)
{
    struct report r = { s, symbols, out, NULL };
    if (s->out_of_memory)
        return TR_ENOMEM;
    r.by_owner = mem_alloc(s->actors_len * sizeof(struct snap_actor *));
    if (r.by_owner == NULL)
        return TR_ENOMEM;
    for (size_t i = 0; i < s->actors_len; i++)
        r.by_owner[i] = &s->actors[i];
    qsort(r.by_owner, s->actors_len, sizeof(struct snap_actor *), compare_owners);
    fprintf(out, "%s: %zu actors", s->name, s->actors_len + s->more);
    if (s->more > 0)
        fprintf(out, ", %zu of them not listed", s->more);
    fprintf(out, "\n");
    for (size_t i = 0; i < s->workers_len; i++)
        worker_write(&r, i);
    for (size_t i = 0; i < s->workers_len; i++)
        children_write(&r, s->workers[i].root_at, 0);
    strays_write(&r);
    if (!symbols_are_full(symbols))
        fprintf(out,
                "(frames by the dynamic linker alone: link troupe_debug for names of static functions and lines)\n");
    mem_free(r.by_owner);
    return fflush(out) == 0 && !ferror(out) ? TR_OK : TR_EIO;
}
