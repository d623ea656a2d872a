/* SPDX-License-Identifier: MIT */
/* give.h - a stream as a value of a message */
#ifndef STREAM_GIVE_H
#define STREAM_GIVE_H

#include "stream/stream.h"

/* The stream leaves this actor; *value goes into one message, or back by stream_unpack. Errors in words: TR_ECLOSED,
 * TR_ESTATE, TR_EBUSY, TR_ENOMEM. */
tr_err stream_pack(struct tr_self *self, tr_stream stream, tr_value *value);
void stream_unpack(struct tr_self *self, tr_value value);

#endif
