/* SPDX-License-Identifier: MIT */
/* test_storm.c - actors on several workers that do anything to each other, at random, with the real clock
 *
 * What must hold whatever happens: it ends, nothing is left over, every ask comes to an end, what one actor sends to
 * another arrives in order through every move of either, and no plain message is lost without being counted.
 *
 * TROUPE_STORM_MS is how long each storm lasts (200); TROUPE_SEED chooses what the actors do, though not when. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "actor/worker.h"
#include "base/random.h"
#include "support/actor_test.h"

#define PEERS 48
#define STORM_WATCHDOG_S 60

struct storm {
    pthread_mutex_t lock; /* guards addr */
    tr_addr addr[PEERS];
    atomic_long life; /* of all peers: numbers incarnations */
    atomic_bool over;
    atomic_long sent, seen, asked, answered, refused, spawned, disorder, together, failures;
    atomic_long posted, post_disorder;
    _Atomic(tr_node *) node;
    unsigned workers;
    uint64_t seed;
};

static struct storm storm;

/* One incarnation of a peer. */
struct peer {
    int index;
    long life;
    struct random random;
    long sent[PEERS], sent_life[PEERS]; /* the last number sent to a peer's incarnation */
    tr_addr sent_to[PEERS];
    long seen[PEERS], seen_life[PEERS]; /* the last number seen from one */
    long last_posted;
    atomic_bool busy;
    tr_msg *kept;
};

static unsigned below(struct peer *p, unsigned n)
{
    return (unsigned) random_below(&p->random, n);
}

static tr_addr peer_addr(int index)
{
    pthread_mutex_lock(&storm.lock);
    tr_addr a = storm.addr[index];
    pthread_mutex_unlock(&storm.lock);
    return a;
}

static bool is_over(void)
{
    return atomic_load_explicit(&storm.over, memory_order_relaxed);
}

/* Whatever it comes to is right. */
static void count_err(tr_err err)
{
    atomic_fetch_add_explicit(&storm.failures, err != TR_OK, memory_order_relaxed);
}

/* ---- numbered messages ---- */

static void send_number(tr_self *self, struct peer *p)
{
    int to = (int) below(p, PEERS);
    tr_addr addr = peer_addr(to);
    if (tr_addr_is_nil(addr))
        return;
    if (!tr_addr_eq(addr, p->sent_to[to])) { /* another incarnation, another stream */
        p->sent_to[to] = addr;
        p->sent[to] = 0;
    }
    tr_err err = below(p, 3) == 0 ? tr_try_send(self, addr, "number", p->index, p->life, p->sent[to] + 1, addr)
                                  : tr_send(self, addr, "number", p->index, p->life, p->sent[to] + 1, addr);
    if (err != TR_OK)
        return;
    p->sent[to]++;
    atomic_fetch_add(&storm.sent, 1);
}

static void act(tr_self *self, struct peer *p);

/* A part of a handler that does not wait: two threads in it at once would be two workers with one actor. */
static void enter_alone(struct peer *p)
{
    if (atomic_exchange(&p->busy, true))
        atomic_fetch_add(&storm.together, 1);
}

static void leave_alone(struct peer *p)
{
    atomic_store(&p->busy, false);
}

static void hold(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t until = (int64_t) t.tv_sec * 1000000000 + t.tv_nsec + ms * 1000000;
    do {
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &t);
    } while ((int64_t) t.tv_sec * 1000000000 + t.tv_nsec < until);
}

static tr_err on_number(tr_self *self, void *state, const tr_msg *m)
{
    struct peer *p = state;
    int from;
    long life, n;
    tr_addr to;
    tr_args(m, &from, &life, &n, &to);
    if (!tr_addr_eq(to, tr_self_addr(self))) /* meant for who had this slot before */
        atomic_fetch_add(&storm.disorder, 1);
    if (life != p->seen_life[from]) {
        p->seen_life[from] = life;
        p->seen[from] = 0;
    }
    enter_alone(p);
    if (n <= p->seen[from]) /* what is refused or dropped leaves a gap; nothing comes twice, or before another */
        atomic_fetch_add(&storm.disorder, 1);
    p->seen[from] = n;
    atomic_fetch_add(&storm.seen, 1);
    leave_alone(p);
    if (!is_over() && below(p, 4) == 0)
        act(self, p);
    return TR_OK;
}

/* ---- requests ---- */

static tr_err on_answer(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    (void) self, (void) state, (void) reply, (void) ctx;
    atomic_fetch_add(err == TR_OK ? &storm.answered : &storm.refused, 1);
    return TR_OK;
}

static tr_err on_question(tr_self *self, void *state, const tr_msg *m)
{
    struct peer *p = state;
    switch (below(p, 12)) {
    case 0:
        (void) tr_forward(self, m, peer_addr((int) below(p, PEERS)));
        return TR_OK;
    case 1:
        if (p->kept == NULL)
            p->kept = tr_keep(self, m);
        return TR_OK;
    case 2:
        return tr_fail_with(self, TR_EUSER, "no");
    case 3:
        return TR_OK;
    case 4:
        (void) tr_yield(self);
        return tr_reply(self, m, "after a while");
    case 5:
        (void) tr_sleep(self, below(p, 3));
        return tr_reply(self, m, "later");
    default:
        return tr_reply(self, m, p->index, p->life);
    }
}

static void ask_someone(tr_self *self, struct peer *p)
{
    const tr_msg *reply;
    tr_addr to = peer_addr((int) below(p, PEERS));
    atomic_fetch_add(&storm.asked, 1);
    if (below(p, 2) == 0) {
        tr_err err = tr_ask_then(self, to, on_answer, NULL, "question");
        if (err != TR_OK)
            atomic_fetch_add(&storm.refused, 1);
        return;
    }
    tr_err err = tr_ask_for(self, to, 20, &reply, "question");
    atomic_fetch_add(err == TR_OK ? &storm.answered : &storm.refused, 1);
}

static void ask_many(tr_self *self, struct peer *p)
{
    tr_pending pending[4];
    tr_outcome outcomes[4];
    size_t n = 0;
    for (int i = 0; i < 4; i++)
        n += tr_ask_start_for(self, peer_addr((int) below(p, PEERS)), 20, &pending[n], "question") == TR_OK;
    if (n == 0)
        return;
    atomic_fetch_add(&storm.asked, (long) n);
    count_err(tr_gather(self, pending, n, below(p, 2) == 0 ? TR_COLLECT : TR_FAIL_FAST, outcomes));
    for (size_t i = 0; i < n; i++)
        atomic_fetch_add(outcomes[i].err == TR_OK ? &storm.answered : &storm.refused, 1);
}

/* ---- births and deaths ---- */

static tr_err peer_init(tr_self *self, void *state, void *arg)
{
    (void) arg;
    struct peer *p = state;
    int index;
    tr_args(tr_start_args(self), &index);
    p->index = index;
    p->life = atomic_fetch_add(&storm.life, 1) + 1;
    random_seed(&p->random, storm.seed * 1000003 + (uint64_t) p->life);
    pthread_mutex_lock(&storm.lock);
    storm.addr[index] = tr_self_addr(self);
    pthread_mutex_unlock(&storm.lock);
    return TR_OK;
}

static tr_err on_go(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    struct peer *p = state;
    for (int i = 0; i < 4 && !is_over(); i++)
        act(self, p);
    return TR_OK;
}

/* Goes on after a wait beside other messages of its actor: none of them may run at the same time. */
static tr_err on_detour(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    struct peer *p = state;
    tr_err err = below(p, 2) == 0 ? tr_yield(self) : tr_sleep(self, below(p, 2));
    enter_alone(p);
    if (err == TR_OK && below(p, 16) == 0)
        hold(2 + below(p, 3)); /* long enough for others to come and help */
    leave_alone(p);
    return err;
}

/* Holds its worker: what stands behind is taken over. */
static tr_err on_hog(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) m;
    struct peer *p = state;
    enter_alone(p);
    hold(3);
    leave_alone(p);
    return TR_OK;
}

static tr_err on_tick(tr_self *self, void *state, const tr_msg *m)
{
    return on_go(self, state, m);
}

/* Numbers of the one thread that posts; like all others they come in order, or not at all. */
static tr_err on_posted(tr_self *self, void *state, const tr_msg *m)
{
    (void) self;
    struct peer *p = state;
    long n;
    tr_args(m, &n);
    if (n <= p->last_posted)
        atomic_fetch_add(&storm.post_disorder, 1);
    p->last_posted = n;
    return TR_OK;
}

static tr_err on_stop(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) state, (void) m;
    return TR_STOP;
}

static const tr_handler peer_rows[] = {
    { "number", "from:int, life:int, n:int, to:addr", NULL, on_number, NULL, 0, NULL },
    { "question", "", "any", on_question, NULL, TR_CANCELS, NULL },
    { "go", "", NULL, on_go, NULL, 0, NULL },
    { "tick", "", NULL, on_tick, NULL, 0, NULL },
    { "detour", "", NULL, on_detour, NULL, TR_REENTRANT, NULL },
    { "hog", "", NULL, on_hog, NULL, 0, NULL },
    { "posted", "n:int", NULL, on_posted, NULL, 0, NULL },
    { "stop", "", NULL, on_stop, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour peer_behaviour = {
    .name = "peer", .state_size = sizeof(struct peer), .handlers = peer_rows, .init = peer_init
};

/* A new incarnation of a peer; whoever was there before goes on, and is not found any more. */
static void spawn_peer(tr_self *self, int index, unsigned worker, unsigned flags)
{
    tr_msg *args;
    if (tr_msg_new(&args, "peer", index) != TR_OK)
        return;
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .behaviour = &peer_behaviour,
                                 .args = args,
                                 .mailbox_len_max = index % 5 == 0 ? 4 : 0,
                                 .full_policy = (tr_full_policy) (index % 4),
                                 .flags = flags,
                                 .place = worker < storm.workers ? TR_PLACE_WORKER : TR_PLACE_AUTO,
                                 .worker = worker < storm.workers ? worker : 0 };
    if (tr_spawn_with(self, &opts, NULL) == TR_OK)
        atomic_fetch_add(&storm.spawned, 1);
    tr_msg_free(&args);
}

/* A body that may begin anywhere: asks, sleeps, is joined. */
static tr_err errand(tr_self *self, void *arg)
{
    (void) arg;
    int index, what;
    const tr_msg *reply;
    tr_args(tr_start_args(self), &index, &what);
    switch (what) {
    case 0:
        return tr_sleep(self, index % 4);
    case 1:
        atomic_fetch_add(&storm.asked, 1);
        atomic_fetch_add(
            tr_ask_for(self, peer_addr(index), 20, &reply, "question") == TR_OK ? &storm.answered : &storm.refused, 1);
        return tr_result(self, index);
    case 2:
        tr_fail(self, TR_EFAILED, "on purpose");
    default:
        return TR_OK;
    }
}

static tr_err spawn_errand(tr_self *self, struct peer *p, tr_scope *scope, tr_addr *who)
{
    tr_msg *args;
    if (tr_msg_new(&args, "errand", below(p, PEERS), below(p, 4)) != TR_OK)
        return TR_ENOMEM;
    bool here = below(p, 2) == 0;
    const tr_spawn_opts opts = { .size = sizeof opts,
                                 .body = errand,
                                 .args = args,
                                 .scope = scope,
                                 .place = here ? TR_PLACE_AUTO : TR_PLACE_WORKER,
                                 .worker = here ? 0 : below(p, storm.workers) };
    tr_err err = tr_spawn_with(self, &opts, who);
    atomic_fetch_add(&storm.spawned, err == TR_OK);
    tr_msg_free(&args);
    return err;
}

static tr_err in_scope(tr_self *self, tr_scope *scope, void *arg)
{
    struct peer *p = arg;
    unsigned n = 1 + below(p, 4);
    for (unsigned i = 0; i < n; i++)
        (void) spawn_errand(self, p, scope, NULL);
    if (below(p, 3) == 0)
        tr_scope_cancel(self, scope, "on a whim");
    return below(p, 3) == 0 ? TR_EUSER : TR_OK;
}

static void scope_somewhere(tr_self *self, struct peer *p)
{
    const tr_scope_opts opts = { .size = sizeof opts, .timeout_ms = 1 + below(p, 5), .keep_going = below(p, 2) == 0 };
    count_err(tr_scope_run(self, &opts, in_scope, p));
}

static void join_one(tr_self *self, struct peer *p)
{
    tr_addr who;
    const tr_msg *result;
    if (spawn_errand(self, p, NULL, &who) != TR_OK)
        return;
    if (below(p, 3) == 0)
        (void) tr_cancel(self, who, "not needed");
    count_err(tr_join(self, who, &result));
    tr_forget(self, who);
}

/* An end, an answer and a time, whichever comes first, or all of them. */
static void wait_for_someone(tr_self *self, struct peer *p)
{
    tr_pending pending;
    tr_addr who = peer_addr((int) below(p, PEERS));
    if (tr_addr_is_nil(who) || tr_addr_eq(who, tr_self_addr(self)))
        return;
    tr_wait_item items[3] = { { .kind = TR_WAIT_END, .actor = who },
                              { .kind = TR_WAIT_TIME, .deadline = tr_now(self) + below(p, 3) * INT64_C(1000000) } };
    size_t n = 2;
    if (tr_ask_start_for(self, peer_addr((int) below(p, PEERS)), 20, &pending, "question") == TR_OK) {
        atomic_fetch_add(&storm.asked, 1);
        atomic_fetch_add(&storm.refused, 1); /* whatever becomes of it */
        items[n++] = (tr_wait_item){ .kind = TR_WAIT_REPLY, .pending = pending };
    }
    tr_wait_mode mode = below(p, 2) == 0 ? TR_WAIT_FIRST : TR_WAIT_ALL;
    count_err(tr_wait(self, items, n, mode, 1 + below(p, 3), NULL));
}

static tr_err send_within(tr_self *self, void *arg)
{
    send_number(self, arg);
    return TR_OK;
}

/* To small mailboxes; gives up if there is no room for so long. */
static void send_hurriedly(tr_self *self, struct peer *p)
{
    count_err(tr_within(self, 1 + below(p, 2), send_within, p));
}

static void name_itself(tr_self *self, struct peer *p)
{
    tr_addr who;
    char name[16];
    snprintf(name, sizeof name, "peer-%u", below(p, 8));
    switch (below(p, 3)) {
    case 0:
        count_err(tr_register(self, name));
        break;
    case 1:
        count_err(tr_unregister(self, name));
        break;
    default:
        if (tr_whereis(self, name, &who) == TR_OK)
            (void) tr_try_send(self, who, "go");
        break;
    }
}

static void look_around(tr_self *self, struct peer *p)
{
    tr_node_stats stats = { .size = sizeof stats };
    tr_node_stats_get(tr_self_node(self), &stats);
    (void) tr_is_alive(self, peer_addr((int) below(p, PEERS)));
}

static void end_someone(tr_self *self, struct peer *p)
{
    int index = (int) below(p, PEERS);
    tr_addr who = peer_addr(index);
    switch (below(p, 4)) {
    case 0:
        (void) tr_cancel(self, who, "at random");
        break;
    case 1:
        (void) tr_kill(self, who, "at random");
        break;
    default:
        (void) tr_send(self, who, "stop");
        break;
    }
    spawn_peer(self, index, below(p, storm.workers * 2), TR_SPAWN_DETACHED);
}

static void act(tr_self *self, struct peer *p)
{
    switch (below(p, 48)) {
    case 0:
        end_someone(self, p);
        break;
    case 1:
    case 2:
        ask_someone(self, p);
        break;
    case 3:
        ask_many(self, p);
        break;
    case 4:
        join_one(self, p);
        break;
    case 5:
        scope_somewhere(self, p);
        break;
    case 6:
        wait_for_someone(self, p);
        break;
    case 7:
        (void) tr_timer_after(self, below(p, 3), NULL, "tick");
        break;
    case 8:
        (void) (below(p, 2) == 0 ? tr_pin(self) : tr_unpin(self));
        break;
    case 9:
        if (p->kept != NULL) {
            (void) tr_reply(self, p->kept, "kept");
            tr_drop(self, &p->kept);
        }
        break;
    case 10:
        (void) tr_yield(self);
        break;
    case 11:
    case 12:
        send_hurriedly(self, p);
        break;
    case 13:
        name_itself(self, p);
        break;
    case 14:
        (void) tr_try_send(self, peer_addr((int) below(p, PEERS)), "detour");
        break;
    case 15:
        if (below(p, 64) == 0)
            (void) tr_try_send(self, peer_addr((int) below(p, PEERS)), "hog");
        break;
    case 16:
        if (below(p, 16) == 0)
            look_around(self, p);
        break;
    case 17: /* as if talk prevailed here, which the machine may not bring about */
        self->worker->compact.keep_until = below(p, 2) == 0 ? INT64_MAX : 0;
        break;
    default:
        send_number(self, p);
        (void) tr_try_send(self, peer_addr((int) below(p, PEERS)), "go");
        break;
    }
}

/* ---- the frame ---- */

static long storm_ms(void)
{
    const char *text = getenv("TROUPE_STORM_MS");
    return text != NULL && atol(text) > 0 ? atol(text) : 200;
}

static tr_err storm_main(tr_self *self, void *arg)
{
    (void) arg;
    for (int i = 0; i < PEERS; i++)
        spawn_peer(self, i, (unsigned) i % (storm.workers * 2), TR_SPAWN_DETACHED);
    tr_err err = tr_sleep(self, 1);
    long until = now_ms(self) + storm_ms();
    while (err == TR_OK && now_ms(self) < until) {
        for (int i = 0; i < PEERS; i++)
            (void) tr_try_send(self, peer_addr(i), "go");
        err = tr_sleep(self, 1);
    }
    atomic_store(&storm.over, true);
    (void) tr_sleep(self, 100); /* asks come to their ends */
    tr_node_stop(tr_self_node(self), "the storm is over");
    return TR_OK;
}

static void quiet(void *ctx, tr_log_level level, const char *line)
{
    (void) ctx, (void) level, (void) line;
}

/* A thread that is no worker: posts to all in turn, and asks now and then. */
static void *stranger(void *arg)
{
    (void) arg;
    for (long n = 1; !is_over(); n++) {
        tr_msg *reply = NULL;
        tr_addr to = peer_addr((int) (n % PEERS));
        if (!tr_addr_is_nil(to) && tr_post(storm.node, to, "posted", n) == TR_OK)
            atomic_fetch_add(&storm.posted, 1);
        if (n % 16 == 0 && !tr_addr_is_nil(to))
            count_err(tr_node_ask(storm.node, to, 20, &reply, "question"));
        tr_msg_free(&reply);
        if (n % 8 == 0)
            hold(1);
    }
    return NULL;
}

static void storm_on(unsigned workers)
{
    pthread_t thread;
    tr_node *node;
    char left[512] = "";
    const char *seed = getenv("TROUPE_SEED");
    memset(&storm, 0, sizeof storm);
    pthread_mutex_init(&storm.lock, NULL);
    storm.workers = workers;
    storm.seed = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t) time(NULL);
    const tr_node_opts opts = { .size = sizeof opts, .workers = workers, .on_log = quiet, .stop_grace_ms = 20000 };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = storm_main };
    assert_int_equal(tr_node_create(&opts, &node), TR_OK);
    assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
    storm.node = node;
    assert_int_equal(pthread_create(&thread, NULL, stranger, NULL), 0);
    alarm(STORM_WATCHDOG_S + (unsigned) storm_ms() / 1000);
    tr_err err = tr_node_run(node);
    alarm(0);
    pthread_join(thread, NULL);
    tr_node_stats stats = { .size = sizeof stats };
    tr_node_stats_get(node, &stats);
    size_t things = tr_test_leftovers(node, left, sizeof left);
    tr_node_destroy(&node);
    pthread_mutex_destroy(&storm.lock);
    print_message("seed %llu, %u workers: %ld numbers, %ld asks, %ld spawns, %llu moves\n",
                  (unsigned long long) storm.seed, workers, (long) storm.sent, (long) storm.asked, (long) storm.spawned,
                  (unsigned long long) stats.moved);
    assert_int_equal(err, TR_OK);
    if (things > 0)
        fail_msg("left over: %s", left);
    assert_int_equal(storm.disorder, 0);
    assert_int_equal(storm.post_disorder, 0);
    assert_int_equal(storm.together, 0);
    assert_true(storm.sent > 0 && storm.spawned > PEERS);
    assert_true(storm.answered + storm.refused <= storm.asked); /* an asker that was killed does not count its answer */
    /* Every number that was accepted was seen, or is a dead letter; dead letters are other messages too. */
    uint64_t dead = 0;
    for (int i = 0; i < TR_DEAD_REASONS; i++)
        dead += stats.dead[i];
    assert_true(storm.seen <= storm.sent);
    assert_true((uint64_t) (storm.sent - storm.seen) <= dead);
}

static void a_storm_on_one_worker_leaves_nothing(void **state)
{
    (void) state;
    storm_on(1);
}

static void a_storm_on_two_workers_leaves_nothing_and_keeps_order(void **state)
{
    (void) state;
    storm_on(2);
}

static void a_storm_on_eight_workers_leaves_nothing_and_keeps_order(void **state)
{
    (void) state;
    storm_on(8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_on_one_worker_leaves_nothing),
        cmocka_unit_test(a_storm_on_two_workers_leaves_nothing_and_keeps_order),
        cmocka_unit_test(a_storm_on_eight_workers_leaves_nothing_and_keeps_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
