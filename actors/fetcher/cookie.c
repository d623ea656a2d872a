/* SPDX-License-Identifier: MIT */
/* cookie.c - the jar: what libcurl keeps of cookies, and the file they are kept in
 *
 * Whose cookie is sent where is libcurl's business (RFC 6265, with the public suffix list where it was built with it).
 * The file has the format of Netscape's, which browsers' exporters, curl and wget write; it is replaced as a whole, so
 * that whoever reads it finds the old one or the new. A file that is not there is an empty jar.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static bool cookies_read(struct fetcher *f, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    bool good = true;
    while (good && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        bool is_cookie = line[0] != '\0' && (line[0] != '#' || strncmp(line, "#HttpOnly_", 10) == 0);
        if (is_cookie)
            good = curl_easy_setopt(f->jar, CURLOPT_COOKIELIST, line) != CURLE_OUT_OF_MEMORY;
    }
    free(line);
    return good && !ferror(file);
}

static bool cookies_load(struct fetcher *f, char *why, size_t why_size)
{
    const char *name = f->config.cookie_file;
    struct stat st;
    if (name == NULL || (stat(name, &st) == 0 && S_ISCHR(st.st_mode))) /* /dev/null, and what never ends */
        return true;
    FILE *file = fopen(name, "re");
    if (file == NULL && errno == ENOENT)
        return true;
    errno = file == NULL ? errno : 0;
    bool good = file != NULL && cookies_read(f, file);
    int error = errno != 0 ? errno : ENOMEM;
    if (file != NULL)
        fclose(file);
    if (!good)
        snprintf(why, why_size, "cannot read cookies from %s: %s", name, strerror(error));
    return good;
}

bool cookies_open(struct fetcher *f, char *why, size_t why_size)
{
    if (!f->config.cookies)
        return true;
    snprintf(why, why_size, "libcurl keeps no cookies");
    f->share = curl_share_init();
    f->jar = curl_easy_init();
    if (f->share == NULL || f->jar == NULL ||
        curl_share_setopt(f->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) != CURLSHE_OK ||
        curl_easy_setopt(f->jar, CURLOPT_COOKIEFILE, "") != CURLE_OK ||
        curl_easy_setopt(f->jar, CURLOPT_SHARE, f->share) != CURLE_OK)
        return false;
    f->jar_is_loaded = cookies_load(f, why, why_size);
    return f->jar_is_loaded;
}

void cookies_close(struct fetcher *f)
{
    curl_easy_cleanup(f->jar);
    if (f->share != NULL)
        (void) curl_share_cleanup(f->share);
    f->jar = NULL;
    f->share = NULL;
}

static bool cookies_write(const struct curl_slist *list, FILE *file)
{
    fprintf(file, "# Netscape HTTP Cookie File\n");
    for (; list != NULL; list = list->next)
        fprintf(file, "%s\n", list->data);
    return fflush(file) == 0 && !ferror(file);
}

/* Cookies are secrets: the file is its owner's alone. */
static bool cookies_replace(const struct curl_slist *list, const char *name, const char *part)
{
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        errno = error;
        return false;
    }
    bool good = cookies_write(list, file);
    int error = errno;
    if (fclose(file) != 0 && good) {
        error = errno;
        good = false;
    }
    if (good && rename(part, name) == 0)
        return true;
    error = good ? errno : error;
    (void) unlink(part);
    errno = error;
    return false;
}

/* Something that is no file, /dev/null say, is written to and not replaced. */
static bool cookies_overwrite(const struct curl_slist *list, const char *name)
{
    FILE *file = fopen(name, "we");
    if (file == NULL)
        return false;
    bool good = cookies_write(list, file);
    int error = errno;
    if (fclose(file) != 0 && good) {
        error = errno;
        good = false;
    }
    errno = error;
    return good;
}

/* False: errno. */
bool cookies_save(struct fetcher *f)
{
    const char *name = f->config.cookie_file;
    struct curl_slist *list = NULL;
    struct stat st;
    if (name == NULL || !f->jar_is_loaded)
        return true;
    char *part = malloc(strlen(name) + sizeof ".part");
    if (part == NULL || curl_easy_getinfo(f->jar, CURLINFO_COOKIELIST, &list) != CURLE_OK) {
        free(part);
        errno = ENOMEM;
        return false;
    }
    sprintf(part, "%s.part", name);
    bool special = stat(name, &st) == 0 && !S_ISREG(st.st_mode);
    bool good = special ? cookies_overwrite(list, name) : cookies_replace(list, name, part);
    int error = errno;
    curl_slist_free_all(list);
    free(part);
    errno = error;
    return good;
}

/* ---- messages ---- */

static tr_err no_jar(tr_self *self)
{
    return tr_fail_with(self, TR_ESTATE, "this pool keeps no cookies; spawn it with cookies or a cookie_file");
}

static int call_cookies_save(void *arg)
{
    return cookies_save(arg) ? 0 : errno;
}

tr_err on_cookies_save(tr_self *self, void *state, const tr_msg *m)
{
    struct fetcher *f = state;
    if (f->jar == NULL)
        return no_jar(self);
    int error = tr_call(self, call_cookies_save, f);
    if (error != 0)
        return tr_fail_with(self, TR_EIO, "cannot write cookies to %s: %s", f->config.cookie_file, strerror(error));
    return tr_reply(self, m);
}

struct add {
    struct fetcher *f;
    const char *line;
};

static int call_cookies_add(void *arg)
{
    struct add *add = arg;
    return curl_easy_setopt(add->f->jar, CURLOPT_COOKIELIST, add->line) == CURLE_OK ? 0 : -1;
}

/* What libcurl finds to be no cookie it leaves out, as it does with one that a server sets. Its own commands ("ALL",
 * "FLUSH") are none. */
tr_err on_cookies_add(tr_self *self, void *state, const tr_msg *m)
{
    struct add add = { .f = state };
    tr_args(m, &add.line);
    if (add.f->jar == NULL)
        return no_jar(self);
    if (strchr(add.line, '\t') == NULL && strncasecmp(add.line, "Set-Cookie:", 11) != 0)
        return tr_fail_with(self, TR_EINVAL, "a cookie is a line of a Netscape cookie file, or a Set-Cookie header");
    return tr_call(self, call_cookies_add, &add) == 0 ? tr_reply(self, m) : TR_ENOMEM;
}

static int call_cookies_clear(void *arg)
{
    (void) curl_easy_setopt(((struct fetcher *) arg)->jar, CURLOPT_COOKIELIST, "ALL");
    return 0;
}

tr_err on_cookies_clear(tr_self *self, void *state, const tr_msg *m)
{
    struct fetcher *f = state;
    if (f->jar == NULL)
        return no_jar(self);
    (void) tr_call(self, call_cookies_clear, f);
    return tr_reply(self, m);
}

/* The jar's lines as a reply. */
tr_err on_cookies(tr_self *self, void *state, const tr_msg *m)
{
    struct fetcher *f = state;
    struct curl_slist *list = NULL;
    size_t n = 0;
    if (f->jar == NULL)
        return no_jar(self);
    if (curl_easy_getinfo(f->jar, CURLINFO_COOKIELIST, &list) != CURLE_OK)
        return TR_ENOMEM;
    for (const struct curl_slist *l = list; l != NULL; l = l->next)
        n++;
    tr_value *lines = tr_temp(self, (n + 1) * sizeof *lines);
    n = 0;
    for (const struct curl_slist *l = list; l != NULL && lines != NULL; l = l->next)
        lines[n++] = tr_str(l->data);
    tr_err err = lines != NULL ? tr_reply(self, m, tr_arrayn(lines, n)) : TR_ENOMEM;
    curl_slist_free_all(list);
    return err;
}
