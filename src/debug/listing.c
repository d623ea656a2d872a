/* SPDX-License-Identifier: MIT */
/* listing.c - a whole listing: snapshot, the stacks that run, words */
#include "debug/listing.h"

#include <unistd.h>

#include "base/alloc.h"
#include "debug/capture.h"
#include "debug/here.h"
#include "debug/report.h"
#include "debug/snapshot.h"
#include "debug/thread_stack.h"

/* The stack of the call that runs, of whichever thread, while nobody has run another since. */
static void running_stack_take(struct snapshot *s, struct snap_stack *stack, int tid, int signo)
{
    if (tid == (int) gettid()) {
        struct here *here = mem_alloc(sizeof *here);
        if (here != NULL) {
            here_take(here);
            snapshot_give_stack(s, stack, here->registers, here->low, here->bytes, here->size);
        }
        mem_free(here);
        return;
    }
    struct capture *c = mem_alloc(sizeof *c);
    if (c != NULL && capture_thread(tid, signo, c))
        snapshot_give_stack(s, stack, c->registers, c->low, c->bytes, c->size);
    mem_free(c);
}

/* Only the worker that runs an actor can have its stack; if it has gone on to another meanwhile, what was captured is
 * not this one's. */
static void running_stacks_take(struct snapshot *s, int signo)
{
    for (size_t i = 0; i < s->actors_len; i++)
        for (size_t k = 0; k < s->actors[i].stacks_len; k++) {
            struct snap_stack *stack = &s->stacks[s->actors[i].stacks_at + k];
            const struct snap_worker *w = stack->runs ? &s->workers[stack->worker] : NULL;
            if (w == NULL || w->tid == 0)
                continue;
            running_stack_take(s, stack, w->tid, signo);
            if (!snapshot_still_runs(s, stack))
                *stack = (struct snap_stack){ .moving = true };
        }
}

struct writing {
    const struct snapshot *s;
    FILE *out;
    tr_err err;
};

static int write_words(void *arg)
{
    struct writing *w = arg;
    struct symbols symbols;
    symbols_open(&symbols);
    w->err = report_write(w->s, &symbols, w->out);
    symbols_close(&symbols);
    return 0;
}

/* Reading symbols needs more stack than an actor may have. */
tr_err listing_write(const tr_node *node, int signo, FILE *out)
{
    struct snapshot s;
    struct writing writing = { &s, out, TR_EIO };
    snapshot_take(&s, node);
    running_stacks_take(&s, signo);
    if (s.readable)
        (void) on_thread_stack(write_words, &writing);
    snapshot_fini(&s);
    return writing.err;
}
