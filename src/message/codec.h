/* SPDX-License-Identifier: MIT */
/* codec.h - messages as msgpack bytes; the only file that knows msgpack-c is codec.c */
#ifndef MESSAGE_CODEC_H
#define MESSAGE_CODEC_H

#include "message/message.h"

/* Ext types. An address is 16 bytes: node instance, then slot and generation, big-endian. */
#define CODEC_EXT_ADDR 1

/* Both halves of include/troupe/message.h's tr_msg_encode and tr_msg_decode, with the pool to build in. self_node
 * replaces node 0 in addresses on the way out, and becomes 0 on the way in (0: left alone). */
tr_err codec_encode(const struct tr_msg *m, uint64_t self_node, void **data, size_t *len);
tr_err codec_decode(struct msg_pool *pool, const void *data, size_t len, const tr_limits *limits, uint64_t self_node,
                    struct tr_msg **out, const char **why);

/* The validator by itself: TR_OK if the bytes are exactly one value within the limits. Never allocates. *objects: how
 * many values. */
tr_err valid_check(const void *data, size_t len, const tr_limits *limits, size_t *objects, const char **why);

#endif
