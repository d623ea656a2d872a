/* SPDX-License-Identifier: MIT */
/* cli.h - the parts of the command, and how they fit
 *
 *   main.c      which command; the only exit
 *   fetch.c     troupe fetch: its options, and the program around the run
 *   run.c       the run: an actor that asks for pages, a window of them at a time, and tells how they ended, in order
 *   urls.c      where URLs come from: arguments, a file, standard input
 *   output.c    standard output that never blocks the loop
 *   progress.c  standard error: the bar, and lines that do not collide with it
 *   save.c      bodies as files, whole or not at all
 *   json.c      a page as a JSON object
 *   status.c    HTTP statuses in words
 */
#ifndef TROUPE_CLI_H
#define TROUPE_CLI_H

#include <troupe/fetcher.h>
#include <troupe/troupe.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

/* ---- urls.c ---- */

enum { URL_LEN_MAX = 8192, URLS_CHUNK = 64 * 1024 };

struct urls {
    char *const *args;
    size_t args_left;
    int fd; /* -1: arguments only */
    const char *name;
    bool at_end, in_long_line;
    uint64_t line;
    size_t start, end; /* what is read and not yet given out */
    char data[URLS_CHUNK + 1];
};

typedef enum urls_state {
    URLS_ONE,   /* *url, valid until the next call */
    URLS_LONG,  /* a line over URL_LEN_MAX: it is skipped */
    URLS_EMPTY, /* nothing at hand: urls_fill */
    URLS_END
} urls_state;

urls_state urls_next(struct urls *urls, const char **url);
/* Reads once; may block if the descriptor is not ready. False: errno. */
bool urls_fill(struct urls *urls);

/* ---- output.c ---- */

enum { OUTPUT_SIZE = 32 * 1024 };

struct output {
    int fd, error; /* error: errno of the write that failed; nothing is written after it */
    bool eager;    /* a terminal: every line at once */
    bool closing;  /* nothing may suspend any more */
    size_t len;
    char data[OUTPUT_SIZE];
};

void output_init(struct output *out, int fd);
/* Adds a line, without its newline, in two parts; suspends when the buffer is full and the reader slow. Errors: TR_EIO
 * (out->error), TR_ECANCELED. */
tr_err output_line(tr_self *self, struct output *out, const char *head, const char *tail);
tr_err output_flush(tr_self *self, struct output *out);

/* ---- progress.c ---- */

struct counts {
    uint64_t fetched, failed, bytes, total; /* total: 0 if nobody knows */
    unsigned under_way;
};

struct progress {
    bool is_terminal, is_drawn;
    tr_time started;
};

void progress_init(struct progress *p, int fd, tr_time now);
void progress_draw(struct progress *p, const struct counts *c, tr_time now);
void progress_clear(struct progress *p);
/* A line for people: what, where it comes from and why, with control characters made harmless. */
void progress_tell(struct progress *p, const char *where, const char *what, const char *why);
/* "12 pages fetched, 12,288 bytes in 0.4 s; 1 failed" */
const char *counts_text(const struct counts *c, int64_t duration_ns, char *buf, size_t size);

/* ---- save.c ---- */

enum { SAVED_NAME_MAX = 256 };

/* A file name for a URL: no directory, no leading dot. seq 0: the plain one; else a number follows. */
void save_name(const char *url, uint64_t seq, char name[SAVED_NAME_MAX]);
/* Writes the body under a name of its own in the directory, or under none. seq is unique in this run. False: errno. */
bool save_body(int dir_fd, const char *url, uint64_t seq, tr_bytes body, char name[SAVED_NAME_MAX]);

/* ---- json.c and status.c ---- */

struct failure {
    tr_err err; /* TR_OK: a status of 400 or more */
    const char *text;
};

/* One line, to be freed with free(); NULL: out of memory. failure NULL: fetched. page NULL: it did not come. saved may
 * be NULL. */
char *json_page(const char *url, const tr_page *page, const struct failure *failure, const char *saved);

/* "Not Found" for 404, "" for what is not known. */
const char *status_text(int status);

/* ---- run.c ---- */

struct fetch_job {
    unsigned concurrency; /* 0: the fetcher's defaults */
    int64_t limit_ms;     /* of the whole run; 0: none */
    int64_t size_max;     /* of a page; 0: the fetcher's default, -1: none */
    bool json, insecure;
    const char *ca_file;
    int dir_fd; /* -1: bodies are not saved */
    struct urls *urls;
    int exit_code; /* set by the run */
};

extern const tr_behaviour fetch_run; /* arg: a struct fetch_job */

/* ---- commands ---- */

int fetch_command(int argc, char **argv);

/* Flushes standard output. Returns the exit code: CLI_FAILED, with a line, if something could not be written. */
int output_close(void);

#endif
