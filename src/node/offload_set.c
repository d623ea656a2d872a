/* SPDX-License-Identifier: MIT */
/* offload_set.c - the bounds of a node's pools of threads */
#include <troupe/offload.h>

#include "base/clock.h"
#include "node/node.h"

#define THREADS_MAX 4096

tr_err tr_node_offload_set(tr_node *node, const tr_offload_opts *opts)
{
    if (opts == NULL || opts->size != sizeof *opts || opts->threads_max > THREADS_MAX ||
        opts->resolver_threads_max > THREADS_MAX || opts->idle_ms < 0 || opts->idle_ms > INT64_MAX / 4 / NS_PER_MS)
        return TR_EINVAL;
    helpers_limit(&node->world.work, opts->threads_max, opts->queue_len_max, opts->idle_ms * NS_PER_MS);
    helpers_limit(&node->world.name_helpers, opts->resolver_threads_max, opts->queue_len_max,
                  opts->idle_ms * NS_PER_MS);
    return TR_OK;
}
