/* SPDX-License-Identifier: MIT */
/* test_kit.c - the test kit: hours in milliseconds, and nothing left over */
#include <troupe/test.h>

#include <stdarg.h>
#include <string.h>

#include "actor/cell_ext.h"
#include "base/clock.h"
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
    struct worker *w = &node->sched.worker;
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
    return node->sched.worker.now;
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

/* The runtime's own actors, which ask on behalf of threads, live as long as the node. */
static size_t exts_of_the_runtime(const tr_node *node)
{
    size_t n = 0;
    for (const struct cell *c = node->internal.first; c != NULL; c = c->sibling_next)
        n += c->ext != NULL;
    return n;
}

size_t tr_test_leftovers(const tr_node *node, char *buf, size_t size)
{
    struct report r = { buf, size, 0, 0 };
    const struct worker *w = &node->sched.worker;
    tr_node_stats s = { .size = sizeof s };
    tr_node_stats_get(node, &s);
    if (size > 0)
        buf[0] = '\0';
    report_add(&r, s.actors, "actors");
    report_add(&r, s.timers, "timers");
    report_add(&r, s.fds, "descriptors");
    report_add(&r, s.stacks, "stacks");
    report_add(&r, s.blocks, "messages");
    report_add(&r, s.pending_asks, "pending asks");
    report_add(&r, w->exts.live - exts_of_the_runtime(node), "actor extensions");
    report_add(&r, w->owners.live, "owners");
    report_add(&r, w->scopes.live, "scopes");
    report_add(&r, w->records.live, "records");
    report_add(&r, w->outcomes.live, "outcomes");
    report_add(&r, w->errors.live, "errors");
    return r.things;
}

struct test_run {
    tr_body_fn *fn;
    void *arg;
    tr_err result;
};

static tr_err test_body(tr_self *self, void *arg)
{
    struct test_run *run = arg;
    run->result = run->fn(self, run->arg);
    return TR_OK;
}

tr_err tr_test_run(tr_body_fn *fn, void *arg, int64_t *elapsed_ms, char *buf, size_t size)
{
    tr_node *node;
    struct test_run run = { fn, arg, TR_EKILLED };
    const tr_node_opts opts = { .size = sizeof opts, .name = "test", .virtual_clock = true };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = test_body, .arg = &run, .name = "test" };
    tr_err err = tr_node_create(&opts, &node);
    if (err != TR_OK)
        return err;
    tr_test_shuffle(node, tr_test_seed());
    err = tr_node_spawn(node, &spawn, NULL);
    if (err == TR_OK)
        err = tr_node_run(node);
    if (elapsed_ms != NULL)
        *elapsed_ms = node->sched.worker.now / NS_PER_MS;
    size_t left = tr_test_leftovers(node, buf, size);
    tr_node_destroy(&node);
    if (err == TR_OK)
        err = run.result;
    return left > 0 ? TR_ESTATE : err;
}
