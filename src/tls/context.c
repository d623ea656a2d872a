/* SPDX-License-Identifier: MIT */
/* context.c - certificates, and whom to trust */
#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

const char *tls_reason(const char *otherwise)
{
    unsigned long code = ERR_get_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return reason != NULL ? reason : otherwise;
}

/* Each loader returns what went wrong with it, or NULL. */

/* The certificates of a chain in text: the first is ours, the others go with it. */
static const char *load_chain(SSL_CTX *ctx, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    bool ok = cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1;
    X509_free(cert);
    while (ok && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        if (SSL_CTX_add_extra_chain_cert(ctx, cert) != 1) { /* takes it over if it succeeds */
            X509_free(cert);
            ok = false;
        }
    if (ok)
        ERR_clear_error(); /* the end of the text is an error to the reader */
    BIO_free(bio);
    return ok ? NULL : "cert_pem";
}

/* For a key that is locked. OpenSSL's own would ask at the terminal. */
struct password {
    const char *text; /* NULL: none */
    bool is_wanted;
};

static int password_give(char *buf, int size, int for_writing, void *arg)
{
    struct password *password = arg;
    size_t len = password->text != NULL ? strlen(password->text) : 0;
    (void) for_writing;
    password->is_wanted = true;
    if (password->text == NULL || len > (size_t) size)
        return -1;
    memcpy(buf, password->text, len);
    return (int) len;
}

static const char *load_key(SSL_CTX *ctx, const char *pem, struct password *password)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, password_give, password) : NULL;
    bool ok = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok ? NULL : "key_pem";
}

static const char *load_authorities(SSL_CTX *ctx, const char *pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert;
    int n = 0;
    bool ok = bio != NULL;
    while (ok && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        ok = X509_STORE_add_cert(store, cert) == 1;
        X509_free(cert);
        n++;
    }
    if (ok && n > 0)
        ERR_clear_error();
    BIO_free(bio);
    return ok && n > 0 ? NULL : "ca_pem";
}

static const char *load_identity(SSL_CTX *ctx, const tr_tls_opts *opts, bool *has_cert)
{
    const char *bad = NULL;
    struct password password = { opts->key_password, false };
    SSL_CTX_set_default_passwd_cb(ctx, password_give);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &password);
    *has_cert = opts->cert_file != NULL || opts->cert_pem != NULL;
    if (*has_cert != (opts->key_file != NULL || opts->key_pem != NULL))
        return "a certificate and its key go together";
    if (opts->cert_file != NULL && SSL_CTX_use_certificate_chain_file(ctx, opts->cert_file) != 1)
        return "cert_file";
    if (opts->key_file != NULL && SSL_CTX_use_PrivateKey_file(ctx, opts->key_file, SSL_FILETYPE_PEM) != 1)
        bad = "key_file";
    if (bad == NULL && opts->cert_pem != NULL)
        bad = load_chain(ctx, opts->cert_pem);
    if (bad == NULL && opts->key_pem != NULL)
        bad = load_key(ctx, opts->key_pem, &password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, NULL);
    if (bad != NULL && password.is_wanted)
        return "the key is locked; key_password does not open it";
    if (bad == NULL && *has_cert && SSL_CTX_check_private_key(ctx) != 1)
        bad = "the key is not the certificate's";
    return bad;
}

static const char *load_trust(SSL_CTX *ctx, const tr_tls_opts *opts)
{
    if (opts->ca_file != NULL && SSL_CTX_load_verify_locations(ctx, opts->ca_file, NULL) != 1)
        return "ca_file";
    if (opts->ca_pem != NULL)
        return load_authorities(ctx, opts->ca_pem);
    if (opts->ca_file == NULL)
        (void) SSL_CTX_set_default_verify_paths(ctx);
    return NULL;
}

/* The names as they go over the wire. */
static const char *load_alpn(tr_tls *tls, const char *const *names)
{
    size_t len = 0;
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        size_t n = strlen(names[i]);
        len += n + 1;
        if (n == 0 || n > TR_TLS_ALPN_MAX || len > UINT16_MAX)
            return "alpn: names of 1 to 255 bytes, 64 KiB together";
    }
    if (len == 0)
        return NULL;
    unsigned char *to = tls->alpn = OPENSSL_malloc(len);
    if (to == NULL)
        return "alpn: out of memory";
    for (size_t i = 0; names[i] != NULL; i++) {
        *to = (unsigned char) strlen(names[i]);
        memcpy(to + 1, names[i], *to);
        to += *to + 1;
    }
    tls->alpn_len = (unsigned) len;
    SSL_CTX_set_alpn_select_cb(tls->ctx, session_alpn_select, NULL);
    return SSL_CTX_set_alpn_protos(tls->ctx, tls->alpn, tls->alpn_len) == 0 ? NULL : "alpn";
}

tr_err tr_tls_create(const tr_tls_opts *opts, tr_tls **out, char *why, size_t why_size)
{
    if (opts == NULL || opts->size < sizeof *opts) {
        if (why != NULL)
            snprintf(why, why_size, "opts.size is not set");
        return TR_EINVAL;
    }
    tr_tls *tls = OPENSSL_zalloc(sizeof *tls);
    SSL_CTX *ctx = tls != NULL ? SSL_CTX_new(TLS_method()) : NULL;
    if (ctx == NULL) {
        OPENSSL_free(tls);
        return TR_ENOMEM;
    }
    (void) SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void) SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void) SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* idle connections hold little */
    tls->ctx = ctx;
    tls->insecure = opts->insecure;
    const char *bad = load_identity(ctx, opts, &tls->has_cert);
    if (bad == NULL)
        bad = load_trust(ctx, opts);
    if (bad == NULL)
        bad = load_alpn(tls, opts->alpn);
    /* Where clients have certificates a session is taken up again only by the servers that gave it, which have to say
     * who they are; its tickets open with this context's own key in any case. */
    (void) SSL_CTX_set_session_id_context(ctx, (const unsigned char *) "troupe", 6);
    if (opts->verify_peers)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (bad != NULL) {
        if (why != NULL)
            snprintf(why, why_size, "%s: %s", bad, tls_reason("not as it should be"));
        ERR_clear_error();
        tr_tls_destroy(&tls);
        return TR_EINVAL;
    }
    *out = tls;
    return TR_OK;
}

void tr_tls_destroy(tr_tls **tls)
{
    if (*tls == NULL)
        return;
    SSL_CTX_free((*tls)->ctx);
    OPENSSL_free((*tls)->alpn);
    OPENSSL_free(*tls);
    *tls = NULL;
}
