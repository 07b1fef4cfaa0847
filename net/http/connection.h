/* SPDX-License-Identifier: Apache-2.0 */
/* net/http/connection.h - a server and its connections, for server.c, connection.c and exchange.c. */
#ifndef WEFT_NET_HTTP_CONNECTION_H
#define WEFT_NET_HTTP_CONNECTION_H

#include "net/http/parse.h"
#include "net/http/server.h"
#include "net/http/write.h"
#include "runtime/io/listener.h"
#include "runtime/io/loop.h"
#include "runtime/io/stream.h"

/*
 *     IDLE -> READING -> ANSWERING -> IDLE
 *        \       \           \-> LINGERING: nothing more is sent; what still comes is dropped, so that the peer
 *         \       \-----------/   reads the answer before a reset tears it away
 *          \-------------------> ENDED: the stream is being closed
 */
enum { WEFT__HTTP_IDLE, WEFT__HTTP_READING, WEFT__HTTP_ANSWERING, WEFT__HTTP_LINGERING, WEFT__HTTP_ENDED };

struct weft__http_bytes {
	uint8_t *ptr; /* owned */
	size_t len, cap;
};

struct weft__http_connection {
	struct weft__http_exchange x; /* first */
	struct weft__http_server *server;
	struct weft__http_connection *next, *prev;
	struct weft__stream stream;
	struct weft__http_parser parser;
	struct weft__alarm alarm;
	struct weft__job job;         /* goes on with what was kept */
	struct weft__http_bytes kept; /* of requests behind this one */
	struct weft__http_bytes head; /* what x's strings and fields are made of */
	struct weft__http_bytes body;
	uint64_t due_ns, armed_ns;    /* what is waited for ends then (UINT64_MAX: no limit); the alarm rings then, or before */
	uint64_t body_since_ns;       /* when the body was first waited for; 0: not yet */
	uint64_t queued, taken_seen;  /* bytes given to the stream; of them taken by the kernel when somebody last looked */
	uint8_t phase;
	bool keep;         /* another request may follow */
	bool begun;        /* of the answer: begin was called */
	bool head_only;    /* it has no body: HEAD, 204, 304 */
	bool chunked;      /* it is */
	bool peer_ended;
	bool taking;       /* bytes are being read: what is answered now goes on there */
	bool job_queued;
	bool watching;     /* the alarm is for what is being sent */
	bool dead;         /* the stream is closed; the job frees */
};

struct weft__http_server {
	struct weft__resident resident; /* first */
	struct weft__loop *loop;
	struct weft__listener listener;
	struct weft__http_server_options options;
	struct weft__http_server_stats stats;
	struct weft__http_connection *connections;
	struct weft__http_writer writer; /* for one head at a time */
	int64_t date_s;
	char date[32];
	bool closing, listening;
};

/* server.c */
void weft__http_connection_gone(struct weft__http_connection *c); /* the stream is closed */

/* connection.c */
int weft__http_connection_open(struct weft__http_server *s, int fd, bool refuse); /* fd is ours, whatever comes of it */
void weft__http_connection_end(struct weft__http_connection *c, bool reset);      /* at once; the handler is told */
void weft__http_exchange_over(struct weft__http_connection *c);                   /* answered */
/* Send no more; drop what comes; close when the peer has, or after a while. */
void weft__http_connection_linger(struct weft__http_connection *c);
/* The job: what was kept is read; or, of an answer whose pieces are not sent, drained is told. */
void weft__http_connection_later(struct weft__http_connection *c);
/* Something of an answer was written: see that it is taken. */
void weft__http_watch_sending(struct weft__http_connection *c);

/* exchange.c */
void weft__http_refuse_request(struct weft__http_connection *c, int status, const char *why);

static inline struct weft__http_connection *weft__http_connection_of(const struct weft__http_exchange *x)
{
	return (struct weft__http_connection *)(uintptr_t)x;
}

#endif
