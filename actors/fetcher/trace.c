/* SPDX-License-Identifier: MIT */
/* trace.c - where the time of a try went: for the asker, in info, and for whoever watches the requests */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static int64_t number_of(CURL *easy, CURLINFO info)
{
    curl_off_t n = 0;
    (void) curl_easy_getinfo(easy, info, &n);
    return n;
}

static int64_t long_of(CURL *easy, CURLINFO info)
{
    long n = 0;
    (void) curl_easy_getinfo(easy, info, &n);
    return n;
}

static void trace_address(CURL *easy, char *address, size_t size)
{
    char *ip = NULL;
    long port = 0;
    (void) curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
    (void) curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port);
    if (ip != NULL && ip[0] != '\0')
        snprintf(address, size, strchr(ip, ':') != NULL ? "[%s]:%ld" : "%s:%ld", ip, port);
}

void trace_fill(struct transfer *t, tr_fetch_trace *trace)
{
    CURL *easy = t->easy;
    const struct request *r = t->request;
    memset(trace, 0, sizeof *trace);
    trace->queued_us = (r->first_started - r->arrived) / 1000;
    trace->resolve_us = number_of(easy, CURLINFO_NAMELOOKUP_TIME_T);
    trace->connect_us = number_of(easy, CURLINFO_CONNECT_TIME_T);
    trace->tls_us = number_of(easy, CURLINFO_APPCONNECT_TIME_T);
    trace->send_us = number_of(easy, CURLINFO_PRETRANSFER_TIME_T);
    trace->first_byte_us = number_of(easy, CURLINFO_STARTTRANSFER_TIME_T);
    trace->total_us = number_of(easy, CURLINFO_TOTAL_TIME_T);
    trace->redirect_us = number_of(easy, CURLINFO_REDIRECT_TIME_T);
    trace->redirects = long_of(easy, CURLINFO_REDIRECT_COUNT);
    trace->connections = long_of(easy, CURLINFO_NUM_CONNECTS);
    trace->reused = trace->connections == 0 && trace->send_us > 0;
    trace->http = http_version_number(long_of(easy, CURLINFO_HTTP_VERSION));
    trace->retries = r->tries > 0 ? r->tries - 1 : 0;
    trace->uploaded = number_of(easy, CURLINFO_SIZE_UPLOAD_T);
    trace->downloaded = number_of(easy, CURLINFO_SIZE_DOWNLOAD_T);
    trace->request_bytes = long_of(easy, CURLINFO_REQUEST_SIZE);
    trace->header_bytes = long_of(easy, CURLINFO_HEADER_SIZE);
    trace_address(easy, trace->address, sizeof trace->address);
}

#define NUMBER(name)                          \
    {                                         \
#name, offsetof(tr_fetch_trace, name) \
    }
static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
    NUMBER(queued_us),     NUMBER(resolve_us),   NUMBER(connect_us),  NUMBER(tls_us),    NUMBER(send_us),
    NUMBER(first_byte_us), NUMBER(total_us),     NUMBER(redirect_us), NUMBER(redirects), NUMBER(connections),
    NUMBER(reused),        NUMBER(http),         NUMBER(retries),     NUMBER(uploaded),  NUMBER(downloaded),
    NUMBER(request_bytes), NUMBER(header_bytes),
};
_Static_assert(2 * (sizeof numbers / sizeof numbers[0] + 1) <= TRACE_VALUES_MAX, "trace_values fills a smaller array");

size_t trace_values(const tr_fetch_trace *trace, tr_value *kv)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        kv[n++] = tr_str(numbers[i].key);
        kv[n++] = tr_int(*(const int64_t *) (const void *) ((const char *) trace + numbers[i].offset));
    }
    kv[n++] = tr_str("address");
    kv[n++] = tr_str(trace->address);
    return n;
}
