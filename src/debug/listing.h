/* SPDX-License-Identifier: MIT */
/* listing.h - a whole listing: snapshot, the stacks that run, words */
#ifndef DEBUG_LISTING_H
#define DEBUG_LISTING_H

#include "node/node.h"

/* signo: with which running threads are asked for their stacks; 0: they are not. Thread: any. Errors: TR_ENOMEM,
 * TR_EIO. */
tr_err listing_write(const tr_node *node, int signo, FILE *out);

#endif
