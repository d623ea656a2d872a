/* SPDX-License-Identifier: MIT */
/* fetch.c - troupe fetch: its options, and the program around the run */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static const char usage[] =
    "usage: troupe fetch [OPTION...] [URL...]\n"
    "\n"
    "Fetches web pages, many at a time, and prints for each, in the order given:\n"
    "    Fetched <n> bytes from <url>\n"
    "A URL without a scheme is taken as http://. Progress and failures go to standard error.\n"
    "\n"
    "  -i FILE            read more URLs from FILE, one a line (- is standard input); blank lines and\n"
    "                     lines that begin with # are skipped\n"
    "  -c N               N pages at a time, from one host too (default 100, and 6 from one host)\n"
    "  -t SECONDS         stop the whole run after that long\n"
    "  -o DIR             save the pages in DIR, under names made from their URLs\n"
    "  --json             print one JSON object a page, as it completes\n"
    "  --max-size BYTES   the largest page taken, k, m or g may follow; 0 is no limit (default 16m)\n"
    "  --ca-file FILE     trust the certificate authorities in FILE (PEM)\n"
    "  --insecure         do not verify who the server is\n"
    "  -h, --help         print this\n"
    "\n"
    "A page with a status of 400 or more is a failure. Exit code: 0 all were fetched, 1 any was not, 2 wrong\n"
    "usage, 130 interrupted.\n";

enum { OPTION_JSON = 256, OPTION_MAX_SIZE, OPTION_CA_FILE, OPTION_INSECURE };

static const struct option long_options[] = {
    { "json", no_argument, NULL, OPTION_JSON },
    { "max-size", required_argument, NULL, OPTION_MAX_SIZE },
    { "ca-file", required_argument, NULL, OPTION_CA_FILE },
    { "insecure", no_argument, NULL, OPTION_INSECURE },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

struct fetch_options {
    struct fetch_job job;
    const char *input, *dir;
    bool help;
};

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

static bool read_count(const char *text, unsigned *n)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value < 1 || value > 100000)
        return false;
    *n = (unsigned) value;
    return true;
}

static bool read_seconds(const char *text, int64_t *timeout_ms)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0.001) || value > 1e9)
        return false;
    *timeout_ms = (int64_t) (value * 1000 + 0.5);
    return true;
}

static bool read_size(const char *text, int64_t *size)
{
    static const char units[] = "kmg";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, *end | 0x20) : NULL;
    unsigned shift = unit != NULL ? 10 * (unsigned) (unit - units + 1) : 0;
    if (errno != 0 || *text < '0' || *text > '9' || (unit != NULL ? end[1] : *end) != '\0' ||
        value > (UINT64_MAX >> 2) >> shift)
        return false;
    *size = value == 0 ? -1 : (int64_t) (value << shift);
    return true;
}

static int option_unknown(int argc, char **argv, int c)
{
    const char *text = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    if (c == ':')
        return optopt < 256 && optopt > 0 ? wrong("option -%c needs a value", optopt)
                                          : wrong("option %s needs a value", text);
    if (optopt > 0 && optopt < 256)
        return wrong("there is no option -%c", optopt);
    return optopt == 0 ? wrong("there is no option %s", text) : wrong("option %s takes no value", text);
}

static int option_take(struct fetch_options *o, int argc, char **argv, int c)
{
    switch (c) {
    case 'i':
        o->input = optarg;
        return CLI_DONE;
    case 'c':
        return read_count(optarg, &o->job.concurrency)
                   ? CLI_DONE
                   : wrong("-c takes a number from 1 to 100000, not \"%s\"", optarg);
    case 't':
        return read_seconds(optarg, &o->job.limit_ms) ? CLI_DONE
                                                      : wrong("-t takes a number of seconds, not \"%s\"", optarg);
    case 'o':
        o->dir = optarg;
        return CLI_DONE;
    case OPTION_JSON:
        o->job.json = true;
        return CLI_DONE;
    case OPTION_MAX_SIZE:
        return read_size(optarg, &o->job.size_max) ? CLI_DONE
                                                   : wrong("--max-size takes a number of bytes, not \"%s\"", optarg);
    case OPTION_CA_FILE:
        o->job.ca_file = optarg;
        return CLI_DONE;
    case OPTION_INSECURE:
        o->job.insecure = true;
        return CLI_DONE;
    case 'h':
        o->help = true;
        return CLI_DONE;
    default:
        return option_unknown(argc, argv, c);
    }
}

static int options_read(struct fetch_options *o, int argc, char **argv)
{
    int c, code = CLI_DONE;
    opterr = 0;
    optind = 0;
    while (code == CLI_DONE && !o->help && (c = getopt_long(argc, argv, ":i:c:t:o:h", long_options, NULL)) != -1)
        code = option_take(o, argc, argv, c);
    if (code == CLI_DONE && !o->help && optind == argc && o->input == NULL)
        return wrong("no URL is given");
    return code;
}

static int cannot(const char *what, const char *name)
{
    fprintf(stderr, "troupe fetch: cannot %s %s: %s\n", what, name, strerror(errno));
    return CLI_FAILED;
}

static int input_open(const struct fetch_options *o, struct urls *urls)
{
    bool is_stdin = o->input != NULL && strcmp(o->input, "-") == 0;
    urls->fd = o->input == NULL || is_stdin ? -1 : open(o->input, O_RDONLY | O_CLOEXEC);
    if (urls->fd < 0 && o->input != NULL && !is_stdin)
        return cannot("read", o->input);
    if (is_stdin)
        urls->fd = STDIN_FILENO;
    urls->name = is_stdin ? "stdin" : o->input;
    return CLI_DONE;
}

static int dir_open(const char *dir, int *fd)
{
    *fd = -1;
    if (dir == NULL)
        return CLI_DONE;
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return cannot("make directory", dir);
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd >= 0 ? CLI_DONE : cannot("open directory", dir);
}

/* Each page under way has a descriptor; a thousand, the usual soft limit, is soon reached. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void) setrlimit(RLIMIT_NOFILE, &limit);
}

static tr_err fetch_main(tr_self *self, void *arg)
{
    tr_addr run;
    tr_err err = tr_spawn(self, &fetch_run, arg, &run);
    return err == TR_OK ? tr_join(self, run, NULL) : err;
}

static int fetch_all(struct fetch_options *o, struct urls *urls)
{
    int code = input_open(o, urls);
    if (code == CLI_DONE)
        code = dir_open(o->dir, &o->job.dir_fd);
    if (code != CLI_DONE)
        return code;
    raise_descriptor_limit();
    o->job.urls = urls;
    o->job.exit_code = CLI_FAILED;
    code = tr_main(fetch_main, &o->job);
    if (o->job.dir_fd >= 0)
        close(o->job.dir_fd);
    if (urls->fd > STDIN_FILENO)
        close(urls->fd);
    return code != 0 ? code : o->job.exit_code;
}

int fetch_command(int argc, char **argv)
{
    struct fetch_options o = { .job = { .dir_fd = -1 } };
    int code = options_read(&o, argc, argv);
    if (code != CLI_DONE)
        return code;
    if (o.help) {
        printf("%s", usage);
        return output_close();
    }
    struct urls *urls = calloc(1, sizeof *urls);
    if (urls == NULL)
        return cannot("start", "fetch");
    urls->args = argv + optind;
    urls->args_left = (size_t) (argc - optind);
    code = fetch_all(&o, urls);
    free(urls);
    return code;
}
