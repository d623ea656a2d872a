/* SPDX-License-Identifier: MIT */
/* progress.c - standard error: the bar on a terminal, and counts in words */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { BAR_WIDTH = 24 };

void progress_init(struct progress *p, int fd, tr_time now)
{
    p->is_terminal = isatty(fd) == 1;
    p->is_drawn = false;
    p->started = now;
}

/* 1234567 as 1,234,567. */
static const char *number_text(uint64_t n, char buf[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long) n), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = '\0';
    return buf;
}

const char *counts_text(const struct counts *c, int64_t duration_ns, char *buf, size_t size)
{
    char fetched[32], bytes[32], failed[32];
    snprintf(buf, size, "%s page%s fetched, %s bytes in %.1f s; %s failed", number_text(c->fetched, fetched),
             c->fetched == 1 ? "" : "s", number_text(c->bytes, bytes), (double) duration_ns / 1e9,
             number_text(c->failed, failed));
    return buf;
}

static void bar_text(const struct counts *c, char bar[BAR_WIDTH + 1])
{
    uint64_t done = c->fetched + c->failed;
    size_t full = c->total > 0 && done < c->total ? (size_t) (done * BAR_WIDTH / c->total) : BAR_WIDTH;
    memset(bar, '#', full);
    memset(bar + full, '-', BAR_WIDTH - full);
    bar[BAR_WIDTH] = '\0';
}

void progress_draw(struct progress *p, const struct counts *c, tr_time now)
{
    char bar[BAR_WIDTH + 1], text[160], total[32];
    if (!p->is_terminal)
        return;
    counts_text(c, now - p->started, text, sizeof text);
    if (c->total > 0) {
        bar_text(c, bar);
        fprintf(stderr, "\r\033[K[%s] of %s: %s", bar, number_text(c->total, total), text);
    } else {
        fprintf(stderr, "\r\033[K%s, %u under way", text, c->under_way);
    }
    fflush(stderr);
    p->is_drawn = true;
}

/* Before anything else is written to the terminal. */
void progress_clear(struct progress *p)
{
    if (p->is_drawn)
        fprintf(stderr, "\r\033[K");
    p->is_drawn = false;
}

/* Lists of URLs and servers may hold escape sequences; a terminal must not obey them. */
static void print_harmless(const char *s)
{
    for (; *s != '\0'; s++)
        putc((unsigned char) *s < ' ' || *s == 0x7f ? '?' : *s, stderr);
}

void progress_tell(struct progress *p, const char *where, const char *what, const char *why)
{
    progress_clear(p);
    flockfile(stderr);
    fprintf(stderr, "troupe: %s", where);
    print_harmless(what);
    fprintf(stderr, ": ");
    print_harmless(why);
    putc('\n', stderr);
    funlockfile(stderr);
}
