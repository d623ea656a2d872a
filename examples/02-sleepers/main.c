/* SPDX-License-Identifier: MIT */
/* main.c - sleepers: two actors sleep for 1 s and 2 s, and both are done after 2 s */
#include <stdio.h>

#include <troupe/troupe.h>

struct line {
    int64_t after_ms;
    const char *what;
};

static tr_err say_after(tr_self *self, void *arg)
{
    const struct line *line = arg;
    tr_err err = tr_sleep(self, line->after_ms);
    if (err != TR_OK)
        return err;
    puts(line->what);
    return TR_OK;
}

static tr_err start_both(tr_self *self, tr_scope *scope, void *arg)
{
    struct line *lines = arg;
    tr_err err = tr_spawn_in(self, scope, say_after, &lines[0], NULL);
    if (err != TR_OK)
        return err;
    return tr_spawn_in(self, scope, say_after, &lines[1], NULL);
}

static tr_err sleepers(tr_self *self, void *arg)
{
    (void) arg;
    struct line lines[] = { { 1000, "hello" }, { 2000, "world" } }; /* outlives the scope, and so the actors in it */
    tr_time started = tr_now(self);
    tr_err err = tr_scope_run(self, NULL, start_both, lines);
    if (err != TR_OK)
        return err;
    printf("took %.0f s\n", (double) (tr_now(self) - started) / 1e9);
    return TR_OK;
}

int main(void)
{
    return tr_main(sleepers, NULL);
}
