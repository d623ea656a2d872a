/* SPDX-License-Identifier: MIT */
/* certs.c - certificates for tests, made when they are needed */
#include "certs.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "certificates for the test: %s\n", what);
        abort();
    }
}

static EVP_PKEY *key_new(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    must(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1, "keygen_init");
    must(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1) == 1, "curve");
    must(EVP_PKEY_keygen(ctx, &key) == 1, "keygen");
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(ext != NULL && X509_add_ext(cert, ext, -1) == 1, value);
    X509_EXTENSION_free(ext);
}

/* issuer NULL: signed by itself, an authority. */
static X509 *cert_new(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial = 1;
    X509 *cert = X509_new();
    must(cert != NULL && X509_set_version(cert, 2) == 1, "X509_new");
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *) name, -1, -1, 0);
    X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : subject);
    extend(cert, issuer != NULL ? issuer : cert, NID_basic_constraints,
           issuer != NULL ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (issuer != NULL)
        extend(cert, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    must(X509_sign(cert, issuer != NULL ? issuer_key : key, EVP_sha256()) > 0, "sign");
    return cert;
}

static char *text_of(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t) len);
    BIO_free(bio);
    must(text != NULL, "memory");
    return text;
}

static char *cert_pem(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    must(PEM_write_bio_X509(bio, cert) == 1, "PEM");
    return text_of(bio);
}

void certs_make(struct certs *certs)
{
    EVP_PKEY *ca_key = key_new(), *key = key_new();
    X509 *ca = cert_new("test authority", ca_key, NULL, NULL);
    X509 *cert = cert_new("localhost", key, ca, ca_key);
    BIO *bio = BIO_new(BIO_s_mem());
    must(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1, "PEM");
    *certs = (struct certs){ .ca = cert_pem(ca), .cert = cert_pem(cert), .key = text_of(bio) };
    bio = BIO_new(BIO_s_mem());
    unsigned char password[] = CERTS_PASSWORD;
    must(PEM_write_bio_PrivateKey(bio, key, EVP_aes_128_cbc(), password, sizeof password - 1, NULL, NULL) == 1, "PEM");
    certs->locked_key = text_of(bio);
    X509_free(ca);
    X509_free(cert);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

void certs_free(struct certs *certs)
{
    free(certs->ca);
    free(certs->cert);
    free(certs->key);
    free(certs->locked_key);
}
