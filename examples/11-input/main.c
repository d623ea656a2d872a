/* SPDX-License-Identifier: MIT */
/* main.c - input: a line is read from standard input while a ticker ticks */
#include <stdio.h>
#include <unistd.h>

#include <troupe/troupe.h>

static tr_err ticker(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err;
    while ((err = tr_sleep(self, 200)) == TR_OK) {
        printf("tick\n");
        (void) fflush(stdout);
    }
    return err;
}

static tr_err read_name(tr_self *self, void *arg)
{
    (void) arg;
    tr_input *in;
    const char *name;
    tr_addr ticks;

    printf("your name, within 10 s?\n");
    (void) fflush(stdout);
    tr_err err = tr_spawn(self, ticker, NULL, &ticks);
    if (err != TR_OK)
        return err;
    if ((err = tr_input_open(self, STDIN_FILENO, NULL, &in)) != TR_OK)
        return err;
    if ((err = tr_input_line(self, in, 10000, &name, NULL)) != TR_OK)
        return err;
    printf("hello, %s\n", name);
    return TR_OK; /* and the ticker ends with us */
}

int main(void)
{
    return tr_main(read_name, NULL);
}
