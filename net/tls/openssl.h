/* SPDX-License-Identifier: Apache-2.0 */
/* net/tls/openssl.h - what the files of net/tls share about OpenSSL. Private to this room, but for enter and leave. */
#ifndef WEFT_NET_TLS_OPENSSL_H
#define WEFT_NET_TLS_OPENSSL_H

#include <sys/types.h>
#include <time.h>

#include <openssl/ssl.h>

#include "net/tls/tls.h"

/* Which file a context was made from: another one under the same name is another belief. */
struct weft__tls_file {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

/* Immutable once made, but for next and refs, which the lock of context.c guards. */
struct weft__tls_context {
	SSL_CTX *ssl_ctx;
	struct weft__tls_context *next; /* in the list of those shared */
	uint32_t refs;
	bool server;
	bool insecure;
	bool shared;
	char *ca_file; /* NULL: the system's */
	struct weft__tls_file file;
};

enum {
	WEFT__TLS_HANDSHAKE,
	WEFT__TLS_OPEN,
	WEFT__TLS_ENDED, /* the peer said close_notify */
	WEFT__TLS_FAILED
};

struct weft__tls {
	SSL *ssl;
	struct weft__tls_options options; /* context is a reference; host is ours */
	char *host;
	/* What feed was given and OpenSSL has not read: the caller's during feed, else in kept. */
	const uint8_t *in;
	size_t in_len;
	uint8_t *kept; /* in, between calls; only when paused */
	int out_error; /* what out returned */
	uint8_t state;
	bool paused, muted, finished, busy;
	weft_error error;
};

/*
 * For who uses OpenSSL for something else (net/oauth): initialise it as it is wanted here, and hold the end of the process up until
 * leave, which takes what OpenSSL has of this thread. False: the process ends, leave it alone.
 */
bool weft__tls_enter(void);
void weft__tls_leave(void);

/* The sentence for the error that OpenSSL has queued on this thread; gives the code that goes with it. */
int weft__tls_explain(struct weft__tls *tls);

/* Called by OpenSSL for each certificate of the peer's chain; remembers what is wrong with it. */
int weft__tls_verify(int ok, X509_STORE_CTX *store);

/* Called by OpenSSL with a session that can be resumed later. 1: ours now. */
int weft__tls_ticket_put(SSL *ssl, SSL_SESSION *session);
SSL_SESSION *weft__tls_ticket_take(struct weft__tls_tickets *tickets);

/* The sentence of OpenSSL's queue alone, for contexts; empties the queue. */
const char *weft__tls_reason(char *buf, size_t size);

#endif
