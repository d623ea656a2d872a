/* SPDX-License-Identifier: MIT */
/* nodes.c - the nodes of this process, for a debugger: share/gdb/troupe-gdb.py begins at debug_nodes */
#include "debug/watcher.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tr_node *debug_nodes; /* by next */

void debug_node_made(struct tr_node *node)
{
    pthread_mutex_lock(&lock);
    node->next = debug_nodes;
    debug_nodes = node;
    pthread_mutex_unlock(&lock);
}

void debug_node_gone(const struct tr_node *node)
{
    watcher_forget(node);
    pthread_mutex_lock(&lock);
    struct tr_node **at = &debug_nodes;
    while (*at != NULL && *at != node)
        at = &(*at)->next;
    if (*at != NULL)
        *at = node->next;
    pthread_mutex_unlock(&lock);
}
