/* SPDX-License-Identifier: MIT */
/* fetcher.c - one fetcher: a behaviour around a curl multi handle
 *
 * Every message ends in the same turn, on the thread's large stack: start what may start, let curl do what is due,
 * answer what is done, and again, since what is done makes room. Nothing in it waits.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "internal.h"

/* ---- the turn ---- */

static void fetcher_start_waiting(struct fetcher *f)
{
    while (!TAILQ_EMPTY(&f->ready) && quota_take(f))
        request_start_next(f);
}

/* Calls curl until it has no more to do at once, or has had its share of this turn. */
static void fetcher_drive(struct fetcher *f)
{
    int running;
    for (int i = 0; f->kick && i < ROUNDS_MAX; i++) {
        f->kick = false;
        f->due = TR_NEVER;
        (void) curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        if (f->due == TR_NEVER) { /* curl only tells of changes; what was due a moment too early would be lost */
            long timeout_ms = -1;
            (void) curl_multi_timeout(f->multi, &timeout_ms);
            f->due = timeout_ms < 0 ? TR_NEVER : tr_now(f->self) + (timeout_ms + 1) * (tr_time) 1000000;
        }
    }
}

static void fetcher_finish(struct fetcher *f, struct transfer *t, CURLcode code)
{
    char text[600];
    long status = 0;
    struct request *r = t->request;
    if (code != CURLE_OK || !t->in_body) {
        tr_err err = failure_of(t, code, text, sizeof text);
        if (!retry_failure(f, r, err, failure_is_permanent(code), text))
            request_fail(f, r, err, text);
        return;
    }
    (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (retry_status(f, r, status))
        return;
    if (r->is_stream) {
        (void) stream_finish(f, r);
        return;
    }
    tr_err err = reply_page(f, t);
    if (err != TR_OK) {
        failure_text(t, PHASE_BODY, tr_err_text(err), text, sizeof text);
        request_fail(f, r, err, text);
        return;
    }
    f->done++;
    hook_ended(f, r, TR_OK, "");
    request_end(f, r);
}

/* Answers every transfer that has ended. Returns how many. */
static unsigned fetcher_collect(struct fetcher *f)
{
    unsigned n = 0;
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(f->multi, &left)) != NULL; n++) {
        struct transfer *t = NULL;
        CURLcode code = m->data.result;
        (void) curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **) &t);
        fetcher_finish(f, t, code);
    }
    return n;
}

static void fetcher_arm_sweep(struct fetcher *f, tr_time when)
{
    if (when >= f->sweep_at)
        return;
    tr_timer_cancel(f->self, f->sweep);
    if (tr_timer_start(f->self, when, 0, &f->sweep, "sweep") == TR_OK)
        f->sweep_at = when;
}

static void fetcher_turn(struct fetcher *f)
{
    unsigned n = fetcher_collect(f);
    for (unsigned i = 0; i == 0 || (i < ROUNDS_MAX && n > 0); i++) {
        if (n > 0)
            quota_shed(f); /* what has just become free may be for others */
        fetcher_start_waiting(f);
        fetcher_drive(f);
        n = fetcher_collect(f);
    }
    quota_shed(f);
    fetcher_arm_sweep(f, f->look_at);
    f->look_at = TR_NEVER;
    timer_arm(f);
}

/* ---- on the large stack ---- */

struct job {
    struct fetcher *f;
    const tr_msg *m;
    struct request *request;
    int fd, events;
    tr_err err;
};

static int job_fetch(void *arg)
{
    struct job *job = arg;
    job->err = request_accept(job->f, job->m);
    fetcher_turn(job->f);
    return 0;
}

static int job_ready(void *arg)
{
    struct job *job = arg;
    int running, bits = 0;
    if (socket_is_idle(job->f, job->fd)) {
        socket_unwatch(job->f, job->fd);
        return 0;
    }
    bits |= job->events & TR_READABLE ? CURL_CSELECT_IN : 0;
    bits |= job->events & TR_WRITABLE ? CURL_CSELECT_OUT : 0;
    bits |= job->events & TR_FD_ERROR ? CURL_CSELECT_ERR : 0;
    (void) curl_multi_socket_action(job->f->multi, job->fd, bits, &running);
    fetcher_turn(job->f);
    return 0;
}

static int job_turn(void *arg)
{
    struct job *job = arg;
    fetcher_turn(job->f);
    return 0;
}

static int job_cancel(void *arg)
{
    struct job *job = arg;
    hook_ended(job->f, job->request, TR_ECANCELED, "the asker gave up");
    request_end(job->f, job->request);
    fetcher_turn(job->f);
    return 0;
}

static void fetcher_give_up_late(struct fetcher *f, tr_time now, tr_time *next)
{
    for (struct request *r = TAILQ_FIRST(&f->active), *after; r != NULL; r = after) {
        char why[128], text[600];
        after = TAILQ_NEXT(r, link);
        enum late late = transfer_is_late(r->transfer, now, next, why, sizeof why);
        if (late == LATE_NOT)
            continue;
        failure_text(r->transfer, phase_of(r->transfer), why, text, sizeof text);
        if (!retry_failure(f, r, TR_FETCH_TIMEOUT, late == LATE_REQUEST, text))
            request_fail(f, r, TR_FETCH_TIMEOUT, text);
    }
}

static int job_sweep(void *arg)
{
    struct fetcher *f = ((struct job *) arg)->f;
    tr_time now = tr_now(f->self), next = TR_NEVER;
    fetcher_give_up_late(f, now, &next);
    request_wake_rested(f, now, &next);
    fetcher_arm_sweep(f, next);
    fetcher_turn(f);
    return 0;
}

static tr_err fetcher_run(tr_self *self, struct fetcher *f, int (*run)(void *job), struct job job)
{
    job.f = f;
    f->self = self;
    (void) tr_call(self, run, &job);
    f->self = NULL;
    return job.err;
}

static bool fetcher_has_to_settle(const struct fetcher *f)
{
    return (f->want_due && !f->want_open) || !f->hold_open || f->give_due > 0;
}

/* As fetcher_run, in answer to no request: then what is due to the one with the slots can go out. */
static tr_err fetcher_run_free(tr_self *self, struct fetcher *f, int (*run)(void *job), struct job job)
{
    tr_err err = fetcher_run(self, f, run, job);
    return err == TR_OK && fetcher_has_to_settle(f) ? quota_settle(self, f) : err;
}

tr_err fetcher_wake(tr_self *self, struct fetcher *f)
{
    return fetcher_run_free(self, f, job_turn, (struct job){ 0 });
}

void fetcher_look_again(tr_self *self, struct fetcher *f, int64_t ms)
{
    f->self = self;
    fetcher_arm_sweep(f, tr_now(self) + ms * 1000000);
    f->self = NULL;
}

/* ---- messages ---- */

static tr_err on_fetch(tr_self *self, void *state, const tr_msg *m)
{
    struct fetcher *f = state;
    if (f->wrong != NULL)
        return tr_fail_with(self, TR_EIO, "%s", f->wrong);
    tr_err err = fetcher_run(self, f, job_fetch, (struct job){ .m = m });
    if (err != TR_OK || f->settle_due || !fetcher_has_to_settle(f))
        return err;
    /* Not from here: what is asked now would have the deadline of this request. */
    f->settle_due = tr_try_send(self, tr_self_addr(self), "settle") == TR_OK;
    if (!f->settle_due)
        fetcher_look_again(self, f, 1);
    return TR_OK;
}

static tr_err on_settle(tr_self *self, void *state, const tr_msg *m)
{
    struct fetcher *f = state;
    (void) m;
    f->settle_due = false;
    return fetcher_has_to_settle(f) ? quota_settle(self, f) : TR_OK;
}

static tr_err on_give_up(tr_self *self, void *state, const tr_msg *m)
{
    struct fetcher *f = state;
    struct request *r = request_find(f, m);
    if (r == NULL)
        return TR_OK;
    f->canceled++;
    return fetcher_run_free(self, f, job_cancel, (struct job){ .request = r });
}

static tr_err on_ready(tr_self *self, void *state, const tr_msg *m)
{
    struct job job = { .fd = -1 };
    tr_args(m, &job.fd, &job.events);
    job.fd = socket_name(state, job.fd);
    return fetcher_run_free(self, state, job_ready, job);
}

static tr_err on_timer_fired(tr_self *self, void *state, const tr_msg *m)
{
    struct fetcher *f = state;
    (void) m;
    f->armed = TR_NEVER;
    f->kick = f->kick || tr_now(self) >= f->due;
    return fetcher_wake(self, f);
}

static tr_err on_sweep(tr_self *self, void *state, const tr_msg *m)
{
    struct fetcher *f = state;
    (void) m;
    f->sweep_at = TR_NEVER;
    return fetcher_run_free(self, f, job_sweep, (struct job){ 0 });
}

static tr_err on_stats(tr_self *self, void *state, const tr_msg *m)
{
    const struct fetcher *f = state;
    return tr_reply(self, m, f->active_count, f->waiting_count, f->done, f->failed, f->canceled, f->connections);
}

/* ---- life ---- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready = CURLE_FAILED_INIT;

static void curl_init(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int fetcher_open(void *arg)
{
    struct fetcher *f = arg;
    pthread_once(&curl_once, curl_init);
    f->multi = curl_ready == CURLE_OK ? curl_multi_init() : NULL;
    if (f->multi == NULL)
        return -1;
    (void) curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long) f->config.total_max);
    return socket_hook_multi(f) ? 0 : -1;
}

static void request_list_end(struct fetcher *f, struct request_list *list)
{
    for (struct request *r = TAILQ_FIRST(list), *after; r != NULL; r = after) {
        after = TAILQ_NEXT(r, link);
        request_end(f, r);
    }
}

static int fetcher_close(void *arg)
{
    struct fetcher *f = arg;
    request_list_end(f, &f->active);
    request_list_end(f, &f->resting);
    for (size_t i = 0; i < HOST_BUCKETS; i++) {
        for (struct host *h = f->hosts[i], *after; h != NULL; h = after) {
            after = h->next;
            request_list_end(f, &h->waiting); /* the host goes with its last request */
        }
    }
    (void) cookies_save(f);
    for (struct transfer *t = f->spare, *after; t != NULL; t = after) {
        after = t->next;
        transfer_destroy(t);
    }
    (void) curl_multi_cleanup(f->multi);
    cookies_close(f);
    sockets_free(f);
    free(f->scratch);
    return 0;
}

static tr_err fetcher_init(tr_self *self, void *state, void *arg)
{
    struct fetcher *f = state;
    tr_fetcher_opts opts = { .size = sizeof opts };
    tr_item map;
    char why[300];
    (void) arg;
    tr_err err = tr_args(tr_start_args(self), &map, &f->slots, &f->index);
    if (err == TR_OK)
        err = config_read(self, map, &opts);
    if (err == TR_OK)
        err = config_fill(self, &opts, &f->config);
    if (err != TR_OK)
        return err;
    f->due = f->armed = f->sweep_at = f->look_at = TR_NEVER;
    TAILQ_INIT(&f->active);
    TAILQ_INIT(&f->resting);
    TAILQ_INIT(&f->ready);
    if (getrandom(&f->random, sizeof f->random, GRND_NONBLOCK) < 0)
        f->random = (uint64_t) tr_now(self);
    if (tr_call(self, fetcher_open, f) != 0)
        return tr_fail_with(self, TR_ENOMEM, "libcurl does not start");
    if (!cookies_open(f, why, sizeof why) && (f->wrong = tr_alloc(self, sizeof why)) != NULL)
        memcpy(f->wrong, why, sizeof why);
    return quota_settle(self, f);
}

static void fetcher_fini(tr_self *self, void *state, tr_err why)
{
    struct fetcher *f = state;
    (void) why;
    f->self = self;
    f->closing = true;
    (void) tr_call(self, fetcher_close, f);
}

static const tr_handler fetcher_handlers[] = {
    { "fetch", "url:str, options:map?", "status:int, headers:array, body:bin, url:str, info:map", on_fetch,
      "fetch a page", 0, on_give_up },
    { "stream", "url:str, options:map?", "parts: head status:int headers:array url:str, data bin; end info:map",
      on_fetch, "fetch a page part by part, through a flow", 0, on_give_up },
    { "stats", "", "active:int, waiting:int, done:int, failed:int, canceled:int, connections:int", on_stats,
      "what it does, and did", 0, NULL },
    { "cookies", "", "lines:array", on_cookies, "the jar, as lines of a Netscape cookie file", 0, NULL },
    { "cookies_add", "line:str", "", on_cookies_add, "put a cookie into the jar", 0, NULL },
    { "cookies_clear", "", "", on_cookies_clear, "forget them all", 0, NULL },
    { "cookies_save", "", "", on_cookies_save, "write the cookie_file now", 0, NULL },
    { "ready", "fd:int, events:int", NULL, on_ready, "from the runtime: a descriptor is ready", 0, NULL },
    { "timer", "", NULL, on_timer_fired, "from the runtime: libcurl wants to be called", 0, NULL },
    { "sweep", "", NULL, on_sweep, "from the runtime: look who is late", 0, NULL },
    { "settle", "", NULL, on_settle, "from itself: ask for slots, or give some back", 0, NULL },
    { 0 },
};

const tr_behaviour fetcher_behaviour = {
    .name = "fetcher",
    .state_size = sizeof(struct fetcher),
    .handlers = fetcher_handlers,
    .init = fetcher_init,
    .fini = fetcher_fini,
    .doc = "fetches pages of the hosts that its pool gives to it",
};
