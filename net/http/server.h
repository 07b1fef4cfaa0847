/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/server.h - HTTP/1.1 requests, each answered when its handler is ready.
 *
 * A server lives on one loop: every call and callback is in that loop's thread. Several, one a loop, may share a port (net/http/service.h).
 *
 *     accepted -> head -> body -> request() -> respond | begin, write ..., end | abort -> the next request, or the end
 *                                    \-> gone (the peer left before the answer was complete)
 *
 * A request is handed over when all of it has come. Requests that follow on the same connection wait until it is
 * answered, so answers keep their order. What is not well-formed, too long or too slow is answered here (400, 408,
 * 413, 431, 501, 505) and the connection is closed; so is one connection too many (503), unless the oldest yields.
 */
#ifndef WEFT_NET_HTTP_SERVER_H
#define WEFT_NET_HTTP_SERVER_H

#include <sys/socket.h>

#include <weft/error.h>

#include "net/http/message.h"

struct weft__loop;
struct weft__http_server;

/*
 * A request and its answer. From request() on it is the handler's, until that has answered (respond, end, abort: the
 * exchange is over when they return, whatever they return) or was told gone: then it must not be touched any more.
 */
struct weft__http_exchange {
	weft_str method, target, body;          /* valid as long as the exchange */
	const struct weft__http_field *fields;
	uint32_t field_count;
	uint8_t minor;                          /* HTTP/1.<minor> */
	struct weft__http_server *server;
	void *user;                             /* the handler's; NULL at first */

	/* The handler's to set; may be NULL. Never called inside a call of the exchange. */
	void (*drained)(struct weft__http_exchange *x); /* all that was written has left */
	void (*gone)(struct weft__http_exchange *x);    /* the peer cannot be reached any more: the exchange is over when it returns */
};

/* What has happened so far. */
struct weft__http_server_stats {
	uint64_t accepted, requests, refused; /* refused: answered here, without a handler */
	uint64_t gone;                        /* peers that left before their answer was complete */
	uint32_t connections;                 /* open now */
};

struct weft__http_server_options {
	const struct sockaddr *address;   /* of inet, inet6 or unix; port 0: the kernel chooses */
	socklen_t address_len;
	bool reuse_port;                  /* share the port with other servers of this process */
	struct weft__http_limits limits;  /* of a request */
	uint32_t connections_max;         /* 0: 10,000 */
	bool oldest_yields;               /* one too many is not refused: the oldest without a whole request goes. For few connections */
	/* Lengths of time in ns. 0: the default; UINT64_MAX: no limit. */
	uint64_t head_ns;                 /* for a head, from its first byte, or from the connection's; 30 s */
	uint64_t body_ns;                 /* between two pieces of a body, and for all of it but a second per KiB; 30 s */
	uint64_t idle_ns;                 /* between two requests; 75 s */
	uint64_t send_ns;                 /* without anything of an answer being taken; 60 s */
	/* A request has come. */
	void (*request)(struct weft__http_exchange *x, void *user);
	/* The server ended: nothing of it is left but these counts. May be NULL. */
	void (*closed)(const struct weft__http_server_stats *stats, void *user);
	void *user;
};

/*
 * Listen, and serve from now on. Everything in options but user's target is copied. The loop's end ends it at once.
 * 0, -EINVAL, -ENOMEM, -ESHUTDOWN (the loop ends), -EADDRINUSE and what else listen may say; err (may be NULL) says it in words.
 */
int weft__http_server_open(struct weft__loop *loop, const struct weft__http_server_options *options,
                           struct weft__http_server **ret_server, weft_error *err);

/* In host order. */
uint16_t weft__http_server_port(const struct weft__http_server *server);

void weft__http_server_stats(const struct weft__http_server *server, struct weft__http_server_stats *ret);

/*
 * Accept no more; end idle connections; let what was begun be answered; then closed. now: end those too (their handlers are
 * told gone). May be called again with now. server is gone when closed is called, which never happens inside this call.
 */
void weft__http_server_close(struct weft__http_server *server, bool now);

/* ---- answering ------------------------------------------------------------------------ */

/*
 * The whole answer. Content-Length, Connection and Date are written here, as is what belongs to a HEAD. A field that cannot
 * be written makes it a 500. 0, or -EINVAL (such a field), -ENOMEM, -ENOBUFS, -EPIPE: the connection is closed, then.
 */
int weft__http_respond(struct weft__http_exchange *x, int status, const struct weft__http_field *fields, uint32_t count,
                       weft_str body);

/*
 * An answer whose length is not known: begin, any number of writes, end. Chunked, or closed by the end for HTTP/1.0. begin and
 * write: 0, -EINVAL (a field), -ENOMEM, -EPIPE (gone is on its way), -ENOBUFS (write: too much has not been taken;
 * nothing was written, wait for drained). After a failure of begin, abort.
 */
int weft__http_begin(struct weft__http_exchange *x, int status, const struct weft__http_field *fields, uint32_t count);
int weft__http_write(struct weft__http_exchange *x, const void *bytes, size_t len);
int weft__http_end(struct weft__http_exchange *x);

/* Break the connection: the peer sees a reset. */
void weft__http_abort(struct weft__http_exchange *x);

/* Bytes of answers on this connection that have not left. */
size_t weft__http_unsent(const struct weft__http_exchange *x);

#endif
