/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/tls/tls.c - one session: OpenSSL between two memory ends.
 *
 * OpenSSL reads and writes through a BIO of ours that has no buffers: it reads straight out of what feed was
 * given, and writes straight into out. So nothing is copied twice, and an idle session holds nothing but
 * OpenSSL's own state.
 *
 *     handshake --> open --> ended (the peer's close_notify)
 *         \           \--> failed
 *          \-------------> failed
 */
#include "net/tls/openssl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"

#define PIECE_BYTES 16384 /* a record's plaintext */

/* ---- the BIO ------------------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *buf, int len)
{
	struct weft__tls *tls = BIO_get_data(bio);
	size_t n = tls->in_len < (size_t)len ? tls->in_len : (size_t)len;

	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(buf, tls->in, n);
	tls->in += n;
	tls->in_len -= n;
	return (int)n;
}

static int bio_write(BIO *bio, const char *buf, int len)
{
	struct weft__tls *tls = BIO_get_data(bio);
	int r;

	BIO_clear_retry_flags(bio);
	if (len <= 0)
		return 0;
	r = tls->muted ? 0 : tls->options.fns->out((const uint8_t *)buf, (size_t)len, tls->options.user);
	if (r < 0) {
		tls->out_error = r;
		return -1;
	}
	return len;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static pthread_once_t method_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method; /* made once, then only read */

static void method_make(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft");

	if (m && BIO_meth_set_read(m, bio_read) && BIO_meth_set_write(m, bio_write) &&
	    BIO_meth_set_ctrl(m, bio_ctrl))
		method = m;
	else
		BIO_meth_free(m);
}

static BIO *bio_new(struct weft__tls *tls)
{
	BIO *bio;

	pthread_once(&method_once, method_make);
	bio = method ? BIO_new(method) : NULL;
	if (bio) {
		BIO_set_data(bio, tls);
		BIO_set_init(bio, 1);
	}
	return bio;
}

/* ---- tickets --------------------------------------------------------------------------------------- */

int weft__tls_ticket_put(SSL *ssl, SSL_SESSION *session)
{
	struct weft__tls *tls = SSL_get_app_data(ssl);
	struct weft__tls_tickets *t = tls ? tls->options.tickets : NULL;

	if (!t || !SSL_SESSION_is_resumable(session))
		return 0;
	if (t->count == WEFT__TLS_TICKETS) {
		SSL_SESSION_free(t->tickets[0]);
		memmove(t->tickets, t->tickets + 1, sizeof(t->tickets[0]) * --t->count);
	}
	t->tickets[t->count++] = session;
	return 1;
}

/*
 * The newest. One of TLS 1.3 is used once, so that nobody who listens can tell that two connections are one
 * client's.
 */
SSL_SESSION *weft__tls_ticket_take(struct weft__tls_tickets *t)
{
	SSL_SESSION *session;

	if (!t || t->count == 0)
		return NULL;
	session = t->tickets[t->count - 1];
	if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
		t->tickets[--t->count] = NULL;
	else
		SSL_SESSION_up_ref(session);
	return session;
}

void weft__tls_tickets_clear(struct weft__tls_tickets *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		SSL_SESSION_free(t->tickets[i]);
	t->count = 0;
}

/* ---- making one ---------------------------------------------------------------------------------------- */

static bool is_address(const char *host)
{
	unsigned char buf[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, buf) == 1 || inet_pton(AF_INET6, host, buf) == 1;
}

/* A name is sent and checked against names; an address is only checked, against addresses. */
static int expect_host(struct weft__tls *tls)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);

	if (is_address(tls->host))
		return X509_VERIFY_PARAM_set1_ip_asc(param, tls->host) ? 0 : -ENOMEM;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!X509_VERIFY_PARAM_set1_host(param, tls->host, 0) ||
	    !SSL_set_tlsext_host_name(tls->ssl, tls->host))
		return -EINVAL; /* longer than a name can be */
	return 0;
}

static int be_client(struct weft__tls *tls)
{
	SSL_SESSION *ticket;
	int r = expect_host(tls);

	if (r < 0)
		return r;
	SSL_set_connect_state(tls->ssl);
	ticket = weft__tls_ticket_take(tls->options.tickets);
	if (ticket)
		SSL_set_session(tls->ssl, ticket); /* one that cannot be used is a full handshake, no more */
	SSL_SESSION_free(ticket);
	return 0;
}

static int ssl_make(struct weft__tls *tls)
{
	BIO *bio = bio_new(tls);

	tls->ssl = bio ? SSL_new(tls->options.context->ssl_ctx) : NULL;
	if (!tls->ssl) {
		BIO_free(bio);
		return -ENOMEM;
	}
	SSL_set_bio(tls->ssl, bio, bio);
	SSL_set_app_data(tls->ssl, tls);
	if (tls->options.context->server) {
		SSL_set_accept_state(tls->ssl);
		return 0;
	}
	return be_client(tls);
}

/* "example.com." is a name too, but its certificate is for "example.com". */
static size_t name_len(const char *host)
{
	size_t len = strlen(host);

	return len > 1 && host[len - 1] == '.' ? len - 1 : len;
}

int weft__tls_create(const struct weft__tls_options *options, struct weft__tls **ret_tls)
{
	const char *host = options->host ? options->host : "client";
	struct weft__tls *tls;
	int r;

	WEFT_RETURN_IF(!options->context || !options->fns || !ret_tls, -EINVAL);
	WEFT_RETURN_IF(!options->host && !options->context->server, -EINVAL);
	tls = weft_calloc(1, sizeof(*tls));
	if (!tls)
		return -ENOMEM;
	tls->options = *options;
	weft__tls_context_ref(options->context);
	tls->host = weft_strndup(host, name_len(host));
	r = tls->host ? ssl_make(tls) : -ENOMEM;
	ERR_clear_error();
	if (r < 0) {
		weft__tls_destroy(tls);
		return r;
	}
	*ret_tls = tls;
	return 0;
}

void weft__tls_destroy(struct weft__tls *tls)
{
	if (!tls)
		return;
	WEFT_ASSERT(!tls->busy);
	tls->muted = true;
	/*
	 * OpenSSL takes a session that was not shut down for one that was attacked, and spoils its ticket. A
	 * wire that went away is no attack; a failed session is.
	 */
	if (tls->ssl && tls->state != WEFT__TLS_FAILED && SSL_is_init_finished(tls->ssl))
		SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(tls->ssl);
	weft__tls_context_unref(tls->options.context);
	weft_free(tls->kept);
	weft_free(tls->host);
	weft_free(tls);
}

/* ---- going on --------------------------------------------------------------------------------------------- */

static int fail(struct weft__tls *tls)
{
	tls->state = WEFT__TLS_FAILED;
	return weft__tls_explain(tls);
}

/* OpenSSL did not do what it was asked: for want of bytes, because the peer ended, or for good. */
static void settle(struct weft__tls *tls, int result)
{
	int why = SSL_get_error(tls->ssl, result);

	if (why == SSL_ERROR_ZERO_RETURN)
		tls->state = WEFT__TLS_ENDED;
	else if (why != SSL_ERROR_WANT_READ)
		fail(tls);
}

static void handshake(struct weft__tls *tls)
{
	int n = SSL_do_handshake(tls->ssl);

	if (n != 1) {
		settle(tls, n);
		return;
	}
	tls->state = WEFT__TLS_OPEN;
	if (tls->options.fns->open && !tls->muted)
		tls->options.fns->open(tls->options.user);
}

static void decrypt(struct weft__tls *tls)
{
	uint8_t plain[PIECE_BYTES];
	size_t most = 0;

	while (tls->state == WEFT__TLS_OPEN && !tls->paused && !tls->muted) {
		int n = SSL_read(tls->ssl, plain, sizeof(plain));

		if (n <= 0) {
			settle(tls, n);
			break;
		}
		most = (size_t)n > most ? (size_t)n : most;
		tls->options.fns->data(plain, (size_t)n, tls->options.user);
		ERR_clear_error(); /* the owner may have used OpenSSL too */
	}
	explicit_bzero(plain, most); /* tokens come so, and the stack keeps what lay on it */
}

static int go_on(struct weft__tls *tls)
{
	ERR_clear_error();
	tls->busy = true;
	if (tls->state == WEFT__TLS_HANDSHAKE)
		handshake(tls);
	if (tls->state == WEFT__TLS_OPEN)
		decrypt(tls);
	tls->busy = false;
	return tls->state == WEFT__TLS_FAILED ? tls->error.code : 0;
}

/* What OpenSSL has not read when feed returns is the caller's memory: only a pause leaves any. */
static int keep_rest(struct weft__tls *tls)
{
	uint8_t *copy = NULL;

	if (tls->in_len && tls->paused && !tls->muted) {
		copy = weft_malloc(tls->in_len);
		if (!copy) {
			tls->in_len = 0;
			return -ENOMEM;
		}
		memcpy(copy, tls->in, tls->in_len);
	} else {
		tls->in_len = 0;
	}
	weft_free(tls->kept);
	tls->kept = copy;
	tls->in = copy;
	return 0;
}

/* The rest of before and what is new, in one piece. */
static int join_rest(struct weft__tls *tls, const uint8_t *bytes, size_t len)
{
	uint8_t *both;

	if (tls->in_len == 0) {
		tls->in = bytes;
		tls->in_len = len;
		return 0;
	}
	if (len == 0)
		return 0;
	both = weft_malloc(tls->in_len + len);
	if (!both)
		return -ENOMEM;
	memcpy(both, tls->in, tls->in_len);
	memcpy(both + tls->in_len, bytes, len);
	weft_free(tls->kept);
	tls->kept = both;
	tls->in = both;
	tls->in_len += len;
	return 0;
}

static int no_memory(struct weft__tls *tls)
{
	tls->state = WEFT__TLS_FAILED;
	return weft_error_set(&tls->error, -ENOMEM, "%s: no memory for TLS", tls->host);
}

int weft__tls_start(struct weft__tls *tls)
{
	WEFT_ASSERT(tls->state == WEFT__TLS_HANDSHAKE);
	return go_on(tls);
}

int weft__tls_feed(struct weft__tls *tls, const uint8_t *bytes, size_t len)
{
	int r;

	WEFT_ASSERT(!tls->busy);
	if (tls->state == WEFT__TLS_FAILED)
		return tls->error.code;
	if (tls->state == WEFT__TLS_ENDED || tls->muted)
		return 0;
	if (join_rest(tls, bytes, len) < 0)
		return no_memory(tls);
	r = go_on(tls);
	if (keep_rest(tls) < 0)
		r = no_memory(tls);
	return r;
}

int weft__tls_pause(struct weft__tls *tls, bool paused)
{
	tls->paused = paused;
	if (paused || tls->busy || tls->muted || tls->state != WEFT__TLS_OPEN)
		return tls->error.code;
	return weft__tls_feed(tls, NULL, 0);
}

/* With partial writes, one record a turn; nothing can be left over, because out takes all. */
int weft__tls_send(struct weft__tls *tls, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	if (tls->state == WEFT__TLS_FAILED)
		return tls->error.code;
	if (tls->state == WEFT__TLS_HANDSHAKE || tls->finished)
		return -EPIPE;
	ERR_clear_error();
	while (len && !tls->muted) {
		int n = SSL_write(tls->ssl, at, len < INT_MAX ? (int)len : INT_MAX);

		if (n <= 0)
			return fail(tls);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

void weft__tls_finish(struct weft__tls *tls)
{
	if (tls->finished || (tls->state != WEFT__TLS_OPEN && tls->state != WEFT__TLS_ENDED))
		return;
	tls->finished = true;
	ERR_clear_error();
	SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

void weft__tls_mute(struct weft__tls *tls)
{
	tls->muted = true;
}

/*
 * ---- what it is like
 * ------------------------------------------------------------------------------------------
 */

bool weft__tls_ended(const struct weft__tls *tls)
{
	return tls->state == WEFT__TLS_ENDED;
}

bool weft__tls_is_quiet(const struct weft__tls *tls)
{
	return tls->state == WEFT__TLS_OPEN && tls->in_len == 0 && !SSL_has_pending(tls->ssl);
}

bool weft__tls_resumed(const struct weft__tls *tls)
{
	return SSL_session_reused(tls->ssl);
}

const char *weft__tls_version(const struct weft__tls *tls)
{
	return SSL_get_version(tls->ssl);
}

const char *weft__tls_why(const struct weft__tls *tls)
{
	return tls->error.message;
}
