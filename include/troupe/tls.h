/* SPDX-License-Identifier: MIT */
/* tls.h - encryption over a stream, on either side; in the library troupe_tls, which needs OpenSSL
 *
 * A stream that is connected, or accepted, becomes a TLS stream and is used as before: read, written, given away,
 * active once. Its peer's orderly end (close_notify) is TR_ECLOSED; an end without one is TR_EBADMSG, since somebody
 * may have cut the connection. tr_stream_close and tr_stream_finish say goodbye properly; a stream that its actor did
 * not close does not. TLS 1.2 or later, without renegotiation.
 */
#ifndef TROUPE_TLS_H
#define TROUPE_TLS_H

#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Certificates, and whom to trust; for any number of streams on any thread. */
typedef struct tr_tls tr_tls;

typedef struct tr_tls_opts {
    size_t size; /* sizeof(tr_tls_opts) */
    /* Who we are: a chain and its key, in PEM, as files or as text. A server must have them, a client may. */
    const char *cert_file, *key_file;
    const char *cert_pem, *key_pem;
    /* Whom we trust: authorities in PEM. Neither: those of the system. */
    const char *ca_file, *ca_pem;
    bool insecure;            /* a client does not look who its peer is: for tests */
    bool verify_peers;        /* a server wants a certificate of each client, signed by these authorities */
    const char *key_password; /* of a key that is locked; without it such a key is an error: nobody is asked */
    /* Which protocols are spoken inside (ALPN, RFC 7301), best first, NULL behind the last; NULL: not said. The server
     * takes its first that the client offers, and refuses one that offers others only. */
    const char *const *alpn;
} tr_tls_opts;

/* Owns: *tls the caller. why (may be NULL) gets up to why_size bytes of words when it fails. Errors: TR_EINVAL (opts, a
 * file that is missing, PEM that is none, a key that does not fit), TR_ENOMEM. Thread: any. */
TR_API TR_MUST_CHECK tr_err tr_tls_create(const tr_tls_opts *opts, tr_tls **tls, char *why, size_t why_size);

/* Streams that use it go on. NULL in *tls is fine. Thread: any. */
TR_API void tr_tls_destroy(tr_tls **tls);

/* Both: shake hands. Suspends, for at most timeout_ms. After an error the stream is good only for being closed. Errors:
 * TR_EBADMSG (the certificate, the name, or what came is no TLS: tr_error says), TR_ECLOSED, TR_ETIMEDOUT,
 * TR_ECANCELED, TR_EBUSY (in use, or a layer is there), TR_EIO, TR_EINVAL, TR_ENOMEM. */

/* As a client. host: whose certificate it must be, a name or an address; sent to the server, too, if it is a name. */
TR_API TR_MUST_CHECK tr_err tr_tls_connect(tr_self *self, tr_stream stream, const tr_tls *tls, const char *host,
                                           int64_t timeout_ms);

/* As a server. */
TR_API TR_MUST_CHECK tr_err tr_tls_accept(tr_self *self, tr_stream stream, const tr_tls *tls, int64_t timeout_ms);

/* The protocol that both sides agreed on, "h2"; "" if either did not say. Errors: TR_EINVAL (no TLS stream),
 * TR_ECLOSED. Suspends: no. */
#define TR_TLS_ALPN_MAX 255
TR_API TR_MUST_CHECK tr_err tr_tls_alpn(tr_self *self, tr_stream stream, char protocol[TR_TLS_ALPN_MAX + 1]);

#ifdef __cplusplus
}
#endif
#endif
