/* SPDX-License-Identifier: MIT */
/* capture.c - the registers and the stack of another thread, as it runs, by a signal to it */
#include "debug/capture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "debug/peek.h"

enum capture_state { CAPTURE_IDLE, CAPTURE_WANTED, CAPTURE_RUNS, CAPTURE_DONE };

/* One request at a time. Whoever moves state from WANTED owns slot: the thread asked (to RUNS, then DONE), or the one
 * that asks and gives up (to IDLE). A signal that comes later finds nothing WANTED. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static atomic_int state;
static struct capture slot;

bool capture_serve(const siginfo_t *info, const void *ucontext)
{
    int wanted = CAPTURE_WANTED;
    if (info->si_code != SI_QUEUE || info->si_pid != getpid() || info->si_value.sival_ptr != (void *) &slot)
        return false;
    if (!atomic_compare_exchange_strong(&state, &wanted, CAPTURE_RUNS))
        return true;
    slot.registers = registers_of_ucontext(ucontext);
    slot.low = slot.registers.sp;
    slot.size = peek(slot.bytes, (const void *) slot.low, sizeof slot.bytes);
    atomic_store(&state, CAPTURE_DONE);
    return true;
}

static bool send_request(int tid, int signo)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = signo;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = &slot;
    return syscall(SYS_rt_tgsigqueueinfo, (long) getpid(), (long) tid, (long) signo, &info) == 0;
}

/* Until the thread has answered, or its time is over. */
static bool await_answer(void)
{
    const struct timespec pause = { 0, NS_PER_MS / 10 };
    int64_t until = clock_monotonic_ns() + CAPTURE_WAIT_MS * NS_PER_MS;
    int wanted = CAPTURE_WANTED;
    while (atomic_load(&state) != CAPTURE_DONE) {
        if (clock_monotonic_ns() > until && atomic_compare_exchange_strong(&state, &wanted, CAPTURE_IDLE))
            return false;
        wanted = CAPTURE_WANTED;
        nanosleep(&pause, NULL);
    }
    return true;
}

bool capture_thread(int tid, int signo, struct capture *c)
{
    if (tid == 0 || signo == 0 || tid == (int) gettid())
        return false;
    pthread_mutex_lock(&one_at_a_time);
    atomic_store(&state, CAPTURE_WANTED);
    bool done = send_request(tid, signo) && await_answer();
    if (done)
        memcpy(c, &slot, offsetof(struct capture, bytes) + slot.size);
    atomic_store(&state, CAPTURE_IDLE);
    pthread_mutex_unlock(&one_at_a_time);
    return done;
}
