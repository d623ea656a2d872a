/* SPDX-License-Identifier: MIT */
/* signal_name.c - signals by their names: sigabbrev_np(3) is younger than the C libraries we run on */
#include <troupe/signal.h>

#include <signal.h>
#include <stdio.h>

static const char *const names[] = {
    [SIGHUP] = "SIGHUP",       [SIGINT] = "SIGINT",   [SIGQUIT] = "SIGQUIT",   [SIGILL] = "SIGILL",
    [SIGTRAP] = "SIGTRAP",     [SIGABRT] = "SIGABRT", [SIGBUS] = "SIGBUS",     [SIGFPE] = "SIGFPE",
    [SIGKILL] = "SIGKILL",     [SIGUSR1] = "SIGUSR1", [SIGSEGV] = "SIGSEGV",   [SIGUSR2] = "SIGUSR2",
    [SIGPIPE] = "SIGPIPE",     [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM",   [SIGCHLD] = "SIGCHLD",
    [SIGCONT] = "SIGCONT",     [SIGSTOP] = "SIGSTOP", [SIGTSTP] = "SIGTSTP",   [SIGTTIN] = "SIGTTIN",
    [SIGTTOU] = "SIGTTOU",     [SIGURG] = "SIGURG",   [SIGXCPU] = "SIGXCPU",   [SIGXFSZ] = "SIGXFSZ",
    [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF", [SIGWINCH] = "SIGWINCH", [SIGIO] = "SIGIO",
    [SIGPWR] = "SIGPWR",       [SIGSYS] = "SIGSYS",
};

const char *tr_signal_name(int number)
{
    static _Thread_local char text[24];
    const int first = SIGRTMIN, last = SIGRTMAX;
    if (number > 0 && number < (int) (sizeof names / sizeof names[0]) && names[number] != NULL)
        return names[number];
    if (number == first)
        return "SIGRTMIN";
    if (number > first && number <= last)
        snprintf(text, sizeof text, "SIGRTMIN+%d", number - first);
    else
        snprintf(text, sizeof text, "signal %d", number);
    return text;
}
