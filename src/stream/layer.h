/* SPDX-License-Identifier: MIT */
/* layer.h - calling what stands between a stream's bytes and those on the wire */
#ifndef STREAM_LAYER_H
#define STREAM_LAYER_H

#include "stream/stream.h"

/* The layer takes these wire bytes: what can be read is appended to in, what the peer must be told to out. end: nothing
 * follows. A result that ends reading is in in_err. False: out of memory, which ends it too, since the bytes are gone.
 */
bool layer_decode(struct stream *s, const void *wire, size_t len, bool end);

/* The layer takes these bytes of the writer's; what it makes of them is appended to out. end: nothing follows. */
tr_err layer_encode(struct stream *s, const void *plain, size_t len, bool end);

#endif
