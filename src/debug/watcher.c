/* SPDX-License-Identifier: MIT */
/* watcher.c - a thread that writes listings when a signal asks for one */
#include "debug/watcher.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <troupe/debug.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "debug/capture.h"
#include "debug/listing.h"
#include "debug/symbols.h"

struct watcher {
    sem_t wake;
    _Atomic(const tr_node *) node; /* NULL: free */
    _Atomic(struct worker *) slow; /* its turn's stack is wanted in the log */
    pthread_t thread;
    struct sigaction before; /* of the signal; the same in all its watchers */
    atomic_int signo;        /* what the handler compares; 0: free */
    atomic_int listings;     /* asked for */
    atomic_bool quit;
    bool wake_made;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* everything but what is atomic */
static struct watcher watchers[WATCHERS_MAX];

static void on_signal(int signo, siginfo_t *info, void *ucontext)
{
    int saved = errno;
    if (!capture_serve(info, ucontext))
        for (size_t i = 0; i < WATCHERS_MAX; i++)
            if (atomic_load(&watchers[i].signo) == signo) {
                atomic_fetch_add(&watchers[i].listings, 1);
                (void) sem_post(&watchers[i].wake);
            }
    errno = saved;
}

static void write_all(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        len -= (size_t) n;
    }
}

/* In memory first: a stream of the program's may be locked by the thread that is stuck. */
static void listing_to_stderr(const struct watcher *w)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return;
    tr_err err = listing_write(w->node, atomic_load(&w->signo), out);
    if (fclose(out) == 0 && size > 0)
        write_all(text, size);
    if (err != TR_OK)
        write_all("troupe: this listing is not complete: memory, or the right to read it, is missing\n", 82);
    free(text);
}

/* ---- a turn that is slow ---- */

struct slow {
    const struct log *log;
    int n;
};

static bool slow_frame(void *ctx, const tr_debug_frame *frame)
{
    char text[512];
    struct slow *s = ctx;
    if (frame_is_of_loop(frame))
        return s->n == 0;
    frame_text(frame, text, sizeof text);
    log_line(s->log, TR_LOG_WARN, "    #%d %s", s->n++, text);
    return true;
}

/* Where the worker's thread is, if it is still in the turn that the ticker found slow. */
static void slow_to_log(struct worker *w, int signo)
{
    struct symbols symbols;
    struct slow slow = { &w->world->log, 0 };
    uint64_t turn = atomic_load_explicit(&w->turns, memory_order_acquire);
    int tid = atomic_load_explicit(&sched_of(w)->tid, memory_order_relaxed);
    struct capture *c = mem_alloc(sizeof *c);
    if (c != NULL && capture_thread(tid, signo, c) && atomic_load_explicit(&w->turns, memory_order_acquire) == turn) {
        const tr_debug_stack stack = { c->registers.ip, c->registers.sp, c->registers.bp, c->low, c->size, c->bytes };
        symbols_open(&symbols);
        symbols_walk(&symbols, &stack, slow_frame, &slow);
        symbols_close(&symbols);
    }
    mem_free(c);
}

void debug_is_slow(struct worker *w)
{
    if (!(atomic_load_explicit(&w->world->debug.flags, memory_order_relaxed) & TR_DEBUG_SLOW))
        return;
    for (size_t i = 0; i < WATCHERS_MAX; i++)
        if (atomic_load(&watchers[i].signo) != 0 && watchers[i].node == w->world->node) {
            atomic_store(&watchers[i].slow, w);
            (void) sem_post(&watchers[i].wake);
            return;
        }
    log_line(&w->world->log, TR_LOG_WARN, "    (its stack is not to be had: tr_debug_on_signal was not called)");
}

/* ---- the thread ---- */

static void *watcher_main(void *arg)
{
    struct watcher *w = arg;
    for (;;) {
        while (sem_wait(&w->wake) != 0)
            ;
        if (atomic_load(&w->quit))
            return NULL;
        struct worker *slow = atomic_exchange(&w->slow, NULL);
        if (slow != NULL)
            slow_to_log(slow, atomic_load(&w->signo));
        if (atomic_exchange(&w->listings, 0) > 0) /* however often it was asked for meanwhile */
            listing_to_stderr(w);
    }
}

/* ---- under lock ---- */

static struct watcher *find(const tr_node *node)
{
    for (size_t i = 0; i < WATCHERS_MAX; i++)
        if (watchers[i].node == node)
            return &watchers[i];
    return NULL;
}

static struct watcher *other_of_signal(const struct watcher *w, int signo)
{
    for (size_t i = 0; i < WATCHERS_MAX; i++)
        if (&watchers[i] != w && watchers[i].node != NULL && atomic_load(&watchers[i].signo) == signo)
            return &watchers[i];
    return NULL;
}

static void watcher_stop(struct watcher *w)
{
    int signo = atomic_load(&w->signo);
    if (other_of_signal(w, signo) == NULL)
        sigaction(signo, &w->before, NULL);
    atomic_store(&w->quit, true);
    (void) sem_post(&w->wake);
    pthread_join(w->thread, NULL);
    atomic_store(&w->signo, 0);
    w->node = NULL;
}

static bool thread_start(struct watcher *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's own threads' business */
    bool ok = sys_thread_create(&w->thread, NULL, watcher_main, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

/* The handler may use an alternate stack where there is one: that of an actor may be nearly used up. */
static tr_err handler_install(struct watcher *w, int signo)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };
    const struct watcher *other = other_of_signal(w, signo);
    sigemptyset(&action.sa_mask);
    if (other != NULL) {
        w->before = other->before;
        return TR_OK;
    }
    return sigaction(signo, &action, &w->before) == 0 ? TR_OK : TR_EINVAL;
}

static tr_err watcher_start(struct watcher *w, const tr_node *node, int signo)
{
    if (!w->wake_made && sem_init(&w->wake, 0, 0) != 0)
        return TR_EIO;
    w->wake_made = true;
    while (sem_trywait(&w->wake) == 0)
        ; /* posts that came too late for the one before */
    atomic_store(&w->quit, false);
    atomic_store(&w->listings, 0);
    atomic_store(&w->slow, NULL);
    w->node = node;
    if (!thread_start(w)) {
        w->node = NULL;
        return TR_ENOMEM;
    }
    tr_err err = handler_install(w, signo);
    if (err == TR_OK) {
        atomic_store(&w->signo, signo);
        return TR_OK;
    }
    atomic_store(&w->quit, true);
    (void) sem_post(&w->wake);
    pthread_join(w->thread, NULL);
    w->node = NULL;
    return err;
}

/* ---- from outside ---- */

int watcher_signo(const tr_node *node)
{
    pthread_mutex_lock(&lock);
    const struct watcher *w = find(node);
    int signo = w != NULL ? atomic_load(&w->signo) : 0;
    pthread_mutex_unlock(&lock);
    return signo;
}

void watcher_forget(const tr_node *node)
{
    pthread_mutex_lock(&lock);
    struct watcher *w = find(node);
    if (w != NULL)
        watcher_stop(w);
    pthread_mutex_unlock(&lock);
}

static bool is_of_a_fault(int signo)
{
    return signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE || signo == SIGILL || signo == SIGTRAP;
}

tr_err tr_debug_on_signal(tr_node *node, int signo)
{
    tr_err err = TR_OK;
    if (signo < 0 || is_of_a_fault(signo))
        return TR_EINVAL;
    watcher_forget(node);
    if (signo == 0)
        return TR_OK;
    pthread_mutex_lock(&lock);
    struct watcher *w = find(NULL);
    err = w != NULL ? watcher_start(w, node, signo) : TR_EFULL;
    pthread_mutex_unlock(&lock);
    return err;
}

tr_err tr_debug_print(tr_node *node, FILE *out)
{
    return listing_write(node, watcher_signo(node), out);
}
