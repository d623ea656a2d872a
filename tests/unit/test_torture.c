/* SPDX-License-Identifier: MIT */
/* test_torture.c - trees of actors that do anything to each other, at random
 *
 * Every run is made by one number: TROUPE_SEED=n runs that one alone. What must hold whatever happens: it ends, nothing
 * is left over, and what one actor sends to another arrives in order. */
#include <signal.h>
#include <stdlib.h>

#include "base/random.h"
#include "support/actor_test.h"

#define SEEDS 300
#define ACTORS 40
#define ROUNDS 6
#define DEPTH 3

struct play;

/* What one actor is told at its spawn; outlives it. */
struct part {
    struct play *play;
    size_t index;
    tr_addr addr;
};

struct play {
    struct random random;
    struct part parts[ACTORS];
    size_t len;
    bool began;
    long sent[ACTORS][ACTORS], seen[ACTORS][ACTORS]; /* sender, receiver: the last number */
    char wrong[128];
};

struct actor_state {
    struct part *part;
    tr_msg *kept;
};

static unsigned below(struct play *p, unsigned n)
{
    return (unsigned) random_below(&p->random, n);
}

static tr_addr someone(struct play *p)
{
    return p->parts[below(p, (unsigned) p->len)].addr;
}

static void act(tr_self *self, struct part *part, unsigned depth);

/* ---- messages in order ---- */

static void send_number(tr_self *self, struct part *part)
{
    struct play *p = part->play;
    size_t to = below(p, (unsigned) p->len);
    long n = ++p->sent[part->index][to];
    if (below(p, 4) == 0)
        (void) tr_try_send(self, p->parts[to].addr, "number", part->index, n);
    else
        (void) tr_send(self, p->parts[to].addr, "number", part->index, n);
}

static void number_seen(struct part *part, const tr_msg *m)
{
    size_t from;
    long n;
    struct play *p = part->play;
    if (!tr_is(m, "number", &from, &n))
        return;
    if (n <= p->seen[from][part->index])
        snprintf(p->wrong, sizeof p->wrong, "%zu to %zu: %ld after %ld", from, part->index, n,
                 p->seen[from][part->index]);
    p->seen[from][part->index] = n;
}

/* ---- requests ---- */

static tr_err request_seen(tr_self *self, struct part *part, const tr_msg *m, tr_msg **kept)
{
    struct play *p = part->play;
    switch (below(p, 9)) {
    case 0:
        act(self, part, 1);
        return tr_reply(self, m, "later");
    case 1:
        (void) tr_forward(self, m, someone(p));
        return TR_OK;
    case 2:
        if (*kept == NULL)
            *kept = tr_keep(self, m);
        return TR_OK;
    case 3:
        return tr_fail_with(self, TR_EUSER, "no");
    case 4:
        return TR_OK;
    case 5:
        if (below(p, 8) == 0)
            tr_fail(self, TR_EFAILED, "over");
        return tr_reply_error(self, m, TR_EBUSY, NULL);
    case 6:
        return below(p, 8) == 0 ? TR_STOP : tr_reply(self, m);
    default:
        return tr_reply(self, m, "a longer reply that does not fit into the smallest block, or not with all its words",
                        p->len);
    }
}

static void kept_settle(tr_self *self, struct play *p, tr_msg **kept)
{
    if (*kept == NULL || below(p, 2) == 0)
        return;
    if (below(p, 3) > 0)
        (void) tr_reply(self, *kept, "kept");
    tr_drop(self, kept);
}

static tr_err on_reply(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    (void) state;
    (void) err;
    (void) reply;
    struct part *part = ctx;
    if (below(part->play, 20) == 0)
        tr_fail(self, TR_EFAILED, "in a callback");
    act(self, part, 2);
    return TR_OK;
}

static void ask_one(tr_self *self, struct part *part)
{
    struct play *p = part->play;
    const tr_msg *r;
    int64_t ms = below(p, 60);
    if (below(p, 8) == 0)
        (void) !tr_ask_for(self, someone(p), ms, &r, "describe");
    else if (below(p, 4) == 0)
        (void) !tr_ask_then(self, someone(p), on_reply, part, "request");
    else if (tr_ask_for(self, someone(p), ms, &r, below(p, 2) == 0 ? "request" : "again") == TR_OK && below(p, 4) == 0)
        (void) tr_keep(self, r);
}

static void ask_many(tr_self *self, struct part *part)
{
    struct play *p = part->play;
    tr_pending pending[5];
    tr_outcome outcomes[5];
    tr_wait_item items[5];
    const tr_msg *r;
    size_t n = 0, index;
    for (unsigned i = 0; i < 5; i++)
        if (tr_ask_start_for(self, someone(p), (int64_t) below(p, 80), &pending[n], "request") == TR_OK)
            n++;
    for (size_t i = 0; i < n; i++)
        items[i] = (tr_wait_item){ .kind = TR_WAIT_REPLY, .pending = pending[i] };
    if (n > 1 && below(p, 2) == 0)
        items[0] = (tr_wait_item){ .kind = TR_WAIT_END, .actor = someone(p) };
    switch (below(p, 6)) {
    case 0:
        (void) !tr_gather(self, pending, n, below(p, 2) == 0 ? TR_FAIL_FAST : TR_COLLECT, outcomes);
        break;
    case 1:
        for (unsigned i = 0; i < 3; i++)
            (void) !tr_next(self, pending, n, &index, &r);
        break;
    case 2:
        if (n > 0)
            (void) !tr_wait(self, items, n, (tr_wait_mode) below(p, 3), (int64_t) below(p, 50), NULL);
        break;
    case 3:
        for (size_t i = 0; i < n; i++)
            (void) !tr_await(self, pending[i], &r);
        break;
    case 4:
        for (size_t i = 0; i < n; i += 2)
            tr_ask_cancel(self, pending[i]);
        break;
    default: /* left to the end of the call */
        break;
    }
}

/* ---- actors ---- */

static void deferred(void *arg)
{
    (void) arg;
}

static tr_err player(tr_self *self, void *arg)
{
    struct part *part = arg;
    struct play *p = part->play;
    tr_msg *kept = NULL;
    const tr_msg *m;
    tr_err err = tr_defer(self, deferred, NULL);
    for (unsigned i = 0; i < ROUNDS && err != TR_ECANCELED && err != TR_STOP; i++) {
        act(self, part, 0);
        err = tr_recv_for(self, (int64_t) below(p, 30), &m);
        if (err != TR_OK)
            continue;
        number_seen(part, m);
        kept_settle(self, p, &kept);
        if (tr_is_request(m))
            err = request_seen(self, part, m, &kept);
    }
    (void) tr_result(self, part->index);
    return err == TR_ETIMEDOUT ? TR_OK : err;
}

static tr_err on_number(tr_self *self, void *state, const tr_msg *m)
{
    struct actor_state *s = state;
    number_seen(s->part, m);
    kept_settle(self, s->part->play, &s->kept);
    return TR_OK;
}

static tr_err on_request(tr_self *self, void *state, const tr_msg *m)
{
    struct actor_state *s = state;
    return request_seen(self, s->part, m, &s->kept);
}

static tr_err on_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct actor_state *s = state;
    (void) m;
    if (below(s->part->play, 2) == 0)
        tr_drop(self, &s->kept);
    act(self, s->part, 2);
    return TR_OK;
}

static tr_err on_tick(tr_self *self, void *state, const tr_msg *m)
{
    struct actor_state *s = state;
    (void) m;
    act(self, s->part, 2);
    return TR_OK;
}

static tr_err on_init(tr_self *self, void *state, void *arg)
{
    struct actor_state *s = state;
    s->part = arg;
    if (below(s->part->play, 4) == 0)
        act(self, s->part, 2);
    return below(s->part->play, 30) == 0 ? TR_EUSER : TR_OK;
}

static void on_fini(tr_self *self, void *state, tr_err why)
{
    struct actor_state *s = state;
    (void) why;
    if (below(s->part->play, 4) == 0)
        act(self, s->part, 2);
    if (below(s->part->play, 30) == 0)
        tr_fail(self, TR_EFAILED, "in fini");
}

static const tr_handler handlers[] = {
    { "number", "from:int, n:int", NULL, on_number, "", TR_REENTRANT, NULL },
    { "request", "", "any...", on_request, "", 0, on_gone },
    { "again", "", "any...", on_request, "", TR_REENTRANT | TR_CANCELS, on_gone },
    { "tick", "", NULL, on_tick, "", TR_REENTRANT, NULL },
    { .tag = NULL },
};
static const tr_behaviour small = {
    .name = "small", .state_size = sizeof(struct actor_state), .handlers = handlers, .init = on_init, .fini = on_fini
};
static const tr_behaviour large = { .name = "large",
                                    .state_size = sizeof(struct actor_state),
                                    .handlers = handlers,
                                    .init = on_init,
                                    .fini = on_fini,
                                    .stack_size = (size_t) 512 * 1024 };

static void spawn_one(tr_self *self, struct part *part, tr_scope *scope)
{
    struct play *p = part->play;
    if (p->len == ACTORS)
        return;
    struct part *child = &p->parts[p->len];
    *child = (struct part){ p, p->len, TR_ADDR_NIL };
    tr_spawn_opts opts = { .size = sizeof opts, .arg = child, .scope = scope };
    if (below(p, 2) == 0)
        opts.body = player;
    else
        opts.behaviour = below(p, 4) == 0 ? &large : &small;
    if (below(p, 2) == 0) {
        opts.mailbox_len_max = 1 + below(p, 3);
        opts.full_policy = (tr_full_policy) below(p, 4);
    }
    if (scope == NULL && below(p, 8) == 0)
        opts.flags = TR_SPAWN_DETACHED;
    if (tr_spawn_with(self, &opts, &child->addr) == TR_OK)
        p->len++;
}

static tr_err in_scope(tr_self *self, tr_scope *scope, void *arg)
{
    struct part *part = arg;
    for (unsigned n = below(part->play, 3); n > 0; n--)
        spawn_one(self, part, scope);
    act(self, part, 2);
    return below(part->play, 4) == 0 ? TR_EUSER : TR_OK;
}

static tr_err in_time(tr_self *self, void *arg)
{
    act(self, arg, 2);
    return TR_OK;
}

static void open_scope(tr_self *self, struct part *part)
{
    struct play *p = part->play;
    const tr_scope_opts opts = { .size = sizeof opts,
                                 .timeout_ms = 1 + (int64_t) below(p, 100),
                                 .shield = below(p, 4) == 0,
                                 .keep_going = below(p, 4) == 0,
                                 .grace_ms = 1 + (int64_t) below(p, 50) };
    tr_scope *scope;
    switch (below(p, 4)) {
    case 0:
        (void) !tr_within(self, (int64_t) below(p, 40), in_time, part);
        break;
    case 1:
        (void) !tr_shield(self, 1 + (int64_t) below(p, 40), in_time, part);
        break;
    case 2:
        if (tr_scope_begin(self, &opts, &scope) == TR_OK) /* left open */
            spawn_one(self, part, scope);
        break;
    default:
        (void) !tr_scope_run(self, &opts, in_scope, part);
        break;
    }
}

/* Ends someone, but never the first, which is the test itself. */
static void end_one(tr_self *self, struct play *p)
{
    tr_addr who = someone(p);
    if (tr_addr_eq(who, p->parts[0].addr))
        return;
    switch (below(p, 3)) {
    case 0:
        (void) tr_cancel(self, who, "at random");
        break;
    case 1:
        (void) tr_kill(self, who, "at random");
        break;
    default:
        (void) tr_cancel_wait(self, who, "at random", (int64_t) below(p, 30));
        break;
    }
}

static int called(void *arg)
{
    return *(int *) arg;
}

static void act_once(tr_self *self, struct part *part, unsigned depth)
{
    struct play *p = part->play;
    tr_timer timer = { 0 };
    int seven = 7;
    switch (below(p, 14)) {
    case 0:
    case 1:
        send_number(self, part);
        break;
    case 2:
    case 3:
        ask_one(self, part);
        break;
    case 4:
        ask_many(self, part);
        break;
    case 5:
        spawn_one(self, part, NULL);
        break;
    case 6:
        if (depth < DEPTH)
            open_scope(self, part);
        break;
    case 7:
        (void) tr_sleep(self, (int64_t) below(p, 20));
        break;
    case 8:
        if (below(p, 3) == 0)
            end_one(self, p);
        break;
    case 9:
        (void) tr_timer_start(self, tr_now(self) + (int64_t) below(p, 20) * 1000000, below(p, 3) == 0 ? 5000000 : 0,
                              &timer, "tick");
        if (below(p, 2) == 0)
            tr_timer_cancel(self, timer);
        break;
    case 10:
        (void) !tr_join(self, someone(p), NULL);
        break;
    case 11:
        (void) tr_defer(self, deferred, NULL);
        (void) tr_temp(self, 100);
        (void) tr_alloc(self, 10);
        break;
    case 12:
        (void) tr_call(self, called, &seven);
        (void) tr_yield(self);
        break;
    default:
        if (part->index > 0 && below(p, 20) == 0)
            tr_fail(self, TR_EFAILED, "at random");
        break;
    }
}

static void act(tr_self *self, struct part *part, unsigned depth)
{
    for (unsigned n = below(part->play, depth == 0 ? 8 : 3); n > 0; n--)
        act_once(self, part, depth + 1);
}

static void stop(void *node)
{
    tr_node_stop(node, "the play is over");
}

/* The first actor: it starts the others, takes its part for a virtual second at most, and stops the node, which may
 * have to kill. */
static tr_err first(tr_self *self, void *arg)
{
    struct play *p = arg;
    struct part *part = &p->parts[0];
    p->began = true;
    *part = (struct part){ p, 0, tr_self_addr(self) };
    p->len = 1;
    (void) tr_defer(self, stop, tr_self_node(self)); /* for those that nobody owns */
    for (int i = 0; i < 6; i++)
        spawn_one(self, part, NULL);
    (void) !tr_within(self, 1000, player, part);
    return TR_OK;
}

/* Returns whether it went well; says so if not. fail_at: the allocation that fails, 0: none. */
static char hung_text[64];

static void hung(int number)
{
    (void) !write(STDERR_FILENO, hung_text, strlen(hung_text));
    signal(number, SIG_DFL);
    raise(number);
}

static bool plays_well(uint64_t seed, uint64_t fail_at, bool *came)
{
    static struct play play;
    char left[512] = "";
    memset(&play, 0, sizeof play);
    random_seed(&play.random, seed);
    (void) tr_test_fail_alloc(fail_at);
    snprintf(hung_text, sizeof hung_text, "hung at seed %llu, allocation %llu\n", (unsigned long long) seed,
             (unsigned long long) fail_at);
    signal(SIGALRM, hung);
    alarm(WATCHDOG_S);
    tr_err err = tr_test_run(first, &play, NULL, left, sizeof left);
    alarm(0);
    *came = tr_test_fail_alloc(0) >= fail_at;
    if (!play.began) /* out of memory before there was anything */
        return fail_at > 0;
    if (left[0] == '\0' &&
        play.wrong[0] == '\0') /* how the first actor ended does not matter: it may have failed, too */
        return true;
    print_message("seed %llu, allocation %llu: %s; left: %s; order: %s\n", (unsigned long long) seed,
                  (unsigned long long) fail_at, tr_err_name(err), left, play.wrong);
    return false;
}

static uint64_t seed_given(void)
{
    const char *text = getenv("TROUPE_SEED");
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static void whatever_actors_do_it_ends_in_order_with_nothing_left(void **state)
{
    (void) state;
    bool came, well = true;
    uint64_t given = seed_given();
    for (uint64_t seed = 1; seed <= SEEDS && given == 0; seed++)
        well = plays_well(seed, 0, &came) && well;
    if (given != 0)
        well = plays_well(given, 0, &came);
    assert_true(well);
}

static void whichever_allocation_fails_it_ends_with_nothing_left(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        bool came = true;
        for (uint64_t n = 1; came; n++)
            assert_true(plays_well(seed, n, &came));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_actors_do_it_ends_in_order_with_nothing_left),
        cmocka_unit_test(whichever_allocation_fails_it_ends_with_nothing_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
