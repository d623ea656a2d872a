/* SPDX-License-Identifier: MIT */
/* main.c - gather: three actors are asked at once; answers come in the order of the asks, failures among them */
#include <inttypes.h>
#include <stdio.h>

#include <troupe/troupe.h>

#define ASKS 3

static int64_t root(int64_t n)
{
    int64_t r = 0;
    while ((r + 1) * (r + 1) <= n)
        r++;
    return r;
}

static tr_err calculator(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err;
    while ((err = tr_recv(self, &m)) == TR_OK) {
        int64_t n;
        if (!tr_is(m, "root", &n))
            err = tr_reply_error(self, m, TR_EUNKNOWN, "a calculator knows roots only");
        else if (n < 0)
            err = tr_reply_error(self, m, TR_EUSER, "%" PRId64 " has no real root", n);
        else
            err = tr_reply(self, m, root(n));
        tr_check(self, err == TR_OK);
    }
    return err;
}

static tr_err print_outcome(tr_self *self, int64_t n, const tr_outcome *outcome)
{
    int64_t r;
    if (outcome->err != TR_OK)
        printf("root of %" PRId64 ": %s\n", n, outcome->text);
    else if (tr_args(outcome->reply, &r) == TR_OK)
        printf("root of %" PRId64 ": %" PRId64 "\n", n, r);
    else
        return tr_fail_with(self, TR_EBADMSG, "a root that is no integer");
    return TR_OK;
}

static tr_err gather(tr_self *self, void *arg)
{
    (void) arg;
    const int64_t numbers[ASKS] = { 9, -4, 144 };
    tr_pending asks[ASKS];
    tr_outcome outcomes[ASKS];
    tr_err err;

    for (size_t i = 0; i < ASKS; i++) {
        tr_addr to;
        if ((err = tr_spawn(self, calculator, NULL, &to)) != TR_OK)
            return err;
        if ((err = tr_ask_start(self, to, &asks[i], "root", numbers[i])) != TR_OK)
            return err;
    }
    if ((err = tr_gather(self, asks, ASKS, TR_COLLECT, outcomes)) != TR_OK) /* all three are on their way by now */
        return err;
    for (size_t i = 0; i < ASKS; i++) {
        if ((err = print_outcome(self, numbers[i], &outcomes[i])) != TR_OK)
            return err;
    }
    return TR_OK;
}

int main(void)
{
    return tr_main(gather, NULL);
}
