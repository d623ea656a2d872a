/* SPDX-License-Identifier: MIT */
/* test_memory.c - each allocation of the runtime fails once: a page comes or its asker is told, and nothing is left */
#include <troupe/flow.h>
#include <troupe/test.h>

#include "fixture/fixture.h"

enum { ALLOCATIONS_MAX = 400 };

struct walk {
    tr_body_fn *fetch; /* arg: the walk */
    tr_addr pool;
    int tries, good, bad;
    tr_err strange;
};

static tr_err fetch_whole(tr_self *self, void *arg)
{
    struct walk *w = arg;
    const tr_msg *reply;
    tr_page page;
    tr_err err = tr_ask_for(self, w->pool, 5000, &reply, "fetch", at(&web, "/ok/100"));
    return err == TR_OK ? tr_page_read(reply, &page) : err;
}

static tr_err fetch_parts(tr_self *self, void *arg)
{
    struct walk *w = arg;
    const tr_flow_opts opts = { .size = sizeof opts, .timeout_ms = 5000 };
    const tr_msg *part;
    tr_flow flow;
    tr_err err = tr_flow_open(self, w->pool, &opts, &flow, "stream", at(&web, "/ok/100"));
    while (err == TR_OK)
        err = tr_flow_next(self, &flow, &part);
    tr_flow_close(self, &flow);
    return err == TR_ECLOSED ? TR_OK : err;
}

static tr_err walk_main(tr_self *self, void *arg)
{
    struct walk *w = arg;
    const tr_fetcher_opts opts = { .size = sizeof opts, .cookies = true };
    tr_err err = tr_fetcher_spawn(self, &opts, &w->pool);
    if (err == TR_OK)
        err = w->fetch(self, w);
    if (err != TR_OK)
        return err;
    for (uint64_t n = 1, count = ALLOCATIONS_MAX; n <= count && n <= ALLOCATIONS_MAX; n++) {
        (void) tr_test_fail_alloc(n);
        err = w->fetch(self, w);
        count = tr_test_fail_alloc(0);
        w->tries++;
        w->good += err == TR_OK;
        w->bad += err != TR_OK;
        if (err == TR_ETIMEDOUT)
            w->strange = err;
    }
    return w->fetch(self, w); /* after all that it still works */
}

static void assert_walks(tr_body_fn *fetch)
{
    struct walk w = { .fetch = fetch };
    run_actor(walk_main, &w);
    print_message("%d allocations failed: %d pages came, %d did not\n", w.tries, w.good, w.bad);
    assert_true(w.tries > 1 && w.bad > 0);
    assert_int_equal(w.strange, TR_OK);
}

static void page_without_memory_is_an_error_at_once(void **state)
{
    (void) state;
    assert_walks(fetch_whole);
}

static void stream_without_memory_is_an_error_at_once(void **state)
{
    (void) state;
    assert_walks(fetch_parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_without_memory_is_an_error_at_once),
        cmocka_unit_test(stream_without_memory_is_an_error_at_once),
    };
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
