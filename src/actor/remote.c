/* SPDX-License-Identifier: MIT */
/* remote.c - a message's way to an actor of another worker, and the reply's way back */
#include "actor/remote.h"

#include "actor/ask.h"
#include "actor/cancel.h"
#include "actor/deadletter.h"
#include "actor/error.h"
#include "actor/note.h"
#include "actor/signal.h"

/* ---- the inbox ---- */

void remote_announce(struct world *world, struct cell *c)
{
    struct worker *w = world->worker[cell_home(c)];
    struct cell *next = atomic_load_explicit(&w->announced, memory_order_relaxed);
    do
        c->announced_next = next;
    while (!atomic_compare_exchange_weak(&w->announced, &next, c));
    worker_nudge(w, ATTENTION_MAIL);
}

void remote_push(struct world *world, struct cell *c, struct errand *e)
{
    uint64_t word = atomic_load_explicit(&c->inbox, memory_order_relaxed), next;
    do {
        uint64_t count = word / INBOX_COUNT_ONE;
        count += count < UINT16_MAX;
        e->next = (struct errand *) (uintptr_t) (word & INBOX_POINTER);
        next = count * INBOX_COUNT_ONE | (uint64_t) (uintptr_t) e | (word & (INBOX_CANCEL | INBOX_KILL)) |
               INBOX_ANNOUNCED;
        /* Release: pairs with the exchange in inbox_take, so that the home sees what e says. */
    } while (
        !atomic_compare_exchange_weak_explicit(&c->inbox, &word, next, memory_order_acq_rel, memory_order_relaxed));
    if (!(word & INBOX_ANNOUNCED))
        remote_announce(world, c);
}

void remote_order(struct world *world, struct cell *c, uint64_t order)
{
    if (!(atomic_fetch_or(&c->inbox, order | INBOX_ANNOUNCED) & INBOX_ANNOUNCED))
        remote_announce(world, c);
}

/* All that was pushed, oldest first. What stays is rest. */
static struct errand *inbox_take(struct cell *c, uint64_t rest, uint64_t *orders)
{
    uint64_t word = atomic_exchange_explicit(&c->inbox, rest, memory_order_acq_rel);
    struct errand *e = (struct errand *) (uintptr_t) (word & INBOX_POINTER), *list = NULL;
    *orders = word & (INBOX_CANCEL | INBOX_KILL);
    while (e != NULL) {
        struct errand *next = e->next;
        e->next = list;
        list = e;
        e = next;
    }
    return list;
}

static void message_arrive(struct worker *w, struct cell *c, struct tr_msg *m)
{
    m->prev = NULL;
    w->crossed++;
    if (m->to == cell_id(c) && (c->run.flags & (CELL_LIVE | CELL_CLOSED)) == CELL_LIVE) {
        mailbox_arrive(w, c, m);
        return;
    }
    m->flags &= (uint8_t) ~(MSG_POSTED | MSG_RESERVED);
    deadletter_discard(w, m, TR_DEAD_NOPROC, TR_ENOPROC, "the receiver has ended, or never was");
}

/* The messages first: a signal may put something of its own into the mailbox, or let somebody in who waits, and with
 * that take over what was pushed since: later than the messages that lie here still. */
static struct errand *messages_arrive(struct worker *w, struct cell *c, struct errand *e)
{
    struct errand *signals = NULL, **end = &signals;
    while (e != NULL) {
        struct errand *next = e->next;
        e->next = NULL;
        if (e->run == NULL) {
            message_arrive(w, c, msg_of_errand(e));
        } else {
            *end = e;
            end = &e->next;
        }
        e = next;
    }
    return signals;
}

void mailbox_take_over(struct worker *w, struct cell *c)
{
    uint64_t orders;
    struct errand *e = inbox_take(c, INBOX_ANNOUNCED, &orders); /* it has been announced, and will still be taken out */
    if (orders != 0)
        atomic_fetch_or(&c->inbox, orders);
    e = messages_arrive(w, c, e);
    while (e != NULL) {
        struct errand *next = e->next;
        errand_post(w, e); /* user code may be on: it is for between turns */
        e = next;
    }
}

void remote_announced(struct worker *w, struct cell *c)
{
    if (!cell_is_here(w, c) || (worker_keeps(w) && worker_gather(w, c))) {
        remote_announce(w->world, c);
        return;
    }
    uint64_t orders;
    struct errand *e = messages_arrive(w, c, inbox_take(c, 0, &orders));
    while (e != NULL) {
        struct errand *next = e->next;
        e->run(w, e);
        e = next;
    }
    if ((orders & INBOX_CANCEL) && (c->run.flags & CELL_LIVE))
        cell_cancel(w, c, cell_id(c), NULL);
    if ((orders & INBOX_KILL) && (c->run.flags & CELL_LIVE))
        cell_kill(w, c, cell_id(c), NULL);
}

/* ---- bounds ---- */

bool remote_is_full(const struct cell *c, uint32_t size, tr_full_policy *policy)
{
    uint32_t len_max = MAILBOX_LEN_MAX, bytes_max = MAILBOX_BYTES_MAX;
    const struct cell_ext *ext = __atomic_load_n(&c->ext, __ATOMIC_ACQUIRE);
    *policy = TR_FULL_WAIT;
    if (ext != NULL) { /* type-stable: at worst the bounds of another, for an actor that has ended meanwhile */
        len_max = __atomic_load_n(&ext->len_max, __ATOMIC_RELAXED);
        bytes_max = __atomic_load_n(&ext->bytes_max, __ATOMIC_RELAXED);
        *policy = (tr_full_policy) __atomic_load_n(&ext->full_policy, __ATOMIC_RELAXED);
    }
    uint32_t coming = (uint32_t) (atomic_load_explicit(&c->inbox, memory_order_relaxed) / INBOX_COUNT_ONE);
    if (coming == UINT16_MAX) { /* nobody counts further; and who would drop the old ones does not get to it */
        *policy = *policy == TR_FULL_DROP_OLD ? TR_FULL_DROP_NEW : *policy;
        return true;
    }
    uint32_t len = __atomic_load_n(&c->len, __ATOMIC_RELAXED) + coming;
    uint64_t bytes = __atomic_load_n(&c->bytes, __ATOMIC_RELAXED) + (uint64_t) coming * sizeof(struct tr_msg);
    return len >= len_max || (len > 0 && bytes + size > bytes_max);
}

static void message_push(struct world *world, struct cell *c, struct tr_msg *m)
{
    m->errand.run = NULL;
    remote_push(world, c, &m->errand);
}

/* ---- waiting for room ---- */

/* Runs at the home of the receiver. */
static void room_wanted(struct worker *w, struct errand *e)
{
    bool moved;
    struct signal *s = signal_of(e);
    struct cell *c = signal_target(w, s, &moved);
    if (c != NULL && !(c->run.flags & CELL_CLOSED))
        mailbox_reserve(w, c, s);
    else if (!moved)
        remote_room_tell(s, TR_ENOPROC);
}

static struct signal *wish_find(struct cell *c, struct ticket_ref ref)
{
    if (c->ext != NULL)
        list_each (l, &c->ext->senders) {
            struct sender *sender = list_entry(l, struct sender, link);
            struct signal *wish = list_entry(sender, struct signal, sender);
            if (sender->self == NULL && wish->ref.ticket == ref.ticket && wish->ref.seq == ref.seq)
                return wish;
        }
    return NULL;
}

/* Runs at the home of the receiver: one who waited there has given up. */
static void room_unwanted(struct worker *w, struct errand *e)
{
    bool moved;
    struct signal *s = signal_of(e);
    struct cell *c = signal_target(w, s, &moved);
    if (moved)
        return;
    struct signal *wish = c != NULL ? wish_find(c, s->ref) : NULL;
    if (wish != NULL) { /* else it is told already, and sends the room back */
        list_remove(&wish->sender.link);
        signal_free(w, wish);
        mailbox_admit(w, c);
    }
    signal_free(w, s);
}

/* Runs at the home of the receiver: what was reserved is not needed. */
static void room_back(struct worker *w, struct errand *e)
{
    bool moved;
    struct signal *s = signal_of(e);
    struct cell *c = signal_target(w, s, &moved);
    if (moved)
        return;
    if (c != NULL && !(c->run.flags & CELL_CLOSED)) {
        mailbox_uncount(c, s->size);
        if (c->run.flags & CELL_SENDERS)
            mailbox_admit(w, c);
    }
    signal_free(w, s);
}

static void room_give_back(struct worker *w, struct signal *s)
{
    s->errand.run = room_back;
    signal_send(w, s);
}

/* Runs on the worker of the sender. */
static void room_told(struct worker *w, struct errand *e)
{
    struct signal *s = signal_of(e);
    struct sender *sender = ticket_what(s->ref);
    if (sender == NULL) { /* it has given up */
        if (s->err == TR_OK)
            room_give_back(w, s);
        else
            signal_free(w, s);
        return;
    }
    sender->told = true;
    sender->self->woken_err = s->err;
    sender->self->run.flags |= SELF_WOKEN;
    worker_wake(w, sender->self);
    if (s->err == TR_OK)
        sender->granted = s; /* should it not come to run */
    else
        signal_free(w, s);
}

void remote_room_tell(struct signal *s, tr_err err)
{
    s->err = err;
    s->errand.run = room_told;
    errand_post(s->ref.home, &s->errand);
}

void remote_sender_end(struct worker *w, uint64_t id, struct sender *s)
{
    if (s->ticket == NULL)
        return;
    struct signal *sorry = s->told ? NULL : signal_new(w, room_unwanted, id, NULL);
    if (sorry != NULL) { /* without memory: the room comes, and goes back */
        sorry->ref = ticket_ref(w, s->ticket);
        signal_send(w, sorry);
    }
    ticket_close(w, s->ticket);
    s->ticket = NULL;
    if (s->granted != NULL)
        room_give_back(w, s->granted);
    s->granted = NULL;
}

static tr_err send_when_room(struct tr_self *self, struct cell *c, struct tr_msg **m, int64_t deadline,
                             int64_t patience)
{
    struct worker *w = self->worker;
    uint32_t size = (*m)->size;
    uint64_t id = (*m)->to;
    if (self_is_canceled(self))
        return mailbox_full_error(self, c, TR_ECANCELED, ", and this actor is cancelled");
    struct sender s = { .self = self, .msg = *m, .size = size };
    struct signal *wish = signal_new(w, room_wanted, id, NULL);
    s.ticket = wish != NULL ? ticket_open(w, &s) : NULL;
    if (s.ticket == NULL) {
        if (wish != NULL)
            signal_free(w, wish);
        return error_set(self, TR_ENOMEM, "send", "out of memory");
    }
    wish->ref = ticket_ref(w, s.ticket);
    wish->size = size;
    tr_err err = self_wait_begin(self, deadline);
    if (err == TR_OK) {
        signal_send(w, wish);
        err = mailbox_wait_for_room(self, c, &s, patience);
    } else {
        s.told = true; /* nobody has heard of it */
        signal_free(w, wish);
    }
    self_wait_end(self);
    if (err == TR_OK) {
        signal_free(w, s.granted);
        s.granted = NULL;
        (*m)->flags |= MSG_RESERVED;
        message_push(w->world, c, *m);
        *m = NULL;
    }
    remote_sender_end(w, id, &s);
    return err;
}

tr_err remote_send(struct tr_self *self, struct cell *c, struct tr_msg **m, int64_t deadline, int64_t patience,
                   bool may_wait)
{
    tr_full_policy policy;
    struct worker *w = self->worker;
    bool full = !((*m)->flags & MSG_UNCOUNTED) && remote_is_full(c, (*m)->size, &policy);
    if (full && policy == TR_FULL_REJECT)
        return mailbox_full_error(self, c, TR_EFULL, " and refuses");
    if (full && policy == TR_FULL_WAIT)
        return may_wait ? send_when_room(self, c, m, deadline, patience) : mailbox_full_error(self, c, TR_EFULL, "");
    if (full && policy == TR_FULL_DROP_NEW)
        deadletter_discard(w, *m, TR_DEAD_FULL, TR_EFULL, "dropped by a full mailbox");
    else
        message_push(w->world, c, *m); /* who drops the old ones drops them there */
    *m = NULL;
    return TR_OK;
}

/* ---- replies ---- */

/* Runs on the worker of the ask. */
static void answer_arrive(struct worker *w, struct errand *e)
{
    struct tr_msg *reply = msg_of_errand(e);
    tr_err err = (tr_err) reply->missed;
    reply->prev = NULL;
    reply->missed = 0;
    w->crossed++;
    ask_settle(w, reply->ask, reply->ask_seq, reply->to, err, reply);
}

void remote_answer(struct worker *w, struct tr_msg *m, tr_err err, struct tr_msg *reply)
{
    if (reply == NULL)
        reply = msg_error(&w->msgs, err, tr_err_text(err), "ask", "troupe", NULL);
    if (reply == NULL) /* twice out of memory: the ask ends by its deadline */
        return;
    reply->ask = m->ask;
    reply->ask_seq = m->ask_seq;
    reply->to = m->from.actor;
    reply->missed = (uint32_t) err;
    reply->errand.run = answer_arrive;
    errand_post(m->ask->home, &reply->errand);
}

/* Runs on the worker of the ask. */
static void handed_on(struct worker *w, struct errand *e)
{
    struct signal *s = signal_of(e);
    if (ask_is_open(s->ask, s->ask_seq))
        s->ask->holder = s->holder;
    else /* if its asker gave up, only the one before was told */
        note_asker_gone(w, s->ask, s->ask_seq, s->holder);
    signal_free(w, s);
}

void remote_handed_on(struct worker *w, const struct tr_msg *m, uint64_t holder)
{
    struct signal *s = signal_new(w, handed_on, 0, NULL);
    if (s == NULL)
        return;
    s->ask = m->ask;
    s->ask_seq = m->ask_seq;
    s->holder = holder;
    errand_post(m->ask->home, &s->errand);
}
