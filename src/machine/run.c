/* SPDX-License-Identifier: MIT */
/* run.c - a program from its start to its end, its input given and its output collected
 *
 * One loop (pump) moves what the pipes take and give until the child has ended and its outputs are at their end. When
 * something keeps it from that - the timeout, a cancel, too much output - the same loop goes on under a shield while
 * the child is stopped, so that what it writes until its end is not lost. The buffers hang on the call by a defer from
 * the first byte: kill finds them there. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <troupe/await.h>
#include <troupe/io.h>
#include <troupe/scope.h>

#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/error.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "machine/child.h"
#include "machine/quiet.h"

#define ROUND_BYTES 65536 /* of one pipe, then the others have their turn */
#define BUFFER_FIRST 4096
#define CHECK_WORDS 200 /* bytes of err that an error says */

struct output {
    char *data;
    size_t len, room;
};

struct run {
    tr_child *child;
    const char *input;
    size_t input_left;
    size_t output_max;
    struct output *outputs; /* two of them, in result.memory */
    bool ended;             /* seen; not reaped yet */
    bool stopping;          /* what does not fit any more is dropped */
    int64_t give_up_ns;     /* when the child has ended: no longer for outputs that others hold */
};

/* ---- buffers ---- */

static void outputs_free(void *memory)
{
    struct output *o = memory;
    mem_free(o[0].data);
    mem_free(o[1].data);
    mem_free(o);
}

/* Room for a round and a NUL. */
static bool output_grow(struct output *o)
{
    if (o->room - o->len > 1)
        return true;
    size_t room = o->room == 0 ? BUFFER_FIRST : o->room * 2;
    char *data = mem_realloc(o->data, room);
    if (data == NULL)
        return false;
    o->data = data;
    o->room = room;
    return true;
}

/* ---- moving bytes ---- */

static void give_input(struct tr_self *self, struct run *r)
{
    int fd = r->child->fd[TR_CHILD_IN];
    if (fd < 0)
        return;
    ssize_t n = 0;
    while (r->input_left > 0 && (n = quiet_write(fd, r->input, r->input_left)) > 0) {
        r->input += n;
        r->input_left -= (size_t) n;
    }
    if (r->input_left > 0 && n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    tr_child_close(self, r->child, TR_CHILD_IN); /* all given, or it does not want the rest */
}

/* One read. *n: how much, 0 when there is nothing now. */
static tr_err take_some(struct tr_self *self, struct run *r, int i, size_t *n)
{
    char scrap[BUFFER_FIRST];
    struct output *o = &r->outputs[i];
    bool full = o->len >= r->output_max;
    *n = 0;
    if (!full && !output_grow(o))
        return r->stopping ? TR_OK : TR_ENOMEM;
    size_t room = full ? sizeof scrap : o->room - o->len - 1;
    if (!full && room > r->output_max - o->len)
        room = r->output_max - o->len;
    ssize_t got = read(r->child->fd[TR_CHILD_OUT + i], full ? scrap : o->data + o->len, room);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return TR_OK;
    if (got <= 0) {
        tr_child_close(self, r->child, (enum tr_child_stream)(TR_CHILD_OUT + i));
        return TR_OK;
    }
    *n = (size_t) got;
    if (full)
        return r->stopping ? TR_OK : TR_ETOOBIG;
    o->len += (size_t) got;
    return TR_OK;
}

static tr_err take_output(struct tr_self *self, struct run *r, bool *moved)
{
    tr_err err = TR_OK;
    for (int i = 0; i < 2; i++) {
        size_t n = 1;
        for (size_t sum = 0; err == TR_OK && n > 0 && sum < ROUND_BYTES && r->child->fd[TR_CHILD_OUT + i] >= 0;
             sum += n)
            err = take_some(self, r, i, &n);
        *moved = *moved || n > 0;
    }
    return err;
}

/* ---- the loop ---- */

static bool outputs_are_over(const struct run *r)
{
    return r->child->fd[TR_CHILD_OUT] < 0 && r->child->fd[TR_CHILD_ERR] < 0;
}

static size_t wait_items(const struct run *r, tr_wait_item *items)
{
    size_t n = 0;
    for (int i = 0; i < LAUNCH_STREAMS; i++)
        if (r->child->fd[i] >= 0)
            items[n++] = (tr_wait_item){ .kind = TR_WAIT_FD,
                                         .fd = r->child->fd[i],
                                         .events = i == TR_CHILD_IN ? TR_WRITABLE : TR_READABLE };
    if (!r->ended && r->child->pidfd >= 0)
        items[n++] = (tr_wait_item){ .kind = TR_WAIT_FD, .fd = r->child->pidfd, .events = TR_READABLE };
    return n;
}

/* Suspends until a pipe or the process has something to say, or until deadline_ns. */
static tr_err pump_wait(struct tr_self *self, struct run *r, int64_t deadline_ns)
{
    tr_wait_item items[LAUNCH_STREAMS + 2];
    size_t n = wait_items(r, items);
    if (r->ended && r->give_up_ns < deadline_ns)
        deadline_ns = r->give_up_ns;
    if (!r->ended && r->child->pidfd < 0 && tr_now(self) + CHILD_PAUSE_MAX_MS * NS_PER_MS < deadline_ns)
        deadline_ns = tr_now(self) + CHILD_PAUSE_MAX_MS * NS_PER_MS;
    items[n] = (tr_wait_item){ .kind = TR_WAIT_TIME, .deadline = deadline_ns };
    return tr_wait(self, items, deadline_ns == INT64_MAX ? n : n + 1, TR_WAIT_FIRST, TR_FOREVER, NULL);
}

static void see_the_end(struct tr_self *self, struct run *r)
{
    if (r->ended || !child_has_ended(r->child, true))
        return;
    r->ended = true;
    r->give_up_ns = r->stopping || r->child->grace_ms < 0 ? 0 : clock_after_ms(tr_now(self), r->child->grace_ms);
    tr_child_close(self, r->child, TR_CHILD_IN);
}

/* Until the child has ended and its outputs are over, or deadline_ns has come. */
static tr_err pump(struct tr_self *self, struct run *r, int64_t deadline_ns)
{
    tr_err err = TR_OK;
    while (err == TR_OK) {
        bool moved = false;
        give_input(self, r);
        see_the_end(self, r); /* before the last look at its outputs */
        err = take_output(self, r, &moved);
        if (err != TR_OK)
            return err;
        if (r->ended && (outputs_are_over(r) || (!moved && tr_now(self) >= r->give_up_ns)))
            return TR_OK;
        if (tr_now(self) >= deadline_ns)
            return TR_ETIMEDOUT;
        err = moved ? tr_yield(self) : pump_wait(self, r, deadline_ns);
    }
    return err;
}

static tr_err stop_and_pump(tr_self *self, void *arg)
{
    struct run *r = arg;
    struct tr_child *c = r->child;
    tr_err err = TR_ETIMEDOUT;
    r->stopping = true;
    r->give_up_ns = 0;
    if (c->grace_ms >= 0) {
        (void) child_kill(c, SIGTERM);
        (void) child_kill(c, SIGCONT);
        err = pump(self, r, clock_after_ms(tr_now(self), c->grace_ms));
    }
    if (err != TR_OK || c->group)
        (void) child_kill(c, SIGKILL);
    return pump(self, r, clock_after_ms(tr_now(self), CHILD_KILL_WAIT_MS));
}

/* ---- the call ---- */

static void result_fill(struct run *r, tr_run_result *result)
{
    tr_bytes *bytes[] = { &result->out, &result->err };
    for (int i = 0; i < 2; i++) {
        struct output *o = &r->outputs[i];
        if (o->data != NULL)
            o->data[o->len] = '\0';
        *bytes[i] = (tr_bytes){ o->data != NULL ? o->data : "", o->len };
    }
    result->running = !r->ended || !child_has_ended(r->child, false);
    result->status = r->child->status;
    if (result->running || r->child->lost)
        result->status = (tr_child_status){ .code = -1 };
}

static tr_err check_error(struct tr_self *self, const struct run *r, const tr_run_result *result)
{
    char status[TR_CHILD_STATUS_TEXT_MAX];
    const char *words = result->err.data;
    size_t len = strcspn(words, "\n");
    return error_set(self, TR_EFAILED, "run", "%s: %s%s%.*s", r->child->name,
                     tr_child_status_text(&result->status, status), len > 0 ? ": " : "",
                     (int) (len < CHECK_WORDS ? len : CHECK_WORDS), words);
}

static tr_err run_error(struct tr_self *self, const struct run *r, const tr_run_opts *o, tr_err err)
{
    const char *name = r->child->name;
    if (err == TR_ETIMEDOUT)
        return error_set(self, err, "run", "%s had not ended after %lld ms: stopped", name, (long long) o->timeout_ms);
    if (err == TR_ETOOBIG)
        return error_set(self, err, "run", "%s wrote more than %zu bytes: stopped", name, r->output_max);
    if (err == TR_ENOMEM)
        return error_set(self, err, "run", "out of memory for what %s writes: stopped", name);
    if (err == TR_ECANCELED)
        return error_set(self, err, "run", "cancelled: %s", self_cancel_reason(self));
    return err;
}

static tr_err run_started(struct tr_self *self, struct run *r, const tr_run_opts *o, tr_run_result *result)
{
    int64_t deadline = o->timeout_ms > 0 ? clock_after_ms(tr_now(self), o->timeout_ms) : INT64_MAX;
    tr_err err = pump(self, r, deadline);
    if (err != TR_OK) {
        int64_t grace_ms = r->child->grace_ms > 0 ? r->child->grace_ms : 0;
        (void) !tr_shield(self, grace_ms + 2 * CHILD_KILL_WAIT_MS, stop_and_pump, r);
        err = run_error(self, r, o, err);
    }
    result_fill(r, result);
    if (err == TR_OK && r->child->lost)
        err = error_set(self, TR_EIO, "run", "the status of %s was taken by someone else", r->child->name);
    if (err == TR_OK && o->check && (result->status.code != 0 || result->status.signal != 0))
        err = check_error(self, r, result);
    return err;
}

static tr_err outputs_new(struct tr_self *self, struct output **outputs)
{
    struct output *o = mem_zalloc(2 * sizeof *o);
    if (o == NULL || tr_defer(self, outputs_free, o) != TR_OK)
        return error_set(self, TR_ENOMEM, "run", "out of memory");
    *outputs = o;
    return TR_OK;
}

static void outputs_drop(struct tr_self *self, struct output *outputs)
{
    call_undefer(self, outputs_free, outputs);
    outputs_free(outputs);
}

tr_err tr_run(tr_self *self, const tr_child_opts *child, const tr_run_opts *opts, tr_run_result *result)
{
    static const tr_run_opts defaults = { .size = sizeof defaults };
    const tr_run_opts *o = opts != NULL ? opts : &defaults;
    struct run r = { .input = o->input, .input_left = o->input_len };
    tr_err err = self_enter(self, "run");
    if (err != TR_OK)
        return err;
    if (child == NULL || child->size != sizeof *child || o->size != sizeof *o || (o->input == NULL && o->input_len > 0))
        return error_set(self, TR_EINVAL, "run", "options of another size, or an input that is not there");
    tr_child_opts c = *child;
    if (o->input != NULL)
        c.in.kind = TR_STDIO_PIPE;
    r.output_max = o->output_max > 0 ? o->output_max : TR_RUN_OUTPUT_MAX;
    err = outputs_new(self, &r.outputs);
    if (err != TR_OK)
        return err;
    err = tr_child_start(self, &c, &r.child);
    if (err != TR_OK) {
        outputs_drop(self, r.outputs);
        return err;
    }
    result->memory = r.outputs;
    err = run_started(self, &r, o, result);
    tr_child_free(self, &r.child);
    return err;
}

void tr_run_free(tr_self *self, tr_run_result *result)
{
    if (result->memory == NULL || !self_is_current(self))
        return;
    outputs_drop(self, result->memory);
    *result = (tr_run_result){ .memory = NULL };
}
