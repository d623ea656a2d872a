/* SPDX-License-Identifier: MIT */
/* compat.h - what later libcurls have and earlier ones do not */
#ifndef TROUPE_FETCHER_COMPAT_H
#define TROUPE_FETCHER_COMPAT_H

#include <curl/curl.h>

#if LIBCURL_VERSION_NUM >= 0x075500
static inline void compat_web_only(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
}
#else
static inline void compat_web_only(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
}
#endif

/* Names are resolved by a thread of libcurl's. Without this option, giving up on a transfer that still resolves blocks
 * until that thread is done; with it the thread is let go and cleans up behind itself. */
#if LIBCURL_VERSION_NUM >= 0x075700
static inline void compat_no_resolver_wait(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}
#else
static inline void compat_no_resolver_wait(CURL *easy)
{
    (void) easy;
}
#endif

/* fn is called each time that a request is sent: for a redirect, and for a retry on a new connection. Before 7.80
 * nothing is. */
#if LIBCURL_VERSION_NUM >= 0x075000
enum { COMPAT_SEND_ON = CURL_PREREQFUNC_OK };

static inline void compat_on_send(CURL *easy, int (*fn)(void *arg, char *to, char *from, int to_port, int from_port),
                                  void *arg)
{
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, fn);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, arg);
}
#else
enum { COMPAT_SEND_ON = 0 };

static inline void compat_on_send(CURL *easy, int (*fn)(void *arg, char *to, char *from, int to_port, int from_port),
                                  void *arg)
{
    (void) easy, (void) fn, (void) arg;
}
#endif

#endif
