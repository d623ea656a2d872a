/* SPDX-License-Identifier: MIT */
/* signal.h - signals as messages
 *
 * Nothing is caught unless an actor asks for it. From the first watch of a signal to the end of the last, in the whole
 * process, its disposition is the runtime's, and what it was before is put back then. While it is watched, a signal
 * does nothing but send messages: not what it does by default, nor what tr_main does at SIGINT and SIGTERM.
 */
#ifndef TROUPE_SIGNAL_H
#define TROUPE_SIGNAL_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whenever that signal comes to this process this actor gets tag(number:int, name:str, count:int), whichever thread it
 * interrupted. Any number of actors can watch one signal, and each gets a message of its own. Signals that come before
 * their message was sent are one message, and count says how many they were (the kernel, too, makes one of several that
 * are pending, except for real-time signals); a full mailbox makes them wait, and be counted.
 *
 * The watch is an actor, owned by the caller and ended with it; *watch (may be NULL) is for tr_signal_unwatch, and is
 * where the messages come from. tag is copied (to 31 bytes). Errors: TR_EINVAL (a signal that cannot be caught, or that
 * reports a fault of the program itself), TR_EFULL (256 watches in the process), TR_ENOMEM, TR_EIO (no descriptor to be
 * had). Suspends: no. */
TR_API TR_MUST_CHECK tr_err tr_signal_watch(tr_self *self, int number, const char *tag, tr_addr *watch);

/* Ends a watch and waits until it has ended; a message that is already queued still arrives. Suspends. Errors: as
 * tr_cancel_wait. */
TR_API tr_err tr_signal_unwatch(tr_self *self, tr_addr watch);

/* "SIGINT"; "SIGRTMIN+3"; "signal 77" where there is none of that number. Static or per-thread storage, valid until the
 * next call from the same thread. Thread: any. */
TR_API const char *tr_signal_name(int number);

#ifdef __cplusplus
}
#endif
#endif
