/* SPDX-License-Identifier: MIT */
/* debuggee.c - a program that hangs, for the tests of debug mode: a clerk that never answers, someone who waits for it
 * inside of a scope, and an actor that holds the loop
 *
 * Usage: debuggee [rest]: with "rest" nobody holds the loop. It says "ready" when everybody is where they will stay. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <troupe/troupe.h>

static tr_err on_add(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    (void) m;
    return tr_sleep(self, 3600000);
}

static const tr_handler clerk_rows[] = { { .tag = "add", .args = "", .run = on_add, .doc = "takes an hour" },
                                         { .tag = NULL } };
static const tr_behaviour clerk = { .name = "clerk", .handlers = clerk_rows };

static tr_err page(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = tr_sleep(self, 3600000);
    return err;
}

static tr_err hold_the_loop(tr_self *self, void *arg)
{
    volatile unsigned long turns = 0;
    (void) self;
    (void) arg;
    printf("ready\n");
    fflush(stdout);
    for (;;)
        turns = turns + 1;
    return TR_OK;
}

static tr_err say_ready(tr_self *self, void *arg)
{
    tr_err err = tr_yield(self);
    (void) arg;
    printf("ready\n");
    fflush(stdout);
    return err == TR_OK ? page(self, NULL) : err;
}

static tr_err crawl(tr_self *self, tr_scope *scope, void *arg)
{
    tr_addr to;
    const tr_msg *r;
    const bool *rest = arg;
    tr_err err = tr_spawn_in(self, scope, page, NULL, NULL);
    if (err == TR_OK)
        err = tr_spawn(self, &clerk, NULL, &to);
    if (err == TR_OK)
        err = tr_spawn(self, *rest ? say_ready : hold_the_loop, NULL, NULL);
    return err == TR_OK ? tr_ask_for(self, to, 3600000, &r, "add") : err;
}

static tr_err program(tr_self *self, void *arg)
{
    const tr_scope_opts opts = { .size = sizeof opts, .name = "crawl", .timeout_ms = 7200000 };
    return tr_scope_run(self, &opts, crawl, arg);
}

int main(int argc, char **argv)
{
    bool rest = argc > 1 && strcmp(argv[1], "rest") == 0;
    alarm(120);
    return tr_main(program, &rest);
}
