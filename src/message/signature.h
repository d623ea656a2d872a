/* SPDX-License-Identifier: MIT */
/* signature.h - "n:int, name:str?, rest..." compiled once, checked for each message */
#ifndef MESSAGE_SIGNATURE_H
#define MESSAGE_SIGNATURE_H

#include "message/message.h"

struct signature {
    uint8_t required; /* values that must be there */
    uint8_t count;    /* values described */
    bool rest;        /* more may follow */
    struct {
        uint32_t types; /* bit (1 << tr_type) for each that fits */
        bool not_negative; /* uint */
    } arg[TR_ARGS_MAX];
};

/* Errors: TR_EINVAL, and why (of size why_size) says where: 'n:itn: no type "itn" (any nil bool int ...)'. text NULL is "". */
tr_err signature_parse(const char *text, struct signature *s, char *why, size_t why_size);

/* Whether m's values fit. */
bool signature_fits(const struct signature *s, const struct tr_msg *m);

/* Why not, for people: 'add: value 1 is str, the row wants n:int'. text is what s was parsed from. */
void signature_explain(const struct signature *s, const char *text, const struct tr_msg *m, char *why, size_t why_size);

#endif
