/* SPDX-License-Identifier: MIT */
/* inbox.h - the node's side of an inbox */
#ifndef NODE_INBOX_H
#define NODE_INBOX_H

#include <troupe/node.h>

/* Makes its actor. Thread: the node's. */
tr_err inbox_spawn(tr_node *node, struct tr_inbox *inbox, tr_addr *addr);

#endif
