/* SPDX-License-Identifier: MIT */
/* bench_idle.c - idle: resident bytes of an actor that waits, N of them alive
 *
 * behaviour: made, and never sent anything. messaged: has handled one message. body: has run and is suspended in
 * tr_recv. /proc/self/statm before and after, divided; page tables are the kernel's and not in it. check is how many
 * the node says are alive.
 */
#include <stdatomic.h>

#include "bench.h"

struct idler {
    int64_t seen;
};

static atomic_int_fast64_t notes_seen; /* by all of them, on any worker */

static tr_err on_note(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    (void) m;
    struct idler *s = state;
    s->seen++;
    atomic_fetch_add(&notes_seen, 1);
    return TR_OK;
}

static const tr_handler handlers[] = {
    { .tag = "note", .args = "", .run = on_note, .doc = "is counted" },
    { 0 },
};
static const tr_behaviour idler = {
    .name = "idler", .state_size = sizeof(struct idler), .handlers = handlers, .doc = "Waits."
};

static tr_err waiter(tr_self *self, void *arg)
{
    const tr_msg *m;
    ++*(int64_t *) arg;
    tr_err err = tr_recv(self, &m);
    return err == TR_ECANCELED ? TR_OK : err;
}

struct plan {
    int64_t n;
    bool body, messaged;
    int64_t started; /* bodies that have run: they stay on the worker of this one, whose memory they share */
    tr_addr *made;
};

static size_t alive(tr_self *self)
{
    tr_node_stats stats = { .size = sizeof(stats) };
    tr_node_stats_get(tr_self_node(self), &stats);
    return stats.actors;
}

static tr_err fill(tr_self *self, struct plan *p)
{
    for (int64_t i = 0; i < p->n; i++)
        BENCH_TRY(p->body ? tr_spawn(self, waiter, &p->started, &p->made[i])
                          : tr_spawn(self, &idler, NULL, &p->made[i]));
    for (int64_t i = 0; p->messaged && i < p->n; i++)
        BENCH_TRY(tr_send(self, p->made[i], "note"));
    while ((p->body && p->started < p->n) || (p->messaged && atomic_load(&notes_seen) < p->n))
        BENCH_TRY(tr_yield(self));
    return tr_sleep(self, 20);
}

static tr_err measure(tr_self *self, void *arg)
{
    struct plan *p = arg;
    size_t before = alive(self);
    int64_t resident = bench_resident_bytes();
    BENCH_TRY(fill(self, p));
    resident = bench_resident_bytes() - resident;
    bench_print("idle", (double) resident / (double) p->n, "bytes", (int64_t) (alive(self) - before));
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 1000000, "behaviour");
    struct plan plan = { .n = args.n };
    plan.body = strcmp(args.variant, "body") == 0;
    plan.messaged = strcmp(args.variant, "messaged") == 0;
    size_t bytes = (size_t) plan.n * sizeof(*plan.made);
    plan.made = malloc(bytes);
    if (plan.made == NULL)
        return 1;
    memset(plan.made, 1, bytes); /* resident before the first reading */
    int status = bench_main(&args, measure, &plan);
    free(plan.made);
    return status;
}
