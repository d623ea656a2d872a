/* SPDX-License-Identifier: MIT */
/* test_hook.c - who watches the requests sees each of them go, and end */
#include "fixture/fixture.h"

struct watched {
    struct fetch fetch;
    char log[2000];
    tr_fetch_trace trace;
};

static void log_event(void *ctx, const tr_fetch_event *e)
{
    struct watched *w = ctx;
    size_t len = strlen(w->log);
    if (!e->done)
        snprintf(w->log + len, sizeof w->log - len, "%llu.%u %s %s\n", (unsigned long long) e->id, e->tries, e->method,
                 strrchr(e->url, ':'));
    else
        snprintf(w->log + len, sizeof w->log - len, "%llu.%u %d %s\n", (unsigned long long) e->id, e->tries, e->status,
                 tr_fetcher_err_name(e->err));
    w->trace = e->trace;
}

static void watch(struct watched *w)
{
    tr_fetcher_opts *p = &w->fetch.pool;
    p->size = sizeof *p;
    p->fetchers = 1;
    p->on_event = log_event;
    p->on_event_ctx = w;
    fetch_alone(&w->fetch);
}

/* The port is not the same each time. */
static void log_read(const struct watched *w, char text[2000])
{
    char *to = text;
    for (const char *at = w->log; *at != '\0'; at++) {
        *to++ = *at;
        if (*at == ':')
            at += strcspn(at, "/") - 1;
    }
    *to = '\0';
}

static void assert_log(const struct watched *w, const char *expected)
{
    char text[2000];
    log_read(w, text);
    assert_string_equal(text, expected);
}

static void every_request_is_seen_going_and_ending(void **state)
{
    struct watched w = { .fetch = { .url = at(&web, "/status/404") } };
    (void) state;
    watch(&w);
    assert_log(&w, "1.1 GET :/status/404\n1.1 404 TR_OK\n");
}

static void every_try_is_seen(void **state)
{
    struct watched w = { .fetch = { .url = at(&web, "/flaky/event/1/close") } };
    (void) state;
    w.fetch.pool.retries_max = 1;
    w.fetch.pool.retry_delay_ms = 1;
    watch(&w);
    assert_log(&w,
               "1.1 GET :/flaky/event/1/close\n1.1 0 TR_FETCH_HEADER\n1.2 GET :/flaky/event/1/close\n1.2 200 TR_OK\n");
    assert_int_equal(w.trace.retries, 1);
}

static void assert_one_before_the_other(const char *text, const char *first, const char *second)
{
    const char *at = strstr(text, first);
    assert_non_null(at);
    assert_non_null(strstr(at, second));
}

/* On several workers the word that an asker has given up and its next request come by different ways. */
static void asker_who_gives_up_is_seen(void **state)
{
    struct watched w = { .fetch = { .url = at(&web, "/hang"), .timeout_ms = 200, .next_url = at(&web, "/ok") } };
    char text[2000];
    (void) state;
    watch(&w);
    if (run_workers <= 1) {
        assert_log(&w, "1.1 GET :/hang\n1.1 0 TR_ECANCELED\n2.1 GET :/ok\n2.1 200 TR_OK\n");
        return;
    }
    log_read(&w, text);
    assert_one_before_the_other(text, "1.1 GET :/hang\n", "1.1 0 TR_ECANCELED\n");
    assert_one_before_the_other(text, "2.1 GET :/ok\n", "2.1 200 TR_OK\n");
}

static void credentials_are_not_seen(void **state)
{
    char url[100];
    struct watched w = { .fetch = { .url = url } };
    (void) state;
    snprintf(url, sizeof url, "http://me:secret@127.0.0.1:%d/ok", web.port);
    watch(&w);
    assert_log(&w, "1.1 GET :/ok\n1.1 200 TR_OK\n");
}

static void trace_tells_where_the_time_went_and_what_was_moved(void **state)
{
    const tr_value options[] = { tr_str("body"), tr_str("12345"), tr_str("verify"), tr_bool(false) };
    struct watched w = { .fetch = { .url = at(&tls_web, "/echo"), .options = options, .option_count = 4 } };
    const tr_fetch_trace *t = &w.trace;
    char address[64];
    (void) state;
    watch(&w);
    snprintf(address, sizeof address, "127.0.0.1:%d", tls_web.port);
    assert_string_equal(w.fetch.text, "");
    assert_true(t->resolve_us > 0 && t->resolve_us <= t->connect_us && t->connect_us < t->tls_us);
    assert_true(t->tls_us <= t->send_us && t->send_us <= t->first_byte_us && t->first_byte_us <= t->total_us);
    assert_int_equal(t->connections, 1);
    assert_int_equal(t->reused, 0);
    assert_int_equal(t->http, 11);
    assert_int_equal(t->uploaded, 5);
    assert_int_equal(t->downloaded, w.fetch.body_len);
    assert_true(t->request_bytes > 50 && t->header_bytes > 20);
    assert_string_equal(t->address, address);
}

static void trace_tells_of_a_connection_that_was_used_again(void **state)
{
    struct watched w = { .fetch = { .url = at(&web, "/ok"), .next_url = at(&web, "/ok/2") } };
    (void) state;
    watch(&w);
    assert_int_equal(w.trace.reused, 1);
    assert_int_equal(w.trace.connections, 0);
}

/* ---- the same as messages ---- */

struct told {
    uint64_t ids[2];
    char text[400];
    int status;
    int64_t total_us;
};

static tr_err told_main(tr_self *self, void *arg)
{
    struct told *t = arg;
    const tr_fetcher_opts opts = { .size = sizeof opts, .hook = tr_self_addr(self) };
    const char *method, *url, *why;
    const tr_msg *m;
    unsigned tries;
    int code;
    tr_item info;
    struct fetch f = { .url = at(&web, "/ok/7") };
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    if (err != TR_OK)
        return err;
    fetch_from(self, pool, &f);
    err = tr_recv_for(self, PATIENCE_MS, &m);
    if (err != TR_OK || !tr_is(m, "request", &t->ids[0], &tries, &method, &url))
        return tr_fail_with(self, TR_EFAILED, "no request");
    snprintf(t->text, sizeof t->text, "%u %s %s", tries, method, url);
    err = tr_recv_for(self, PATIENCE_MS, &m);
    if (err != TR_OK || !tr_is(m, "request_done", &t->ids[1], &tries, &method, &url, &t->status, &code, &why, &info))
        return tr_fail_with(self, TR_EFAILED, "no request_done");
    return tr_read(tr_item_get(info, "total_us"), &t->total_us);
}

static void hook_gets_a_message_before_and_one_after(void **state)
{
    char expected[400];
    struct told t = { .status = 0 };
    (void) state;
    run_actor(told_main, &t);
    snprintf(expected, sizeof expected, "1 GET %s", at(&web, "/ok/7"));
    assert_string_equal(t.text, expected);
    assert_true(t.ids[0] == t.ids[1]);
    assert_int_equal(t.status, 200);
    assert_true(t.total_us > 0);
}

static tr_err deaf_main(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err = tr_sleep(self, PATIENCE_MS);
    return err == TR_OK ? tr_recv(self, &m) : err;
}

static tr_err full_hook_main(tr_self *self, void *arg)
{
    struct fetch *f = arg;
    tr_fetcher_opts opts = { .size = sizeof opts };
    const tr_spawn_opts deaf = { .size = sizeof deaf, .body = deaf_main, .mailbox_len_max = 1 };
    tr_addr pool;
    tr_err err = tr_spawn_with(self, &deaf, &opts.hook);
    if (err == TR_OK)
        err = tr_fetcher_spawn(self, &opts, &pool);
    for (int i = 0; i < 3 && err == TR_OK; i++)
        fetch_from(self, pool, f);
    return err;
}

static void hook_that_does_not_keep_up_holds_up_nobody(void **state)
{
    struct fetch f = { .url = at(&web, "/ok/7") };
    (void) state;
    run_actor(full_hook_main, &f);
    assert_int_equal(f.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_seen_going_and_ending),
        cmocka_unit_test(every_try_is_seen),
        cmocka_unit_test(asker_who_gives_up_is_seen),
        cmocka_unit_test(credentials_are_not_seen),
        cmocka_unit_test(trace_tells_where_the_time_went_and_what_was_moved),
        cmocka_unit_test(trace_tells_of_a_connection_that_was_used_again),
        cmocka_unit_test(hook_gets_a_message_before_and_one_after),
        cmocka_unit_test(hook_that_does_not_keep_up_holds_up_nobody),
    };
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
