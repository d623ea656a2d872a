/* SPDX-License-Identifier: MIT */
/* signal_hub.h - the process's signals: which are caught, and whom the handler wakes
 *
 * Dispositions belong to the process, so this is one for all nodes in it. Who watches a signal has an eventfd here; the
 * handler adds to it. */
#ifndef MACHINE_SIGNAL_HUB_H
#define MACHINE_SIGNAL_HUB_H

#include <signal.h>

#include <troupe/base.h>

#define SIGNAL_WATCHES_MAX 256 /* in the process; then TR_EFULL */

/* From now on the handler adds 1 to event_fd at each signal of that number. Errors: TR_EFULL, TR_EINVAL (not to be
 * caught). Thread: any. */
tr_err signal_hub_add(int number, int event_fd, int *slot);

/* After this the handler does not touch the descriptor any more; with the last watch of its signal the disposition of
 * before is back. Thread: any. */
void signal_hub_remove(int slot);

/* As sigaction(2), for whoever sets dispositions while there may be watches: they stay, and what is set here holds when
 * the last of them has gone. */
void signal_hub_action(int number, const struct sigaction *action, struct sigaction *before);

#endif
