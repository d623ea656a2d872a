/* SPDX-License-Identifier: MIT */
/* web.h - the bad web server of web.py, for a test: a process of its own on a free port of loopback */
#ifndef TESTS_SUPPORT_WEB_H
#define TESTS_SUPPORT_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct web {
    pid_t pid;
    int in; /* closing it ends the server */
    int port;
    char cert[256]; /* of a TLS server: its self-signed certificate */
};

/* Returns when it listens. False: no Python, or no openssl for a certificate. */
bool web_start(struct web *web, bool tls);

/* An nginx that speaks HTTP/2 over TLS: whatever the path, the page is the protocol's name; /file has 3,000,000 bytes.
 * port 0: there is no nginx. */
bool web_start_h2(struct web *web);
void web_stop(struct web *web);

/* "http://127.0.0.1:PORT" and the path, into buf; returns buf. */
const char *web_url(const struct web *web, const char *path, char *buf, size_t size);

/* A port of loopback on which nobody listens. */
int web_refused_port(void);

/* A listener that takes connections and never says anything. fd: to be closed. */
int web_mute_port(int *fd);

/* A listener whose queue is full: connecting to it neither succeeds nor fails. fds: to be closed, n of them. */
enum { WEB_DEAF_FDS = 8 };
int web_deaf_port(int fds[WEB_DEAF_FDS]);
void web_deaf_close(int fds[WEB_DEAF_FDS]);

#endif
