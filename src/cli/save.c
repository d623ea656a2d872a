/* SPDX-License-Identifier: MIT */
/* save.c - bodies as files, whole or not at all
 *
 * A body is written under a name that begins with a dot and only then renamed to its own, never over a file that is
 * there unless that was asked for. What a URL may contain that a file name may not becomes '_', slashes too: nothing a
 * server or a list of URLs says can leave the directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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
    const char *user = memrchr(rest, '@', strcspn(rest, "/?#"));
    rest = user != NULL ? user + 1 : rest;
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

void save_remote_name(const char *url, char name[SAVED_NAME_MAX])
{
    const char *path = strstr(url, "://");
    path = path != NULL ? path + 3 : url;
    path += strcspn(path, "/?#");
    size_t len = strcspn(path, "?#"), n = 0;
    const char *slash = memrchr(path, '/', len);
    for (const char *c = slash != NULL ? slash + 1 : path + len; c < path + len && n < STEM_MAX; c++)
        name[n++] = (char) (is_plain(*c) || *c == '%' || *c == '+' || *c == '~' ? *c : '_');
    if (n > 0 && name[0] == '.')
        name[0] = '_';
    name[n] = '\0';
}

/* The lock tells a later run that somebody still writes it. */
static bool part_open(struct saving *s)
{
    s->fd = openat(s->dir_fd, s->part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (s->fd >= 0)
        (void) flock(s->fd, LOCK_EX | LOCK_NB);
    return s->fd >= 0;
}

bool save_begin(struct saving *s, int dir_fd, uint64_t seq, const char *file)
{
    struct stat st;
    *s = (struct saving){ .dir_fd = dir_fd, .fd = -1 };
    bool is_there = file != NULL && fstatat(dir_fd, file, &st, 0) == 0;
    if (is_there && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return false;
    }
    s->is_special = is_there && !S_ISREG(st.st_mode);
    if (s->is_special)
        return (s->fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC)) >= 0;
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    int n = snprintf(s->part, sizeof s->part, ".troupe-%ld-%llu.part", (long) getpid(), (unsigned long long) seq);
    if (slash != NULL) { /* beside where it goes, since only there can it be renamed */
        size_t len = (size_t) (slash + 1 - file);
        if (len + (size_t) n >= sizeof s->part) {
            errno = ENAMETOOLONG;
            return false;
        }
        memmove(s->part + len, s->part, (size_t) n + 1);
        memcpy(s->part, file, len);
    }
    return part_open(s);
}

bool save_write(struct saving *s, const void *data, size_t len)
{
    return write_all(s->fd, data, len);
}

void save_abort(struct saving *s)
{
    int error = errno;
    if (s->fd >= 0)
        close(s->fd);
    if (s->part[0] != '\0')
        (void) unlinkat(s->dir_fd, s->part, 0);
    *s = (struct saving){ .fd = -1 };
    errno = error;
}

bool save_end(struct saving *s, const char *file, const char *url, uint64_t seq, char name[SAVED_NAME_MAX])
{
    int fd = s->fd;
    s->fd = -1;
    bool good = close(fd) == 0;
    if (file != NULL && file != name)
        snprintf(name, SAVED_NAME_MAX, "%s", file);
    if (good && !s->is_special)
        good = file != NULL ? renameat(s->dir_fd, s->part, s->dir_fd, file) == 0
                            : part_name(s->dir_fd, s->part, url, seq, name);
    if (!good)
        save_abort(s);
    return good;
}

/* Digits and nothing before them, as save_begin writes them; *end is behind. 0: none, or too many. */
static long long part_number(const char *text, const char **end)
{
    char *behind = (char *) (uintptr_t) text;
    errno = 0;
    long long n = *text >= '0' && *text <= '9' ? strtoll(text, &behind, 10) : 0;
    *end = behind;
    return errno == 0 ? n : 0;
}

/* A name of ours, and nobody has it locked: whoever wrote it was killed. */
static void part_clean(int dir_fd, const char *name)
{
    static const char head[] = ".troupe-";
    const char *end;
    if (strncmp(name, head, sizeof head - 1) != 0)
        return;
    long long pid = part_number(name + sizeof head - 1, &end);
    if (pid <= 0 || pid > INT_MAX || *end != '-')
        return;
    if (part_number(end + 1, &end) <= 0 || strcmp(end, ".part") != 0)
        return;
    if (kill((pid_t) pid, 0) == 0 || errno != ESRCH)
        return;
    int fd = openat(dir_fd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void) unlinkat(dir_fd, name, 0);
    close(fd);
}

void save_clean(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        part_clean(dir_fd, entry->d_name);
    closedir(dir);
}
