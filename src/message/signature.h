/* SPDX-License-Identifier: MIT */
/* signature.h - "n:int, name:str?, rest..." compiled once, checked for each message */
#ifndef MESSAGE_SIGNATURE_H
#define MESSAGE_SIGNATURE_H

#include "message/message.h"

struct signature {
    uint8_t required; /* values that must be there */
    uint8_t count;    /* values described */
    bool rest;        /* more may follow */
    bool one_int;     /* exactly "x:int", as most rows are */
    struct {
        uint32_t types;    /* bit (1 << tr_type) for each that fits */
        bool not_negative; /* uint */
    } arg[TR_ARGS_MAX];
};

/* Errors: TR_EINVAL, and why (of size why_size) says where: 'n:itn: no type "itn" (any nil bool int ...)'. text NULL is
 * "". */
tr_err signature_parse(const char *text, struct signature *s, char *why, size_t why_size);

/* Whether m's values fit. */
bool signature_fits_slow(const struct signature *s, const struct tr_msg *m);

/* The short way: as many values as are described, none of a type that needs a second look (text may hold a NUL, an
 * integer a sign). */
static inline bool signature_fits(const struct signature *s, const struct tr_msg *m)
{
    const struct msg_slot *v = m->body->slot;
    if (s->one_int)
        return m->argc == 1 && v->type == TR_TYPE_INT;
    if (m->argc != s->count)
        return signature_fits_slow(s, m);
    for (unsigned i = 0; i < m->argc; i++) {
        bool plain = v[i].type == TR_TYPE_INT ? s->arg[i].types == 1u << TR_TYPE_INT && !s->arg[i].not_negative
                                              : v[i].type != TR_TYPE_STR && (s->arg[i].types >> v[i].type & 1u);
        if (!plain)
            return signature_fits_slow(s, m);
    }
    return true;
}

/* Why not, for people: 'add: value 1 is str, the row wants n:int'. text is what s was parsed from. */
void signature_explain(const struct signature *s, const char *text, const struct tr_msg *m, char *why, size_t why_size);

#endif
