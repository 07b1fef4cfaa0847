/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client.h - one HTTP/1.1 request, and its answer as it comes.
 *
 * Each loop has one client, made by its first call and ended with the loop. The client finds the host
 * (net/dns), takes an idle connection of the same origin or makes one (through a proxy, through TLS), and
 * gives the answer to the call's functions:
 *
 *     start -> head -> body ... body -> done(0)          the whole answer arrived; any HTTP status
 *         \       \        \------------> done(-Exxx)    what was given so far is all there will be
 *          \       \--------------------> done(-Exxx)
 *           \---------------------------> done(-Exxx)
 *
 * done comes exactly once for each start that returned 0, inside a wait of the loop, never inside start, cancel
 * or pause. After it the call is its owner's again. In head, body and done any function of this header may be
 * called, of this call and of others; in done the call may be started again or freed.
 *
 * All in the loop's thread. All sizes are bounded. Nothing here is ever logged or put into an error but the
 * host's name, the port and the reason: no fields, no bodies, no paths, no passwords.
 *
 * How: docs/internals/http-client.md. Tests: tests/unit/net/test_http_client.c and its neighbours.
 */
#ifndef WEFT_NET_HTTP_CLIENT_H
#define WEFT_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/base.h>
#include <weft/error.h>

struct weft__loop;
struct weft__log;
struct weft__http_field;  /* net/http/message.h */
struct weft__http_flight; /* a call under way; private */

enum {
	/*
	 * Refuse hosts whose address is private, loopback, link-local, multicast or reserved: -EACCES.
	 * Checked for every address after the name was resolved, and it is those addresses that are connected
	 * to. Straight to the host, since a proxy would resolve again.
	 */
	WEFT__HTTP_PUBLIC_ONLY = 1u << 0,
	/* Believe any certificate. Logged, each time a connection is made. */
	WEFT__HTTP_INSECURE = 1u << 1,
	/* Straight to the host, whatever the environment says. */
	WEFT__HTTP_NO_PROXY = 1u << 2,
	/* A connection that nobody has used before, and that nobody uses after. */
	WEFT__HTTP_FRESH = 1u << 3,
	/*
	 * The request may reach the server twice. A reused connection that breaks before the first byte of
	 * the answer is replaced by a fresh one, once, when this is set or the method says so itself (GET,
	 * HEAD, OPTIONS, TRACE, PUT, DELETE).
	 */
	WEFT__HTTP_SAFE_TO_REPEAT = 1u << 4,
	/*
	 * Follow up to 10 redirections (301, 302, 303, 307, 308). The method becomes GET, without a body, for
	 * 303, and for POST with 301 and 302. When scheme, host or port change, only Accept, User-Agent and
	 * Content-* of the caller's fields go along: any other may be what proves who asks. From https only
	 * to https. PUBLIC_ONLY holds for every step.
	 */
	WEFT__HTTP_FOLLOW = 1u << 5,
	/* The body as it was sent: no Accept-Encoding of ours, no decoding. */
	WEFT__HTTP_AS_SENT = 1u << 6,
	/* With FOLLOW: a redirection that leaves the origin is -EACCES, for bodies that are meant for one server. */
	WEFT__HTTP_SAME_ORIGIN = 1u << 7
};

/* What 0 in a request means. */
#define WEFT__HTTP_CONNECT_NS UINT64_C(10000000000)     /* 10 s */
#define WEFT__HTTP_FIRST_BYTE_NS UINT64_C(300000000000) /* 5 min: a model may think for long */
#define WEFT__HTTP_IDLE_NS UINT64_C(120000000000)       /* 2 min */
#define WEFT__HTTP_ANSWER_BYTES_MAX (UINT64_C(64) << 20)

#define WEFT__HTTP_URL_BYTES_MAX 8192u
#define WEFT__HTTP_REQUEST_HEAD_BYTES_MAX (64u << 10)
#define WEFT__HTTP_REQUEST_BODY_BYTES_MAX (UINT64_C(256) << 20)

/* Zeroed but for method and url it is a plain GET. Everything is copied by start. */
struct weft__http_request {
	weft_str method;
	weft_str url; /* http:// or https://, without user and password; a #fragment is left out */
	/*
	 * Not Host, Content-Length, Transfer-Encoding, Connection, TE, Upgrade or Expect: those are the client's.
	 * User-Agent, Accept-Encoding and Accept are added where they are missing. No CR, LF or NUL anywhere.
	 */
	const struct weft__http_field *fields;
	uint32_t field_count;
	weft_str body;
	/* Deadlines, each a length of time in ns. 0: the default above; UINT64_MAX: none. */
	uint64_t connect_ns;     /* name, TCP, proxy and TLS together; waiting for a place in the pool too */
	uint64_t first_byte_ns;  /* from the connection's being there to the first byte of the answer */
	uint64_t idle_ns;        /* between two pieces of the answer; stands still while paused */
	uint64_t total_ns;       /* from start to done; 0: none */
	uint64_t body_bytes_max; /* of the answer, decoded; 0: the default; UINT64_MAX: no bound (streams) */
	uint32_t flags;
	const char *ca_file; /* PEM: the only authorities to trust; NULL: the system's */
	/*
	 * http://[user:password@]host:port; "": none; NULL: from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and
	 * NO_PROXY.
	 */
	const char *proxy;
};

/*
 * Embedded by its owner, who keeps it until done. The functions and user are the owner's to set; zero the
 * rest.
 */
struct weft__http_call {
	struct weft__http_flight *flight; /* private; NULL: not under way */
	/* The final status (never 1xx) and all fields of its head, valid during the call. May be NULL. */
	void (*head)(struct weft__http_call *call, int status, const struct weft__http_field *fields,
	             uint32_t n);
	/* The next bytes of the body, without transfer and content encodings; len > 0. May be NULL. */
	void (*body)(struct weft__http_call *call, const uint8_t *bytes, size_t len);
	/* status: 0 or one of those below; error is filled in then. Never NULL. */
	void (*done)(struct weft__http_call *call, int status);
	void *user;
	weft_error error;
	/* For those who decide whether to try again; set by done. */
	bool sent; /* some of the request may have reached the server; false: it is surely safe to repeat */
	bool answered; /* some byte of an answer arrived */
	bool reused;   /* on a connection that had been used before */
};

/*
 * Start a call. req and what it points at may go when this returns. 0: done will come. Negative: it will not,
 * and call->error says why: -EINVAL (no method, url or done; a field that is the client's or holds what it
 * may not; a URL that is none; a proxy that is none), -E2BIG (too large), -EPROTONOSUPPORT (scheme is not
 * http or https, or https in a build without TLS), -EALREADY (under way), -ENOBUFS (too many wait for a
 * connection), -ENOMEM, -ESHUTDOWN (the loop is ending).
 *
 * What done may say:
 *   -ETIMEDOUT        a deadline; error says which one
 *   -ECANCELED        cancelled, or the loop ends
 *   WEFT_EHOSTNAME    no such host; -EAGAIN: the resolver could not say now
 *   -EACCES           PUBLIC_ONLY and the address is not public; a redirection from https to http, or SAME_ORIGIN and away
 *   -ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH, ...: no address could be connected to; the last one's reason
 *   -ECONNRESET       the connection ended before the answer did
 *   WEFT_ECERT        the certificate is not believed; error says whose and why
 *   WEFT_ETLS         TLS failed otherwise
 *   WEFT_EPROXY       the proxy refused to connect; error has its status
 *   -EBADMSG          the answer is not HTTP/1.1, or its body is not what its head says
 *   -EMSGSIZE         the answer's head, fields or body are larger than allowed
 *   -ELOOP            FOLLOW, and more than 10 redirections
 *   -ENOMEM, -EMFILE, -ENFILE, -ENOBUFS
 */
int weft__http_start(struct weft__loop *loop, struct weft__http_call *call,
                     const struct weft__http_request *req);

/*
 * Give up. head and body come no more; done comes with -ECANCELED (or with what had been decided before). The
 * connection is closed at once, so the server's bytes stop too. Nothing happens when the call is not under
 * way.
 */
void weft__http_cancel(struct weft__http_call *call);

/*
 * No body calls while paused, and done waits too. The socket is not read meanwhile, so the server has to
 * wait. A call that is paused by its own body function may be given what was already read; resuming never
 * calls body itself.
 */
void weft__http_pause(struct weft__http_call *call, bool paused);

/* ---- the client of a loop ------------------------------------------------------------------------ */

struct weft__http_config {
	uint32_t connections_max;        /* in all; more calls wait in the order they came */
	uint32_t origin_connections_max; /* to one origin (scheme, host, port, proxy, TLS settings) */
	uint32_t idle_max;               /* kept without a call; the longest idle one goes */
	uint32_t origin_idle_max;
	uint32_t waiting_max;        /* calls without a connection; one more is -ENOBUFS */
	uint64_t idle_ns;            /* how long a connection is kept without a call */
	const struct weft__log *log; /* must outlive the loop; NULL: the loop's */
};

#define WEFT__HTTP_CONFIG_INIT                                                                               \
	{                                                                                                    \
		.connections_max = 16384, .origin_connections_max = 16384, .idle_max = 1024,                 \
		.origin_idle_max = 256, .waiting_max = 65536, .idle_ns = UINT64_C(60000000000)               \
	}

/* For calls and connections from now on. Zeros are taken from the defaults. 0, -ENOMEM, -ESHUTDOWN. */
int weft__http_configure(struct weft__loop *loop, const struct weft__http_config *config);

/* started == done + under way; opened == closed + open. */
struct weft__http_counts {
	uint64_t started, done;
	uint64_t opened, closed; /* connections */
	uint64_t reused;         /* calls that took a connection that was there */
	uint64_t repeated;       /* calls that were given a fresh connection after a used one broke */
	uint64_t resumed;        /* TLS handshakes cut short by a session of before */
	uint32_t idle, busy, waiting;
};

/* All zero when the loop has no client yet. */
void weft__http_counts(struct weft__loop *loop, struct weft__http_counts *ret_counts);

/* Close what is idle, and forget TLS sessions and names: after a change of network, and in tests. */
void weft__http_flush(struct weft__loop *loop);

#endif
