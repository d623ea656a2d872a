/* SPDX-License-Identifier: MIT */
/* save.c - bodies as files, whole or not at all
 *
 * A body is written under a name that begins with a dot and only then renamed to its own, never over a file that is
 * there. What a URL may contain that a file name may not becomes '_', slashes too: nothing a server or a list of URLs
 * says can leave the directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { STEM_MAX = 200, TRIES_MAX = 10000 };

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
}

void save_name(const char *url, uint64_t seq, char name[SAVED_NAME_MAX])
{
    const char *rest = strstr(url, "://");
    size_t len = 0;
    rest = rest != NULL ? rest + 3 : url;
    for (; *rest != '\0' && *rest != '#' && len < STEM_MAX; rest++)
        name[len++] = (char) (is_plain(*rest) ? *rest : '_');
    while (len > 1 && name[len - 1] == '_')
        len--;
    if (len == 0 || name[0] == '.')
        name[len == 0 ? len++ : 0] = '_';
    name[len] = '\0';
    if (seq > 0)
        snprintf(name + len, SAVED_NAME_MAX - len, "-%llu", (unsigned long long) seq);
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t) n;
        }
    }
    return true;
}

static bool part_write(int dir_fd, const char *part, tr_bytes body)
{
    int fd = openat(dir_fd, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    bool written = write_all(fd, body.data, body.len);
    int error = errno;
    if (close(fd) != 0 && written) {
        error = errno;
        written = false;
    }
    errno = error;
    return written;
}

/* Not every file system can rename without replacing; those that cannot can link. */
static bool part_rename(int dir_fd, const char *part, const char *name)
{
    if (renameat2(dir_fd, part, dir_fd, name, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    if (linkat(dir_fd, part, dir_fd, name, 0) != 0)
        return false;
    (void) unlinkat(dir_fd, part, 0);
    return true;
}

/* The plain name if it is free, else with the page's number in this run, else with numbers that no page of this run
 * has. */
static bool part_name(int dir_fd, const char *part, const char *url, uint64_t seq, char name[SAVED_NAME_MAX])
{
    for (uint64_t i = 0; i < TRIES_MAX; i++) {
        save_name(url, i == 0 ? 0 : seq + (i - 1) * 1000000007, name);
        if (part_rename(dir_fd, part, name))
            return true;
        if (errno != EEXIST)
            return false;
    }
    return false;
}

bool save_body(int dir_fd, const char *url, uint64_t seq, tr_bytes body, char name[SAVED_NAME_MAX])
{
    char part[64];
    snprintf(part, sizeof part, ".troupe-%ld-%llu.part", (long) getpid(), (unsigned long long) seq);
    if (part_write(dir_fd, part, body) && part_name(dir_fd, part, url, seq, name))
        return true;
    int error = errno;
    (void) unlinkat(dir_fd, part, 0);
    errno = error;
    return false;
}
