/* SPDX-License-Identifier: MIT */
/* failure.c - why a page did not come: the phase, the host, the reason, and a code
 *
 * curl's code says what went wrong, not always when: a timeout or a lost connection can happen anywhere. Where it says
 * nothing the phase is read off curl's clocks, which start at zero for each phase that has not been reached; after a
 * redirect they are sums, so they are compared with what they were when it came (struct hop).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static const char *const phase_names[] = { "url",  "resolve", "proxy", "connect", "tls",
                                           "send", "header",  "body",  "redirect" };

static const tr_err phase_errs[] = { TR_FETCH_URL,  TR_FETCH_RESOLVE, TR_FETCH_PROXY, TR_FETCH_CONNECT,  TR_FETCH_TLS,
                                     TR_FETCH_SEND, TR_FETCH_HEADER,  TR_FETCH_BODY,  TR_FETCH_REDIRECTS };

const char *tr_fetcher_err_name(tr_err err)
{
    static const char *const names[] = { "TR_FETCH_URL",     "TR_FETCH_RESOLVE", "TR_FETCH_CONNECT",
                                         "TR_FETCH_TLS",     "TR_FETCH_SEND",    "TR_FETCH_HEADER",
                                         "TR_FETCH_BODY",    "TR_FETCH_TOO_BIG", "TR_FETCH_REDIRECTS",
                                         "TR_FETCH_TIMEOUT", "TR_FETCH_PROXY" };
    return err >= TR_FETCH_URL && err <= TR_FETCH_PROXY ? names[err - TR_FETCH_URL] : tr_err_name(err);
}

static bool is_past(struct transfer *t, CURLINFO clock, curl_off_t before)
{
    curl_off_t at = 0;
    (void) curl_easy_getinfo(t->easy, clock, &at);
    return at > before;
}

enum phase phase_of(struct transfer *t)
{
    struct origin o;
    const char *url = t->request->url, *why;
    if (t->in_body)
        return PHASE_BODY;
    if (is_past(t, CURLINFO_PRETRANSFER_TIME_T, t->hop.ready))
        return PHASE_HEADER;
    if (!is_past(t, CURLINFO_NAMELOOKUP_TIME_T, t->hop.resolved))
        return PHASE_RESOLVE;
    if (!t->is_connected && !is_past(t, CURLINFO_CONNECT_TIME_T, t->hop.connected))
        return PHASE_CONNECT;
    (void) curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    return url != NULL && origin_parse(url, &o, &why) && o.tls ? PHASE_TLS : PHASE_SEND;
}

static bool code_is_in(CURLcode code, const CURLcode *codes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}
#define IS_ONE_OF(code, ...) \
    code_is_in(code, (const CURLcode[]){ __VA_ARGS__ }, sizeof((const CURLcode[]){ __VA_ARGS__ }) / sizeof(CURLcode))

static bool is_redirected(struct transfer *t)
{
    long redirects = 0;
    (void) curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    return redirects > 0;
}

/* curl has one code for a scheme it does not speak, where the caller or a redirect may have named it, and for an answer
 * that is not HTTP. */
static enum phase phase_of_protocol(struct transfer *t)
{
    if (strstr(t->error, "HTTP/0.9") != NULL)
        return PHASE_HEADER;
    return is_redirected(t) || t->head.len > 0 ? PHASE_REDIRECT : PHASE_URL;
}

/* Whether libcurl says that it could not connect, and not to the host itself: a proxy from the environment. */
static bool is_other_host(struct transfer *t)
{
    struct origin o;
    char words[400];
    const char *url = NULL, *why;
    (void) curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    if (url == NULL || !origin_parse(url, &o, &why) || strncmp(t->error, "Failed to connect to ", 21) != 0)
        return false;
    snprintf(words, sizeof words, "Failed to connect to %.*s port %u ", (int) o.host_len, o.host, o.port);
    return strncasecmp(t->error, words, strlen(words)) != 0;
}

/* Whether it was the proxy that failed us, as far as can be told. */
static bool is_of_proxy(struct transfer *t, CURLcode code, enum phase phase)
{
    long status = 0;
    if (!t->may_have_proxy)
        return false;
    (void) curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (IS_ONE_OF(code, CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY) || (status >= 300 && code == CURLE_RECV_ERROR))
        return true;
    if (strncasecmp(t->error, "proxy", 5) == 0 || strncmp(t->error, "CONNECT ", 8) == 0)
        return true;
    return t->has_proxy ? phase == PHASE_RESOLVE || phase == PHASE_CONNECT : is_other_host(t);
}

static enum phase phase_of_curl(struct transfer *t, CURLcode code)
{
    if (code == CURLE_UNSUPPORTED_PROTOCOL)
        return phase_of_protocol(t);
    if (code == CURLE_URL_MALFORMAT)
        return is_redirected(t) || t->head.len > 0 ? PHASE_REDIRECT : PHASE_URL;
    if (code == CURLE_COULDNT_RESOLVE_HOST)
        return PHASE_RESOLVE;
    if (IS_ONE_OF(code, CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED))
        return PHASE_CONNECT;
    if (IS_ONE_OF(code, CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
                  CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE,
                  CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_ENGINE_NOTFOUND,
                  CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED))
        return PHASE_TLS;
    if (IS_ONE_OF(code, CURLE_SEND_ERROR, CURLE_READ_ERROR, CURLE_SEND_FAIL_REWIND))
        return PHASE_SEND;
    if (IS_ONE_OF(code, CURLE_GOT_NOTHING, CURLE_WEIRD_SERVER_REPLY))
        return PHASE_HEADER;
    if (IS_ONE_OF(code, CURLE_PARTIAL_FILE, CURLE_BAD_CONTENT_ENCODING))
        return PHASE_BODY;
    return code == CURLE_TOO_MANY_REDIRECTS ? PHASE_REDIRECT : phase_of(t);
}

static enum phase phase_of_code(struct transfer *t, CURLcode code)
{
    enum phase phase = phase_of_curl(t, code);
    return is_of_proxy(t, code, phase) ? PHASE_PROXY : phase;
}

/* Another try meets the same certificate, the same URL and the same files. */
bool failure_is_permanent(CURLcode code)
{
    return IS_ONE_OF(code, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
                     CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS,
                     CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_ENGINE_NOTFOUND, CURLE_URL_MALFORMAT,
                     CURLE_UNSUPPORTED_PROTOCOL, CURLE_TOO_MANY_REDIRECTS, CURLE_BAD_CONTENT_ENCODING,
                     CURLE_FILESIZE_EXCEEDED, CURLE_OUT_OF_MEMORY);
}

/* Whom the failure is about: never with credentials. */
static const char *failure_host(struct transfer *t, enum phase phase, const char *url, char *buf, size_t size)
{
    struct origin o;
    const char *why;
    if (phase == PHASE_PROXY && t->has_proxy)
        return proxy_print(t->request->opts.limits.proxy, buf, size);
    return origin_parse(url, &o, &why) ? origin_print(&o, buf, size) : NULL;
}

void failure_text(struct transfer *t, enum phase phase, const char *reason, char *text, size_t size)
{
    struct origin o;
    char buf[300], shown[URL_SHOWN_MAX];
    const char *url = NULL, *why, *host;
    (void) curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    if (url == NULL || !origin_parse(url, &o, &why))
        url = t->request->url;
    host = phase != PHASE_URL ? failure_host(t, phase, url, buf, sizeof buf) : NULL;
    if (host == NULL)
        snprintf(text, size, "%s \"%s\": %s", phase_names[phase], url_shown(url, shown), reason);
    else
        snprintf(text, size, "%s %s: %s", phase_names[phase], host, reason);
}

/* The reason of a refused connection is the system's; elsewhere curl's own words are good. */
static const char *reason_of(struct transfer *t, CURLcode code, char *buf, size_t size)
{
    long number = 0;
    (void) curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_COULDNT_CONNECT && number != 0 && (t->has_proxy || !is_other_host(t)))
        return strerror_r((int) number, buf, size);
    /* libcurl quotes a proxy that it does not understand, password and all. */
    if (IS_ONE_OF(code, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY) || t->error[0] == '\0')
        return curl_easy_strerror(code);
    return t->error;
}

static tr_err failure_too_big(struct transfer *t, char *text, size_t size)
{
    const struct limits *l = &t->request->opts.limits;
    char reason[128];
    enum phase phase = PHASE_BODY;
    if (t->too_big == NULL)
        snprintf(reason, sizeof reason, "the page says it is more than %lld bytes, the limit",
                 (long long) l->download_max);
    else if (strcmp(t->too_big, "body") == 0)
        snprintf(reason, sizeof reason, "more than %lld bytes of body, the limit", (long long) l->body_max);
    else if (strcmp(t->too_big, "download") == 0)
        snprintf(reason, sizeof reason, "more than %lld bytes to download, the limit", (long long) l->download_max);
    else {
        snprintf(reason, sizeof reason, "more than %d lines or %d bytes of headers, the limit", HEADERS_MAX,
                 HEADER_BYTES_MAX);
        phase = PHASE_HEADER;
    }
    failure_text(t, phase, reason, text, size);
    return TR_FETCH_TOO_BIG;
}

/* code CURLE_OK: the transfer ended before the headers did, which curl takes for an end like any other. */
tr_err failure_of(struct transfer *t, CURLcode code, char *text, size_t size)
{
    char reason[256];
    if (code == CURLE_OK) {
        failure_text(t, PHASE_HEADER, "the connection was closed in the middle of the headers", text, size);
        return TR_FETCH_HEADER;
    }
    enum phase phase = phase_of_code(t, code);
    if (t->too_big != NULL || code == CURLE_FILESIZE_EXCEEDED)
        return failure_too_big(t, text, size);
    if (code == CURLE_OPERATION_TIMEDOUT) { /* only the connect timeout is left to curl */
        snprintf(reason, sizeof reason, "not connected after %lld ms",
                 (long long) t->request->opts.limits.connect_timeout_ms);
        failure_text(t, phase, reason, text, size);
        return TR_FETCH_TIMEOUT;
    }
    failure_text(t, phase, reason_of(t, code, reason, sizeof reason), text, size);
    return code == CURLE_OUT_OF_MEMORY || code == CURLE_WRITE_ERROR ? TR_ENOMEM : phase_errs[phase];
}
