/* SPDX-License-Identifier: MIT */
/* print.h - the words of listings, which debug mode uses too */
#ifndef NODE_PRINT_H
#define NODE_PRINT_H

/* What a wait of that kind (enum wait_kind) is for: " for a message". Never NULL. */
const char *wait_words(unsigned kind);

#endif
