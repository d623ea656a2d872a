/* SPDX-License-Identifier: MIT */
/* error.h - the last failing call of a self, in words */
#ifndef ACTOR_ERROR_H
#define ACTOR_ERROR_H

#include "actor/worker.h"

#define ERROR_CHAIN_MAX 8 /* causes that tr_error shows */
#define ERROR_LIST_MAX 64 /* errors of a scope that are kept in words */

struct error_state {
    tr_err err;
    struct tr_msg *msg; /* an error reply: its words and causes; else NULL, and text and phase hold them */
    struct tr_msg *list[ERROR_LIST_MAX]; /* of the scope that was left last */
    size_t list_len;                     /* in list */
    size_t list_total;                   /* all of them */
    tr_error_info chain[ERROR_CHAIN_MAX];
    tr_error_info item[ERROR_CHAIN_MAX];
    char text[320];
    char phase[64];
};

/* Both return err, so that a caller can return their call. Phase and text are copied. */
tr_err error_set(struct tr_self *self, tr_err err, const char *phase, const char *fmt, ...) TR_PRINTF(4, 5);
tr_err error_setv(struct tr_self *self, tr_err err, const char *phase, const char *fmt, va_list args);

/* Takes over an error message, which may be NULL (then the words are tr_err_text's). */
tr_err error_take(struct tr_self *self, tr_err err, const char *phase, struct tr_msg *msg);

/* Forgets words that belong to an earlier call. */
static inline void error_clear(struct tr_self *self)
{
    if (self->error != NULL)
        self->error->err = TR_OK;
}

/* An error message for others that says err, with this self's words if they are about err, and their cause. NULL: out
 * of memory. */
struct tr_msg *error_message(struct tr_self *self, tr_err err, const char *phase);

/* The list of a scope's errors; takes them over. */
void error_list_set(struct tr_self *self, struct tr_msg **errors, size_t len, size_t total);

void error_free(struct tr_self *self);

#endif
