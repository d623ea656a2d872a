/* SPDX-License-Identifier: MIT */
/* main.c - tr_main: a whole program */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <troupe/debug.h>

#include "base/log.h"
#include "machine/signal_hub.h"
#include "node/node.h"

struct program {
    tr_body_fn *main_fn;
    void *arg;
    uint64_t id; /* of the main actor */
    tr_err result;
    char text[512];
    char phase[64];
};

static tr_node *program_node; /* for the signal handler; one tr_main runs at a time */
static volatile sig_atomic_t program_signal;

/* The first signal asks for a stop; the handler is gone by then, so that the second ends the process. */
static void on_signal(int number)
{
    program_signal = number;
    signal(number, SIG_DFL);
    tr_node_stop(program_node, number == SIGINT ? "interrupted (SIGINT)" : "asked to stop (SIGTERM)");
}

static void to_stderr(void *ctx, tr_log_level level, const char *line)
{
    static const char *const names[] = { "", "error", "warning", "info", "debug" };
    (void) ctx;
    char text[LOG_LINE_MAX + 32];
    int len = snprintf(text, sizeof text, "troupe: %s: %s\n", names[level], line);
    if (len > 0)
        (void) !write(STDERR_FILENO, text, (size_t) len < sizeof text ? (size_t) len : sizeof text - 1);
}

/* Main did not return, but failed or was killed. */
static void program_failed(void *ctx, const tr_failure *failure)
{
    struct program *p = ctx;
    if (failure->actor.actor != p->id)
        return;
    p->result = failure->err;
    snprintf(p->text, sizeof p->text, "%s", failure->text);
}

static tr_err program_body(tr_self *self, void *arg)
{
    struct program *p = arg;
    p->result = p->main_fn(self, p->arg);
    if (p->result == TR_OK || p->result == TR_STOP)
        return TR_OK;
    const tr_error_info *e = tr_error(self);
    bool ours = e->err == p->result;
    snprintf(p->text, sizeof p->text, "%s", ours ? e->text : tr_err_text(p->result));
    snprintf(p->phase, sizeof p->phase, "%s", ours ? e->phase : "");
    return TR_OK; /* it is told here, not as a failure that nobody joined */
}

static void signals_take(struct sigaction before[2])
{
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    program_signal = 0;
    signal_hub_action(SIGINT, &action, &before[0]);
    signal_hub_action(SIGTERM, &action, &before[1]);
}

static void signals_give_back(const struct sigaction before[2])
{
    signal_hub_action(SIGINT, &before[0], NULL);
    signal_hub_action(SIGTERM, &before[1], NULL);
}

static int program_status(const struct program *p)
{
    char line[LOG_LINE_MAX];
    if (program_signal != 0)
        return 128 + program_signal;
    if (p->result == TR_OK || p->result == TR_STOP)
        return 0;
    snprintf(line, sizeof line, "main ended with %s%s%s%s: %s", tr_err_name(p->result), p->phase[0] != '\0' ? " (" : "",
             p->phase, p->phase[0] != '\0' ? ")" : "", p->text);
    to_stderr(NULL, TR_LOG_ERROR, line);
    return 1;
}

/* When the main actor has ended, whatever it left behind (detached actors) is stopped too. */
static void main_ended(void *node)
{
    tr_node_stop(node, "the main actor ended");
}

static tr_err main_body(tr_self *self, void *arg)
{
    tr_err err = tr_defer(self, main_ended, tr_self_node(self));
    return err == TR_OK ? program_body(self, arg) : err;
}

/* A closed standard descriptor's number would go to one of ours, and the program's next printf into it. */
static void standard_descriptors_take(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void) open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY); /* the lowest free number: this one */
}

static bool opts_are_ours(const tr_node_opts *o)
{
    return o != NULL && o->size == sizeof *o && o->on_log == NULL && o->on_failure == NULL &&
           o->on_dead_letter == NULL && o->ctx == NULL && o->log_level == 0 && !o->virtual_clock;
}

static tr_err program_run(struct program *p, tr_node_opts opts)
{
    tr_addr main_actor;
    struct sigaction before[2];
    opts.on_log = to_stderr;
    opts.on_failure = program_failed;
    opts.ctx = p;
    if (opts.name == NULL)
        opts.name = "main";
    const tr_spawn_opts spawn = { .size = sizeof spawn, .body = main_body, .arg = p, .name = "main" };
    tr_err err = tr_node_create(&opts, &program_node);
    if (err == TR_OK)
        err = tr_node_spawn(program_node, &spawn, &main_actor);
    if (err != TR_OK)
        return err;
    p->id = program_node->world.told_elsewhere = main_actor.actor;
    if (tr_debug_from_env(program_node) != TR_OK)
        to_stderr(NULL, TR_LOG_WARN, "TROUPE_DEBUG says something that debug mode does not know, or cannot do");
    signals_take(before);
    err = tr_node_run(program_node);
    signals_give_back(before);
    return err == TR_ETIMEDOUT ? TR_OK : err; /* who had to be killed has been logged */
}

int tr_main_with(const tr_node_opts *opts, tr_body_fn *main_fn, void *arg)
{
    struct program p = { .main_fn = main_fn, .arg = arg, .result = TR_EKILLED };
    tr_err err = TR_EINVAL;
    snprintf(p.text, sizeof p.text, "%s", "the main actor was ended by force");
    standard_descriptors_take();
    if (!opts_are_ours(opts)) {
        p.result = err;
        snprintf(p.text, sizeof p.text,
                 "tr_main_with: opts.size is not sizeof(tr_node_opts), or an option is set that is tr_main's own");
    } else if ((err = program_run(&p, *opts)) != TR_OK) {
        p.result = err;
        if (err == TR_EINVAL)
            snprintf(
                p.text, sizeof p.text,
                "the node could not be made: an option is out of range (at most %d workers and %u actors; a stop_grace_ms "
                "above 0)",
                WORKERS_MAX, CELL_MAX);
        else
            snprintf(p.text, sizeof p.text, "the node could not be made: %s (%s)", tr_err_text(err), strerror(errno));
    }
    int status = program_status(&p);
    tr_node_destroy(&program_node);
    return status;
}

int tr_main(tr_body_fn *main_fn, void *arg)
{
    const tr_node_opts opts = { .size = sizeof opts };
    return tr_main_with(&opts, main_fn, arg);
}
