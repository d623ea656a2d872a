/* SPDX-License-Identifier: MIT */
/* relay.h - the actor between the two sides of a flow: its messages */
#ifndef SHARE_RELAY_H
#define SHARE_RELAY_H

#include <troupe/flow.h>

/* "flow.open" to:addr tag:str args:array parts:int bytes:int timeout_ms:int - the asker's: it is never answered, and as
 *                                     long as it is wanted the asker reads
 * "flow.opened"                    - comes behind it: tells a relay whose asker was gone before it began
 * "flow.next" number:int           - the part of that number; the one before it has been taken
 * "flow.room"                      - parts:int bytes:int: how much may be written now, when there is credit
 * "flow.end"                       - the asker writes no more
 * "flow.fail" err:int text:str     - the same with an error
 * "flow.done"                      - the relay's to itself: the answerer's outcome, behind its parts
 * any other plain message          - a part */
extern const tr_behaviour relay_behaviour;

#define RELAY_TAG "flow."

#endif
