/* SPDX-License-Identifier: MIT */
/* names.h - stacks as names, by libdw */
#ifndef NAMES_NAMES_H
#define NAMES_NAMES_H

#include <troupe/debug.h>

extern const tr_debug_symbols names_by_libdw;

#endif
