/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/tls/tls.h - TLS as a filter of bytes: it reads and writes nothing by itself.
 *
 *     the wire -> feed -> data -> the owner -> send -> out -> the wire
 *
 * A context is one set of beliefs (whom to trust, or who we are). Making one parses some 150 certificates,
 * 30 ms: the process keeps those in use, and gives the same one to whoever asks for the same beliefs.
 *
 * A session of one connection: TLS 1.2 or 1.3, the peer's name or address checked, http/1.1 by ALPN, no
 * renegotiation, no compression, no early data. Revocation is not checked (no OCSP, no CRL): the system's store
 * is not kept for it, and a client that asked would tell the authority whom it visits.
 *
 * Keys, plaintext and session tickets are never logged and appear in no error.
 *
 * Without OpenSSL (-Dtls=disabled) everything here is there and refuses with -EPROTONOSUPPORT (none.c).
 */
#ifndef WEFT_NET_TLS_H
#define WEFT_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

struct weft__tls_context;
struct weft__tls;

/* ---- contexts: any thread ------------------------------------------------------------------- */

struct weft__tls_beliefs {
	const char *
	        ca_file; /* PEM: the only authorities; NULL: the system's (SSL_CERT_FILE and SSL_CERT_DIR are heeded) */
	bool insecure; /* believe anybody */
};

/* True, or false in a build without TLS. */
bool weft__tls_available(void);

/*
 * The context for these beliefs if the process has it, with a reference for the caller; else NULL. A ca_file
 * that was replaced since is another belief. Does not block, but for one stat of ca_file.
 */
struct weft__tls_context *weft__tls_context_find(const struct weft__tls_beliefs *beliefs);

/* The same, made when it is missing: reads files. 0, or negative with a sentence that names the file. */
int weft__tls_context_client(const struct weft__tls_beliefs *beliefs, struct weft__tls_context **ret_context,
                             weft_error *err);

/* For accepting: a chain and its key, PEM. Not shared. */
int weft__tls_context_server(const char *chain_file, const char *key_file,
                             struct weft__tls_context **ret_context, weft_error *err);

struct weft__tls_context *weft__tls_context_ref(struct weft__tls_context *context);
void weft__tls_context_unref(struct weft__tls_context *context); /* NULL is fine */

/* ---- tickets: what resumes a session of before; one owner, one thread ------------------------------ */

#define WEFT__TLS_TICKETS 16u

/* Zeroed is empty. Of one origin and one context: a ticket of another must not get in. */
struct weft__tls_tickets {
	void *tickets[WEFT__TLS_TICKETS]; /* the newest last */
	uint32_t count;
};

void weft__tls_tickets_clear(struct weft__tls_tickets *tickets);

/* ---- sessions: one thread at a time ------------------------------------------------------------ */

struct weft__tls_fns {
	/* The handshake is done, and the peer is who it should be. */
	void (*open)(void *user);
	/* Plaintext; len > 0; valid during the call. */
	void (*data)(const uint8_t *bytes, size_t len, void *user);
	/* Ciphertext for the wire, all of it, in order. 0, or negative, which ends the session with that. */
	int (*out)(const uint8_t *bytes, size_t len, void *user);
};

struct weft__tls_options {
	struct weft__tls_context *context; /* referenced for as long as the session lives */
	const char *host; /* name or address to be checked and, a name, sent (SNI); NULL on a server */
	struct weft__tls_tickets *tickets; /* taken from and filled; outlives the session; may be NULL */
	const struct weft__tls_fns *fns;   /* outlives the session */
	void *user;
};

/* 0, -EINVAL, -ENOMEM, -EPROTONOSUPPORT. */
int weft__tls_create(const struct weft__tls_options *options, struct weft__tls **ret_tls);

/* Not from one of its own functions. What it has in tickets stays good. NULL is fine. */
void weft__tls_destroy(struct weft__tls *tls);

/* A client: say hello. Calls out. */
int weft__tls_start(struct weft__tls *tls);

/*
 * Bytes from the wire; len may be anything. Calls open, data and out. 0, or negative, once and for all:
 * WEFT_ECERT, WEFT_ETLS, -ENOMEM, or what out returned; weft__tls_why has a sentence. An alert for the peer
 * may have gone out meanwhile.
 */
int weft__tls_feed(struct weft__tls *tls, const uint8_t *bytes, size_t len);

/* Plaintext for the peer, after open. 0, -EPIPE (not open, or finished), or as feed. Calls out. */
int weft__tls_send(struct weft__tls *tls, const void *bytes, size_t len);

/* No data while paused; what was fed waits inside. Resuming calls data; its answer is as feed's. */
int weft__tls_pause(struct weft__tls *tls, bool paused);

/* No function is called any more, whatever comes: from inside data, for instance. */
void weft__tls_mute(struct weft__tls *tls);

/* Say that nothing more will be sent (close_notify). Calls out. */
void weft__tls_finish(struct weft__tls *tls);

/* Did the peer say so? When the wire ends before that, somebody may have cut it. */
bool weft__tls_ended(const struct weft__tls *tls);

/*
 * Has nothing been fed that was not used yet, and the peer not ended? An idle session that is not quiet has
 * had it.
 */
bool weft__tls_is_quiet(const struct weft__tls *tls);

/* Was the handshake cut short by a ticket? After open. */
bool weft__tls_resumed(const struct weft__tls *tls);

/* "TLSv1.3"; after open. Static text. */
const char *weft__tls_version(const struct weft__tls *tls);

/* Why it failed: "host: reason"; empty when it did not. Lives as long as tls. */
const char *weft__tls_why(const struct weft__tls *tls);

#endif
