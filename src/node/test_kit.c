/* SPDX-License-Identifier: MIT */
/* test_kit.c - the test kit: hours in milliseconds, and nothing left over */
#include <troupe/test.h>

#include <stdarg.h>
#include <string.h>

#include "actor/cell_ext.h"
#include "base/clock.h"
#include "base/sanitizer.h"
#include "node/node.h"

void tr_test_settle(tr_node *node)
{
    bool more;
    do
        if (node_enter(node, LOOP_SETTLE, 0, &more) != TR_OK)
            return;
    while (more);
}

tr_err tr_test_advance(tr_node *node, int64_t ms)
{
    struct worker *w = &node->sched[0]->worker;
    if (!node->world.opts.virtual_clock || ms < 0)
        return node->world.opts.virtual_clock ? TR_EINVAL : TR_ESTATE;
    int64_t until = clock_after_ms(w->now, ms);
    tr_test_settle(node);
    while (heap_min(&w->timers) <= until) {
        if (heap_min(&w->timers) > w->now)
            w->now = heap_min(&w->timers);
        tr_test_settle(node);
    }
    w->now = until;
    tr_test_settle(node);
    return TR_OK;
}

tr_time tr_test_now(const tr_node *node)
{
    return node->sched[0]->worker.now;
}

struct report {
    char *buf;
    size_t size, len, things;
};

static void report_add(struct report *r, size_t n, const char *what)
{
    r->things += n;
    if (n == 0 || r->size == 0)
        return;
    int len = snprintf(r->buf + r->len, r->size - r->len, "%s%zu %s", r->len > 0 ? ", " : "", n, what);
    r->len = len > 0 && r->len + (size_t) len < r->size ? r->len + (size_t) len : r->size - 1;
}

/* The counts of pools. An object may be given back to another worker's pool than it is from: only sums mean something.
 */
struct pools {
    size_t exts, owners, scopes, records, outcomes, errors, signals, tickets;
};

SANITIZER_MAY_RACE static void pools_add(struct worker *w, bool held, void *ctx)
{
    (void) held;
    struct pools *p = ctx;
    p->exts += (size_t) slab_live(&w->exts);
    for (const struct cell *c = w->internal.first; c != NULL; c = c->sibling_next)
        p->exts -= c->ext !=
                   NULL; /* the runtime's own actors, which ask on behalf of threads, live as long as the node */
    p->owners += (size_t) slab_live(&w->owners);
    p->scopes += (size_t) slab_live(&w->scopes);
    p->records += (size_t) slab_live(&w->records);
    p->outcomes += (size_t) slab_live(&w->outcomes);
    p->errors += (size_t) slab_live(&w->errors);
    p->signals += (size_t) slab_live(&w->signals);
    p->tickets += (size_t) slab_live(&w->tickets);
}

size_t tr_test_leftovers(const tr_node *node, char *buf, size_t size)
{
    struct report r = { buf, size, 0, 0 };
    struct pools p = { 0 };
    tr_node_stats s = { .size = sizeof s };
    tr_node_stats_get(node, &s);
    node_look(node, pools_add, &p);
    if (size > 0)
        buf[0] = '\0';
    report_add(&r, s.actors, "actors");
    report_add(&r, s.timers, "timers");
    report_add(&r, s.fds, "descriptors");
    report_add(&r, s.stacks, "stacks");
    report_add(&r, s.blocks, "messages");
    report_add(&r, s.pending_asks, "pending asks");
    report_add(&r, p.exts, "actor extensions");
    report_add(&r, p.owners, "owners");
    report_add(&r, p.scopes, "scopes");
    report_add(&r, p.records, "records");
    report_add(&r, p.outcomes, "outcomes");
    report_add(&r, p.errors, "errors");
    report_add(&r, p.signals, "signals");
    report_add(&r, p.tickets, "tickets");
    return r.things;
}

struct test_run {
    tr_body_fn *fn;
    void *arg;
    tr_err result;
    bool began;
};

static tr_err test_body(tr_self *self, void *arg)
{
    struct test_run *run = arg;
    run->began = true;
    run->result = run->fn(self, run->arg);
    return TR_OK;
}

tr_err tr_test_run(tr_body_fn *fn, void *arg, int64_t *elapsed_ms, char *buf, size_t size)
{
    tr_node *node;
    struct test_run run = { fn, arg, TR_EKILLED, false };
    const tr_node_opts opts = { .size = sizeof opts, .name = "test", .virtual_clock = true };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = test_body, .arg = &run, .name = "test" };
    if (size > 0)
        buf[0] = '\0';
    tr_err err = tr_node_create(&opts, &node);
    if (err != TR_OK)
        return err;
    tr_test_shuffle(node, tr_test_seed());
    err = tr_node_spawn(node, &spawn, NULL);
    if (err == TR_OK)
        err = tr_node_run(node);
    if (elapsed_ms != NULL)
        *elapsed_ms = node->sched[0]->worker.now / NS_PER_MS;
    size_t left = run.began ? tr_test_leftovers(node, buf, size)
                            : 0; /* else memory was out before there was anything */
    tr_node_destroy(&node);
    if (err == TR_OK)
        err = run.result;
    return left > 0 ? TR_ESTATE : err;
}
