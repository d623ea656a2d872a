/* SPDX-License-Identifier: MIT */
/* signal_hub.c - the process's signals: which are caught, and whom the handler wakes
 *
 * Not signalfd(2): it wants the signal blocked in every thread, also in those that the program made before it asked. A
 * handler runs in whatever thread there is, and does the two things that are allowed in it: it looks at atomics and
 * writes to eventfds.
 *
 * The handler takes no lock, so it may find a slot that is just being given up. Whoever gives one up clears it, and
 * then waits until no handler is under way: one that came later sees it cleared. */
#include "machine/signal_hub.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

static struct {
    atomic_int number; /* 0: free */
    atomic_int fd;
} slots[SIGNAL_WATCHES_MAX];

static atomic_uint handlers; /* under way */

/* Under the lock: */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned watches[NSIG];
static struct sigaction before_watches[NSIG];

static void on_signal(int number)
{
    const uint64_t one = 1;
    int saved = errno;
    /* Pairs with signal_hub_remove: we count ourselves and then look at the slot, it clears the slot and then looks at
     * the count; one of us sees the other. Sequentially consistent for that. */
    atomic_fetch_add(&handlers, 1);
    for (int i = 0; i < SIGNAL_WATCHES_MAX; i++)
        if (atomic_load(&slots[i].number) == number)
            (void) !write(atomic_load(&slots[i].fd), &one, sizeof one); /* full: 2^64 signals are enough to tell of */
    atomic_fetch_sub(&handlers, 1);
    errno = saved;
}

static bool is_caught(int number)
{
    return number > 0 && number < NSIG && watches[number] > 0;
}

tr_err signal_hub_add(int number, int event_fd, int *slot)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    tr_err err = TR_OK;
    int i = 0;
    sigemptyset(&action.sa_mask);
    if (number <= 0 || number >= NSIG)
        return TR_EINVAL;
    pthread_mutex_lock(&lock);
    while (i < SIGNAL_WATCHES_MAX && atomic_load(&slots[i].number) != 0)
        i++;
    if (i == SIGNAL_WATCHES_MAX) {
        err = TR_EFULL;
    } else {
        atomic_store(&slots[i].fd, event_fd);
        atomic_store(&slots[i].number, number);
        if (watches[number] == 0 && sigaction(number, &action, &before_watches[number]) != 0)
            err = TR_EINVAL;
    }
    if (err == TR_OK) {
        watches[number]++;
        *slot = i;
    } else if (err == TR_EINVAL) {
        atomic_store(&slots[i].number, 0);
    }
    pthread_mutex_unlock(&lock);
    return err;
}

void signal_hub_remove(int slot)
{
    pthread_mutex_lock(&lock);
    int number = atomic_load(&slots[slot].number);
    if (--watches[number] == 0)
        sigaction(number, &before_watches[number], NULL);
    atomic_store(&slots[slot].number, 0);
    pthread_mutex_unlock(&lock);
    while (atomic_load(&handlers) != 0)
        sched_yield();
}

void signal_hub_action(int number, const struct sigaction *action, struct sigaction *before)
{
    pthread_mutex_lock(&lock);
    if (is_caught(number)) {
        if (before != NULL)
            *before = before_watches[number];
        before_watches[number] = *action;
    } else {
        sigaction(number, action, before);
    }
    pthread_mutex_unlock(&lock);
}
