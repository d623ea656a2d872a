/* SPDX-License-Identifier: MIT */
/* process.c - the actor that runs programs for whoever asks
 *
 * "run" is reentrant: each request is a call of tr_run on a stack of its own, as many at a time as there are askers. An
 * asker that gives up cancels it, and tr_run stops the program. "start" makes an actor for the process (talk.c). */
#include <string.h>

#include "internal.h"

static tr_err run_reply(tr_self *self, const tr_msg *m, const tr_run_result *result, const char *status)
{
    char text[TR_CHILD_STATUS_TEXT_MAX];
    if (status == NULL)
        status = tr_child_status_text(&result->status, text);
    return tr_reply(self, m, status, result->status.code, tr_bin(result->out.data, result->out.len),
                    tr_bin(result->err.data, result->err.len));
}

static tr_err on_run(tr_self *self, void *state, const tr_msg *m)
{
    struct order order;
    tr_run_result result = { .memory = NULL };
    (void) state;
    tr_err err = order_read(self, m, &order);
    if (err != TR_OK)
        return err;
    err = tr_run(self, &order.child, &order.run, &result);
    if (err == TR_OK)
        return run_reply(self, m, &result, NULL);
    if (err == TR_ETIMEDOUT || err == TR_ETOOBIG)
        return run_reply(self, m, &result, err == TR_ETIMEDOUT ? "timeout" : "too big");
    return err;
}

static tr_err on_start(tr_self *self, void *state, const tr_msg *m)
{
    tr_addr process;
    (void) state;
    tr_err err = tr_spawn(self, talk_body, NULL, &process);
    return err == TR_OK ? tr_forward(self, m, process) : err;
}

static const tr_handler handlers[] = {
    { .tag = "run",
      .args = "argv:array, options:map?",
      .reply = "status:str, code:int, out:bin, err:bin",
      .run = on_run,
      .doc = "runs a program to its end and gives its output",
      .flags = TR_REENTRANT | TR_CANCELS },
    { .tag = "start",
      .args = "argv:array, options:map?",
      .reply = "process:addr, pid:int",
      .run = on_start,
      .doc = "starts a program; what it writes comes to the asker as messages" },
    { .tag = NULL },
};

const tr_behaviour tr_process = { .name = "process", .handlers = handlers, .doc = "runs programs" };

tr_err tr_process_result_read(const tr_msg *reply, tr_process_result *result)
{
    tr_process_result r;
    tr_err err = tr_args(reply, &r.status, &r.code, &r.out, &r.err);
    if (err == TR_OK)
        *result = r;
    return err;
}
