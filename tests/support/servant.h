/* SPDX-License-Identifier: MIT */
/* servant.h - one behaviour with a row for each thing that a callee can do with a request */
#ifndef SUPPORT_SERVANT_H
#define SUPPORT_SERVANT_H

#include "support/actor_test.h"

#define NO_ACCOUNT ((tr_err) (TR_EUSER + 1))
#define DIED ((tr_err) (TR_EUSER + 2))

struct scene {
    struct notes notes;
    tr_addr servant, other;
    tr_pending pending;
    tr_self *self;
};

struct servant {
    struct scene *scene;
    tr_msg *kept;
};

static tr_err servant_init(tr_self *self, void *state, void *arg)
{
    (void) self;
    ((struct servant *) state)->scene = arg;
    return TR_OK;
}

static tr_err on_echo(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_reply(self, m, tr_arg(m, 0));
}

static tr_err on_twice(tr_self *self, void *state, const tr_msg *m)
{
    struct servant *s = state;
    note_err(&s->scene->notes, tr_reply(self, m, 1));
    note_err(&s->scene->notes, tr_reply(self, m, 2));
    note_err(&s->scene->notes, tr_reply_error(self, m, TR_EUSER, NULL));
    return TR_OK;
}

static tr_err on_refuse(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    (void) m;
    return tr_fail_with(self, NO_ACCOUNT, "no account %d", 7);
}

static tr_err on_refuse_later(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_reply_error(self, m, NO_ACCOUNT, "not account %d", 8);
}

static tr_err on_ignore(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) state, (void) m;
    return TR_OK;
}

static tr_err on_keep(tr_self *self, void *state, const tr_msg *m)
{
    struct servant *s = state;
    s->kept = tr_keep(self, m);
    return TR_OK;
}

static tr_err on_drop(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    tr_drop(self, &((struct servant *) state)->kept);
    return TR_OK;
}

static tr_err on_answer(tr_self *self, void *state, const tr_msg *m)
{
    (void) m;
    struct servant *s = state;
    note(&s->scene->notes, tr_is_dead(s->kept) ? "dead" : "wanted");
    note_err(&s->scene->notes, tr_reply(self, s->kept, "at last"));
    tr_drop(self, &s->kept);
    return TR_OK;
}

static tr_err on_stop(tr_self *self, void *state, const tr_msg *m)
{
    (void) self, (void) state, (void) m;
    return TR_STOP;
}

static tr_err on_die(tr_self *self, void *state, const tr_msg *m)
{
    (void) state, (void) m;
    tr_fail(self, DIED, "it was too much");
}

static tr_err on_sleep(tr_self *self, void *state, const tr_msg *m)
{
    struct servant *s = state;
    int ms;
    tr_args(m, &ms);
    tr_err err = tr_sleep(self, ms);
    note(&s->scene->notes, "%s:%s@%ld", tr_is_dead(m) ? "dead" : "wanted", tr_err_name(err) + 3, now_ms(self));
    return tr_reply(self, m, ms);
}

/* Hands the request on, says how that went, and answers itself if it still can. */
static tr_err on_hand(tr_self *self, void *state, const tr_msg *m)
{
    struct servant *s = state;
    tr_addr to;
    tr_args(m, &to);
    note_err(&s->scene->notes, tr_forward(self, m, to));
    note_err(&s->scene->notes, tr_reply(self, m, "myself"));
    return TR_OK;
}

static tr_err on_gone(tr_self *self, void *state, const tr_msg *m)
{
    struct servant *s = state;
    note(&s->scene->notes, "gone:%s:%d", tr_tag(m), m == s->kept && tr_is_dead(m));
    tr_drop(self, &s->kept);
    return TR_OK;
}

static const tr_handler servant_rows[] = {
    { "echo", "x:any", "x:any", on_echo, NULL, 0, NULL },
    { "twice", "", "n:int", on_twice, NULL, 0, NULL },
    { "refuse", "", "", on_refuse, NULL, 0, NULL },
    { "refuse later", "", "", on_refuse_later, NULL, 0, NULL },
    { "ignore", "", NULL, on_ignore, NULL, 0, NULL },
    { "keep", "", "s:str", on_keep, NULL, 0, NULL },
    { "keep closely", "", "s:str", on_keep, NULL, 0, on_gone },
    { "drop", "", NULL, on_drop, NULL, 0, NULL },
    { "answer", "", NULL, on_answer, NULL, 0, NULL },
    { "stop", "", NULL, on_stop, NULL, 0, NULL },
    { "die", "", NULL, on_die, NULL, 0, NULL },
    { "sleep", "ms:int", "ms:int", on_sleep, NULL, 0, NULL },
    { "sleep lightly", "ms:int", "ms:int", on_sleep, NULL, TR_CANCELS, NULL },
    { "sleep openly", "ms:int", "ms:int", on_sleep, NULL, TR_REENTRANT, NULL },
    { "hand", "to:addr", "s:str", on_hand, NULL, 0, NULL },
    { "handed on first", "", NULL, on_ignore, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour servant = {
    .name = "servant", .state_size = sizeof(struct servant), .handlers = servant_rows, .init = servant_init
};

static void hire(tr_self *self, struct scene *s)
{
    note(&s->notes, "%s", tr_spawn(self, &servant, s, &s->servant) == TR_OK ? ">" : "no servant");
}

/* Asks and notes how it ended, and when. */
#define note_ask(self, s, to, ...)                                        \
    do {                                                                  \
        const tr_msg *reply_;                                             \
        tr_err err_ = tr_ask((self), (to), &reply_, __VA_ARGS__);         \
        note(&(s)->notes, "%s@%ld", tr_err_name(err_) + 3, now_ms(self)); \
    } while (0)

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

#endif
