/* SPDX-License-Identifier: MIT */
/* options.c - troupe fetch: its options, named as curl's where curl has them
 *
 * What a request asks for becomes the map of options that the fetcher takes with every page; what holds for all of them
 * goes into the options of the pool.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const char usage[] =
    "usage: troupe fetch [OPTION...] [URL...]\n"
    "\n"
    "Fetches web pages, many at a time, and prints for each, in the order given:\n"
    "    Fetched <n> bytes from <url>\n"
    "A URL without a scheme is taken as http://. Redirects are followed. Progress and failures go to standard error.\n"
    "\n"
    "The request:\n"
    "  -X, --request METHOD       GET; POST with -d\n"
    "  -d, --data DATA            send DATA, or with @FILE what is in FILE (@- is standard input), without line\n"
    "                             ends; several are joined with &\n"
    "      --data-binary DATA     the same, as it is\n"
    "  -H, --header 'NAME: VALUE' send this header too\n"
    "  -A, --user-agent NAME      who we say we are\n"
    "  -u, --user NAME:PASSWORD   basic authentication; not sent to another host on a redirect\n"
    "      --oauth2-bearer TOKEN  bearer authentication, the same way\n"
    "  -b, --cookie DATA          send these cookies (NAME=VALUE; ...), or with a FILE those in it that fit\n"
    "  -c, --cookie-jar FILE      keep cookies, read from FILE and written there in the end\n"
    "  -I, --head                 ask for the headers alone, and print them\n"
    "      --no-compressed        do not ask for compression, and undo none\n"
    "\n"
    "What becomes of the page:\n"
    "  -o, --output FILE          save the first page as FILE (- is standard output), the second with a second -o, ...\n"
    "  -O, --remote-name          save pages under the last part of their URL\n"
    "      --output-dir DIR       save pages in DIR, under names made from their URLs unless -o or -O says otherwise\n"
    "      --max-size BYTES       the largest page taken, k, m or g may follow; 0 is no limit (default 16m, and\n"
    "                             none for pages that are saved); also --max-filesize\n"
    "      --no-fail              a status of 400 or more is no failure\n"
    "  -w, --write-out FORMAT     print this instead: %{http_code}, %{url}, %{size_download}, %{time_total}, ...;\n"
    "                             \\n, \\t and %% as in curl\n"
    "      --json                 print one JSON object a page, as it completes\n"
    "  -v, --verbose              tell what was sent and received, and how long each phase took\n"
    "  -s, --silent               no progress and no failures; with -S, --show-error failures all the same\n"
    "\n"
    "The way:\n"
    "      --no-location          give redirects as they are; --max-redirs N follows at most N (default 10)\n"
    "  -x, --proxy URL            [http|https|socks4|socks4a|socks5|socks5h]://[USER:PASSWORD@]HOST[:PORT]; default:\n"
    "                             the environment's; --noproxy HOST,... reaches these without it\n"
    "      --http1.0, --http1.1, --http2, --http2-prior-knowledge\n"
    "  -k, --insecure             do not verify who the server is\n"
    "      --cacert FILE          trust the certificate authorities in FILE (PEM); also --ca-file\n"
    "\n"
    "How long, how often:\n"
    "  -i FILE                    read more URLs from FILE, one a line (- is standard input); blank lines and\n"
    "                             lines that begin with # are skipped; may be given again\n"
    "      --parallel-max N       N pages at a time, from one host too (default 100, and 6 from one host)\n"
    "      --retry N              try again what may pass, up to N times; --retry-delay SECONDS for the first wait\n"
    "      --connect-timeout SECONDS\n"
    "  -m, --max-time SECONDS     of a page\n"
    "  -t SECONDS                 stop the whole run after that long\n"
    "      --limit-rate BYTES     a second, of a page; k, m or g may follow\n"
    "  -Y, --speed-limit BYTES    a second at least; -y, --speed-time SECONDS it may be below (default 10 in 30)\n"
    "  -h, --help                 print this\n"
    "\n"
    "-f, -L and --compressed are the default. A page with a status of 400 or more is a failure. Exit code: 0 all were\n"
    "fetched, 1 any was not, 2 wrong usage, 130 interrupted.\n";

enum {
    OPTION_JSON = 256,
    OPTION_MAX_SIZE,
    OPTION_CACERT,
    OPTION_DATA_BINARY,
    OPTION_BEARER,
    OPTION_OUTPUT_DIR,
    OPTION_FAIL,
    OPTION_NO_FAIL,
    OPTION_LOCATION,
    OPTION_NO_LOCATION,
    OPTION_MAX_REDIRS,
    OPTION_NOPROXY,
    OPTION_HTTP_1_0,
    OPTION_HTTP_1_1,
    OPTION_HTTP_2,
    OPTION_HTTP_2_PRIOR,
    OPTION_RETRY,
    OPTION_RETRY_DELAY,
    OPTION_CONNECT_TIMEOUT,
    OPTION_LIMIT_RATE,
    OPTION_COMPRESSED,
    OPTION_NO_COMPRESSED,
    OPTION_PARALLEL_MAX
};

static const char short_options[] = ":i:t:o:X:d:H:A:u:b:c:w:x:m:Y:y:OIvsSkfLh";

static const struct option long_options[] = {
    { "request", required_argument, NULL, 'X' },
    { "data", required_argument, NULL, 'd' },
    { "data-binary", required_argument, NULL, OPTION_DATA_BINARY },
    { "header", required_argument, NULL, 'H' },
    { "user-agent", required_argument, NULL, 'A' },
    { "user", required_argument, NULL, 'u' },
    { "oauth2-bearer", required_argument, NULL, OPTION_BEARER },
    { "cookie", required_argument, NULL, 'b' },
    { "cookie-jar", required_argument, NULL, 'c' },
    { "head", no_argument, NULL, 'I' },
    { "compressed", no_argument, NULL, OPTION_COMPRESSED },
    { "no-compressed", no_argument, NULL, OPTION_NO_COMPRESSED },
    { "output", required_argument, NULL, 'o' },
    { "remote-name", no_argument, NULL, 'O' },
    { "output-dir", required_argument, NULL, OPTION_OUTPUT_DIR },
    { "max-size", required_argument, NULL, OPTION_MAX_SIZE },
    { "max-filesize", required_argument, NULL, OPTION_MAX_SIZE },
    { "fail", no_argument, NULL, 'f' },
    { "no-fail", no_argument, NULL, OPTION_NO_FAIL },
    { "write-out", required_argument, NULL, 'w' },
    { "json", no_argument, NULL, OPTION_JSON },
    { "verbose", no_argument, NULL, 'v' },
    { "silent", no_argument, NULL, 's' },
    { "show-error", no_argument, NULL, 'S' },
    { "location", no_argument, NULL, 'L' },
    { "no-location", no_argument, NULL, OPTION_NO_LOCATION },
    { "max-redirs", required_argument, NULL, OPTION_MAX_REDIRS },
    { "proxy", required_argument, NULL, 'x' },
    { "noproxy", required_argument, NULL, OPTION_NOPROXY },
    { "http1.0", no_argument, NULL, OPTION_HTTP_1_0 },
    { "http1.1", no_argument, NULL, OPTION_HTTP_1_1 },
    { "http2", no_argument, NULL, OPTION_HTTP_2 },
    { "http2-prior-knowledge", no_argument, NULL, OPTION_HTTP_2_PRIOR },
    { "insecure", no_argument, NULL, 'k' },
    { "cacert", required_argument, NULL, OPTION_CACERT },
    { "ca-file", required_argument, NULL, OPTION_CACERT },
    { "parallel-max", required_argument, NULL, OPTION_PARALLEL_MAX },
    { "retry", required_argument, NULL, OPTION_RETRY },
    { "retry-delay", required_argument, NULL, OPTION_RETRY_DELAY },
    { "connect-timeout", required_argument, NULL, OPTION_CONNECT_TIMEOUT },
    { "max-time", required_argument, NULL, 'm' },
    { "limit-rate", required_argument, NULL, OPTION_LIMIT_RATE },
    { "speed-limit", required_argument, NULL, 'Y' },
    { "speed-time", required_argument, NULL, 'y' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

void options_help(void)
{
    printf("%s", usage);
}

static int wrong(const char *fmt, ...) TR_PRINTF(1, 2);
static int wrong(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "troupe fetch: ");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "; see: troupe fetch --help\n");
    va_end(args);
    return CLI_USAGE;
}

static int cannot_read(const char *name)
{
    fprintf(stderr, "troupe fetch: cannot read %s: %s\n", name, strerror(errno));
    return CLI_FAILED;
}

static int no_memory(void)
{
    fprintf(stderr, "troupe fetch: out of memory\n");
    return CLI_FAILED;
}

/* ---- values ---- */

static int take_number(const char *option, const char *text, int64_t min, int64_t max, int64_t *n)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value < min || value > max)
        return wrong("%s takes a number from %lld to %lld, not \"%s\"", option, (long long) min, (long long) max, text);
    *n = value;
    return CLI_DONE;
}

static int take_count(const char *option, const char *text, unsigned *n)
{
    int64_t value = 0;
    int code = take_number(option, text, 1, 100000, &value);
    *n = (unsigned) value;
    return code;
}

static int take_seconds(const char *option, const char *text, int64_t *timeout_ms)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0.001) || value > 2e6)
        return wrong("%s takes a number of seconds, not \"%s\"", option, text);
    *timeout_ms = (int64_t) (value * 1000 + 0.5);
    return CLI_DONE;
}

static int take_size(const char *option, const char *text, int64_t *size)
{
    static const char units[] = "kmg";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, *end | 0x20) : NULL;
    unsigned shift = unit != NULL ? 10 * (unsigned) (unit - units + 1) : 0;
    if (errno != 0 || *text < '0' || *text > '9' || (unit != NULL ? end[1] : *end) != '\0' ||
        value > (UINT64_MAX >> 2) >> shift)
        return wrong("%s takes a number of bytes, not \"%s\"", option, text);
    *size = (int64_t) (value << shift);
    return CLI_DONE;
}

/* A key that stands there twice would be read once. */
static void set_option(struct fetch_options *o, const char *key, tr_value value)
{
    struct fetch_job *job = &o->job;
    for (size_t i = 0; i < job->option_count; i += 2) {
        if (strcmp(job->options[i].v.p, key) == 0) {
            job->options[i + 1] = value;
            return;
        }
    }
    job->options[job->option_count++] = tr_str(key);
    job->options[job->option_count++] = value;
}

static int add_header(struct fetch_options *o, char *line)
{
    char *colon = strpbrk(line, ":;");
    if (colon == NULL || colon == line)
        return wrong("-H takes 'NAME: VALUE', not \"%s\"", line);
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    if ((*colon == ':') != (*value != '\0'))
        return wrong("-H takes 'NAME: VALUE', or 'NAME;' for one without a value, not \"%s\"", line);
    if (o->header_count == sizeof o->headers / sizeof o->headers[0])
        return wrong("-H is given too often");
    *colon = '\0';
    o->headers[o->header_count++] = tr_str(line);
    o->headers[o->header_count++] = tr_str(value);
    return CLI_DONE;
}

/* ---- -d and -b ---- */

static bool append(char **to, size_t *len, const char *data, size_t n)
{
    char *bigger = realloc(*to, *len + n + 1);
    if (bigger == NULL)
        return false;
    memcpy(bigger + *len, data, n);
    *to = bigger;
    *len += n;
    bigger[*len] = '\0';
    return true;
}

static size_t without_line_ends(char *data, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (data[i] != '\n' && data[i] != '\r')
            data[kept++] = data[i];
    }
    return kept;
}

static int add_file(struct fetch_options *o, const char *name, bool as_it_is)
{
    char chunk[16384];
    bool is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC), code = CLI_DONE;
    if (fd < 0)
        return cannot_read(name);
    for (ssize_t n; code == CLI_DONE && (n = read(fd, chunk, sizeof chunk)) != 0;) {
        if (n < 0)
            code = errno == EINTR ? CLI_DONE : cannot_read(name);
        else if (!append(&o->data, &o->data_len, chunk, as_it_is ? (size_t) n : without_line_ends(chunk, (size_t) n)))
            code = no_memory();
    }
    if (!is_stdin)
        close(fd);
    return code;
}

static int add_data(struct fetch_options *o, const char *text, bool as_it_is)
{
    if (o->data != NULL && !append(&o->data, &o->data_len, "&", 1))
        return no_memory();
    if (o->data == NULL && !append(&o->data, &o->data_len, "", 0))
        return no_memory();
    if (text[0] == '@')
        return add_file(o, text + 1, as_it_is);
    return append(&o->data, &o->data_len, text, strlen(text)) ? CLI_DONE : no_memory();
}

/* As curl has it: with a '=' they are cookies, without they are a file. */
static int add_cookie(struct fetch_options *o, const char *text)
{
    size_t len = o->cookies != NULL ? strlen(o->cookies) : 0;
    if (strchr(text, '=') == NULL) {
        if (o->job.cookie_file_count == INPUTS_MAX)
            return wrong("-b is given too often");
        o->job.cookie_files[o->job.cookie_file_count++] = text;
        return access(text, R_OK) == 0 ? CLI_DONE : cannot_read(text);
    }
    bool added = (len == 0 || append(&o->cookies, &len, "; ", 2)) && append(&o->cookies, &len, text, strlen(text));
    return added ? CLI_DONE : no_memory();
}

/* ---- one option ---- */

static int option_unknown(int argc, char **argv, int c)
{
    const char *text = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    if (c == ':')
        return optopt < 256 && optopt > 0 && (text[0] != '-' || text[1] != '-')
                   ? wrong("option -%c needs a value", optopt)
                   : wrong("option %s needs a value", text);
    if (optopt > 0 && (text[0] != '-' || text[1] != '-'))
        return wrong("there is no option -%c", optopt);
    return optopt == 0 ? wrong("there is no option %s", text) : wrong("option %s takes no value", text);
}

/* What the request is. */
static int take_request(struct fetch_options *o, int c)
{
    switch (c) {
    case 'X':
        set_option(o, "method", tr_str(optarg));
        return CLI_DONE;
    case 'd':
        return add_data(o, optarg, false);
    case OPTION_DATA_BINARY:
        return add_data(o, optarg, true);
    case 'H':
        return add_header(o, optarg);
    case 'A':
        o->job.pool.user_agent = optarg;
        return CLI_DONE;
    case 'u':
        if (strchr(optarg, ':') == NULL)
            return wrong("-u takes NAME:PASSWORD");
        set_option(o, "user", tr_str(optarg));
        return CLI_DONE;
    case OPTION_BEARER:
        set_option(o, "bearer", tr_str(optarg));
        return CLI_DONE;
    case 'b':
        return add_cookie(o, optarg);
    case 'c':
        o->job.pool.cookie_file = optarg;
        return CLI_DONE;
    case 'I':
        o->job.head = true;
        set_option(o, "method", tr_str("HEAD"));
        return CLI_DONE;
    default:
        set_option(o, "compressed", tr_bool(c == OPTION_COMPRESSED));
        return CLI_DONE;
    }
}

/* What becomes of the page. */
static int take_output(struct fetch_options *o, int c)
{
    struct fetch_job *job = &o->job;
    switch (c) {
    case 'o':
        if (job->output_count == OUTPUTS_MAX)
            return wrong("-o is given more than %d times", OUTPUTS_MAX);
        job->outputs[job->output_count++] = optarg;
        return CLI_DONE;
    case 'O':
        job->save = SAVE_BY_REMOTE_NAME;
        return CLI_DONE;
    case OPTION_OUTPUT_DIR:
        o->dir = optarg;
        return CLI_DONE;
    case OPTION_MAX_SIZE:
        if (take_size("--max-size", optarg, &job->size_max) != CLI_DONE)
            return CLI_USAGE;
        job->size_max = job->size_max == 0 ? -1 : job->size_max;
        return CLI_DONE;
    case 'f':
    case OPTION_NO_FAIL:
        job->any_status = c == OPTION_NO_FAIL;
        return CLI_DONE;
    case 'w':
        job->write_out = optarg;
        return CLI_DONE;
    case OPTION_JSON:
        job->json = true;
        return CLI_DONE;
    case 'v':
        job->verbose = true;
        return CLI_DONE;
    case 's':
        job->silent = true;
        return CLI_DONE;
    default:
        job->show_error = true;
        return CLI_DONE;
    }
}

static int take_proxy(struct fetch_options *o, const char *proxy)
{
    o->job.pool.proxy = proxy;
    o->job.pool.proxy_from_env = false;
    return CLI_DONE;
}

/* The way to the server. */
static int take_way(struct fetch_options *o, int c)
{
    tr_fetcher_opts *pool = &o->job.pool;
    switch (c) {
    case 'L':
    case OPTION_NO_LOCATION:
        set_option(o, "follow", tr_bool(c == 'L'));
        return CLI_DONE;
    case OPTION_MAX_REDIRS: {
        int64_t n = 0;
        int code = take_number("--max-redirs", optarg, 0, 1000, &n);
        set_option(o, "redirects_max", tr_int(n));
        return code;
    }
    case 'x':
        return take_proxy(o, optarg);
    case OPTION_NOPROXY:
        pool->no_proxy = optarg;
        return CLI_DONE;
    case OPTION_HTTP_1_0:
    case OPTION_HTTP_1_1:
        pool->http = c == OPTION_HTTP_1_0 ? "1.0" : "1.1";
        return CLI_DONE;
    case OPTION_HTTP_2:
    case OPTION_HTTP_2_PRIOR:
        pool->http = c == OPTION_HTTP_2 ? "2" : "2-prior-knowledge";
        return CLI_DONE;
    case OPTION_CACERT:
        pool->ca_file = optarg;
        return access(optarg, R_OK) == 0 ? CLI_DONE : cannot_read(optarg);
    default:
        pool->insecure = true;
        return CLI_DONE;
    }
}

/* How long, how often. */
static int take_limit(struct fetch_options *o, int c)
{
    tr_fetcher_opts *pool = &o->job.pool;
    switch (c) {
    case 'i':
        if (o->input_count == INPUTS_MAX)
            return wrong("-i is given more than %d times", INPUTS_MAX);
        o->inputs[o->input_count++] = optarg;
        return CLI_DONE;
    case OPTION_PARALLEL_MAX:
        return take_count("--parallel-max", optarg, &o->job.concurrency);
    case OPTION_RETRY:
        return take_number("--retry", optarg, 0, 100, &pool->retries_max);
    case OPTION_RETRY_DELAY:
        return take_seconds("--retry-delay", optarg, &pool->retry_delay_ms);
    case OPTION_CONNECT_TIMEOUT:
        return take_seconds("--connect-timeout", optarg, &pool->connect_timeout_ms);
    case 'm': {
        int64_t ms = 0;
        int code = take_seconds("-m", optarg, &ms);
        set_option(o, "timeout_ms", tr_int(ms));
        return code;
    }
    case 't':
        return take_seconds("-t", optarg, &o->job.limit_ms);
    case OPTION_LIMIT_RATE:
        return take_size("--limit-rate", optarg, &pool->rate_max);
    case 'Y':
        if (take_number("-Y", optarg, 0, INT32_MAX, &pool->rate_min) != CLI_DONE)
            return CLI_USAGE;
        pool->rate_min = pool->rate_min == 0 ? -1 : pool->rate_min;
        return CLI_DONE;
    default:
        return take_seconds("-y", optarg, &pool->idle_timeout_ms);
    }
}

static int option_take(struct fetch_options *o, int argc, char **argv, int c)
{
    switch (c) {
    case 'h':
        o->help = true;
        return CLI_DONE;
    case '?':
    case ':':
        return option_unknown(argc, argv, c);
    case 'X':
    case 'd':
    case 'H':
    case 'A':
    case 'u':
    case 'b':
    case 'c':
    case 'I':
    case OPTION_DATA_BINARY:
    case OPTION_BEARER:
    case OPTION_COMPRESSED:
    case OPTION_NO_COMPRESSED:
        return take_request(o, c);
    case 'o':
    case 'O':
    case 'f':
    case 'w':
    case 'v':
    case 's':
    case 'S':
    case OPTION_OUTPUT_DIR:
    case OPTION_MAX_SIZE:
    case OPTION_NO_FAIL:
    case OPTION_JSON:
        return take_output(o, c);
    case 'L':
    case 'x':
    case 'k':
    case OPTION_NO_LOCATION:
    case OPTION_MAX_REDIRS:
    case OPTION_NOPROXY:
    case OPTION_CACERT:
    case OPTION_HTTP_1_0:
    case OPTION_HTTP_1_1:
    case OPTION_HTTP_2:
    case OPTION_HTTP_2_PRIOR:
        return take_way(o, c);
    default:
        return take_limit(o, c);
    }
}

/* ---- all of them ---- */

/* What only makes sense when all are known. */
static int options_finish(struct fetch_options *o)
{
    struct fetch_job *job = &o->job;
    if (o->cookies != NULL) {
        if (o->header_count == sizeof o->headers / sizeof o->headers[0])
            return wrong("-H is given too often");
        o->headers[o->header_count++] = tr_str("Cookie");
        o->headers[o->header_count++] = tr_str(o->cookies);
    }
    if (o->header_count > 0)
        set_option(o, "headers", tr_mapn(o->headers, o->header_count));
    if (o->data != NULL && job->head)
        return wrong("-I and -d exclude each other");
    if (o->data != NULL)
        set_option(o, "body", tr_bin(o->data, o->data_len));
    if (job->json && job->write_out != NULL)
        return wrong("--json and -w exclude each other");
    if (o->dir != NULL && job->save == SAVE_NOTHING && job->output_count == 0)
        job->save = SAVE_BY_URL;
    if (job->head && (job->save != SAVE_NOTHING || job->output_count > 0))
        return wrong("-I gives no page that could be saved");
    job->pool.cookies = job->cookie_file_count > 0;
    return CLI_DONE;
}

int options_read(struct fetch_options *o, int argc, char **argv)
{
    int c, code = CLI_DONE;
    opterr = 0;
    optind = 0;
    o->job.pool.proxy_from_env = true; /* a command stands in its environment; a library does not */
    while (code == CLI_DONE && !o->help && (c = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
        code = option_take(o, argc, argv, c);
    if (code == CLI_DONE && !o->help && optind == argc && o->input_count == 0)
        return wrong("no URL is given");
    return code == CLI_DONE ? options_finish(o) : code;
}

void options_free(struct fetch_options *o)
{
    free(o->data);
    free(o->cookies);
}
