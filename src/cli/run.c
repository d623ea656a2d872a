/* SPDX-License-Identifier: MIT */
/* run.c - the run: an actor that asks for pages, a window of them at a time, and tells how they ended, in order
 *
 * URLs are read only when there is room: for another request under way (twice as many as run at a time, so that the
 * fetchers never wait for us), and in the window of pages that have ended but whose turn to be printed has not come,
 * since an earlier one is slow. Bodies are done with when they arrive; what waits in the window is a URL and a number.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { WINDOW_MIN = 256, TICK_MS = 100 };
static const int64_t ask_ms = INT64_C(1000) * 60 * 60 * 24 *
                              365; /* a transfer has limits of its own; waiting for its turn has none */

enum page_state { PAGE_NONE, PAGE_ASKED, PAGE_FETCHED, PAGE_FAILED };

struct slot {
    enum page_state state;
    uint64_t seq, line; /* line: in the list, 0 for an argument */
    const char *list;
    uint64_t bytes;
    char *url, *full; /* full: with a scheme, if that differs */
    char *text;       /* to be printed when its turn comes, instead of the usual */
    struct download *download;
};

struct run {
    struct fetch_job *job;
    struct urls *urls;
    tr_addr pool;
    struct slot *window;
    size_t window_size;
    uint64_t read, printed; /* pages so far; window[n % window_size] for printed <= n < read */
    unsigned under_way_max;
    bool input_waits, input_ended, is_over, is_refused;
    struct counts counts;
    struct progress progress;
    struct output out;
    const char *const *outputs; /* of job, that are not used yet */
    size_t outputs_left;
};

static bool run_prints_to(const struct run *run)
{
    return run->job->output_count > 0 && strcmp(run->job->outputs[0], "-") == 0;
}

/* ---- telling ---- */

static void tell_failure(struct run *run, const struct slot *s, const char *text)
{
    char where[300] = "";
    if (s->line > 0)
        snprintf(where, sizeof where, "%.250s:%llu: ", s->list, (unsigned long long) s->line);
    progress_tell(&run->progress, where, s->url, text);
}

static tr_err print_line(tr_self *self, struct run *run, const char *head, const char *tail)
{
    if (run->out.eager)
        progress_clear(&run->progress);
    return output_line(self, &run->out, head, tail);
}

static tr_err print_text(tr_self *self, struct run *run, const char *text)
{
    if (run->out.eager)
        progress_clear(&run->progress);
    tr_err err = output_add(self, &run->out, text, strlen(text));
    return err == TR_OK && run->out.eager ? output_flush(self, &run->out) : err;
}

static tr_err print_fetched(tr_self *self, struct run *run, const struct slot *s)
{
    char head[48];
    if (s->text != NULL)
        return print_text(self, run, s->text);
    if (s->state != PAGE_FETCHED || run->job->json || run->job->write_out != NULL || run_prints_to(run))
        return TR_OK;
    snprintf(head, sizeof head, "Fetched %llu bytes from ", (unsigned long long) s->bytes);
    return print_line(self, run, head, s->url);
}

static void slot_free(struct slot *s)
{
    free(s->url);
    free(s->full);
    free(s->text);
    free(s->download);
    *s = (struct slot){ .state = PAGE_NONE };
}

/* Prints the pages whose turn has come. With gaps: at an early end, those that are done behind one that is not, too. */
static tr_err print_ready(tr_self *self, struct run *run, bool gaps)
{
    tr_err err = TR_OK;
    for (; run->printed < run->read && err == TR_OK; run->printed++) {
        struct slot *s = &run->window[run->printed % run->window_size];
        if (s->state == PAGE_ASKED && !gaps)
            break;
        err = print_fetched(self, run, s);
        slot_free(s);
    }
    return err;
}

static tr_err print_json(tr_self *self, struct run *run, const struct slot *s, const tr_page *page,
                         const struct failure *failure, const char *saved)
{
    char *line = json_page(s->url, page, (int64_t) s->bytes, failure, saved);
    if (line == NULL)
        return TR_ENOMEM;
    tr_err err = print_line(self, run, line, "");
    free(line);
    return err;
}

/* ---- how pages end ---- */

/* What -v tells, on standard error, of a page that came. */
static void tell_more(struct run *run, const struct slot *s, const tr_page *page)
{
    char *head = report_head(page), *phases = report_phases(page);
    progress_note(&run->progress, "> ", s->url);
    if (head != NULL)
        progress_note(&run->progress, "< ", head);
    if (phases != NULL)
        progress_note(&run->progress, "* ", phases);
    free(head);
    free(phases);
}

/* What -w and -I print, once its turn comes; page NULL: there is none. */
static tr_err page_write_out(struct run *run, struct slot *s, const tr_page *page, const struct failure *failure,
                             const char *saved)
{
    const struct fetch_job *job = run->job;
    char *head = job->head && page != NULL ? report_head(page) : NULL, *text = NULL;
    if (job->write_out != NULL)
        text = report_write_out(job->write_out, s->url, page, (int64_t) s->bytes, failure, saved);
    if ((job->head && page != NULL && head == NULL) || (job->write_out != NULL && text == NULL)) {
        free(head);
        free(text);
        return TR_ENOMEM;
    }
    if (head != NULL && asprintf(&s->text, "%s\n%s", head, text != NULL ? text : "") < 0)
        s->text = NULL;
    if (head == NULL)
        s->text = text;
    else
        free(text);
    free(head);
    return TR_OK;
}

static tr_err page_fail(tr_self *self, struct run *run, struct slot *s, const tr_page *page, tr_err err,
                        const char *text)
{
    const struct failure failure = { err, text };
    s->state = PAGE_FAILED;
    run->counts.failed++;
    tell_failure(run, s, text);
    if (page_write_out(run, s, page, &failure, NULL) != TR_OK)
        return TR_ENOMEM;
    return run->job->json ? print_json(self, run, s, page, &failure, NULL) : TR_OK;
}

static tr_err page_keep(tr_self *self, struct run *run, struct slot *s, const tr_page *page)
{
    const char *saved = s->download != NULL && s->download->name[0] != '\0' ? s->download->name : NULL;
    s->state = PAGE_FETCHED;
    run->counts.fetched++;
    run->counts.bytes += s->bytes;
    if (page_write_out(run, s, page, NULL, saved) != TR_OK)
        return TR_ENOMEM;
    return run->job->json ? print_json(self, run, s, page, NULL, saved) : TR_OK;
}

static tr_err page_take(tr_self *self, struct run *run, struct slot *s, tr_err err, const tr_msg *reply)
{
    tr_page page;
    char text[64];
    if (err != TR_OK) {
        char *words = strdup(tr_error(self)->text);
        err = page_fail(self, run, s, NULL, err, words != NULL ? words : tr_err_text(err));
        free(words);
        return err;
    }
    if (tr_page_read(reply, &page) != TR_OK)
        return page_fail(self, run, s, NULL, TR_EBADMSG, "the fetcher's reply makes no sense");
    s->bytes = s->download != NULL ? (uint64_t) s->download->bytes : page.body.len;
    if (run->job->verbose)
        tell_more(run, s, &page);
    if (page.status < 400 || run->job->any_status)
        return page_keep(self, run, s, &page);
    snprintf(text, sizeof text, "status %d %s", page.status, status_text(page.status));
    return page_fail(self, run, s, &page, TR_OK, text);
}

/* ---- reading and asking ---- */

static tr_err run_go_on(tr_self *self, struct run *run);
static tr_err cookies_keep(tr_self *self, struct run *run);

static tr_err on_page(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    struct run *run = state;
    struct slot *s = ctx;
    if (s->download != NULL && err == TR_EDOWN) /* it was cancelled, and so are we: this is no failure of the page's */
        return TR_ECANCELED;
    run->counts.under_way--;
    err = page_take(self, run, ctx, err, reply);
    return err == TR_OK ? run_go_on(self, run) : err;
}

static bool has_scheme(const char *url)
{
    const char *colon = strstr(url, "://");
    return colon != NULL && strcspn(url, "/?#") >= (size_t) (colon - url);
}

/* The request is as it is asked for when nothing of it is saved: then the page comes whole. */
static tr_err page_ask_whole(tr_self *self, struct run *run, struct slot *s, const char *url)
{
    const struct fetch_job *job = run->job;
    const tr_value values[] = { tr_str("fetch"), tr_str(url), tr_mapn(job->options, job->option_count) };
    return tr_ask_then_values(self, run->pool, ask_ms, on_page, s, values, job->option_count > 0 ? 3 : 2);
}

static tr_err page_ask_parts(tr_self *self, struct run *run, struct slot *s, const char *url)
{
    const tr_value values[] = { tr_str("go") };
    tr_addr who;
    s->download->pool = run->pool;
    s->download->url = url;
    tr_err err = run_prints_to(run) ? output_flush(self, &run->out) : TR_OK;
    if (err == TR_OK)
        err = tr_spawn(self, download_body, s->download, &who);
    return err == TR_OK ? tr_ask_then_values(self, who, ask_ms, on_page, s, values, 1) : err;
}

/* Where a page goes. False: it goes nowhere, and why says so. */
static bool slot_aim(struct run *run, struct slot *s, const char *url, const char **why)
{
    const struct fetch_job *job = run->job;
    *why = "out of memory";
    if (run->outputs_left == 0 && job->save == SAVE_NOTHING)
        return true;
    struct download *d = calloc(1, sizeof *d);
    if (d == NULL)
        return false;
    s->download = d;
    d->job = job;
    d->seq = s->seq + 1;
    if (run->outputs_left > 0) {
        d->output = *run->outputs++;
        run->outputs_left--;
    } else if (job->save == SAVE_BY_REMOTE_NAME) {
        save_remote_name(url, d->name);
        d->output = d->name;
        *why = "save: its URL has no file name at the end; -o gives it one";
        return d->name[0] != '\0';
    }
    return true;
}

static tr_err page_ask(tr_self *self, struct run *run, struct slot *s)
{
    const char *url = s->url, *why;
    if (!has_scheme(url) && strlen(url) <= URL_LEN_MAX) {
        if (asprintf(&s->full, "http://%s", url) < 0)
            return TR_ENOMEM;
        url = s->full;
    }
    if (!slot_aim(run, s, url, &why))
        return page_fail(self, run, s, NULL, TR_EINVAL, why);
    tr_err err = s->download != NULL ? page_ask_parts(self, run, s, url) : page_ask_whole(self, run, s, url);
    if (err == TR_ECANCELED || (err == TR_EIO && run->out.error != 0))
        return err;
    if (err != TR_OK)
        return page_fail(self, run, s, NULL, err, tr_err_text(err));
    run->counts.under_way++;
    return TR_OK;
}

static struct slot *slot_take(struct run *run, const char *url)
{
    struct slot *s = &run->window[run->read % run->window_size];
    s->url = strdup(url);
    if (s->url == NULL)
        return NULL;
    s->state = PAGE_ASKED;
    s->seq = run->read++;
    s->line = run->urls->line;
    s->list = urls_name(run->urls);
    return s;
}

static tr_err run_take(tr_self *self, struct run *run, urls_state state, const char *url)
{
    struct slot *s = slot_take(run, state == URLS_ONE ? url : "(line)");
    char text[64];
    if (s == NULL)
        return TR_ENOMEM;
    if (state == URLS_ONE)
        return page_ask(self, run, s);
    snprintf(text, sizeof text, "url: longer than %d bytes", URL_LEN_MAX);
    return page_fail(self, run, s, NULL, TR_FETCH_URL, text);
}

static void run_read_more(struct run *run)
{
    if (urls_fill(run->urls))
        return;
    progress_tell(&run->progress, "cannot read ", urls_name(run->urls), strerror(errno));
    run->counts.failed++;
    urls_skip(run->urls);
}

/* A file is read at once; what may keep us waiting is read when it is ready, so that reading never blocks. */
static tr_err run_fill_urls(tr_self *self, struct run *run)
{
    struct stat st;
    int fd = urls_fd(run->urls);
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!is_file && tr_fd_watch(self, fd, TR_READABLE, "input") == TR_OK) {
        run->input_waits = true;
        return TR_OK;
    }
    run_read_more(run);
    return TR_OK;
}

static bool run_has_room(const struct run *run)
{
    return !run->input_waits && !run->input_ended && run->counts.under_way < run->under_way_max &&
           run->read - run->printed < run->window_size;
}

static tr_err run_read(tr_self *self, struct run *run)
{
    tr_err err = TR_OK;
    while (err == TR_OK && run_has_room(run)) {
        const char *url = NULL;
        urls_state state = urls_next(run->urls, &url);
        if (state == URLS_END)
            run->input_ended = true;
        else
            err = state == URLS_EMPTY ? run_fill_urls(self, run) : run_take(self, run, state, url);
        if (err == TR_OK && run->read - run->printed == run->window_size)
            err = print_ready(self, run, false);
    }
    return err;
}

/* After everything that happened: prints what can be printed, asks for what there is room for, and ends when all is
 * done. */
static tr_err run_go_on(tr_self *self, struct run *run)
{
    tr_err err = print_ready(self, run, false);
    if (err == TR_OK)
        err = run_read(self, run);
    if (err == TR_OK)
        err = print_ready(self, run, false);
    if (err == TR_OK && run->input_ended && run->printed == run->read) {
        err = output_flush(self, &run->out);
        if (err == TR_OK)
            err = cookies_keep(self, run);
        run->is_over = err == TR_OK;
    }
    if (run->is_over || run->out.error != 0)
        return TR_STOP;
    return err;
}

/* ---- messages ---- */

static tr_err on_go(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    return run_go_on(self, state);
}

static tr_err on_input(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = state;
    (void) m;
    if (!run->input_waits)
        return TR_OK;
    run->input_waits = false;
    tr_fd_unwatch(self, urls_fd(run->urls));
    run_read_more(run);
    return run_go_on(self, run);
}

static tr_err on_tick(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = state;
    (void) m;
    tr_err err = output_flush(self, &run->out);
    progress_draw(&run->progress, &run->counts, tr_now(self));
    return run->out.error != 0 ? TR_STOP : err;
}

static tr_err on_limit(tr_self *self, void *state, const tr_msg *m)
{
    struct run *run = state;
    char text[64];
    (void) m;
    snprintf(text, sizeof text, "not fetched: the %g s of -t are over", (double) run->job->limit_ms / 1000);
    for (uint64_t n = run->printed; n < run->read; n++) {
        struct slot *s = &run->window[n % run->window_size];
        if (s->state == PAGE_ASKED)
            (void) page_fail(self, run, s, NULL, TR_ETIMEDOUT, text);
    }
    return TR_STOP;
}

/* ---- cookies ---- */

static tr_err cookies_failed(struct run *run, const char *what, const char *name, const char *why)
{
    progress_tell(&run->progress, what, name, why);
    run->counts.failed++;
    return TR_OK;
}

static tr_err cookies_load(tr_self *self, struct run *run, const char *name)
{
    char *line = NULL;
    size_t size = 0;
    tr_err err = TR_OK;
    FILE *file = fopen(name, "re");
    if (file == NULL)
        return cookies_failed(run, "cannot read ", name, strerror(errno));
    while (err == TR_OK && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        bool is_comment = line[0] == '#' && strncmp(line, "#HttpOnly_", 10) != 0;
        if (!is_comment && strchr(line, '\t') != NULL)
            err = tr_ask(self, run->pool, NULL, "cookies_add", line);
    }
    bool good = !ferror(file);
    int error = errno;
    free(line);
    fclose(file);
    return err == TR_OK && !good ? cookies_failed(run, "cannot read ", name, strerror(error)) : err;
}

/* Before the end, so that a jar that cannot be written is a failure. */
static tr_err cookies_keep(tr_self *self, struct run *run)
{
    if (run->job->pool.cookie_file == NULL)
        return TR_OK;
    tr_err err = tr_ask(self, run->pool, NULL, "cookies_save");
    if (err == TR_OK || err == TR_ECANCELED)
        return err;
    char *words = strdup(tr_error(self)->text);
    (void) cookies_failed(run, "", run->job->pool.cookie_file, words != NULL ? words : tr_err_text(err));
    free(words);
    return TR_OK;
}

/* ---- life ---- */

static tr_err run_spawn_pool(tr_self *self, struct run *run)
{
    const struct fetch_job *job = run->job;
    tr_fetcher_opts opts = job->pool;
    opts.size = sizeof opts;
    opts.total_max = opts.per_host_max = job->concurrency;
    opts.queue_max = run->under_way_max;
    opts.body_max = opts.download_max = job->size_max;
    tr_err err = tr_fetcher_spawn(self, &opts, &run->pool);
    if (err == TR_EINVAL) {
        fprintf(stderr, "troupe fetch: %s; see: troupe fetch --help\n", tr_error(self)->text);
        run->job->exit_code = CLI_USAGE;
        run->is_refused = true;
    }
    for (size_t i = 0; i < job->cookie_file_count && err == TR_OK; i++)
        err = cookies_load(self, run, job->cookie_files[i]);
    return err;
}

static tr_err run_start_timers(tr_self *self, struct run *run)
{
    tr_err err = tr_timer_every(self, TICK_MS, NULL, "tick");
    if (err == TR_OK && run->job->limit_ms > 0)
        err = tr_timer_after(self, run->job->limit_ms, NULL, "limit");
    return err == TR_OK ? tr_send(self, tr_self_addr(self), "go") : err;
}

static tr_err run_init(tr_self *self, void *state, void *arg)
{
    struct run *run = state;
    run->job = arg;
    run->urls = run->job->urls;
    run->counts.total = run->urls->count == 0 ? run->urls->args_left : 0;
    run->under_way_max = 2 * (run->job->concurrency > 0 ? run->job->concurrency : 100);
    run->window_size = 2 * (size_t) run->under_way_max > WINDOW_MIN ? 2 * (size_t) run->under_way_max : WINDOW_MIN;
    if (run_prints_to(run)) /* bodies do not mix */
        run->under_way_max = 1;
    run->outputs = run->job->outputs;
    run->outputs_left = run->job->output_count;
    progress_init(&run->progress, STDERR_FILENO, tr_now(self));
    run->progress.silent = run->job->silent;
    run->progress.mute = run->job->silent && !run->job->show_error;
    output_init(&run->out, STDOUT_FILENO);
    run->window = calloc(run->window_size, sizeof *run->window);
    if (run->window == NULL)
        return TR_ENOMEM;
    tr_err err = run_spawn_pool(self, run);
    if (err == TR_OK)
        err = run_start_timers(self, run);
    if (err != TR_OK)
        free(run->window);
    return run->is_refused ? TR_STOP : err;
}

static void run_summarize(tr_self *self, struct run *run, tr_err why)
{
    char text[200];
    bool stopped = why == TR_ECANCELED;
    progress_clear(&run->progress);
    if (run->out.error != 0)
        fprintf(stderr, "troupe: cannot write to standard output: %s\n", strerror(run->out.error));
    counts_text(&run->counts, tr_now(self) - run->progress.started, text, sizeof text);
    if (run->progress.mute)
        return;
    if (!run->is_over)
        fprintf(stderr, "troupe: %s: %s\n", stopped ? "interrupted" : "stopped", text);
    else if (run->progress.is_terminal && !run->progress.silent && run->read > 1)
        fprintf(stderr, "%s\n", text);
}

static void run_fini(tr_self *self, void *state, tr_err why)
{
    struct run *run = state;
    run->out.closing = true;
    (void) print_ready(self, run, true);
    (void) output_flush(self, &run->out);
    run_summarize(self, run, why);
    for (uint64_t n = run->printed; n < run->read; n++)
        slot_free(&run->window[n % run->window_size]);
    free(run->window);
    if (run->is_over && run->out.error == 0 && run->counts.failed == 0)
        run->job->exit_code = CLI_DONE;
}

static const tr_handler run_handlers[] = {
    { "go", "", NULL, on_go, "start", 0, NULL },
    { "input", "fd:int, events:int", NULL, on_input, "the list of URLs can be read", 0, NULL },
    { "tick", "", NULL, on_tick, "time to show how far it is", 0, NULL },
    { "limit", "", NULL, on_limit, "the time given with -t is over", 0, NULL },
    { 0 },
};

const tr_behaviour fetch_run = {
    .name = "fetch-run",
    .state_size = sizeof(struct run),
    .handlers = run_handlers,
    .init = run_init,
    .fini = run_fini,
    .doc = "fetches a list of pages and tells how each ended",
};
