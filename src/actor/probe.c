/* SPDX-License-Identifier: MIT */
/* probe.c - the search for a cycle of waits that goes over several workers */
#include "actor/probe.h"

#include <stdio.h>
#include <string.h>

#include "actor/ask.h"
#include "actor/cell_ext.h"
#include "actor/deadlock.h"
#include "actor/error.h"
#include "actor/remote.h"
#include "actor/scope_kernel.h"
#include "actor/signal.h"
#include "base/alloc.h"
#include "base/clock.h"

#define PAUSE_FIRST_NS (20 * NS_PER_MS)
#define PAUSE_MAX_NS NS_PER_S
#define WORDS_MAX 256
#define BRANCHES_MAX 64 /* of one wait for many; the others are followed by the probes that start there */

/* What a probe carries: signal.more. */
struct probe {
    struct worker *home; /* of the wait that sent it */
    uint64_t origin, seq;
    int64_t deadline; /* of that wait: one that ends sooner is no obstacle */
    unsigned depth;
    char words[WORDS_MAX]; /* "a waits for b waits for" */
};

static void probe_arrive(struct worker *w, struct errand *e);

static void probe_send(struct worker *w, const struct probe *p, uint64_t to)
{
    struct probe *copy = p->depth < DEADLOCK_DEPTH ? mem_alloc(sizeof *copy) : NULL;
    struct signal *s = copy != NULL ? signal_new(w, probe_arrive, to, NULL) : NULL;
    if (s == NULL) { /* later, or by its deadline */
        mem_free(copy);
        return;
    }
    *copy = *p;
    copy->depth++;
    s->more = copy;
    signal_send(w, s);
}

/* ---- along the edges ---- */

static void asks_follow(struct worker *w, struct probe *p, const struct tr_pending *pending, size_t n)
{
    for (size_t i = 0; i < n && i < BRANCHES_MAX; i++) {
        const struct ask *a = pending[i].ask;
        if (a != NULL && ask_is(a, pending[i].seq) && ask_state(a) == ASK_OPEN && ask_patience(a) >= p->deadline)
            probe_send(w, p, a->holder);
    }
}

static void children_follow(struct worker *w, struct probe *p, const struct owner *o)
{
    unsigned n = 0;
    for (const struct cell *c = o->first; c != NULL && n < BRANCHES_MAX; c = c->sibling_next, n++)
        probe_send(w, p, cell_id(c));
}

/* Sends p on to everybody for whom that stack waits. */
static void wait_follow(struct worker *w, struct probe *p, const struct tr_self *s)
{
    const struct wait *wait = &s->wait;
    switch (wait->kind) {
    case WAIT_ASK:
        if (ask_state(wait->ask) == ASK_OPEN && ask_patience(wait->ask) >= p->deadline)
            probe_send(w, p, wait->ask->holder);
        break;
    case WAIT_ASKS:
        if (wait->all || wait->n == 1)
            asks_follow(w, p, wait->pending, wait->n);
        break;
    case WAIT_ROOM:
    case WAIT_END:
        if (wait->deadline >= p->deadline)
            probe_send(w, p, wait->target);
        break;
    case WAIT_CHILDREN:
        children_follow(w, p, wait->owner);
        break;
    default:
        break;
    }
}

/* How long that stack's wait lasts at the most, if nothing comes. */
static int64_t patience_of(const struct tr_self *s)
{
    int64_t own = s->wait.kind == WAIT_ASK ? ask_patience(s->wait.ask) : s->wait.deadline;
    int64_t scopes = deadlock_scopes_deadline(s);
    return own < scopes ? own : scopes;
}

static void words_add(struct probe *p, const struct cell *c)
{
    char text[CELL_TEXT_MAX];
    size_t len = strlen(p->words);
    snprintf(p->words + len, sizeof p->words - len, "%s waits for ", cell_text(c, text));
}

/* It is back: if the wait that sent it still lasts, that ends. */
static void probe_home(struct worker *w, const struct probe *p, const struct cell *c)
{
    char text[CELL_TEXT_MAX];
    for (struct tr_self *s = c->stacks; s != NULL; s = s->next_stack) {
        if (s->far_seq != p->seq || s->wait.kind == WAIT_NONE || (s->run.flags & (CELL_QUEUED | SELF_DEAD)))
            continue;
        error_set(s, TR_EDEADLK, "wait", "deadlock: %s%s", p->words, cell_text(c, text));
        s->run.flags |= SELF_DEADLOCK;
        worker_wake(w, s);
    }
}

/* Of waits that would all find the same cycle, the one of the highest address is told, and the others go on: their
 * probes end where its own begin. One that lasts longer does not find it anyway. */
static bool is_left_to(const struct probe *p, const struct cell *c, const struct tr_self *blocked)
{
    return list_is_linked(&blocked->far) && patience_of(blocked) == p->deadline && cell_id(c) > p->origin;
}

/* Runs at the home of an actor for whom somebody waits. */
static void probe_arrive(struct worker *w, struct errand *e)
{
    bool moved;
    struct signal *s = signal_of(e);
    struct probe *p = s->more;
    struct cell *c = signal_target(w, s, &moved);
    if (moved)
        return;
    const struct tr_self *blocked = c != NULL ? deadlock_blocked_stack(c) : NULL;
    if (c != NULL && cell_id(c) == p->origin) {
        probe_home(w, p, c);
    } else if (blocked != NULL && patience_of(blocked) >= p->deadline) {
        if (!is_left_to(p, c, blocked)) {
            words_add(p, c);
            wait_follow(w, p, blocked);
        }
    } else if (blocked == NULL && c != NULL && c->ext != NULL && c->ext->stands_for != 0) {
        words_add(p, c);
        probe_send(w, p, c->ext->stands_for);
    }
    mem_free(p);
    signal_free(w, s);
}

/* ---- when ---- */

static void probe_begin(struct worker *w, struct tr_self *s)
{
    struct probe p = { .home = w, .origin = cell_id(s->cell), .seq = s->far_seq, .deadline = patience_of(s) };
    if (s->wait.kind == WAIT_NONE || (s->run.flags & (CELL_QUEUED | SELF_DEAD)) || deadlock_is_reachable(s))
        return;
    words_add(&p, s->cell);
    wait_follow(w, &p, s);
}

static void far_timer_fire(struct worker *w, struct timer *t, int64_t now)
{
    if (list_is_empty(&w->far))
        return;
    list_each (l, &w->far)
        probe_begin(w, list_entry(l, struct tr_self, far));
    w->far_pause_ns = w->far_pause_ns * 2 < PAUSE_MAX_NS ? w->far_pause_ns * 2 : PAUSE_MAX_NS;
    (void) timer_cover(w, t, now + w->far_pause_ns); /* cannot fail: the heap has just lost an entry */
}

void probe_note_slow(struct tr_self *self)
{
    struct worker *w = self->worker;
    self->far_seq = ++w->far_seq;
    list_push(&w->far, &self->far);
    w->far_timer.fire = far_timer_fire;
    w->far_pause_ns = PAUSE_FIRST_NS;
    (void) timer_cover(w, &w->far_timer, worker_now(w) + PAUSE_FIRST_NS); /* without memory: by their deadlines */
}

void probe_forget(struct tr_self *self)
{
    self->run.flags &= ~(uint32_t) SELF_DEADLOCK;
    if (list_is_linked(&self->far))
        list_remove(&self->far);
}
