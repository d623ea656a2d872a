/* SPDX-License-Identifier: MIT */
/* fault.c - what a test makes fail: allocations, system calls, sends; and its eye on what is sent */
#include "base/alloc.h"
#include "base/sys.h"
#include "node/node.h"

uint64_t tr_test_fail_alloc(uint64_t n)
{
    return mem_fail_at(n);
}

uint64_t tr_test_fail_syscall(uint64_t n, int number)
{
    return sys_fail_at(n, number);
}

const char *tr_test_failed_syscall(void)
{
    return sys_failed();
}

/* ---- sends ---- */

static tr_err send_seen(struct watch *watch, const struct cell *c)
{
    (void) c;
    struct kit *kit = list_entry(watch, struct kit, watch);
    return ++kit->sends == kit->send_at ? kit->send_err : TR_OK;
}

static void delivery_seen(struct watch *watch, struct worker *w, const struct cell *c, const struct tr_msg *m)
{
    record_add(list_entry(watch, struct kit, watch), w, c, m);
}

void kit_init(struct kit *kit)
{
    *kit = (struct kit){ .watch = { send_seen, delivery_seen } };
    list_init(&kit->records);
}

void kit_fini(struct kit *kit)
{
    struct list *l;
    while ((l = list_pop(&kit->records)) != NULL)
        record_orphan(l);
}

void kit_watch(tr_node *node)
{
    struct world *world = &node->world;
    if (world->watch != NULL)
        return;
    world->watch = &node->kit.watch;
    for (uint32_t slot = 0; slot < world->cells.used; slot++) {
        struct cell *chunk = atomic_load_explicit(&world->cells.chunk[slot / CELL_CHUNK], memory_order_relaxed);
        if (chunk != NULL && (chunk[slot % CELL_CHUNK].run.flags & CELL_LIVE))
            chunk[slot % CELL_CHUNK].run.flags |= CELL_WATCHED;
    }
}

uint64_t tr_test_fail_send(tr_node *node, uint64_t n, tr_err err)
{
    uint64_t count = node->kit.sends;
    kit_watch(node);
    node->kit.sends = 0;
    node->kit.send_at = n;
    node->kit.send_err = err;
    return count;
}
