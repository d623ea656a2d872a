/* SPDX-License-Identifier: MIT */
/* hand.c - messages handed on as they are */
#include "share/hand.h"

#include "message/message.h"

tr_err hand_over(struct tr_self *self, const tr_msg *request, const tr_msg *m)
{
    struct tr_msg *answer = msg_share(&self->worker->msgs, m);
    if (answer == NULL)
        return TR_ENOMEM;
    answer->kind = MSG_REPLY;
    answer->from = cell_addr(self->cell);
    ask_answer(self->worker, (struct tr_msg *) request, answer);
    return TR_OK;
}

void hand_error(struct tr_self *self, tr_msg **request, tr_err err, const char *text, const char *phase,
                const char *actor)
{
    if (*request == NULL)
        return;
    ask_answer_error(self->worker, *request, err, text, phase, actor);
    tr_drop(self, request);
}
