/* SPDX-License-Identifier: MIT */
/* chat.h - a room that people talk in over TCP */
#ifndef CHAT_H
#define CHAT_H

#include <troupe/troupe.h>

/* The room: listens, and tells everyone what anyone says. arg: the port as a string. Answers "port" with the port. */
extern const tr_behaviour room;

/* One person's connection. Spawned by the room with the address of the room. */
extern const tr_behaviour person;

#endif
