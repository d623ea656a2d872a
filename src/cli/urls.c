/* SPDX-License-Identifier: MIT */
/* urls.c - where URLs come from: the arguments first, then files or standard input, one a line
 *
 * The file is read by the chunk, as far as URLs are asked for: a million lines never stand in memory. A line that is
 * too long is told once and skipped.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Strips blanks and the CR of a line from elsewhere. A NUL inside becomes a control character, so that the line is
 * refused rather than cut. */
static char *line_trim(char *line, size_t len)
{
    for (char *nul; (nul = memchr(line, '\0', len)) != NULL;)
        *nul = '\x01';
    while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
        len--;
    line[len] = '\0';
    return line + strspn(line, " \t");
}

/* The next line out of what was read, without its end; NULL: there is no whole one. */
static char *line_take(struct urls *u, size_t *len)
{
    char *line = u->data + u->start;
    char *newline = memchr(line, '\n', u->end - u->start);
    if (newline == NULL && !(u->at_end && u->end > u->start))
        return NULL;
    *len = newline != NULL ? (size_t) (newline - line) : u->end - u->start;
    u->start += *len + (newline != NULL);
    return line;
}

/* More than the longest line stands there, and no end of it. */
static bool line_is_endless(const struct urls *u)
{
    return u->end - u->start > URL_LEN_MAX;
}

static urls_state line_next(struct urls *u, const char **url)
{
    size_t len = 0;
    for (;;) {
        char *line = line_take(u, &len);
        if (line == NULL)
            break;
        bool rest = u->in_long_line;
        u->in_long_line = false;
        if (rest)
            continue;
        u->line++;
        if (len > URL_LEN_MAX)
            return URLS_LONG;
        *url = line_trim(line, len);
        if (**url != '\0' && **url != '#')
            return URLS_ONE;
    }
    if (u->at_end)
        return URLS_END;
    if (!u->in_long_line && !line_is_endless(u))
        return URLS_EMPTY;
    bool told = u->in_long_line;
    u->start = u->end;
    u->in_long_line = true;
    u->line += !told;
    return told ? URLS_EMPTY : URLS_LONG;
}

/* The line numbers begin anew with each. */
void urls_skip(struct urls *urls)
{
    urls->at++;
    urls->start = urls->end = 0;
    urls->line = 0;
    urls->at_end = urls->in_long_line = false;
}

int urls_fd(const struct urls *urls)
{
    return urls->at < urls->count ? urls->fds[urls->at] : -1;
}

const char *urls_name(const struct urls *urls)
{
    return urls->at < urls->count ? urls->names[urls->at] : "";
}

urls_state urls_next(struct urls *urls, const char **url)
{
    if (urls->args_left > 0) {
        *url = *urls->args++;
        urls->args_left--;
        return URLS_ONE;
    }
    while (urls->at < urls->count) {
        urls_state state = line_next(urls, url);
        if (state != URLS_END)
            return state;
        urls_skip(urls);
    }
    return URLS_END;
}

bool urls_fill(struct urls *urls)
{
    memmove(urls->data, urls->data + urls->start, urls->end - urls->start);
    urls->end -= urls->start;
    urls->start = 0;
    ssize_t n = read(urls_fd(urls), urls->data + urls->end, URLS_CHUNK - urls->end);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    urls->end += (size_t) n;
    urls->at_end = n == 0;
    return true;
}
