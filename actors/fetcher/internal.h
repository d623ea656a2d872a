/* SPDX-License-Identifier: MIT */
/* internal.h - the fetcher's parts and who owns what
 *
 *   pool      owns the config, the slots and the fetchers; gives each request to the fetcher of its host
 *   fetcher   owns one curl multi handle, the requests it took and the transfers that serve them
 *   host      scheme, host and port with the requests that wait for it, in order; exists while it has a request
 *   request   one kept message, waiting (in its host's queue) or active (has a transfer, in the active list)
 *   transfer  a curl easy handle with its buffers; used again for the next request, its invariant options set once
 *
 * Invariants. A request is in exactly one of: its host's waiting queue, the fetcher's active list. An active request
 * holds one slot of the pool and one of its host; request_end is the one place that gives both back, whatever the
 * reason. Everything that calls curl runs on the thread's large stack (tr_call), one trampoline a message. f->self is
 * set for the length of a handler call, since curl's callbacks need it, and is NULL otherwise.
 */
#ifndef TROUPE_FETCHER_INTERNAL_H
#define TROUPE_FETCHER_INTERNAL_H

#include <stdatomic.h>
#include <sys/queue.h>

#include <curl/curl.h>

#include <troupe/fetcher.h>

#define VERSION_TEXT_OF(n) #n
#define VERSION_TEXT(n) VERSION_TEXT_OF(n)
#define TR_FETCHER_VERSION \
    VERSION_TEXT(TR_VERSION_MAJOR) "." VERSION_TEXT(TR_VERSION_MINOR) "." VERSION_TEXT(TR_VERSION_PATCH)

enum {
    FETCHERS_MAX = 64, /* bits in slots.starved */
    HOST_BUCKETS = 1024,
    REQUEST_BUCKETS = 1024,
    HEADERS_MAX = 500, /* lines of one response */
    HEADER_BYTES_MAX = 256 * 1024,
    SPARE_BYTES_MAX = 16 * 1024, /* a buffer that grew beyond this is not kept for the next transfer */
    ROUNDS_MAX = 64              /* of start, drive, collect in one turn; what is left comes with the next */
};

/* ---- origin.c: whom a URL belongs to ---- */

struct origin {
    const char *host; /* inside the URL, not terminated; an IPv6 address with its brackets */
    size_t host_len;
    unsigned port;
    bool tls;
};

/* False: why gets a static sentence. A URL without a scheme is refused here. */
bool origin_parse(const char *url, struct origin *origin, const char **why);
uint64_t origin_hash(const struct origin *origin);
/* "host:port" into buf; returns buf. */
const char *origin_print(const struct origin *origin, char *buf, size_t size);

/* ---- options.c: what may be set, for a pool and for a request ---- */

struct limits {
    int64_t timeout_ms, connect_timeout_ms, idle_timeout_ms, rate_min, body_max, download_max, redirects_max;
    bool verify;
    const char *ca_file;
};

struct config {
    unsigned fetchers, total_max, per_host_max, queue_max;
    struct limits limits;
    const char *user_agent;
};

/* What one request asks for beyond its URL; strings and items stay inside its message. */
struct request_opts {
    struct limits limits;
    const char *method;
    tr_item headers;
    tr_bytes body;
    bool custom; /* something differs from the pool's own: the easy handle must be set up, and reset afterwards */
};

tr_err config_fill(tr_self *self, const tr_fetcher_opts *opts, struct config *config);
tr_err config_read(tr_self *self, tr_item map, tr_fetcher_opts *opts);
/* options may be nil or the zero item. The error is in why, without a full stop. */
tr_err request_opts_read(const struct config *config, tr_item options, struct request_opts *opts, char *why,
                         size_t why_size);

/* ---- slots.c: how many transfers the whole pool may run ---- */

struct slots {
    atomic_uint free;
    _Atomic uint64_t starved; /* fetchers with requests that wait for a slot, a bit each */
    unsigned count;
    tr_addr fetchers[FETCHERS_MAX];
    atomic_uint held[FETCHERS_MAX]; /* so that what a killed fetcher held can be had back */
};

void slots_init(struct slots *slots, unsigned total, unsigned fetchers);
bool slots_take(struct slots *slots, unsigned who);
void slots_give(struct slots *slots, unsigned who);
void slots_satisfied(struct slots *slots, unsigned who);
bool slots_others_starve(struct slots *slots, unsigned who);
void slots_pass(struct slots *slots, unsigned who, tr_self *self);
void slots_reclaim(struct slots *slots, unsigned who);

/* ---- the fetcher ---- */

struct fetcher;
struct host;
struct transfer;

struct request {
    TAILQ_ENTRY(request) link; /* host.waiting or fetcher.active */
    struct request *next;      /* fetcher.requests */
    tr_msg *msg;
    const char *url; /* in msg */
    struct host *host;
    struct transfer *transfer; /* NULL while it waits */
    bool is_active;
    struct request_opts opts;
    tr_time arrived;
};
TAILQ_HEAD(request_list, request);

struct host {
    struct host *next; /* fetcher.hosts */
    TAILQ_ENTRY(host) ready_link;
    struct request_list waiting;
    uint64_t hash;
    unsigned active, port;
    bool tls, is_ready; /* is_ready: in fetcher.ready */
    size_t name_len;
    char name[];
};
TAILQ_HEAD(host_list, host);

struct buffer {
    char *data;
    size_t len, size;
};

/* Where a transfer was when its last redirect sent it elsewhere, as curl's sums count on from there. */
struct hop {
    curl_off_t resolved, connected, secured, ready;
};

struct transfer {
    struct transfer *next; /* fetcher.spare */
    struct fetcher *fetcher;
    struct request *request;
    CURL *easy;
    struct curl_slist *headers_out;
    struct buffer head, body;
    unsigned head_lines, sends; /* sends: of the request, over redirects and retries */
    bool dirty;                 /* the handle was set up for this request alone */
    bool in_body; /* the headers of the last response are complete, and it is no redirect that is followed */
    bool has_location;
    bool is_connected; /* curl waits to read from the connection, so there is one: its clock of that stands still until
                          TLS is up, too */
    bool counting;     /* the body is compressed: progress is watched for download_max */
    const char *too_big; /* the limit that was hit, in words */
    struct hop hop;
    tr_time started, changed,
        window; /* changed: last time a byte had come; window: start of the stretch whose rate is judged */
    int64_t bytes, window_bytes;
    char error[CURL_ERROR_SIZE];
};

struct fetcher {
    tr_self *self; /* while a handler runs */
    const struct config *config;
    struct slots *slots;
    unsigned index;
    CURLM *multi;
    struct transfer *spare;
    struct request_list active;
    struct host_list ready; /* hosts with a request that may start as far as their own limit goes; served in turn */
    struct host *hosts[HOST_BUCKETS];
    struct request *requests[REQUEST_BUCKETS];
    unsigned active_count, waiting_count, connections;
    uint64_t done, failed, canceled;
    unsigned char *sockets; /* by descriptor: socket.c */
    size_t sockets_size;
    tr_time due, armed;        /* when curl wants to be called; when our timer comes; TR_NEVER: not at all */
    tr_time look_at, sweep_at; /* when what was started in this turn must be looked at; when the sweep comes */
    tr_timer timer, sweep;
    bool kick;         /* curl wants to be called now */
    bool closing;      /* in fini: the runtime has answered what is owed, and let go of the messages */
    tr_value *scratch; /* for the headers of a reply */
};

/* What a pool hands to each of its fetchers; lives as long as the pool, which outlives them. */
struct seat {
    const struct config *config;
    struct slots *slots;
    unsigned index;
};

extern const tr_behaviour fetcher_behaviour;

/* ---- host.c: requests in order, host by host ---- */

struct host *host_get(struct fetcher *f, const struct origin *origin);
void host_put(struct fetcher *f, struct host *host);
void host_ready(struct fetcher *f, struct host *host);
void host_forget_ready(struct fetcher *f, struct host *host);

/* ---- request.c ---- */

tr_err request_accept(struct fetcher *f, const tr_msg *m);
struct request *request_find(const struct fetcher *f, const tr_msg *m);
void request_start_next(struct fetcher *f);
/* Gives back what the request holds, its message included, and frees it. It has been answered, or nobody waits for it.
 */
void request_end(struct fetcher *f, struct request *r);
void request_fail(struct fetcher *f, struct request *r, tr_err err, const char *text);

/* ---- transfer.c ---- */

struct transfer *transfer_get(struct fetcher *f);
tr_err transfer_start(struct transfer *t, struct request *r);
void transfer_put(struct transfer *t);
void transfer_note_connected(CURL *easy);
void transfer_destroy(struct transfer *t);

/* ---- late.c ---- */

/* Whether it took too long by now, and in words why; *next becomes when to look again, if that is earlier. */
bool transfer_is_late(struct transfer *t, tr_time now, tr_time *next, char *why, size_t why_size);

/* ---- failure.c and reply.c ---- */

enum phase { PHASE_URL, PHASE_RESOLVE, PHASE_CONNECT, PHASE_TLS, PHASE_SEND, PHASE_HEADER, PHASE_BODY, PHASE_REDIRECT };

/* How far the transfer has come. */
enum phase phase_of(struct transfer *t);
/* The text of a failure, "phase host: reason", into text. */
void failure_text(struct transfer *t, enum phase phase, const char *reason, char *text, size_t size);
tr_err failure_of(struct transfer *t, CURLcode code, char *text, size_t size);
tr_err reply_page(struct fetcher *f, struct transfer *t);

/* ---- socket.c: curl's descriptors and timer on the worker's epoll set ---- */

bool socket_hook_multi(struct fetcher *f);
void socket_hook_easy(struct fetcher *f, CURL *easy);
bool socket_is_idle(const struct fetcher *f, int fd);
void socket_unwatch(struct fetcher *f, int fd);
void timer_arm(struct fetcher *f);

#endif
