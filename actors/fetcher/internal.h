/* SPDX-License-Identifier: MIT */
/* internal.h - the fetcher's parts and who owns what
 *
 *   pool      owns the fetchers and who shares out slots to them; gives each request to the fetcher of its host
 *   slots     the actor that says how many transfers each fetcher may run
 *   fetcher   owns its config, one curl multi handle, the requests it took, the transfers that serve them, the cookies
 *   host      scheme, host and port with the requests that wait for it, in order; exists while it has a request
 *   request   one kept message: waiting (in its host's queue), active (has a transfer, in the active list) or resting
 *             (between a failure and another try, in the resting list)
 *   transfer  a curl easy handle with its buffers; used again for the next request, its invariant options set once
 *
 * Invariants. A request is in exactly one of these lists. An active request holds one slot of the pool and one of its
 * host; request_leave is the one place that gives both back, whatever the reason. The actors share no memory: they
 * talk, so each may stand on a worker of its own. Everything that calls curl runs on the thread's large stack
 * (tr_call), one trampoline a message. f->self is set for the length of a handler call, since curl's callbacks need it,
 * and is NULL otherwise.
 */
#ifndef TROUPE_FETCHER_INTERNAL_H
#define TROUPE_FETCHER_INTERNAL_H

#include <sys/queue.h>

#include <curl/curl.h>

#include <troupe/fetcher.h>
#include <troupe/flow.h>

#define VERSION_TEXT_OF(n) #n
#define VERSION_TEXT(n) VERSION_TEXT_OF(n)
#define TR_FETCHER_VERSION \
    VERSION_TEXT(TR_VERSION_MAJOR) "." VERSION_TEXT(TR_VERSION_MINOR) "." VERSION_TEXT(TR_VERSION_PATCH)

enum {
    FETCHERS_MAX = 64,
    CONFIG_FIELDS_MAX = 32,
    RETRIES_MAX = 100,
    URL_SHOWN_MAX = 256,
    NO_UPLOAD = -2,
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
/* The URL as it may be shown: without its credentials, and not too long; returns buf. */
const char *url_shown(const char *url, char buf[URL_SHOWN_MAX]);

/* ---- proxy.c ---- */

/* NULL: good, else what is wrong, without the value. */
const char *proxy_check(const char *proxy);
const char *proxy_print(const char *proxy, char *buf, size_t size);
const char *http_version_check(const char *name);
/* CURL_HTTP_VERSION_...; name may be NULL. */
long http_version_value(const char *name);
/* 10, 11, 20 or 30 for one of these; 0 for none. */
int http_version_number(long value);

/* ---- config.c and options.c: what may be set, for a pool and for a request ---- */

/* What a pool sets and a request may set otherwise. */
struct limits {
    int64_t timeout_ms, connect_timeout_ms, idle_timeout_ms, rate_min, rate_max, body_max, download_max, redirects_max;
    int64_t retries_max, retry_delay_ms, retry_delay_max_ms;
    bool verify;
    const char *ca_file, *http, *proxy, *no_proxy; /* NULL: not set */
};

struct config {
    unsigned fetchers, total_max, per_host_max, queue_max;
    struct limits limits;
    const char *user_agent, *cookie_file;
    bool proxy_from_env, cookies;
    tr_addr hook;
    tr_fetch_event_fn *on_event;
    void *on_event_ctx;
};

/* What one request asks for beyond its URL; strings and items stay inside its message. */
struct request_opts {
    struct limits limits;
    const char *method, *user, *bearer;
    tr_item headers;
    tr_bytes body;
    int64_t upload_size; /* of a body that comes in parts; -1: it is not known, NO_UPLOAD: none comes */
    bool is_stream;
    bool as_it_is; /* no compression is asked for, and none undone */
    bool custom;   /* something differs from the pool's own: the easy handle must be set up, and reset afterwards */
};

/* Strings stay where they are. */
tr_err config_fill(tr_self *self, const tr_fetcher_opts *opts, struct config *config);
tr_err config_read(tr_self *self, tr_item map, tr_fetcher_opts *opts);
/* With strings that live as long as the actor. */
tr_err config_copy(tr_self *self, const tr_fetcher_opts *opts, tr_fetcher_opts *copy);
/* The options as keys and values, 2 * CONFIG_FIELDS_MAX at most; returns how many. */
size_t config_values(const tr_fetcher_opts *opts, tr_value *kv);
/* options may be nil or the zero item. The error is in why, without a full stop. */
tr_err request_opts_read(const struct config *config, bool is_stream, tr_item options, struct request_opts *opts,
                         char *why, size_t why_size);

/* ---- slots.c: how many transfers the whole pool may run ---- */

extern const tr_behaviour slots_behaviour;

/* ---- the fetcher ---- */

struct fetcher;
struct host;
struct transfer;

enum request_state { REQUEST_WAITING, REQUEST_ACTIVE, REQUEST_RESTING };

struct request {
    TAILQ_ENTRY(request) link; /* host.waiting, fetcher.active or fetcher.resting */
    struct request *next;      /* fetcher.requests */
    tr_msg *msg;
    const char *url; /* in msg */
    struct host *host;
    struct transfer *transfer; /* NULL unless it is active */
    enum request_state state;
    struct request_opts opts;
    tr_time arrived, first_started; /* first_started: of the first try; TR_NEVER before */
    tr_time again_at;               /* while it rests */
    unsigned tries;
    uint64_t id;
    /* Of a stream: */
    tr_flow flow;
    tr_msg *part; /* of the body that goes up, kept; part_at: what of it has gone */
    size_t part_at;
    bool is_stream, head_is_written, is_finished, has_read, upload_has_ended; /* is_finished: waits for room to end */
};
TAILQ_HEAD(request_list, request);

struct host {
    struct host *next; /* fetcher.hosts */
    TAILQ_ENTRY(host) ready_link;
    struct request_list waiting;
    uint64_t hash;
    unsigned active, resting, port;
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
    bool has_location, has_retry_after;
    bool is_connected; /* curl waits to read from the connection, so there is one: its clock of that stands still until
                          TLS is up, too */
    bool counting;     /* the body is compressed: progress is watched for download_max */
    const char *too_big;            /* the limit that was hit, in words */
    int paused;                     /* CURLPAUSE_... bits: by us, until the asker has room, or something to send */
    bool has_proxy, may_have_proxy; /* has: for sure; may: as libcurl finds in the environment, or no_proxy has it */
    struct hop hop;
    tr_time hop_at; /* when the last redirect came; TR_NEVER: none has */
    tr_time started, changed,
        window; /* changed: last time a byte had come; window: start of the stretch whose rate is judged */
    int64_t bytes, window_bytes, body_bytes; /* body_bytes: that were decompressed */
    char error[CURL_ERROR_SIZE];
};

struct fetcher {
    tr_self *self; /* while a handler runs */
    struct config config;
    tr_addr slots;
    unsigned index;
    CURLM *multi;
    CURLSH *share; /* the cookies; NULL: there are none */
    CURL *jar;     /* fetches nothing; through it they are read and written */
    bool jar_is_loaded;
    char *wrong; /* why nothing can be fetched; NULL: all is well */
    struct transfer *spare;
    struct request_list active, resting;
    struct host_list ready; /* hosts with a request that may start as far as their own limit goes; served in turn */
    struct host *hosts[HOST_BUCKETS];
    struct request *requests[REQUEST_BUCKETS];
    unsigned active_count, waiting_count, connections;
    uint64_t done, failed, canceled, ids, random;
    unsigned quota, give_due;                                          /* slots: quota.c */
    bool want_due, want_open, hold_open, others_are_short, settle_due; /* settle_due: "settle" is on its way to us */
    struct socket *sockets;                                            /* by descriptor: socket.c */
    size_t sockets_size;
    tr_time due, armed;        /* when curl wants to be called; when our timer comes; TR_NEVER: not at all */
    tr_time look_at, sweep_at; /* when what was started in this turn must be looked at; when the sweep comes */
    tr_timer timer, sweep;
    bool kick;         /* curl wants to be called now */
    bool closing;      /* in fini: the runtime has answered what is owed, and let go of the messages */
    tr_value *scratch; /* for the headers of a reply */
};

extern const tr_behaviour fetcher_behaviour;

/* A turn of its own, outside tr_call. */
tr_err fetcher_wake(tr_self *self, struct fetcher *f);
/* The sweep comes after that long at the latest. */
void fetcher_look_again(tr_self *self, struct fetcher *f, int64_t ms);

/* ---- quota.c ---- */

bool quota_take(struct fetcher *f);
void quota_shed(struct fetcher *f);
tr_err quota_settle(tr_self *self, struct fetcher *f);
tr_err quota_lost(tr_self *self, struct fetcher *f, tr_err err);

/* ---- host.c: requests in order, host by host ---- */

struct host *host_get(struct fetcher *f, const struct origin *origin);
void host_put(struct fetcher *f, struct host *host);
void host_ready(struct fetcher *f, struct host *host);
void host_forget_ready(struct fetcher *f, struct host *host);

/* ---- request.c ---- */

tr_err request_accept(struct fetcher *f, const tr_msg *m);
struct request *request_find(const struct fetcher *f, const tr_msg *m);
const char *request_method(const struct request_opts *opts);
void request_start_next(struct fetcher *f);
void request_rest(struct fetcher *f, struct request *r);
void request_wake_rested(struct fetcher *f, tr_time now, tr_time *next);
/* Takes the request out of its list and gives back its transfer and its slots. */
void request_leave(struct fetcher *f, struct request *r);
/* Gives back what the request holds, its message included, and frees it. It has been answered, or nobody waits for it.
 */
void request_end(struct fetcher *f, struct request *r);
void request_fail(struct fetcher *f, struct request *r, tr_err err, const char *text);

/* ---- transfer.c ---- */

struct transfer *transfer_get(struct fetcher *f);
tr_err transfer_start(struct transfer *t, struct request *r);
void transfer_put(struct transfer *t);
void transfer_note_connected(CURL *easy);
/* For curl: as CURLOPT_HEADERFUNCTION, _WRITEFUNCTION, _XFERINFOFUNCTION and _PREREQFUNCTION have it; arg: a transfer.
 */
size_t transfer_on_header(char *data, size_t size, size_t n, void *arg);
size_t transfer_on_body(char *data, size_t size, size_t n, void *arg);
int transfer_on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now);
int transfer_on_send(void *arg, char *to, char *from, int to_port, int from_port);
void transfer_destroy(struct transfer *t);

/* ---- setup.c: an easy handle for one request ---- */

/* What holds for every request of this pool; once, and after a reset. */
void setup_pool(struct transfer *t);
/* What one request asks for. Errors: TR_ENOMEM. */
tr_err setup_request(struct transfer *t, const struct request_opts *opts);
void setup_limits(struct transfer *t, const struct limits *limits);

/* ---- trace.c and hook.c ---- */

enum { TRACE_VALUES_MAX = 40 };

/* What a transfer has done so far. */
void trace_fill(struct transfer *t, tr_fetch_trace *trace);
/* As keys and values; returns how many of both. */
size_t trace_values(const tr_fetch_trace *trace, tr_value *kv);

void hook_started(struct fetcher *f, const struct request *r);
void hook_ended(struct fetcher *f, const struct request *r, tr_err err, const char *text);

/* ---- retry.c: whether a request rests and is tried again; then its transfer is gone ---- */

bool retry_failure(struct fetcher *f, struct request *r, tr_err err, bool permanent, const char *text);
bool retry_status(struct fetcher *f, struct request *r, long status);
/* What comes now is the body of a status that will be tried again, as far as can be told. */
bool retry_is_likely(struct request *r);

/* ---- stream.c: bodies in parts ---- */

tr_err stream_open(struct fetcher *f, struct request *r);
void stream_close(struct fetcher *f, struct request *r);
/* The body of a response comes; it has come to its end. */
size_t stream_take(struct transfer *t, const char *data, size_t len);
bool stream_finish(struct fetcher *f, struct request *r);
/* CURLOPT_READFUNCTION; arg: a transfer. */
size_t stream_give(char *to, size_t size, size_t n, void *arg);

/* ---- cookie.c ---- */

/* False: out of memory, or the file cannot be read; why gets the words. */
bool cookies_open(struct fetcher *f, char *why, size_t why_size);
/* Writes the file, if there is one. False: errno. */
bool cookies_save(struct fetcher *f);
void cookies_close(struct fetcher *f);
tr_handler_fn on_cookies, on_cookies_add, on_cookies_clear, on_cookies_save;

/* ---- late.c ---- */

enum late { LATE_NOT, LATE_TRY, LATE_REQUEST }; /* LATE_REQUEST: there is no time for another try either */

/* Whether it took too long by now, and in words why; *next becomes when to look again, if that is earlier. */
enum late transfer_is_late(struct transfer *t, tr_time now, tr_time *next, char *why, size_t why_size);

/* ---- failure.c and reply.c ---- */

enum phase {
    PHASE_URL,
    PHASE_RESOLVE,
    PHASE_PROXY,
    PHASE_CONNECT,
    PHASE_TLS,
    PHASE_SEND,
    PHASE_HEADER,
    PHASE_BODY,
    PHASE_REDIRECT
};

/* How far the transfer has come. */
enum phase phase_of(struct transfer *t);
/* The text of a failure, "phase host: reason", into text. */
void failure_text(struct transfer *t, enum phase phase, const char *reason, char *text, size_t size);
tr_err failure_of(struct transfer *t, CURLcode code, char *text, size_t size);
/* What another try would not mend. */
bool failure_is_permanent(CURLcode code);
tr_err reply_page(struct fetcher *f, struct transfer *t);
/* The header lines of the response, until the next call. False: out of memory. */
bool reply_headers(struct fetcher *f, struct transfer *t, tr_value *headers);

/* ---- socket.c: curl's descriptors and timer on the worker's epoll set ---- */

bool socket_hook_multi(struct fetcher *f);
void socket_hook_easy(struct fetcher *f, CURL *easy);
int socket_name(const struct fetcher *f, int fd);
bool socket_is_idle(const struct fetcher *f, int fd);
void socket_unwatch(struct fetcher *f, int fd);
void sockets_free(struct fetcher *f);
void timer_arm(struct fetcher *f);

#endif
