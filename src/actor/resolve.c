/* SPDX-License-Identifier: MIT */
/* resolve.c - names to socket addresses, on threads of their own */
#include <troupe/resolve.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "actor/error.h"
#include "actor/offload.h"
#include "base/alloc.h"

#define HOST_MAX 1024 /* NI_MAXHOST less its NUL */
#define SERVICE_MAX 64

/* A question and its answer. */
struct lookup {
    bool has_host, has_service;
    char host[HOST_MAX + 1];
    char service[SERVICE_MAX + 1];
    struct addrinfo hints;
    int number; /* errno, with EAI_SYSTEM */
    size_t n;
    tr_endpoint list[TR_RESOLVE_MAX];
};

static void lookup_take(struct lookup *l, const struct addrinfo *found)
{
    for (const struct addrinfo *a = found; a != NULL && l->n < TR_RESOLVE_MAX; a = a->ai_next) {
        if (a->ai_addrlen > sizeof l->list[0].addr)
            continue;
        tr_endpoint *e = &l->list[l->n++];
        *e = (tr_endpoint){ a->ai_family, a->ai_socktype, a->ai_protocol, a->ai_addrlen, { 0 } };
        memcpy(&e->addr, a->ai_addr, a->ai_addrlen);
    }
}

/* Returns what getaddrinfo returned. */
static int lookup_run(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo *found = NULL;
    int eai = getaddrinfo(l->has_host ? l->host : NULL, l->has_service ? l->service : NULL, &l->hints, &found);
    l->number = errno;
    if (eai == 0) {
        lookup_take(l, found);
        freeaddrinfo(found);
    }
    return eai;
}

/* Numbers need no name server, and no file. */
static int lookup_run_numeric(void *arg)
{
    struct lookup *l = arg;
    int flags = l->hints.ai_flags;
    l->hints.ai_flags = (l->has_host ? flags & ~AI_ADDRCONFIG : flags) | AI_NUMERICHOST | AI_NUMERICSERV;
    int eai = lookup_run(l);
    l->hints.ai_flags = flags;
    return eai;
}

static const char *eai_name(int eai)
{
    switch (eai) {
    case EAI_AGAIN:
        return "EAI_AGAIN";
    case EAI_BADFLAGS:
        return "EAI_BADFLAGS";
    case EAI_FAIL:
        return "EAI_FAIL";
    case EAI_FAMILY:
        return "EAI_FAMILY";
    case EAI_MEMORY:
        return "EAI_MEMORY";
    case EAI_NODATA:
        return "EAI_NODATA";
    case EAI_NONAME:
        return "EAI_NONAME";
    case EAI_ADDRFAMILY:
        return "EAI_ADDRFAMILY";
    case EAI_SERVICE:
        return "EAI_SERVICE";
    case EAI_SOCKTYPE:
        return "EAI_SOCKTYPE";
    case EAI_SYSTEM:
        return "EAI_SYSTEM";
    default:
        return "EAI_?";
    }
}

static tr_err eai_err(int eai)
{
    switch (eai) {
    case EAI_AGAIN:
        return TR_ENOCONN;
    case EAI_MEMORY:
        return TR_ENOMEM;
    case EAI_BADFLAGS:
    case EAI_FAMILY:
    case EAI_SOCKTYPE:
        return TR_EINVAL;
    default:
        return TR_EIO;
    }
}

static tr_err lookup_error(struct tr_self *self, const struct lookup *l, int eai)
{
    return error_set(self, eai_err(eai), "resolve", "host %.200s, service %s: %s (%s)",
                     l->has_host ? l->host : "(none)", l->has_service ? l->service : "(none)",
                     eai == EAI_SYSTEM ? strerror(l->number) : gai_strerror(eai), eai_name(eai));
}

static tr_err lookup_fill(struct tr_self *self, struct lookup *l, const char *host, const char *service,
                          const tr_resolve_opts *opts)
{
    static const tr_resolve_opts defaults = { .size = sizeof defaults };
    const tr_resolve_opts *o = opts != NULL ? opts : &defaults;
    if (o->size != sizeof *o)
        return error_set(self, TR_EINVAL, "resolve", "the options' size is %zu, not %zu", o->size, sizeof *o);
    if (host == NULL && service == NULL)
        return error_set(self, TR_EINVAL, "resolve", "neither a host nor a service");
    if ((host != NULL && strlen(host) > HOST_MAX) || (service != NULL && strlen(service) > SERVICE_MAX))
        return error_set(self, TR_EINVAL, "resolve", "a host of more than %d bytes, or a service of more than %d",
                         HOST_MAX, SERVICE_MAX);
    l->has_host = host != NULL;
    l->has_service = service != NULL;
    snprintf(l->host, sizeof l->host, "%s", host != NULL ? host : "");
    snprintf(l->service, sizeof l->service, "%s", service != NULL ? service : "");
    l->hints.ai_family = o->family;
    l->hints.ai_socktype = o->type != 0 ? o->type : SOCK_STREAM;
    /* AI_ADDRCONFIG does not count the loopback: with a family it would make a machine without a network nameless. */
    l->hints.ai_flags = (o->passive ? AI_PASSIVE : 0) | (o->numeric ? AI_NUMERICHOST : 0) |
                        (o->all || o->family != AF_UNSPEC ? 0 : AI_ADDRCONFIG);
    return TR_OK;
}

/* Owns: l moves; TR_OK gives it back, with addresses in it. */
static tr_err lookup_do(struct tr_self *self, struct lookup *l, int64_t timeout_ms)
{
    int eai = worker_call(self, lookup_run_numeric, l);
    tr_err err = TR_OK;
    if (eai != 0)
        err = offload_run(self, &self->worker->world->name_helpers, "resolve", lookup_run, l, mem_free, timeout_ms,
                          &eai);
    if (err != TR_OK || eai == 0)
        return err;
    err = lookup_error(self, l, eai);
    mem_free(l);
    return err;
}

tr_err tr_resolve(tr_self *self, const char *host, const char *service, const tr_resolve_opts *opts, int64_t timeout_ms,
                  tr_endpoint *list, size_t max, size_t *n)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    if (max == 0)
        return error_set(self, TR_EINVAL, "resolve", "no room for an address");
    struct lookup *l = mem_zalloc(sizeof *l);
    if (l == NULL)
        return error_set(self, TR_ENOMEM, "resolve", "out of memory");
    tr_err err = lookup_fill(self, l, host, service, opts);
    if (err != TR_OK) {
        mem_free(l);
        return err;
    }
    err = lookup_do(self, l, timeout_ms);
    if (err != TR_OK)
        return err;
    size_t found = l->n < max ? l->n : max;
    memcpy(list, l->list, found * sizeof *list);
    mem_free(l);
    *n = found;
    return TR_OK;
}

const char *tr_endpoint_text(const tr_endpoint *endpoint, char buf[TR_ENDPOINT_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN];
    const void *addr = &endpoint->addr;
    const struct sockaddr_in *in4 = addr;
    const struct sockaddr_in6 *in6 = addr;
    if (endpoint->family == AF_INET && inet_ntop(AF_INET, &in4->sin_addr, host, sizeof host) != NULL)
        snprintf(buf, TR_ENDPOINT_TEXT_MAX, "%s:%u", host, ntohs(in4->sin_port));
    else if (endpoint->family == AF_INET6 && inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host) != NULL)
        snprintf(buf, TR_ENDPOINT_TEXT_MAX, "[%s]:%u", host, ntohs(in6->sin6_port));
    else
        snprintf(buf, TR_ENDPOINT_TEXT_MAX, "?");
    return buf;
}
