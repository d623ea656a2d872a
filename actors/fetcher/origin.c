/* SPDX-License-Identifier: MIT */
/* origin.c - whom a URL belongs to: scheme, host and port
 *
 * Only as much of a URL is read as is needed to tell hosts apart; libcurl judges the rest when the transfer starts.
 * What is refused here is refused in words of ours.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static bool origin_scheme(const char **at, struct origin *origin, const char **why)
{
    if (strncasecmp(*at, "http://", 7) == 0) {
        *at += 7;
        origin->tls = false;
        return true;
    }
    if (strncasecmp(*at, "https://", 8) == 0) {
        *at += 8;
        origin->tls = true;
        return true;
    }
    *why = strstr(*at, "://") != NULL ? "only http and https are fetched" : "it has no scheme, http:// or https://";
    return false;
}

/* A space or a control character would let a URL smuggle header lines into the request. */
static bool origin_is_clean(const char *url, const char **why)
{
    for (const unsigned char *p = (const unsigned char *) url; *p != '\0'; p++) {
        if (*p <= ' ' || *p == 0x7f) {
            *why = "it has a space or a control character";
            return false;
        }
    }
    return true;
}

/* Digits up to end; empty means the default, as RFC 3986 has it. */
static bool origin_port(const char *p, const char *end, struct origin *origin, const char **why)
{
    unsigned port = 0;
    if (p == end) {
        origin->port = origin->tls ? 443 : 80;
        return true;
    }
    for (; p < end; p++) {
        if (!isdigit((unsigned char) *p) || (port = port * 10 + (unsigned) (*p - '0')) > 65535) {
            *why = "its port is no number up to 65535";
            return false;
        }
    }
    origin->port = port;
    if (port == 0)
        *why = "its port is 0";
    return port != 0;
}

bool origin_parse(const char *url, struct origin *origin, const char **why)
{
    const char *at = url;
    if (!origin_scheme(&at, origin, why) || !origin_is_clean(url, why))
        return false;
    const char *end = at + strcspn(at, "/?#");
    const char *user = memrchr(at, '@', (size_t) (end - at));
    if (user != NULL)
        at = user + 1;
    const char *host_end = memchr(at, ':', (size_t) (end - at));
    if (*at == '[') {
        host_end = memchr(at, ']', (size_t) (end - at));
        if (host_end == NULL || (host_end + 1 < end && host_end[1] != ':')) {
            *why = "its address has no closing bracket";
            return false;
        }
        host_end++;
    }
    if (host_end == NULL)
        host_end = end;
    origin->host = at;
    origin->host_len = (size_t) (host_end - at);
    if (origin->host_len == 0 || origin->host_len > 255) {
        *why = origin->host_len == 0 ? "it has no host" : "its host is longer than 255 bytes";
        return false;
    }
    return origin_port(host_end < end ? host_end + 1 : end, end, origin, why);
}

uint64_t origin_hash(const struct origin *origin)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < origin->host_len; i++)
        h = (h ^ (uint64_t) tolower((unsigned char) origin->host[i])) * 1099511628211u;
    h = (h ^ (origin->port * 2u + origin->tls)) * 1099511628211u;
    return h ^ h >> 32;
}

const char *origin_print(const struct origin *origin, char *buf, size_t size)
{
    snprintf(buf, size, "%.*s:%u", (int) origin->host_len, origin->host, origin->port);
    return buf;
}

/* A password in a URL is for its host alone. */
const char *url_shown(const char *url, char buf[URL_SHOWN_MAX])
{
    const char *at = strstr(url, "://");
    at = at != NULL ? at + 3 : url;
    size_t scheme = (size_t) (at - url), len = strcspn(at, "/?#");
    const char *user = memrchr(at, '@', len);
    snprintf(buf, URL_SHOWN_MAX, "%.*s%.200s", (int) (scheme < 32 ? scheme : 32), url, user != NULL ? user + 1 : at);
    return buf;
}
