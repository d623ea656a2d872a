/* SPDX-License-Identifier: MIT */
/* hand.c - messages handed on as they are, and grants that come back */
#include "share/hand.h"

#include <string.h>

#include "actor/call.h"
#include "actor/cancel.h"
#include "actor/cell_ext.h"
#include "actor/error.h"
#include "actor/table.h"
#include "message/message.h"

/* ---- the giver's side ---- */

static tr_err hand(struct tr_self *self, const tr_msg *request, struct tr_msg *answer, uint8_t flags)
{
    if (answer == NULL)
        return TR_ENOMEM;
    answer->kind = MSG_REPLY;
    answer->flags |= flags;
    answer->from = cell_addr(self->cell);
    answer->ask = NULL;
    answer->ask_seq = 0;
    ask_answer(self->worker, (struct tr_msg *) request, answer);
    return TR_OK;
}

tr_err hand_over(struct tr_self *self, const tr_msg *request, const tr_msg *m)
{
    return hand(self, request, msg_share(&self->worker->msgs, m), 0);
}

tr_err hand_grant(struct tr_self *self, const tr_msg *request, const tr_msg *m)
{
    return hand(self, request, msg_share(&self->worker->msgs, m), MSG_RETURN);
}

static tr_err hand_value(struct tr_self *self, const tr_msg *request, int64_t n, uint8_t flags)
{
    struct tr_msg *answer = NULL;
    const tr_value values[] = { tr_str(SHARE_TAG "grant"), tr_int(n) };
    if (msg_build(&self->worker->msgs, values, 2, true, &answer, NULL) != TR_OK)
        return TR_ENOMEM;
    return hand(self, request, answer, flags);
}

tr_err hand_grant_number(struct tr_self *self, const tr_msg *request, int64_t n)
{
    return hand_value(self, request, n, MSG_RETURN);
}

tr_err hand_number(struct tr_self *self, const tr_msg *request, int64_t n)
{
    return hand_value(self, request, n, 0);
}

void hand_error(struct tr_self *self, tr_msg **request, tr_err err, const char *text, const char *phase,
                const char *actor)
{
    if (*request == NULL)
        return;
    ask_answer_error(self->worker, *request, err, text, phase, actor != NULL ? actor : cell_label(self->cell));
    tr_drop(self, request);
}

/* ---- the taker's side ---- */

void hand_back(struct tr_self *self)
{
    struct tr_msg *grant = self->reply;
    if (grant == NULL || !(grant->flags & MSG_RETURN))
        return;
    self->reply = NULL;
    reply_return(self->worker, grant);
}

bool hand_save(struct tr_self *self, tr_msg **saved, const char *phase)
{
    *saved = NULL;
    if (!self_is_current(self) || self->reply == NULL || (self->reply->flags & MSG_KEPT))
        return true; /* what its holder keeps lives without us */
    *saved = tr_keep(self, self->reply);
    if (*saved == NULL)
        (void) error_set(self, TR_ENOMEM, phase, "out of memory");
    return *saved != NULL;
}

void hand_restore(struct tr_self *self, tr_msg *saved)
{
    if (saved == NULL)
        return;
    kept_unlink(self->cell, saved);
    if (self->reply != NULL)
        msg_unref(&self->worker->msgs, self->reply);
    self->reply = saved;
}

tr_err hand_ask(struct tr_self *self, tr_addr at, int64_t timeout_ms, const char *phase, const tr_value *values,
                size_t n)
{
    tr_msg *saved;
    if (!hand_save(self, &saved, phase))
        return TR_ENOMEM;
    tr_err err = tr_ask_values(self, at, hand_timeout(timeout_ms), NULL, values, n);
    hand_restore(self, saved);
    return err;
}

tr_err hand_start(struct tr_self *self, tr_addr at, const char *tag, tr_pending *pending, void *place)
{
    tr_err err = tr_ask_start_for(self, at, HAND_FOREVER_MS, pending, tag, tr_bool(false));
    if (err == TR_OK)
        ((struct ask *) pending->ask)->ctx = place;
    return err;
}

tr_err share_spawn(struct tr_self *self, const tr_behaviour *what, const tr_share_opts *opts, int64_t a, int64_t b,
                   tr_addr *to)
{
    const tr_share_opts defaults = { .size = sizeof defaults };
    const tr_share_opts *o = opts != NULL ? opts : &defaults;
    tr_msg *args;
    if (!self_is_current(self))
        return TR_ESTATE;
    if (o->size != sizeof *o)
        return error_set(self, TR_EINVAL, "spawn", "opts.size is not sizeof(tr_share_opts)");
    if (tr_msg_new(&args, "share", a, b) != TR_OK)
        return error_set(self, TR_ENOMEM, "spawn", "out of memory");
    /* The mailbox refuses nobody: what waits here is askers that wait, and what they were let put in. */
    const tr_spawn_opts spawn = { .size = sizeof spawn,
                                  .behaviour = what,
                                  .args = args,
                                  .name = o->name,
                                  .mailbox_len_max = UINT32_MAX,
                                  .mailbox_bytes_max = UINT32_MAX,
                                  .flags = o->flags,
                                  .scope = o->scope };
    tr_err err = tr_spawn_with(self, &spawn, to);
    tr_msg_free(&args);
    return err;
}

bool share_is(struct tr_self *self, tr_addr at, const tr_behaviour *what)
{
    gate_enter(&self->worker->gate);
    const struct cell *c = cell_alive(self->worker, at.actor);
    const struct table *table = c != NULL ? __atomic_load_n(&c->table, __ATOMIC_RELAXED) : NULL;
    bool is = c == NULL || (table != NULL && table->def == what);
    gate_leave(&self->worker->gate);
    return is;
}

tr_err share_check(struct tr_self *self, tr_addr at, const tr_behaviour *what, const char *phase)
{
    char addr[TR_ADDR_TEXT_MAX];
    if (!self_is_current(self))
        return TR_ESTATE;
    if (tr_addr_is_nil(at) || (at.node == 0 && !share_is(self, at, what)))
        return error_set(self, TR_EINVAL, phase, "%s is no %s", tr_addr_text(at, addr), what->name);
    return TR_OK;
}

tr_err share_check_tag(struct tr_self *self, const tr_value *values, size_t n, const char *tags, const char *phase)
{
    size_t len = strlen(tags);
    if (n > 0 && values[0].type == TR_TYPE_STR && values[0].len >= len && memcmp(values[0].v.p, tags, len) == 0)
        return error_set(self, TR_EINVAL, phase, "tags that begin with \"%s\" are the runtime's", tags);
    return TR_OK;
}

/* ---- holding ---- */

/* The request that says who holds must outlast every deadline: what is done about one is done by the holder, which may
 * have to clean up under the lock. Its timer looks at the deadline anew when it fires. */
static void life_without_limit(struct ask *life)
{
    __atomic_store_n(&life->deadline, INT64_MAX - 1, __ATOMIC_RELAXED);
    __atomic_store_n(&life->limit, (uint8_t) ASK_LIMIT_OWN, __ATOMIC_RELAXED);
}

/* A claim is told by its alias: record and number are no other's, ever. */
static tr_err claim_say(struct tr_self *self, const tr_hold *hold, const char *tag)
{
    return tr_try_send(self, hold->at, tag, (uint64_t) (uintptr_t) hold->life.ask, hold->life.seq);
}

tr_err hold_take(struct tr_self *self, tr_addr at, int64_t timeout_ms, tr_hold *hold, const tr_msg **answer,
                 const tr_value *values, size_t n)
{
    tr_hold h = { .at = at };
    const tr_msg *reply;
    tr_err err = tr_ask_start_for(self, at, HAND_FOREVER_MS, &h.life, "share.claim");
    if (err != TR_OK)
        return err;
    life_without_limit(h.life.ask);
    err = tr_ask_values(self, at, hand_timeout(timeout_ms), &reply, values, n);
    if (err == TR_OK)
        err = claim_say(self, &h, "share.took");
    if (err != TR_OK) {
        tr_ask_cancel(self, h.life);
        return err;
    }
    *hold = h;
    *answer = reply;
    return TR_OK;
}

static tr_err life_over(tr_self *self, void *state, tr_err err, const tr_msg *reply, void *ctx)
{
    (void) self, (void) state, (void) err, (void) reply, (void) ctx;
    return TR_OK;
}

tr_err tr_hold_keep(tr_self *self, tr_hold *hold)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct ask *life = ask_of(self, hold->life);
    if (life == NULL)
        return error_set(self, TR_ESTATE, "hold", "nothing is held here");
    struct cell_ext *ext = cell_ext_get(self->worker, self->cell);
    if (ext == NULL)
        return error_set(self, TR_ENOMEM, "hold", "out of memory");
    gate_enter(&self->worker->gate);
    if (life->then == NULL && ask_state(life) == ASK_OPEN) {
        list_remove(&life->link);
        life->then = life_over;
        life->ctx = NULL;
        list_push(&ext->thens, &life->link);
    }
    gate_leave(&self->worker->gate);
    return TR_OK;
}

void hold_end(struct tr_self *self, tr_hold *hold, const char *tag)
{
    struct ask *life = self_is_current(self) && hold->life.ask != NULL ? ask_of(self, hold->life) : NULL;
    if (life != NULL && ask_state(life) == ASK_OPEN)
        (void) claim_say(self, hold, tag);
    if (life != NULL) {
        gate_enter(&self->worker->gate);
        list_remove(&life->link);
        ask_end(self->worker, life);
        gate_leave(&self->worker->gate);
    }
    *hold = (tr_hold){ .life = { NULL, 0 } };
}

void tr_hold_release(tr_self *self, tr_hold *hold)
{
    hold_end(self, hold, "share.done");
}
