/* SPDX-License-Identifier: MIT */
/* report.h - a snapshot in words: workers, the tree of actors and scopes, waits, stacks */
#ifndef DEBUG_REPORT_H
#define DEBUG_REPORT_H

#include "debug/snapshot.h"
#include "debug/symbols.h"

/* Errors: TR_ENOMEM (the snapshot, or what it takes to sort it), TR_EIO (out). */
tr_err report_write(const struct snapshot *s, struct symbols *symbols, FILE *out);

#endif
