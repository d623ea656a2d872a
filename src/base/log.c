/* SPDX-License-Identifier: MIT */
/* log.c - lines for people, through the program's hook */
#include "base/log.h"

#include <stdio.h>
#include <string.h>

void log_linev(const struct log *log, int level, const char *fmt, va_list args)
{
    static const char cut[] = "...";
    char line[LOG_LINE_MAX + 1];
    if (log == NULL || log->write == NULL || level > log->level)
        return;
    int len = vsnprintf(line, sizeof line, fmt, args);
    if (len < 0)
        return;
    if ((size_t) len > LOG_LINE_MAX)
        memcpy(line + sizeof line - sizeof cut, cut, sizeof cut);
    log->write(log->ctx, level, line);
}

void log_line(const struct log *log, int level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_linev(log, level, fmt, args);
    va_end(args);
}
