/* SPDX-License-Identifier: MIT */
/* record.c - what was delivered to an actor, kept for a test
 *
 * Messages are copied into heap blocks of their own, so that a record is neither left over in its node nor ends with
 * it. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "node/node.h"

#define RECORD_MAX 65536u

struct tr_record {
    struct list link; /* kit.records */
    tr_node *node;    /* NULL: gone */
    tr_addr who;      /* nil: anyone */
    tr_record_entry *entries;
    size_t len, cap;
    size_t lost;   /* beyond RECORD_MAX, or for which there was no memory */
    size_t cursor; /* behind what tr_record_expect has found */
};

tr_err tr_record_open(tr_node *node, tr_addr who, tr_record **record)
{
    tr_record *r = mem_zalloc(sizeof *r);
    if (r == NULL)
        return TR_ENOMEM;
    r->node = node;
    r->who = who;
    kit_watch(node);
    list_push(&node->kit.records, &r->link);
    *record = r;
    return TR_OK;
}

void tr_record_close(tr_record **record)
{
    tr_record *r = *record;
    if (r == NULL)
        return;
    *record = NULL;
    if (r->node != NULL)
        list_remove(&r->link);
    for (size_t i = 0; i < r->len; i++)
        msg_unref(NULL, (struct tr_msg *) (uintptr_t) r->entries[i].msg);
    mem_free(r->entries);
    mem_free(r);
}

void record_orphan(struct list *link)
{
    list_entry(link, struct tr_record, link)->node = NULL;
}

/* ---- filling ---- */

static bool record_has_room(tr_record *r)
{
    if (r->len < r->cap)
        return true;
    size_t cap = r->cap == 0 ? 16 : r->cap * 2;
    tr_record_entry *bigger = cap <= RECORD_MAX ? mem_realloc(r->entries, cap * sizeof *bigger) : NULL;
    if (bigger == NULL)
        return false;
    r->entries = bigger;
    r->cap = cap;
    return true;
}

static void entry_add(tr_record *r, struct worker *w, const struct cell *c, const struct tr_msg *m)
{
    struct tr_msg *copy = record_has_room(r) ? msg_copy_heap(m) : NULL;
    if (copy == NULL) {
        r->lost++;
        return;
    }
    tr_addr from = m->kind == MSG_SEND || m->kind == MSG_ASK ? m->from : TR_ADDR_NIL;
    r->entries[r->len++] = (tr_record_entry){ copy, from, cell_addr(c), w->now, m->kind == MSG_ASK };
    copy->kind = MSG_SEND; /* nobody answers a copy, nor is it a timer's */
    copy->ask = NULL;
    copy->ask_seq = 0;
}

void record_add(struct kit *kit, struct worker *w, const struct cell *c, const struct tr_msg *m)
{
    list_each (l, &kit->records) {
        tr_record *r = list_entry(l, struct tr_record, link);
        if (m->kind != MSG_GONE && (tr_addr_is_nil(r->who) || tr_addr_eq(r->who, cell_addr(c))))
            entry_add(r, w, c, m);
    }
}

/* ---- reading ---- */

size_t tr_record_count(const tr_record *r)
{
    return r->len + r->lost;
}

bool tr_record_at(const tr_record *r, size_t i, tr_record_entry *entry)
{
    if (i >= r->len)
        return false;
    *entry = r->entries[i];
    return true;
}

size_t tr_record_find_values(const tr_record *r, size_t from, const tr_value *values, size_t n)
{
    for (size_t i = from; i < r->len; i++)
        if (tr_matches_values(r->entries[i].msg, values, n))
            return i;
    return SIZE_MAX;
}

size_t tr_record_print(const tr_record *r, char *buf, size_t size)
{
    size_t len = 0;
    char from[TR_ADDR_TEXT_MAX], to[TR_ADDR_TEXT_MAX], what[200];
    if (size > 0)
        buf[0] = '\0';
    for (size_t i = 0; i < r->len; i++) {
        const tr_record_entry *e = &r->entries[i];
        (void) tr_msg_print(e->msg, what, sizeof what);
        int n = snprintf(len < size ? buf + len : NULL, len < size ? size - len : 0, "%lld ms %s > %s%s %s\n",
                         (long long) (e->when / NS_PER_MS), tr_addr_text(e->from, from), tr_addr_text(e->to, to),
                         e->request ? " ask" : "", what);
        len += n > 0 ? (size_t) n : 0;
    }
    return len;
}

/* ---- expecting ---- */

static bool can_run(const tr_record *r)
{
    return r->node != NULL && r->node->world.opts.virtual_clock && sched_current() != &r->node->sched[0]->worker;
}

/* Settles, and moves the clock to the next timer, if that comes before until. False: there is nothing more to come. */
static bool step(tr_node *node, tr_time until)
{
    struct worker *w = &node->sched[0]->worker;
    int64_t next = heap_min(&w->timers);
    if (next > until)
        return false;
    if (next > w->now)
        w->now = next;
    tr_test_settle(node);
    return true;
}

tr_err tr_record_expect_values(tr_record *r, int64_t ms, const tr_value *values, size_t n)
{
    if (!can_run(r))
        return TR_ESTATE;
    struct worker *w = &r->node->sched[0]->worker;
    tr_time until = clock_after_ms(w->now, ms);
    tr_test_settle(r->node);
    size_t i = tr_record_find_values(r, r->cursor, values, n);
    while (i == SIZE_MAX && step(r->node, until))
        i = tr_record_find_values(r, r->cursor, values, n);
    if (i != SIZE_MAX)
        r->cursor = i + 1;
    else if (until != INT64_MAX)
        w->now = until;
    return i != SIZE_MAX ? TR_OK : TR_ETIMEDOUT;
}

tr_err tr_record_expect_nothing(tr_record *r, int64_t ms)
{
    if (!can_run(r))
        return TR_ESTATE;
    tr_err err = tr_test_advance(r->node, ms);
    if (err != TR_OK)
        return err;
    return r->cursor == r->len && r->lost == 0 ? TR_OK : TR_EBADMSG;
}

/* ---- somebody to send to ---- */

static tr_err take(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    return tr_is_request(m) ? tr_reply(self, m) : TR_OK;
}

static const tr_handler no_rows[] = { { .tag = NULL } };

const tr_behaviour tr_recorder = {
    .name = "recorder", .handlers = no_rows, .other = take, .doc = "takes every message, acknowledges every request"
};
