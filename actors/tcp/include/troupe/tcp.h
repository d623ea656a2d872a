/* SPDX-License-Identifier: MIT */
/* tcp.h - connections and listeners as actors: for those who speak messages and not C; actors/tcp/README.md */
#ifndef TROUPE_TCP_H
#define TROUPE_TCP_H

#include <troupe/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The door: connects and listens for whoever asks. What it opens belongs to it. No arguments. */
extern const tr_behaviour tr_tcp;

#ifdef __cplusplus
}
#endif
#endif
