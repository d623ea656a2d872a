/* SPDX-License-Identifier: MIT */
/* proxy.c - what may be said about the way to a host: proxies and versions of HTTP */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "compat.h"
#include "internal.h"

/* NULL: it can be used, else what is wrong with it. "" is no proxy. */
const char *proxy_check(const char *proxy)
{
    static const char *const schemes[] = { "http", "https", "socks4", "socks4a", "socks5", "socks5h" };
    const char *end = strstr(proxy, "://");
    for (const unsigned char *p = (const unsigned char *) proxy; *p != '\0'; p++) {
        if (*p <= ' ' || *p == 0x7f)
            return "must be a URL without spaces";
    }
    if (end == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);
        if ((size_t) (end - proxy) == len && strncasecmp(proxy, schemes[i], len) == 0)
            return end[3] != '\0' ? NULL : "must name a host";
    }
    return "must begin with http://, https://, socks4://, socks4a://, socks5:// or socks5h://";
}

/* "host:port" as it was given, without scheme, credentials and path; returns buf. */
const char *proxy_print(const char *proxy, char *buf, size_t size)
{
    const char *at = strstr(proxy, "://");
    at = at != NULL ? at + 3 : proxy;
    size_t len = strcspn(at, "/?#");
    const char *user = memrchr(at, '@', len);
    if (user != NULL) {
        len -= (size_t) (user + 1 - at);
        at = user + 1;
    }
    snprintf(buf, size, "%.*s", (int) len, at);
    return buf;
}

static const struct {
    const char *name;
    long value;
    bool is_second;
} versions[] = {
    { "1.0", CURL_HTTP_VERSION_1_0, false },
    { "1.1", CURL_HTTP_VERSION_1_1, false },
    { "2", CURL_HTTP_VERSION_2TLS, true },
    { "2-prior-knowledge", CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, true },
};

static bool has_second(void)
{
    return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) != 0;
}

const char *http_version_check(const char *name)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (strcmp(name, versions[i].name) == 0)
            return versions[i].is_second && !has_second() ? "cannot be 2: this libcurl has no HTTP/2" : NULL;
    }
    return "must be 1.0, 1.1, 2 or 2-prior-knowledge";
}

long http_version_value(const char *name)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (name != NULL && strcmp(name, versions[i].name) == 0)
            return versions[i].value;
    }
    return CURL_HTTP_VERSION_NONE; /* libcurl's own choice */
}

int http_version_number(long value)
{
    switch (value) {
    case CURL_HTTP_VERSION_1_0:
        return 10;
    case CURL_HTTP_VERSION_1_1:
        return 11;
    case CURL_HTTP_VERSION_2_0:
        return 20;
    default:
        return value > CURL_HTTP_VERSION_2_0 ? 30 : 0;
    }
}
