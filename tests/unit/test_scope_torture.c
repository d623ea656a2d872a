/* SPDX-License-Identifier: MIT */
/* test_scope_torture.c - random trees of scopes, cut short at random points
 *
 * Every run is made by one number, which draws both what the actors do and the order in which they run: TROUPE_SEED=n
 * runs that one alone. What must hold whatever happens: it ends; nothing is left over; what was started in a scope, a
 * race or a start that failed has ended when that returns; an outside cancel is not told as a timeout. */
#include <signal.h>
#include <stdlib.h>

#include "base/random.h"
#include "support/actor_test.h"

#define SEEDS 1000
#define SEEDS_MS 15000
#define DEPTH 4
#define BRANCHES 4
#define PARTS 200
#define KNOWN 16

struct play;

/* A group of actors that must have ended when the call that started them returns. */
struct group {
    int begun, ended;
};

/* One actor: whose group it is in, and where in the tree. */
struct part {
    struct play *play;
    struct group *group;
    unsigned depth;
};

struct play {
    struct random random;
    struct part parts[PARTS];
    size_t parts_len;
    tr_addr known[KNOWN]; /* someone to cancel, kill, stop, join */
    size_t known_len;
    tr_addr main;
    char wrong[128];
};

static unsigned below(struct play *p, unsigned n)
{
    return (unsigned) random_below(&p->random, n);
}

static void wrong(struct play *p, const char *what)
{
    if (p->wrong[0] == '\0')
        snprintf(p->wrong, sizeof p->wrong, "%s", what);
}

static tr_err act(tr_self *self, struct part *part);

/* ---- actors ---- */

static void has_ended(void *arg)
{
    ((struct group *) arg)->ended++;
}

static struct part *part_new(struct play *p, struct group *group, unsigned depth)
{
    if (p->parts_len == PARTS)
        return NULL;
    p->parts[p->parts_len] = (struct part){ p, group, depth };
    return &p->parts[p->parts_len++];
}

static void remember(tr_self *self, struct play *p)
{
    p->known[p->known_len++ % KNOWN] = tr_self_addr(self);
}

static tr_err plays(tr_self *self, void *arg)
{
    struct part *part = arg;
    struct play *p = part->play;
    part->group->begun++; /* a failing defer calls it at once, and then it counts as ended a little early */
    (void) tr_defer(self, has_ended, part->group);
    remember(self, p);
    tr_err err = TR_OK;
    for (unsigned n = 1 + below(p, 3); n > 0 && err == TR_OK; n--)
        err = act(self, part);
    if (below(p, 3) == 0)
        (void) tr_ready(self, part->depth);
    if (below(p, 12) == 0)
        tr_fail(self, TR_EFAILED, "at random");
    return below(p, 10) == 0 ? TR_EUSER : err;
}

static void check_ended(struct play *p, const struct group *g, const char *what)
{
    if (g->ended < g->begun)
        wrong(p, what);
}

/* ---- waiting in some way ---- */

static tr_err rests(tr_self *self, void *arg)
{
    struct part *part = arg;
    struct play *p = part->play;
    const tr_msg *m;
    switch (below(p, 6)) {
    case 0:
        return tr_yield(self);
    case 1:
        return tr_recv_for(self, (int64_t) below(p, 30), &m) == TR_ECANCELED ? TR_ECANCELED : TR_OK;
    case 2:
        return tr_ask_for(self, p->known[below(p, KNOWN)], (int64_t) below(p, 30), NULL, "what") == TR_ECANCELED
                   ? TR_ECANCELED
                   : TR_OK;
    case 3:
        return tr_join(self, p->known[below(p, KNOWN)], NULL) == TR_ECANCELED ? TR_ECANCELED : TR_OK;
    default:
        return tr_sleep(self, (int64_t) below(p, 40));
    }
}

/* ---- scopes ---- */

struct opened {
    struct part *part;
    struct group group;
    tr_err result; /* what the body came to */
};

static void meddle(tr_self *self, tr_scope *scope, struct play *p)
{
    switch (below(p, 8)) {
    case 0:
        tr_scope_cancel(self, scope, "at random");
        break;
    case 1:
        (void) tr_scope_stop(self, scope, (int64_t) below(p, 30), "at random");
        break;
    case 2:
        (void) !tr_scope_set_deadline(self, scope, tr_now(self) + (int64_t) below(p, 50) * 1000000);
        break;
    case 3:
        (void) !tr_scope_set_deadline(self, scope, below(p, 2) == 0 ? TR_NEVER : tr_now(self));
        break;
    default:
        break;
    }
}

static void populate(tr_self *self, tr_scope *scope, struct opened *o)
{
    struct play *p = o->part->play;
    for (unsigned n = below(p, BRANCHES); n > 0; n--) {
        struct part *child = part_new(p, &o->group, o->part->depth + 1);
        if (child == NULL)
            return;
        const tr_spawn_opts opts = { .size = sizeof opts, .body = plays, .arg = child, .scope = scope };
        if (below(p, 3) == 0)
            (void) !tr_start_with(self, &opts, (int64_t) below(p, 40), NULL, NULL);
        else
            (void) !tr_spawn_with(self, &opts, NULL);
    }
}

static tr_err in_scope(tr_self *self, tr_scope *scope, void *arg)
{
    struct opened *o = arg;
    struct play *p = o->part->play;
    populate(self, scope, o);
    meddle(self, scope, p);
    o->result = act(self, o->part);
    meddle(self, scope, p);
    if (below(p, 6) == 0)
        o->result = TR_EUSER + 1;
    return o->result;
}

static tr_err opens(tr_self *self, struct part *part)
{
    struct play *p = part->play;
    struct opened o = { .part = part };
    bool moved_on = false;
    const tr_scope_opts opts = { .size = sizeof opts,
                                 .timeout_ms = 1 + (int64_t) below(p, 100),
                                 .shield = below(p, 6) == 0,
                                 .keep_going = below(p, 3) == 0,
                                 .grace_ms = 1 + (int64_t) below(p, 50),
                                 .until_stop = below(p, 4) == 0,
                                 .moved_on = below(p, 3) == 0 ? &moved_on : NULL };
    bool was_canceled = tr_is_canceled(self);
    tr_err err = tr_scope_run(self, &opts, in_scope, &o);
    check_ended(p, &o.group, "a scope returned before its children had ended");
    if (err == TR_ETIMEDOUT && o.result != TR_ETIMEDOUT && (was_canceled || tr_is_canceled(self)) && !opts.shield)
        wrong(p, "an outside cancel was told as a timeout");
    return err == TR_ECANCELED ? err : TR_OK;
}

static tr_err act_on(tr_self *self, void *arg)
{
    return act(self, arg);
}

static tr_err bounded(tr_self *self, struct part *part)
{
    struct play *p = part->play;
    tr_err err;
    switch (below(p, 4)) {
    case 0:
        err = tr_within(self, (int64_t) below(p, 40), act_on, part);
        break;
    case 1:
        err = tr_move_on(self, (int64_t) below(p, 40), act_on, part, NULL);
        break;
    case 2:
        err = tr_shield(self, 1 + (int64_t) below(p, 40), act_on, part);
        break;
    default:
        err = tr_until_stop(self, act_on, part);
        break;
    }
    return err == TR_ECANCELED ? err : TR_OK;
}

static tr_err races(tr_self *self, struct part *part)
{
    struct play *p = part->play;
    tr_racer racers[BRANCHES];
    struct group group = { 0, 0 };
    size_t n = 0;
    const tr_race_opts opts = { .size = sizeof opts,
                                .first_to_end = below(p, 2) == 0,
                                .delay_ms = (int64_t) below(p, 20),
                                .timeout_ms = (int64_t) below(p, 80),
                                .grace_ms = 1 + (int64_t) below(p, 30) };
    for (unsigned i = 1 + below(p, BRANCHES - 1); i > 0; i--) {
        struct part *racer = part_new(p, &group, part->depth + 1);
        if (racer != NULL)
            racers[n++] = (tr_racer){ .body = plays, .arg = racer };
    }
    if (n == 0)
        return TR_OK;
    tr_err err = tr_race(self, &opts, racers, n, NULL, NULL);
    check_ended(p, &group, "a race returned before all who ran had ended");
    return err == TR_ECANCELED ? err : TR_OK;
}

/* Ends someone, but never the first. */
static tr_err ends_someone(tr_self *self, struct play *p)
{
    tr_addr who = p->known[below(p, KNOWN)];
    if (tr_addr_is_nil(who) || tr_addr_eq(who, p->main))
        return TR_OK;
    switch (below(p, 5)) {
    case 0:
        return tr_cancel(self, who, "at random");
    case 1:
        return tr_kill(self, who, "at random");
    case 2:
        return tr_stop(self, who, "at random");
    case 3:
        return tr_stop_wait(self, who, "at random", (int64_t) below(p, 30)) == TR_ECANCELED ? TR_ECANCELED : TR_OK;
    default:
        return tr_cancel_wait(self, who, "at random", (int64_t) below(p, 30)) == TR_ECANCELED ? TR_ECANCELED : TR_OK;
    }
}

static tr_err act(tr_self *self, struct part *part)
{
    struct play *p = part->play;
    struct part deeper = { p, part->group, part->depth + 1 };
    if (part->depth >= DEPTH)
        return rests(self, part);
    switch (below(p, 8)) {
    case 0:
    case 1:
    case 2:
        return opens(self, &deeper);
    case 3:
        return bounded(self, &deeper);
    case 4:
        return races(self, &deeper);
    case 5:
        return below(p, 3) == 0 ? ends_someone(self, p) : TR_OK;
    default:
        return rests(self, part);
    }
}

/* ---- the play ---- */

static tr_err first(tr_self *self, void *arg)
{
    struct play *p = arg;
    struct group group = { 0, 0 };
    struct part root = { p, &group, 0 };
    p->main = tr_self_addr(self);
    for (int i = 0; i < 4; i++)
        (void) opens(self, &root);
    return TR_OK;
}

static char hung_text[64];

static void hung(int number)
{
    (void) !write(STDERR_FILENO, hung_text, strlen(hung_text));
    signal(number, SIG_DFL);
    raise(number);
}

static tr_err plays_well(void *arg, char *why, size_t size)
{
    static struct play play;
    const uint64_t *fail_at = arg;
    uint64_t seed = tr_test_seed();
    memset(&play, 0, sizeof play);
    random_seed(&play.random, seed);
    snprintf(hung_text, sizeof hung_text, "hung at seed %llu, allocation %llu\n", (unsigned long long) seed,
             (unsigned long long) *fail_at);
    signal(SIGALRM, hung);
    alarm(WATCHDOG_S);
    (void) tr_test_fail_alloc(*fail_at);
    tr_err err = tr_test_run(first, &play, NULL, why, size);
    alarm(0);
    if (play.wrong[0] != '\0' && *fail_at == 0) {
        snprintf(why, size, "%s", play.wrong);
        return TR_EFAILED;
    }
    return err == TR_ESTATE ? err : TR_OK;
}

static void whatever_happens_in_a_tree_of_scopes_it_ends_with_nothing_left(void **state)
{
    char why[256];
    uint64_t none = 0, ran = 0;
    (void) state;
    if (tr_test_seeds(SEEDS, SEEDS_MS, plays_well, &none, &ran, why, sizeof why) != TR_OK)
        fail_msg("%s", why);
    print_message("%u seeds\n", (unsigned) ran);
}

static void whichever_allocation_fails_it_ends_with_nothing_left(void **state)
{
    char why[256] = "";
    (void) state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        bool came = true;
        tr_test_seed_set(seed);
        for (uint64_t n = 1; came && n < 400; n++) {
            tr_err err = plays_well(&n, why, sizeof why);
            came = tr_test_fail_alloc(0) >= n;
            if (err != TR_OK)
                fail_msg("seed %d, allocation %d: %s", (int) seed, (int) n, why);
        }
    }
    tr_test_seed_set(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_in_a_tree_of_scopes_it_ends_with_nothing_left),
        cmocka_unit_test(whichever_allocation_fails_it_ends_with_nothing_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
