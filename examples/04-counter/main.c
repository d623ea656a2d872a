/* SPDX-License-Identifier: MIT */
/* main.c - counter: an actor that is state and a table of what it understands, and can say so */
#include <inttypes.h>
#include <stdio.h>

#include <troupe/troupe.h>

struct counter {
    int64_t total;
};

static tr_err on_add(tr_self *self, void *state, const tr_msg *m)
{
    struct counter *c = state;
    int64_t n;
    tr_check(self, tr_args(m, &n) == TR_OK); /* the row below was checked first */
    c->total += n;
    return TR_OK;
}

static tr_err on_get(tr_self *self, void *state, const tr_msg *m)
{
    const struct counter *c = state;
    return tr_reply(self, m, c->total);
}

static const tr_handler handlers[] = {
    { .tag = "add", .args = "n:int", .run = on_add, .doc = "add n to the total" },
    { .tag = "get", .args = "", .reply = "total:int", .run = on_get, .doc = "the total so far" },
    { 0 },
};

static const tr_behaviour counter = {
    .name = "counter",
    .state_size = sizeof(struct counter),
    .handlers = handlers,
    .doc = "Adds up what it is sent.",
};

static void print_description(tr_self *self, tr_item about)
{
    const char *name, *tag, *args, *doc;
    tr_item messages = tr_item_get(about, "messages");
    tr_check(self, tr_read(tr_item_get(about, "name"), &name) == TR_OK);
    printf("%s understands\n", name);
    for (size_t i = 0; i < tr_item_count(messages); i++) {
        tr_item row = tr_item_at(messages, i);
        tr_check(self, tr_read(tr_item_get(row, "tag"), &tag) == TR_OK);
        tr_check(self, tr_read(tr_item_get(row, "args"), &args) == TR_OK);
        tr_check(self, tr_read(tr_item_get(row, "doc"), &doc) == TR_OK);
        printf("  %s(%s): %s\n", tag, args, doc);
    }
}

static tr_err count(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *r;
    int64_t total;
    tr_item about;
    tr_addr to;
    tr_err err = tr_spawn(self, &counter, NULL, &to);
    for (int n = 1; n <= 4 && err == TR_OK; n++)
        err = tr_send(self, to, "add", n);
    if (err == TR_OK)
        err = tr_ask(self, to, &r, "get"); /* behind the four: one sender's messages keep their order */
    if (err != TR_OK)
        return err;
    tr_check(self, tr_args(r, &total) == TR_OK);
    printf("total: %" PRId64 "\n", total);

    err = tr_ask(self, to, &r, "add", "five"); /* not what the row says: never reaches on_add */
    printf("add \"five\": %s\n", tr_err_name(err));

    if ((err = tr_ask(self, to, &r, "describe")) != TR_OK)
        return err;
    tr_check(self, tr_args(r, &about) == TR_OK);
    print_description(self, about);
    return TR_OK;
}

int main(void)
{
    return tr_main(count, NULL);
}
