/* SPDX-License-Identifier: MIT */
/* cli.h - the parts of the command, and how they fit
 *
 *   main.c      which command; the only exit
 *   fetch.c     troupe fetch: the program around the run
 *   options.c   troupe fetch: its options, named as curl's where curl has them
 *   run.c       the run: an actor that asks for pages, a window of them at a time, and tells how they ended, in order
 *   download.c  an actor for each page that is saved: takes it part by part
 *   urls.c      where URLs come from: arguments, files, standard input
 *   output.c    standard output that never blocks the loop
 *   progress.c  standard error: the bar, and lines that do not collide with it
 *   save.c      bodies as files, whole or not at all
 *   json.c      a page as a JSON object
 *   report.c    a page in words: -w, -I and -v
 *   status.c    HTTP statuses in words
 */
#ifndef TROUPE_CLI_H
#define TROUPE_CLI_H

#include <troupe/fetcher.h>
#include <troupe/troupe.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

/* ---- urls.c ---- */

enum { URL_LEN_MAX = 8192, URLS_CHUNK = 64 * 1024, INPUTS_MAX = 64 };

struct urls {
    char *const *args;
    size_t args_left;
    int fds[INPUTS_MAX]; /* one after the other; closed by who opened them */
    const char *names[INPUTS_MAX];
    size_t count, at; /* at: which is read now */
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
/* The file that is read now, -1: none; and its name. */
int urls_fd(const struct urls *urls);
const char *urls_name(const struct urls *urls);
/* Reads once; may block if the descriptor is not ready. False: errno. */
bool urls_fill(struct urls *urls);
/* Gives up on the file that is read now. */
void urls_skip(struct urls *urls);

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
/* Suspends when the buffer is full and the reader slow. Errors: TR_EIO (out->error), TR_ECANCELED. */
tr_err output_add(tr_self *self, struct output *out, const char *data, size_t len);
/* Adds a line, without its newline, in two parts. As output_add. */
tr_err output_line(tr_self *self, struct output *out, const char *head, const char *tail);
tr_err output_flush(tr_self *self, struct output *out);

/* ---- progress.c ---- */

struct counts {
    uint64_t fetched, failed, bytes, total; /* total: 0 if nobody knows */
    unsigned under_way;
};

struct progress {
    bool is_terminal, is_drawn;
    bool silent; /* nothing is drawn; failures are told all the same, unless mute */
    bool mute;
    tr_time started;
};

void progress_init(struct progress *p, int fd, tr_time now);
void progress_draw(struct progress *p, const struct counts *c, tr_time now);
void progress_clear(struct progress *p);
/* A line for people: what (a URL: its credentials are left out), where it comes from and why, with control characters
 * made harmless. */
void progress_tell(struct progress *p, const char *where, const char *what, const char *why);
/* Lines as they are, each behind a prefix, control characters made harmless. */
void progress_note(struct progress *p, const char *prefix, const char *text);
/* "12 pages fetched, 12,288 bytes in 0.4 s; 1 failed" */
const char *counts_text(const struct counts *c, int64_t duration_ns, char *buf, size_t size);

/* ---- save.c ---- */

enum { SAVED_NAME_MAX = 256 };

/* A file name for a URL: no directory, no leading dot, no credentials. seq 0: the plain one; else a number follows. */
void save_name(const char *url, uint64_t seq, char name[SAVED_NAME_MAX]);
/* The last part of its path; "" if it has none. */
void save_remote_name(const char *url, char name[SAVED_NAME_MAX]);

/* A file that comes to its name only when it is whole. */
struct saving {
    int dir_fd, fd;
    bool is_special; /* no regular file: written to as it is */
    char part[80];
};

/* seq is unique in this run. file: where it goes to (a path from dir_fd on), or NULL: save_end finds a name. False:
 * errno. */
bool save_begin(struct saving *s, int dir_fd, uint64_t seq, const char *file);
bool save_write(struct saving *s, const void *data, size_t len);
/* To the name, over what is there; or to a name of its own, made from the URL, over nothing. name gets it. Either way s
 * is done with. False: errno. */
bool save_end(struct saving *s, const char *file, const char *url, uint64_t seq, char name[SAVED_NAME_MAX]);
/* As if it had not begun. */
void save_abort(struct saving *s);
/* Removes what runs that were killed have left in a directory. */
void save_clean(int dir_fd);

/* ---- json.c, report.c and status.c ---- */

struct failure {
    tr_err err; /* TR_OK: a status that is none */
    const char *text;
};

/* One line, to be freed with free(); NULL: out of memory. failure NULL: fetched. page NULL: it did not come. saved may
 * be NULL. */
char *json_page(const char *url, const tr_page *page, int64_t bytes, const struct failure *failure, const char *saved);

/* What -w asks for; as json_page. failure's text, and 0 for what is not known. */
char *report_write_out(const char *format, const char *url, const tr_page *page, int64_t bytes,
                       const struct failure *failure, const char *saved);
/* What -I asks for: the head of the response; what -v asks for: that, and the phases. As json_page. */
char *report_head(const tr_page *page);
char *report_phases(const tr_page *page);

/* "Not Found" for 404, "" for what is not known. */
const char *status_text(int status);

/* ---- run.c ---- */

enum { OUTPUTS_MAX = 1000, REQUEST_OPTIONS_MAX = 48 };

enum save_kind { SAVE_NOTHING, SAVE_BY_URL, SAVE_BY_REMOTE_NAME };

struct fetch_job {
    unsigned concurrency; /* 0: the fetcher's defaults */
    int64_t limit_ms;     /* of the whole run; 0: none */
    int64_t size_max;     /* of a page; 0: the fetcher's default, -1: none */
    bool json, any_status, head, verbose, silent, show_error;
    const char *write_out;
    tr_fetcher_opts pool;                  /* size and the limits above are set by the run */
    tr_value options[REQUEST_OPTIONS_MAX]; /* of each request, as keys and values */
    size_t option_count;
    const char *outputs[OUTPUTS_MAX]; /* files for the first pages, in order; "-": standard output */
    size_t output_count;
    enum save_kind save;                  /* for the pages without one of these */
    int dir_fd;                           /* where files go: AT_FDCWD unless --output-dir is given */
    const char *cookie_files[INPUTS_MAX]; /* -b: to be read */
    size_t cookie_file_count;
    struct urls *urls;
    int exit_code; /* set by the run */
};

extern const tr_behaviour fetch_run; /* arg: a struct fetch_job */

/* ---- download.c ---- */

/* A page on its way to a file; lives from the spawn of its actor to its answer. */
struct download {
    const struct fetch_job *job;
    tr_addr pool;
    const char *url;    /* as it is asked for */
    const char *output; /* the file, "-", or NULL: a name is made from the URL */
    uint64_t seq;
    int64_t bytes; /* so far */
    char name[SAVED_NAME_MAX];
};

/* arg: a struct download. Answers one request "go" as a fetcher answers "fetch", without the body. */
tr_err download_body(tr_self *self, void *arg);

/* ---- options.c ---- */

struct fetch_options {
    struct fetch_job job;
    const char *inputs[INPUTS_MAX], *dir;
    size_t input_count;
    bool help;
    /* What -d, -H and -b add up to. */
    char *data, *cookies;
    size_t data_len;
    tr_value headers[2 * 100];
    size_t header_count;
    bool is_followed, is_as_it_is;
};

/* Returns CLI_DONE and what is left over of argv (as optind), or the exit code, and it has been told why. */
int options_read(struct fetch_options *o, int argc, char **argv);
void options_free(struct fetch_options *o);
void options_help(void);

/* ---- commands ---- */

int fetch_command(int argc, char **argv);

/* Flushes standard output. Returns the exit code: CLI_FAILED, with a line, if something could not be written. */
int output_close(void);

#endif
