/* SPDX-License-Identifier: MIT */
/* line.c - requests that wait, first come first served; and what was given to whom */
#include "share/line.h"

#include "share/hand.h"

void line_init(struct line *line, struct list *spare)
{
    list_init(&line->places);
    line->spare = spare;
    line->len = 0;
}

static struct place *place_of(struct list *l)
{
    return list_entry(l, struct place, link);
}

struct place *line_join(tr_self *self, struct line *line, const tr_msg *m)
{
    struct list *l = list_pop(line->spare);
    struct place *place = l != NULL ? place_of(l) : tr_alloc(self, sizeof *place);
    if (place == NULL)
        return NULL;
    *place = (struct place){ .m = m != NULL ? tr_keep(self, m) : NULL };
    if (m != NULL && place->m == NULL) {
        list_push(line->spare, &place->link);
        return NULL;
    }
    list_push(&line->places, &place->link);
    line->len++;
    return place;
}

void line_leave(tr_self *self, struct line *line, struct place *place)
{
    list_remove(&place->link);
    line->len--;
    tr_drop(self, &place->m);
    tr_drop(self, &place->wait);
    tr_drop(self, &place->item);
    list_push(line->spare, &place->link);
}

void line_move(struct line *from, struct line *to, struct place *place, bool first)
{
    list_remove(&place->link);
    from->len--;
    list_push(first ? to->places.next : &to->places, &place->link); /* before that one */
    to->len++;
}

struct place *line_first(tr_self *self, struct line *line)
{
    while (!list_is_empty(&line->places)) {
        struct place *place = place_of(line->places.next);
        if (tr_is_request(place->m))
            return place;
        line_leave(self, line, place); /* the word of it is on its way */
    }
    return NULL;
}

struct place *line_find(const struct line *line, const tr_msg *m)
{
    list_each (l, &line->places)
        if (place_of(l)->m == m)
            return place_of(l);
    return NULL;
}

struct place *line_find_claim(const struct line *line, const tr_msg *m)
{
    uint64_t record, seq;
    if (tr_args(m, &record, &seq) != TR_OK)
        return NULL;
    list_each (l, &line->places) {
        const struct tr_msg *claim = place_of(l)->m;
        if (claim != NULL && (uintptr_t) claim->ask == record && claim->ask_seq == seq)
            return place_of(l);
    }
    return NULL;
}

struct place *line_wait(tr_self *self, struct line *line, const tr_msg *m)
{
    for (struct list *l = line->places.prev; l != &line->places; l = l->prev) {
        struct place *place = place_of(l);
        if (!tr_addr_eq(tr_sender(place->m), tr_sender(m)) || place->wait != NULL)
            continue;
        place->wait = tr_keep(self, m);
        return place->wait != NULL ? place : NULL;
    }
    return NULL;
}

void line_wait_gone(tr_self *self, struct line *line, const tr_msg *m)
{
    list_each (l, &line->places) {
        struct place *place = place_of(l);
        if (place->wait == m) {
            tr_drop(self, &place->wait);
            return;
        }
    }
}

void line_dismiss(tr_self *self, struct line *line, tr_err err, const char *text, const char *phase)
{
    while (!list_is_empty(&line->places)) {
        struct place *place = place_of(line->places.next);
        hand_error(self, place->wait != NULL ? &place->wait : &place->m, err, text, phase, NULL);
        line_leave(self, line, place);
    }
}
