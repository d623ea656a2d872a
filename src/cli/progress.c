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
    if (!p->is_terminal || p->silent)
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

/* A URL may hold a password. */
static void print_url(const char *url)
{
    const char *at = strstr(url, "://");
    at = at != NULL ? at + 3 : url;
    const char *user = memrchr(at, '@', strcspn(at, "/?#"));
    for (const char *c = url; user != NULL && c < at; c++)
        putc((unsigned char) *c < ' ' || *c == 0x7f ? '?' : *c, stderr);
    print_harmless(user != NULL ? user + 1 : url);
}

void progress_tell(struct progress *p, const char *where, const char *what, const char *why)
{
    if (p->mute)
        return;
    progress_clear(p);
    flockfile(stderr);
    fprintf(stderr, "troupe: %s", where);
    print_url(what);
    fprintf(stderr, ": ");
    print_harmless(why);
    putc('\n', stderr);
    funlockfile(stderr);
}

void progress_note(struct progress *p, const char *prefix, const char *text)
{
    progress_clear(p);
    flockfile(stderr);
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        fprintf(stderr, "%s", prefix);
        for (size_t i = 0; i < len; i++)
            putc((unsigned char) at[i] < ' ' || at[i] == 0x7f ? '?' : at[i], stderr);
        putc('\n', stderr);
        at += len + (at[len] == '\n');
    }
    funlockfile(stderr);
}
