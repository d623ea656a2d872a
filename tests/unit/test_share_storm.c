/* SPDX-License-Identifier: MIT */
/* test_share_storm.c - what is shared, used from several workers by actors that give up and are killed at random, with
 * the real clock (src/share/)
 *
 * What must hold whatever happens: what went into a channel came out once, work that was put was taken once, no more
 * permits are out than there are and all come back, a flow's parts come in order and none is missing before its end,
 * and nothing is left over. TROUPE_STORM_MS is how long each storm lasts (200). */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/random.h"
#include "support/actor_test.h"

#define ACTORS 16
#define PERMITS 3
#define STORM_WATCHDOG_S 100
#define CALM_MS_MAX 60000

struct storm {
    tr_addr channel, meeting, work, semaphore, lock, rate, server;
    tr_addr actor[ACTORS];
    unsigned workers;
    atomic_long sent, received, put, taken, again, held, flows, parts, tokens;
    atomic_int inside, locked;
    atomic_long wrong; /* promises that were broken */
    atomic_int seed;
};

static struct storm storm;

static void check(bool holds)
{
    if (!holds)
        atomic_fetch_add(&storm.wrong, 1);
}

/* ---- a server of flows ---- */

static tr_err on_count(tr_self *self, void *state, const tr_msg *m)
{
    int n;
    tr_flow flow;
    (void) state;
    tr_args(m, &n);
    tr_err err = tr_flow_answer(self, m, &flow);
    for (int i = 0; i < n && err == TR_OK; i++)
        err = tr_flow_write(self, &flow, "n", i);
    return err == TR_OK ? tr_flow_end(self, &flow) : err;
}

static const tr_handler server_rows[] = {
    { "count", "n:int", "...", on_count, NULL, TR_REENTRANT, NULL },
    { 0 },
};
static const tr_behaviour server = { .name = "server", .handlers = server_rows };

/* ---- what the actors do ---- */

static int below(struct random *r, unsigned n)
{
    return (int) random_below(r, n);
}

static void pause_now_and_then(tr_self *self, struct random *r)
{
    if (below(r, 4) == 0)
        (void) tr_sleep(self, below(r, 2));
}

static void use_channel(tr_self *self, struct random *r, tr_addr ch)
{
    const tr_msg *m;
    if (below(r, 2) == 0)
        storm.sent += tr_channel_send_for(self, ch, below(r, 3), "n", 1) == TR_OK;
    else
        storm.received += tr_channel_recv_for(self, ch, below(r, 3), &m) == TR_OK;
}

/* Two receives at once, of which at most one is taken. */
static void use_both_channels(tr_self *self, struct random *r)
{
    tr_pending pending[2] = { { 0 }, { 0 } };
    tr_wait_item items[2] = { { .kind = TR_WAIT_REPLY }, { .kind = TR_WAIT_REPLY } };
    tr_err err = tr_channel_recv_start(self, storm.channel, &pending[0]);
    if (err == TR_OK)
        err = tr_channel_recv_start(self, storm.meeting, &pending[1]);
    for (int i = 0; i < 2; i++)
        items[i].pending = pending[i];
    if (err == TR_OK)
        err = tr_wait(self, items, 2, TR_WAIT_FIRST, below(r, 3), NULL);
    if (err == TR_OK && (items[0].done || items[1].done))
        storm.received += tr_await(self, pending[items[0].done ? 0 : 1], NULL) == TR_OK;
    tr_ask_cancel(self, pending[0]);
    tr_ask_cancel(self, pending[1]);
}

static void use_work(tr_self *self, struct random *r)
{
    tr_hold hold;
    const tr_msg *item;
    if (below(r, 2) == 0) {
        storm.put += tr_work_put_for(self, storm.work, below(r, 3), "item", 1) == TR_OK;
        return;
    }
    if (tr_work_take_for(self, storm.work, below(r, 3), &hold, &item) != TR_OK)
        return;
    storm.taken++;
    pause_now_and_then(self, r);
    if (below(r, 4) == 0) {
        storm.again++;
        tr_work_again(self, &hold);
    } else {
        tr_hold_release(self, &hold);
    }
}

static void use_permits(tr_self *self, struct random *r)
{
    tr_hold hold;
    int n = 1 + below(r, PERMITS);
    if (tr_semaphore_take_for(self, storm.semaphore, (uint32_t) n, below(r, 3), &hold) != TR_OK)
        return;
    check(atomic_fetch_add(&storm.inside, n) + n <= PERMITS);
    atomic_fetch_sub(&storm.inside, n);
    storm.held++;
    pause_now_and_then(self, r);
    tr_hold_release(self, &hold);
}

static void use_lock(tr_self *self, struct random *r)
{
    tr_hold hold;
    if (tr_lock_take_for(self, storm.lock, below(r, 3), &hold, NULL) != TR_OK)
        return;
    check(atomic_fetch_add(&storm.locked, 1) == 0);
    atomic_fetch_sub(&storm.locked, 1);
    pause_now_and_then(self, r);
    tr_hold_release(self, &hold);
}

static void use_flow(tr_self *self, struct random *r)
{
    tr_flow flow;
    const tr_msg *part;
    const tr_flow_opts opts = { .size = sizeof opts, .parts_max = 1 + (uint32_t) below(r, 8) };
    int n = below(r, 40), next = 0, i = -1, reads = below(r, 60);
    tr_err err = tr_flow_open(self, storm.server, &opts, &flow, "count", n);
    if (err != TR_OK)
        return;
    while (reads-- > 0 && (err = tr_flow_next_for(self, &flow, below(r, 8) == 0 ? 0 : 1000, &part)) != TR_ECANCELED) {
        if (err == TR_OK)
            check(tr_is(part, "n", &i) && i == next++);
        if (err != TR_OK && err != TR_ETIMEDOUT)
            break;
    }
    check(err != TR_ECLOSED || next == n);
    storm.flows += err == TR_ECLOSED;
    storm.parts += next;
    tr_flow_close(self, &flow);
}

static tr_err actor(tr_self *self, void *arg)
{
    struct random r;
    (void) arg;
    random_seed(&r, (uint64_t) atomic_fetch_add(&storm.seed, 1));
    while (!tr_is_canceled(self)) {
        switch (below(&r, 8)) {
        case 0:
            use_channel(self, &r, storm.channel);
            break;
        case 1:
            use_channel(self, &r, storm.meeting);
            break;
        case 2:
            use_work(self, &r);
            break;
        case 3:
            use_permits(self, &r);
            break;
        case 4:
            use_lock(self, &r);
            break;
        case 6:
            use_both_channels(self, &r);
            break;
        case 5:
            storm.tokens += tr_rate_take_for(self, storm.rate, 1 + (uint32_t) below(&r, 2), below(&r, 2)) == TR_OK;
            break;
        default:
            use_flow(self, &r);
            break;
        }
        (void) tr_yield(self);
    }
    return TR_OK;
}

/* ---- the frame ---- */

static tr_err spawn_actor_on(tr_self *self, int i)
{
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .body = actor,
                                 .place = TR_PLACE_WORKER,
                                 .worker = (unsigned) i % storm.workers,
                                 .flags = TR_SPAWN_DETACHED };
    return tr_spawn_with(self, &opts, &storm.actor[i]);
}

static tr_err open_all(tr_self *self)
{
    const tr_spawn_opts far = {
        .size = sizeof far, .behaviour = &server, .place = TR_PLACE_WORKER, .worker = storm.workers - 1
    };
    tr_err err = tr_channel_create(self, 2, NULL, &storm.channel);
    if (err == TR_OK)
        err = tr_channel_create(self, 0, NULL, &storm.meeting);
    if (err == TR_OK)
        err = tr_work_create(self, 2, NULL, &storm.work);
    if (err == TR_OK)
        err = tr_semaphore_create(self, PERMITS, NULL, &storm.semaphore);
    if (err == TR_OK)
        err = tr_lock_create(self, NULL, &storm.lock);
    if (err == TR_OK)
        err = tr_rate_create(self, 1000, 10, 10, NULL, &storm.rate);
    return err == TR_OK ? tr_spawn_with(self, &far, &storm.server) : err;
}

/* What is still in there when everybody has gone. */
static void drain(tr_self *self)
{
    const tr_msg *m;
    tr_hold hold;
    while (tr_channel_recv_for(self, storm.channel, 0, &m) == TR_OK)
        storm.received++;
    while (tr_channel_recv_for(self, storm.meeting, 0, &m) == TR_OK)
        storm.received++;
    while (tr_work_take_for(self, storm.work, 0, &hold, &m) == TR_OK) {
        storm.taken++;
        tr_hold_release(self, &hold);
    }
    check(tr_work_join_for(self, storm.work, 1000) == TR_OK);
    check(tr_semaphore_take_for(self, storm.semaphore, PERMITS, 1000, &hold) == TR_OK);
    tr_hold_release(self, &hold);
    check(tr_lock_take_for(self, storm.lock, 1000, &hold, NULL) == TR_OK);
    tr_hold_release(self, &hold);
}

/* A slow machine needs longer until everything has happened. */
static bool is_calm(void)
{
    return storm.sent < 20 || storm.put < 20 || storm.held < 20 || storm.flows < 20;
}

static tr_err storm_main(tr_self *self, void *arg)
{
    struct random r;
    const char *text = getenv("TROUPE_STORM_MS");
    (void) arg;
    random_seed(&r, 1);
    tr_err err = open_all(self);
    for (int i = 0; i < ACTORS && err == TR_OK; i++)
        err = spawn_actor_on(self, i);
    long until = now_ms(self) + (text != NULL && atol(text) > 0 ? atol(text) : 200);
    while (err == TR_OK && (now_ms(self) < until || (is_calm() && now_ms(self) < until + CALM_MS_MAX))) {
        err = tr_sleep(self, 3);
        int i = below(&r, ACTORS);
        if (below(&r, 2) == 0)
            tr_kill(self, storm.actor[i], NULL);
        else
            tr_cancel(self, storm.actor[i], NULL);
        if (err == TR_OK)
            err = spawn_actor_on(self, i);
    }
    for (int i = 0; i < ACTORS; i++)
        tr_cancel(self, storm.actor[i], NULL);
    (void) tr_sleep(self, 200);
    drain(self);
    return err;
}

static void quiet(void *ctx, tr_log_level level, const char *line)
{
    (void) ctx, (void) level, (void) line;
}

static void storm_on(unsigned workers)
{
    tr_node *node;
    char left[512] = "";
    memset(&storm, 0, sizeof storm);
    storm.workers = workers;
    const tr_node_opts opts = { .size = sizeof opts, .workers = workers, .on_log = quiet };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = storm_main };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    alarm(STORM_WATCHDOG_S);
    tr_err err = tr_node_run(node);
    alarm(0);
    size_t things = tr_test_leftovers(node, left, sizeof left);
    tr_node_destroy(&node);
    print_message("%u workers: %ld messages, %ld items, %ld holds, %ld flows, %ld parts\n", workers, (long) storm.sent,
                  (long) storm.put, (long) storm.held, (long) storm.flows, (long) storm.parts);
    assert_int_equal(err, TR_OK);
    if (things > 0)
        fail_msg("left over: %s", left);
    assert_int_equal(storm.wrong, 0);
    assert_int_equal(storm.sent, storm.received);
    assert_int_equal(storm.put + storm.again, storm.taken);
    assert_true(storm.sent > 0 && storm.put > 0 && storm.held > 0 && storm.flows > 0);
}

/* S46.1, S46.3 */
static void a_storm_on_one_worker_loses_and_leaves_nothing(void **state)
{
    (void) state;
    storm_on(1);
}

static void a_storm_on_two_workers_loses_and_leaves_nothing(void **state)
{
    (void) state;
    storm_on(2);
}

static void a_storm_on_four_workers_loses_and_leaves_nothing(void **state)
{
    (void) state;
    storm_on(4);
}

/* ---- a cycle over two workers ---- */

struct pair {
    tr_addr lock, other;
    atomic_int deadlocks, fine;
};

static void count(struct pair *p, tr_err err)
{
    atomic_fetch_add(err == TR_EDEADLK ? &p->deadlocks : &p->fine, 1);
}

/* Answers one request, and takes the lock before. */
static tr_err needy(tr_self *self, void *arg)
{
    struct pair *p = arg;
    const tr_msg *m;
    tr_hold hold;
    tr_err err = tr_recv(self, &m);
    if (err != TR_OK)
        return err;
    count(p, tr_lock_take(self, p->lock, &hold, NULL));
    return tr_reply(self, m);
}

static tr_err hold_and_ask(tr_self *self, void *arg)
{
    struct pair *p = arg;
    tr_hold hold;
    const tr_spawn_opts far = { .size = sizeof far, .body = needy, .arg = p, .place = TR_PLACE_WORKER, .worker = 1 };
    tr_err err = tr_lock_create(self, NULL, &p->lock);
    if (err == TR_OK)
        err = tr_lock_take(self, p->lock, &hold, NULL);
    if (err == TR_OK)
        err = tr_spawn_with(self, &far, &p->other);
    if (err != TR_OK)
        return err;
    count(p, tr_ask(self, p->other, NULL, "need"));
    tr_hold_release(self, &hold);
    return tr_join(self, p->other, NULL);
}

/* S43.4: one of the two is told, and the other goes on. */
static void a_lock_is_an_edge_from_one_worker_to_another(void **state)
{
    (void) state;
    tr_node *node;
    struct pair pair = { .deadlocks = 0 };
    const tr_node_opts opts = { .size = sizeof opts, .workers = 2, .on_log = quiet };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = hold_and_ask, .arg = &pair };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    alarm(STORM_WATCHDOG_S);
    assert_int_equal(tr_node_run(node), TR_OK);
    alarm(0);
    tr_node_destroy(&node);
    assert_int_equal(pair.deadlocks, 1);
    assert_int_equal(pair.fine, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_on_one_worker_loses_and_leaves_nothing),
        cmocka_unit_test(a_storm_on_two_workers_loses_and_leaves_nothing),
        cmocka_unit_test(a_storm_on_four_workers_loses_and_leaves_nothing),
        cmocka_unit_test(a_lock_is_an_edge_from_one_worker_to_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
