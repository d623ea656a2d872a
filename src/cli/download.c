/* SPDX-License-Identifier: MIT */
/* download.c - an actor for each page that is saved: takes it part by part, and a disk that is slow holds up the server
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <troupe/flow.h>

#include "cli.h"

struct sink {
    struct saving file;
    struct output out;
    bool is_stdout, is_open;
};

static const char *output_file(const struct download *d)
{
    return d->output;
}

/* Errors: TR_EIO, with words. */
static tr_err cannot_save(tr_self *self, const struct download *d)
{
    if (errno == EISDIR)
        return tr_fail_with(self, TR_EIO, "save: %s is a directory; --output-dir saves pages in one", d->output);
    if (output_file(d) != NULL)
        return tr_fail_with(self, TR_EIO, "save: %s: %s", d->output, strerror(errno));
    return tr_fail_with(self, TR_EIO, "save: %s", strerror(errno));
}

static tr_err sink_open(tr_self *self, const struct download *d, struct sink *k)
{
    k->is_stdout = d->output != NULL && strcmp(d->output, "-") == 0;
    if (k->is_stdout)
        output_init(&k->out, STDOUT_FILENO);
    else if (!save_begin(&k->file, d->job->dir_fd, d->seq, d->output))
        return cannot_save(self, d);
    k->is_open = true;
    return TR_OK;
}

static tr_err cannot_print(tr_self *self, const struct sink *k, tr_err err)
{
    if (err != TR_EIO)
        return err;
    return tr_fail_with(self, TR_EIO, "cannot write to standard output: %s", strerror(k->out.error));
}

static tr_err sink_write(tr_self *self, const struct download *d, struct sink *k, tr_bytes bytes)
{
    if (k->is_stdout)
        return cannot_print(self, k, output_add(self, &k->out, bytes.data, bytes.len));
    return save_write(&k->file, bytes.data, bytes.len) ? TR_OK : cannot_save(self, d);
}

static tr_err sink_close(tr_self *self, struct download *d, struct sink *k)
{
    k->is_open = false;
    if (k->is_stdout)
        return cannot_print(self, k, output_flush(self, &k->out));
    if (!save_end(&k->file, d->output, d->url, d->seq, d->name))
        return cannot_save(self, d);
    return TR_OK;
}

static bool is_wanted(const struct download *d, const tr_page *head)
{
    return d->job->any_status || head->status < 400;
}

/* What the fetcher says of a page, without the page. */
static tr_err answer(tr_self *self, const tr_msg *m, const tr_page *head, tr_item info)
{
    tr_value nothing = tr_mapn(NULL, 0);
    return tr_reply(self, m, head->status, tr_v_item(head->headers), tr_bin(NULL, 0), head->url,
                    info.msg != NULL ? tr_v_item(info) : nothing);
}

/* Behind the head. TR_OK: end is the last part. */
static tr_err take_parts(tr_self *self, struct download *d, struct sink *k, tr_flow *flow, const tr_msg **end)
{
    tr_bytes bytes;
    tr_item info;
    for (;;) {
        tr_err err = tr_flow_next(self, flow, end);
        if (err != TR_OK)
            return err;
        if (tr_is(*end, "end", &info))
            return TR_OK;
        if (!tr_is(*end, "data", &bytes))
            return tr_fail_with(self, TR_EBADMSG, "the fetcher's reply makes no sense");
        if ((err = sink_write(self, d, k, bytes)) != TR_OK)
            return err;
        d->bytes += (int64_t) bytes.len;
    }
}

static tr_err take_page(tr_self *self, struct download *d, struct sink *k, tr_flow *flow, const tr_msg *m)
{
    tr_page head;
    const tr_msg *part;
    tr_err err = tr_flow_next(self, flow, &part);
    if (err != TR_OK)
        return err;
    if (tr_page_read_head(part, &head) != TR_OK)
        return tr_fail_with(self, TR_EBADMSG, "the fetcher's reply makes no sense");
    if (!is_wanted(d, &head))
        return answer(self, m, &head, (tr_item){ NULL, 0 });
    tr_msg *kept = tr_keep(self, part); /* the head lives as long as this */
    err = kept != NULL ? sink_open(self, d, k) : TR_ENOMEM;
    if (err == TR_OK)
        err = take_parts(self, d, k, flow, &part);
    if (err == TR_OK)
        err = sink_close(self, d, k);
    if (err == TR_OK)
        err = answer(self, m, &head, tr_arg(part, 1));
    if (kept != NULL)
        tr_drop(self, &kept);
    return err;
}

static tr_err download(tr_self *self, struct download *d, const tr_msg *m)
{
    static const int64_t forever_ms = INT64_C(1000) * 60 * 60 * 24 * 365;
    const tr_flow_opts opts = { .size = sizeof opts, .timeout_ms = forever_ms };
    const tr_value values[] = { tr_str("stream"), tr_str(d->url), tr_mapn(d->job->options, d->job->option_count) };
    struct sink *k = tr_alloc(self, sizeof *k);
    tr_flow flow = { .state = 0 };
    if (k == NULL)
        return TR_ENOMEM;
    tr_err err = tr_flow_open_values(self, d->pool, &opts, &flow, values, 3);
    if (err == TR_OK)
        err = take_page(self, d, k, &flow, m);
    if (k->is_open && !k->is_stdout)
        save_abort(&k->file);
    tr_flow_close(self, &flow);
    return err;
}

tr_err download_body(tr_self *self, void *arg)
{
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    if (err != TR_OK)
        return err;
    err = download(self, arg, m);
    if (err == TR_EDOWN && tr_yield(self) == TR_ECANCELED) /* when all are told to stop, others are first */
        return TR_ECANCELED;
    /* TR_EDOWN says that this actor was cancelled, and nothing else. */
    if (err != TR_OK && err != TR_ECANCELED)
        (void) tr_reply_error(self, m, err == TR_EDOWN ? TR_EFAILED : err, "%s", tr_error(self)->text);
    return err == TR_ECANCELED ? err : TR_OK;
}
