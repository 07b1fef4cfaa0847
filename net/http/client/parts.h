/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client/parts.h - what the client is made of. Private to this folder.
 *
 *     client, one a loop
 *       origin: scheme, host, port, TLS beliefs, proxy      who may share connections
 *         wire: one connection, one exchange at a time      dialing -> idle <-> busy -> closed
 *           socket: one attempt to reach one address        the first that answers becomes the wire's
 *       flight: one call under way                          waiting -> sent -> answered -> done
 *
 * A flight that must wait stands in its origin's line. One that gets a new wire is bound to it from the
 * beginning, so whatever goes wrong with the wire is that flight's error; but when another wire of the origin
 * becomes idle first, the flight moves there, and the wire that it leaves goes on dialing for the next one.
 *
 * Who frees what: a socket goes when its stream is closed, a wire when its last socket has gone, an origin
 * when nothing of it is left and room is wanted, a flight before its call's done, the client when its loop
 * has ended and all of these have gone. So in a callback, everything above the caller is still there when it
 * returns.
 */
#ifndef WEFT_NET_HTTP_CLIENT_PARTS_H
#define WEFT_NET_HTTP_CLIENT_PARTS_H

#include <sys/queue.h>

#include "net/dns/resolver.h"
#include "net/helper/helper.h"
#include "net/http/client.h"
#include "net/http/inflate.h"
#include "net/http/message.h"
#include "net/http/parse.h"
#include "net/http/proxy.h"
#include "net/http/url.h"
#include "net/tls/tls.h"
#include "runtime/io/loop.h"
#include "runtime/io/stream.h"

#define WEFT__HTTP_ORIGIN_BUCKETS 64u
#define WEFT__HTTP_ORIGINS_KEPT 256u /* with nothing under way: for their TLS tickets */

struct weft__http_client;
struct weft__http_origin;
struct weft__http_wire;
struct weft__http_flight;
struct weft__http_redirect;

/* ---- flights -------------------------------------------------------------------------------------- */

enum {
	WEFT__FLIGHT_WAITING, /* for a wire, or for its wire to be ready */
	WEFT__FLIGHT_SENT,    /* for the first byte of the answer */
	WEFT__FLIGHT_ANSWERED,
	WEFT__FLIGHT_ENDED, /* the answer is whole; done waits for the end of a pause */
	WEFT__FLIGHT_OVER   /* done is on its way */
};

struct weft__http_flight {
	struct weft__http_call *call; /* the owner's */
	struct weft__http_client *client;
	struct weft__http_origin *origin;
	struct weft__http_wire *wire; /* NULL: in the origin's line */
	TAILQ_ENTRY(weft__http_flight) all, line;
	char *bytes; /* owned: the request as it is sent; NULL once it cannot be needed again */
	size_t len;
	struct weft__inflate *inflate;        /* owned; NULL: the body needs no unpacking */
	struct weft__http_redirect *redirect; /* owned; NULL: redirections are answers like others */
	struct weft__alarm alarm;             /* the next deadline */
	struct weft__job job;                 /* done, or going on after a pause */
	uint64_t connect_ns, first_byte_ns, idle_ns, body_bytes_max;
	uint64_t total_due_ns, phase_ns; /* phase_ns: when the state began, or the last bytes came */
	uint32_t flags;
	int result;
	uint8_t state;
	bool in_line, queued; /* queued: job is */
	bool is_head, may_repeat, repeated, needs_new, paused, keep_wire;
	bool moves; /* the answer being read is a redirection to follow */
};

/*
 * The call is over: out of the line, off its wire (which is closed when it is busy or was dialing for it);
 * done comes later.
 */
void weft__http_flight_fail(struct weft__http_flight *f, int status, const char *fmt, ...) WEFT_PRINTF(3, 4);

/* The answer is whole and its wire free for others. Calls done; f is gone. */
void weft__http_flight_done(struct weft__http_flight *f);

/* It has a wire now. */
void weft__http_flight_leave_line(struct weft__http_flight *f);

/* Back to the head of the line, for a wire that nobody has used. */
void weft__http_flight_repeat(struct weft__http_flight *f);

/* A state begins now: its deadline runs. */
void weft__http_flight_enter(struct weft__http_flight *f, uint8_t state);

/* ---- requests ----------------------------------------------------------------------------------------- */

/*
 * The request as bytes for that address; through_proxy: with the whole address in it. 0 or negative with an
 * error.
 */
int weft__http_request_write(const struct weft__http_request *req, const struct weft__url *url,
                             const struct weft__proxy *absolute_for, char **ret_bytes, size_t *ret_len,
                             weft_error *err);
bool weft__http_method_repeats(weft_str method);

/* ---- redirections ---------------------------------------------------------------------------------------- */

/* A copy of the request, to send it elsewhere. NULL when there is no memory. */
struct weft__http_redirect *weft__http_redirect_new(const struct weft__http_request *req);
void weft__http_redirect_free(struct weft__http_redirect *redirect); /* NULL is fine */

/*
 * Is this answer one to follow? Remembers where to: 1. 0: it is an answer. Negative: it leads nowhere; error
 * set.
 */
int weft__http_redirect_look(struct weft__http_redirect *redirect, int status,
                             const struct weft__http_field *fields, uint32_t n, weft_error *err);
/* The request that follows, the redirect's until the next look. */
const struct weft__http_request *weft__http_redirect_next(struct weft__http_redirect *redirect);

/*
 * Join an address and a reference found in its answer (RFC 3986, 5.2); owned by the caller, NULL: no memory,
 * or none.
 */
char *weft__http_url_join(weft_str base, weft_str reference);

/* ---- wires --------------------------------------------------------------------------------------------- */

enum {
	WEFT__WIRE_TRUST, /* the origin's certificates are being read */
	WEFT__WIRE_NAME,  /* its name is being resolved */
	WEFT__WIRE_CONNECT,
	WEFT__WIRE_TUNNEL, /* the proxy was asked to connect */
	WEFT__WIRE_HANDSHAKE,
	WEFT__WIRE_IDLE, /* from here on it is connected */
	WEFT__WIRE_BUSY,
	WEFT__WIRE_CLOSED
};

/* One attempt to reach one address. */
struct weft__http_socket {
	struct weft__stream stream; /* first */
	struct weft__http_wire *wire;
	TAILQ_ENTRY(weft__http_socket) all;
	struct weft__address address;
};

TAILQ_HEAD(weft__http_sockets, weft__http_socket);

struct weft__http_wire {
	struct weft__http_client *client;
	struct weft__http_origin *origin;
	struct weft__http_flight *flight; /* whose exchange it carries, or for whom it dials; may be NULL */
	TAILQ_ENTRY(weft__http_wire) all;
	TAILQ_ENTRY(weft__http_wire) idle; /* of the client, by age */
	TAILQ_ENTRY(weft__http_wire) list; /* of the origin: dialing or idle */
	struct weft__http_sockets sockets; /* all whose stream is not closed yet */
	struct weft__http_socket *socket;  /* the one that answered first; NULL: none yet */
	struct weft__tls *tls;             /* owned; NULL: none */
	struct weft__dns_query query;
	struct weft__dns_answer *answer; /* a reference, while connecting */
	uint32_t next_address;
	uint32_t trying;             /* sockets that are neither connected nor refused */
	int connect_error;           /* of the last address that failed */
	struct weft__alarm alarm;    /* connecting: the next address */
	struct weft__alarm patience; /* nobody to dial for: give up */
	struct weft__job job;        /* the end */
	uint64_t idle_since_ns;
	uint32_t exchanges; /* begun on it */
	uint8_t state;
	bool ending; /* job is on its way */
	struct weft__http_parser parser;
};

/*
 * A new one for the flight, which is bound to it. -ENOMEM: nothing happened. What else goes wrong is the
 * flight's failure.
 */
int weft__http_wire_open(struct weft__http_origin *origin, struct weft__http_flight *f);

/* Send the flight's request. On an idle wire, or one that has just become ready. */
void weft__http_wire_carry(struct weft__http_wire *w, struct weft__http_flight *f);

/* Has nothing come on this idle wire that the loop has not told yet: bytes, an end? */
bool weft__http_wire_is_quiet(const struct weft__http_wire *w);

/* Nobody dials for a flight that has left; the wire does not wait for ever. */
void weft__http_wire_orphan(struct weft__http_wire *w, uint64_t due_ns);

/* No callback of it comes any more; what it holds is let go. Its flight must have left. */
void weft__http_wire_close(struct weft__http_wire *w);

/* The certificates of its origin are there, or not (status < 0, and why). */
void weft__http_wire_trusts(struct weft__http_wire *w, int status, const char *why);

/* Bytes that are not TLS any more. */
void weft__http_wire_read(struct weft__http_wire *w, const uint8_t *bytes, size_t len);

/* The peer sends no more (status 0), or the connection broke. */
void weft__http_wire_ended(struct weft__http_wire *w, int status, const char *why);

/* dial.c: connect to the addresses of w->answer, one after the other, the next one when it takes long. */
void weft__http_dial(struct weft__http_wire *w);
void weft__http_dial_stop(struct weft__http_wire *w); /* all sockets but w->socket are closed */
/* Told by dial: w->socket is set, or all have failed. */
void weft__http_wire_connected(struct weft__http_wire *w);
void weft__http_wire_unreachable(struct weft__http_wire *w, int status);

/* answer.c: the sink of wires that carry an answer. */
extern const struct weft__http_sink weft__http_answer_sink;
/* More of the answer, the connection's end (eof), or the end of a pause. */
void weft__http_answer_read(struct weft__http_wire *w, const uint8_t *bytes, size_t len);
void weft__http_answer_ended(struct weft__http_wire *w, int status, const char *why);
void weft__http_answer_go_on(struct weft__http_flight *f);

/* ---- origins --------------------------------------------------------------------------------------------- */

TAILQ_HEAD(weft__http_wires, weft__http_wire);
TAILQ_HEAD(weft__http_flights, weft__http_flight);

struct weft__http_trust; /* certificates being read */

struct weft__http_origin {
	struct weft__http_client *client;
	TAILQ_ENTRY(weft__http_origin) bucket, starved;
	char *key; /* owned, as all strings here */
	char *host;
	char *ca_file;            /* NULL: the system's */
	char *label;              /* "host:port", for errors */
	struct weft__proxy proxy; /* host NULL: none */
	struct weft__tls_context *context;
	struct weft__tls_tickets tickets;
	struct weft__http_trust *trust; /* NULL: nothing is being read */
	struct weft__http_flights line;
	struct weft__http_wires idle;    /* the one used last first */
	struct weft__http_wires dialing; /* the oldest first */
	uint64_t hash;
	uint32_t wires, idle_wires;
	uint16_t port;
	bool tls, insecure, public_only, is_starved;
};

/* The origin of that address under these flags; made when it is missing. proxy may be NULL. NULL: no memory. */
struct weft__http_origin *weft__http_origin_get(struct weft__http_client *client, const struct weft__url *url,
                                                uint32_t flags, const char *ca_file,
                                                const struct weft__proxy *proxy);
void weft__http_origin_free(struct weft__http_origin *origin);

/* Give those in line wires: idle ones, then new ones as far as limits allow. */
void weft__http_origin_serve(struct weft__http_origin *origin);

/* A wire has become free for anybody. */
void weft__http_origin_take(struct weft__http_wire *w);

/* A wire of it is gone for good; others may have its place. */
void weft__http_origin_lost(struct weft__http_origin *origin);

/* Have the certificates for a new wire: 1 they are there. 0: wire_trusts will be called. Negative: no memory. */
int weft__http_origin_trust(struct weft__http_origin *origin);

/*
 * ---- the client
 * -----------------------------------------------------------------------------------------------
 */

TAILQ_HEAD(weft__http_origins, weft__http_origin);

struct weft__http_client {
	struct weft__resident resident; /* first */
	struct weft__loop *loop;
	struct weft__resolver *resolver;
	struct weft__http_config config;
	struct weft__proxies proxies;
	struct weft__http_origins buckets[WEFT__HTTP_ORIGIN_BUCKETS];
	struct weft__http_origins starved; /* with a line, and no wire for want of places */
	struct weft__http_wires wires;
	struct weft__http_wires idle; /* the oldest first */
	struct weft__http_flights flights;
	struct weft__alarm idle_alarm;
	struct weft__http_counts counts;
	uint32_t origins, wire_count;
	bool closing;
};

/* NULL: no memory, or the loop ends (*ret_status). */
struct weft__http_client *weft__http_client_of(struct weft__loop *loop, int *ret_status);
/* The last thing that whoever let go of a wire or a flight does. */
void weft__http_client_maybe_free(struct weft__http_client *client);
/* The idle wires changed: the alarm that ends the oldest. */
void weft__http_client_watch_idle(struct weft__http_client *client);

#endif
