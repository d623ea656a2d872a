/* SPDX-License-Identifier: MIT */
/* main.c - shell: lines from one ready-made actor, programs run by another, and nothing here but messages */
#include <stdio.h>

#include <troupe/console.h>
#include <troupe/process.h>

#define RUN_MS 60000

static tr_err run_line(tr_self *self, tr_addr console, tr_addr programs, const char *line)
{
    const tr_msg *reply;
    tr_process_result result;
    char text[200];
    tr_err err = tr_ask_for(self, programs, RUN_MS, &reply, "run", tr_array("/bin/sh", "-c", line),
                            tr_map("merge", true));
    if (err == TR_OK)
        err = tr_process_result_read(reply, &result);
    if (err != TR_OK)
        return err;
    if (result.out.len > 0)
        err = tr_send(self, console, "print", tr_strn(result.out.data, result.out.len));
    snprintf(text, sizeof text, "[%s]\n", result.status);
    return err == TR_OK ? tr_send(self, console, "print", text) : err;
}

static tr_err shell(tr_self *self, void *arg)
{
    (void) arg;
    tr_addr console, programs;
    tr_err err = tr_spawn(self, &tr_console, NULL, &console);
    if (err == TR_OK)
        err = tr_spawn(self, &tr_process, NULL, &programs);
    while (err == TR_OK) {
        const tr_msg *reply;
        const char *line;
        err = tr_ask_for(self, console, TR_FOREVER, &reply, "line", "> ");
        if (err == TR_ETIMEDOUT) /* 30 s, since we gave no deadline: people take their time */
            err = TR_OK;
        else if (err == TR_OK && tr_args(reply, &line) == TR_OK)
            err = run_line(self, console, programs, line);
    }
    return err == TR_ECLOSED ? tr_ask(self, console, &(const tr_msg *){ NULL }, "print", "bye\n") : err;
}

int main(void)
{
    return tr_main(shell, NULL);
}
