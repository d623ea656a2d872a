/* SPDX-License-Identifier: MIT */
/* setup.c - an easy handle for one request: what its pool sets, and what it sets itself */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "internal.h"

/* ---- what a pool sets, and a request may set otherwise ---- */

/* A proxy is the same kind of stranger as a host. */
static void setup_tls(CURL *easy, const struct limits *limits)
{
    long peer = limits->verify ? 1L : 0L, host = limits->verify ? 2L : 0L;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, peer);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, host);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, peer);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, host);
    if (limits->ca_file == NULL)
        return;
    curl_easy_setopt(easy, CURLOPT_CAINFO, limits->ca_file);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, limits->ca_file);
}

/* "" keeps libcurl from looking into the environment. Who asks for HTTP/2 wants one connection for many requests, so
 * they wait for the first to see whether it can carry them. */
static void setup_way(struct transfer *t, const struct limits *limits)
{
    const char *proxy = limits->proxy;
    if (proxy == NULL && !t->fetcher->config.proxy_from_env)
        proxy = "";
    curl_easy_setopt(t->easy, CURLOPT_PROXY, proxy);
    curl_easy_setopt(t->easy, CURLOPT_NOPROXY, limits->no_proxy);
    curl_easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, http_version_value(limits->http));
    curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, limits->http != NULL && limits->http[0] == '2' ? 1L : 0L);
    t->has_proxy = proxy != NULL && proxy[0] != '\0' && limits->no_proxy == NULL;
    t->may_have_proxy = proxy == NULL || proxy[0] != '\0';
}

void setup_limits(struct transfer *t, const struct limits *limits)
{
    CURL *easy = t->easy;
    bool follow = limits->redirects_max >= 0;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) limits->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, follow ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, follow ? (long) limits->redirects_max : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                     limits->download_max == INT64_MAX ? 0 : (curl_off_t) limits->download_max);
    curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t) limits->rate_max);
    curl_easy_setopt(easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t) limits->rate_max);
    setup_tls(easy, limits);
    setup_way(t, limits);
}

/* What holds for every request of this pool. */
void setup_pool(struct transfer *t)
{
    CURL *easy = t->easy;
    const struct config *config = &t->fetcher->config;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, transfer_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, transfer_on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, config->user_agent);
    compat_on_send(easy, transfer_on_send, t);
    compat_web_only(easy);
    compat_no_resolver_wait(easy);
    socket_hook_easy(t->fetcher, easy);
    setup_limits(t, &config->limits);
    if (t->fetcher->share == NULL)
        return;
    curl_easy_setopt(easy, CURLOPT_COOKIEFILE, ""); /* no file: this turns cookies on */
    curl_easy_setopt(easy, CURLOPT_SHARE, t->fetcher->share);
}

/* ---- a request's own options ---- */

static bool add_header(struct transfer *t, tr_item name, tr_item value)
{
    const char *n = "", *v = "";
    char line[1024];
    if (tr_read(name, &n) != TR_OK || tr_read(value, &v) != TR_OK)
        return false;
    /* curl takes "Name;" for a header without a value, and "Name:" for none. */
    size_t size = strlen(n) + strlen(v) + 3;
    char *text = size <= sizeof line ? line : malloc(size);
    if (text == NULL)
        return false;
    snprintf(text, size, *v != '\0' ? "%s: %s" : "%s;", n, v);
    struct curl_slist *more = curl_slist_append(t->headers_out, text);
    if (text != line)
        free(text);
    if (more != NULL)
        t->headers_out = more;
    return more != NULL;
}

static bool add_headers(struct transfer *t, tr_item headers)
{
    bool is_map = tr_item_type(headers) == TR_TYPE_MAP;
    for (size_t i = 0; i < tr_item_count(headers); i++) {
        tr_item at = tr_item_at(headers, i);
        bool added = is_map ? add_header(t, tr_item_key(headers, i), at)
                            : add_header(t, tr_item_at(at, 0), tr_item_at(at, 1));
        if (!added)
            return false;
    }
    return true;
}

/* The body is lent to curl out of the kept message. "Expect:" is left out: waiting for leave to send costs a second
 * where it is not known. */
static bool add_body(struct transfer *t, tr_bytes body)
{
    struct curl_slist *more = curl_slist_append(t->headers_out, "Expect:");
    if (more == NULL)
        return false;
    t->headers_out = more;
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body.len);
    return curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, body.len > 0 ? body.data : "") == CURLE_OK;
}

/* What has been read out of a flow cannot be sent again: a connection that was kept, and may be dead, is not used. */
static bool add_upload(struct transfer *t, int64_t size)
{
    struct curl_slist *more = curl_slist_append(t->headers_out, "Expect:");
    if (more == NULL)
        return false;
    t->headers_out = more;
    curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, stream_give);
    curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) size);
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    return true;
}

/* POST stays curl's own, so that a redirect turns it into GET as browsers do; other methods are kept. */
static void set_method(struct transfer *t, const char *method, bool has_body)
{
    if (strcmp(method, "HEAD") == 0 && !has_body) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
        curl_easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) 0);
    } else if (!(strcmp(method, "POST") == 0 && has_body) && !(strcmp(method, "GET") == 0 && !has_body)) {
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
    }
}

/* libcurl sends them to the host, port and scheme that was asked for and, redirected, to no other. */
static void set_credentials(CURL *easy, const struct request_opts *opts)
{
    if (opts->user != NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERPWD, opts->user);
    } else if (opts->bearer != NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long) CURLAUTH_BEARER);
        curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, opts->bearer);
    }
}

tr_err setup_request(struct transfer *t, const struct request_opts *opts)
{
    static const tr_bytes nothing = { "", 0 };
    bool is_post = opts->method != NULL && strcmp(opts->method, "POST") == 0;
    bool has_body = opts->upload_size == NO_UPLOAD && (opts->body.data != NULL || is_post);
    setup_limits(t, &opts->limits);
    set_credentials(t->easy, opts);
    if (!add_headers(t, opts->headers) || (has_body && !add_body(t, opts->body.data != NULL ? opts->body : nothing)))
        return TR_ENOMEM;
    if (opts->upload_size != NO_UPLOAD) {
        if (!add_upload(t, opts->upload_size))
            return TR_ENOMEM;
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, request_method(opts));
    } else if (opts->method != NULL) {
        set_method(t, opts->method, has_body);
    }
    if (opts->as_it_is)
        curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, NULL);
    if (t->headers_out != NULL)
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers_out);
    return TR_OK;
}
