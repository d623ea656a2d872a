/* SPDX-License-Identifier: MIT */
/* log.h - lines for people, through the program's hook; silent without one */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

#include <troupe/base.h>

#define LOG_LINE_MAX 1024

struct log {
    int level; /* tr_log_level: what is above it is dropped */
    void (*write)(void *ctx, int level, const char *line);
    void *ctx;
};

/* A line without its newline; longer than LOG_LINE_MAX is cut with "...". Thread: any, if the hook is. */
void log_line(const struct log *log, int level, const char *fmt, ...) TR_PRINTF(3, 4);
void log_linev(const struct log *log, int level, const char *fmt, va_list args);

#endif
