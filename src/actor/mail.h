/* SPDX-License-Identifier: MIT */
/* mail.h - which of an actor's messages user code sees: what is stale or the runtime's own is taken care of here */
#ifndef ACTOR_MAIL_H
#define ACTOR_MAIL_H

#include "actor/ask.h"
#include "actor/mailbox.h"
#include "actor/worker.h"

/* The next message for user code, or NULL: none. Stale ticks and dead requests are dropped, describe is answered, notes
 * are delivered. */
struct tr_msg *mail_take_any(struct tr_self *self);

/* The tag of the built-in request, as a word. */
#define MAIL_DESCRIBE UINT64_C(0x6562697263736564)

/* Whether it is for user code at first sight. */
static inline bool mail_is_plain(const struct tr_msg *m)
{
    return m->kind == MSG_SEND || (m->kind == MSG_ASK && m->tag != MAIL_DESCRIBE && ask_is_owed(m));
}

/* The same for a behaviour, which finds out about describe when it has no row for it; and it is counted. */
static inline bool mail_is_usual(const struct tr_msg *m)
{
    uint32_t head = msg_head(m) & MSG_HEAD(0xff, MSG_OWED | MSG_UNCOUNTED);
    return head == MSG_HEAD(MSG_SEND, 0) || (head == MSG_HEAD(MSG_ASK, MSG_OWED) && ask_is_open(m->ask, m->ask_seq));
}

static inline struct tr_msg *mail_take(struct tr_self *self)
{
    const struct tr_msg *m = self->cell->head;
    if (m == NULL)
        return NULL;
    if (mail_is_plain(m))
        return mailbox_take(self->worker, self->cell);
    return mail_take_any(self);
}

/* Whether mail_take would give one. */
bool mail_is_there(struct tr_self *self);

/* Answers the built-in request describe. */
void describe_answer(struct tr_self *self, struct tr_msg *m);

#endif
