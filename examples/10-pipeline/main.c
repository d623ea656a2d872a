/* SPDX-License-Identifier: MIT */
/* main.c - pipeline: three programs, the output of each the input of the next, and the last one's output read here */
#include <stdio.h>
#include <string.h>

#include <troupe/troupe.h>

static const tr_stdio pipe_end = { .kind = TR_STDIO_PIPE };

/* Starts a program that reads from the one before it, or, the first one, from us. */
static tr_err start(tr_self *self, const char *const *argv, tr_child *before, tr_child **child)
{
    const tr_child_opts opts = {
        .size = sizeof opts,
        .argv = argv,
        .in = before != NULL ? (tr_stdio){ .kind = TR_STDIO_FROM, .from = before } : pipe_end,
        .out = pipe_end,
    };
    return tr_child_start(self, &opts, child);
}

static tr_err print_all(tr_self *self, tr_child *child)
{
    char buf[4096];
    size_t n;
    tr_err err;
    while ((err = tr_child_read(self, child, TR_CHILD_OUT, buf, sizeof buf, TR_FOREVER, &n)) == TR_OK && n > 0)
        (void) fwrite(buf, 1, n, stdout);
    return err;
}

static tr_err pipeline(tr_self *self, void *arg)
{
    (void) arg;
    static const char text[] = "to be or not to be that is the question";
    const char *const split[] = { "tr", " ", "\\n", NULL }, *const sort[] = { "sort", NULL },
                      *const count[] = { "uniq", "-c", NULL };
    tr_child *first, *second, *last;
    tr_child_status status;
    tr_err err;

    if ((err = start(self, split, NULL, &first)) != TR_OK)
        return err;
    if ((err = start(self, sort, first, &second)) != TR_OK)
        return err;
    if ((err = start(self, count, second, &last)) != TR_OK)
        return err;
    if ((err = tr_child_write(self, first, text, strlen(text), TR_FOREVER, NULL)) != TR_OK)
        return err;
    tr_child_close(self, first, TR_CHILD_IN); /* the end of the input goes through all three */
    if ((err = print_all(self, last)) != TR_OK)
        return err;
    return tr_child_wait(self, last, TR_FOREVER, &status);
}

int main(void)
{
    return tr_main(pipeline, NULL);
}
