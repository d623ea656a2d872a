/* SPDX-License-Identifier: MIT */
/* sys.c - the system calls that may fail: one door, so that tests can make the n-th fail */
#include "base/sys.h"

/* Relaxed everywhere: the counter orders nothing but itself, and a test that sets it knows what else runs. */
atomic_bool sys_is_armed;
static atomic_uint_fast64_t sys_count;
static atomic_uint_fast64_t sys_at;
static atomic_int sys_number;
static _Atomic(const char *) sys_name;

bool sys_fails_slow(const char *name, int number)
{
    uint64_t i = atomic_fetch_add_explicit(&sys_count, 1, memory_order_relaxed) + 1;
    if (i != atomic_load_explicit(&sys_at, memory_order_relaxed))
        return false;
    int given = atomic_load_explicit(&sys_number, memory_order_relaxed);
    atomic_store_explicit(&sys_name, name, memory_order_relaxed);
    errno = given != 0 ? given : number;
    return true;
}

uint64_t sys_fail_at(uint64_t n, int number)
{
    atomic_store_explicit(&sys_is_armed, false, memory_order_relaxed);
    uint64_t count = atomic_exchange_explicit(&sys_count, 0, memory_order_relaxed);
    if (n > 0)
        atomic_store_explicit(&sys_name, NULL, memory_order_relaxed);
    atomic_store_explicit(&sys_at, n, memory_order_relaxed);
    atomic_store_explicit(&sys_number, number, memory_order_relaxed);
    atomic_store_explicit(&sys_is_armed, n > 0, memory_order_relaxed);
    return count;
}

const char *sys_failed(void)
{
    const char *name = atomic_load_explicit(&sys_name, memory_order_relaxed);
    return name != NULL ? name : "";
}
