/* SPDX-License-Identifier: MIT */
/* overflow.c - an actor that ran over its stack is named before the process ends
 *
 * The fault is in the guard below a stack, so there is no room on it: the handler runs on an alternate stack, and uses
 * nothing but write(2). */
#include "node/overflow.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actor/cell_ext.h"
#include "base/alloc.h"
#include "sched/sched.h"

#define HANDLER_STACK (64u * 1024u)

static struct sigaction handler_before;
static atomic_int watchers;

static void say(const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, text, len);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t) n;
    }
}

static void say_number(uint64_t n)
{
    char digits[24];
    size_t i = sizeof digits;
    digits[--i] = '\0';
    do
        digits[--i] = (char) ('0' + n % 10);
    while ((n /= 10) != 0);
    say(&digits[i]);
}

static void overrun_report(const struct tr_self *self)
{
    say("troupe: actor ");
    say(self->cell != NULL ? cell_label(self->cell) : "(none: the scheduler's loop)");
    if (self->cell != NULL) {
        say(" <");
        say_number((uint32_t) self->cell->id);
        say(".");
        say_number(self->cell->id >> 32);
        say(">");
    }
    say(" ran over its stack of ");
    say_number((self->coro.size + STACK_GUARD + sizeof *self + 1023) / 1024);
    say(" KiB: deep recursion or large locals; give it more with tr_spawn_opts.stack_size or tr_behaviour.stack_size\n");
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const struct worker *w = sched_current();
    if (w != NULL && w->self != NULL && stack_is_overrun(&w->self->coro, info->si_addr)) {
        overrun_report(w->self);
        signal(SIGABRT, SIG_DFL);
        abort(); /* the stack is gone: there is nothing to go on with */
    }
    if (handler_before.sa_flags & SA_SIGINFO) {
        handler_before.sa_sigaction(number, info, context);
    } else if (handler_before.sa_handler != SIG_IGN && handler_before.sa_handler != SIG_DFL) {
        handler_before.sa_handler(number);
    } else {
        signal(number, SIG_DFL); /* returning runs into the fault again, and the default ends the process with a core */
    }
}

void overflow_watch_begin(struct overflow_watch *watch)
{
    memset(watch, 0, sizeof *watch);
    watch->stack = mem_alloc(HANDLER_STACK);
    const stack_t stack = { .ss_sp = watch->stack, .ss_size = HANDLER_STACK };
    if (watch->stack == NULL || sigaltstack(&stack, &watch->stack_before) != 0)
        return;
    watch->active = true;
    if (atomic_fetch_add(&watchers, 1) > 0)
        return;
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &handler_before);
}

void overflow_watch_end(struct overflow_watch *watch)
{
    if (watch->active) {
        if (atomic_fetch_sub(&watchers, 1) == 1)
            sigaction(SIGSEGV, &handler_before, NULL);
        sigaltstack(&watch->stack_before, NULL);
    }
    mem_free(watch->stack);
}
