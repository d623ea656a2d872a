/* SPDX-License-Identifier: MIT */
/* watcher.h - a thread that writes listings when a signal asks for one
 *
 * The handler posts a semaphore and does nothing else; the thread belongs to nobody's loop, so that it answers while
 * all workers are stuck. Semaphores and what the handler looks at are static and never go: a handler may run at any
 * moment, on any thread, also while a node is being destroyed. */
#ifndef DEBUG_WATCHER_H
#define DEBUG_WATCHER_H

#include "node/node.h"

#define WATCHERS_MAX 16 /* nodes that listen to a signal at once */

/* The node listens to no signal any more. */
void watcher_forget(const tr_node *node);

/* The signal that a node's listings come by; 0: none. */
int watcher_signo(const tr_node *node);

#endif
