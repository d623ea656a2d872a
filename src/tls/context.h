/* SPDX-License-Identifier: MIT */
/* context.h - certificates, and whom to trust; OpenSSL's words */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <troupe/tls.h>

struct tr_tls {
    SSL_CTX *ctx; /* counts its users by itself */
    bool insecure;
    bool has_cert;
};

/* The first reason in this thread's queue of errors, which is emptied; otherwise if there is none. Static. */
const char *tls_reason(const char *otherwise);

#endif
