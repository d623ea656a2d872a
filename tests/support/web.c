/* SPDX-License-Identifier: MIT */
/* web.c - starts and stops the bad web server of web.py; ports that refuse and ports that are deaf */
#include "support/web.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* web.py stands beside this file. */
static void script_path(char *path, size_t size)
{
    const char *slash = strrchr(__FILE__, '/');
    snprintf(path, size, "%.*s/web.py", slash != NULL ? (int) (slash - __FILE__) : 1, slash != NULL ? __FILE__ : ".");
}

static bool read_line(int fd, char *line, size_t size)
{
    size_t len = 0;
    while (len + 1 < size && read(fd, line + len, 1) == 1 && line[len] != '\n')
        len++;
    line[len] = '\0';
    return len > 0;
}

static bool web_run(struct web *web, const char *kind)
{
    char script[512], line[512];
    char option[16];
    char *argv[] = { (char[]){ "python3" }, script, kind != NULL ? option : NULL, NULL };
    int in[2], out[2];
    posix_spawn_file_actions_t actions;
    script_path(script, sizeof script);
    snprintf(option, sizeof option, "%s", kind != NULL ? kind : "");
    memset(web, 0, sizeof *web);
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    int spawned = posix_spawnp(&web->pid, "python3", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    web->in = in[1];
    bool started = spawned == 0 && read_line(out[0], line, sizeof line) &&
                   sscanf(line, "%d %255s", &web->port, web->cert) >= 1;
    close(out[0]);
    return started;
}

bool web_start(struct web *web, bool tls)
{
    return web_run(web, tls ? "--tls" : NULL);
}

bool web_start_h2(struct web *web)
{
    return web_run(web, "--h2");
}

void web_stop(struct web *web)
{
    close(web->in);
    waitpid(web->pid, NULL, 0);
}

const char *web_url(const struct web *web, const char *path, char *buf, size_t size)
{
    snprintf(buf, size, "http%s://127.0.0.1:%d%s", web->cert[0] != '\0' ? "s" : "", web->port, path);
    return buf;
}

static int bind_loopback(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *) address, len) != 0 ||
        getsockname(fd, (struct sockaddr *) address, &len) != 0)
        return -1;
    return fd;
}

int web_refused_port(void)
{
    struct sockaddr_in address;
    int fd = bind_loopback(&address);
    close(fd);
    return ntohs(address.sin_port);
}

int web_mute_port(int *fd)
{
    struct sockaddr_in address;
    *fd = bind_loopback(&address);
    (void) listen(*fd, 16);
    return ntohs(address.sin_port);
}

int web_deaf_port(int fds[WEB_DEAF_FDS])
{
    struct sockaddr_in address;
    fds[0] = bind_loopback(&address);
    (void) listen(fds[0], 0);
    for (int i = 1; i < WEB_DEAF_FDS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void) connect(fds[i], (struct sockaddr *) &address, sizeof address);
    }
    return ntohs(address.sin_port);
}

void web_deaf_close(int fds[WEB_DEAF_FDS])
{
    for (int i = 0; i < WEB_DEAF_FDS; i++)
        close(fds[i]);
}
