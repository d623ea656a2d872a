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
    unsigned char *alpn; /* as it goes over the wire: each name behind its length; NULL: none */
    unsigned alpn_len;
};

/* A server's choice among what a client offers; in session.c, since a session may outlive its context. */
int session_alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                        unsigned in_len, void *arg);

/* The first reason in this thread's queue of errors, which is emptied; otherwise if there is none. Static. */
const char *tls_reason(const char *otherwise);

#endif
