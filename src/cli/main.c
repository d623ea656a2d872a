/* SPDX-License-Identifier: MIT */
/* main.c - the troupe command: which command it is, and the exit */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static int help_command(int argc, char **argv);
static int version_command(int argc, char **argv);

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    { "fetch", fetch_command, "fetch web pages, many at a time" },
    { "version", version_command, "print the version" },
    { "help", help_command, "print this, or the help of a command" },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

int output_close(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CLI_DONE;
    fprintf(stderr, "troupe: cannot write to standard output: %s\n", strerror(errno));
    return CLI_FAILED;
}

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static int command_unknown(const char *name)
{
    fprintf(stderr, "troupe: there is no %s \"%s\"; see: troupe help\n", name[0] == '-' ? "option" : "command", name);
    return CLI_USAGE;
}

static int help_print(void)
{
    printf("usage: troupe COMMAND [ARGUMENT...]\n\ncommands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s%s\n", commands[i].name, commands[i].what);
    printf("\ntroupe COMMAND --help tells more about one.\n");
    return output_close();
}

static int help_command(int argc, char **argv)
{
    if (argc < 2 || is_help(argv[1]))
        return help_print();
    const struct command *c = command_find(argv[1]);
    if (c == NULL)
        return command_unknown(argv[1]);
    char *args[] = { argv[1], (char[]){ "--help" }, NULL };
    return c->run(2, args);
}

static int version_command(int argc, char **argv)
{
    if (argc > 1 && !is_help(argv[1])) {
        fprintf(stderr, "troupe version: it takes no argument \"%s\"; see: troupe version --help\n", argv[1]);
        return CLI_USAGE;
    }
    if (argc > 1)
        printf("usage: troupe version\n\nPrints the version of this command.\n");
    else
        printf("troupe %d.%d.%d\n", TR_VERSION_MAJOR, TR_VERSION_MINOR, TR_VERSION_PATCH);
    return output_close();
}

/* A reader that goes away is an error of the write that finds out, not a silent end. */
static int command_run(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
        fprintf(stderr, "troupe: cannot write to standard output: %s\n", strerror(errno));
        return CLI_FAILED;
    }
    if (argc < 2) {
        fprintf(stderr, "troupe: no command is given; see: troupe help\n");
        return CLI_USAGE;
    }
    if (is_help(argv[1]))
        return help_print();
    if (strcmp(argv[1], "--version") == 0)
        return version_command(1, argv);
    const struct command *c = command_find(argv[1]);
    return c != NULL ? c->run(argc - 1, argv + 1) : command_unknown(argv[1]);
}

int main(int argc, char **argv)
{
    exit(command_run(argc, argv));
}
