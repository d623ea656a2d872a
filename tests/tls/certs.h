/* SPDX-License-Identifier: MIT */
/* certs.h - certificates for tests, made when they are needed */
#ifndef TLS_CERTS_H
#define TLS_CERTS_H

#define CERTS_PASSWORD "open sesame"

struct certs {
    char *ca;         /* an authority's certificate, PEM */
    char *cert;       /* signed by it, for localhost and 127.0.0.1 */
    char *key;        /* of cert */
    char *locked_key; /* the same, behind CERTS_PASSWORD */
};

/* All new each time: two of them do not trust each other. */
void certs_make(struct certs *certs);
void certs_free(struct certs *certs);

#endif
