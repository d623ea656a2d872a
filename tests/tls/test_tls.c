/* SPDX-License-Identifier: MIT */
/* test_tls.c - TLS over streams, with good peers and with bad ones (docs/semantics.md, S36) */
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <troupe/tls.h>

#include "certs.h"
#include "support/stream_test.h"

#define BIG 2000000u

struct run {
    struct notes notes;
    struct certs certs, others;
    tr_tls *server, *client;
    tr_stream ends[2]; /* the client's, the server's */
    tr_addr child;
    const char *host;
    char *big;
    size_t got;
};

static struct run *run_new(void)
{
    struct run *run = calloc(1, sizeof *run);
    char why[200] = "";
    certs_make(&run->certs);
    certs_make(&run->others);
    const tr_tls_opts server = { .size = sizeof server, .cert_pem = run->certs.cert, .key_pem = run->certs.key };
    const tr_tls_opts client = { .size = sizeof client, .ca_pem = run->certs.ca };
    assert_int_equal(tr_tls_create(&server, &run->server, why, sizeof why), TR_OK);
    assert_int_equal(tr_tls_create(&client, &run->client, why, sizeof why), TR_OK);
    run->host = "localhost";
    run->big = calloc(1, BIG);
    for (size_t i = 0; i < BIG; i++)
        run->big[i] = (char) (i * 13 + i / 255);
    return run;
}

static void run_free(struct run *run)
{
    tr_tls_destroy(&run->server);
    tr_tls_destroy(&run->client);
    certs_free(&run->certs);
    certs_free(&run->others);
    free(run->big);
    free(run);
}

static void replace(tr_tls **tls, const tr_tls_opts *opts)
{
    tr_tls_destroy(tls);
    assert_int_equal(tr_tls_create(opts, tls, NULL, 0), TR_OK);
}

static void test(tr_body_fn *body, struct run *run, const char *expected)
{
    run_streams(body, run);
    assert_string_equal(run->notes.text, expected);
    run_free(run);
}

/* ---- the server's side ---- */

/* Shakes hands, then sends back what it gets. */
static tr_err echoes(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[20000];
    size_t n;
    tr_err err = tr_tls_accept(self, run->ends[1], run->server, 5000);
    while (err == TR_OK) {
        err = tr_stream_read(self, run->ends[1], buf, sizeof buf, 5000, &n);
        if (err == TR_OK)
            err = tr_stream_write(self, run->ends[1], buf, n, 5000);
    }
    note(&run->notes, "server:%s", tr_err_name(err) + 3);
    tr_stream_close(self, run->ends[1]);
    return TR_OK;
}

/* A pair of streams, and the server's side at work in an actor of its own. */
static tr_err starts(tr_self *self, struct run *run)
{
    tr_err err = tr_stream_pair(self, run->ends);
    return err == TR_OK ? tr_spawn(self, echoes, run, &run->child) : err;
}

static tr_err shakes(tr_self *self, struct run *run)
{
    return note_err(&run->notes, tr_tls_connect(self, run->ends[0], run->client, run->host, 5000));
}

/* ---- good peers ---- */

static tr_err talks(tr_self *self, void *arg)
{
    struct run *run = arg;
    char line[16] = "", c;
    size_t n;
    tr_err err = starts(self, run);
    (void) shakes(self, run);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], "one\ntwo\n", 8, 10000));
    note_err(&run->notes, tr_stream_read_line(self, run->ends[0], line, sizeof line, 10000, NULL));
    note_err(&run->notes, tr_stream_read_line(self, run->ends[0], line, sizeof line, 10000, NULL));
    note(&run->notes, "%s", line);
    note_err(&run->notes, tr_stream_finish(self, run->ends[0], 10000));
    note_err(&run->notes, tr_stream_read(self, run->ends[0], &c, 1, 10000, &n));
    return err;
}

/* S36.1 */
static void both_sides_talk_and_say_goodbye(void **state)
{
    (void) state;
    test(talks, run_new(), "OK OK OK OK two OK server:ECLOSED ECLOSED");
}

static tr_err talks_to_its_host(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = starts(self, run);
    (void) shakes(self, run);
    tr_stream_close(self, run->ends[0]);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

static void certificate_of_an_address_is_good_for_it(void **state)
{
    struct run *run = run_new();
    (void) state;
    run->host = "127.0.0.1";
    test(talks_to_its_host, run, "OK server:ECLOSED");
}

/* As a name is written that no search domain is to be added to. */
static void dot_at_the_end_of_a_name_is_no_part_of_it(void **state)
{
    struct run *run = run_new();
    (void) state;
    run->host = "localhost.";
    test(talks_to_its_host, run, "OK server:ECLOSED");
}

static tr_err drinks(tr_self *self, void *arg)
{
    struct run *run = arg;
    char buf[30000];
    size_t n = 0;
    while (run->got < BIG) {
        tr_err err = tr_stream_read(self, run->ends[0], buf, sizeof buf, 5000, &n);
        if (err != TR_OK || memcmp(buf, run->big + run->got, n) != 0)
            return tr_fail_with(self, TR_EBADMSG, "at %zu", run->got);
        run->got += n;
    }
    return TR_OK;
}

static tr_err pours(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr drinker;
    tr_err err = starts(self, run);
    (void) shakes(self, run);
    if (err == TR_OK)
        err = tr_spawn(self, drinks, run, &drinker);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], run->big, BIG, 10000));
    note_err(&run->notes, err == TR_OK ? tr_join(self, drinker, NULL) : err);
    tr_stream_close(self, run->ends[0]);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S31.1, S30.7: one writes while another reads */
static void much_goes_both_ways_at_once(void **state)
{
    (void) state;
    test(pours, run_new(), "OK OK OK server:ECLOSED");
}

static tr_err takes(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_stream s;
    tr_bytes data = { "", 0 };
    int64_t id, code;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_stream_take(self, tr_arg(m, 0), &s);
    if (err == TR_OK)
        err = tr_stream_once_until(self, s, "\n", 1, 100, "line");
    if (err == TR_OK)
        err = tr_stream_queue(self, s, "over there\n", 11);
    if (err == TR_OK)
        err = tr_recv_for(self, 5000, &m);
    if (err == TR_OK && tr_is(m, "line", &id, &data, &code))
        note(&run->notes, "%.*s", (int) data.len - 1, (const char *) data.data);
    tr_stream_close(self, s);
    return err;
}

static tr_err gives(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_addr taker;
    tr_err err = starts(self, run);
    (void) shakes(self, run);
    if (err == TR_OK)
        err = tr_spawn(self, takes, run, &taker);
    note_err(&run->notes, tr_stream_give(self, run->ends[0], taker, "take"));
    if (err == TR_OK)
        err = tr_join(self, taker, NULL);
    return err == TR_OK ? tr_join(self, run->child, NULL) : err;
}

/* S33.1, S32.1 */
static void session_goes_with_the_stream_and_serves_active_once(void **state)
{
    (void) state;
    test(gives, run_new(), "OK OK over there server:ECLOSED");
}

/* ---- bad peers ---- */

static tr_err mistrusts(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = starts(self, run);
    (void) shakes(self, run);
    char words[64];
    snprintf(words, sizeof words, "the certificate of %s: ", run->host);
    note(&run->notes, "%s", strstr(tr_error(self)->text, words) != NULL ? "certificate" : tr_error(self)->text);
    (void) !tr_join(self, run->child, NULL);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], "secret", 6, 10000));
    return err;
}

/* S36.2: nothing is written to who could not be trusted, and the server is told */
static void certificate_of_an_unknown_authority_is_refused(void **state)
{
    struct run *run = run_new();
    (void) state;
    const tr_tls_opts opts = { .size = sizeof opts, .ca_pem = run->others.ca };
    replace(&run->client, &opts);
    test(mistrusts, run, "EBADMSG certificate server:EBADMSG EBADMSG");
}

/* S36.2 */
static void certificate_of_another_name_is_refused(void **state)
{
    struct run *run = run_new();
    (void) state;
    run->host = "example.org";
    test(mistrusts, run, "EBADMSG certificate server:EBADMSG EBADMSG");
}

static void insecure_client_takes_any_certificate(void **state)
{
    struct run *run = run_new();
    (void) state;
    const tr_tls_opts opts = { .size = sizeof opts, .ca_pem = run->others.ca, .insecure = true };
    replace(&run->client, &opts);
    test(talks_to_its_host, run, "OK server:ECLOSED");
}

static tr_err has_no_certificate(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    tr_err err = starts(self, run);
    tr_err shaken = tr_tls_connect(self, run->ends[0], run->client, run->host, 5000);
    if (shaken == TR_OK) /* TLS 1.3: the server's refusal comes after the client has finished */
        shaken = tr_stream_read(self, run->ends[0], &c, 1, 5000, &n);
    note_err(&run->notes, shaken);
    tr_stream_close(self, run->ends[0]);
    return err;
}

/* S36.2 */
static void client_without_a_certificate_is_refused_where_one_is_wanted(void **state)
{
    struct run *run = run_new();
    (void) state;
    const tr_tls_opts opts = { .size = sizeof opts,
                               .cert_pem = run->certs.cert,
                               .key_pem = run->certs.key,
                               .ca_pem = run->certs.ca,
                               .verify_peers = true };
    replace(&run->server, &opts);
    test(has_no_certificate, run, "server:EBADMSG EBADMSG");
}

static tr_err speaks_plainly(tr_self *self, void *arg)
{
    struct run *run = arg;
    const char *request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    tr_err err = starts(self, run);
    note_err(&run->notes, tr_stream_write(self, run->ends[0], request, strlen(request), 10000));
    (void) !tr_join(self, run->child, NULL);
    tr_stream_close(self, run->ends[0]);
    err = err == TR_OK ? tr_stream_pair(self, run->ends) : err;
    note_err(&run->notes, tr_stream_write(self, run->ends[1], "220 smtp.example.org ready\r\n", 28, 10000));
    (void) shakes(self, run);
    return err;
}

/* S36.2: to a server, and to a client */
static void plain_text_is_no_tls(void **state)
{
    (void) state;
    test(speaks_plainly, run_new(), "OK server:EBADMSG OK EBADMSG");
}

static tr_err cancels_the_server(tr_self *self, void *arg)
{
    struct run *run = arg;
    char line[16], c;
    size_t n;
    tr_err err = starts(self, run);
    (void) shakes(self, run);
    (void) !tr_stream_write(self, run->ends[0], "one\n", 4, 10000);
    note_err(&run->notes, tr_stream_read_line(self, run->ends[0], line, sizeof line, 10000, NULL));
    (void) tr_cancel_wait(self, run->child, NULL, 10000);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], &c, 1, 10000, &n));
    return err;
}

/* S36.4: it closes the stream when it sees the cancel */
static void cancelled_server_says_goodbye(void **state)
{
    (void) state;
    test(cancels_the_server, run_new(), "OK OK server:ECANCELED ECLOSED");
}

static tr_err owns_and_shakes(tr_self *self, void *arg)
{
    struct run *run = arg;
    const tr_msg *m;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_stream_take(self, tr_arg(m, 0), &run->ends[1]);
    if (err == TR_OK)
        err = tr_tls_accept(self, run->ends[1], run->server, 5000);
    if (err == TR_OK)
        err = tr_stream_write(self, run->ends[1], "x", 1, 10000);
    return err == TR_OK ? tr_sleep(self, 100000) : err;
}

static tr_err owner_is_killed(tr_self *self, void *arg)
{
    struct run *run = arg;
    char c;
    size_t n;
    tr_err err = tr_stream_pair(self, run->ends);
    if (err == TR_OK)
        err = tr_spawn(self, owns_and_shakes, run, &run->child);
    if (err == TR_OK)
        err = tr_stream_give(self, run->ends[1], run->child, "take");
    (void) shakes(self, run);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], &c, 1, 5000, &n));
    (void) tr_kill(self, run->child, NULL);
    note_err(&run->notes, tr_stream_read(self, run->ends[0], &c, 1, 10000, &n));
    note(&run->notes, "%d", strstr(tr_error(self)->text, "cut off") != NULL);
    return err;
}

/* S36.3, S36.4 */
static void end_without_a_goodbye_is_not_the_end(void **state)
{
    (void) state;
    test(owner_is_killed, run_new(), "OK OK EBADMSG 1");
}

static tr_err shakes_for_ever(tr_self *self, void *arg)
{
    struct run *run = arg;
    return note_err(&run->notes, tr_tls_connect(self, run->ends[0], run->client, run->host, TR_FOREVER));
}

static tr_err gives_up(tr_self *self, void *arg)
{
    struct run *run = arg;
    tr_err err = TR_OK;
    for (int how = 0; how < 3 && err == TR_OK; how++) {
        err = tr_stream_pair(self, run->ends);
        if (how == 0)
            note_err(&run->notes, tr_tls_connect(self, run->ends[0], run->client, run->host, 5));
        if (how == 1)
            note_err(&run->notes, tr_within(self, 5, shakes_for_ever, run));
        if (how == 2) {
            err = tr_spawn(self, shakes_for_ever, run, &run->child);
            (void) tr_sleep(self, 5);
            (void) tr_kill(self, run->child, NULL);
            note_err(&run->notes, tr_join(self, run->child, NULL));
        }
        tr_stream_close(self, run->ends[0]);
        tr_stream_close(self, run->ends[1]);
    }
    return err;
}

/* S30.4: by a timeout, a scope's deadline, a kill */
static void silent_peer_is_given_up(void **state)
{
    (void) state;
    test(gives_up, run_new(), "ETIMEDOUT ECANCELED ETIMEDOUT EKILLED");
}

/* ---- which protocol is spoken inside ---- */

static tr_err speaks(tr_self *self, void *arg)
{
    struct run *run = arg;
    char protocol[TR_TLS_ALPN_MAX + 1] = "?";
    tr_err err = tr_tls_accept(self, run->ends[1], run->server, 5000);
    if (err == TR_OK)
        err = tr_tls_alpn(self, run->ends[1], protocol);
    note(&run->notes, "server:%s/%s", tr_err_name(err) + 3, protocol);
    tr_stream_close(self, run->ends[1]);
    return TR_OK;
}

static tr_err agrees(tr_self *self, void *arg)
{
    struct run *run = arg;
    char protocol[TR_TLS_ALPN_MAX + 1] = "?";
    tr_err err = tr_stream_pair(self, run->ends);
    note_err(&run->notes, tr_tls_alpn(self, run->ends[0], protocol));
    if (err == TR_OK)
        err = tr_spawn(self, speaks, run, &run->child);
    if (shakes(self, run) == TR_OK) {
        note_err(&run->notes, tr_tls_alpn(self, run->ends[0], protocol));
        note(&run->notes, "%s", protocol);
    } else {
        note(&run->notes, "%d", strstr(tr_error(self)->text, "protocol") != NULL);
    }
    (void) !tr_join(self, run->child, NULL);
    tr_stream_close(self, run->ends[0]);
    return err;
}

static struct run *run_with_alpn(const char *const *client_alpn, const char *const *server_alpn)
{
    struct run *run = run_new();
    const tr_tls_opts client = { .size = sizeof client, .ca_pem = run->certs.ca, .alpn = client_alpn };
    const tr_tls_opts server = {
        .size = sizeof server, .cert_pem = run->certs.cert, .key_pem = run->certs.key, .alpn = server_alpn
    };
    replace(&run->client, &client);
    replace(&run->server, &server);
    return run;
}

/* S36.5: what both have and the server likes best; nothing where one does not care; else there is no connection */
static void both_sides_agree_on_a_protocol_or_have_none(void **state)
{
    static const char *const many[] = { "http/1.1", "h2", NULL };
    static const char *const likes_h2[] = { "acme", "h2", "http/1.1", NULL };
    static const char *const other[] = { "other", NULL };
    (void) state;
    test(agrees, run_with_alpn(many, likes_h2), "EINVAL OK OK h2 server:OK/h2");
    test(agrees, run_with_alpn(many, NULL), "EINVAL OK OK  server:OK/");
    test(agrees, run_with_alpn(NULL, many), "EINVAL OK OK  server:OK/");
    test(agrees, run_with_alpn(many, other), "EINVAL server:EBADMSG/? EBADMSG 1");
}

/* ---- peers that come again ---- */

struct visitor {
    int fd;
    SSL_CTX *ctx;
    SSL_SESSION **session; /* of the visit before */
};

/* On a thread: a client of OpenSSL's own, which takes up its session again. 1: it could; -1: it was refused. */
static int visits(void *arg)
{
    const struct visitor *v = arg;
    char c = 'x';
    SSL *ssl = SSL_new(v->ctx);
    SSL_set_fd(ssl, v->fd);
    if (*v->session != NULL)
        SSL_set_session(ssl, *v->session);
    bool ok = SSL_connect(ssl) == 1 && SSL_write(ssl, &c, 1) == 1 && SSL_read(ssl, &c, 1) == 1;
    int result = ok ? SSL_session_reused(ssl) : -1;
    SSL_SESSION_free(*v->session);
    *v->session = SSL_get1_session(ssl);
    (void) SSL_shutdown(ssl);
    SSL_free(ssl);
    return result;
}

static tr_err is_visited_twice(tr_self *self, void *arg)
{
    struct run *run = arg;
    SSL_SESSION *session = NULL;
    BIO *cert_bio = BIO_new_mem_buf(run->certs.cert, -1), *key_bio = BIO_new_mem_buf(run->certs.key, -1);
    X509 *cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    bool ok = SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    tr_err err = ok ? TR_OK : TR_EIO;
    for (int i = 0; i < 2 && err == TR_OK; i++) {
        int fd[2], result = -2;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
            return TR_EIO;
        err = tr_stream_open(self, fd[1], 0, &run->ends[1]);
        (void) fcntl(fd[1], F_SETFL, O_NONBLOCK);
        struct visitor v = { fd[0], ctx, &session };
        if (err == TR_OK)
            err = tr_spawn(self, echoes, run, &run->child);
        if (err == TR_OK)
            err = tr_offload(self, visits, &v, sizeof v, 5000, &result);
        close(fd[0]);
        (void) !tr_join(self, run->child, NULL);
        note(&run->notes, "%d", result);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    X509_free(cert);
    EVP_PKEY_free(key);
    BIO_free(cert_bio);
    BIO_free(key_bio);
    return err;
}

static void client_with_a_certificate_may_take_up_its_session_again(void **state)
{
    struct run *run = run_new();
    (void) state;
    const tr_tls_opts opts = { .size = sizeof opts,
                               .cert_pem = run->certs.cert,
                               .key_pem = run->certs.key,
                               .ca_pem = run->certs.ca,
                               .verify_peers = true };
    replace(&run->server, &opts);
    test(is_visited_twice, run, "server:ECLOSED 0 server:ECLOSED 1");
}

/* ---- contexts ---- */

/* Nobody is asked at the terminal. */
static void locked_key_wants_its_password(void **state)
{
    struct run *run = run_new();
    tr_tls *tls = NULL;
    char why[200] = "";
    (void) state;
    tr_tls_opts opts = { .size = sizeof opts, .cert_pem = run->certs.cert, .key_pem = run->certs.locked_key };
    assert_int_equal(tr_tls_create(&opts, &tls, why, sizeof why), TR_EINVAL);
    assert_non_null(strstr(why, "key_password"));
    opts.key_password = "wrong";
    assert_int_equal(tr_tls_create(&opts, &tls, why, sizeof why), TR_EINVAL);
    opts.key_password = CERTS_PASSWORD;
    assert_int_equal(tr_tls_create(&opts, &tls, why, sizeof why), TR_OK);
    tr_tls_destroy(&tls);
    run_free(run);
}

static void bad_certificates_are_refused_with_the_reason(void **state)
{
    struct run *run = run_new();
    tr_tls *tls = NULL;
    char why[200] = "", name[TR_TLS_ALPN_MAX + 1] = "";
    const char *too_many[300] = { NULL };
    (void) state;
    memset(name, 'x', TR_TLS_ALPN_MAX);
    for (size_t i = 0; i + 1 < sizeof too_many / sizeof too_many[0]; i++)
        too_many[i] = name;
    const tr_tls_opts bad[] = {
        { .size = 0 },
        { .size = sizeof bad[0], .cert_pem = run->certs.cert },
        { .size = sizeof bad[0], .cert_pem = run->certs.cert, .key_pem = run->others.key },
        { .size = sizeof bad[0], .cert_pem = "no certificate", .key_pem = run->certs.key },
        { .size = sizeof bad[0], .cert_pem = run->certs.cert, .key_pem = "no key" },
        { .size = sizeof bad[0], .cert_file = "/nonexistent", .key_file = "/nonexistent" },
        { .size = sizeof bad[0], .ca_file = "/nonexistent" },
        { .size = sizeof bad[0], .ca_pem = "none" },
        { .size = sizeof bad[0], .alpn = (const char *const[]){ "", NULL } },
        { .size = sizeof bad[0], .alpn = too_many },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why[0] = '\0';
        assert_int_equal(tr_tls_create(&bad[i], &tls, why, sizeof why), TR_EINVAL);
        assert_true(strlen(why) > 5);
        assert_null(tls);
    }
    tr_tls_destroy(&tls);
    run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_talk_and_say_goodbye),
        cmocka_unit_test(certificate_of_an_address_is_good_for_it),
        cmocka_unit_test(dot_at_the_end_of_a_name_is_no_part_of_it),
        cmocka_unit_test(much_goes_both_ways_at_once),
        cmocka_unit_test(session_goes_with_the_stream_and_serves_active_once),
        cmocka_unit_test(certificate_of_an_unknown_authority_is_refused),
        cmocka_unit_test(certificate_of_another_name_is_refused),
        cmocka_unit_test(insecure_client_takes_any_certificate),
        cmocka_unit_test(client_without_a_certificate_is_refused_where_one_is_wanted),
        cmocka_unit_test(plain_text_is_no_tls),
        cmocka_unit_test(cancelled_server_says_goodbye),
        cmocka_unit_test(end_without_a_goodbye_is_not_the_end),
        cmocka_unit_test(silent_peer_is_given_up),
        cmocka_unit_test(both_sides_agree_on_a_protocol_or_have_none),
        cmocka_unit_test(client_with_a_certificate_may_take_up_its_session_again),
        cmocka_unit_test(locked_key_wants_its_password),
        cmocka_unit_test(bad_certificates_are_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
