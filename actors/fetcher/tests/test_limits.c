/* SPDX-License-Identifier: MIT */
/* test_limits.c - many pages at a time: limits that hold, and slots that are never lost */
#include <stdlib.h>
#include <unistd.h>

#include "fixture/fixture.h"

enum { MANY = 40 };

struct crowd {
    tr_fetcher_opts pool;
    const char *paths[2]; /* taken in turn, at web and at tls_web if there are two */
    size_t count;
    int64_t fetched, peak, active, waiting, canceled;
};

static tr_err crowd_start(tr_self *self, const struct crowd *c, tr_addr pool, tr_pending *asks)
{
    tr_err err = TR_OK;
    for (size_t i = 0; i < c->count && err == TR_OK; i++) {
        const struct web *server = c->paths[1] != NULL && i % 2 ? &tls_web : &web;
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &asks[i], "fetch",
                               at(server, c->paths[c->paths[1] != NULL && i % 2]));
    }
    return err;
}

static tr_err crowd_main(tr_self *self, void *arg)
{
    struct crowd *c = arg;
    tr_pending asks[MANY];
    tr_outcome outcomes[MANY];
    tr_addr pool;
    struct fetch reset = { .url = at(&web, "/reset") };
    tr_err err = tr_fetcher_spawn(self, &c->pool, &pool);
    if (err != TR_OK)
        return err;
    fetch_from(self, pool, &reset);
    err = crowd_start(self, c, pool, asks);
    if (err == TR_OK)
        err = tr_gather(self, asks, c->count, TR_COLLECT, outcomes);
    for (size_t i = 0; i < c->count && err == TR_OK; i++) {
        tr_page page;
        c->fetched += outcomes[i].err == TR_OK && tr_page_read(outcomes[i].reply, &page) == TR_OK && page.status == 200;
    }
    c->peak = server_count(self, pool, "peak");
    c->active = pool_count_becomes(self, pool, POOL_ACTIVE, 0);
    c->waiting = pool_count_becomes(self, pool, POOL_WAITING, 0);
    return err;
}

/* The server lets none of them go before all are there. */
static void requests_are_under_way_at_the_same_time(void **state)
{
    struct crowd c = { .pool = { .size = sizeof c.pool, .per_host_max = MANY },
                       .paths = { "/barrier/all/40" },
                       .count = MANY };
    (void) state;
    run_actor(crowd_main, &c);
    assert_int_equal(c.fetched, MANY);
}

static void limit_of_a_host_holds_and_is_used(void **state)
{
    struct crowd c = { .pool = { .size = sizeof c.pool, .per_host_max = 3 }, .paths = { "/slow/10" }, .count = MANY };
    (void) state;
    run_actor(crowd_main, &c);
    assert_int_equal(c.fetched, MANY);
    assert_int_equal(c.peak, 3);
    assert_int_equal(c.active, 0);
    assert_int_equal(c.waiting, 0);
}

static void limit_of_the_pool_holds(void **state)
{
    struct crowd c = { .pool = { .size = sizeof c.pool, .per_host_max = MANY, .total_max = 2 },
                       .paths = { "/slow/10" },
                       .count = MANY };
    (void) state;
    run_actor(crowd_main, &c);
    assert_int_equal(c.fetched, MANY);
    assert_int_equal(c.peak, 2);
}

/* With one slot and two hosts the slot must be handed from one fetcher to the other, or one starves. */
static void one_slot_serves_hosts_of_different_fetchers(void **state)
{
    struct crowd c = { .pool = { .size = sizeof c.pool, .total_max = 1, .fetchers = 64, .insecure = true },
                       .paths = { "/ok/10", "/ok/10" },
                       .count = MANY };
    (void) state;
    run_actor(crowd_main, &c);
    assert_int_equal(c.fetched, MANY);
    assert_int_equal(c.active, 0);
}

/* ---- giving up ---- */

static tr_err give_up_main(tr_self *self, void *arg)
{
    struct crowd *c = arg;
    tr_addr pool;
    struct fetch reset = { .url = at(&web, "/reset") }, hang = { .url = at(&web, "/hang"), .timeout_ms = 100 },
                 noticed = { .url = at(&web, "/wait/hung_up/1") };
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err != TR_OK)
        return err;
    fetch_from(self, pool, &reset);
    fetch_from(self, pool, &hang);
    if (hang.err != TR_ETIMEDOUT)
        return tr_fail_with(self, TR_EFAILED, "the ask ended with %s", tr_err_name(hang.err));
    fetch_from(self, pool, &noticed);
    c->fetched = noticed.status;
    c->active = pool_count_becomes(self, pool, POOL_ACTIVE, 0);
    c->canceled = pool_count_becomes(self, pool, POOL_CANCELED, 1);
    return TR_OK;
}

static void ask_that_expires_closes_its_transfer(void **state)
{
    struct crowd c = { .count = 0 };
    (void) state;
    run_actor(give_up_main, &c);
    assert_int_equal(c.fetched, 200);
    assert_int_equal(c.active, 0);
    assert_int_equal(c.canceled, 1);
}

/* Cancels at every stage: still in a mailbox, waiting for a slot, connecting, under way. */
static tr_err soak_main(tr_self *self, void *arg)
{
    struct crowd *c = arg;
    const tr_fetcher_opts opts = { .size = sizeof opts, .per_host_max = 4, .total_max = 4 };
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    for (int i = 0; i < 1000 && err == TR_OK; i++) {
        tr_pending ask = { 0 };
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &ask, "fetch", at(&web, "/hang"));
        for (int turns = i % 7; turns > 0 && err == TR_OK; turns--)
            err = tr_yield(self);
        if (err == TR_OK && i % 10 == 9)
            err = tr_sleep(self, 1);
        tr_ask_cancel(self, ask);
    }
    if (err != TR_OK)
        return err;
    tr_pending asks[4];
    tr_outcome outcomes[4];
    for (size_t i = 0; i < 4 && err == TR_OK; i++)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &asks[i], "fetch", at(&web, "/barrier/soak/4"));
    if (err == TR_OK)
        err = tr_gather(self, asks, 4, TR_FAIL_FAST, outcomes);
    c->active = pool_count_becomes(self, pool, POOL_ACTIVE, 0);
    c->waiting = pool_count_becomes(self, pool, POOL_WAITING, 0);
    return err;
}

static void thousand_cancels_lose_no_slot(void **state)
{
    struct crowd c = { .active = -1 };
    (void) state;
    run_actor(soak_main, &c);
    assert_int_equal(c.active, 0);
    assert_int_equal(c.waiting, 0);
}

static tr_err waiting_main(tr_self *self, void *arg)
{
    struct crowd *c = arg;
    const tr_fetcher_opts opts = { .size = sizeof opts, .per_host_max = 1 };
    tr_pending hang, waits[10];
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    if (err == TR_OK)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &hang, "fetch", at(&web, "/hang"));
    for (int i = 0; i < 1000 && err == TR_OK && pool_count(self, pool, POOL_ACTIVE) == 0; i++)
        err = tr_yield(self); /* its slot is granted by message */
    for (int i = 0; i < 10 && err == TR_OK; i++)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &waits[i], "fetch", at(&web, "/ok/1"));
    if (err != TR_OK)
        return err;
    c->waiting = pool_count_becomes(self, pool, POOL_WAITING, 10);
    for (int i = 0; i < 10; i++)
        tr_ask_cancel(self, waits[i]);
    c->peak = pool_count_becomes(self, pool, POOL_WAITING, 0);
    tr_ask_cancel(self, hang);
    c->canceled = pool_count_becomes(self, pool, POOL_CANCELED, 11);
    return TR_OK;
}

static void request_that_waits_is_forgotten_when_its_asker_gives_up(void **state)
{
    struct crowd c = { .count = 0 };
    (void) state;
    run_actor(waiting_main, &c);
    assert_int_equal(c.waiting, 10);
    assert_int_equal(c.peak, 0);
    assert_int_equal(c.canceled, 11);
}

static tr_err full_main(tr_self *self, void *arg)
{
    struct fetch *f = arg;
    const tr_fetcher_opts opts = { .size = sizeof opts, .per_host_max = 1, .queue_max = 2 };
    tr_pending asks[3];
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &asks[i], "fetch", at(&web, "/hang"));
    if (err == TR_OK)
        fetch_from(self, pool, f);
    return err;
}

static void request_beyond_the_queue_is_refused(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/1") };
    (void) state;
    run_actor(full_main, &f);
    assert_failed(&f, TR_EFULL, "2 requests wait already, the limit");
}

/* A slow name does not hold up what needs no name. */
static tr_err cancel_resolving_main(tr_self *self, void *arg)
{
    struct fetch *f = arg;
    tr_pending ask = { 0 };
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    if (err == TR_OK)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &ask, "fetch", "http://another.nohost.invalid/");
    if (err == TR_OK)
        err = tr_yield(self);
    tr_ask_cancel(self, ask);
    if (err == TR_OK)
        fetch_from(self, pool, f);
    return err;
}

static void giving_up_while_a_name_resolves_does_no_harm(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/1") };
    (void) state;
    run_actor(cancel_resolving_main, &f);
    assert_int_equal(f.status, 200);
}

/* Waits for new descriptors, whose numbers are the lowest that are free. Returns how many others wait for. */
static int refused_descriptors(tr_self *self)
{
    int pipes[16][2], refused = 0, n = 0;
    while (n < 16 && pipe(pipes[n]) == 0)
        n++;
    for (int i = 0; i < n; i++)
        for (int end = 0; end < 2; end++) /* what connects is waited for as writable */
            refused += tr_fd_wait(self, pipes[i][end], TR_WRITABLE, 0, NULL) == TR_EBUSY;
    for (int i = 0; i < n; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    return refused + 16 - n;
}

/* However far they have come: waiting for a slot, connecting, under way. */
static tr_err give_up_after(tr_self *self, tr_addr pool, int turns)
{
    tr_pending asks[8];
    tr_err err = TR_OK;
    for (int i = 0; i < 8 && err == TR_OK; i++)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &asks[i], "fetch", at(&web, "/hang"));
    for (; turns > 0 && err == TR_OK; turns--)
        err = tr_yield(self);
    for (int i = 0; i < 8 && err == TR_OK; i++)
        tr_ask_cancel(self, asks[i]);
    return err == TR_OK && pool_count_becomes(self, pool, POOL_ACTIVE, 0) != 0 ? TR_EFAILED : err;
}

static tr_err numbers_main(tr_self *self, void *arg)
{
    int *refused = arg;
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    *refused = 0;
    for (int turns = 0; turns < 10 && err == TR_OK; turns++) {
        err = give_up_after(self, pool, turns);
        *refused += refused_descriptors(self);
    }
    return err;
}

static void numbers_of_connections_that_were_given_up_are_free_for_others(void **state)
{
    int refused = -1;
    (void) state;
    run_actor(numbers_main, &refused);
    assert_int_equal(refused, 0);
}

static tr_err end_main(tr_self *self, void *arg)
{
    tr_pending ask;
    tr_addr pool;
    (void) arg;
    tr_err err = tr_fetcher_spawn(self, NULL, &pool);
    for (int i = 0; i < 20 && err == TR_OK; i++)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &ask, "fetch", at(&web, i % 2 ? "/hang" : "/ok/1"));
    return err == TR_OK ? tr_sleep(self, 20) : err;
}

/* run_actor says what is left over. */
static void pool_that_ends_with_transfers_under_way_leaves_nothing(void **state)
{
    (void) state;
    run_actor(end_main, NULL);
}

/* ---- killing ---- */

/* Who is behind a pool is nobody's business, so it is looked for where all actors are printed. */
static tr_addr find_actor(tr_self *self, const char *name)
{
    char *text = NULL, wanted[64];
    size_t size = 0;
    unsigned slot, generation;
    tr_addr who = TR_ADDR_NIL;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return who;
    tr_node_print(tr_self_node(self), out);
    fclose(out);
    snprintf(wanted, sizeof wanted, "\n%s<", name);
    const char *found = strstr(text, wanted);
    if (found == NULL) {
        snprintf(wanted, sizeof wanted, "\n%s <", name);
        found = strstr(text, wanted);
    }
    if (found != NULL && sscanf(strchr(found, '<'), "<%u.%u>", &slot, &generation) == 2)
        who.actor = (uint64_t) generation << 32 | slot;
    free(text);
    return who;
}

static tr_err kill_main(tr_self *self, void *arg)
{
    struct crowd *c = arg;
    const tr_fetcher_opts opts = { .size = sizeof opts, .total_max = 1, .fetchers = 1 };
    tr_pending hang = { 0 };
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    if (err == TR_OK)
        err = tr_ask_start_for(self, pool, PATIENCE_MS, &hang, "fetch", at(&web, "/hang"));
    for (int i = 0; i < 1000 && err == TR_OK && pool_count(self, pool, POOL_ACTIVE) == 0; i++)
        err = tr_yield(self);
    if (err != TR_OK)
        return err;
    for (unsigned k = 0; k < 2; k++) {
        struct fetch f = { .url = at(&web, "/ok/3") };
        tr_addr victim = find_actor(self, c->paths[k]);
        if (tr_addr_is_nil(victim))
            return tr_fail_with(self, TR_EFAILED, "there is no %s", c->paths[k]);
        tr_wait_item end = { .kind = TR_WAIT_END, .actor = victim };
        (void) tr_kill(self, victim, "test");
        err = tr_wait(self, &end, 1, TR_WAIT_ALL, PATIENCE_MS, NULL);
        if (err != TR_OK)
            return err;
        fetch_from(self, pool, &f);
        c->fetched += f.status == 200;
        if (f.status != 200)
            return tr_fail_with(self, TR_EFAILED, "after %s was killed: %s: %s", c->paths[k],
                                tr_fetcher_err_name(f.err), f.text);
    }
    return TR_OK;
}

static void killed_fetcher_gives_its_slot_back_and_whoever_is_killed_is_replaced(void **state)
{
    struct crowd c = { .paths = { "fetcher", "fetcher-slots" } };
    (void) state;
#if defined(__SANITIZE_ADDRESS__)
    print_message("skipped: what a killed actor holds of libcurl's is lost, and would be told as a leak\n");
    skip();
#endif
    SKIP_UNDER_VALGRIND_BECAUSE("what a killed actor holds of libcurl's would be told as a leak");
    run_actor(kill_main, &c);
    assert_int_equal(c.fetched, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_under_way_at_the_same_time),
        cmocka_unit_test(limit_of_a_host_holds_and_is_used),
        cmocka_unit_test(limit_of_the_pool_holds),
        cmocka_unit_test(one_slot_serves_hosts_of_different_fetchers),
        cmocka_unit_test(ask_that_expires_closes_its_transfer),
        cmocka_unit_test(thousand_cancels_lose_no_slot),
        cmocka_unit_test(request_that_waits_is_forgotten_when_its_asker_gives_up),
        cmocka_unit_test(request_beyond_the_queue_is_refused),
        cmocka_unit_test(giving_up_while_a_name_resolves_does_no_harm),
        cmocka_unit_test(numbers_of_connections_that_were_given_up_are_free_for_others),
        cmocka_unit_test(pool_that_ends_with_transfers_under_way_leaves_nothing),
        cmocka_unit_test(killed_fetcher_gives_its_slot_back_and_whoever_is_killed_is_replaced),
    };
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
