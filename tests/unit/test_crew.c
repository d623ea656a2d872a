/* SPDX-License-Identifier: MIT */
/* test_crew.c - several workers under somebody else's loop, beside another node, looked at, and short of memory
 *
 * (src/sched/worker.c, src/node/node.c) */
#include <poll.h>
#include <pthread.h>

#include "node/node.h"
#include "support/workers.h"

/* ---- embedding ---- */

struct embed {
    tr_node *node;
    atomic_int asked;
    int number;
    tr_err result;
};

static tr_err ask_there(tr_self *self, void *arg)
{
    struct embed *e = arg;
    tr_addr who;
    const tr_msg *reply;
    tr_err err = spawn_on(self, 1, echo, NULL, NULL, &who);
    for (int i = 0; i < e->number && err == TR_OK; i++) {
        err = tr_ask(self, who, &reply, "n", i);
        atomic_fetch_add(&e->asked, err == TR_OK);
    }
    e->result = err;
    return TR_OK;
}

/* As somebody else's loop does it: steps, and waits for the descriptor without a timeout. */
static void drive(tr_node *node)
{
    struct pollfd p = { .fd = tr_node_fd(node), .events = POLLIN };
    while (!tr_node_is_done(node)) {
        if (tr_node_step(node, 5))
            continue;
        if (!tr_node_is_done(node))
            (void) poll(&p, 1, -1);
    }
}

static void prepare(struct embed *e, tr_body_fn *body, unsigned workers)
{
    const tr_node_opts opts = { .size = sizeof opts, .workers = workers, .on_log = workers_quiet };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = body, .arg = e };
    assert_int_equal(tr_node_create(&opts, &e->node), TR_OK);
    assert_int_equal(tr_node_spawn(e->node, &spawn, NULL), TR_OK);
}

static void an_embedded_node_is_woken_by_its_other_workers(void **state)
{
    (void) state;
    struct embed e = { .number = 300 };
    prepare(&e, ask_there, 2);
    alarm(WORKERS_WATCHDOG_S);
    drive(e.node);
    alarm(0);
    assert_int_equal(e.result, TR_OK);
    assert_int_equal(e.asked, 300);
    tr_node_destroy(&e.node); /* its threads end with it */
}

static tr_err sleep_long(tr_self *self, void *arg)
{
    struct embed *e = arg;
    atomic_fetch_add(&e->asked, 1);
    return tr_sleep(self, 1000000);
}

static void *stop_it(void *arg)
{
    struct embed *e = arg;
    hold_until(&e->asked, 1);
    tr_node_stop(e->node, "from a thread");
    return NULL;
}

static void a_stop_from_a_thread_reaches_an_embedded_node(void **state)
{
    (void) state;
    alarm(WORKERS_WATCHDOG_S);
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        struct embed e = { .number = 0 };
        prepare(&e, sleep_long, 1 + (unsigned) i % 2);
        assert_int_equal(pthread_create(&thread, NULL, stop_it, &e), 0);
        drive(e.node);
        pthread_join(thread, NULL);
        tr_node_destroy(&e.node);
    }
    alarm(0);
}

/* ---- two nodes ---- */

static void *run_node(void *arg)
{
    struct embed *e = arg;
    tr_err err = tr_node_run(e->node);
    if (err != TR_OK)
        e->result = err;
    return NULL;
}

static void two_nodes_of_one_process_do_not_know_each_other(void **state)
{
    (void) state;
    pthread_t threads[2];
    struct embed e[2] = { { .number = 200 }, { .number = 200 } };
    alarm(WORKERS_WATCHDOG_S);
    for (int i = 0; i < 2; i++) {
        prepare(&e[i], ask_there, 2);
        assert_int_equal(pthread_create(&threads[i], NULL, run_node, &e[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(e[i].result, TR_OK);
        assert_int_equal(e[i].asked, 200);
        tr_node_destroy(&e[i].node);
    }
    alarm(0);
}

/* ---- looking ---- */

struct look {
    atomic_int over, renamed;
    char text[8192];
    size_t actors, found;
};

/* Gives itself names and takes them away, as often as it can. */
static tr_err rename_often(tr_self *self, void *arg)
{
    struct look *l = arg;
    tr_err err = TR_OK;
    while (err == TR_OK && atomic_load(&l->over) == 0) {
        err = tr_register(self, "now and then");
        if (err == TR_OK)
            err = tr_unregister(self, "now and then");
        if (atomic_fetch_add(&l->renamed, 1) % 64 == 0)
            err = tr_yield(self);
    }
    return err;
}

static tr_err look_often(tr_self *self, void *arg)
{
    struct look *l = arg;
    tr_addr who, other;
    tr_err err = spawn_on(self, 1, rename_often, NULL, l, &who);
    if (err == TR_OK)
        err = spawn_on(self, 1, deaf, NULL, NULL, &other);
    if (err == TR_OK)
        err = tr_sleep(self, 1);
    for (int i = 0; i < 100 && err == TR_OK; i++) {
        tr_node_stats stats = { .size = sizeof stats };
        FILE *out = fmemopen(l->text, sizeof l->text, "w");
        if (out == NULL)
            return TR_EIO;
        tr_node_print(tr_self_node(self), out);
        fclose(out);
        tr_node_stats_get(tr_self_node(self), &stats);
        l->actors = stats.actors;
        char addr[TR_ADDR_TEXT_MAX];
        l->found += strstr(l->text, tr_addr_text(other, addr)) != NULL;
    }
    atomic_store(&l->over, 1);
    if (err == TR_OK)
        err = tr_join(self, who, NULL);
    (void) tr_kill(self, other, "done");
    return err;
}

static void a_node_is_printed_and_counted_while_all_workers_work(void **state)
{
    (void) state;
    static struct look l;
    assert_int_equal(run_workers(2, look_often, &l), TR_OK);
    assert_int_equal(l.actors, 3);
    assert_in_range(l.found, 1, 100); /* a worker that cannot be stopped is looked at all the same */
}

/* An instrument that blocks its worker at one message: in the runtime, where nobody may look. */
struct hook {
    tr_instrument instrument;
    atomic_int blocks, over;
    char text[8192];
};

static void block_at_word(void *ctx, const tr_msg *m, tr_addr by)
{
    struct hook *h = ctx;
    (void) by;
    if (!tr_is(m, "block"))
        return;
    atomic_store(&h->blocks, 1);
    while (atomic_load(&h->over) == 0)
        sched_yield();
}

static tr_err look_at_blocked(tr_self *self, void *arg)
{
    struct hook *h = arg;
    tr_addr who;
    const tr_msg *reply;
    tr_err err = tr_instrument_set(tr_self_node(self), &h->instrument);
    if (err == TR_OK)
        err = spawn_on(self, 1, echo, NULL, NULL, &who);
    if (err == TR_OK)
        err = tr_ask(self, who, &reply, "warm", 1); /* the worker has taken up the instrument */
    if (err == TR_OK)
        err = tr_send(self, who, "block");
    FILE *out = err == TR_OK ? fmemopen(h->text, sizeof h->text, "w") : NULL;
    while (out != NULL && atomic_load(&h->blocks) == 0)
        sched_yield();
    if (out != NULL) {
        tr_node_print(tr_self_node(self), out);
        fclose(out);
    }
    atomic_store(&h->over, 1);
    return err == TR_OK ? tr_kill(self, who, "done") : err;
}

static void actors_of_a_worker_that_cannot_be_stopped_are_listed_without_their_insides(void **state)
{
    (void) state;
    static struct hook h = { .instrument = { .size = sizeof h.instrument, .message_taken = block_at_word } };
    h.instrument.ctx = &h;
    assert_int_equal(run_workers(2, look_at_blocked, &h), TR_OK);
    assert_non_null(strstr(h.text, "running, mailbox 0"));
    assert_non_null(strstr(h.text, ", mailbox 0 (0 bytes), on a worker that could not be stopped"));
}

/* ---- inboxes ---- */

struct mail {
    tr_node *node;
    tr_addr to;
    long sum;
};

static tr_err send_home(tr_self *self, void *arg)
{
    struct mail *mail = arg;
    tr_err err = TR_OK;
    for (int i = 1; i <= 1000 && err == TR_OK; i++)
        err = tr_send(self, mail->to, "n", i);
    return err;
}

static void *read_inbox(void *arg)
{
    struct mail *mail = arg;
    tr_inbox *inbox;
    if (tr_inbox_open(mail->node, &inbox, &mail->to) != TR_OK)
        return NULL;
    tr_addr who;
    while (tr_node_whereis(mail->node, "sender", &who) != TR_OK)
        sched_yield();
    if (tr_post(mail->node, who, "go") == TR_OK)
        for (int i = 0; i < 1000; i++) {
            tr_msg *m;
            int n;
            if (tr_inbox_recv(inbox, 20000, &m) != TR_OK)
                break;
            tr_args(m, &n);
            mail->sum += n == i + 1 ? n : -1000000;
            tr_msg_free(&m);
        }
    tr_inbox_close(&inbox);
    return NULL;
}

static tr_err wait_and_send(tr_self *self, void *arg)
{
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    return err == TR_OK ? send_home(self, arg) : err;
}

static void a_thread_reads_what_an_actor_of_any_worker_sends_to_its_inbox(void **state)
{
    (void) state;
    pthread_t thread;
    struct mail mail = { .sum = 0 };
    const tr_node_opts opts = { .size = sizeof opts, .workers = 2, .on_log = workers_quiet };
    const tr_spawn_opts spawn = { .size = sizeof spawn,
                                  .body = wait_and_send,
                                  .arg = &mail,
                                  .name = "sender",
                                  .place = TR_PLACE_WORKER,
                                  .worker = 1 };
    alarm(WORKERS_WATCHDOG_S);
    assert_int_equal(tr_node_create(&opts, &mail.node), TR_OK);
    assert_int_equal(tr_node_spawn(mail.node, &spawn, NULL), TR_OK);
    assert_int_equal(pthread_create(&thread, NULL, read_inbox, &mail), 0);
    assert_int_equal(tr_node_run(mail.node), TR_OK);
    pthread_join(thread, NULL);
    tr_node_destroy(&mail.node);
    alarm(0);
    assert_int_equal(mail.sum, 500500);
}

/* ---- memory ---- */

#define CROWD 300

struct crowd {
    atomic_int waiting, released;
    size_t pooled;
};

static tr_err wait_in_crowd(tr_self *self, void *arg)
{
    struct crowd *c = arg;
    atomic_fetch_add(&c->waiting, 1);
    return wait_until(self, &c->released, 1);
}

static tr_err crowd_on(tr_self *self, struct crowd *c, unsigned worker)
{
    static tr_addr who[CROWD];
    tr_err err = TR_OK;
    atomic_store(&c->waiting, 0);
    atomic_store(&c->released, 0);
    for (int i = 0; i < CROWD && err == TR_OK; i++)
        err = spawn_on(self, worker, wait_in_crowd, NULL, c, &who[i]);
    if (err == TR_OK)
        err = wait_until(self, &c->waiting, CROWD);
    atomic_store(&c->released, 1);
    for (int i = 0; i < CROWD && err == TR_OK; i++)
        err = tr_join(self, who[i], NULL);
    return err;
}

static tr_err crowds_one_after_another(tr_self *self, void *arg)
{
    struct crowd *c = arg;
    tr_node_stats stats = { .size = sizeof stats };
    tr_err err = crowd_on(self, c, 1);
    while (err == TR_OK && depots_stacks(&tr_self_node(self)->world) == 0)
        err = tr_sleep(self, 1); /* until that worker has nothing to do */
    if (err == TR_OK)
        err = crowd_on(self, c, 0);
    tr_node_stats_get(tr_self_node(self), &stats);
    c->pooled = stats.stacks_pooled;
    return err;
}

static void stacks_of_one_worker_are_used_by_another(void **state)
{
    (void) state;
    struct crowd c = { .pooled = 0 };
    assert_int_equal(run_workers(2, crowds_one_after_another, &c), TR_OK);
    assert_in_range(c.pooled, CROWD, CROWD + CROWD / 2);
}

#define ALLOCATIONS_MAX 2000

static tr_err wait_for_one(tr_self *self, void *arg)
{
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    return err == TR_OK && arg == NULL ? tr_result(self, 1) : err;
}

/* Whatever it comes to is right. */
static void any(tr_err err)
{
    (void) err;
}

static tr_err in_scope(tr_self *self, tr_scope *scope, void *arg)
{
    (void) arg;
    const tr_spawn_opts opts = {
        .size = sizeof opts, .body = wait_for_one, .scope = scope, .place = TR_PLACE_WORKER, .worker = 1
    };
    any(tr_spawn_with(self, &opts, NULL));
    tr_scope_cancel(self, scope, "enough");
    return TR_OK;
}

/* Whatever fails, it goes on to the next. */
static tr_err little_of_everything(tr_self *self, void *arg)
{
    (void) arg;
    tr_addr who, other;
    const tr_msg *reply;
    if (spawn_on(self, 1, echo, NULL, NULL, &who) == TR_OK) {
        any(tr_ask_for(self, who, 2000, &reply, "n", 1));
        any(tr_ask_for(self, who, 1, &reply, "n"));
        any(tr_send(self, who, "n", 2));
        if (tr_cancel_wait(self, who, "enough", 2000) == TR_ENOMEM)
            (void) tr_kill(self, who, "enough");
    }
    const tr_spawn_opts small = {
        .size = sizeof small, .body = wait_for_one, .mailbox_len_max = 1, .place = TR_PLACE_WORKER, .worker = 1
    };
    if (tr_spawn_with(self, &small, &other) == TR_OK) {
        for (int i = 0; i < 3; i++)
            any(tr_send(self, other, "n", i));
        any(tr_cancel(self, other, "if it still waits"));
        any(tr_join(self, other, NULL));
    }
    any(tr_scope_run(self, NULL, in_scope, NULL));
    return TR_OK;
}

/* Runs it with the n-th allocation failing; returns how many there were. */
static uint64_t run_short_of_memory(uint64_t n, bool *clean)
{
    tr_node *node;
    char left[256] = "";
    const tr_node_opts opts = { .size = sizeof opts, .workers = 2, .on_log = workers_quiet };
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = little_of_everything };
    (void) tr_test_fail_alloc(n);
    if (tr_node_create(&opts, &node) == TR_OK) {
        tr_err err = tr_node_spawn(node, &spawn, NULL);
        if (err == TR_OK)
            err = tr_node_run(node);
        uint64_t count = tr_test_fail_alloc(0);
        *clean = err == TR_ENOMEM || tr_test_leftovers(node, left, sizeof left) == 0 ||
                 count < n; /* ENOMEM: nothing has run */
        if (!*clean)
            print_error("allocation %llu: left over: %s\n", (unsigned long long) n, left);
        tr_node_destroy(&node);
        return count;
    }
    *clean = true;
    return tr_test_fail_alloc(0);
}

static void each_allocation_may_fail_and_nothing_hangs_or_is_lost(void **state)
{
    (void) state;
    bool clean = true;
    alarm(WORKERS_WATCHDOG_S);
    uint64_t n = 1;
    while (n < ALLOCATIONS_MAX && run_short_of_memory(n, &clean) >= n && clean)
        n++;
    alarm(0);
    assert_true(clean);
    assert_true(n > 20 && n < ALLOCATIONS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_embedded_node_is_woken_by_its_other_workers),
        cmocka_unit_test(a_stop_from_a_thread_reaches_an_embedded_node),
        cmocka_unit_test(two_nodes_of_one_process_do_not_know_each_other),
        cmocka_unit_test(a_node_is_printed_and_counted_while_all_workers_work),
        cmocka_unit_test(actors_of_a_worker_that_cannot_be_stopped_are_listed_without_their_insides),
        cmocka_unit_test(a_thread_reads_what_an_actor_of_any_worker_sends_to_its_inbox),
        cmocka_unit_test(stacks_of_one_worker_are_used_by_another),
        cmocka_unit_test(each_allocation_may_fail_and_nothing_hangs_or_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
