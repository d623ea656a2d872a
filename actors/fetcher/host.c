/* SPDX-License-Identifier: MIT */
/* host.c - hosts: the requests that wait for each, and whose turn it is
 *
 * Requests to one host start in the order they came. Hosts that have a request waiting and are below their own limit
 * stand in the ready list and are served in turn, so one host with ten thousand requests does not hold up another with
 * one.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static bool host_is(const struct host *h, const struct origin *o, uint64_t hash)
{
    return h->hash == hash && h->port == o->port && h->tls == o->tls && h->name_len == o->host_len &&
           strncasecmp(h->name, o->host, o->host_len) == 0;
}

/* NULL: out of memory. */
struct host *host_get(struct fetcher *f, const struct origin *origin)
{
    uint64_t hash = origin_hash(origin);
    struct host **bucket = &f->hosts[hash % HOST_BUCKETS];
    for (struct host *h = *bucket; h != NULL; h = h->next) {
        if (host_is(h, origin, hash))
            return h;
    }
    struct host *h = calloc(1, sizeof *h + origin->host_len + 1);
    if (h == NULL)
        return NULL;
    TAILQ_INIT(&h->waiting);
    h->hash = hash;
    h->port = origin->port;
    h->tls = origin->tls;
    h->name_len = origin->host_len;
    memcpy(h->name, origin->host, origin->host_len);
    h->next = *bucket;
    *bucket = h;
    return h;
}

/* Lets go of a host that has no request any more. */
void host_put(struct fetcher *f, struct host *host)
{
    if (host->active > 0 || host->resting > 0 || !TAILQ_EMPTY(&host->waiting))
        return;
    host_forget_ready(f, host);
    struct host **at = &f->hosts[host->hash % HOST_BUCKETS];
    while (*at != host)
        at = &(*at)->next;
    *at = host->next;
    free(host);
}

/* Puts the host at the end of the ready list if it belongs there. */
void host_ready(struct fetcher *f, struct host *host)
{
    if (host->is_ready || host->active >= f->config.per_host_max || TAILQ_EMPTY(&host->waiting))
        return;
    TAILQ_INSERT_TAIL(&f->ready, host, ready_link);
    host->is_ready = true;
}

void host_forget_ready(struct fetcher *f, struct host *host)
{
    if (host->is_ready)
        TAILQ_REMOVE(&f->ready, host, ready_link);
    host->is_ready = false;
}
