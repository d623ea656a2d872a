/* SPDX-License-Identifier: MIT */
/* fetch.c - troupe fetch: the program around the run */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static int cannot(const char *what, const char *name)
{
    fprintf(stderr, "troupe fetch: cannot %s %s: %s\n", what, name, strerror(errno));
    return CLI_FAILED;
}

static int input_open(const char *name, struct urls *urls)
{
    bool is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot("read", name);
    urls->fds[urls->count] = fd;
    urls->names[urls->count] = is_stdin ? "stdin" : name;
    urls->count++;
    return CLI_DONE;
}

static int inputs_open(const struct fetch_options *o, struct urls *urls)
{
    int code = CLI_DONE;
    for (size_t i = 0; i < o->input_count && code == CLI_DONE; i++)
        code = input_open(o->inputs[i], urls);
    return code;
}

static void inputs_close(struct urls *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (urls->fds[i] > STDIN_FILENO)
            close(urls->fds[i]);
    }
}

static int dir_open(const char *dir, int *fd)
{
    *fd = AT_FDCWD;
    if (dir == NULL)
        return CLI_DONE;
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return cannot("make directory", dir);
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return cannot("open directory", dir);
    save_clean(*fd);
    return CLI_DONE;
}

/* Each page under way has a descriptor; a thousand, the usual soft limit, is soon reached. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void) setrlimit(RLIMIT_NOFILE, &limit);
}

static tr_err fetch_main(tr_self *self, void *arg)
{
    tr_addr run;
    tr_err err = tr_spawn(self, &fetch_run, arg, &run);
    return err == TR_OK ? tr_join(self, run, NULL) : err;
}

static int fetch_all(struct fetch_options *o, struct urls *urls)
{
    int code = inputs_open(o, urls);
    if (code == CLI_DONE)
        code = dir_open(o->dir, &o->job.dir_fd);
    if (code == CLI_DONE) {
        raise_descriptor_limit();
        o->job.urls = urls;
        o->job.exit_code = CLI_FAILED;
        code = tr_main(fetch_main, &o->job);
        code = code != 0 ? code : o->job.exit_code;
    }
    if (o->job.dir_fd >= 0)
        close(o->job.dir_fd);
    inputs_close(urls);
    return code;
}

static int fetch_with(struct fetch_options *o, int argc, char **argv)
{
    int code = options_read(o, argc, argv);
    if (code != CLI_DONE)
        return code;
    if (o->help) {
        options_help();
        return output_close();
    }
    struct urls *urls = calloc(1, sizeof *urls);
    if (urls == NULL)
        return cannot("start", "fetch");
    urls->args = argv + optind;
    urls->args_left = (size_t) (argc - optind);
    code = fetch_all(o, urls);
    free(urls);
    return code;
}

int fetch_command(int argc, char **argv)
{
    struct fetch_options *o = calloc(1, sizeof *o);
    if (o == NULL)
        return cannot("start", "fetch");
    o->job.dir_fd = AT_FDCWD;
    int code = fetch_with(o, argc, argv);
    options_free(o);
    free(o);
    return code;
}
