/* SPDX-License-Identifier: MIT */
/* bench_rusage.c - runs a command and says what it cost, on standard error: "rusage wall_ns cpu_us resident_kib"
 *
 * A program of its own because a child's peak of resident memory starts at what its parent had when it forked: measured
 * from Python, a small program would be charged for the interpreter.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static long long time_us(struct timeval tv)
{
    return (long long) tv.tv_sec * 1000000 + tv.tv_usec;
}

int main(int argc, char **argv)
{
    int status;
    struct rusage used;
    if (argc < 2)
        return 2;
    long long start = now_ns();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
        return 126;
    long long wall = now_ns() - start;
    fprintf(stderr, "rusage %lld %lld %ld\n", wall, time_us(used.ru_utime) + time_us(used.ru_stime), used.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
