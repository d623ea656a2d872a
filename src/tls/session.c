/* SPDX-License-Identifier: MIT */
/* session.c - one TLS connection, as a layer of a stream
 *
 * OpenSSL works between two buffers of its own: what came is put into one, what must go out is taken from the other. So
 * it never touches the descriptor, never waits, and raises no SIGPIPE; reading, writing and waiting are the stream's.
 * The layer is put in before the handshake, so that the session is the stream's from the beginning, whatever becomes of
 * the actor that shakes hands. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/context.h"

#define PIECE 16384

struct session {
    SSL *ssl;
    BIO *in, *out;       /* ssl's */
    bool ready;          /* hands are shaken */
    char *host;          /* who the peer must be; NULL: we are the server */
    unsigned char *alpn; /* a server's copy of its context's */
    unsigned alpn_len;
};

/* ---- the layer; on the thread's own stack ---- */

/* What OpenSSL wants the peer to have. */
static tr_err wire_out(struct session *s, tr_layer_io *io)
{
    char buf[PIECE];
    int n;
    tr_err err = TR_OK;
    while (err == TR_OK && (n = BIO_read(s->out, buf, sizeof buf)) > 0)
        err = tr_layer_wire(io, buf, (size_t) n);
    return err;
}

static tr_err session_fail(const struct session *s, tr_layer_io *io, const char *what)
{
    long verified = SSL_get_verify_result(s->ssl);
    if (!s->ready && verified != X509_V_OK)
        return tr_layer_fail(io, TR_EBADMSG, "%s: the certificate of %s: %s", what,
                             s->host != NULL ? s->host : "the client", X509_verify_cert_error_string(verified));
    return tr_layer_fail(io, TR_EBADMSG, "%s: %s", what, tls_reason("no TLS, or it was cut off"));
}

static tr_err shake_hands(struct session *s, tr_layer_io *io)
{
    int rc = SSL_do_handshake(s->ssl);
    if (rc == 1) {
        s->ready = true;
        return TR_OK;
    }
    return SSL_get_error(s->ssl, rc) == SSL_ERROR_WANT_READ ? TR_OK : session_fail(s, io, "handshake");
}

static tr_err read_plain(struct session *s, tr_layer_io *io)
{
    char buf[PIECE];
    for (;;) {
        int n = SSL_read(s->ssl, buf, sizeof buf);
        if (n > 0) {
            tr_err err = tr_layer_plain(io, buf, (size_t) n);
            if (err != TR_OK)
                return err;
            continue;
        }
        switch (SSL_get_error(s->ssl, n)) {
        case SSL_ERROR_WANT_READ:
            return TR_OK;
        case SSL_ERROR_ZERO_RETURN:
            return TR_ECLOSED;
        default:
            return session_fail(s, io, "read");
        }
    }
}

static tr_err session_decode(void *state, const void *wire, size_t len, bool end, tr_layer_io *io)
{
    struct session *s = state;
    ERR_clear_error();
    if (len > 0 && BIO_write(s->in, wire, (int) len) != (int) len)
        return TR_ENOMEM;
    tr_err err = s->ready ? TR_OK : shake_hands(s, io);
    if (err == TR_OK && s->ready)
        err = read_plain(s, io);
    tr_err sent = wire_out(s, io);
    if (err == TR_OK && end)
        err = tr_layer_fail(io, s->ready ? TR_EBADMSG : TR_ECLOSED,
                            s->ready ? "the connection was cut off: it ended without a goodbye"
                                     : "the peer closed before hands were shaken");
    return err == TR_OK ? sent : err;
}

static tr_err session_encode(void *state, const void *plain, size_t len, bool end, tr_layer_io *io)
{
    struct session *s = state;
    ERR_clear_error();
    if (!s->ready && end) /* nothing to say goodbye to */
        return TR_OK;
    if (!s->ready)
        return tr_layer_fail(io, TR_EBADMSG, "hands have not been shaken");
    int n = len > 0 ? SSL_write(s->ssl, plain, (int) len) : 0;
    if (len > 0 && n != (int) len)
        return session_fail(s, io, "write");
    if (end)
        (void) SSL_shutdown(s->ssl);
    return wire_out(s, io);
}

static void session_destroy(void *state)
{
    struct session *s = state;
    SSL_free(s->ssl); /* and its buffers */
    OPENSSL_free(s->host);
    OPENSSL_free(s->alpn);
    OPENSSL_free(s);
}

static const tr_stream_layer tls_layer = { .size = sizeof tls_layer,
                                           .name = "tls",
                                           .decode = session_decode,
                                           .encode = session_encode,
                                           .destroy = session_destroy };

/* ---- shaking hands ---- */

static struct session *session_new(const tr_tls *tls)
{
    struct session *s = OPENSSL_zalloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->ssl = SSL_new(tls->ctx);
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    if (s->ssl == NULL || s->in == NULL || s->out == NULL) {
        BIO_free(s->in);
        BIO_free(s->out);
        session_destroy(s);
        return NULL;
    }
    SSL_set_bio(s->ssl, s->in, s->out);
    SSL_set_app_data(s->ssl, s);
    return s;
}

/* Whom the certificate must be of. A dot at the end is how a name says that it is whole; certificates have none, and a
 * server is not told of it (RFC 6066). */
static tr_err expect_host(struct session *s, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
    size_t len = strlen(host);
    s->host = OPENSSL_strndup(host, len > 1 && host[len - 1] == '.' ? len - 1 : len);
    if (s->host == NULL)
        return TR_ENOMEM;
    if (X509_VERIFY_PARAM_set1_ip_asc(param, s->host) == 1)
        return TR_OK;
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool ok = SSL_set1_host(s->ssl, s->host) == 1 && SSL_set_tlsext_host_name(s->ssl, s->host) == 1;
    return ok ? TR_OK : TR_EINVAL;
}

int session_alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                        unsigned in_len, void *arg)
{
    const struct session *s = SSL_get_app_data(ssl);
    unsigned char *chosen;
    (void) arg;
    int rc = SSL_select_next_proto(&chosen, out_len, s->alpn, s->alpn_len, in, in_len);
    *out = chosen;
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* A server's list, which the context may be gone with before hands are shaken. */
static tr_err session_take_alpn(struct session *s, const tr_tls *tls)
{
    if (tls->alpn == NULL)
        return TR_OK;
    s->alpn = OPENSSL_memdup(tls->alpn, tls->alpn_len);
    s->alpn_len = tls->alpn_len;
    return s->alpn != NULL ? TR_OK : TR_ENOMEM;
}

static bool session_is_ready(const void *state)
{
    const struct session *s = state;
    return s->ready;
}

struct start {
    const tr_tls *tls;
    const char *host; /* NULL: we are the server */
    struct session *session;
};

/* On the thread's own stack: the first use of OpenSSL loads its configuration. */
static int session_start(void *arg)
{
    struct start *start = arg;
    struct session *s = session_new(start->tls);
    if (s == NULL)
        return TR_ENOMEM;
    tr_err err;
    if (start->host == NULL) {
        SSL_set_accept_state(s->ssl);
        err = session_take_alpn(s, start->tls);
    } else {
        SSL_set_connect_state(s->ssl);
        SSL_set_verify(s->ssl, start->tls->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
        err = expect_host(s, start->host);
    }
    if (err == TR_OK)
        start->session = s;
    else
        session_destroy(s);
    return (int) err;
}

static tr_err handshake(tr_self *self, tr_stream stream, const tr_tls *tls, const char *host, int64_t timeout_ms)
{
    struct start start = { .tls = tls, .host = host };
    tr_err err = (tr_err) tr_call(self, session_start, &start);
    if (err != TR_OK)
        return tr_fail_with(self, err, "tls: %s", err == TR_ENOMEM ? "out of memory" : "the host's name is none");
    err = tr_stream_layer_add(self, stream, &tls_layer, start.session);
    if (err != TR_OK) {
        session_destroy(start.session);
        return err;
    }
    return tr_stream_layer_until(self, stream, session_is_ready, timeout_ms);
}

tr_err tr_tls_connect(tr_self *self, tr_stream stream, const tr_tls *tls, const char *host, int64_t timeout_ms)
{
    if (tls == NULL || host == NULL || host[0] == '\0')
        return tr_fail_with(self, TR_EINVAL, "tls: no context, or no host to expect");
    return handshake(self, stream, tls, host, timeout_ms);
}

tr_err tr_tls_alpn(tr_self *self, tr_stream stream, char protocol[TR_TLS_ALPN_MAX + 1])
{
    const void *state;
    const unsigned char *name = NULL;
    unsigned len = 0;
    tr_err err = tr_stream_layer_state(self, stream, &tls_layer, &state);
    if (err != TR_OK)
        return err;
    const struct session *s = state;
    SSL_get0_alpn_selected(s->ssl, &name, &len);
    if (len > 0)
        memcpy(protocol, name, len);
    protocol[len] = '\0';
    return TR_OK;
}

tr_err tr_tls_accept(tr_self *self, tr_stream stream, const tr_tls *tls, int64_t timeout_ms)
{
    if (tls == NULL || !tls->has_cert)
        return tr_fail_with(self, TR_EINVAL, "tls: a server needs a certificate and its key");
    return handshake(self, stream, tls, NULL, timeout_ms);
}
