/* SPDX-License-Identifier: MIT */
/* fetcher.h - web pages, fetched by a pool of actors behind one address
 *
 * tr_fetcher_spawn makes a pool. Ask it to fetch and the page comes as the reply:
 *
 *     tr_addr web;
 *     tr_fetcher_spawn(self, NULL, &web);
 *     const tr_msg *reply;
 *     tr_page page;
 *     if (tr_ask(self, web, &reply, "fetch", "http://example.org/") == TR_OK && tr_page_read(reply, &page) == TR_OK)
 *         ... page.status, page.body.data, page.body.len ...
 *
 * Any status the server gives is a page, 404 too. Whatever keeps a page from coming is an error reply: a code below,
 * and in words the phase, the host and the reason ("connect 127.0.0.1:1: Connection refused"). Giving up on the ask
 * (its deadline, a cancel, the asker's end) closes the transfer. The messages, the options of a request and the limits:
 * README.md beside this file, or the request "describe".
 *
 * A body of any size comes in parts, as fast as they are read, through a flow (flow.h):
 *
 *     tr_flow_open(self, web, NULL, &flow, "stream", url);
 *     while (tr_flow_next(self, &flow, &part) == TR_OK)
 *         if (tr_is(part, "data", &bytes))
 *             ...
 *     tr_flow_close(self, &flow);
 */
#ifndef TROUPE_FETCHER_H
#define TROUPE_FETCHER_H

#include <troupe/troupe.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why a page did not come. The text of the error begins with the phase: url, resolve, proxy, connect, tls, send,
 * header, body, redirect. */
#define TR_FETCH_URL ((tr_err) (TR_EUSER + 100))     /* this is no address of a web page */
#define TR_FETCH_RESOLVE ((tr_err) (TR_EUSER + 101)) /* the host's name has no address */
#define TR_FETCH_CONNECT ((tr_err) (TR_EUSER + 102)) /* no connection to the host */
#define TR_FETCH_TLS ((tr_err) (TR_EUSER + 103))     /* no trust, or no common language, with the host */
#define TR_FETCH_SEND ((tr_err) (TR_EUSER + 104))    /* the request could not be sent */
#define TR_FETCH_HEADER ((tr_err) (TR_EUSER + 105))  /* what came back is no HTTP, or ended too early */
#define TR_FETCH_BODY ((tr_err) (TR_EUSER + 106))    /* the body ended too early, or cannot be decoded */
#define TR_FETCH_TOO_BIG ((tr_err) (TR_EUSER + 107)) /* over a limit of size */
#define TR_FETCH_REDIRECTS \
    ((tr_err) (TR_EUSER + 108)) /* over the limit of redirects, or redirected to what is no web page */
#define TR_FETCH_TIMEOUT \
    ((tr_err) (TR_EUSER + 109)) /* the connect, idle or total timeout came first; the phase says where */
#define TR_FETCH_PROXY ((tr_err) (TR_EUSER + 110)) /* the proxy cannot be reached, or does not let us through */

/* The name of one of these as it is written in C, else tr_err_name's. Thread: any, as tr_err_name. */
TR_API const char *tr_fetcher_err_name(tr_err err);

/* ---- seeing every request ---- */

/* Where the time of one try went, and what it moved. Times are microseconds from its start, 0 for a phase that was not
 * reached; a connection that is used again has its first phases done at once. */
typedef struct tr_fetch_trace {
    int64_t queued_us;                                     /* from the request's arrival to its first start */
    int64_t resolve_us, connect_us, tls_us;                /* when each was done; tls_us: 0 without TLS */
    int64_t send_us, first_byte_us, total_us, redirect_us; /* send_us: the request may go out */
    int64_t redirects, connections,
        reused;                          /* connections: how many were made; reused: 1 if one that was there served */
    int64_t http;                        /* 10, 11, 20 or 30 */
    int64_t retries;                     /* tries before this one */
    int64_t uploaded, downloaded;        /* bytes of the bodies, as they went over the wire */
    int64_t request_bytes, header_bytes; /* of the heads: sent, over redirects too; received */
    char address[64];                    /* whom the connection is with: "127.0.0.1:443", a proxy's if there is one */
} tr_fetch_trace;

/* A request on its way, or one that has ended. Everything is lent for the call. */
typedef struct tr_fetch_event {
    size_t size;    /* sizeof(tr_fetch_event) of the library; later ones may have more behind */
    bool done;      /* false: it goes out now */
    uint64_t id;    /* the same for all tries of a request, and for no other request of its pool */
    unsigned tries; /* this is the first, the second ... */
    const char *method;
    const char *url; /* as it was asked for, without credentials */
    /* Once it is done: */
    int status; /* 0: no page came */
    tr_err err; /* TR_OK: a page; TR_ECANCELED: the asker gave up; else why none came */
    const char *text;
    tr_fetch_trace trace;
} tr_fetch_event;

/* Thread: a worker's, several at a time if the pool stands on several workers. Must return soon and call nothing of
 * troupe that suspends. */
typedef void tr_fetch_event_fn(void *ctx, const tr_fetch_event *event);

/* ---- a pool ---- */

/* What a pool is made of, and the limits of its requests. 0 (or NULL) anywhere is the default; -1 where it says so is
 * no limit. */
typedef struct tr_fetcher_opts {
    size_t size;                /* sizeof(tr_fetcher_opts) */
    unsigned fetchers;          /* actors in the pool, 1 to 64; default 4. One host is always served by the same one */
    unsigned total_max;         /* transfers at a time in the whole pool; default 100 */
    unsigned per_host_max;      /* transfers at a time to one scheme, host and port; default 6 */
    unsigned queue_max;         /* requests that wait in one fetcher for their turn; default 65,536; then TR_EFULL */
    int64_t timeout_ms;         /* from the start to the end, retries included; default 300,000; -1: none */
    int64_t connect_timeout_ms; /* resolve, connect and tls; default 10,000 */
    int64_t idle_timeout_ms;    /* without a byte; default 30,000; -1: none */
    int64_t rate_min; /* bytes a second that a server which has begun must send, averaged over idle_timeout_ms; default
                         10; -1: none */
    int64_t rate_max; /* bytes a second, each way, of one transfer; default: no limit */
    int64_t body_max; /* bytes, as the asker gets them; default 16 MiB; -1: none */
    int64_t download_max;       /* bytes, as they come over the wire; default 16 MiB; -1: none */
    int64_t redirects_max;      /* default 10; -1: redirects are not followed but given as they are */
    int64_t retries_max;        /* further tries of what is safe to try again, up to 100; default 0 */
    int64_t retry_delay_ms;     /* before the first of them, doubled for each, less a random part; default 200 */
    int64_t retry_delay_max_ms; /* default 30,000; a server that says Retry-After is waited for no longer than that */
    bool insecure;              /* do not verify who the server is */
    const char *ca_file;        /* PEM file of the authorities to trust; default: the system's */
    const char *user_agent;     /* default "troupe/" and its version */
    const char
        *http; /* "1.0", "1.1", "2" (with TLS, if the server can), "2-prior-knowledge"; default: libcurl's choice */
    const char *proxy;       /* [SCHEME://][USER:PASSWORD@]HOST[:PORT]; http, https, socks4, socks4a, socks5, socks5h */
    const char *no_proxy;    /* hosts that are reached without it, with commas between; "*": all */
    bool proxy_from_env;     /* without a proxy here: http_proxy, https_proxy, all_proxy, no_proxy of the environment */
    bool cookies;            /* keep cookies and send them where they belong; such a pool has one fetcher */
    const char *cookie_file; /* also: read them from there at the start, write them there at the end */
    tr_addr hook;            /* gets a message for each request that goes out, and one for its end */
    tr_fetch_event_fn *on_event; /* is called for the same */
    void *on_event_ctx;
} tr_fetcher_opts;

/* Spawns a pool, owned by the caller (opts NULL: all defaults). Errors: TR_EINVAL (a limit out of range), else as
 * tr_spawn_with. */
TR_API TR_MUST_CHECK tr_err tr_fetcher_spawn(tr_self *self, const tr_fetcher_opts *opts, tr_addr *pool);

/* The pool as a behaviour, for tr_spawn_with: arg is a tr_fetcher_opts or NULL; without arg, a map among the message
 * arguments with the fields above as keys (TR_EINVAL names a key that is unknown or wrong). */
TR_API extern const tr_behaviour tr_fetcher_pool;

/* The reply to "fetch", taken apart. Everything in it lives as long as the reply. */
typedef struct tr_page {
    int status;      /* 200, 404, ... */
    tr_bytes body;   /* decompressed */
    const char *url; /* where it came from in the end, after redirects */
    tr_item headers; /* an array of [name, value]; names in lower case; those of the last response */
    tr_item info;    /* a map; README.md lists its keys */
} tr_page;

/* Errors: TR_EBADMSG, nothing is written: this is no reply to "fetch". Thread: any that holds the message. */
TR_API TR_MUST_CHECK tr_err tr_page_read(const tr_msg *reply, tr_page *page);

/* The first part of a "stream" taken apart: status, headers and url; body and info are zero. Errors: TR_EBADMSG,
 * nothing is written: this is no head. Thread: any that holds the message. */
TR_API TR_MUST_CHECK tr_err tr_page_read_head(const tr_msg *part, tr_page *page);

/* The value of the first header of that name (in lower case), or NULL. */
TR_API const char *tr_page_header(const tr_page *page, const char *name);

/* A number of page.info ("total_us", "redirects", ...), 0 if there is none. */
TR_API int64_t tr_page_info(const tr_page *page, const char *key);

#ifdef __cplusplus
}
#endif
#endif
