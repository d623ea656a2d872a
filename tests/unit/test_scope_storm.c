/* SPDX-License-Identifier: MIT */
/* test_scope_storm.c - trees of scopes whose actors stand on several workers, cut short at random, with the real clock
 *
 * The torture of one worker (test_scope_torture.c) draws the order in which actors run; here threads make it. What must
 * hold whatever happens: it ends, nothing is left over, and what was started in a scope, a race or a start that failed
 * has ended when that returns. TROUPE_STORM_MS is how long each storm lasts (200). */
#include <stdlib.h>

#include "base/random.h"
#include "support/workers.h"

#define GROUPS 60000 /* not on stacks, which go with who is killed */
#define DEPTH 3
#define KNOWN 32

struct group {
    atomic_int begun, ended;
};

struct part {
    struct group *group;
    unsigned depth;
    uint64_t seed;
};

static struct storm {
    unsigned workers;
    atomic_uint groups_len, parts_len;
    struct group groups[GROUPS];
    struct part parts[GROUPS];
    _Atomic uint64_t known[KNOWN]; /* someone to cancel, kill or stop */
    atomic_long opened, wrong;
} storm;

struct act {
    struct part *part;
    struct group *group; /* that it opens */
    struct random *random;
};

static tr_err acts(tr_self *self, struct part *part, struct random *r);

static unsigned below(struct random *r, unsigned n)
{
    return (unsigned) random_below(r, n);
}

static void has_ended(void *arg)
{
    atomic_fetch_add(&((struct group *) arg)->ended, 1);
}

static tr_err plays(tr_self *self, void *arg)
{
    struct part *part = arg;
    struct random r;
    random_seed(&r, part->seed);
    atomic_fetch_add(&part->group->begun, 1); /* a defer that cannot be noted is called at once */
    (void) tr_defer(self, has_ended, part->group);
    atomic_store(&storm.known[below(&r, KNOWN)], tr_self_addr(self).actor);
    tr_err err = acts(self, part, &r);
    if (below(&r, 2) == 0)
        (void) tr_ready(self);
    if (err == TR_OK)
        err = acts(self, part, &r);
    return below(&r, 8) == 0 ? TR_EUSER : err;
}

static struct part *part_new(struct group *group, unsigned depth, struct random *r)
{
    unsigned i = atomic_fetch_add(&storm.parts_len, 1);
    if (i >= GROUPS)
        return NULL;
    storm.parts[i] = (struct part){ group, depth, 1 + random_below(r, 1u << 30) };
    return &storm.parts[i];
}

static struct group *group_new(void)
{
    unsigned i = atomic_fetch_add(&storm.groups_len, 1);
    return i < GROUPS ? &storm.groups[i] : NULL;
}

static void check_ended(const struct group *g)
{
    storm.opened++;
    if (atomic_load(&g->ended) < atomic_load(&g->begun))
        storm.wrong++;
}

/* ---- scopes ---- */

static void add_child(tr_self *self, tr_scope *scope, struct act *a, struct group *group, bool start)
{
    struct part *child = part_new(group, a->part->depth + 1, a->random);
    if (child == NULL)
        return;
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .body = plays,
                                 .arg = child,
                                 .scope = scope,
                                 .place = TR_PLACE_WORKER,
                                 .worker = below(a->random, storm.workers) };
    if (!start)
        (void) !tr_spawn_with(self, &opts, NULL);
    else if (tr_start_with(self, &opts, (int64_t) below(a->random, 4), NULL, NULL) != TR_OK)
        check_ended(group);
}

static void populate(tr_self *self, tr_scope *scope, struct act *a)
{
    for (unsigned n = below(a->random, 4); n > 0; n--) {
        struct group *alone = below(a->random, 3) == 0 ? group_new() : NULL;
        add_child(self, scope, a, alone != NULL ? alone : a->group, alone != NULL);
    }
}

static tr_err in_scope(tr_self *self, tr_scope *scope, void *arg)
{
    struct act *a = arg;
    populate(self, scope, a);
    tr_err err = acts(self, a->part, a->random);
    switch (below(a->random, 6)) {
    case 0:
        tr_scope_cancel(self, scope, NULL);
        break;
    case 1:
        (void) tr_scope_stop(self, scope, (int64_t) below(a->random, 3), NULL);
        break;
    case 2:
        (void) !tr_scope_set_deadline(self, scope, tr_now(self) + (int64_t) below(a->random, 3000000));
        break;
    default:
        break;
    }
    return below(a->random, 6) == 0 ? TR_EUSER : err;
}

static tr_err opens(tr_self *self, struct act *a)
{
    bool moved_on;
    const tr_scope_opts opts = { .size = sizeof opts,
                                 .timeout_ms = 1 + (int64_t) below(a->random, 8),
                                 .grace_ms = 1 + (int64_t) below(a->random, 4),
                                 .keep_going = below(a->random, 2) == 0,
                                 .shield = below(a->random, 5) == 0,
                                 .until_stop = below(a->random, 4) == 0,
                                 .moved_on = below(a->random, 3) == 0 ? &moved_on : NULL };
    tr_err err = tr_scope_run(self, &opts, in_scope, a);
    check_ended(a->group);
    return err == TR_ECANCELED ? err : TR_OK;
}

static tr_err races(tr_self *self, struct act *a)
{
    tr_racer racers[2];
    const tr_race_opts opts = { .size = sizeof opts, .timeout_ms = 1 + (int64_t) below(a->random, 5), .grace_ms = 2 };
    for (size_t i = 0; i < 2; i++) {
        struct part *part = part_new(a->group, a->part->depth + 1, a->random);
        if (part == NULL)
            return TR_OK;
        racers[i] = (tr_racer){ .body = plays, .arg = part };
    }
    tr_err err = tr_race(self, &opts, racers, 2, NULL, NULL);
    check_ended(a->group);
    return err == TR_ECANCELED ? err : TR_OK;
}

/* ---- what an actor does ---- */

static tr_err ends_someone(tr_self *self, struct random *r)
{
    tr_addr who = { 0, atomic_load(&storm.known[below(r, KNOWN)]) };
    if (tr_addr_is_nil(who))
        return TR_OK;
    switch (below(r, 4)) {
    case 0:
        return tr_cancel(self, who, "storm");
    case 1:
        return tr_kill(self, who, "storm");
    case 2:
        return tr_stop(self, who, "storm");
    default:
        return tr_cancel_wait(self, who, "storm", 1) == TR_ECANCELED ? TR_ECANCELED : TR_OK;
    }
}

static tr_err acts(tr_self *self, struct part *part, struct random *r)
{
    struct act a = { part, part->depth < DEPTH ? group_new() : NULL, r };
    switch (a.group != NULL ? below(r, 7) : 6) {
    case 0:
    case 1:
    case 2:
        return opens(self, &a);
    case 3:
        return races(self, &a);
    case 4:
        return ends_someone(self, r);
    default:
        return below(r, 3) == 0 ? tr_yield(self) : tr_sleep(self, (int64_t) below(r, 3));
    }
}

static tr_err storm_main(tr_self *self, void *arg)
{
    struct random r;
    struct part root = { group_new(), 0, 0 };
    const char *text = getenv("TROUPE_STORM_MS");
    int64_t ms = text != NULL && atol(text) > 0 ? atol(text) : 200;
    tr_time until = tr_now(self) + ms * 1000000;
    random_seed(&r, *(const uint64_t *) arg);
    while (tr_now(self) < until) {
        struct act a = { &root, group_new(), &r };
        if (a.group == NULL)
            break;
        (void) opens(self, &a);
    }
    return TR_OK;
}

static void storm_on(unsigned workers)
{
    uint64_t seed = workers;
    memset(&storm, 0, sizeof storm);
    storm.workers = workers;
    assert_int_equal(run_workers(workers, storm_main, &seed), TR_OK);
    print_message("%u workers: %ld scopes and races\n", workers, (long) storm.opened);
    assert_int_equal(storm.wrong, 0);
    assert_true(storm.opened > 0);
}

/* S6.1, S50.6, S51.3, S15.3 */
static void trees_of_scopes_over_two_workers_end_with_nothing_left(void **state)
{
    (void) state;
    storm_on(2);
}

static void trees_of_scopes_over_four_workers_end_with_nothing_left(void **state)
{
    (void) state;
    storm_on(4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_of_scopes_over_two_workers_end_with_nothing_left),
        cmocka_unit_test(trees_of_scopes_over_four_workers_end_with_nothing_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
