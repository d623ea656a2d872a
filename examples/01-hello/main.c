/* SPDX-License-Identifier: MIT */
/* main.c - hello: one actor asks another and waits for the answer */
#include <stdio.h>

#include <troupe/troupe.h>

static tr_err greeter(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err;
    while ((err = tr_recv(self, &m)) == TR_OK) { /* not OK: the one who spawned us has ended */
        const char *name;
        if (tr_is(m, "greet", &name))
            tr_check(self, tr_reply(self, m, "hello", name) == TR_OK);
    }
    return err;
}

static tr_err hello(tr_self *self, void *arg)
{
    (void) arg;
    tr_addr to;
    tr_err err = tr_spawn(self, greeter, NULL, &to);
    if (err != TR_OK)
        return err;
    const tr_msg *r;
    err = tr_ask(self, to, &r, "greet", "world"); /* suspends this actor, not the thread */
    if (err != TR_OK)
        return err;
    const char *name;
    if (!tr_is(r, "hello", &name))
        return tr_fail_with(self, TR_EBADMSG, "the greeter does not say hello");
    printf("hello, %s\n", name);
    return TR_OK;
}

int main(void)
{
    return tr_main(hello, NULL);
}
